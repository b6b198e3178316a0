//! `canon.status_migrate`: rows from one version of a machine to another.

use std::collections::BTreeMap;
use std::ffi::CString;

use pgrx::JsonB;
use pgrx::prelude::*;
use pgrx::spi::quote_identifier as ident;

use super::check::unknown_state;
use super::error::{Error, Result};
use super::guard::Target;
use super::load;
use super::setting::{self, Migrating};
use super::setup;
use crate::cache::catch_up;
use crate::guc::Pinned;

/// Writes other states into rows, and pins them to the governing version where the table pins
/// rows, in one statement. Returns the number of rows.
pub(super) fn migrate(
    relation: pg_sys::Oid,
    column: Option<&str>,
    mapping: &BTreeMap<String, String>,
    reason: Option<&str>,
) -> Result<i64> {
    let target = Target::find(relation)?;
    target.require_owner()?;
    let (_, text) = setup::of_column(relation, &target.table, column)?;
    catch_up();
    let guard = load::guard(relation, &text)?;
    let rules = guard.governing();
    let machine = &rules.machine;
    let mut values = serde_json::Map::new();
    for (from, to) in mapping {
        let state = machine.state(to).ok_or_else(|| unknown_state(&machine.machine().name, to))?;
        // The name of a state, or what the column holds.
        let from = machine.state(from).map_or(from, |state| &rules.texts[state]);
        values.insert(from.clone(), rules.texts[state].clone().into());
    }
    let column = ident(&guard.column.name);
    let value = format!("$1 OPERATOR(pg_catalog.->>) {column}::pg_catalog.text");
    let ty = super::fire::type_name(&guard.column);
    let mut set = vec![format!("{column} = COALESCE(CAST({value} AS {ty}), {column})")];
    let mut which = vec![format!("$1 OPERATOR(pg_catalog.?) {column}::pg_catalog.text")];
    if let Some(version) = &guard.version_column {
        let version = ident(&version.name);
        set.push(format!("{version} = $2"));
        which.push(format!("{version} IS NULL OR {version} OPERATOR(pg_catalog.<>) $2"));
    } else {
        which.push("$2 OPERATOR(pg_catalog.<) 0".to_owned());
    }
    let sql = format!("UPDATE {} SET {} WHERE {}", guard.table, set.join(", "), which.join(" OR "));
    let reason = reason
        .map(|reason| CString::new(reason).map_err(|_| Error::internal("a zero byte in a reason")))
        .transpose()?
        .map(|reason| Pinned::one(setting::REASON_NAME, &reason));
    let migrating = Migrating::begin(relation);
    let rows = Spi::connect_mut(|client| {
        let done = client.update(sql.as_str(), None, &[JsonB(values.into()).into(), rules.version.into()])?;
        Ok::<_, pgrx::spi::Error>(done.len())
    })?;
    drop(migrating);
    drop(reason);
    Ok(i64::try_from(rows).unwrap_or(i64::MAX))
}
