//! Which recorded table a trigger speaks for.
//!
//! A trigger carries the identifier of its table as an argument, and whoever owns a table may create a
//! trigger with any argument. What it says counts only where the ledger knows it to be so.

use pgrx::{Uuid, pg_sys};

use super::enable::{self, Relation};
use super::ledger;
use crate::error::Result;

/// Whether `relation` is the table that has the identifier in the ledger, a partition of it, or a
/// table of somebody who could record as that table anyway. A table that was renamed while event
/// triggers were off is believed as long as no other one has the name.
pub(super) fn is_of(id: Uuid, relation: pg_sys::Oid) -> Result<bool> {
    let Some(owner) = ledger::owner()? else { return Ok(false) };
    ledger::as_role(owner, || {
        ledger::ask(
            "WITH own AS (
                 SELECT c.oid, c.relowner, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
                 FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
                 WHERE c.oid OPERATOR(pg_catalog.=) $2
                    OR c.oid IN (SELECT a.relid FROM pg_catalog.pg_partition_ancestors($2::pg_catalog.regclass) AS a)
             )
             SELECT EXISTS (SELECT FROM canon.audit_table AS t
                 WHERE t.id OPERATOR(pg_catalog.=) $1 AND CASE
                     WHEN EXISTS (SELECT FROM own WHERE own.name OPERATOR(pg_catalog.=) t.relation) THEN true
                     ELSE COALESCE((
                         SELECT pg_catalog.pg_has_role(own.relowner, c.relowner, 'USAGE')
                         FROM own CROSS JOIN pg_catalog.pg_class AS c
                         JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
                         WHERE own.oid OPERATOR(pg_catalog.=) $2
                           AND pg_catalog.format('%I.%I', n.nspname, c.relname) OPERATOR(pg_catalog.=) t.relation), t.enabled)
                     END)",
            &[id.into(), relation.into()],
        )
    })
}

/// The table that is recorded under an identifier.
pub(super) fn table_of(id: &str) -> Result<Option<Relation>> {
    let rows = crate::cache::read(
        "SELECT t.tgrelid::pg_catalog.text FROM pg_catalog.pg_trigger AS t
         WHERE t.tgname OPERATOR(pg_catalog.=) 'canon_audit_row' AND t.tgparentid OPERATOR(pg_catalog.=) 0
           AND pg_catalog.strpos(pg_catalog.encode(t.tgargs, 'escape'), $1) OPERATOR(pg_catalog.>) 0",
        &[id],
    )?;
    for oid in rows.into_iter().flatten().flatten().filter_map(|oid| oid.parse::<u32>().ok()) {
        let table = enable::relation(pg_sys::Oid::from(oid))?;
        if table.recorded.as_ref().is_some_and(|config| config.id == id) {
            return Ok(Some(table));
        }
    }
    Ok(None)
}
