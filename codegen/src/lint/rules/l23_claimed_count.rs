use std::collections::BTreeSet;
use std::ops::Range;

use canon_core::schema::{ConstraintKind, Model, Table, TableKind};
use chrono::NaiveDate;

use super::super::finding::{Draft, Findings};
use super::super::rule::{Check, Rule, Severity};
use super::super::set::Set;
use super::page;

pub(in crate::lint) static RULE: Rule = Rule {
    code: "L23",
    name: "claimed-count",
    summary: "A document counts tables, columns or keys, and the schema has another number.",
    severity: Severity::Warning,
    page: page!("L23"),
    check: Check::Set(check),
};

/// Counts a kind of object in a schema; the empty name stands for all schemas.
type Count = fn(&Model, &str) -> usize;

/// What documents count, by the words they use: `42 tables`, `78 foreign keys`.
const NOUNS: &[(&str, Count)] = &[
    ("foreign keys", |m, s| of_tables(m, s, |t| constraints(t, ConstraintKind::Foreign))),
    ("primary keys", |m, s| of_tables(m, s, |t| constraints(t, ConstraintKind::Primary))),
    ("unique constraints", |m, s| of_tables(m, s, |t| constraints(t, ConstraintKind::Unique))),
    ("check constraints", |m, s| of_tables(m, s, |t| constraints(t, ConstraintKind::Check))),
    ("materialized views", |m, s| m.views.iter().filter(|v| v.materialized && in_schema(&v.name.schema, s)).count()),
    ("policies", |m, s| of_tables(m, s, |t| t.policies.len())),
    ("triggers", |m, s| of_tables(m, s, |t| t.triggers.len())),
    ("columns", |m, s| of_tables(m, s, |t| t.columns.len())),
    ("indexes", |m, s| of_tables(m, s, |t| t.indexes.len())),
    ("indices", |m, s| of_tables(m, s, |t| t.indexes.len())),
    ("tables", |m, s| of_tables(m, s, |_| 1)),
    ("views", |m, s| m.views.iter().filter(|v| in_schema(&v.name.schema, s)).count()),
    ("enums", |m, s| m.enums.iter().filter(|e| in_schema(&e.name.schema, s)).count()),
    ("domains", |m, s| m.domains.iter().filter(|d| in_schema(&d.name.schema, s)).count()),
    ("functions", |m, s| m.functions.iter().filter(|f| in_schema(&f.name.schema, s)).count()),
    ("sequences", |m, s| m.sequences.iter().filter(|q| in_schema(&q.name.schema, s)).count()),
];

/// Words in front of a number that speaks of a part.
const PARTIAL: &[&str] = &[
    "another", "at", "between", "by", "each", "first", "for", "from", "in", "last", "next", "on", "other", "per",
    "these", "those", "to",
];

/// An empty schema stands for all.
fn in_schema(schema: &str, wanted: &str) -> bool {
    wanted.is_empty() || schema == wanted
}

fn of_tables(model: &Model, schema: &str, count: fn(&Table) -> usize) -> usize {
    let own =
        |t: &&Table| in_schema(&t.name.schema, schema) && t.partition_of.is_none() && t.kind != TableKind::Foreign;
    model.tables.iter().filter(own).map(count).sum()
}

fn constraints(table: &Table, kind: ConstraintKind) -> usize {
    table.constraints.iter().filter(|c| c.kind == kind && !c.inherited).count()
}

fn check(set: &Set<'_>, _: NaiveDate, out: &mut Findings<'_>) {
    let counted = set.documents.iter().enumerate().filter(|(_, d)| d.counted);
    for (document, source) in counted.map(|(n, d)| (n, &d.source)) {
        for claim in claims(&source.text) {
            let (noun, count) = NOUNS[claim.noun];
            let truths = truths(set, &source.name, count);
            let fits = |truth: &usize| if claim.at_least { *truth >= claim.number } else { *truth == claim.number };
            if truths.is_empty() || truths.iter().any(fits) {
                continue;
            }
            let written = &source.text[claim.range.clone()];
            let list: Vec<String> = truths.iter().map(usize::to_string).collect();
            let message = format!("the document says \"{written}\", the schema has {}", list.join(" or "));
            let object = format!("claim \"{written}\" in {}", source.name);
            let draft = Draft::in_document(document, object, claim.range, message);
            out.push(draft.help(format!("correct the number of {noun}, or leave counting to the generated documents")));
        }
    }
}

