use canon_core::schema::{Column, ConstraintKind, Table, TableKind, quote_ident};

use super::super::context::{Context, column_name, column_origin, is_partition};
use super::super::finding::{Draft, Findings};
use super::super::rule::{Check, Rule, Severity};
use super::page;

pub(in crate::lint) static RULE: Rule = Rule {
    code: "L14",
    name: "nullable-default",
    summary: "A column has a default that means it is required, and accepts NULL all the same.",
    severity: Severity::Info,
    page: page!("L14"),
    check: Check::Unit(check),
};

fn check(cx: &Context<'_>, out: &mut Findings<'_>) {
    for table in &cx.model.tables {
        if is_partition(table) || table.kind == TableKind::Foreign {
            continue;
        }
        for column in table.columns.iter().filter(|c| !c.inherited && cx.is_nullable(c)) {
            let Some(why) = required(cx, table, column) else { continue };
            let name = quote_ident(&column.name);
            let message = format!("{name} of {} has a default but accepts NULL; {why}", table.name);
            let draft = Draft::new(cx, column_name(table, column), column_origin(table, column), message);
            out.push(draft.help(format!("ALTER TABLE {} ALTER COLUMN {name} SET NOT NULL;", table.name)));
        }
    }
}

/// Why NULL means nothing here; None where it may mean something.
fn required(cx: &Context<'_>, table: &Table, column: &Column) -> Option<&'static str> {
    let default = column.default.as_deref()?.trim();
    if default.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("null")) || column.generated.is_some() {
        return None;
    }
    // A check that speaks of NULL says that NULL is meant.
    let meant = table.constraints.iter().any(|c| {
        let about = c.expression.as_deref().map(str::to_lowercase).unwrap_or_default();
        c.kind == ConstraintKind::Check && about.contains(&format!("{} is ", column.name)) && about.contains("null")
    });
    if meant || table.foreign_keys().any(|(key, _)| key.columns.contains(&column.name)) {
        return None;
    }
    let ty = cx.base_type(column);
    if ty == "boolean" {
        return Some("a boolean with NULL has three values");
    }
    if cx.options.status_columns.contains(&column.name) {
        return Some("a thing without a status is in no state");
    }
    let is_count = column.name.ends_with("_count") || column.name.ends_with("_total") || column.name == "count";
    if is_count && matches!(default, "0" | "0.00" | "'0'::integer" | "'0'::bigint") {
        return Some("a count of nothing is 0");
    }
    let is_stamp = matches!(column.name.as_str(), "created_at" | "updated_at" | "created_on" | "inserted_at");
    let is_now =
        ["now(", "current_timestamp", "clock_timestamp("].iter().any(|now| default.to_lowercase().contains(now));
    (is_stamp && is_now).then_some("every row was written at some time")
}
