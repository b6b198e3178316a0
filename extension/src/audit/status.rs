//! What is recorded, and what keeps it from being recorded.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{JsonB, datum::TimestampWithTimeZone};

use super::ledger;
use crate::error::Result;

/// A table with what is wrong with its recording.
pub(super) struct Recorded {
    pub(super) relation: String,
    pub(super) enabled: bool,
    pub(super) problem: Option<String>,
    settings: JsonB,
    entries: i64,
    unsealed: i64,
    sealed_at: Option<TimestampWithTimeZone>,
}

/// What the catalogue says about every recorded table. Must run as the owner of the ledger.
pub(super) fn recorded(counts: bool) -> Result<Vec<Recorded>> {
    Spi::connect(|client| {
        let rows = client.select(
            "SELECT t.relation, t.enabled, t.settings,
                 CASE WHEN NOT t.enabled THEN NULL
                     WHEN c.oid IS NULL THEN 'the table or its trigger is gone'
                     WHEN g.tgenabled OPERATOR(pg_catalog.=) 'D' THEN 'its trigger is disabled'
                     WHEN g.tgenabled OPERATOR(pg_catalog.=) 'R' THEN 'its trigger fires for replication only'
                     WHEN g.tgfoid OPERATOR(pg_catalog.<>) 'canon.audit_capture'::pg_catalog.regproc
                         THEN 'its trigger calls another function'
                     WHEN (g.tgtype::pg_catalog.int4 OPERATOR(pg_catalog.&) 29) OPERATOR(pg_catalog.<>) 29
                         OR g.tgqual IS NOT NULL THEN 'its trigger does not see every change'
                     WHEN pg_catalog.encode(g.tgargs, 'escape') NOT LIKE '%' OPERATOR(pg_catalog.||) t.id::pg_catalog.text
                         OPERATOR(pg_catalog.||) '%' THEN 'its trigger is that of another table'
                 END,
                 CASE WHEN $1 THEN (SELECT pg_catalog.count(*) FROM canon.audit_entry AS e
                     WHERE e.table_id OPERATOR(pg_catalog.=) t.id) ELSE 0 END,
                 CASE WHEN $1 THEN (SELECT pg_catalog.count(*) FROM canon.audit_entry AS e
                     WHERE e.table_id OPERATOR(pg_catalog.=) t.id AND NOT EXISTS (SELECT FROM canon.audit_position AS p
                         WHERE p.entry_id OPERATOR(pg_catalog.=) e.id)) ELSE 0 END,
                 (SELECT b.sealed_at FROM canon.audit_block AS b ORDER BY b.block DESC LIMIT 1)
             FROM canon.audit_table AS t
             LEFT JOIN (pg_catalog.pg_class AS c
                 JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
                 JOIN pg_catalog.pg_trigger AS g ON g.tgrelid OPERATOR(pg_catalog.=) c.oid
                     AND g.tgname OPERATOR(pg_catalog.=) 'canon_audit_row')
                 ON pg_catalog.format('%I.%I', n.nspname, c.relname) OPERATOR(pg_catalog.=) t.relation
             ORDER BY t.relation",
            None,
            &[counts.into()],
        )?;
        let mut found = Vec::new();
        for row in rows {
            found.push(Recorded {
                relation: row.get(1)?.unwrap_or_default(),
                enabled: row.get(2)?.unwrap_or_default(),
                settings: row.get(3)?.unwrap_or(JsonB(serde_json::Value::Null)),
                problem: row.get(4)?,
                entries: row.get(5)?.unwrap_or_default(),
                unsealed: row.get(6)?.unwrap_or_default(),
                sealed_at: row.get(7)?,
            });
        }
        Ok(found)
    })
}

/// What is recorded.
#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
pub(super) fn audit_status() -> std::result::Result<
    TableIterator<
        'static,
        (
            name!(relation, String),
            name!(recording, bool),
            name!(problem, Option<String>),
            name!(entries, i64),
            name!(unsealed, i64),
            name!(last_sealed_at, Option<TimestampWithTimeZone>),
            name!(settings, JsonB),
        ),
    >,
    ErrorReport,
> {
    let rows = match ledger::owner()? {
        None => Vec::new(),
        Some(owner) => ledger::as_role(owner, || recorded(true))?,
    };
    let rows = rows.into_iter().map(|r| {
        let recording = r.enabled && r.problem.is_none();
        (r.relation, recording, r.problem, r.entries, r.unsealed, r.sealed_at, r.settings)
    });
    Ok(TableIterator::new(rows.collect::<Vec<_>>()))
}
