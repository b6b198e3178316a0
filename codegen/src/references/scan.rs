//! One document, read once: what it defines, what it speaks of, where its links go.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::{Document, Id};
use crate::markdown::{self, Fence};
use crate::regions::Marker;
use crate::write::MARKER;

/// What a document says.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) definitions: Vec<Definition>,
    pub(super) mentions: Vec<Mention>,
    pub(super) links: Vec<Link>,
    pub(super) dates: Vec<Reviewed>,
    /// Anchors that links can go to.
    pub(super) anchors: Vec<String>,
}

/// A heading that begins with an ID.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) id: Id,
    pub(super) anchor: String,
    pub(super) line: usize,
}

/// An ID in the text.
#[derive(Debug)]
pub(super) struct Mention {
    pub(super) id: Id,
    pub(super) line: usize,
}

/// A link with a fragment.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) path: String,
    pub(super) anchor: String,
    pub(super) line: usize,
}

/// `Last reviewed: 2026-01-31`.
#[derive(Debug)]
pub(super) struct Reviewed {
    pub(super) date: NaiveDate,
    /// The ID whose section says so.
    pub(super) of: Option<Id>,
    pub(super) line: usize,
}

/// Reads a document. In a generated page only what people wrote can be wrong: of the rest, the
/// headings count.
pub(super) fn scan(document: &Document, prefixes: &[String]) -> Scan {
    let mut scan = Scan::default();
    let mut slugs: HashMap<String, usize> = HashMap::new();
    let mut fence = Fence::default();
    let mut comment = false;
    let mut section = None;
    let generated = document.text.lines().take(12).any(|line| line.contains(MARKER));
    let mut by_people = !generated;
    for (line, text) in document.text.lines().enumerate().map(|(n, text)| (n + 1, text)) {
        match Marker::of(text) {
            Some(Marker::Begin(key)) if generated => by_people = key.is_human(),
            Some(Marker::End(_)) if generated => by_people = false,
            _ => {}
        }
        if fence.is_code(text) || in_comment(text, &mut comment) {
            continue;
        }
        for anchor in explicit_anchors(text) {
            scan.anchors.push(anchor.to_owned());
        }
        if let Some(heading) = markdown::heading(text) {
            let slug = unique(markdown::slug(heading), &mut slugs);
            if let Some(id) = Id::at_start(heading, prefixes) {
                section = Some(id.clone());
                scan.definitions.push(Definition { id, anchor: slug.clone(), line });
                scan.anchors.push(slug);
                continue;
            }
            scan.anchors.push(slug);
        }
        if by_people {
            scan.inline(text, line, prefixes);
            if let Some(date) = reviewed(text) {
                scan.dates.push(Reviewed { date, of: section.clone(), line });
            }
        }
    }
    scan
}

/// The IDs of a text that is no whole document.
pub(super) fn mentions(text: &str, prefixes: &[String]) -> Vec<Mention> {
    let (mut scan, mut fence, mut comment) = (Scan::default(), Fence::default(), false);
    for (line, text) in text.lines().enumerate() {
        if !fence.is_code(text) && !in_comment(text, &mut comment) {
            scan.inline(text, line + 1, prefixes);
        }
    }
    scan.mentions
}

impl Scan {
    fn inline(&mut self, text: &str, line: usize, prefixes: &[String]) {
        let mut rest = text;
        let mut before = ' ';
        while let Some(c) = rest.chars().next() {
            let mut step = c.len_utf8();
            if c == '`' {
                step = code_span(rest);
            } else if let Some(link) = markdown::link(rest) {
                if let Some((path, anchor)) = link.target.split_once('#')
                    && !path.contains("://")
                {
                    self.links.push(Link { path: path.to_owned(), anchor: anchor.to_owned(), line });
                }
                self.inline(link.text, line, prefixes);
                step = link.length;
            } else if !(before.is_alphanumeric() || matches!(before, '-' | '_' | '/'))
                && let Some(id) = Id::at_start(rest, prefixes)
            {
                step = id.text.len();
                self.mentions.push(Mention { id, line });
            }
            before = rest[..step].chars().next_back().unwrap_or(' ');
            rest = &rest[step..];
        }
    }
}

/// Bytes of the code span at the beginning; of the backticks alone where it never ends.
fn code_span(text: &str) -> usize {
    let ticks = text.len() - text.trim_start_matches('`').len();
    let mut rest = &text[ticks..];
    while let Some(at) = rest.find('`') {
        let run = rest[at..].len() - rest[at..].trim_start_matches('`').len();
        rest = &rest[at + run..];
        if run == ticks {
            return text.len() - rest.len();
        }
    }
    ticks
}

fn in_comment(text: &str, open: &mut bool) -> bool {
    let was = *open;
    if !was && !text.trim_start().starts_with("<!--") {
        return false;
    }
    *open = !text.contains("-->");
    true
}

/// `<a id="x">` and `<a name="x">`.
fn explicit_anchors(text: &str) -> impl Iterator<Item = &str> {
    text.split("<a ").skip(1).filter_map(|tag| {
        let value = tag.trim_start().strip_prefix("id=").or_else(|| tag.trim_start().strip_prefix("name="))?;
        value.strip_prefix('"')?.split('"').next()
    })
}

/// GitHub numbers anchors that are the same.
fn unique(slug: String, seen: &mut HashMap<String, usize>) -> String {
    let count = seen.entry(slug.clone()).or_insert(0);
    *count += 1;
    if *count == 1 { slug } else { format!("{slug}-{}", *count - 1) }
}

/// The date after `Last reviewed` or `Last updated`, in any dress: `**Last Updated**: 2026-01-31`,
/// `last_updated: 2026-01-31`.
fn reviewed(text: &str) -> Option<NaiveDate> {
    let lower = text.to_ascii_lowercase().replace('_', " ");
    let at = ["last reviewed", "last updated"].iter().find_map(|words| lower.find(words))?;
    let after = &text[at + "last updated".len()..];
    let first_digit = after.find(|c: char| c.is_ascii_digit())?;
    let only_marks = after[..first_digit].chars().all(|c| !c.is_alphanumeric() || c == 'd');
    let date = after.get(first_digit..first_digit + 10).filter(|_| only_marks)?;
    NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()
}
