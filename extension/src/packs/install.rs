//! `canon.install`.

use canon_core::pack::Manifest;
use pgrx::prelude::*;

use super::library;
use super::live::{self, Namespaces};
use super::record::{self, Record};
use crate::error::{Error, Result};
use crate::guc::Pinned;

/// What `install` and `uninstall` did with a pack.
pub(super) struct Outcome {
    pub(super) pack: &'static Manifest,
    pub(super) action: &'static str,
}

/// Installs the packs that are not yet there. An error undoes all of it: a function call is one
/// statement, and a statement has no half.
pub(super) fn install(name: &str) -> Result<Vec<Outcome>> {
    let packs = library::named(name)?;
    let _pinned = Pinned::plain_utc();
    record::lock()?;
    packs.into_iter().map(install_one).collect()
}

fn install_one(pack: &'static Manifest) -> Result<Outcome> {
    if let Some(installed) = record::of(pack)? {
        if installed.version != pack.version {
            return Err(Error::OtherVersion {
                pack: pack.name.clone(),
                installed: installed.version,
                ours: pack.version.clone(),
            });
        }
        return Ok(Outcome { pack, action: "already installed" });
    }
    let namespaces = Namespaces::read()?;
    refuse_foreign_schema(pack, &namespaces)?;
    require_create_privilege()?;
    for file in &pack.files {
        let skipped = file.unless_schema.as_ref().is_some_and(|schema| namespaces.exists(schema));
        if !skipped {
            run_file(library::text(pack, &file.name)?)?;
        }
    }
    if let Some(machines) = library::machines(pack) {
        run_with("SELECT pg_catalog.count(*) FROM canon.status_apply($1)", machines)?;
    }
    let schemas: Vec<String> = pack.schemas().filter(|s| !namespaces.exists(s)).map(str::to_owned).collect();
    let default_rows = live::row_digests(pack, &schemas)?;
    let installed = Record { pack: pack.name.clone(), version: pack.version.clone(), schemas, default_rows };
    record::insert(&installed, &live::current_role()?)?;
    record_changes(pack)?;
    Ok(Outcome { pack, action: "installed" })
}

fn refuse_foreign_schema(pack: &Manifest, namespaces: &Namespaces) -> Result<()> {
    let conditional = pack.conditional_schemas();
    let taken = pack.schemas().find(|s| namespaces.exists(s) && !conditional.contains(s));
    match taken {
        Some(schema) => Err(Error::ForeignSchema { pack: pack.name.clone(), schema: schema.to_owned() }),
        None => Ok(()),
    }
}

/// The server would say it too, but would name neither the role nor the statement that helps.
fn require_create_privilege() -> Result<()> {
    let allowed = Spi::connect(|client| {
        client
            .select("SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')", Some(1), &[])?
            .first()
            .get_one::<bool>()
    })?;
    if allowed == Some(true) {
        return Ok(());
    }
    Err(Error::CannotCreate { database: live::current_database()?, role: live::current_role()? })
}

/// The text of a file is one SPI call: each statement is analysed when its turn comes, so it sees
/// what the ones before it made.
fn run_file(text: &str) -> Result<()> {
    Spi::connect_mut(|client| client.update(text, None, &[]).map(|_| ()))?;
    Ok(())
}

/// Hands the important tables to the audit ledger, unless `canon.audit_packs` says not to.
fn record_changes(pack: &Manifest) -> Result<()> {
    let audited = library::audited(pack)?;
    Spi::connect_mut(|client| {
        let sql = "SELECT pg_catalog.current_setting('canon.audit_packs')::pg_catalog.bool";
        if client.update(sql, Some(1), &[])?.first().get_one::<bool>()? != Some(true) {
            return Ok(());
        }
        for table in audited.tables {
            client.update(
                "SELECT canon.audit_enable($1::pg_catalog.text::pg_catalog.regclass,
                     redacted_columns => $2, exclude_columns => $3)",
                None,
                &[table.name.into(), table.redacted.into(), table.excluded.into()],
            )?;
        }
        for log in audited.logs {
            client.update(
                "SELECT canon.audit_seal_table($1::pg_catalog.text::pg_catalog.regclass, chain_by => $2)",
                None,
                &[log.name.into(), log.chain_by.into()],
            )?;
        }
        Ok(())
    })
}

/// Calls one function of ours with one text. An engine is used as anybody uses it: through SQL.
fn run_with(sql: &str, text: &str) -> Result<()> {
    Spi::connect_mut(|client| client.update(sql, None, &[text.into()]).map(|_| ()))?;
    Ok(())
}
