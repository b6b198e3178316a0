use std::collections::HashMap;

use canon_core::schema::{Index, QName, Table};

use super::super::context::{Context, constraint_name, unique_keys};
use super::super::finding::{Draft, Findings};
use super::super::rule::{Check, Rule, Severity};
use super::super::words;
use super::page;

pub(in crate::lint) static RULE: Rule = Rule {
    code: "L6",
    name: "foreign-key-without-index",
    summary: "No index begins with the columns of a foreign key.",
    severity: Severity::Warning,
    page: page!("L6"),
    check: Check::Unit(check),
};

fn check(cx: &Context<'_>, out: &mut Findings<'_>) {
    let mut names: HashMap<&QName, Vec<String>> = HashMap::new();
    for foreign in cx.foreign_keys() {
        // A partition's keys and indexes follow those of its parent, where they are reported.
        if parent_has_key(cx, foreign.table, &foreign.key.columns) {
            continue;
        }
        if is_covered(foreign.table, &foreign.key.columns) {
            continue;
        }
        let quoted: Vec<String> = foreign.key.columns.iter().map(|c| canon_core::schema::quote_ident(c)).collect();
        let list = quoted.join(", ");
        let message = format!("no index of {} begins with ({list})", foreign.table.name);
        let taken = names.entry(&foreign.table.name).or_default();
        let help = format!("CREATE INDEX ON {} ({list});", foreign.table.name);
        // Two keys over the same columns want one index.
        if taken.contains(&list) {
            continue;
        }
        taken.push(list);
        let object = constraint_name(foreign.table, foreign.key);
        out.push(Draft::new(cx, object, foreign.key.origin.or(foreign.table.origin), message).help(help));
    }
}

fn parent_has_key(cx: &Context<'_>, table: &Table, columns: &[String]) -> bool {
    let parent = table.partition_of.as_ref().and_then(|p| cx.table(&p.parent));
    parent.is_some_and(|parent| parent.foreign_keys().any(|(key, _)| key.columns == columns))
}

fn is_covered(table: &Table, columns: &[String]) -> bool {
    let leads =
        |keys: &[&String]| keys.len() >= columns.len() && keys[..columns.len()].iter().all(|k| columns.contains(k));
    unique_keys(table).any(|c| leads(&c.columns.iter().collect::<Vec<_>>()))
        || table.indexes.iter().any(|index| {
            let plain: Vec<&String> = index.keys.iter().map_while(|k| k.column.as_ref()).collect();
            let usable = match index.method.as_str() {
                "btree" => leads(&plain),
                "hash" => plain.len() == 1 && columns.len() == 1 && leads(&plain),
                _ => false,
            };
            usable && is_whole(index, columns)
        })
}

/// Whether the index knows every row that a referenced row can have: all, or all without NULL.
fn is_whole(index: &Index, columns: &[String]) -> bool {
    let Some(predicate) = &index.predicate else { return true };
    let tokens: Vec<String> = words::words(&words::tokens(predicate)).collect();
    match tokens.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [column, "is", "not", "null"] => columns.iter().any(|c| c == column),
        _ => false,
    }
}
