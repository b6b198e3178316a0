//! Comments that people write next to a column.
//!
//! `id uuid, -- what it is` describes the column in front of it. A comment on a line of its own is
//! as often a heading (`-- Timestamps`) as a description, so it describes nothing.

use super::change::Element;
use super::cursor::Cursor;

/// Gives every column of a table body the comment on its line.
pub(crate) fn attach_comments(cursor: &Cursor<'_>, open: usize, elements: &mut [Element]) {
    let source = cursor.source();
    let body = cursor.offset_at(open);
    for comment in cursor.comments.iter().filter(|c| c.range.start > body) {
        let line_start = source[..comment.range.start].rfind('\n').map_or(0, |n| n + 1);
        let own_line = source[line_start..comment.range.start].trim().is_empty();
        let Some(text) = prose(&comment.text).filter(|_| !own_line) else { continue };
        let before = |at: usize| at < comment.range.start;
        let last = elements.iter_mut().rfind(|element| match element {
            Element::Column(column) => before(column.at),
            Element::Constraint(constraint) => before(constraint.at),
            Element::Like { .. } => false,
        });
        if let Some(Element::Column(column)) = last {
            match &mut column.comment {
                Some(existing) => existing.extend([" ", &text]),
                none => *none = Some(text),
            }
        }
    }
}

/// The text of a comment, unless it is a rule, an instruction to this tool, or code.
fn prose(text: &str) -> Option<String> {
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.trim().trim_matches(['*', '-', '=', '#', '!']).trim())
        .filter(|line| !line.is_empty())
        .collect();
    let clean = lines.join(" ");
    let is_code = clean.ends_with([',', ';', '(']);
    let is_prose = clean.chars().filter(|c| c.is_alphabetic()).count() >= 2;
    (is_prose && !is_code && !clean.starts_with("canon-")).then_some(clean)
}
