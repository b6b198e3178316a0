//! Waiting for the sealer.

use std::time::{Duration, Instant};

use pgrx::JsonB;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::{ledger, seal, tree};
use crate::error::{Error, Result};

/// Time between two looks, in microseconds.
const STEP: i64 = 5_000;

/// Asks again and again until there is an answer.
fn until<T>(timeout: Duration, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if begun.elapsed() >= timeout {
            return Err(Error::SealTimeout { seconds: timeout.as_secs_f64() });
        }
        pgrx::check_for_interrupts!();
        // SAFETY: sleeps.
        unsafe { pg_sys::pg_usleep(STEP) };
    }
}

/// Keeps others from sealing until the transaction ends; waits a while for whoever is at it.
pub(super) fn hold_sealer() -> Result<()> {
    until(Duration::from_secs(30), || Ok(seal::lock()?.map(|_| ())))
}

fn milliseconds(timeout: i32) -> Duration {
    Duration::from_millis(u64::try_from(timeout).unwrap_or(0))
}

/// Waits until everything that was committed before the call is sealed.
#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
pub(super) fn audit_await_seal(timeout_ms: default!(i32, "10000")) -> std::result::Result<i64, ErrorReport> {
    Ok(ledger::as_owner(|| await_seal(milliseconds(timeout_ms)))?)
}

fn await_seal(timeout: Duration) -> Result<i64> {
    let wanted = seal::current_snapshot()?;
    until(timeout, || {
        Spi::connect_mut(|client| {
            let rows = client.update(
                "SELECT l.size FROM canon.audit_ledger AS l
                 WHERE NOT EXISTS (SELECT FROM canon.audit_entry AS e
                     WHERE (e.xid OPERATOR(pg_catalog.>=) pg_catalog.pg_snapshot_xmax(l.snapshot)
                            OR e.xid OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT pg_catalog.pg_snapshot_xip(l.snapshot))))
                       AND pg_catalog.pg_visible_in_snapshot(e.xid, $1::pg_catalog.text::pg_catalog.pg_snapshot)
                       AND NOT EXISTS (SELECT FROM canon.audit_position AS p
                           WHERE p.entry_id OPERATOR(pg_catalog.=) e.id))",
                Some(1),
                &[wanted.as_str().into()],
            )?;
            if rows.is_empty() { Ok(None) } else { Ok(rows.first().get_one::<i64>()?) }
        })
    })
}

/// Waits until a transaction has ended and is sealed, and gives the receipts of its entries.
#[pg_extern(sql = "
CREATE FUNCTION canon.audit_await_seal(xid xid8, timeout_ms integer DEFAULT 10000) RETURNS SETOF jsonb
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
pub(super) fn audit_await_receipts(
    xid: i64,
    timeout_ms: i32,
) -> std::result::Result<SetOfIterator<'static, JsonB>, ErrorReport> {
    let receipts = ledger::as_owner(|| {
        await_transaction(xid, milliseconds(timeout_ms))?;
        let entries = Spi::connect(|client| {
            let sql = "SELECT e.id FROM canon.audit_entry AS e
                 JOIN canon.audit_position AS p ON p.entry_id OPERATOR(pg_catalog.=) e.id
                 WHERE e.xid OPERATOR(pg_catalog.=) $1 ORDER BY p.position";
            let rows = client.select(sql, None, &[ledger::xid(xid)])?;
            rows.map(|row| row.get::<i64>(1)).collect::<std::result::Result<Vec<_>, _>>()
        })?;
        entries.into_iter().flatten().map(|entry| tree::receipt(entry).map(JsonB)).collect::<Result<Vec<_>>>()
    })?;
    Ok(SetOfIterator::new(receipts))
}

fn await_transaction(xid: i64, timeout: Duration) -> Result<()> {
    // SAFETY: reads the number of the own transaction, and assigns none.
    let own = unsafe { pg_sys::GetTopFullTransactionIdIfAny().value };
    let wrong = |what: &str| Error::BadAuditOption {
        option: "xid",
        value: format!("{} ({what})", xid.cast_unsigned()),
        allowed: "a transaction that has committed, or will",
    };
    if own == xid.cast_unsigned() {
        return Err(wrong("that of the call"));
    }
    let sealed = until(timeout, || {
        let status = Spi::connect_mut(|client| {
            let sql = "SELECT pg_catalog.pg_xact_status($1),
                 EXISTS (SELECT FROM canon.audit_entry AS e WHERE e.xid OPERATOR(pg_catalog.=) $1
                     AND NOT EXISTS (SELECT FROM canon.audit_position AS p
                         WHERE p.entry_id OPERATOR(pg_catalog.=) e.id))";
            client.update(sql, Some(1), &[ledger::xid(xid)])?.first().get_two::<String, bool>()
        })?;
        Ok(match status {
            (Some(status), _) if status == "aborted" => Some(false),
            (Some(status), _) if status == "in progress" => None,
            (_, Some(true)) => None,
            _ => Some(true),
        })
    })?;
    if sealed { Ok(()) } else { Err(wrong("rolled back")) }
}
