//! `canon.uninstall`.

use canon_core::pack::Manifest;
use pgrx::prelude::*;
use pgrx::spi::quote_identifier;

use super::install::Outcome;
use super::library;
use super::live::{self, Namespaces};
use super::record::{self, Record};
use crate::error::{Error, Result};
use crate::guc::Pinned;

const DEPENDENTS: &str = include_str!("dependents.sql");

/// Removes packs. Without `force` nothing of the user's goes with them: neither rows, nor objects
/// that were put into the pack's schemas, nor objects elsewhere that depend on the pack.
pub(super) fn uninstall(name: &str, force: bool) -> Result<Vec<Outcome>> {
    let packs = library::named(name)?;
    let _pinned = Pinned::plain_utc();
    record::lock()?;
    packs.into_iter().map(|pack| uninstall_one(pack, force)).collect()
}

fn uninstall_one(pack: &'static Manifest, force: bool) -> Result<Outcome> {
    let Some(installed) = record::of(pack)? else {
        return Ok(Outcome { pack, action: "not installed" });
    };
    let namespaces = Namespaces::read()?;
    let schemas: Vec<String> = installed.schemas.iter().filter(|s| namespaces.exists(s)).cloned().collect();
    if !force {
        let histories = histories(&schemas)?;
        refuse_rows(pack, &installed, &histories)?;
        refuse_dependents(pack, &schemas, histories)?;
    }
    let list: Vec<String> = schemas.iter().map(quote_identifier).collect();
    let drop = format!("DROP SCHEMA {} CASCADE", list.join(", "));
    Spi::connect_mut(|client| client.update(drop.as_str(), None, &[]).map(|_| ()))?;
    drop_machines(pack)?;
    record::delete(&pack.name)?;
    Ok(Outcome { pack, action: "removed" })
}

/// The status histories that lie in the schemas of the pack: made for it, not declared by it.
fn histories(schemas: &[String]) -> Result<Vec<String>> {
    live::strings(
        "SELECT DISTINCT g.history FROM canon.status_guards() AS g
         JOIN pg_catalog.pg_class AS t ON t.oid OPERATOR(pg_catalog.=) g.relation
         JOIN pg_catalog.pg_class AS h ON h.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(g.history)
         JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) h.relnamespace
         WHERE t.relnamespace OPERATOR(pg_catalog.=) h.relnamespace AND n.nspname OPERATOR(pg_catalog.=) ANY ($1)",
        &[schemas.to_vec().into()],
    )
}

/// Removes the status machines of the pack, except where somebody guards another table with one.
fn drop_machines(pack: &Manifest) -> Result<()> {
    let Some(text) = library::machines(pack) else { return Ok(()) };
    let document = canon_core::status::Document::read(text).map_err(|error| Error::Internal(error.to_string()))?;
    let names: Vec<String> = document.machines.into_iter().map(|machine| machine.name).collect();
    let sql = "SELECT canon.status_drop(m.name) FROM (SELECT DISTINCT name FROM canon.status_machine) AS m
               WHERE m.name OPERATOR(pg_catalog.=) ANY ($1) AND NOT EXISTS (
                   SELECT FROM canon.status_guards() AS g WHERE g.machine OPERATOR(pg_catalog.=) m.name)";
    Spi::connect_mut(|client| client.update(sql, None, &[names.into()]).map(|_| ()))?;
    Ok(())
}

/// Rows that did not come with the pack, or no longer look as they came, are the user's.
fn refuse_rows(pack: &Manifest, installed: &Record, histories: &[String]) -> Result<()> {
    let now = live::row_digests(pack, &installed.schemas)?;
    let mut tables: Vec<String> = now
        .iter()
        .filter(|(table, digest)| installed.default_rows.get(*table) != Some(digest))
        .map(|(table, digest)| format!("{table}: {} {}", digest.rows, if digest.rows == 1 { "row" } else { "rows" }))
        .collect();
    for history in histories {
        let sql = format!("SELECT '' FROM {history} LIMIT 1");
        if !live::strings(&sql, &[])?.is_empty() {
            tables.push(format!("{history}: recorded changes of status"));
        }
    }
    if tables.is_empty() {
        return Ok(());
    }
    Err(Error::HoldsRows { pack: pack.name.clone(), tables })
}

fn refuse_dependents(pack: &Manifest, schemas: &[String], histories: Vec<String>) -> Result<()> {
    let model = &pack.model;
    let tables = model.tables.iter().map(|t| t.name.to_string());
    let sequences = model.sequences.iter().map(|s| s.name.to_string());
    let relations: Vec<String> = tables.chain(sequences).chain(histories).collect();
    let functions: Vec<String> = model.functions.iter().map(|f| f.signature()).collect();
    let objects = live::strings(DEPENDENTS, &[schemas.to_vec().into(), relations.into(), functions.into()])?;
    if objects.is_empty() {
        return Ok(());
    }
    Err(Error::StillUsed { pack: pack.name.clone(), objects })
}
