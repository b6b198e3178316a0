use canon_core::schema::{Column, Table, TableKind, Trigger, TriggerEnabled, quote_ident};

use super::super::context::{Context, column_name, column_origin, is_partition, is_timestamp};
use super::super::finding::{Draft, Findings};
use super::super::rule::{Check, Rule, Severity};
use super::super::words::contains_ignoring_case;
use super::page;

pub(in crate::lint) static RULE: Rule = Rule {
    code: "L10",
    name: "updated-at-without-trigger",
    summary: "Nothing in the database keeps the time of the last change current.",
    severity: Severity::Info,
    page: page!("L10"),
    check: Check::Unit(check),
};

fn check(cx: &Context<'_>, out: &mut Findings<'_>) {
    for table in &cx.model.tables {
        if is_partition(table) || table.kind == TableKind::Foreign {
            continue;
        }
        for column in &table.columns {
            let is_stamp = cx.options.updated_at_columns.contains(&column.name) && is_timestamp(cx.base_type(column));
            if !is_stamp || column.generated.is_some() || table.triggers.iter().any(|t| stamps(cx, t, column)) {
                continue;
            }
            let name = quote_ident(&column.name);
            let message = format!("nothing keeps {name} of {} current", table.name);
            let draft = Draft::new(cx, column_name(table, column), column_origin(table, column), message);
            out.push(draft.help(help(table)));
        }
    }
}

/// Whether the trigger may set the column when a row changes. A function whose body is not at hand
/// is believed.
fn stamps(cx: &Context<'_>, trigger: &Trigger, column: &Column) -> bool {
    let fires = trigger.for_each_row
        && trigger.timing == "BEFORE"
        && trigger.enabled != TriggerEnabled::Disabled
        && trigger.events.iter().any(|e| e == "UPDATE");
    let functions = cx.functions(&trigger.function);
    let sets = functions.is_empty()
        || trigger.arguments.iter().any(|a| a.contains(&column.name))
        || functions.iter().any(|f| f.body.is_empty() || contains_ignoring_case(&f.body, &column.name));
    fires && sets
}

fn help(table: &Table) -> String {
    format!(
        "CREATE TRIGGER ... BEFORE UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION ...; with a function that sets it to now()",
        table.name
    )
}
