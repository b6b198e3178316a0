use pgrx::pg_sys;
use serde::{Deserialize, Serialize};

use super::error::{Error, Result};
use crate::cache::read;

/// Argument of the triggers of a guarded column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Setup {
    /// The guarded column.
    pub(super) column: String,
    /// Name of the machine.
    pub(super) machine: String,
    /// Version that governs; the latest where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<i32>,
    /// Table of the history, quoted and qualified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) history: Option<String>,
    /// Whether guards wait for the end of the transaction.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) deferred: bool,
    /// Column with the names of the states in the table that the column refers to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) label_column: Option<String>,
    /// Column that pins each row to a version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version_column: Option<String>,
}

impl Setup {
    pub(super) fn parse(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|error| {
            Error::new(
                pgrx::PgSqlErrorCode::ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
                format!("the argument of a status trigger cannot be read: {error}"),
            )
            .hint("Create the triggers with canon.status_guard().")
        })
    }

    pub(super) fn text(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| Error::internal(error.to_string()))
    }
}

/// The guarded columns of a table, each with the text of its setup.
pub(super) fn of_table(relation: pg_sys::Oid) -> Result<Vec<(Setup, String)>> {
    let rows = read(
        "SELECT pg_catalog.convert_from(pg_catalog.substring(t.tgargs, 1, pg_catalog.length(t.tgargs) OPERATOR(pg_catalog.-) 1),
                                        pg_catalog.getdatabaseencoding())
         FROM pg_catalog.pg_trigger t
         WHERE t.tgrelid OPERATOR(pg_catalog.=) $1::pg_catalog.oid AND t.tgnargs OPERATOR(pg_catalog.=) 1
           AND t.tgfoid OPERATOR(pg_catalog.=) 'canon.status_enforce()'::pg_catalog.regprocedure
         ORDER BY t.tgname",
        &[&relation.to_u32().to_string()],
    )?;
    rows.into_iter().flatten().flatten().map(|text| Setup::parse(&text).map(|setup| (setup, text))).collect()
}

/// The guarded column of a table: the one of that name, or the only one.
pub(super) fn of_column(relation: pg_sys::Oid, table: &str, column: Option<&str>) -> Result<(Setup, String)> {
    let mut all = of_table(relation)?;
    let code = pgrx::PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT;
    let hint = "SELECT * FROM canon.status_guards();";
    match column {
        Some(column) => all.into_iter().find(|(setup, _)| setup.column == column).ok_or_else(|| {
            Error::new(code, format!("no status machine guards column \"{column}\" of table {table}")).hint(hint)
        }),
        None if all.len() == 1 => Ok(all.remove(0)),
        None if all.is_empty() => Err(Error::new(code, format!("no status machine guards table {table}")).hint(hint)),
        None => {
            let columns: Vec<String> = all.iter().map(|(setup, _)| format!("\"{}\"", setup.column)).collect();
            Err(Error::new(
                pgrx::PgSqlErrorCode::ERRCODE_AMBIGUOUS_PARAMETER,
                format!("table {table} has {} guarded columns: name one", columns.len()),
            )
            .detail(columns.join(", "))
            .hint(hint))
        }
    }
}
