use std::collections::{HashMap, VecDeque};

use canon_core::schema::{QName, quote_ident};

use super::super::context::{Context, ForeignKey, table_name};
use super::super::finding::{Draft, Findings};
use super::super::rule::{Check, Rule, Severity};
use super::super::tenants::Tenancy;
use super::page;

pub(in crate::lint) static RULE: Rule = Rule {
    code: "L19",
    name: "tenant-column-missing",
    summary: "Rows of a table belong to a tenant, and only a join tells to which.",
    severity: Severity::Info,
    page: page!("L19"),
    check: Check::Unit(check),
};

fn check(cx: &Context<'_>, out: &mut Findings<'_>) {
    let tenancies = Tenancy::all(cx);
    if tenancies.is_empty() {
        return;
    }
    let keys: Vec<ForeignKey<'_>> = cx.foreign_keys().filter(owns).collect();
    for (schema, tenancy) in &tenancies {
        // From tables with the column to what they own, and on.
        let mut children: HashMap<&QName, Vec<&QName>> = HashMap::new();
        for key in keys.iter().filter(|k| k.table.name.schema == *schema) {
            children.entry(&key.references.table).or_default().push(&key.table.name);
        }
        let is_root = |name: &QName| tenancy.roots.contains(name);
        let mut parent: HashMap<&QName, &QName> = HashMap::new();
        let with_column = cx.model.tables.iter().map(|t| &t.name).filter(|n| tenancy.columns.contains_key(*n));
        let mut queue: VecDeque<&QName> = with_column.filter(|n| !is_root(n)).collect();
        while let Some(of) = queue.pop_front() {
            for child in children.get(of).into_iter().flatten().copied() {
                let open = !tenancy.columns.contains_key(child) && !is_root(child) && !parent.contains_key(child);
                if open {
                    parent.insert(child, of);
                    queue.push_back(child);
                }
            }
        }
        let mut columns: Vec<&str> = tenancy.columns.values().copied().collect();
        columns.sort_unstable();
        let usual = columns.chunk_by(|a, b| a == b).max_by_key(|c| c.len()).map_or("tenant_id", |c| c[0]);
        for table in &cx.model.tables {
            let Some(of) = parent.get(&table.name) else { continue };
            let message = format!("{} belongs to a tenant through {of}, but has no {usual}", table.name);
            let draft = Draft::new(cx, table_name(table), table.origin, message);
            out.push(draft.help(format!(
                "add {} and keep it equal with a composite foreign key, so that policies and sharding need no join",
                quote_ident(usual)
            )));
        }
    }
}

/// Whether the key says whose the row is, rather than who touched it: it must be given, or go
/// away with what it points at.
fn owns(key: &ForeignKey<'_>) -> bool {
    let given = key.key.columns.iter().all(|c| key.table.column(c).is_some_and(|c| c.not_null));
    let actor = key.key.columns.iter().any(|c| c.ends_with("_by") || c.ends_with("_by_id"));
    (given || key.references.on_delete == canon_core::schema::Action::Cascade) && !actor
}
