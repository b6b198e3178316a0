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
        refuse_rows(pack, &installed)?;
        refuse_dependents(pack, &schemas)?;
    }
    let list: Vec<String> = schemas.iter().map(quote_identifier).collect();
    let drop = format!("DROP SCHEMA {} CASCADE", list.join(", "));
    Spi::connect_mut(|client| client.update(drop.as_str(), None, &[]).map(|_| ()))?;
    record::delete(&pack.name)?;
    Ok(Outcome { pack, action: "removed" })
}

/// Rows that did not come with the pack, or no longer look as they came, are the user's.
fn refuse_rows(pack: &Manifest, installed: &Record) -> Result<()> {
    let now = live::row_digests(pack, &installed.schemas)?;
    let tables: Vec<String> = now
        .iter()
        .filter(|(table, digest)| installed.default_rows.get(*table) != Some(digest))
        .map(|(table, digest)| format!("{table}: {} {}", digest.rows, if digest.rows == 1 { "row" } else { "rows" }))
        .collect();
    if tables.is_empty() {
        return Ok(());
    }
    Err(Error::HoldsRows { pack: pack.name.clone(), tables })
}

fn refuse_dependents(pack: &Manifest, schemas: &[String]) -> Result<()> {
    let model = &pack.model;
    let tables = model.tables.iter().map(|t| t.name.to_string());
    let sequences = model.sequences.iter().map(|s| s.name.to_string());
    let relations: Vec<String> = tables.chain(sequences).collect();
    let functions: Vec<String> = model.functions.iter().map(|f| f.signature()).collect();
    let objects = live::strings(DEPENDENTS, &[schemas.to_vec().into(), relations.into(), functions.into()])?;
    if objects.is_empty() {
        return Ok(());
    }
    Err(Error::StillUsed { pack: pack.name.clone(), objects })
}
