//! `canon.installed_pack`: which packs this database has.

use canon_core::pack::Manifest;
use pgrx::JsonB;
use pgrx::prelude::*;
use serde::{Deserialize, Serialize};

use super::library;
use super::live::Namespaces;
use crate::error::{Error, Result};
use crate::user::run_as_owner;

const TABLE: &str = "canon.installed_pack";

/// A row of `canon.installed_pack`.
pub(super) struct Record {
    pub(super) pack: String,
    pub(super) version: String,
    pub(super) schemas: Vec<String>,
    pub(super) default_rows: DefaultRows,
}

/// The rows that tables came with: table to number and digest.
pub(super) type DefaultRows = std::collections::BTreeMap<String, RowDigest>;

/// Number of rows and a digest over them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RowDigest {
    pub(super) rows: i64,
    pub(super) digest: String,
}

/// All records, whether or not somebody has dropped the schema by hand since.
fn all() -> Result<Vec<Record>> {
    Spi::connect(|client| {
        let rows = client.select("SELECT pack, version, schemas, default_rows FROM canon.installed_pack", None, &[])?;
        let mut records = Vec::new();
        for row in rows {
            let missing = || Error::Internal("canon.installed_pack holds a NULL".to_owned());
            let default_rows: JsonB = row.get(4)?.ok_or_else(missing)?;
            records.push(Record {
                pack: row.get(1)?.ok_or_else(missing)?,
                version: row.get(2)?.ok_or_else(missing)?,
                schemas: row.get(3)?.ok_or_else(missing)?,
                default_rows: serde_json::from_value(default_rows.0)
                    .map_err(|error| Error::Internal(format!("canon.installed_pack: {error}")))?,
            });
        }
        Ok(records)
    })
}

/// The records of packs that are there: a record whose schema is gone means nothing any more.
pub(super) fn installed() -> Result<Vec<Record>> {
    let namespaces = Namespaces::read()?;
    let packs = library::all()?;
    let mut records = all()?;
    records.retain(|record| {
        let schema = packs.iter().find(|pack| pack.name == record.pack).map(|pack| &pack.schema);
        schema.is_some_and(|schema| namespaces.exists(schema))
    });
    Ok(records)
}

/// The record of one pack.
pub(super) fn of(pack: &Manifest) -> Result<Option<Record>> {
    Ok(installed()?.into_iter().find(|record| record.pack == pack.name))
}

/// Lets one session at a time install or remove packs, until the end of its transaction.
pub(super) fn lock() -> Result<()> {
    run_as_owner(TABLE, "LOCK TABLE canon.installed_pack IN SHARE ROW EXCLUSIVE MODE", &[])
}

/// Records an installation by the current user.
pub(super) fn insert(record: &Record, role: &str) -> Result<()> {
    let default_rows = serde_json::to_value(&record.default_rows).map_err(|e| Error::Internal(e.to_string()))?;
    run_as_owner(
        TABLE,
        "INSERT INTO canon.installed_pack (pack, version, schemas, default_rows, installed_by)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (pack) DO UPDATE SET version = excluded.version, schemas = excluded.schemas,
             default_rows = excluded.default_rows, installed_at = pg_catalog.now(),
             installed_by = excluded.installed_by",
        &[
            record.pack.as_str().into(),
            record.version.as_str().into(),
            record.schemas.clone().into(),
            JsonB(default_rows).into(),
            role.into(),
        ],
    )
}

/// Removes the record of a pack.
pub(super) fn delete(pack: &str) -> Result<()> {
    run_as_owner(TABLE, "DELETE FROM canon.installed_pack WHERE pack OPERATOR(pg_catalog.=) $1", &[pack.into()])
}
