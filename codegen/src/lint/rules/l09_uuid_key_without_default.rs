use super::super::context::{Context, column_name, column_origin, is_partition};
use super::super::finding::{Draft, Findings};
use super::super::rule::{Check, Rule, Severity};
use super::page;
use canon_core::schema::quote_ident;

pub(in crate::lint) static RULE: Rule = Rule {
    code: "L9",
    name: "uuid-key-without-default",
    summary: "A primary key of type uuid has no default, so every client has to make one.",
    severity: Severity::Info,
    page: page!("L9"),
    check: Check::Unit(check),
};

fn check(cx: &Context<'_>, out: &mut Findings<'_>) {
    for table in cx.model.tables.iter().filter(|t| !is_partition(t)) {
        let [key] = table.primary_key() else { continue };
        let Some(column) = table.column(key) else { continue };
        // A key that another table hands out needs no default.
        let shared = table.foreign_keys().any(|(foreign, _)| foreign.columns.contains(key));
        let has_default = column.default.is_some()
            || column.generated.is_some()
            || cx.domain(&column.ty).is_some_and(|d| d.default.is_some());
        // A trigger may fill it in.
        let filled = table.triggers.iter().any(|t| t.timing == "BEFORE" && t.events.iter().any(|e| e == "INSERT"));
        if cx.base_type(column) != "uuid" || shared || has_default || filled {
            continue;
        }
        let message = format!("the key {} of {} has no default", quote_ident(key), table.name);
        let draft = Draft::new(cx, column_name(table, column), column_origin(table, column), message);
        out.push(draft.help(format!(
            "ALTER TABLE {} ALTER COLUMN {} SET DEFAULT gen_random_uuid();",
            table.name,
            quote_ident(key)
        )));
    }
}
