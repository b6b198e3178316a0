//! Reports as text, for people and for programs.

mod github;
mod human;
mod json;
mod sarif;

use super::set::{Subject, Unit};
use super::{Report, TextId};
use crate::source::Source;

pub use github::{error as github_error, github};
pub use human::human;
pub use json::json;
pub use sarif::sarif;

/// The text that a place is in.
fn source<'a>(subject: &Subject<'a>, text: TextId) -> Option<&'a Source> {
    match text {
        TextId::Ddl { unit, file } => subject.units.get(unit).and_then(|u: &Unit<'a>| u.sources.get(file)),
        TextId::Document(document) => subject.documents.get(document).map(|d| &d.source),
    }
}

/// `3 errors, 1 warning`, with what was left out.
fn summary(report: &Report) -> String {
    use super::Severity::{Error, Info, Warning};
    let counted = |n: usize, one: &str, many: &str| match n {
        0 => None,
        1 => Some(format!("1 {one}")),
        n => Some(format!("{n} {many}")),
    };
    let found = [
        counted(report.count(Error), "error", "errors"),
        counted(report.count(Warning), "warning", "warnings"),
        counted(report.count(Info), "note", "notes"),
    ];
    let left_out = [
        counted(report.ignored, "accepted by a comment", "accepted by comments"),
        counted(report.known, "known to the baseline", "known to the baseline"),
    ];
    let join = |parts: Vec<String>| parts.join(", ");
    let mut text = join(found.into_iter().flatten().collect());
    if text.is_empty() {
        "nothing found".clone_into(&mut text);
    }
    let left_out = join(left_out.into_iter().flatten().collect());
    if left_out.is_empty() { text } else { format!("{text}; {left_out}") }
}
