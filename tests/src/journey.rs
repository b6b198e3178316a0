//! Rows on their way from the database through generated types and back.
//!
//! PostgreSQL is the judge: a row is made from literals, read into its struct, inserted from its
//! struct, and every column must be the same text to the database as it was before.

mod bounds;
mod edges;
mod meet;
mod remote;
mod rows;
mod session;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use canon_codegen::model::{Column, Identity, Model, QName, Table};
use canon_codegen::sample;
use serde_json::Value;
use xtask::quote_ident;

pub use self::remote::Remote;
use self::rows::{Rows, prepared};
pub use self::session::{Local, Refusal, Session, Subject};

/// The most rows of the file itself that are read back in one table.
const MOST_ROWS: usize = 10_000;

/// A view whose query never ends is a finding, not the end of the journey.
const TIMEOUT: &str = "SET LOCAL statement_timeout = '60s'";

/// A qualified name.
pub fn name(schema: &str, name: &str) -> QName {
    QName::new(schema, name)
}

/// What came of the relations of a schema.
#[derive(Clone, Debug, Default)]
pub struct Journey {
    /// Tables, by name.
    pub tables: BTreeMap<QName, Trip>,
    /// Views, by name.
    pub views: BTreeMap<QName, Trip>,
    /// Checks that no made-up row meets, and that were dropped for them.
    pub lifted: BTreeSet<String>,
}

/// What came of one relation.
#[derive(Clone, Debug, Default)]
pub struct Trip {
    /// Rows that were made up, and made it there and back.
    pub travelled: usize,
    /// Rows that were there, and could be read.
    pub read: usize,
    /// Values at the edge of their type among them.
    pub edges: usize,
    /// Values at the edge of their type that a check, a key or an expression of the table refused.
    pub kept_inside: usize,
    /// Why the journey ended early.
    pub failure: Option<String>,
}

impl Journey {
    /// Tables whose rows came back as they were.
    pub fn arrived(&self) -> usize {
        self.tables.values().filter(|trip| trip.failure.is_none()).count()
    }

    /// What did not arrive, with the reason.
    pub fn failures(&self) -> Vec<String> {
        let all = self.tables.iter().chain(&self.views);
        all.filter_map(|(name, trip)| Some(format!("{name}: {}", trip.failure.as_ref()?))).collect()
    }
}

/// Sends rows of tables on their way, and reads views, in a transaction that is rolled back.
///
/// # Errors
///
/// When the session itself fails. What goes wrong with a relation stands in the result.
pub fn travel(session: &mut dyn Session, model: &Model, tables: &[QName], views: &[QName]) -> Result<Journey> {
    let mut journey = Journey::default();
    session.run("BEGIN")?;
    // Foreign keys and triggers are not what is tested.
    session.run("SET LOCAL session_replication_role = replica; SET LOCAL row_security = off")?;
    session.run(TIMEOUT)?;
    for name in tables {
        let table = model.table(name).with_context(|| format!("{name} is not in the model"))?;
        session.run("SAVEPOINT relation")?;
        let mut trip = Trip::default();
        if let Err(error) = one_table(session, model, table, &mut trip, &mut journey.lifted) {
            trip.failure = Some(format!("{error:#}"));
        }
        session.run("ROLLBACK TO SAVEPOINT relation")?;
        journey.tables.insert(name.clone(), trip);
    }
    fill(session, model, tables)?;
    for name in views {
        session.run("SAVEPOINT relation")?;
        let mut trip = Trip::default();
        match read_view(session, model, name) {
            Ok(rows) => trip.read = rows,
            Err(error) => trip.failure = Some(format!("{error:#}")),
        }
        session.run("ROLLBACK TO SAVEPOINT relation")?;
        journey.views.insert(name.clone(), trip);
    }
    session.run("ROLLBACK")?;
    Ok(journey)
}

