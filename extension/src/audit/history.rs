//! What the ledger knows about a row: who changed what, how it was, how to undo a change.

use std::collections::BTreeMap;

use canon_core::ledger::value::{Class, fields};
use pgrx::datum::TimestampWithTimeZone;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi::{quote_identifier, quote_literal};
use pgrx::{JsonB, PgRelation};

use super::columns::image_json;
use super::enable::{Relation, closed, relation, uuid};
use super::ledger;
use crate::error::{Error, Result};

/// Values of a row by column: class and text.
type Row = BTreeMap<String, serde_json::Value>;

fn recorded(table: PgRelation) -> Result<(Relation, pgrx::Uuid)> {
    let table = relation(closed(table))?;
    let config = table.recorded.as_ref().ok_or_else(|| Error::NotAudited { relation: table.name.clone() })?;
    let id = uuid(&config.id)?;
    Ok((table, id))
}

/// Who changed a row, when, and what.
#[pg_extern(schema = "canon", volatile, strict, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
pub(super) fn audit_history(
    relation: PgRelation,
    row_key: &str,
) -> std::result::Result<
    TableIterator<
        'static,
        (
            name!(entry, i64),
            name!(recorded_at, TimestampWithTimeZone),
            name!(operation, String),
            name!(actor, Option<String>),
            name!(old_row, Option<JsonB>),
            name!(new_row, Option<JsonB>),
            name!(context, Option<JsonB>),
        ),
    >,
    ErrorReport,
> {
    let (_, id) = recorded(relation)?;
    let rows = ledger::as_owner(|| {
        Spi::connect(|client| {
            let rows = client.select(
                "SELECT id, recorded_at, operation, actor, old_row, new_row, context::pg_catalog.jsonb FROM canon.audit_entry
                 WHERE table_id OPERATOR(pg_catalog.=) $1
                   AND (row_key OPERATOR(pg_catalog.=) $2 OR operation OPERATOR(pg_catalog.=) 'TRUNCATE')
                 ORDER BY recorded_at, id",
                None,
                &[id.into(), row_key.into()],
            )?;
            let mut found = Vec::new();
            for row in rows {
                let missing = || Error::Internal("canon.audit_entry holds a NULL".to_owned());
                let image = |at| row.get::<&[u8]>(at).ok().flatten().map(|image| JsonB(image_json(image)));
                found.push((
                    row.get(1)?.ok_or_else(missing)?,
                    row.get(2)?.ok_or_else(missing)?,
                    row.get(3)?.ok_or_else(missing)?,
                    row.get(4)?,
                    image(5),
                    image(6),
                    row.get(7)?,
                ));
            }
            Ok(found)
        })
    })?;
    Ok(TableIterator::new(rows))
}

/// The row as it was at a time, from its entries. Columns that no entry tells of are not in it.
fn row_at(table: pgrx::Uuid, key: &str, at: TimestampWithTimeZone) -> Result<Option<Row>> {
    ledger::as_owner(|| {
        Spi::connect(|client| {
            let rows = client.select(
                "SELECT operation, old_row, new_row FROM canon.audit_entry
                 WHERE table_id OPERATOR(pg_catalog.=) $1 AND recorded_at OPERATOR(pg_catalog.<=) $3
                   AND (row_key OPERATOR(pg_catalog.=) $2 OR operation OPERATOR(pg_catalog.=) 'TRUNCATE')
                 ORDER BY recorded_at, id",
                None,
                &[table.into(), key.into(), at.into()],
            )?;
            let mut state: Option<Row> = None;
            for row in rows {
                let operation = row.get::<&str>(1)?.unwrap_or_default();
                if matches!(operation, "DELETE" | "TRUNCATE") {
                    state = None;
                    continue;
                }
                let mut values = if operation == "INSERT" { Row::new() } else { state.unwrap_or_default() };
                // A column that was there and is not any more became NULL.
                for field in fields(row.get::<&[u8]>(2)?.unwrap_or_default()).flatten() {
                    values.remove(field.name);
                }
                for field in fields(row.get::<&[u8]>(3)?.unwrap_or_default()).flatten() {
                    values.insert(field.name.to_owned(), field.json());
                }
                state = Some(values);
            }
            Ok(state)
        })
    })
}

/// A row as it was.
#[pg_extern(schema = "canon", volatile, strict, parallel_unsafe)]
pub(super) fn audit_row_at(
    relation: PgRelation,
    row_key: &str,
    at: TimestampWithTimeZone,
) -> std::result::Result<Option<JsonB>, ErrorReport> {
    let (_, id) = recorded(relation)?;
    Ok(row_at(id, row_key, at)?.map(|row| JsonB(row.into_iter().collect::<serde_json::Map<_, _>>().into())))
}

/// What differs between a row at one time and at another.
#[pg_extern(schema = "canon", volatile, strict, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
pub(super) fn audit_diff(
    relation: PgRelation,
    row_key: &str,
    from_time: TimestampWithTimeZone,
    to_time: TimestampWithTimeZone,
) -> std::result::Result<
    TableIterator<'static, (name!(column, String), name!(before, Option<JsonB>), name!(after, Option<JsonB>))>,
    ErrorReport,
