//! Everything one run looks at: models, their texts, and documents.

use std::ops::Range;

use canon_core::schema::{Model, Origin};

use super::config::Settings;
use super::context::Context;
use super::document::Document;
use super::finding::{Place, TextId};
use crate::config::default_prefixes;
use crate::error::Diagnostic;
use crate::load::Loaded;
use crate::source::{Position, Source};

/// One model with the text it was read from. A live database has no text.
#[derive(Clone, Copy, Debug)]
pub struct Unit<'a> {
    /// The model.
    pub model: &'a Model,
    /// Its files; empty for a live database.
    pub sources: &'a [Source],
    /// What reading them brought up.
    pub diagnostics: &'a [Diagnostic],
}

impl<'a> From<&'a Loaded> for Unit<'a> {
    fn from(loaded: &'a Loaded) -> Self {
        Self { model: &loaded.model, sources: &loaded.sources, diagnostics: &loaded.diagnostics }
    }
}

impl<'a> From<&'a Model> for Unit<'a> {
    fn from(model: &'a Model) -> Self {
        Self { model, sources: &[], diagnostics: &[] }
    }
}

/// What [`run`](super::run) looks at.
#[derive(Clone, Debug, Default)]
pub struct Subject<'a> {
    /// Models; each is complete in itself.
    pub units: Vec<Unit<'a>>,
    /// Markdown documents that speak of them.
    pub documents: &'a [Document],
    /// Prefixes of IDs in the documents; `DBT` and the usual ones where none are given.
    pub prefixes: Option<Vec<String>>,
}

/// The subject, made ready for rules.
#[derive(Debug)]
pub(super) struct Set<'a> {
    pub(super) units: Vec<Context<'a>>,
    pub(super) documents: &'a [Document],
    prefixes: Vec<String>,
    pub(super) settings: &'a Settings,
}

impl<'a> Set<'a> {
    pub(super) fn new(subject: &Subject<'a>, settings: &'a Settings) -> Self {
        let context = |(n, unit): (usize, &Unit<'a>)| Context::new(n, *unit, settings);
        let units = subject.units.iter().enumerate().map(context).collect();
        let prefixes = match &subject.prefixes {
            Some(prefixes) => prefixes.clone(),
            None => std::iter::once("DBT".to_owned()).chain(default_prefixes()).collect(),
        };
        Self { units, documents: subject.documents, prefixes, settings }
    }

    /// Prefixes of IDs in the documents.
    pub(super) fn prefixes(&self) -> &[String] {
        &self.prefixes
    }

    pub(super) fn source(&self, text: TextId) -> Option<&'a Source> {
        match text {
            TextId::Ddl { unit, file } => self.units.get(unit)?.sources.get(file),
            TextId::Document(document) => self.documents.get(document).map(|d| &d.source),
        }
    }

    pub(super) fn place(&self, text: TextId, range: Range<usize>) -> Option<Place> {
        let source = self.source(text)?;
        let (start, end) = (source.position(range.start), source.position(range.end));
        Some(Place {
            text,
            file: source.name.clone(),
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
            range,
        })
    }

    pub(super) fn place_of_origin(&self, unit: usize, origin: Origin) -> Option<Place> {
        let text = TextId::Ddl { unit, file: origin.file as usize };
        let source = self.source(text)?;
        let start = source.offset(Position { line: origin.line, column: origin.column });
        self.place(text, start..start + head(&source.text[start..]))
    }
}

/// Longest part of a declaration that is worth underlining, in bytes.
const MAX_HEAD: usize = 120;

/// Length of what stands for a declaration: a column's name, or a statement up to its body.
fn head(text: &str) -> usize {
    let line = text.lines().next().unwrap_or_default();
    let line = &line[..line.floor_char_boundary(MAX_HEAD)];
    let first = line.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    let is_statement = ["CREATE", "ALTER", "DROP", "CONSTRAINT", "ADD", "FOREIGN", "PRIMARY", "UNIQUE", "CHECK"]
        .iter()
        .any(|word| first.eq_ignore_ascii_case(word));
    let end = match (is_statement, line.strip_prefix('"')) {
        (true, _) => line.find(['(', ';', ',']).unwrap_or(line.len()),
        (false, Some(quoted)) => quoted.find('"').map_or(line.len(), |n| n + 2),
        (false, None) => line.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(line.len()),
    };
    line[..end].trim_end().len()
}
