//! `canon.plan_import`: rows of staging tables become a template, by the functions that the
//! mapping names.

use pgrx::Uuid;
use serde::Deserialize;
use serde_json::Value;

use super::error::PlanError;
use super::known;
use super::mapping::Import;
use super::sql::{Db, ident};
use crate::error::Result;

/// Something wrong with a staged row.
#[derive(Debug, Deserialize)]
pub(super) struct Problem {
    pub(super) severity: String,
    pub(super) source: String,
    pub(super) row_key: String,
    pub(super) column_name: Option<String>,
    pub(super) value: Option<String>,
    pub(super) problem: String,
}

/// Imports a batch; the report of the function that did it.
pub(super) fn import(batch: Uuid, partial: bool, plan: Option<&str>) -> Result<Value> {
    let db = Db::latest();
    let import = functions(&db, plan)?;
    let sql = format!("SELECT pg_catalog.to_json({}.{}($1, $2))", ident(&import.schema), ident(&import.apply));
    db.json(&sql, &[batch.into(), partial.into()])
}

/// What is wrong with a batch.
pub(super) fn problems(batch: Uuid, plan: Option<&str>) -> Result<Vec<Problem>> {
    let db = Db::reading();
    let import = functions(&db, plan)?;
    let sql = format!(
        "SELECT pg_catalog.json_agg(pg_catalog.to_json(p)) FROM {}.{}($1) p",
        ident(&import.schema),
        ident(&import.problems)
    );
    db.list(&sql, &[batch.into()])
}

/// The functions of the plan named, or of the only one that has any.
fn functions(db: &Db, plan: Option<&str>) -> Result<Import> {
    let wrong = |what: String| {
        PlanError::Argument { what, hint: "SELECT plan, run->'import' AS import FROM canon.plan;".to_owned() }.into()
    };
    if let Some(name) = plan {
        let import = known::named(db, name)?.run.import.clone();
        return import.ok_or_else(|| wrong(format!("plan \"{name}\" names no functions for imports")));
    }
    let all = known::all(db)?;
    let mut found = all.iter().filter_map(|m| m.run.import.clone());
    match (found.next(), found.next()) {
        (Some(import), None) => Ok(import),
        (None, _) => Err(wrong("no registered plan names functions for imports".to_owned())),
        (Some(_), Some(_)) => Err(wrong("several plans can import: name one as the last argument".to_owned())),
    }
}
