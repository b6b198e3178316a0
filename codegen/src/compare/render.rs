//! Text for people, JSON for programs, Markdown for a comment on a pull request.

use std::fmt::Write as _;

use canon_core::schema::{Change, Difference, Place};
use serde::Serialize;
use similar::TextDiff;

use super::Comparison;
use crate::error::Error;

/// How a comparison is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// A line an object and a line an attribute.
    #[default]
    Text,
    /// One document.
    Json,
    /// A table for each kind of change.
    Markdown,
}

impl Comparison {
    /// Prints the comparison; nothing as text where there is no difference.
    pub fn render(&self, format: Format) -> Result<String, Error> {
        match format {
            Format::Text => Ok(self.text()),
            Format::Json => self.json(),
            Format::Markdown => Ok(self.markdown()),
        }
    }

    /// `3 differences: 1 added, 1 removed, 1 changed`.
    pub fn summary(&self) -> String {
        let [added, removed, changed] = self.counts();
        let total = self.differences.len();
        let noun = if total == 1 { "difference" } else { "differences" };
        let parts: Vec<String> = [(added, "added"), (removed, "removed"), (changed, "changed")]
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        if parts.is_empty() { format!("no {noun}") } else { format!("{total} {noun}: {}", parts.join(", ")) }
    }

    fn counts(&self) -> [usize; 3] {
        let count = |of: &dyn Fn(&Change) -> bool| self.differences.iter().filter(|d| of(&d.change)).count();
        [
            count(&|c| matches!(c, Change::Extra)),
            count(&|c| matches!(c, Change::Missing)),
            count(&|c| matches!(c, Change::Altered { .. })),
        ]
    }

    fn text(&self) -> String {
        if self.differences.is_empty() {
            return String::new();
        }
        let mut out = format!("--- {}\n+++ {}\n", self.a, self.b);
        let mut altered: Option<(&Difference, String)> = None;
        for difference in &self.differences {
            let heading = format!("{} {}", difference.kind, difference.object);
            match &difference.change {
                Change::Missing => {
                    let renamed =
                        difference.renamed.as_ref().map(|to| format!("; renamed to {to}?")).unwrap_or_default();
                    let _ = writeln!(out, "- {heading}{}{renamed}", at(difference.expected_at.as_ref()));
                }
                Change::Extra => {
                    let renamed =
                        difference.renamed.as_ref().map(|from| format!("; renamed from {from}?")).unwrap_or_default();
                    let _ = writeln!(out, "+ {heading}{}{renamed}", at(difference.found_at.as_ref()));
                }
                Change::Altered { attribute, expected, found } => {
                    if altered.as_ref().is_none_or(|(_, last)| *last != heading) {
                        let _ = writeln!(out, "~ {heading}{}", places(difference));
                    }
                    out.push_str(&value_lines(attribute, expected, found));
                }
            }
            altered = matches!(difference.change, Change::Altered { .. }).then_some((difference, heading));
        }
        let _ = writeln!(out, "{}", self.summary());
        out
    }

    fn json(&self) -> Result<String, Error> {
        let [added, removed, changed] = self.counts();
        let document = Document {
            a: &self.a,
            b: &self.b,
            summary: Summary { added, removed, changed },
            differences: self.differences.iter().map(Line::of).collect(),
        };
        let text = serde_json::to_string_pretty(&document).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(text + "\n")
    }

    fn markdown(&self) -> String {
        let mut out = format!("### {} → {}\n\n{}\n", inline(&self.a), inline(&self.b), capital(&self.summary()));
        let of = |wanted: fn(&Change) -> bool| self.differences.iter().filter(move |d| wanted(&d.change));
        for (title, wanted) in [
            ("Added", (|c| matches!(c, Change::Extra)) as fn(&Change) -> bool),
            ("Removed", |c| matches!(c, Change::Missing)),
        ] {
            let mut rows = of(wanted).peekable();
            if rows.peek().is_some() {
                let _ = write!(out, "\n| {title} | Name | Place | Renamed? |\n|---|---|---|---|\n");
            }
            for row in rows {
                let place = row.expected_at.as_ref().or(row.found_at.as_ref());
                let place = place.map(|p| inline(&p.to_string())).unwrap_or_default();
                let renamed = row.renamed.as_deref().map(inline).unwrap_or_default();
                let _ = writeln!(out, "| {} | {} | {place} | {renamed} |", row.kind, inline(&row.object));
            }
        }
        let mut rows = of(|c| matches!(c, Change::Altered { .. })).peekable();
        if rows.peek().is_some() {
            out.push_str("\n| Changed | Name | Attribute | Before | After |\n|---|---|---|---|---|\n");
        }
        for row in rows {
            let Change::Altered { attribute, expected, found } = &row.change else { continue };
            let (before, after) = (inline(expected), inline(found));
            let _ = writeln!(out, "| {} | {} | {attribute} | {before} | {after} |", row.kind, inline(&row.object));
        }
        out
    }
}

#[derive(Serialize)]
struct Document<'d> {
    a: &'d str,
    b: &'d str,
    summary: Summary,
    differences: Vec<Line<'d>>,
}

#[derive(Serialize)]
struct Summary {
    added: usize,
    removed: usize,
    changed: usize,
}

/// A difference as programs read it: `a` and `b` for the sides, in every field.
#[derive(Serialize)]
struct Line<'d> {
    change: &'static str,
    kind: canon_core::schema::ObjectKind,
    object: &'d str,
    #[serde(skip_serializing_if = "Option::is_none")]
    attribute: Option<&'d str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    a: Option<&'d str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    b: Option<&'d str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    a_at: Option<&'d Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    b_at: Option<&'d Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maybe_renamed: Option<&'d str>,
}

impl<'d> Line<'d> {
    fn of(difference: &'d Difference) -> Self {
        let (change, attribute, a, b) = match &difference.change {
            Change::Missing => ("removed", None, None, None),
            Change::Extra => ("added", None, None, None),
            Change::Altered { attribute, expected, found } => {
                ("changed", Some(attribute.as_str()), Some(expected.as_str()), Some(found.as_str()))
            }
        };
        Self {
            change,
            kind: difference.kind,
            object: &difference.object,
            attribute,
            a,
            b,
            a_at: difference.expected_at.as_ref(),
            b_at: difference.found_at.as_ref(),
            maybe_renamed: difference.renamed.as_deref(),
        }
    }
}

fn at(place: Option<&Place>) -> String {
    place.map(|place| format!(" ({place})")).unwrap_or_default()
}

/// Both places, or the one there is.
fn places(difference: &Difference) -> String {
    match (&difference.expected_at, &difference.found_at) {
        (Some(a), Some(b)) if a != b => format!(" ({a}, {b})"),
        (a, b) => at(a.as_ref().or(b.as_ref())),
    }
}

/// `attribute: before -> after`, or the changed lines of a longer text.
fn value_lines(attribute: &str, before: &str, after: &str) -> String {
    if !before.contains('\n') && !after.contains('\n') {
        return format!("    {attribute}: {before} -> {after}\n");
    }
    let diff = TextDiff::from_lines(before, after);
    let text = diff.unified_diff().context_radius(1).missing_newline_hint(false).to_string();
    let mut out = format!("    {attribute}:\n");
    text.lines().for_each(|line| out.push_str(&format!("      {line}\n")));
    out
}

/// Code that cannot leave its cell of a Markdown table.
fn inline(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    if longest > 0 { format!("{fence} {text} {fence}") } else { format!("`{text}`") }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
