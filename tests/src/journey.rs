//! Rows on their way from the database through generated types and back.
//!
//! PostgreSQL is the judge: a row is made from literals, read into its struct, inserted from its
//! struct, and every column must be the same text to the database as it was before.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use canon_codegen::model::{Column, Identity, Model, QName, Table};
use canon_codegen::sample;
use postgres::error::SqlState;
use postgres::{Client, Row, Transaction};
use serde_json::Value;
use xtask::quote_ident;

/// A generated row type, without its type. [`subjects!`] makes one.
///
/// [`subjects!`]: crate::subjects
#[derive(Clone, Debug)]
pub struct Subject {
    /// The table.
    pub table: QName,
    /// `SELECT` of all columns.
    pub select: String,
    /// Reads a row into its struct, and gives that as JSON.
    pub read: fn(&Row) -> Result<Value>,
    /// Makes a new row of JSON, inserts it, and gives back the row that the database returns.
    pub insert: fn(&mut Transaction<'_>, Value) -> Result<Value>,
}

/// Row types as [`Subject`]s. The traits of their runtime have to be in scope.
#[macro_export]
macro_rules! subjects {
    ($($table:ty),*) => {
        vec![$($crate::journey::Subject {
            table: $crate::journey::name(<$table as Relation>::SCHEMA, <$table as Relation>::NAME),
            select: <$table as Relation>::select(),
            read: |row| Ok(serde_json::to_value(<$table as FromRow>::from_row(row)?)?),
            insert: |transaction, value| {
                let new: <$table as Table>::New = serde_json::from_value(value)?;
                let statement = new.statement();
                let row = transaction.query_one(&statement.sql, &statement.parameters)?;
                Ok(serde_json::to_value(<$table as FromRow>::from_row(&row)?)?)
            },
        }),*]
    };
}

/// A qualified name.
pub fn name(schema: &str, name: &str) -> QName {
    QName::new(schema, name)
}

/// What came of the tables of a schema.
#[derive(Clone, Debug, Default)]
pub struct Journey {
    /// Tables whose rows made it there and back.
    pub tables: usize,
    /// Rows that did.
    pub rows: usize,
    /// Checks that the rows do not meet, and that were dropped for them.
    pub lifted: BTreeSet<String>,
}

/// Sends rows of all tables on their way, in a transaction that is rolled back.
///
/// # Errors
///
/// Where a row is refused, cannot be read, or comes back as another.
pub fn travel(client: &mut Client, model: &Model, subjects: &[Subject]) -> Result<Journey> {
    let mut journey = Journey::default();
    let mut transaction = client.transaction()?;
    // Foreign keys and triggers are not what is tested.
    transaction.batch_execute("SET LOCAL session_replication_role = replica; SET LOCAL row_security = off")?;
    for subject in subjects {
        let table = model.table(&subject.table).with_context(|| format!("{} is not in the model", subject.table))?;
        one_table(&mut transaction, model, table, subject, &mut journey)
            .with_context(|| format!("table {}", subject.table))?;
        journey.tables += 1;
    }
    transaction.rollback()?;
    Ok(journey)
}

fn one_table(
    transaction: &mut Transaction<'_>,
    model: &Model,
    table: &Table,
    subject: &Subject,
    journey: &mut Journey,
) -> Result<()> {
    let name = sql_name(&table.name);
    for n in [1, 2] {
        transaction.batch_execute(&format!("DELETE FROM {name}"))?;
        insert_literals(transaction, model, table, n, journey)?;
        let (before, found) = look(transaction, table, subject)?;
        transaction.batch_execute(&format!("DELETE FROM {name}"))?;
        let returned = (subject.insert)(transaction, found.clone()).with_context(|| format!("inserting {found}"))?;
        let (after, again) = look(transaction, table, subject)?;
        ensure!(returned == again, "returned {returned}, then selected {again}");
        for ((column, before), after) in stored(table).zip(&before).zip(&after) {
            ensure!(before == after, "column {}: was {before:?}, came back as {after:?}", column.name);
        }
        journey.rows += 1;
    }
    // And nothing but what is required.
    transaction.batch_execute(&format!("DELETE FROM {name}"))?;
    insert_literals(transaction, model, table, 3, journey)?;
    let (_, mut found) = look(transaction, table, subject)?;
    transaction.batch_execute(&format!("DELETE FROM {name}"))?;
    if let Value::Object(fields) = &mut found {
        fields.retain(|column, _| table.column(column).is_some_and(is_required));
    }
    let mut savepoint = transaction.savepoint("required")?;
    match (subject.insert)(&mut savepoint, found.clone()) {
        Ok(_) => savepoint.commit()?,
        // A check can want more than the columns do; no type knows that.
        Err(error) if error.downcast_ref().and_then(postgres::Error::code) == Some(&SqlState::CHECK_VIOLATION) => {
            savepoint.rollback()?;
        }
        Err(error) => return Err(error.context(format!("inserting nothing but {found}"))),
    }
    journey.rows += 1;
    Ok(())
}

/// The one row of the table: every column as text, and the struct as JSON.
fn look(transaction: &mut Transaction<'_>, table: &Table, subject: &Subject) -> Result<(Vec<Option<String>>, Value)> {
    let columns: Vec<String> = stored(table).map(|c| format!("{}::text", quote_ident(&c.name))).collect();
    let sql = format!("SELECT ARRAY[{}]::text[] FROM {}", columns.join(", "), sql_name(&table.name));
    let texts = transaction.query_one(&sql, &[])?.try_get(0)?;
    let row = transaction.query_one(&subject.select, &[]).context(subject.select.clone())?;
    Ok((texts, (subject.read)(&row)?))
}

/// The columns that a client decides about.
fn stored(table: &Table) -> impl Iterator<Item = &Column> {
    table.columns.iter().filter(|c| c.generated.is_none() && c.identity != Some(Identity::Always))
}

fn is_required(column: &Column) -> bool {
    column.not_null && column.default.is_none() && column.identity.is_none() && column.generated.is_none()
}

fn insert_literals(
    transaction: &mut Transaction<'_>,
    model: &Model,
    table: &Table,
    n: u32,
    journey: &mut Journey,
) -> Result<()> {
    let name = sql_name(&table.name);
    let columns: Vec<String> = stored(table).map(|c| quote_ident(&c.name)).collect();
    let values: Vec<String> = stored(table).map(|c| literal(model, table, c, n)).collect();
    let sql = if columns.is_empty() {
        format!("INSERT INTO {name} DEFAULT VALUES")
    } else {
        format!("INSERT INTO {name} ({}) OVERRIDING SYSTEM VALUE VALUES ({})", columns.join(", "), values.join(", "))
    };
    loop {
        let mut savepoint = transaction.savepoint("literals")?;
        let Err(error) = savepoint.batch_execute(&sql) else {
            savepoint.commit()?;
            return Ok(());
        };
        savepoint.rollback()?;
        let lift = error.as_db_error().filter(|db| *db.code() == SqlState::CHECK_VIOLATION).and_then(|db| {
            let constraint = quote_ident(db.constraint()?);
            Some(match (db.table(), db.datatype()) {
                (Some(_), _) => format!("ALTER TABLE {name} DROP CONSTRAINT {constraint} CASCADE"),
                (_, Some(domain)) => {
                    let domain = format!("{}.{}", quote_ident(db.schema()?), quote_ident(domain));
                    format!("ALTER DOMAIN {domain} DROP CONSTRAINT {constraint}")
                }
                _ => return None,
            })
        });
        match lift {
            Some(lift) => {
                transaction.batch_execute(&lift).with_context(|| lift.clone())?;
                ensure!(journey.lifted.insert(lift.clone()), "again: {lift}");
            }
            None if table.partition_key.is_some() && is_without_partition(&error) => {
                // The rows of the test may lie outside all partitions.
                let partition = quote_ident(&format!("{} rest", table.name.name));
                transaction.batch_execute(&format!("CREATE TABLE {partition} PARTITION OF {name} DEFAULT"))?;
            }
            None => bail!("{error}: {:?}: {sql}", error.as_db_error().map(|db| (db.message(), db.detail()))),
        }
    }
}

fn is_without_partition(error: &postgres::Error) -> bool {
    error.as_db_error().is_some_and(|db| db.constraint().is_none() && *db.code() == SqlState::CHECK_VIOLATION)
}

/// A literal; types without values, as an enum without labels, have NULL.
fn literal(model: &Model, table: &Table, column: &Column, n: u32) -> String {
    let is_empty = |name: &QName| model.enums.iter().any(|e| e.name == *name && e.labels.is_empty());
    if model.enums.iter().any(|e| column.ty == e.name.to_string() && is_empty(&e.name)) {
        return "NULL".to_owned();
    }
    format!("'{}'", sample::literal(model, table, column, n).replace('\'', "''"))
}

fn sql_name(name: &QName) -> String {
    format!("{}.{}", quote_ident(&name.schema), quote_ident(&name.name))
}
