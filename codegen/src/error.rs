//! What can go wrong, and how it is shown.

use std::ops::Range;
use std::path::PathBuf;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::source::Source;

/// An error of the tool.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that is not text.
    #[error("{file}: line {line}: byte {byte:#04x} at offset {offset} is not UTF-8; convert the file to UTF-8 first")]
    NotUtf8 {
        /// The file.
        file: String,
        /// Offset of the first bad byte.
        offset: usize,
        /// Its line.
        line: usize,
        /// The byte.
        byte: u8,
    },
    /// A file that cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A configuration file with a mistake.
    #[error("{}: {message}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// DDL that does not parse or does not fit together. The diagnostics have been collected.
    #[error("{0} problem(s) in the DDL; nothing was written")]
    Ddl(usize),
    /// A page template with a mistake.
    #[error("template {name}: {message}")]
    Template {
        /// The template.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// Generated code that does not parse: a bug of the generator.
    #[error("generated file {file} is not valid Rust: {message}")]
    Generated {
        /// The file.
        file: String,
        /// What the parser said.
        message: String,
    },
    /// A file that would be overwritten but was not written by this tool.
    #[error("{}: exists and was not written by canon; move it away or choose another output folder", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// A marker of a region in a generated page that does not fit.
    #[error("{}:{line}: {message}; nothing was written", path.display())]
    Marker {
        /// The page.
        path: PathBuf,
        /// Its line.
        line: usize,
        /// What is wrong, and how it should be.
        message: String,
    },
    /// Work of people that would be lost.
    #[error(
        "{}nothing was written. Keep what is worth keeping: as a comment of the DDL, or between the markers of a \
         human region; or undo it (git checkout). To give it up, run the command with --accept-loss",
        losses.iter().map(|loss| format!("{}: {}\n\n", loss.path.display(), loss.difference)).collect::<String>()
    )]
    Loss {
        /// Where, and what.
        losses: Vec<crate::write::Stale>,
    },
    /// Arguments that do not fit.
    #[error("{0}")]
    Usage(String),
    /// A bug of the tool.
    #[error("internal error: {0}")]
    Internal(String),
    /// Git did not answer as it should.
    #[error("git: {0}")]
    Git(String),
    /// The database did not answer as it should.
    #[error("database: {0}")]
    Database(String),
}

impl Error {
    /// An [`Error::Io`] for `path`.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}

impl Error {
    /// What a server, or the way to it, said; `target` names the database.
    pub fn from_postgres(target: &str, error: &postgres::Error) -> Self {
        match Self::from(error) {
            Self::Database(message) => Self::Database(format!("{target}: {message}")),
            other => other,
        }
    }
}

impl From<&postgres::Error> for Error {
    fn from(error: &postgres::Error) -> Self {
        if let Some(db) = error.as_db_error() {
            return Self::Database(format!("{} ({})", db.message(), db.code().code()));
        }
        // The cause says what happened, the error itself only what was being done.
        let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
        let text = error.to_string();
        Self::Database(if text.ends_with(&cause) { text } else { format!("{text}{cause}") })
    }
}

impl From<postgres::Error> for Error {
    fn from(error: postgres::Error) -> Self {
        Self::from(&error)
    }
}

/// How bad a [`Diagnostic`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The result may be incomplete in this place.
    Warning,
    /// The statement would fail, or is not understood.
    Error,
}

/// What a [`Diagnostic`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// A statement that does not read.
    Unparsed,
    /// An expression that is kept as text only.
    Expression,
    /// A statement that PostgreSQL would refuse.
    Refused,
}

/// A message about a place in a source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub topic: Topic,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Index of the file.
    pub file: usize,
    /// The bytes it is about.
    pub range: Range<usize>,
}

impl Diagnostic {
    /// As a compiler prints it: file, line, column, the line itself and a caret.
    pub fn render(&self, sources: &[Source], color: bool) -> String {
        let source = &sources[self.file];
        let level = match self.severity {
            Severity::Warning => Level::WARNING,
            Severity::Error => Level::ERROR,
        };
        let range = self.window(source);
        let snippet = Snippet::source(range.text)
            .path(&source.name)
            .line_start(range.first_line)
            .annotation(AnnotationKind::Primary.span(range.span));
        let mut report = vec![Group::with_title(level.primary_title(&self.message)).element(snippet)];
        if let Some(help) = &self.help {
            report.push(Group::with_title(Level::HELP.secondary_title(help)));
        }
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&report)
    }

    /// The line of the place. Rendering only this keeps a statement of 10 MB printable.
    fn window<'a>(&self, source: &'a Source) -> Window<'a> {
        let text = &source.text;
        let start = self.range.start.min(text.len());
        let line_start = text[..start].rfind('\n').map_or(0, |n| n + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |n| start + n);
        let end = self.range.end.clamp(start, line_end);
        Window {
            text: &text[line_start..line_end],
            first_line: source.position(start).line as usize,
            span: start - line_start..end.max(start) - line_start,
        }
    }
}

struct Window<'a> {
    text: &'a str,
    first_line: usize,
    span: Range<usize>,
}
