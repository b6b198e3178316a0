//! Made-up rows of a table that the table takes.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use canon_codegen::model::{Column, Model, QName, Table};
use canon_codegen::sample;
use xtask::quote_ident;

use super::bounds::inside;
use super::edges::{Edge, edge};
use super::meet::candidates;
use super::session::{Refusal, Session};
use super::{Trip, sql_name, stored};

/// How many rows are tried before a check is said to want what cannot be guessed.
const TRIES: u32 = 12;

/// A literal, or `NULL`, for every column of [`stored`].
pub(super) type Row = Vec<String>;

/// The rows of one table.
pub(super) struct Rows<'m> {
    pub(super) model: &'m Model,
    pub(super) table: &'m Table,
    /// One that the table takes.
    pub(super) made: Row,
}

impl Rows<'_> {
    /// Plausible ones, ones of values at the edge of their type, and one with as many NULLs as can be.
    pub(super) fn all(&self, session: &mut dyn Session, trip: &mut Trip) -> Result<Vec<Row>> {
        let mut rows = vec![self.made.clone()];
        let other = plain(self.model, self.table, TRIES + 1);
        if accepts(session, self.table, &other)?.is_ok() {
            rows.push(other);
        }
        for at in [Edge::Low, Edge::High] {
            let wanted =
                self.columns().map(|(column, made)| edge(self.model, column, at).unwrap_or_else(|| made.clone()));
            let (row, refused) = self.nearest(session, wanted.collect())?;
            trip.edges += row.iter().zip(&self.made).filter(|(edge, made)| edge != made).count();
            trip.kept_inside += refused;
            rows.push(row);
        }
        let is_null = |column: &Column| !column.not_null;
        let wanted =
            self.columns().map(|(column, made)| if is_null(column) { "NULL".to_owned() } else { made.clone() });
        rows.push(self.nearest(session, wanted.collect())?.0);
        rows.dedup();
        Ok(rows)
    }

    fn columns(&self) -> impl Iterator<Item = (&Column, &String)> {
        stored(self.table).zip(&self.made)
    }

    /// `wanted`, as far as the table takes it: column after column, starting from the row that it
    /// does take. And how many values it refuses.
    fn nearest(&self, session: &mut dyn Session, wanted: Row) -> Result<(Row, usize)> {
        if accepts(session, self.table, &wanted)?.is_ok() {
            return Ok((wanted, 0));
        }
        let mut refused = 0;
        let mut row = self.made.clone();
        for (at, value) in wanted.into_iter().enumerate() {
            let before = std::mem::replace(&mut row[at], value);
            if before != row[at] && accepts(session, self.table, &row)?.is_err() {
                refused += 1;
                row[at] = before;
            }
        }
        Ok((row, refused))
    }
}

/// The `n`th plausible row; that of a partition lies in it where its bound says how.
pub(super) fn plain(model: &Model, table: &Table, n: u32) -> Row {
    let inside = inside(model, table);
    let value = |column: &Column| inside.get(&column.name).cloned().unwrap_or_else(|| literal(model, table, column, n));
    stored(table).map(value).collect()
}

/// The first plausible row that the table takes. Where none is taken, checks are dropped that want
/// what cannot be guessed, and noted.
pub(super) fn prepared(
    session: &mut dyn Session,
    model: &Model,
    table: &Table,
    lifted: &mut BTreeSet<String>,
) -> Result<Row> {
    let mut dropped = BTreeSet::new();
    loop {
        let mut first: Option<Refusal> = None;
        for n in 1..=TRIES {
            let row = plain(model, table, n);
            match accepts(session, table, &row)? {
                Ok(()) => return Ok(row),
                Err(refusal) => {
                    first.get_or_insert(refusal);
                }
            }
        }
        let refusal = first.context("no row was tried")?;
        if let Some(row) = meeting(session, model, table, refusal.clone())? {
            return Ok(row);
        }
        match lift(table, &refusal, &dropped) {
            Some((what, sql)) => {
                session.run(&sql).with_context(|| sql.clone())?;
                ensure!(dropped.insert(what.clone()), "dropped in vain: {what}");
                lifted.insert(what);
            }
            None => return Err(refusal).context(insert(table, &plain(model, table, 1))),
        }
    }
}

