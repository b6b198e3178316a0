//! Removing old entries: a prefix of the ledger goes, its roots stay, and an entry says so.

use canon_core::ledger::dump::Anchor;
use canon_core::ledger::entry::Operation;
use canon_core::ledger::value::Class;
use pgrx::datum::TimestampWithTimeZone;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::await_seal::hold_sealer;
use super::redact::announce;
use super::{ledger, verify};
use crate::error::{Error, Result};
use crate::subtransaction::attempt;

/// Removes the entries of the time before. Returns how many.
#[pg_extern(schema = "canon", volatile, strict, parallel_unsafe)]
pub(super) fn audit_retain(before: TimestampWithTimeZone, reason: &str) -> std::result::Result<i64, ErrorReport> {
    Ok(ledger::as_owner(|| retain(before, reason))?)
}

fn retain(before: TimestampWithTimeZone, reason: &str) -> Result<i64> {
    hold_sealer()?;
    let Some(block) = last_block_before(before)? else {
        // What an earlier call could not drop.
        let removed = verify::beginning()?.anchor.size;
        remove_entries(i64::try_from(removed).unwrap_or(i64::MAX))?;
        return Ok(0);
    };
    let anchor = verified_up_to(block)?;
    let size = i64::try_from(anchor.size).unwrap_or(i64::MAX);
    remove_entries(size)?;
    remove_lanes(size)?;
    let removed = remove_positions(size)?;
    remember(&anchor, size)?;
    let block_hash = anchor.block_hash.to_string();
    announce(
        Operation::Retain,
        &[
            ("before", Class::TimestampTz, &super::columns::micros(before.into()).to_be_bytes()),
            ("reason", Class::Text, reason.as_bytes()),
            ("entries", Class::Int, &removed.to_be_bytes()),
            ("size", Class::Int, &size.to_be_bytes()),
            ("block", Class::Int, &block.to_be_bytes()),
            ("block_hash", Class::Text, block_hash.as_bytes()),
        ],
    )?;
    Ok(removed)
}

/// The last block whose entries, and those of all blocks before it, are of the time before; `None`
/// where nothing is left of them to remove. It ends a batch: what is removed is then what was committed
/// before a snapshot, so the chains of lanes lose a prefix too.
fn last_block_before(before: TimestampWithTimeZone) -> Result<Option<i64>> {
    Spi::connect(|client| {
        let found = client.select(
            "SELECT b.block FROM canon.audit_block AS b CROSS JOIN canon.audit_ledger AS l
             WHERE b.size OPERATOR(pg_catalog.<=) COALESCE(
                     (SELECT pg_catalog.min(p.position) FROM canon.audit_position AS p
                      WHERE p.recorded_at OPERATOR(pg_catalog.>=) $1), l.size)
               AND b.size OPERATOR(pg_catalog.>) (l.anchor OPERATOR(pg_catalog.->>) 'size')::pg_catalog.int8
               AND NOT EXISTS (SELECT FROM canon.audit_block AS n
                   WHERE n.block OPERATOR(pg_catalog.=) (b.block OPERATOR(pg_catalog.+) 1)
                     AND n.snapshot_from OPERATOR(pg_catalog.=) b.snapshot_from
                     AND n.snapshot_to OPERATOR(pg_catalog.=) b.snapshot_to)
               AND (b.block OPERATOR(pg_catalog.<) l.block OR l.target IS NULL)
             ORDER BY b.block DESC LIMIT 1",
            Some(1),
            &[before.into()],
        )?;
        if found.is_empty() { Ok(None) } else { Ok(found.first().get_one::<i64>()?) }
    })
}

/// What is wrong must not be removed before somebody has looked at it.
fn verified_up_to(block: i64) -> Result<Anchor> {
    let (audit, problem) = verify::up_to(block)?;
    match problem {
        None => Ok(Anchor::of(audit.state())),
        Some(problem) => Err(Error::CannotRetain { entry: problem.entry, why: problem.text }),
    }
}