fn one_table(
    session: &mut dyn Session,
    model: &Model,
    table: &Table,
    trip: &mut Trip,
    lifted: &mut BTreeSet<String>,
) -> Result<()> {
    let name = sql_name(&table.name);
    trip.read = session.read(&table.name, MOST_ROWS).context("reading the rows that are there")?.len();
    let delete = format!("DELETE FROM {name}");
    session.run(&delete)?;
    let made = prepared(session, model, table, lifted)?;
    let rows = Rows { model, table, made };
    for row in rows.all(session, trip)? {
        session.run(&delete)?;
        session.run(&rows::insert(table, &row))?;
        round_trip(session, table, &delete).with_context(|| format!("row {}", row.join(", ")))?;
        trip.travelled += 1;
    }
    // And nothing but what is required.
    session.run(&delete)?;
    session.run(&rows::insert(table, &rows.made))?;
    session.read(&table.name, 1)?;
    session.run(&delete)?;
    let required: Vec<String> = table.columns.iter().filter(|c| is_required(c)).map(|c| c.name.clone()).collect();
    session.run("SAVEPOINT required")?;
    match session.insert(&table.name, Some(&required)) {
        Ok(_) => trip.travelled += 1,
        // A check can want more than the columns do, and a default can be NULL: no type knows that.
        Err(error) if error.is_check_violation() || error.is_null_violation() => {
            session.run("ROLLBACK TO SAVEPOINT required")?;
        }
        Err(error) => return Err(error).context("inserting nothing but what is required"),
    }
    Ok(())
}

/// Reads the one row of the table, inserts what was read in its place, and compares.
fn round_trip(session: &mut dyn Session, table: &Table, delete: &str) -> Result<()> {
    let (before, _) = look(session, table)?;
    session.run(delete)?;
    let returned = session.insert(&table.name, None).context("inserting what was read")?;
    let (after, again) = look(session, table)?;
    anyhow::ensure!(returned == again, "returned {returned}, then selected {again}");
    for ((column, before), after) in stored(table).zip(&before).zip(&after) {
        anyhow::ensure!(before == after, "column {}: was {before:?}, came back as {after:?}", column.name);
    }
    Ok(())
}

/// The one row of the table: every column as text, and the struct as JSON.
fn look(session: &mut dyn Session, table: &Table) -> Result<(Vec<Option<String>>, Value)> {
    let columns: Vec<String> = stored(table).map(|c| format!("{}::text", canonical(table, c))).collect();
    let columns = columns.join(", ");
    let sql = format!("SELECT pg_catalog.array_to_json(ARRAY[{columns}]::text[])::text FROM {}", sql_name(&table.name));
    let texts = session.one(&sql)?.context("no row")?;
    let mut rows = session.read(&table.name, 1).context("reading")?;
    let row = rows.pop().context("no row was read")?;
    Ok((serde_json::from_str(&texts)?, row))
}

/// The column, in a form that is the same text for the same value: blanks of JSON mean nothing.
fn canonical(table: &Table, column: &Column) -> String {
    let name = quote_ident(&column.name);
    match column.ty.as_str() {
        "json" => format!("{name}::jsonb"),
        "json[]" => format!("{name}::jsonb[]"),
        _ if sample::is_json_text(table, &column.name) => format!("{name}::jsonb"),
        _ => name,
    }
}

/// Leaves a row in every table that takes one, for the views.
fn fill(session: &mut dyn Session, model: &Model, tables: &[QName]) -> Result<()> {
    for table in tables.iter().filter_map(|name| model.table(name)) {
        session.run("SAVEPOINT row")?;
        if session.run(&rows::insert(table, &rows::plain(model, table, 1))).is_err() {
            session.run("ROLLBACK TO SAVEPOINT row")?;
        }
    }
    Ok(())
}

fn read_view(session: &mut dyn Session, model: &Model, name: &QName) -> Result<usize> {
    if model.views.iter().any(|view| view.name == *name && view.materialized) {
        session.run(&format!("REFRESH MATERIALIZED VIEW {}", sql_name(name)))?;
    }
    Ok(session.read(name, MOST_ROWS)?.len())
}

/// The columns that a client decides about.
fn stored(table: &Table) -> impl Iterator<Item = &Column> {
    table.columns.iter().filter(|c| c.generated.is_none() && c.identity != Some(Identity::Always))
}

fn is_required(column: &Column) -> bool {
    column.not_null && column.default.is_none() && column.identity.is_none() && column.generated.is_none()
}

fn sql_name(name: &QName) -> String {
    format!("{}.{}", quote_ident(&name.schema), quote_ident(&name.name))
}
