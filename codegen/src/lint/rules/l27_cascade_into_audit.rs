use canon_core::schema::Action;

use super::super::context::{Context, constraint_name};
use super::super::finding::{Draft, Findings};
use super::super::rule::{Check, Rule, Severity};
use super::page;

pub(in crate::lint) static RULE: Rule = Rule {
    code: "L27",
    name: "cascade-into-audit",
    summary: "Deleting a row deletes the record of what was done with it.",
    severity: Severity::Warning,
    page: page!("L27"),
    check: Check::Unit(check),
};

fn check(cx: &Context<'_>, out: &mut Findings<'_>) {
    for key in cx.foreign_keys() {
        let audits = &cx.options.audit_tables;
        let into_audit = audits.contains(&key.table.name.name) || audits.contains(&key.table.name.to_string());
        let from_outside = !audits.contains(&key.references.table.name);
        if !into_audit || !from_outside || key.references.on_delete != Action::Cascade {
            continue;
        }
        let target = &key.references.table;
        let message = format!("deleting a row of {target} deletes its records in {}", key.table.name);
        let object = constraint_name(key.table, key.key);
        let draft = Draft::new(cx, object, key.key.origin.or(key.table.origin), message);
        out.push(draft.help("use ON DELETE RESTRICT, or SET NULL, and remove old records by their age"));
    }
}
