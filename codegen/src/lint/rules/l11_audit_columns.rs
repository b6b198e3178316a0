//! Which columns every table should have is a convention. Where the configuration does not state
//! it, the schema does: what most of its tables have, and the type most of them give it.

use std::collections::BTreeMap;

use canon_core::schema::{Table, TableKind, quote_ident};

use super::super::context::{Context, column_name, column_origin, is_partition, table_name};
use super::super::finding::{Draft, Findings};
use super::super::rule::{Check, Rule, Severity};
use super::page;

pub(in crate::lint) static RULE: Rule = Rule {
    code: "L11",
    name: "audit-columns",
    summary: "Columns that record who changed a row and when are missing, or typed unlike those of other tables.",
    severity: Severity::Info,
    page: page!("L11"),
    check: Check::Unit(check),
};

/// Columns that a convention can be about.
const USUAL: &[&str] = &[
    "created_at",
    "created_by",
    "created_on",
    "created_date",
    "updated_at",
    "updated_by",
    "updated_on",
    "updated_date",
];

/// With fewer tables than this there is no convention to see.
const MIN_TABLES: usize = 5;

fn check(cx: &Context<'_>, out: &mut Findings<'_>) {
    let mut schemas: BTreeMap<&str, Vec<&Table>> = BTreeMap::new();
    for table in &cx.model.tables {
        if table.kind != TableKind::Foreign && !is_partition(table) && !table.columns.is_empty() {
            schemas.entry(&table.name.schema).or_default().push(table);
        }
    }
    for tables in schemas.values() {
        let stated = cx.options.audit_columns.as_ref();
        let wanted: Vec<&str> = match stated {
            Some(columns) => columns.iter().map(String::as_str).collect(),
            None => convention(tables),
        };
        for table in tables.iter().filter(|t| !is_junction(t)) {
            let missing: Vec<&str> = wanted.iter().copied().filter(|c| table.column(c).is_none()).collect();
            if !missing.is_empty() {
                let list: Vec<String> = missing.iter().map(|c| quote_ident(c)).collect();
                let whose = if stated.is_some() { "the configuration asks for" } else { "most tables have" };
                let message = format!("{} lacks {}, which {whose}", table.name, list.join(", "));
                let draft = Draft::new(cx, table_name(table), table.origin, message);
                out.push(draft.help("add the columns, or state another set under [lint.options] audit-columns"));
            }
        }
        let typed = USUAL.iter().copied().chain(wanted.iter().copied().filter(|c| !USUAL.contains(c)));
        for name in typed {
            mistyped(cx, tables, name, out);
        }
    }
}

/// Columns of the usual names that more than two tables in three have.
fn convention(tables: &[&Table]) -> Vec<&'static str> {
    let entities = tables.iter().filter(|t| !is_junction(t)).count();
    let have = |name: &str| tables.iter().filter(|t| !is_junction(t) && t.column(name).is_some()).count();
    let is_convention = |name: &&&str| entities >= MIN_TABLES && have(name) * 3 > entities * 2;
    USUAL.iter().filter(is_convention).copied().collect()
}

/// A table that only links others: every column of its key points elsewhere.
fn is_junction(table: &Table) -> bool {
    let key = table.primary_key();
    key.len() > 1 && key.iter().all(|c| table.foreign_keys().any(|(foreign, _)| foreign.columns.contains(c)))
}

fn mistyped(cx: &Context<'_>, tables: &[&Table], name: &str, out: &mut Findings<'_>) {
    let mut types: BTreeMap<&str, usize> = BTreeMap::new();
    for column in tables.iter().filter_map(|t| t.column(name)) {
        *types.entry(&column.ty).or_default() += 1;
    }
    let total: usize = types.values().sum();
    let Some((usual, count)) = types.iter().max_by_key(|(_, count)| **count).map(|(ty, count)| (*ty, *count)) else {
        return;
    };
    if types.len() < 2 || count * 3 <= total * 2 {
        return;
    }
    for table in tables {
        let Some(column) = table.column(name).filter(|c| c.ty != usual && !c.inherited) else { continue };
        let quoted = quote_ident(name);
        let message = format!("{quoted} of {} is {}, elsewhere it is {usual}", table.name, column.ty);
        let draft = Draft::new(cx, column_name(table, column), column_origin(table, column), message);
        out.push(draft.help(format!("ALTER TABLE {} ALTER COLUMN {quoted} TYPE {usual};", table.name)));
    }
}