> {
    let (_, id) = recorded(relation)?;
    let before = row_at(id, row_key, from_time)?.unwrap_or_default();
    let after = row_at(id, row_key, to_time)?.unwrap_or_default();
    let mut columns: Vec<String> = before.keys().chain(after.keys()).cloned().collect();
    columns.sort();
    columns.dedup();
    columns.retain(|column| before.get(column) != after.get(column));
    let value = |row: &Row, column: &String| row.get(column).cloned().map(JsonB);
    let rows: Vec<_> = columns
        .into_iter()
        .map(|column| {
            let (before, after) = (value(&before, &column), value(&after, &column));
            (column, before, after)
        })
        .collect();
    Ok(TableIterator::new(rows))
}

/// The statement that undoes what an entry records.
#[pg_extern(schema = "canon", volatile, strict, parallel_unsafe)]
pub(super) fn audit_undo(entry: i64) -> std::result::Result<String, ErrorReport> {
    Ok(ledger::as_owner(|| undo(entry))?)
}

fn undo(entry: i64) -> Result<String> {
    Spi::connect(|client| {
        let rows = client.select(
            "SELECT e.operation, t.relation, e.old_row, e.new_row, t.settings OPERATOR(pg_catalog.->) 'key',
                 (SELECT pg_catalog.array_agg(a.attname::pg_catalog.text) FROM pg_catalog.pg_attribute AS a
                  WHERE a.attrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(t.relation)::pg_catalog.oid
                    AND a.attgenerated OPERATOR(pg_catalog.<>) ''::\"char\")
             FROM canon.audit_entry AS e JOIN canon.audit_table AS t ON t.id OPERATOR(pg_catalog.=) e.table_id
             WHERE e.id OPERATOR(pg_catalog.=) $1",
            Some(1),
            &[entry.into()],
        )?;
        let Some(row) = rows.into_iter().next() else { return Err(Error::NoEntry { entry }) };
        let operation: String = row.get(1)?.unwrap_or_default();
        let relation: String = row.get(2)?.unwrap_or_default();
        let (old, new) = (row.get::<&[u8]>(3)?.unwrap_or_default(), row.get::<&[u8]>(4)?.unwrap_or_default());
        let key: Vec<String> =
            row.get::<JsonB>(5)?.and_then(|key| serde_json::from_value(key.0).ok()).unwrap_or_default();
        let generated: Vec<String> = row.get(6)?.unwrap_or_default();
        let literals = |image| -> Vec<(String, String)> {
            let computed = |name: &String| generated.iter().any(|column| quote_identifier(column) == *name);
            literals(image).into_iter().filter(|(name, _)| !computed(name)).collect()
        };
        let cannot = |why: &'static str| Error::CannotUndo { entry, why };
        if fields(old).chain(fields(new)).flatten().any(|field| field.class == Class::Masked) {
            return Err(cannot("a value in it is not recorded"));
        }
        match operation.as_str() {
            "INSERT" => Ok(format!(
                "DELETE FROM {relation} WHERE {};",
                condition(new, &key).ok_or_else(|| cannot("it has no key"))?
            )),
            "DELETE" => {
                let (names, values): (Vec<String>, Vec<String>) = literals(old).into_iter().unzip();
                if names.is_empty() {
                    return Err(cannot("its content was erased"));
                }
                Ok(format!(
                    "INSERT INTO {relation} ({}) OVERRIDING SYSTEM VALUE VALUES ({});",
                    names.join(", "),
                    values.join(", ")
                ))
            }
            "UPDATE" => {
                let (before, after) = (literals(old), literals(new));
                let changed = before.iter().filter(|pair| !after.contains(pair));
                let mut changes: Vec<String> = changed.map(|(name, value)| format!("{name} = {value}")).collect();
                for (name, _) in after {
                    if !before.iter().any(|(known, _)| *known == name) {
                        changes.push(format!("{name} = NULL"));
                    }
                }
                let condition = condition(new, &key).ok_or_else(|| cannot("it has no key"))?;
                Ok(format!("UPDATE {relation} SET {} WHERE {condition};", changes.join(", ")))
            }
            _ => Err(cannot("it does not record the change of a row")),
        }
    })
}

/// Quoted names with quoted values.
fn literals(image: &[u8]) -> Vec<(String, String)> {
    let pair = |field: canon_core::ledger::value::Field<'_>| {
        Some((quote_identifier(field.name), quote_literal(field.text()?)))
    };
    fields(image).flatten().filter_map(pair).collect()
}

fn condition(image: &[u8], key: &[String]) -> Option<String> {
    let values = literals(image);
    let terms: Option<Vec<String>> = key
        .iter()
        .map(|column| {
            let name = quote_identifier(column);
            values.iter().find(|(known, _)| *known == name).map(|(name, value)| format!("{name} = {value}"))
        })
        .collect();
    terms.filter(|terms| !terms.is_empty()).map(|terms| terms.join(" AND "))
}
