//! From source files to a model, with an account of every statement.

use std::collections::BTreeMap;
use std::ops::Range;

use canon_core::schema::{Model, Origin};

use crate::block::{Body, Done, Step, walk};
use crate::error::{Diagnostic, Severity, Topic};
use crate::fold::Catalog;
use crate::history::{self, History};
use crate::parse::change::Change;
use crate::parse::{Outcome, comment_above, read};
use crate::source::Source;
use crate::split::{Piece, PieceKind, split};
use crate::transaction::undone;

/// What became of the statements of one file. The four kinds add up to `statements`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Statements, without psql meta-commands and without `COPY ... FROM stdin` and its rows.
    pub statements: usize,
    /// Statements that are in the model.
    pub modelled: usize,
    /// Statements that are kept as text, with their kind and name.
    pub opaque: usize,
    /// Statements that change no schema: data, queries, sessions, privileges, maintenance.
    pub skipped: usize,
    /// The skipped ones by reason.
    pub skipped_as: BTreeMap<&'static str, usize>,
    /// Statements that do not read.
    pub unparsed: usize,
}

impl Coverage {
    fn skip(&mut self, reason: &'static str) {
        self.skipped += 1;
        *self.skipped_as.entry(reason).or_default() += 1;
    }
}

/// The result of reading a set of files.
#[derive(Debug)]
pub struct Loaded {
    /// What the files declare.
    pub model: Model,
    /// The files.
    pub sources: Vec<Source>,
    /// The account, one entry a file.
    pub coverage: Vec<Coverage>,
    /// What is wrong, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// What happened to each table on the way.
    pub history: History,
}

impl Loaded {
    /// A model that came from no file.
    pub fn from_model(model: Model) -> Self {
        Self { model, sources: Vec::new(), coverage: Vec::new(), diagnostics: Vec::new(), history: History::default() }
    }

    /// Number of diagnostics of severity `Error`.
    pub fn errors(&self) -> usize {
        self.diagnostics.iter().filter(|d| d.severity == Severity::Error).count()
    }
}

/// Reads files in order; later ones build on earlier ones, as migrations do.
pub fn load(sources: Vec<Source>) -> Loaded {
    let mut catalog = Catalog::new();
    let mut coverage = Vec::with_capacity(sources.len());
    let mut diagnostics = Vec::new();
    let mut history = History::default();
    for (file, source) in sources.iter().enumerate() {
        catalog.begin_session();
        let mut reader =
            FileReader { file, source, catalog: &mut catalog, diagnostics: &mut diagnostics, history: &mut history };
        let mut account = Coverage::default();
        let pieces = split(&source.text);
        let undone = undone(&source.text, &pieces);
        for (piece, undone) in pieces.iter().zip(undone) {
            reader.statement(piece, undone, &mut account);
        }
        coverage.push(account);
    }
    let model = catalog.finish(sources.iter().map(|s| s.name.clone()).collect());
    Loaded { model, sources, coverage, diagnostics, history }
}

/// `\connect`: a session of its own.
fn is_connect(meta: &str) -> bool {
    let word = meta.split_whitespace().next().unwrap_or_default();
    matches!(word, "\\c" | "\\connect")
}

fn begins_with_select(statement: &str) -> bool {
    statement.trim_start().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("select"))
}

/// The part of a range that is on its first line.
fn first_line(text: &str, range: Range<usize>) -> Range<usize> {
    let length = text[range.clone()].lines().next().unwrap_or_default().len();
    range.start..range.start + length
}

struct FileReader<'a> {
    file: usize,
    source: &'a Source,
    catalog: &'a mut Catalog,
    diagnostics: &'a mut Vec<Diagnostic>,
    history: &'a mut History,
}

