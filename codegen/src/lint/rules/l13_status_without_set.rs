use std::collections::{HashMap, HashSet};

use canon_core::schema::{Column, ConstraintKind, QName, Table, TableKind, quote_ident};

use super::super::context::{Context, ForeignKey, column_name, column_origin, constraint_name, is_partition, is_text};
use super::super::finding::{Draft, Findings};
use super::super::rule::{Check, Rule, Severity};
use super::super::words::mentions;
use super::page;

pub(in crate::lint) static RULE: Rule = Rule {
    code: "L13",
    name: "status-without-set",
    summary: "A status column takes any value, or the status of any kind of thing.",
    severity: Severity::Info,
    page: page!("L13"),
    check: Check::Unit(check),
};

fn check(cx: &Context<'_>, out: &mut Findings<'_>) {
    for table in &cx.model.tables {
        if is_partition(table) || table.kind == TableKind::Foreign {
            continue;
        }
        for column in table.columns.iter().filter(|c| !c.inherited && is_status(cx, c)) {
            if is_limited(cx, table, column) {
                continue;
            }
            let name = quote_ident(&column.name);
            let message = format!("{name} of {} takes any {}", table.name, column.ty);
            let draft = Draft::new(cx, column_name(table, column), column_origin(table, column), message);
            out.push(draft.help(format!(
                "ALTER TABLE {} ADD CHECK ({name} IN (...)); or give it an enum, a domain or a foreign key",
                table.name
            )));
        }
    }
    shared_tables(cx, out);
}

/// Status numbers of other systems are no set of ours.
const FOREIGN: &[&str] = &["http_status", "response_status", "exit_status"];

fn is_status(cx: &Context<'_>, column: &Column) -> bool {
    let ty = cx.base_type(column);
    cx.options.status_columns.contains(&column.name)
        && !FOREIGN.contains(&column.name.as_str())
        && (is_text(ty) || matches!(ty, "integer" | "smallint" | "bigint"))
}

/// Whether something says which values there are.
fn is_limited(cx: &Context<'_>, table: &Table, column: &Column) -> bool {
    let by_domain = cx.domain(&column.ty).is_some_and(|d| !d.checks.is_empty());
    let by_constraint = table.constraints.iter().any(|c| match c.kind {
        ConstraintKind::Foreign => c.columns.contains(&column.name),
        ConstraintKind::Check => c.expression.as_ref().is_some_and(|e| mentions(e, &column.name)),
        _ => false,
    });
    // A lookup table's own name of a status is the set.
    let is_key = table.constraints.iter().any(|c| {
        matches!(c.kind, ConstraintKind::Primary | ConstraintKind::Unique) && c.columns == [column.name.as_str()]
    });
    column.generated.is_some() || by_domain || by_constraint || is_key
}

/// A table of statuses of several kinds: a foreign key to it has to say which kind is meant.
fn shared_tables(cx: &Context<'_>, out: &mut Findings<'_>) {
    let keys: Vec<ForeignKey<'_>> = cx.foreign_keys().collect();
    let mut users: HashMap<&QName, HashSet<&QName>> = HashMap::new();
    for key in &keys {
        users.entry(&key.references.table).or_default().insert(&key.table.name);
    }
    for key in &keys {
        let Some(target) = key.target else { continue };
        let is_status = |name: &String| cx.options.status_columns.contains(name);
        if !key.key.columns.iter().any(is_status) || users[&target.name].len() < 2 {
            continue;
        }
        let Some(kind) = type_column(cx, target) else { continue };
        if key.references.columns.iter().any(|c| c == kind) {
            continue;
        }
        let message = format!(
            "{} of {} accepts a status of any {}: the key does not compare {}.{}",
            key.key.columns.join(", "),
            key.table.name,
            quote_ident(kind),
            target.name,
            quote_ident(kind),
        );
        let draft = Draft::new(cx, constraint_name(key.table, key.key), key.key.origin.or(key.table.origin), message);
        out.push(draft.help(format!(
            "add a constant column (GENERATED ALWAYS AS ('...') STORED) and reference {} ({}, {})",
            target.name,
            key.references.columns.join(", "),
            quote_ident(kind)
        )));
    }
}

/// The column that says what kind of thing a status is for.
fn type_column<'c>(cx: &'c Context<'_>, target: &'c Table) -> Option<&'c str> {
    if let Some(configured) = &cx.options.status_table {
        let is_it = target.name.to_string() == configured.table;
        return Some(configured.type_column.as_str()).filter(|c| is_it && target.column(c).is_some());
    }
    if !target.name.name.contains("status") {
        return None;
    }
    let ends = |c: &&Column| {
        ["type", "kind", "entity"].iter().any(|end| c.name == *end || c.name.ends_with(&format!("_{end}")))
    };
    target.columns.iter().find(ends).map(|c| c.name.as_str())
}
