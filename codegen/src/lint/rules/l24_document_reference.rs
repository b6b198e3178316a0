use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use super::super::finding::{Draft, Findings};
use super::super::rule::{Check, Rule, Severity};
use super::super::set::Set;
use super::page;
use crate::error;
use crate::references::{Document, problems};
use crate::source::{Position, Source};

pub(in crate::lint) static RULE: Rule = Rule {
    code: "L24",
    name: "document-reference",
    summary: "A document ID is dangling, double or mentioned nowhere, a link misses its section, or a review is old.",
    severity: Severity::Warning,
    page: page!("L24"),
    check: Check::Set(check),
};

fn check(set: &Set<'_>, today: NaiveDate, out: &mut Findings<'_>) {
    let linked: Vec<(usize, Document)> = set
        .documents
        .iter()
        .enumerate()
        .filter(|(_, d)| d.linked)
        .map(|(n, d)| {
            let path = PathBuf::from(&d.source.name);
            (n, Document { path, text: d.source.text.clone(), scope: d.scope.clone() })
        })
        .collect();
    let (index, documents): (Vec<usize>, Vec<Document>) = linked.into_iter().unzip();
    let index: HashMap<&Path, usize> = documents.iter().zip(index).map(|(d, n)| (d.path.as_path(), n)).collect();
    for problem in problems(&documents, set.prefixes(), today) {
        let Some(&document) = index.get(problem.path.as_path()) else { continue };
        let source = &set.documents[document].source;
        // Ages change every day, and so do not belong to what is known.
        let what = problem.message.split(" was last").next().unwrap_or_default();
        let object = format!("{} in {}: {what}", problem.kind.label(), source.name);
        let draft =
            Draft::in_document(document, object, line(source, problem.line), problem.message).help(problem.help);
        out.push(if problem.severity == error::Severity::Error { draft } else { draft.hint() });
    }
}

/// The text of a line, without the blanks around it.
fn line(source: &Source, line: usize) -> Range<usize> {
    let start = source.offset(Position { line: line as u32, column: 1 });
    let text = source.text[start..].lines().next().unwrap_or_default();
    let blanks = text.len() - text.trim_start().len();
    start + blanks..start + blanks.max(text.trim_end().len())
}
