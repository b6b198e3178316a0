use canon_core::schema::{ConstraintKind, Table, TableKind, quote_ident};

use super::super::context::{Context, is_partition, table_name};
use super::super::finding::{Draft, Findings};
use super::super::rule::{Check, Rule, Severity};
use super::page;

pub(in crate::lint) static RULE: Rule = Rule {
    code: "L7",
    name: "table-without-primary-key",
    summary: "A table has no primary key.",
    severity: Severity::Warning,
    page: page!("L7"),
    check: Check::Unit(check),
};

fn check(cx: &Context<'_>, out: &mut Findings<'_>) {
    for table in &cx.model.tables {
        // A foreign table cannot have one, a partition has its parent's, and a table without known
        // columns was made by a query or in another way that the text does not tell.
        if table.kind == TableKind::Foreign || is_partition(table) || table.columns.is_empty() {
            continue;
        }
        if !table.primary_key().is_empty() {
            continue;
        }
        let draft = Draft::new(cx, table_name(table), table.origin, format!("table {} has no primary key", table.name));
        out.push(draft.help(help(table)));
    }
}

fn help(table: &Table) -> String {
    if let Some(unique) = table.constraints.iter().find(|c| {
        c.kind == ConstraintKind::Unique
            && c.columns.iter().all(|column| table.column(column).is_some_and(|column| column.not_null))
    }) {
        let columns: Vec<String> = unique.columns.iter().map(|c| quote_ident(c)).collect();
        return format!("the key {} could be it: PRIMARY KEY ({})", unique.name, columns.join(", "));
    }
    if let Some(index) = table.indexes.iter().find(|index| {
        index.unique
            && index.predicate.is_none()
            && index.keys.iter().all(|k| k.column.as_ref().and_then(|c| table.column(c)).is_some_and(|c| c.not_null))
    }) {
        return format!("ALTER TABLE {} ADD PRIMARY KEY USING INDEX {};", table.name, quote_ident(&index.name));
    }
    "name the columns that tell rows apart, or add an identity column".to_owned()
}