/// The first plausible row, changed so that it meets the checks that refuse it.
fn meeting(session: &mut dyn Session, model: &Model, table: &Table, refusal: Refusal) -> Result<Option<Row>> {
    let mut row = plain(model, table, 1);
    let mut refusal = refusal;
    let mut met = BTreeSet::new();
    // A check that was met is not to be broken for the next one.
    while refusal.is_check_violation() && met.insert(refusal.constraint.clone()) {
        let mut next = None;
        let (places, values) = candidates(model, table, &refusal);
        'changes: for at in places {
            for value in &values {
                let before = std::mem::replace(&mut row[at], value.clone());
                match accepts(session, table, &row)? {
                    Ok(()) => return Ok(Some(row)),
                    Err(other) if other.is_check_violation() && !met.contains(&other.constraint) => {
                        next = Some(other);
                        break 'changes;
                    }
                    Err(_) => row[at] = before,
                }
            }
        }
        let Some(next) = next else { return Ok(None) };
        refusal = next;
    }
    Ok(None)
}

/// What stands in the way of made-up rows, and the statement that takes it away.
fn lift(table: &Table, refusal: &Refusal, dropped: &BTreeSet<String>) -> Option<(String, String)> {
    if !refusal.is_check_violation() {
        return None;
    }
    let name = sql_name(&table.name);
    let Some(constraint) = &refusal.constraint else {
        // The row lies outside all partitions, or outside this one.
        let outside = format!("{}: rows outside its partitions", table.name);
        return if table.partition_key.is_some() && !dropped.contains(&outside) {
            let partition = quote_ident(&format!("{} rest", table.name.name));
            let schema = quote_ident(&table.name.schema);
            Some((outside, format!("CREATE TABLE {schema}.{partition} PARTITION OF {name} DEFAULT")))
        } else {
            let parent = sql_name(&table.partition_of.as_ref()?.parent);
            let sql = format!("ALTER TABLE {parent} DETACH PARTITION {name}");
            Some((format!("{}: bound of the partition", table.name), sql))
        };
    };
    match (&refusal.table, &refusal.datatype) {
        (Some(of), _) => {
            let of = QName::new(refusal.schema.as_deref()?, &**of);
            let sql = format!("ALTER TABLE {} DROP CONSTRAINT {} CASCADE", sql_name(&of), quote_ident(constraint));
            Some((format!("{of}: check {constraint}"), sql))
        }
        (None, Some(domain)) => {
            let of = QName::new(refusal.schema.as_deref()?, &**domain);
            let sql = format!("ALTER DOMAIN {} DROP CONSTRAINT {}", sql_name(&of), quote_ident(constraint));
            Some((format!("{of}: check {constraint}"), sql))
        }
        (None, None) => None,
    }
}

/// Whether the table takes the row. It is not kept.
fn accepts(session: &mut dyn Session, table: &Table, row: &Row) -> Result<Result<(), Refusal>> {
    session.run("SAVEPOINT row")?;
    let answer = session.run(&insert(table, row));
    session.run("ROLLBACK TO SAVEPOINT row")?;
    Ok(answer)
}

pub(super) fn insert(table: &Table, row: &Row) -> String {
    let name = sql_name(&table.name);
    if row.is_empty() {
        return format!("INSERT INTO {name} DEFAULT VALUES");
    }
    let columns: Vec<String> = stored(table).map(|c| quote_ident(&c.name)).collect();
    format!("INSERT INTO {name} ({}) OVERRIDING SYSTEM VALUE VALUES ({})", columns.join(", "), row.join(", "))
}

/// A literal; types without values, as an enum without labels, have NULL.
fn literal(model: &Model, table: &Table, column: &Column, n: u32) -> String {
    if model.enums.iter().any(|e| column.ty == e.name.to_string() && e.labels.is_empty()) {
        return "NULL".to_owned();
    }
    quoted(&sample::literal(model, table, column, n))
}

pub(super) fn quoted(text: &str) -> String {
    if text.contains('\\') {
        return format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"));
    }
    format!("'{}'", text.replace('\'', "''"))
}
