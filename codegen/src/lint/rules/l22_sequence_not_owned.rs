use std::collections::{HashMap, HashSet};

use canon_core::schema::{Column, QName, Table, quote_ident};
use sqlparser::tokenizer::Token;

use super::super::context::Context;
use super::super::finding::{Draft, Findings};
use super::super::rule::{Check, Rule, Severity};
use super::super::words;
use super::page;

pub(in crate::lint) static RULE: Rule = Rule {
    code: "L22",
    name: "sequence-not-owned",
    summary: "A sequence fills one column and does not belong to it, so it outlives the table.",
    severity: Severity::Warning,
    page: page!("L22"),
    check: Check::Unit(check),
};

fn check(cx: &Context<'_>, out: &mut Findings<'_>) {
    let known: HashSet<&QName> = cx.model.sequences.iter().map(|s| &s.name).collect();
    let mut users: HashMap<QName, Vec<(&Table, &Column)>> = HashMap::new();
    for table in &cx.model.tables {
        for column in table.columns.iter().filter(|c| !c.inherited) {
            for name in column.default.iter().flat_map(|d| sequences(&known, table, d)) {
                users.entry(name).or_default().push((table, column));
            }
        }
    }
    for sequence in cx.model.sequences.iter().filter(|s| s.owned_by.is_none()) {
        // One that several columns share belongs to none of them.
        let Some([(table, column)]) = users.get(&sequence.name).map(Vec::as_slice) else { continue };
        let column = format!("{}.{}", table.name, quote_ident(&column.name));
        let message = format!("sequence {} fills {column} and is not owned by it", sequence.name);
        let draft = Draft::new(cx, format!("sequence {}", sequence.name), sequence.origin, message);
        out.push(draft.help(format!("ALTER SEQUENCE {} OWNED BY {column};", sequence.name)));
    }
}

/// Sequences that a default draws from.
fn sequences(known: &HashSet<&QName>, table: &Table, default: &str) -> Vec<QName> {
    if !words::contains_ignoring_case(default, "nextval") {
        return Vec::new();
    }
    let literal = |token: &Token| match token {
        Token::SingleQuotedString(text) => Some(text.clone()),
        _ => None,
    };
    words::tokens(default)
        .iter()
        .filter_map(literal)
        .filter_map(|text| {
            let parts: Vec<String> = words::tokens(&text).iter().filter_map(words::identifier).collect();
            let name = match parts.as_slice() {
                [schema, name] => QName::new(schema, name),
                [name] => QName::new(&table.name.schema, name),
                _ => return None,
            };
            let public = QName::new("public", &name.name);
            Some(if !known.contains(&name) && known.contains(&public) { public } else { name })
        })
        .collect()
}
