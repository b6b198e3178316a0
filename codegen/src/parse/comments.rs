//! Comments that people write next to a column or above a table.
//!
//! `id uuid, -- what it is` describes the column in front of it; lines of their own describe the
//! column right below. A comment that opens a paragraph of several columns after a blank line
//! (`-- Timestamps`) is a heading and describes none of them, as are banners and what tools write
//! (`-- Name: users; Type: TABLE`, `-- +goose Up`).

use super::change::Element;
use super::cursor::{CommentToken, Cursor};

/// Gives every column of a table body the comments next to it.
pub(crate) fn attach_comments(cursor: &Cursor<'_>, open: usize, elements: &mut [Element]) {
    let source = cursor.source();
    let body = cursor.offset_at(open);
    let end = cursor.offset();
    let starts: Vec<usize> = elements.iter().map(start).collect();
    for group in groups(source, cursor.comments.iter().filter(|c| c.range.start > body && c.range.start < end)) {
        let (first, last) = (group[0], group[group.len() - 1]);
        let Some(text) = prose(&group) else { continue };
        let own_line = source[line_start(source, first.range.start)..first.range.start].trim().is_empty();
        let element = if own_line {
            let below = Some(starts.partition_point(|at| *at < last.range.end)).filter(|n| *n < starts.len());
            below.filter(|n| is_right_below(source, last, starts[*n]) && !is_heading(source, first, &starts[*n..]))
        } else {
            starts.partition_point(|at| *at < first.range.start).checked_sub(1)
        };
        if let Some(Element::Column(column)) = element.map(|n| &mut elements[n]) {
            match &mut column.comment {
                Some(existing) => existing.extend([" ", &text]),
                none => *none = Some(text),
            }
        }
    }
}

/// The comment right above a statement; `lead` is what stands in front of it.
pub(crate) fn comment_above(lead: &str) -> Option<String> {
    let cursor = Cursor::new(lead, 0..lead.len()).ok()?;
    let group = groups(lead, cursor.comments.iter()).pop()?;
    let last = group[group.len() - 1];
    if !is_right_below(lead, last, lead.len()) || group.iter().any(|c| is_rule(&c.text)) {
        return None;
    }
    prose(&group)
}

fn start(element: &Element) -> usize {
    match element {
        Element::Column(column) => column.at,
        Element::Constraint(constraint) => constraint.at,
        Element::Like { at, .. } => *at,
    }
}

fn line_start(source: &str, at: usize) -> usize {
    source[..at].rfind('\n').map_or(0, |n| n + 1)
}

/// Comments on lines that follow each other are one.
fn groups<'c>(source: &str, comments: impl Iterator<Item = &'c CommentToken>) -> Vec<Vec<&'c CommentToken>> {
    let mut groups: Vec<Vec<&CommentToken>> = Vec::new();
    for comment in comments {
        let indent = |c: &CommentToken| &source[line_start(source, c.range.start)..c.range.start];
        let continues = indent(comment).trim().is_empty()
            && groups.last().and_then(|g| g.last()).is_some_and(|previous| {
                let adjacent = is_right_below(source, previous, comment.range.start);
                // Below a comment at the end of a line, only what is aligned with it goes on.
                let aligned = indent(previous).chars().count() == indent(comment).chars().count();
                adjacent && (aligned || indent(previous).trim().is_empty())
            });
        match groups.last_mut() {
            Some(group) if continues => group.push(comment),
            _ => groups.push(vec![comment]),
        }
    }
    groups
}

/// Nothing but the end of the line stands between a comment and `at`.
fn is_right_below(source: &str, comment: &CommentToken, at: usize) -> bool {
    // The range of a line comment may or may not hold its line break.
    let from = if comment.line { comment.range.start } else { comment.range.end };
    source[comment.range.end..at].trim().is_empty() && source[from..at].matches('\n').count() <= 1
}

/// After a blank line, above two or more elements that stand together.
fn is_heading(source: &str, comment: &CommentToken, below: &[usize]) -> bool {
    let above = source[..line_start(source, comment.range.start)].trim_end_matches([' ', '\t', '\r']);
    let after_blank =
        above.strip_suffix('\n').is_some_and(|rest| rest.trim_end_matches([' ', '\t', '\r']).ends_with('\n'));
    let together = match below {
        [first, second, ..] => {
            let between = &source[*first..*second];
            !between.contains("--")
                && !between.contains("/*")
                && !between.replace(['\r', '\t', ' '], "").contains("\n\n")
        }
        _ => false,
    };
    after_blank && together
}

/// A line that only draws: `-- =====`.
fn is_rule(text: &str) -> bool {
    let text = text.trim();
    text.len() >= 3 && text.chars().all(|c| "-=*#_+~ ".contains(c))
}

/// How lines begin that are meant for a tool, or written by one.
const TOOLS: [&str; 8] = ["canon-", "+", ">>>", "migrate:", "Name: ", "squawk-", "TOC entry", "sqlfluff"];

/// The text of comments, unless it is a rule, an instruction to a tool, or code.
fn prose(group: &[&CommentToken]) -> Option<String> {
    let lines: Vec<&str> = group
        .iter()
        .flat_map(|comment| comment.text.lines())
        .map(|line| line.trim().trim_matches(['*', '-', '=', '#', '!']).trim())
        .filter(|line| !line.is_empty() && !TOOLS.iter().any(|tool| line.starts_with(tool)))
        .collect();
    let clean = lines.join(" ");
    let is_code = clean.ends_with([',', ';', '(']);
    let is_prose = clean.chars().filter(|c| c.is_alphabetic()).count() >= 2;
    (is_prose && !is_code).then_some(clean)
}

#[cfg(test)]
mod tests {
    use crate::load::load;
    use crate::source::Source;

    const SQL: &str = "-- +goose Up
-- People who sign in.
-- One row each.
CREATE TABLE users (
    -- The key.
    id uuid PRIMARY KEY, -- never reused
    email text, -- lower case
    /* Shown to others. */
    name text,

    -- Timestamps
    created_at timestamptz,
    updated_at timestamptz,

    -- Set by the sweeper.
    swept_at timestamptz
);

-- A banner far above.

CREATE TABLE plain (a int);
-- ======
-- BANNER
-- ======
CREATE TABLE banner (a int);
--
-- Name: dumped; Type: TABLE; Schema: public; Owner: -
--
CREATE TABLE dumped (a int);
COMMENT ON COLUMN users.email IS 'Stored.';";

    #[test]
    fn comments_describe_what_they_stand_next_to() {
        let model = load(vec![Source::new("x.sql", SQL)]).model;
        let users = &model.tables[0];
        let said: Vec<(&str, Option<&str>)> =
            users.columns.iter().map(|c| (c.name.as_str(), c.comment.as_deref())).collect();
        assert_eq!(
            said,
            [
                ("id", Some("The key. never reused")),
                ("email", Some("Stored.")),
                ("name", Some("Shown to others.")),
                ("created_at", None),
                ("updated_at", None),
                ("swept_at", Some("Set by the sweeper.")),
            ]
        );
        assert!(users.columns[0].comment_inline && !users.columns[1].comment_inline);
        let tables: Vec<Option<&str>> = model.tables.iter().map(|t| t.comment.as_deref()).collect();
        assert_eq!(tables[1..], [None, None, None]);
        assert_eq!(tables[0], Some("People who sign in. One row each."));
    }
}