impl FileReader<'_> {
    /// Reads one statement. One that a ROLLBACK takes back is read, and leaves no trace.
    fn statement(&mut self, piece: &Piece, undone: bool, account: &mut Coverage) {
        match piece.kind {
            PieceKind::Meta => {
                if is_connect(&self.source.text[piece.range.clone()]) {
                    self.catalog.begin_session();
                }
                return;
            }
            PieceKind::Data => return,
            PieceKind::Unterminated(open) => {
                account.statements += 1;
                account.unparsed += 1;
                let message = format!("a {} that begins here, or later, is never closed", open.label());
                let first = self.source.text[piece.range.clone()].chars().next().map_or(0, char::len_utf8);
                let range = piece.range.start..piece.range.start + first;
                return self.report(Topic::Unparsed, message, None, range);
            }
            PieceKind::Statement => account.statements += 1,
        }
        match read(&self.source.text, piece.range.clone()) {
            Outcome::Skipped(reason) => account.skip(reason),
            Outcome::Session(change, reason) => {
                account.skip(reason);
                if !undone {
                    self.apply(vec![*change], piece);
                }
            }
            Outcome::Block(_) | Outcome::Changes(..) if undone => account.skip("rolled back"),
            Outcome::Unparsed(error) => {
                account.unparsed += 1;
                self.report(Topic::Unparsed, error.message, None, error.range);
            }
            Outcome::Block(body) => {
                if self.block(body, piece) {
                    account.modelled += 1;
                } else {
                    account.skip("anonymous block");
                }
            }
            Outcome::Changes(mut changes, unread) => {
                if let [Change::CreateTable(table)] = changes.as_mut_slice() {
                    table.comment = comment_above(&self.source.text[piece.lead..piece.range.start]);
                }
                self.report_unread(unread);
                if changes.iter().all(|c| matches!(c, Change::Opaque { .. } | Change::DropOpaque { .. })) {
                    account.opaque += 1;
                } else {
                    account.modelled += 1;
                }
                self.apply(changes, piece);
            }
        }
    }

    fn report_unread(&mut self, unread: Vec<Range<usize>>) {
        for range in unread {
            let message = "this expression is not understood; it is kept as text".to_owned();
            self.report(Topic::Expression, message, None, range);
        }
    }

    /// Follows an anonymous block; says whether it changed the schema.
    fn block(&mut self, body: Body, piece: &Piece) -> bool {
        let (file, source) = (self.file, self.source);
        // A body whose quotes hide the positions is placed where its statement begins.
        let (script, body, hidden) = match &body {
            Body::Place(range) => (source.text.as_str(), range.clone(), None),
            Body::Text(text) => (text.as_str(), 0..text.len(), Some(piece.range.clone())),
        };
        let shown = |range: Range<usize>| hidden.clone().unwrap_or(range);
        let mut changed = false;
        let mut reports: Vec<(Topic, String, Option<String>, Range<usize>)> = Vec::new();
        let history = &mut *self.history;
        let mut refused: Option<(String, Range<usize>)> = None;
        let mut run = |catalog: &mut Catalog, step: Step| {
            let (text, range, at) = match step {
                Step::Note(note, range) => {
                    reports.push((Topic::Expression, note.to_owned(), None, shown(range)));
                    return Done::Fine;
                }
                Step::Statement(range) => (script, range.clone(), shown(range)),
                Step::Text(ref text, ref at) => (text.as_str(), 0..text.len(), shown(at.clone())),
            };
            let made = at != range;
            let place = |offset: usize| {
                let position = source.position(if made { at.start } else { offset });
                Origin { file: file as u32, line: position.line, column: position.column }
            };
            let changes = match read(text, range.clone()) {
                Outcome::Changes(changes, _) => changes,
                Outcome::Skipped(_) | Outcome::Session(..) | Outcome::Block(_) => return Done::Fine,
                Outcome::Unparsed(error) => {
                    reports.push((Topic::Expression, error.message, None, if made { at } else { error.range }));
                    return Done::Fine;
                }
            };
            // INTO of a query in a block names variables.
            if let ([Change::CreateTable(_)], true) = (changes.as_slice(), begins_with_select(&text[range.clone()])) {
                return Done::Fine;
            }
            for change in changes {
                let (steps, origin) = (history::steps(&change, catalog), place(at.start));
                match catalog.apply(change, origin, &place, &text[range.clone()]) {
                    Ok(()) => {
                        history.record(steps, origin, catalog);
                        changed = true;
                    }
                    Err(reason) => {
                        refused = Some((reason, at));
                        return Done::Failed;
                    }
                }
            }
            reports.extend(catalog.take_notes().into_iter().map(|note| (Topic::Expression, note, None, at.clone())));
            Done::Fine
        };
        let fine = walk(script, body, self.catalog, &mut run);
        if let (false, Some((reason, range))) = (fine, refused) {
            let help = "PostgreSQL would refuse this block".to_owned();
            reports.push((Topic::Refused, reason, Some(help), range));
        }
        for (topic, message, help, range) in reports {
            self.report(topic, message, help, first_line(&source.text, range));
        }
        changed
    }

    fn apply(&mut self, changes: Vec<Change>, piece: &Piece) {
        let (file, source) = (self.file, self.source);
        let place = |offset: usize| {
            let position = source.position(offset);
            Origin { file: file as u32, line: position.line, column: position.column }
        };
        let origin = place(piece.range.start);
        let text = &source.text[piece.range.clone()];
        for change in changes {
            let steps = history::steps(&change, self.catalog);
            let applied = self.catalog.apply(change, origin, &place, text);
            if applied.is_ok() {
                self.history.record(steps, origin, self.catalog);
            }
            if let Err(refused) = applied {
                let range = first_line(&source.text, piece.range.clone());
                let help = Some("PostgreSQL would refuse this statement; it is left out".to_owned());
                self.report(Topic::Refused, refused, help, range);
            }
            for note in self.catalog.take_notes() {
                let range = first_line(&source.text, piece.range.clone());
                self.report(Topic::Expression, note, None, range);
            }
        }
    }

    fn report(&mut self, topic: Topic, message: String, help: Option<String>, range: Range<usize>) {
        let severity = if topic == Topic::Unparsed { Severity::Error } else { Severity::Warning };
        self.diagnostics.push(Diagnostic { severity, topic, message, help, file: self.file, range });
    }
}
