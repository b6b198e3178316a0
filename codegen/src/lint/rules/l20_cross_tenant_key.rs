use canon_core::schema::quote_ident;

use super::super::context::{Context, constraint_name};
use super::super::finding::{Draft, Findings};
use super::super::rule::{Check, Rule, Severity};
use super::super::tenants::Tenancy;
use super::page;

pub(in crate::lint) static RULE: Rule = Rule {
    code: "L20",
    name: "cross-tenant-key",
    summary: "A foreign key between rows of tenants lets one tenant's row point at another's.",
    severity: Severity::Info,
    page: page!("L20"),
    check: Check::Unit(check),
};

fn check(cx: &Context<'_>, out: &mut Findings<'_>) {
    for (schema, tenancy) in Tenancy::all(cx) {
        for key in cx.foreign_keys().filter(|k| k.table.name.schema == schema) {
            let target = &key.references.table;
            let (Some(own), Some(other)) = (tenancy.columns.get(&key.table.name), tenancy.columns.get(target)) else {
                continue;
            };
            let compared = key.key.columns.iter().zip(&key.references.columns).any(|(a, b)| a == own && b == other);
            // The tenant itself, and a key that is the tenant column.
            if compared || tenancy.roots.contains(target) || key.key.columns == [*own] {
                continue;
            }
            let columns: Vec<String> = key.key.columns.iter().map(|c| quote_ident(c)).collect();
            let referenced: Vec<String> = key.references.columns.iter().map(|c| quote_ident(c)).collect();
            let message = format!("{} does not compare {own}: it can point at a row of another tenant", key.key.name);
            let object = constraint_name(key.table, key.key);
            let draft = Draft::new(cx, object, key.key.origin.or(key.table.origin), message);
            out.push(draft.help(format!(
                "FOREIGN KEY ({}, {}) REFERENCES {target} ({}, {}), with a unique key over both there",
                quote_ident(own),
                columns.join(", "),
                quote_ident(other),
                referenced.join(", ")
            )));
        }
    }
}
