use canon_core::schema::quote_ident;

use super::super::context::{Context, column_name, column_origin, is_partition};
use super::super::finding::{Draft, Findings};
use super::super::rule::{Check, Rule, Severity};
use super::page;

pub(in crate::lint) static RULE: Rule = Rule {
    code: "L16",
    name: "integer-bytes",
    summary: "A number of bytes is kept in an integer, which ends at 2 GiB.",
    severity: Severity::Warning,
    page: page!("L16"),
    check: Check::Unit(check),
};

fn check(cx: &Context<'_>, out: &mut Findings<'_>) {
    for table in cx.model.tables.iter().filter(|t| !is_partition(t)) {
        for column in table.columns.iter().filter(|c| !c.inherited && counts_bytes(&c.name)) {
            let ty = cx.base_type(column);
            if !matches!(ty, "integer" | "smallint") {
                continue;
            }
            let name = quote_ident(&column.name);
            let limit = if ty == "integer" { "2 GiB" } else { "32 KiB" };
            let message = format!("{name} of {} is {ty}, which ends at {limit}", table.name);
            let draft = Draft::new(cx, column_name(table, column), column_origin(table, column), message);
            out.push(draft.help(format!("ALTER TABLE {} ALTER COLUMN {name} TYPE bigint;", table.name)));
        }
    }
}

/// Names that say bytes, or the size of something that is measured in bytes.
fn counts_bytes(name: &str) -> bool {
    let words: Vec<&str> = name.split('_').collect();
    let rate = words.iter().any(|w| matches!(*w, "per" | "max" | "min"));
    words.last().is_some_and(|w| matches!(*w, "bytes" | "filesize"))
        || words.first() == Some(&"bytes") && !rate
        || ["file_size", "size_in_bytes", "content_length", "byte_size", "byte_count"].iter().any(|n| name.ends_with(n))
}