/// The numbers that a claim may mean: of the schema that the document's path names, or else of any
/// schema, any source, and all together.
fn truths(set: &Set<'_>, document: &str, count: Count) -> BTreeSet<usize> {
    let words: Vec<&str> = document.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
    let schemas: BTreeSet<&str> =
        set.units.iter().flat_map(|u| u.model.tables.iter().map(|t| t.name.schema.as_str())).collect();
    let of_schema = |schema: &str| set.units.iter().map(|u| count(u.model, schema)).sum::<usize>();
    let named: BTreeSet<usize> = schemas.iter().filter(|s| words.contains(*s)).map(|s| of_schema(s)).collect();
    if !named.is_empty() {
        return named;
    }
    let mut all: BTreeSet<usize> = schemas.iter().map(|s| of_schema(s)).collect();
    all.extend(set.units.iter().map(|u| count(u.model, "")));
    all.insert(of_schema(""));
    all
}

struct Claim {
    range: Range<usize>,
    number: usize,
    at_least: bool,
    noun: usize,
}

/// A number, perhaps with `+`, and one of the nouns behind it, outside code.
fn claims(text: &str) -> Vec<Claim> {
    let mut found = Vec::new();
    let mut fenced = false;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        if !fenced && !fence {
            in_line(line, start, &mut found);
        }
        start += line.len();
    }
    found
}

fn in_line(line: &str, start: usize, found: &mut Vec<Claim>) {
    let bytes = line.as_bytes();
    let mut at = 0;
    while let Some(offset) = bytes[at..].iter().position(u8::is_ascii_digit) {
        let number_start = at + offset;
        let digits =
            bytes[number_start..].iter().position(|b| !b.is_ascii_digit()).unwrap_or(bytes.len() - number_start);
        at = number_start + digits;
        let before = line[..number_start].chars().next_back();
        // Part of a word, a version, a range, or in code.
        let glued = before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '–' | '#' | '/' | ','));
        let in_code = line[..number_start].matches('`').count() % 2 == 1;
        if glued || in_code {
            continue;
        }
        let rest = &line[at..];
        let at_least = rest.starts_with('+');
        let rest = rest.trim_start_matches('+');
        let blanks = rest.len() - rest.trim_start_matches([' ', '*', '_']).len();
        let words = &rest[blanks..];
        if blanks == 0 || !words.starts_with(|c: char| c.is_alphabetic()) {
            continue;
        }
        let is = |noun: &str| {
            let head = words.get(..noun.len()).is_some_and(|head| head.eq_ignore_ascii_case(noun));
            head && !words[noun.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
        };
        let Some(noun) = NOUNS.iter().position(|(noun, _)| is(noun)) else { continue };
        // "for 3 tables", "the other 3 tables", "3 tables of": a part, not the whole.
        let previous = line[..number_start].split_whitespace().next_back().unwrap_or_default().to_lowercase();
        let next = words[NOUNS[noun].0.len()..].split_whitespace().next().unwrap_or_default();
        if PARTIAL.contains(&previous.as_str()) || next == "of" {
            continue;
        }
        let Ok(number) = line[number_start..number_start + digits].parse() else { continue };
        let end = at + (line[at..].len() - words.len()) + NOUNS[noun].0.len();
        found.push(Claim { range: start + number_start..start + end, number, at_least, noun });
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_numbers_in_front_of_what_is_counted() {
        let text = "It has 42 tables, **55+ indexes** and 78 foreign keys.\n```\n9 tables\n```\nv1.2 tables, `3 tables`, \
                    10-12 tables, 7 tablespaces, machines for 3 columns, 9 columns of x\n";
        let shown: Vec<(&str, usize, bool)> =
            claims(text).iter().map(|c| (&text[c.range.clone()], c.number, c.at_least)).collect();
        assert_eq!(shown, [("42 tables", 42, false), ("55+ indexes", 55, true), ("78 foreign keys", 78, false)]);
    }
}
