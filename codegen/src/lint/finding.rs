//! What rules report.

use std::ops::Range;

use canon_core::schema::Origin;

use super::context::Context;
use super::rule::{Rule, Severity};
use super::set::Set;

/// Something a rule objects to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Number of the rule.
    pub code: &'static str,
    /// Name of the rule.
    pub name: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What it is about, in words that do not change when lines move: `table shop.orders`.
    pub object: String,
    /// Where; None for objects of a live database.
    pub place: Option<Place>,
    /// What is wrong.
    pub message: String,
    /// How to put it right.
    pub help: Option<String>,
}

impl Finding {
    /// What stays the same when the file changes around the finding.
    pub fn fingerprint(&self) -> String {
        format!("{} {}", self.code, self.object)
    }
}

/// The text a place is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TextId {
    /// A file of a unit.
    Ddl {
        /// Index of the unit.
        unit: usize,
        /// Index of the file in it.
        file: usize,
    },
    /// A document.
    Document(usize),
}

/// A place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The text.
    pub text: TextId,
    /// Name of its file.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Line of the end.
    pub end_line: u32,
    /// Column behind the last character.
    pub end_column: u32,
    /// The bytes.
    pub range: Range<usize>,
}

/// A finding as a rule makes it: the engine adds the rule and finds the place.
#[derive(Debug)]
pub(super) struct Draft {
    unit: usize,
    object: String,
    at: At,
    message: String,
    help: Option<String>,
    at_most: Severity,
}

#[derive(Debug)]
enum At {
    Nowhere,
    Origin(Origin),
    Bytes { file: usize, range: Range<usize> },
    Document { document: usize, range: Range<usize> },
}

impl Draft {
    /// About an object of a model.
    pub(super) fn new(
        cx: &Context<'_>,
        object: impl Into<String>,
        origin: Option<Origin>,
        message: impl Into<String>,
    ) -> Self {
        Self::with_place(cx.unit, object, origin.map_or(At::Nowhere, At::Origin), message)
    }

    /// About bytes of a file.
    pub(super) fn in_file(
        cx: &Context<'_>,
        object: impl Into<String>,
        file: usize,
        range: Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        Self::with_place(cx.unit, object, At::Bytes { file, range }, message)
    }

    /// About bytes of a document.
    pub(super) fn in_document(
        document: usize,
        object: impl Into<String>,
        range: Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        Self::with_place(0, object, At::Document { document, range }, message)
    }

    /// About something outside the texts.
    pub(super) fn nowhere(object: impl Into<String>, message: impl Into<String>) -> Self {
        Self::with_place(0, object, At::Nowhere, message)
    }

    fn with_place(unit: usize, object: impl Into<String>, at: At, message: impl Into<String>) -> Self {
        let (object, message) = (object.into(), message.into());
        Self { unit, object, at, message, help: None, at_most: Severity::Error }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// A weaker form of what the rule is about: never more than information.
    pub(super) fn hint(mut self) -> Self {
        self.at_most = Severity::Info;
        self
    }
}

/// Where a rule puts its findings.
#[derive(Debug)]
pub(super) struct Findings<'a> {
    set: &'a Set<'a>,
    rule: &'static Rule,
    severity: Severity,
    found: &'a mut Vec<Finding>,
}

impl<'a> Findings<'a> {
    pub(super) fn new(set: &'a Set<'a>, rule: &'static Rule, severity: Severity, found: &'a mut Vec<Finding>) -> Self {
        Self { set, rule, severity, found }
    }

    pub(super) fn push(&mut self, draft: Draft) {
        let place = match draft.at {
            At::Nowhere => None,
            At::Origin(origin) => self.set.place_of_origin(draft.unit, origin),
            At::Bytes { file, range } => self.set.place(TextId::Ddl { unit: draft.unit, file }, range),
            At::Document { document, range } => self.set.place(TextId::Document(document), range),
        };
        self.found.push(Finding {
            code: self.rule.code,
            name: self.rule.name,
            severity: self.severity.min(draft.at_most),
            object: draft.object,
            place,
            message: draft.message,
            help: draft.help,
        });
    }
}
