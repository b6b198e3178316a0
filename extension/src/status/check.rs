//! `canon.status_check`: which rows a machine would not accept.

use std::collections::BTreeMap;

use canon_core::status::{Document, Invalid, Machine};
use pgrx::PgSqlErrorCode as Code;
use pgrx::prelude::*;
use pgrx::spi::quote_identifier as ident;

use super::error::{Error, Result};
use super::guard::Target;
use super::load::{self, Guard, literal};
use super::values::Kind;
use crate::cache::read;

/// Rows that hold a value which is no state: the value as text, their number, the reason.
pub(super) type Violation = (Option<String>, i64, String);

/// Counts the rows of a table whose status is none of `accepted`.
fn violations(table: &str, column: &str, kind: Kind, machine: &str, accepted: &[String]) -> Result<Vec<Violation>> {
    let column = ident(column);
    let value = if kind == Kind::Character { "pg_catalog.rtrim(v.value)" } else { "v.value" };
    let sql = format!(
        "SELECT v.value, v.rows FROM (SELECT {column}::pg_catalog.text AS value, pg_catalog.count(*) AS rows FROM {table} GROUP BY 1) v
         WHERE v.value IS NULL OR {value} OPERATOR(pg_catalog.<>) ALL ($1) ORDER BY v.value COLLATE pg_catalog.\"C\""
    );
    let rows = Spi::connect(|client| {
        let rows = client.select(sql.as_str(), None, &[accepted.to_vec().into()])?;
        rows.map(|row| Ok((row.get::<String>(1)?, row.get::<i64>(2)?.unwrap_or(0))))
            .collect::<std::result::Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    let problem = |value: &Option<String>| match value {
        None => "NULL is no state".to_owned(),
        Some(_) => format!("machine \"{machine}\" has no such state"),
    };
    Ok(rows.into_iter().map(|(value, count)| (value.clone(), count, problem(&value))).collect())
}

/// Refuses to guard a column that already breaks the rules.
pub(super) fn require_valid(target: &Target, guard: &Guard) -> Result<()> {
    let rules = guard.governing();
    let found = violations(&target.table, &guard.column.name, guard.kind, &guard.setup.machine, &rules.texts)?;
    if found.is_empty() {
        return Ok(());
    }
    let show = |(value, rows, _): &Violation| {
        let value = value.as_ref().map_or_else(|| "NULL".to_owned(), |value| format!("\"{value}\""));
        format!("{value} in {rows} {}", if *rows == 1 { "row" } else { "rows" })
    };
    let list: Vec<String> = found.iter().map(show).collect();
    Err(Error::new(
        Code::ERRCODE_CHECK_VIOLATION,
        format!("rows of {} have a status that machine \"{}\" does not know", target.table, guard.setup.machine),
    )
    .detail(list.join(", "))
    .hint(format!(
        "SELECT * FROM canon.status_check({}, {}, {});",
        literal(&target.table),
        literal(&guard.column.name),
        literal(&guard.setup.machine)
    )))
}

/// Rows that a machine, stored or given as a definition, would not accept after a mapping.
pub(super) fn check(
    relation: pg_sys::Oid,
    column: &str,
    machine: &str,
    label_column: Option<&str>,
    mapping: &BTreeMap<String, String>,
) -> Result<Vec<Violation>> {
    let target = Target::find(relation)?;
    let machine = find(machine)?;
    let name = machine.name.clone();
    let rules = load::rules(relation, column, label_column, machine)?;
    let mut accepted = rules.texts.clone();
    for (from, to) in mapping {
        if rules.machine.state(to).is_none() {
            return Err(unknown_state(&name, to));
        }
        accepted.push(from.clone());
    }
    violations(&target.table, column, rules.kind, &name, &accepted)
}

pub(super) fn unknown_state(machine: &str, state: &str) -> Error {
    Error::new(Code::ERRCODE_UNDEFINED_OBJECT, format!("status machine \"{machine}\" has no state \"{state}\""))
        .hint(format!("SELECT * FROM canon.status_states({});", literal(machine)))
}

/// A stored machine by its name, or the one that a definition describes.
pub(super) fn find(machine: &str) -> Result<Machine> {
    if machine.contains('\n') || machine.trim_start().starts_with('{') {
        let mut document = Document::read(machine).map_err(invalid)?;
        if document.machines.len() == 1 {
            return Ok(document.machines.remove(0));
        }
        return Err(Error::new(
            Code::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("the definition describes {} machines: give one", document.machines.len()),
        ));
    }
    stored(machine, None).map(|(_, machine)| machine)
}

/// A version of a stored machine; the latest where none is named.
pub(super) fn stored(name: &str, version: Option<i32>) -> Result<(i32, Machine)> {
    let rows = read(
        "SELECT version::pg_catalog.text, definition::pg_catalog.text FROM canon.status_machine
         WHERE name OPERATOR(pg_catalog.=) $1 ORDER BY version DESC",
        &[name],
    )?;
    if rows.is_empty() {
        return Err(Error::unknown_machine(name));
    }
    let wanted = version.map(|version| version.to_string());
    let row = rows.iter().find(|row| wanted.is_none() || row[0] == wanted);
    let Some([Some(version), Some(definition)]) = row.map(Vec::as_slice) else {
        return Err(Error::new(
            Code::ERRCODE_UNDEFINED_OBJECT,
            format!("status machine \"{name}\" has no version {}", wanted.unwrap_or_default()),
        )
        .hint("SELECT * FROM canon.status_machines();"));
    };
    let machine = serde_json::from_str(definition).map_err(|error| Error::internal(error.to_string()))?;
    Ok((version.parse().map_err(|_| Error::internal("version"))?, machine))
}

/// Why a definition is none.
pub(super) fn invalid(error: Invalid) -> Error {
    let message = error.to_string();
    match error {
        Invalid::Syntax(text) => {
            Error::new(Code::ERRCODE_INVALID_TEXT_REPRESENTATION, "the definition of a status machine cannot be read")
                .detail(text)
        }
        Invalid::Lint { findings, .. } => {
            let list: Vec<String> = findings.iter().map(ToString::to_string).collect();
            Error::new(Code::ERRCODE_INVALID_OBJECT_DEFINITION, message).detail(list.join("\n"))
        }
        Invalid::Reference(_) => Error::new(Code::ERRCODE_INVALID_OBJECT_DEFINITION, message),
    }
}
