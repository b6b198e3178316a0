use canon_core::schema::{ConstraintKind, Origin, Table, quote_ident};

use super::super::context::{Context, constraint_name, index_name, is_partition};
use super::super::finding::{Draft, Findings};
use super::super::rule::{Check, Rule, Severity};
use super::super::words::mentions;
use super::page;

pub(in crate::lint) static RULE: Rule = Rule {
    code: "L17",
    name: "soft-delete-unique",
    summary: "Rows are marked as deleted, and their unique values stay taken.",
    severity: Severity::Warning,
    page: page!("L17"),
    check: Check::Unit(check),
};

fn check(cx: &Context<'_>, out: &mut Findings<'_>) {
    for table in cx.model.tables.iter().filter(|t| !is_partition(t)) {
        let Some(marker) = table.columns.iter().find(|c| cx.options.soft_delete_columns.contains(&c.name)) else {
            continue;
        };
        let keys = table.constraints.iter().filter(|c| c.kind == ConstraintKind::Unique);
        for key in keys.filter(|c| blocks(table, &c.columns, &marker.name)) {
            let object = constraint_name(table, key);
            report(cx, table, object, &key.name, &key.columns, &marker.name, key.origin, out);
        }
        for index in table.indexes.iter().filter(|i| i.unique) {
            let columns: Vec<String> = index.keys.iter().filter_map(|k| k.column.clone()).collect();
            let texts = index.predicate.iter().chain(index.keys.iter().filter_map(|k| k.expression.as_ref()));
            let minded = texts.into_iter().any(|text| mentions(text, &marker.name));
            if !minded && !index.keys.is_empty() && blocks(table, &columns, &marker.name) {
                let object = index_name(table, index);
                report(cx, table, object, &index.name, &columns, &marker.name, index.origin, out);
            }
        }
    }
}

/// Whether a deleted row keeps others from taking the values: not where the marker is part of the
/// key, nor where the key holds the primary key, which nobody takes again.
fn blocks(table: &Table, columns: &[String], marker: &str) -> bool {
    let primary = table.primary_key();
    let holds_key = !primary.is_empty() && primary.iter().all(|c| columns.contains(c));
    !holds_key && !columns.iter().any(|c| c == marker)
}

#[expect(clippy::too_many_arguments, reason = "two callers that say the same of a constraint and of an index")]
fn report(
    cx: &Context<'_>,
    table: &Table,
    object: String,
    key: &str,
    columns: &[String],
    marker: &str,
    origin: Option<Origin>,
    out: &mut Findings<'_>,
) {
    let list: Vec<String> = columns.iter().map(|c| quote_ident(c)).collect();
    let message = format!("{key} keeps the values of rows that {} marks as deleted", quote_ident(marker));
    let live = if matches!(table.column(marker).map(|c| c.ty.as_str()), Some("boolean")) { "NOT " } else { "" };
    let condition = if live.is_empty() {
        format!("{} IS NULL", quote_ident(marker))
    } else {
        format!("NOT {}", quote_ident(marker))
    };
    let keys = if list.is_empty() { "...".to_owned() } else { list.join(", ") };
    let help = format!("CREATE UNIQUE INDEX ON {} ({keys}) WHERE {condition}; instead", table.name);
    out.push(Draft::new(cx, object, origin.or(table.origin), message).help(help));
}
