//! The model holds only foreign keys that hold. Those of refused statements are read again here,
//! and compared with what the files declare in the end.

use std::collections::HashSet;

use canon_core::schema::{QName, Table, quote_ident};

use super::super::context::{Context, unique_keys};
use super::super::finding::{Draft, Findings};
use super::super::rule::{Check, Rule, Severity};
use super::super::statement::{self, WrittenKey};
use super::page;
use crate::error::{Diagnostic, Topic};
use crate::parse::Name;

pub(in crate::lint) static RULE: Rule = Rule {
    code: "L2",
    name: "foreign-key-target",
    summary: "A foreign key points at a table or columns that do not exist or are not unique.",
    severity: Severity::Error,
    page: page!("L2"),
    check: Check::Unit(check),
};

fn check(cx: &Context<'_>, out: &mut Findings<'_>) {
    let unread = statement::names_of_unread_tables(cx);
    let mut seen = HashSet::new();
    for diagnostic in cx.diagnostics.iter().filter(|d| d.topic == Topic::Refused) {
        for (key, problem) in problems(cx, diagnostic) {
            // A target that did not read is reported where it stands.
            let hidden = matches!(problem, Problem::NoTable) && unread.contains(&key.target.name);
            let exists_later = matches!(problem, Problem::Later(_));
            if hidden || exists_later || !seen.insert((diagnostic.file, key.range.start)) {
                continue;
            }
            let object = format!("foreign key {} ({})", key.table, key.columns.join(", "));
            let (message, help) = describe(&key, &problem);
            out.push(Draft::in_file(cx, object, diagnostic.file, key.range.clone(), message).help(help));
        }
    }
}

/// What is wrong with a foreign key as it is written.
#[derive(Debug)]
pub(in crate::lint) enum Problem<'a> {
    NoTable,
    NoColumn(&'a Table, String),
    NoPrimaryKey(&'a Table),
    NotUnique(&'a Table, Vec<String>),
    /// The target is declared, but further down.
    Later(&'a Table),
}

/// Whether this rule or [L3](super::l03_unresolved_name) says what is wrong with a statement.
pub(in crate::lint) fn explains(cx: &Context<'_>, diagnostic: &Diagnostic) -> bool {
    diagnostic.message.contains("reference")
        && statement::foreign_keys(cx, diagnostic).iter().any(|key| is_external(cx, &key.target))
        || !problems(cx, diagnostic).is_empty()
}

/// The foreign keys of a refused statement that do not hold.
pub(in crate::lint) fn problems<'a>(cx: &Context<'a>, diagnostic: &Diagnostic) -> Vec<(WrittenKey, Problem<'a>)> {
    let keys = statement::foreign_keys(cx, diagnostic).into_iter();
    keys.filter(|key| !is_external(cx, &key.target))
        .filter_map(|key| problem(cx, &key, diagnostic).map(|problem| (key, problem)))
        .collect()
}

fn is_external(cx: &Context<'_>, name: &Name) -> bool {
    cx.options.external.contains(&name.to_string())
}

fn problem<'a>(cx: &Context<'a>, key: &WrittenKey, diagnostic: &Diagnostic) -> Option<Problem<'a>> {
    let Some(target) = resolve(cx, &key.target) else {
        // A table that was there and has been dropped since was refused for another reason.
        let missing = diagnostic.message.contains(&format!("table {} does not exist", key.target));
        return missing.then_some(Problem::NoTable);
    };
    let columns = if key.referenced.is_empty() { target.primary_key().to_vec() } else { key.referenced.clone() };
    if columns.is_empty() {
        return Some(Problem::NoPrimaryKey(target));
    }
    if let Some(missing) = columns.iter().find(|c| target.column(c).is_none()) {
        return Some(Problem::NoColumn(target, missing.clone()));
    }
    if !is_unique(target, &columns) {
        return Some(Problem::NotUnique(target, columns));
    }
    let origin = target.origin?;
    let at = cx.sources.get(diagnostic.file)?.position(diagnostic.range.start);
    let later = (origin.file as usize, origin.line, origin.column) > (diagnostic.file, at.line, at.column);
    later.then_some(Problem::Later(target))
}

/// The table of that name: where it says, or in the only schema that has it.
pub(in crate::lint) fn resolve<'a>(cx: &Context<'a>, name: &Name) -> Option<&'a Table> {
    if let Some(schema) = &name.schema {
        return cx.table(&QName::new(schema, &name.name));
    }
    cx.table(&QName::new("public", &name.name)).or_else(|| {
        let mut found = cx.model.tables.iter().filter(|t| t.name.name == name.name);
        found.next().filter(|_| found.next().is_none())
    })
}

fn is_unique(table: &Table, columns: &[String]) -> bool {
    let same = |key: &[String]| key.len() == columns.len() && columns.iter().all(|c| key.contains(c));
    unique_keys(table).any(|c| same(&c.columns))
        || table.indexes.iter().any(|i| {
            let keys: Vec<String> = i.keys.iter().filter_map(|k| k.column.clone()).collect();
            i.unique && i.predicate.is_none() && keys.len() == i.keys.len() && same(&keys)
        })
}

fn describe(key: &WrittenKey, problem: &Problem<'_>) -> (String, String) {
    match problem {
        Problem::NoTable => (
            format!("table {} does not exist", key.target),
            "declare the table, correct the name, or list it under [lint.options] external".to_owned(),
        ),
        Problem::NoColumn(table, column) => (
            format!("table {} has no column {}", table.name, quote_ident(column)),
            format!("reference its key: ({})", list(table.primary_key())),
        ),
        Problem::NoPrimaryKey(table) => {
            (format!("table {} has no primary key to point at", table.name), "give it one".to_owned())
        }
        Problem::NotUnique(table, columns) => (
            format!("the columns ({}) of {} are not unique together", list(columns), table.name),
            format!("ALTER TABLE {} ADD UNIQUE ({});", table.name, list(columns)),
        ),
        Problem::Later(table) => (format!("table {} is declared further down", table.name), String::new()),
    }
}

fn list(columns: &[String]) -> String {
    let quoted: Vec<String> = columns.iter().map(|c| quote_ident(c)).collect();
    quoted.join(", ")
}
