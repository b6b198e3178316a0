use canon_core::schema::{Column, quote_ident};

use super::super::context::{Context, column_name, column_origin, is_partition, is_timestamp};
use super::super::finding::{Draft, Findings};
use super::super::rule::{Check, Rule, Severity};
use super::page;

pub(in crate::lint) static RULE: Rule = Rule {
    code: "L12",
    name: "duplicate-timestamp",
    summary: "A table records the same moment in two columns.",
    severity: Severity::Warning,
    page: page!("L12"),
    check: Check::Unit(check),
};

/// Names for the same moment; the first of a table is the one to keep.
const MOMENTS: &[(&str, &[&str])] = &[
    (
        "creation",
        &[
            "created_at",
            "created_on",
            "created_date",
            "created_time",
            "create_time",
            "create_date",
            "creation_time",
            "creation_date",
            "date_created",
            "time_created",
            "inserted_at",
        ],
    ),
    (
        "last change",
        &[
            "updated_at",
            "updated_on",
            "updated_date",
            "updated_time",
            "update_time",
            "update_date",
            "date_updated",
            "modified_at",
            "modified_on",
            "modified_date",
            "date_modified",
            "last_modified",
            "last_updated",
        ],
    ),
    ("deletion", &["deleted_at", "deleted_on", "deleted_date", "delete_time", "date_deleted"]),
];

fn check(cx: &Context<'_>, out: &mut Findings<'_>) {
    for table in cx.model.tables.iter().filter(|t| !is_partition(t)) {
        for (moment, names) in MOMENTS {
            let is_stamp = |c: &&Column| is_timestamp(cx.base_type(c)) && c.generated.is_none();
            let mut columns = names.iter().filter_map(|name| table.column(name)).filter(is_stamp);
            let Some(kept) = columns.next() else { continue };
            for column in columns {
                let (kept, name) = (quote_ident(&kept.name), quote_ident(&column.name));
                let message = format!("{name} and {kept} of {} both record the {moment}", table.name);
                let draft = Draft::new(cx, column_name(table, column), column_origin(table, column), message);
                out.push(
                    draft.help(format!("keep {kept} and drop {name}, or make it GENERATED ALWAYS AS from {kept}")),
                );
            }
        }
    }
}
