//! Queries that the keys of a table are made for.

use canon_core::schema::{Column, ConstraintKind, Identity, QName, Table, View};
use serde::Serialize;

use crate::emit::quote::{ident, idents, qname};
use crate::markdown::code;

/// A query and what it is for.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(super) struct Query {
    /// Markdown.
    pub(super) title_md: String,
    pub(super) sql: String,
}

/// Joins to more neighbours than these would say the same again.
const JOINS: usize = 4;
/// Columns of a list; a query that names twenty says less than one that leaves a few out.
const LISTED: usize = 8;

/// Reading by each key, inserting what is required, joining the neighbours.
pub(super) fn of_table<'m>(find: &dyn Fn(&QName) -> Option<&'m Table>, table: &Table) -> Vec<Query> {
    let mut queries: Vec<Query> = Vec::new();
    let mut seen: Vec<Vec<String>> = Vec::new();
    for key in keys(table) {
        if seen.contains(&key.columns) {
            continue;
        }
        let sql = format!(
            "SELECT {}\nFROM {}\nWHERE {};",
            columns(table, &key.columns),
            qname(&table.name),
            equal(&key.columns, "", 1)
        );
        queries.push(Query { title_md: format!("By {} (at most one row)", named(&key)), sql });
        seen.push(key.columns);
    }
    for (key, _) in table.foreign_keys() {
        if seen.contains(&key.columns) {
            continue;
        }
        seen.push(key.columns.clone());
        let order = order(table);
        let sql = format!(
            "SELECT {}\nFROM {}\nWHERE {}{order}\nLIMIT 20;",
            columns(table, &key.columns),
            qname(&table.name),
            equal(&key.columns, "", 1)
        );
        queries.push(Query { title_md: format!("By foreign key {}", listed(&key.columns)), sql });
    }
    queries.extend(insert(table));
    queries.extend(joins(find, table));
    queries
}

/// A view is read as a whole.
pub(super) fn of_view(view: &View) -> Vec<Query> {
    let names: Vec<String> = view.columns.iter().map(|c| c.name.clone()).collect();
    let columns = if names.is_empty() { "*".to_owned() } else { idents(&names) };
    vec![Query {
        title_md: "Its rows".to_owned(),
        sql: format!("SELECT {columns}\nFROM {}\nLIMIT 20;", qname(&view.name)),
    }]
}

struct Key {
    columns: Vec<String>,
    primary: bool,
}

/// Keys that find one row: of constraints, and of unique indexes over plain columns and all rows.
fn keys(table: &Table) -> Vec<Key> {
    let constraints = table.constraints.iter().filter(|c| !c.without_overlaps && !c.columns.is_empty());
    let of_kind = |kind| constraints.clone().filter(move |c| c.kind == kind);
    let key = |columns: &[String], primary| Key { columns: columns.to_vec(), primary };
    let indexes = table.indexes.iter().filter(|i| i.unique && i.predicate.is_none());
    let plain =
        |i: &canon_core::schema::Index| i.keys.iter().map(|k| k.column.clone()).collect::<Option<Vec<String>>>();
    let primary = of_kind(ConstraintKind::Primary).map(|c| key(&c.columns, true));
    let unique = of_kind(ConstraintKind::Unique).map(|c| key(&c.columns, false));
    let unique_indexes = indexes.filter_map(plain).map(|columns| key(&columns, false));
    primary.chain(unique).chain(unique_indexes).collect()
}

fn named(key: &Key) -> String {
    let kind = if key.primary { "primary key" } else { "unique key" };
    format!("{kind} {}", listed(&key.columns))
}

fn listed(columns: &[String]) -> String {
    columns.iter().map(|c| code(c)).collect::<Vec<_>>().join(", ")
}

/// `a = $1 AND b = $2`.
fn equal(columns: &[String], prefix: &str, first: usize) -> String {
    let each = columns.iter().enumerate().map(|(n, c)| format!("{prefix}{} = ${}", ident(c), n + first));
    each.collect::<Vec<_>>().join("\n  AND ")
}

/// The first columns, without those that the query already knows.
fn columns(table: &Table, known: &[String]) -> String {
    let others: Vec<String> =
        table.columns.iter().map(|c| &c.name).filter(|c| !known.contains(c)).take(LISTED).cloned().collect();
    if others.is_empty() { idents(known) } else { idents(&others) }
}

/// By time where the table has one, else by its key.
fn order(table: &Table) -> String {
    let is_time = |c: &&Column| c.name == "created_at" || c.name == "created_date";
    match (table.columns.iter().find(is_time), table.primary_key()) {
        (Some(column), _) => format!("\nORDER BY {} DESC", ident(&column.name)),
        (None, []) => String::new(),
        (None, key) => format!("\nORDER BY {}", idents(key)),
    }
}

/// What an insert cannot do without.
fn insert(table: &Table) -> Option<Query> {
    let required = |c: &&Column| c.not_null && c.default.is_none() && c.generated.is_none() && c.identity.is_none();
    let names: Vec<String> = table.columns.iter().filter(required).map(|c| c.name.clone()).collect();
    let returning = match table.primary_key() {
        [] => String::new(),
        key => format!("\nRETURNING {}", idents(key)),
    };
    let sql = if names.is_empty() {
        let writable = table.columns.iter().any(|c| c.generated.is_none() && c.identity != Some(Identity::Always));
        if !writable && table.columns.is_empty() {
            return None;
        }
        format!("INSERT INTO {} DEFAULT VALUES{returning};", qname(&table.name))
    } else {
        let values: Vec<String> = (1..=names.len()).map(|n| format!("${n}")).collect();
        format!("INSERT INTO {} ({})\nVALUES ({}){returning};", qname(&table.name), idents(&names), values.join(", "))
    };
    Some(Query { title_md: "Insert, with the required columns".to_owned(), sql })
}

/// The table with each row its foreign keys point at.
fn joins<'m>(find: &dyn Fn(&QName) -> Option<&'m Table>, table: &Table) -> Vec<Query> {
    let mut queries = Vec::new();
    for (key, references) in table.foreign_keys() {
        let Some(parent) = find(&references.table) else { continue };
        let on: Vec<String> = key
            .columns
            .iter()
            .zip(&references.columns)
            .map(|(a, b)| format!("p.{} = t.{}", ident(b), ident(a)))
            .collect();
        if queries.len() == JOINS || on.is_empty() {
            break;
        }
        let optional = key.columns.iter().any(|c| table.column(c).is_some_and(|c| !c.not_null));
        let join = if optional { "LEFT JOIN" } else { "JOIN" };
        let own = table.primary_key().iter().chain(&key.columns).fold(Vec::new(), |mut all: Vec<&String>, column| {
            if !all.contains(&column) {
                all.push(column);
            }
            all
        });
        let own = own.iter().map(|c| format!("t.{}", ident(c)));
        let not_key = |c: &&Column| !references.columns.contains(&c.name);
        let theirs = parent.columns.iter().filter(not_key).take(3).map(|c| format!("p.{}", ident(&c.name)));
        let sql = format!(
            "SELECT {}\nFROM {} AS t\n{join} {} AS p ON {}\nLIMIT 20;",
            own.chain(theirs).collect::<Vec<_>>().join(", "),
            qname(&table.name),
            qname(&parent.name),
            on.join(" AND ")
        );
        let title_md = format!("With {} through {}", code(&parent.name.name), listed(&key.columns));
        queries.push(Query { title_md, sql });
    }
    queries
}
