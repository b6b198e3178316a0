use std::collections::{BTreeMap, HashMap, HashSet};

use canon_core::schema::{Policy, QName, Table, TableKind, quote_ident};

use super::super::config::RowSecurity;
use super::super::context::{Context, is_partition, table_name};
use super::super::finding::{Draft, Findings};
use super::super::rule::{Check, Rule, Severity};
use super::super::words::{self, Written};
use super::page;

pub(in crate::lint) static RULE: Rule = Rule {
    code: "L18",
    name: "row-level-security",
    summary: "Row-level security is off, lets nobody in, or runs into itself.",
    severity: Severity::Warning,
    page: page!("L18"),
    check: Check::Unit(check),
};

fn check(cx: &Context<'_>, out: &mut Findings<'_>) {
    for table in &cx.model.tables {
        if !table.policies.is_empty() && !table.row_security {
            let message = format!("the policies of {} do nothing: row-level security is off", table.name);
            let draft = Draft::new(cx, table_name(table), table.policies[0].origin.or(table.origin), message);
            out.push(draft.help(format!("ALTER TABLE {} ENABLE ROW LEVEL SECURITY;", table.name)));
        } else if table.row_security && table.policies.is_empty() {
            let message = format!("{} has row-level security and no policy: only its owner sees rows", table.name);
            let draft = Draft::new(cx, table_name(table), table.origin, message);
            out.push(draft.help("CREATE POLICY ...; or say in a canon-ignore comment that nobody is let in").hint());
        }
    }
    missing(cx, out);
    recursion(cx, out);
}

/// Tables without row-level security, where it is the rule to have it.
fn missing(cx: &Context<'_>, out: &mut Findings<'_>) {
    let mut schemas: BTreeMap<&str, Vec<&Table>> = BTreeMap::new();
    for table in &cx.model.tables {
        if table.kind != TableKind::Foreign && !is_partition(table) {
            schemas.entry(&table.name.schema).or_default().push(table);
        }
    }
    for tables in schemas.values() {
        let with = tables.iter().filter(|t| t.row_security).count();
        let wanted = match cx.options.row_security {
            RowSecurity::Required => true,
            RowSecurity::Auto => with * 2 > tables.len(),
            RowSecurity::Optional => false,
        };
        for table in tables.iter().filter(|t| wanted && !t.row_security && t.policies.is_empty()) {
            let message = match cx.options.row_security {
                RowSecurity::Required => format!("{} has no row-level security", table.name),
                _ => format!("{} has no row-level security; {with} of {} tables here do", table.name, tables.len()),
            };
            let draft = Draft::new(cx, table_name(table), table.origin, message);
            out.push(draft.help(format!("ALTER TABLE {} ENABLE ROW LEVEL SECURITY;", table.name)));
        }
    }
}

/// Policies that read a table whose policies read the first: PostgreSQL stops with `infinite
/// recursion detected in policy`.
fn recursion(cx: &Context<'_>, out: &mut Findings<'_>) {
    let mut reads: HashMap<&QName, Vec<(&Policy, &QName)>> = HashMap::new();
    for table in cx.model.tables.iter().filter(|t| t.row_security) {
        // A query inside a policy is under the policies for SELECT, whatever the policy is for.
        for policy in table.policies.iter().filter(|p| matches!(p.command.as_str(), "ALL" | "SELECT")) {
            for text in policy.using.iter().chain(&policy.check) {
                for written in words::relations(&words::tokens(text)) {
                    if let Some(read) = resolve(cx, table, &written) {
                        reads.entry(&table.name).or_default().push((policy, &read.name));
                    }
                }
            }
        }
    }
    for table in &cx.model.tables {
        let Some(own) = reads.get(&table.name) else { continue };
        let mut reported = HashSet::new();
        for (policy, read) in own {
            if !leads_to(&reads, read, &table.name) || !reported.insert(&policy.name) {
                continue;
            }
            let how = if **read == table.name {
                "itself".to_owned()
            } else {
                format!("{read}, whose policies read it again")
            };
            let message =
                format!("policy {} of {} reads {how}: infinite recursion", quote_ident(&policy.name), table.name);
            let object = format!("policy {}.{}", table.name, quote_ident(&policy.name));
            let draft = Draft::new(cx, object, policy.origin.or(table.origin), message);
            out.push(draft.help(
                "put the query in a function that is SECURITY DEFINER, owned by the table's owner, with SET search_path",
            ));
        }
    }
}

/// The table that a name in a policy means, where its rows are guarded too.
fn resolve<'a>(cx: &Context<'a>, table: &Table, written: &Written) -> Option<&'a Table> {
    let schemas = match &written.schema {
        Some(schema) => [schema.as_str(), schema],
        None => [table.name.schema.as_str(), "public"],
    };
    let found = schemas.iter().find_map(|schema| cx.table(&QName::new(*schema, &written.name)));
    found.filter(|t| t.row_security)
}

fn leads_to<'a>(reads: &HashMap<&'a QName, Vec<(&Policy, &'a QName)>>, from: &'a QName, to: &QName) -> bool {
    let (mut seen, mut stack) = (HashSet::new(), vec![from]);
    while let Some(name) = stack.pop() {
        if name == to {
            return true;
        }
        if seen.insert(name) {
            stack.extend(reads.get(name).into_iter().flatten().map(|(_, read)| *read));
        }
    }
    false
}
