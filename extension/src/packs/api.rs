//! The SQL functions.

use canon_core::pack::{Finding, validate as measure};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::install::{self, Outcome};
use super::{library, live, record, same, uninstall};
use crate::error::{self, Error};
use crate::guc::Pinned;

/// The packs of this library.
#[pg_extern(schema = "canon", stable, parallel_safe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn packs() -> Result<
    TableIterator<
        'static,
        (
            name!(name, String),
            name!(version, String),
            name!(installed_version, Option<String>),
            name!(schema, String),
            name!(tables, i32),
            name!(description, String),
        ),
    >,
    ErrorReport,
> {
    let installed = record::installed()?;
    let rows = library::all()?.iter().map(|pack| {
        let version = installed.iter().find(|r| r.pack == pack.name).map(|r| r.version.clone());
        (
            pack.name.clone(),
            pack.version.clone(),
            version,
            pack.schema.clone(),
            i32::try_from(pack.table_count()).unwrap_or(i32::MAX),
            pack.description.clone(),
        )
    });
    Ok(TableIterator::new(rows.collect::<Vec<_>>()))
}

/// Installs a pack, or all.
#[pg_extern(schema = "canon", volatile, strict, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn install(
    pack: &str,
) -> Result<
    TableIterator<'static, (name!(pack, String), name!(version, String), name!(tables, i32), name!(action, String))>,
    ErrorReport,
> {
    Ok(outcomes(install::install(pack)?))
}

/// Removes a pack, or all.
#[pg_extern(schema = "canon", volatile, strict, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn uninstall(
    pack: &str,
    force: default!(bool, "false"),
) -> Result<
    TableIterator<'static, (name!(pack, String), name!(version, String), name!(tables, i32), name!(action, String))>,
    ErrorReport,
> {
    Ok(outcomes(uninstall::uninstall(pack, force)?))
}

type OutcomeRow = (String, String, i32, String);

fn outcomes(outcomes: Vec<Outcome>) -> TableIterator<'static, OutcomeRow> {
    let rows = outcomes.into_iter().map(|outcome| {
        let tables = i32::try_from(outcome.pack.table_count()).unwrap_or(i32::MAX);
        (outcome.pack.name.clone(), outcome.pack.version.clone(), tables, outcome.action.to_owned())
    });
    TableIterator::new(rows.collect::<Vec<_>>())
}

/// Compares installed packs with what they declare.
#[pg_extern(schema = "canon", stable, strict, parallel_restricted)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn validate(
    pack: default!(&str, "'all'"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(ok, bool),
            name!(pack, String),
            name!(kind, String),
            name!(object, String),
            name!(expected, String),
            name!(found, String),
        ),
    >,
    ErrorReport,
> {
    let _pinned = Pinned::plain();
    let mut rows = Vec::new();
    for manifest in library::named(pack)? {
        for finding in validate_one(manifest, pack == "all")? {
            let Finding { ok, kind, object, expected, found } = finding;
            rows.push((ok, manifest.name.clone(), kind, object, expected, found));
        }
    }
    Ok(TableIterator::new(rows))
}

/// With `all`, packs that are not installed are passed over.
fn validate_one(manifest: &canon_core::pack::Manifest, all: bool) -> error::Result<Vec<Finding>> {
    let Some(installed) = record::of(manifest)? else {
        return if all { Ok(Vec::new()) } else { Err(Error::NotInstalled { pack: manifest.name.clone() }) };
    };
    let found = live::model(&installed.schemas)?;
    let schemas: Vec<&str> = installed.schemas.iter().map(String::as_str).collect();
    Ok(measure(&manifest.model, &found, &schemas, &mut same::same))
}
