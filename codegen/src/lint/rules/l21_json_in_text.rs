use canon_core::schema::{Column, ConstraintKind, Table, TableKind, quote_ident};

use super::super::context::{Context, column_name, column_origin, is_partition, is_text};
use super::super::finding::{Draft, Findings};
use super::super::rule::{Check, Rule, Severity};
use super::super::words::mentions;
use super::page;

pub(in crate::lint) static RULE: Rule = Rule {
    code: "L21",
    name: "json-in-text",
    summary: "JSON is kept in a text column that accepts anything.",
    severity: Severity::Info,
    page: page!("L21"),
    check: Check::Unit(check),
};

fn check(cx: &Context<'_>, out: &mut Findings<'_>) {
    for table in &cx.model.tables {
        if is_partition(table) || table.kind == TableKind::Foreign {
            continue;
        }
        for column in table.columns.iter().filter(|c| !c.inherited && is_text(cx.base_type(c))) {
            let Some(why) = holds_json(column) else { continue };
            if is_checked(cx, table, column) {
                continue;
            }
            let name = quote_ident(&column.name);
            let message = format!("{name} of {} holds JSON by its {why}, but is {}", table.name, column.ty);
            let draft = Draft::new(cx, column_name(table, column), column_origin(table, column), message);
            out.push(draft.help(format!(
                "ALTER TABLE {t} ALTER COLUMN {name} TYPE jsonb USING {name}::jsonb; or CHECK ({name}::jsonb IS NOT NULL)",
                t = table.name
            )));
        }
    }
}

/// What says that the column holds JSON.
fn holds_json(column: &Column) -> Option<&'static str> {
    let is_json = |word: &str| matches!(word.to_ascii_lowercase().as_str(), "json" | "jsonb");
    let default = column.default.as_deref().map(|d| d.split("::").next().unwrap_or_default().trim());
    if column.name.split('_').any(is_json) {
        // json_schema_url and the like speak of JSON without holding it.
        let elsewhere = ["url", "uri", "path", "file", "name", "type", "id"];
        let last = column.name.rsplit('_').next().unwrap_or_default();
        return (!elsewhere.contains(&last)).then_some("name");
    }
    if default.is_some_and(|d| matches!(d, "'{}'" | "'[]'")) {
        return Some("default");
    }
    let comment = column.comment.as_deref()?;
    comment.split(|c: char| !c.is_alphanumeric()).any(is_json).then_some("comment")
}

/// Whether a check speaks of the column and of JSON.
fn is_checked(cx: &Context<'_>, table: &Table, column: &Column) -> bool {
    let json = |text: &str| text.to_ascii_lowercase().contains("json");
    let by_domain =
        cx.domain(&column.ty).is_some_and(|d| d.checks.iter().any(|c| c.expression.as_deref().is_some_and(json)));
    by_domain
        || table.constraints.iter().any(|c| {
            c.kind == ConstraintKind::Check
                && c.expression
                    .as_deref()
                    .is_some_and(|e| json(&e.replace(&column.name, "")) && mentions(e, &column.name))
        })
}
