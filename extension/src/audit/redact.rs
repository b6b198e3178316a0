//! Erasing content, removing old entries, declaring restores: what may happen to a ledger in its life,
//! each with an entry that says so.

use canon_core::ledger::entry::{Body, Operation};
use canon_core::ledger::value::{Class, push_field};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::config::Mode;
use super::ledger;
use super::record::{Event, record};
use crate::error::{Error, Result};

/// Writes an entry about the ledger itself.
pub(super) fn announce(operation: Operation, facts: &[(&str, Class, &[u8])]) -> Result<i64> {
    let mut image = Vec::new();
    for (name, class, value) in facts {
        push_field(&mut image, name, *class, value);
    }
    record(&Event {
        operation,
        table: [0; 16],
        relation: None,
        key: None,
        old: None,
        new: Some(&image),
        mode: Mode::Sealed,
    })
}

/// Erases the content of entries. Returns the number of the entry that says so.
#[pg_extern(schema = "canon", volatile, strict, parallel_unsafe)]
pub(super) fn audit_redact(entries: Vec<i64>, reason: &str) -> std::result::Result<i64, ErrorReport> {
    Ok(ledger::as_owner(|| redact(&entries, reason))?)
}

fn redact(entries: &[i64], reason: &str) -> Result<i64> {
    let mut left: Vec<i64> = entries.to_vec();
    left.sort_unstable();
    left.dedup();
    let list = serde_json::to_string(&left).map_err(|error| Error::Internal(error.to_string()))?;
    let found = Spi::connect_mut(|client| {
        let rows = client.update(
            "SELECT id, relation, row_key, old_row, new_row, actor, context::pg_catalog.text, salt, operation
             FROM canon.audit_entry WHERE id OPERATOR(pg_catalog.=) ANY ($1) FOR UPDATE",
            None,
            &[left.clone().into()],
        )?;
        let mut found = Vec::new();
        for row in rows {
            let id: i64 = row.get(1)?.unwrap_or_default();
            if row.get::<&str>(9)? == Some(Operation::Redact.name()) {
                return Err(Error::BadAuditOption {
                    option: "entries",
                    value: id.to_string(),
                    allowed: "entries that do not announce an erasure themselves",
                });
            }
            let commitment = row.get::<&[u8]>(8)?.map(|salt| {
                let text = |at| row.get::<&str>(at).ok().flatten().map(str::as_bytes);
                let bytes = |at| row.get::<&[u8]>(at).ok().flatten();
                let body = Body {
                    relation: text(2),
                    key: text(3),
                    old: bytes(4),
                    new: bytes(5),
                    actor: text(6),
                    context: text(7),
                };
                body.commitment(salt).0.to_vec()
            });
            found.push((id, commitment));
        }
        Ok(found)
    })?;
    if let Some(entry) = left.iter().find(|id| !found.iter().any(|(known, _)| known == *id)) {
        return Err(Error::NoEntry { entry: *entry });
    }
    // Without a salt the content has been erased before.
    let (ids, commitments): (Vec<i64>, Vec<Vec<u8>>) =
        found.into_iter().filter_map(|(id, commitment)| Some((id, commitment?))).unzip();
    ledger::run(
        "UPDATE canon.audit_entry AS e SET relation = NULL, row_key = NULL, old_row = NULL, new_row = NULL, actor = NULL,
             context = NULL, salt = NULL, commitment = u.commitment
         FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.int8[]), pg_catalog.unnest($2::pg_catalog.bytea[]))
             AS u (id, commitment)
         WHERE e.id OPERATOR(pg_catalog.=) u.id",
        &[ids.into(), commitments.into()],
    )?;
    announce(
        Operation::Redact,
        &[("entries", Class::Json, list.as_bytes()), ("reason", Class::Text, reason.as_bytes())],
    )
}
