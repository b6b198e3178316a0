use canon_core::schema::{ConstraintKind, Origin, Table, quote_ident};

use super::super::context::{Context, constraint_name, index_name, is_partition};
use super::super::finding::{Draft, Findings};
use super::super::rule::{Check, Rule, Severity};
use super::super::words::mentions;
use super::page;

pub(in crate::lint) static RULE: Rule = Rule {
    code: "L15",
    name: "unique-over-nullable",
    summary: "A key over several columns accepts duplicates where one of them is NULL.",
    severity: Severity::Warning,
    page: page!("L15"),
    check: Check::Unit(check),
};

fn check(cx: &Context<'_>, out: &mut Findings<'_>) {
    for table in cx.model.tables.iter().filter(|t| !is_partition(t)) {
        for constraint in table.constraints.iter().filter(|c| c.kind == ConstraintKind::Unique && !c.nulls_not_distinct)
        {
            let name = constraint_name(table, constraint);
            report(cx, table, name, &constraint.name, &constraint.columns, constraint.origin, out);
        }
        for index in table.indexes.iter().filter(|i| i.unique && !i.nulls_not_distinct && i.predicate.is_none()) {
            let columns: Vec<String> = index.keys.iter().filter_map(|k| k.column.clone()).collect();
            // An expression such as coalesce(x, ...) is how NULL was kept out before NULLS NOT DISTINCT.
            if columns.len() == index.keys.len() {
                report(cx, table, index_name(table, index), &index.name, &columns, index.origin, out);
            }
        }
    }
}

fn report(
    cx: &Context<'_>,
    table: &Table,
    object: String,
    key: &str,
    columns: &[String],
    origin: Option<Origin>,
    out: &mut Findings<'_>,
) {
    // One nullable column alone is an optional value, unique where it is given: that is common and meant.
    if columns.len() < 2 {
        return;
    }
    let nullable: Vec<&String> =
        columns.iter().filter(|name| table.column(name).is_some_and(|c| cx.is_nullable(c))).collect();
    let open: Vec<String> =
        nullable.iter().filter(|name| !is_minded(table, name)).map(|name| quote_ident(name)).collect();
    // A key that holds the primary key cannot have duplicates.
    let holds_key = !table.primary_key().is_empty() && table.primary_key().iter().all(|c| columns.contains(c));
    if open.is_empty() || holds_key {
        return;
    }
    let message = format!("{key} accepts the same row twice where {} is NULL", open.join(" or "));
    out.push(
        Draft::new(cx, object, origin.or(table.origin), message)
            .help("declare it UNIQUE NULLS NOT DISTINCT (PostgreSQL 15), or the columns NOT NULL"),
    );
}

/// Whether somebody thought of NULL: a unique index stands guard over the rows that the key lets
/// through, or a check says when the column is NULL.
fn is_minded(table: &Table, column: &str) -> bool {
    let about = |text: &String| {
        let lower = text.to_lowercase();
        (lower.contains("is null") || lower.contains("is not null")) && mentions(text, column)
    };
    table.indexes.iter().any(|i| i.unique && i.predicate.as_ref().is_some_and(about))
        || table.constraints.iter().any(|c| c.kind == ConstraintKind::Check && c.expression.as_ref().is_some_and(about))
}
