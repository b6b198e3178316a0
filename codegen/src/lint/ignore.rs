//! `-- canon-ignore L6: reason`.
//!
//! A comment on a line of its own speaks of the line below it, one behind code of its own line.
//! Where that line begins a statement, the whole statement is meant. `canon-ignore-file` speaks of
//! the whole file. Markdown documents take the same in `<!-- -->`.

use std::collections::HashMap;
use std::ops::Range;

use super::document::Document;
use super::finding::{Finding, TextId};
use super::rule::{self, Rule};
use super::set::Set;
use crate::source::Source;
use crate::split::Piece;

/// One rule of one comment.
#[derive(Debug)]
pub(super) struct Ignore {
    pub(super) text: TextId,
    /// The comment.
    pub(super) comment: Range<usize>,
    /// The rule as it was written.
    pub(super) name: String,
    /// None where there is no such rule.
    pub(super) rule: Option<&'static Rule>,
    /// A reason was given.
    pub(super) reasoned: bool,
    /// Lines it covers.
    lines: Range<u32>,
    /// It covered something.
    pub(super) used: bool,
}

/// The ignores of a set, found by text and rule.
#[derive(Debug)]
pub(super) struct Ignores {
    all: Vec<Ignore>,
    by_rule: HashMap<(TextId, &'static str), Vec<usize>>,
}

impl Ignores {
    fn new(all: Vec<Ignore>) -> Self {
        let mut by_rule: HashMap<_, Vec<usize>> = HashMap::new();
        for (n, ignore) in all.iter().enumerate() {
            if let (Some(rule), true) = (ignore.rule, ignore.reasoned) {
                by_rule.entry((ignore.text, rule.code)).or_default().push(n);
            }
        }
        Self { all, by_rule }
    }

    /// Whether a comment accepts the finding; every one that does counts as used.
    pub(super) fn accept(&mut self, finding: &Finding) -> bool {
        let Some(place) = &finding.place else { return false };
        let Some(candidates) = self.by_rule.get(&(place.text, finding.code)) else { return false };
        let mut accepted = false;
        for &n in candidates {
            let ignore = &mut self.all[n];
            if ignore.lines.contains(&place.line) {
                ignore.used = true;
                accepted = true;
            }
        }
        accepted
    }

    /// In the order of the texts.
    pub(super) fn all(&self) -> &[Ignore] {
        &self.all
    }
}

const WORD: &str = "canon-ignore";

/// All ignores of the set, in the order of their texts.
pub(super) fn collect(set: &Set<'_>) -> Ignores {
    let mut ignores = Vec::new();
    for unit in &set.units {
        for (file, (source, script)) in unit.sources.iter().zip(&unit.scripts).enumerate() {
            if source.text.contains(WORD) {
                let reader = Reader { text: TextId::Ddl { unit: unit.unit, file }, source, pieces: &script.pieces };
                script.comments.iter().for_each(|comment| reader.comment(comment.clone(), &mut ignores));
            }
        }
    }
    for (document, Document { source, .. }) in set.documents.iter().enumerate() {
        let reader = Reader { text: TextId::Document(document), source, pieces: &[] };
        html_comments(&source.text).for_each(|comment| reader.comment(comment, &mut ignores));
    }
    Ignores::new(ignores)
}

struct Reader<'a> {
    text: TextId,
    source: &'a Source,
    pieces: &'a [Piece],
}

impl Reader<'_> {
    fn comment(&self, range: Range<usize>, ignores: &mut Vec<Ignore>) {
        let text = self.source.slice(range.clone());
        let body = text.trim_start_matches("--").trim_start_matches("/*").trim_start_matches("<!");
        let Some(rest) = body.trim_start_matches('-').trim_start().strip_prefix(WORD) else { return };
        let rest = rest.trim_end_matches("*/").trim_end_matches("-->");
        let (whole_file, rest) = match rest.strip_prefix("-file") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let (names, reason) = rest.split_once(':').unwrap_or((rest, ""));
        let lines = if whole_file { 1..u32::MAX } else { self.lines(&range) };
        let names: Vec<&str> = names.split([',', ' ', '\t']).map(str::trim).filter(|n| !n.is_empty()).collect();
        let reasoned = reason.chars().any(char::is_alphanumeric);
        // Without any rule it is a mistake too, which has to be reported once.
        for name in if names.is_empty() { vec![""] } else { names } {
            ignores.push(Ignore {
                text: self.text,
                comment: range.clone(),
                name: name.to_owned(),
                rule: rule::find(name),
                reasoned,
                lines: lines.clone(),
                used: false,
            });
        }
    }

    fn lines(&self, comment: &Range<usize>) -> Range<u32> {
        let text = &self.source.text;
        let line_start = text[..comment.start].rfind('\n').map_or(0, |n| n + 1);
        let own_line = text[line_start..comment.start].trim().is_empty();
        let line = if own_line { self.next_code_line(comment.end) } else { self.source.position(comment.start).line };
        // The statement that begins on this line, from its first line to its last.
        let next = self.pieces.partition_point(|p| self.source.position(p.range.start).line < line);
        match self.pieces.get(next) {
            Some(piece) if self.source.position(piece.range.start).line == line => {
                line..self.source.position(piece.range.end).line + 1
            }
            _ => line..line + 1,
        }
    }

    /// First line behind `offset` that holds more than a line comment.
    fn next_code_line(&self, offset: usize) -> u32 {
        let line = self.source.position(offset).line;
        let text = &self.source.text[offset..];
        let is_comment = |l: &str| l.trim_start().starts_with("--") || l.trim_start().starts_with("<!--");
        let skipped = text.split('\n').skip(1).take_while(|l| is_comment(l)).count();
        line + 1 + skipped as u32
    }
}

/// `<!-- ... -->` on one line, outside code: an ignore in code is an example and covers nothing, so it must not be reported as unused.
fn html_comments(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut fenced = false;
    let mut at = 0;
    text.split_inclusive('\n').filter_map(move |line| {
        let start = at;
        at += line.len();
        fenced ^= line.trim_start().starts_with("```");
        let in_code = |at: usize| line[..at].matches('`').count() % 2 == 1;
        let open = line.find("<!--").filter(|at| !fenced && !in_code(*at))?;
        let close = line[open..].find("-->")? + open + 3;
        Some(start + open..start + close)
    })
}
