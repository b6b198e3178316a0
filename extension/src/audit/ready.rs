//! Finding the entries that are to be sealed.

use std::collections::HashMap;
use std::ops::ControlFlow;

use canon_core::ledger::entry::Operation;
use canon_core::ledger::hash::Hash;
use pgrx::Uuid;
use pgrx::prelude::*;

use super::columns::text_in;
use super::ledger;
use super::scan::{Query, Row};
use crate::error::{Error, Result};
use crate::guc::Pinned;

/// An entry to seal.
pub(super) struct Ready {
    pub(super) id: i64,
    pub(super) xid: i64,
    pub(super) recorded_at: i64,
    pub(super) leaf: Hash,
    pub(super) chain: Option<String>,
    /// Table and key of a row of a log table.
    pub(super) log: Option<(String, String)>,
}

/// What a batch consists of.
pub(super) struct Span<'a> {
    /// Everything committed before this snapshot was sealed before.
    pub(super) from: &'a str,
    /// Everything committed before this one belongs to the batch.
    pub(super) to: &'a str,
    /// No entry up to this one does.
    pub(super) after_id: i64,
    /// Transaction and entry that the last run of the batch ended with.
    pub(super) after: (i64, i64),
}

const COLUMNS: &str =
    "SELECT e.id, e.xid, e.recorded_at, e.leaf, e.table_id, e.operation, e.row_key, e.old_row, e.new_row
    FROM canon.audit_entry AS e";

/// The next entries of a batch, in the order of transactions and entries.
pub(super) fn between(span: &Span<'_>, limit: i64) -> Result<Vec<Ready>> {
    const TYPES: &[pg_sys::Oid] = &[pg_sys::XID8OID, pg_sys::XID8OID, pg_sys::XID8OID, pg_sys::INT8OID];
    let (from, to) = (Snapshot::parse(span.from)?, Snapshot::parse(span.to)?);
    let tables = Tables::read()?;
    let mut ready = Vec::new();
    // A transaction of a million entries takes many runs: each reads its own part only.
    let _pinned = Pinned::by_index();
    Spi::connect(|client| {
        let sql = format!(
            "{COLUMNS} WHERE e.xid OPERATOR(pg_catalog.>=) $1 AND e.xid OPERATOR(pg_catalog.<) $2
                 AND ROW (e.xid, e.id) OPERATOR(pg_catalog.>) ROW ($3, $4) ORDER BY e.xid, e.id"
        );
        let query = Query::plan(client, &sql, TYPES)?;
        // What was in progress at the first snapshot, then what began after it.
        let begun = from.open.iter().filter(|xid| **xid < from.end).map(|xid| (*xid, *xid + 1));
        for (first, end) in begun.chain([(from.end, to.end)]) {
            if end <= span.after.0.cast_unsigned() || !(to.sees(first) || first == from.end) {
                continue;
            }
            let arguments = [first.cast_signed(), end.cast_signed(), span.after.0, span.after.1];
            query.each_of_now(&arguments, &mut |row| {
                if to.sees(row.int8(1).cast_unsigned()) && row.int8(0) > span.after_id {
                    ready.push(tables.ready(row)?);
                }
                let full = i64::try_from(ready.len()).unwrap_or(i64::MAX) >= limit;
                Ok(if full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            })?;
            if i64::try_from(ready.len()).unwrap_or(i64::MAX) >= limit {
                break;
            }
        }
        Ok(ready)
    })
}

/// All entries that have no position.
pub(super) fn left() -> Result<Vec<Ready>> {
    let sql = format!(
        "{COLUMNS} WHERE NOT EXISTS (
             SELECT FROM canon.audit_position AS p WHERE p.entry_id OPERATOR(pg_catalog.=) e.id) ORDER BY e.id"
    );
    let tables = Tables::read()?;
    let mut ready = Vec::new();
    Spi::connect(|client| {
        Query::plan(client, &sql, &[])?.each_of_now(&[], &mut |row| {
            ready.push(tables.ready(row)?);
            Ok(ControlFlow::Continue(()))
        })
    })?;
    Ok(ready)
}

/// A `pg_snapshot`.
struct Snapshot {
    /// Transactions below it have ended, but for the open ones; this and what follows had not begun.
    end: u64,
    /// In rising order.
    open: Vec<u64>,
}

impl Snapshot {
    fn parse(text: &str) -> Result<Self> {
        let wrong = || Error::Internal(format!("not a snapshot: {text}"));
        let mut parts = text.split(':').skip(1);
        let end = parts.next().and_then(|end| end.parse().ok()).ok_or_else(wrong)?;
        let open = parts.next().ok_or_else(wrong)?.split(',').filter(|xid| !xid.is_empty());
        let mut open: Vec<u64> = open.map(|xid| xid.parse().map_err(|_| wrong())).collect::<Result<_>>()?;
        open.sort_unstable();
        Ok(Self { end, open })
    }

    /// Whether the transaction had ended.
    fn sees(&self, xid: u64) -> bool {
        xid < self.end && self.open.binary_search(&xid).is_err()
    }
}

/// Tables whose entries have chains of their own, or fill columns of a log.
struct Tables(HashMap<[u8; 16], Sealing>);

struct Sealing {
    /// As text.
    id: String,
    chain_by: Option<String>,
    log: bool,
}

impl Tables {
    fn read() -> Result<Self> {
        Spi::connect_mut(|client| {
            let rows = client.update(
                "SELECT id, id::pg_catalog.text, settings OPERATOR(pg_catalog.->>) 'chain_by',
                     settings OPERATOR(pg_catalog.?) 'log'
                 FROM canon.audit_table WHERE settings OPERATOR(pg_catalog.?|) ARRAY['chain_by', 'log']",
                None,
                &[],
            )?;
            let mut tables = HashMap::new();
            for row in rows {
                if let (Some(key), Some(id)) = (row.get::<Uuid>(1)?, row.get::<String>(2)?) {
                    let sealing = Sealing { id, chain_by: row.get(3)?, log: row.get(4)? == Some(true) };
                    tables.insert(*key.as_bytes(), sealing);
                }
            }
            Ok(Self(tables))
        })
    }

    /// A row of the form of [`COLUMNS`].
    fn ready(&self, row: &Row<'_>) -> Result<Ready> {
        let table = if self.0.is_empty() { None } else { self.0.get(&row.uuid(4)) };
        let chain = table.and_then(|table| {
            let image = row.bytes(8).or_else(|| row.bytes(7));
            let value = |column: &String| image.and_then(|image| text_in(image, column)).unwrap_or_default();
            table.chain_by.as_ref().map(|column| format!("{}:{}", table.id, value(column)))
        });
        let log = table.filter(|table| table.log && row.bytes(5) == Some(Operation::Insert.name().as_bytes()));
        Ok(Ready {
            id: row.int8(0),
            xid: row.int8(1),
            recorded_at: row.int8(2),
            leaf: ledger::hash(row.bytes(3))?,
            chain,
            log: log.and_then(|table| row.text(6).map(|key| (table.id.clone(), key.to_owned()))),
        })
    }
}