/// A partition of which nothing is left goes as a whole, rows of others one by one.
fn remove_entries(size: i64) -> Result<()> {
    let partitions = Spi::connect(|client| {
        let rows = client.select(
            "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname),
                 c.relname OPERATOR(pg_catalog.<) ('audit_entry_' OPERATOR(pg_catalog.||)
                     pg_catalog.to_char(pg_catalog.timezone('UTC', pg_catalog.now()), 'YYYY_MM'))
             FROM pg_catalog.pg_inherits AS i
             JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) i.inhrelid
             JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
             WHERE i.inhparent OPERATOR(pg_catalog.=) 'canon.audit_entry'::pg_catalog.regclass
             ORDER BY c.relname",
            None,
            &[],
        )?;
        let mut found = Vec::new();
        for row in rows {
            if let (Some(name), Some(past)) = (row.get::<String>(1)?, row.get::<bool>(2)?) {
                found.push((name, past));
            }
        }
        Ok::<_, Error>(found)
    })?;
    for (name, past) in partitions {
        if past && is_done_with(&name, size)? {
            drop_partition(&name)?;
        } else {
            let sql = format!(
                "DELETE FROM {name} AS e USING canon.audit_position AS p
                 WHERE p.entry_id OPERATOR(pg_catalog.=) e.id AND p.position OPERATOR(pg_catalog.<) $1"
            );
            ledger::run(&sql, &[size.into()])?;
        }
    }
    Ok(())
}

fn is_done_with(partition: &str, size: i64) -> Result<bool> {
    let sql = format!(
        "SELECT NOT EXISTS (SELECT FROM {partition} AS e WHERE NOT EXISTS (
             SELECT FROM canon.audit_position AS p
             WHERE p.entry_id OPERATOR(pg_catalog.=) e.id AND p.position OPERATOR(pg_catalog.<) $1))"
    );
    Spi::connect(|client| Ok(client.select(&sql, Some(1), &[size.into()])?.first().get_one::<bool>()? == Some(true)))
}

/// Emptying a past partition is in nobody's way. Dropping it needs a lock on the whole ledger, and
/// whoever waits for one keeps all writers waiting: where it is not free, the empty partition stays
/// until the next time.
fn drop_partition(name: &str) -> Result<()> {
    ledger::run(&format!("TRUNCATE {name}"), &[])?;
    let sql = format!("LOCK TABLE canon.audit_entry IN ACCESS EXCLUSIVE MODE NOWAIT; DROP TABLE {name}");
    if let Err(refused) = attempt(|| ledger::run(&sql, &[])) {
        pgrx::debug1!("{name} stays, empty: {refused}");
    }
    Ok(())
}

/// The links of entries that are gone; each lane begins where they end.
fn remove_lanes(size: i64) -> Result<()> {
    ledger::run(
        "UPDATE canon.audit_lane AS l SET base_seq = k.seq, base_hash = k.hash
         FROM (SELECT DISTINCT ON (k.lane) k.lane, k.seq, k.hash FROM canon.audit_lane_link AS k
               JOIN canon.audit_position AS p ON p.entry_id OPERATOR(pg_catalog.=) k.entry_id
               WHERE p.position OPERATOR(pg_catalog.<) $1 ORDER BY k.lane, k.seq DESC) AS k
         WHERE k.lane OPERATOR(pg_catalog.=) l.lane",
        &[size.into()],
    )?;
    ledger::run(
        "DELETE FROM canon.audit_lane_link AS k USING canon.audit_lane AS l
         WHERE l.lane OPERATOR(pg_catalog.=) k.lane AND k.seq OPERATOR(pg_catalog.<=) l.base_seq",
        &[],
    )
}

fn remove_positions(size: i64) -> Result<i64> {
    let removed = Spi::connect_mut(|client| {
        let sql = "DELETE FROM canon.audit_position WHERE position OPERATOR(pg_catalog.<) $1";
        client.update(sql, None, &[size.into()]).map(|rows| rows.len())
    })?;
    Ok(i64::try_from(removed).unwrap_or(i64::MAX))
}

/// Verification begins at the anchor from now on.
fn remember(anchor: &Anchor, size: i64) -> Result<()> {
    let anchor = serde_json::to_string(anchor).map_err(|error| Error::Internal(error.to_string()))?;
    ledger::run(
        "UPDATE canon.audit_ledger SET anchor = $1::pg_catalog.text::pg_catalog.json,
             verified = CASE WHEN (verified OPERATOR(pg_catalog.->>) 'size')::pg_catalog.int8 OPERATOR(pg_catalog.>) $2
                 THEN verified ELSE $1::pg_catalog.text::pg_catalog.json END",
        &[anchor.as_str().into(), size.into()],
    )
}
