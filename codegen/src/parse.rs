//! Reads one statement.
//!
//! The leading words choose a reader; a reader walks sqlparser's tokens and says what the
//! statement does to the schema ([`change::Change`]). Data, sessions and maintenance are skipped
//! on their first word without being tokenised.

mod alter_table;
mod block;
pub(crate) mod change;
mod column;
mod comment;
mod comments;
mod constraint;
mod cursor;
mod drop;
mod function;
mod grant;
mod index;
mod names;
mod opaque;
mod policy;
mod sequence;
mod session;
mod table;
mod trigger;
mod types;
mod view;

use std::ops::Range;

use crate::block::{Body, body as block_body};
use canon_core::schema::FunctionKind;

pub(crate) use block::{Head, head, targets};
use change::{Change, ObjectClass};
pub(crate) use comments::comment_above;
use cursor::{Cursor, Parse};
pub(crate) use cursor::{MAX_IDENTIFIER, ParseError};
pub(crate) use names::{Name, TypeName};
use table::TableModifiers;
use view::ViewModifiers;

/// What became of a statement.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It changes the schema. The ranges are expressions that sqlparser does not read.
    Changes(Vec<Change>, Vec<Range<usize>>),
    /// An anonymous block.
    Block(Body),
    /// It changes what later names mean, and nothing the model holds, for the reason given.
    Session(Box<Change>, &'static str),
    /// It changes nothing the model holds, for the reason given.
    Skipped(&'static str),
    /// It does not read.
    Unparsed(ParseError),
}

/// First words of statements that change no schema, and why they are passed over.
const SKIPPED: &[(&str, &str)] = &[
    ("INSERT", "data"),
    ("UPDATE", "data"),
    ("DELETE", "data"),
    ("MERGE", "data"),
    ("COPY", "data"),
    ("TRUNCATE", "data"),
    ("VALUES", "query"),
    ("WITH", "query"),
    ("TABLE", "query"),
    ("EXPLAIN", "query"),
    ("DECLARE", "query"),
    ("FETCH", "query"),
    ("MOVE", "query"),
    ("CLOSE", "query"),
    ("CALL", "call"),
    ("BEGIN", "transaction"),
    ("START", "transaction"),
    ("ROLLBACK", "transaction"),
    ("ABORT", "transaction"),
    ("SAVEPOINT", "transaction"),
    ("RELEASE", "transaction"),
    ("PREPARE", "session"),
    ("EXECUTE", "session"),
    ("DEALLOCATE", "session"),
    ("SHOW", "session"),
    ("LISTEN", "session"),
    ("UNLISTEN", "session"),
    ("NOTIFY", "session"),
    ("LOAD", "session"),
    ("LOCK", "session"),
    ("ANALYZE", "maintenance"),
    ("ANALYSE", "maintenance"),
    ("VACUUM", "maintenance"),
    ("CLUSTER", "maintenance"),
    ("REINDEX", "maintenance"),
    ("REFRESH", "maintenance"),
    ("CHECKPOINT", "maintenance"),
    ("REASSIGN", "privileges"),
    ("SECURITY", "security label"),
    ("IMPORT", "foreign schema"),
];

/// Reads the statement at `range` of `source`.
pub(crate) fn read(source: &str, range: Range<usize>) -> Outcome {
    let first = first_word(&source[range.clone()]);
    if let Some((_, reason)) = SKIPPED.iter().find(|(word, _)| first.eq_ignore_ascii_case(word)) {
        return Outcome::Skipped(reason);
    }
    if first.eq_ignore_ascii_case("DO") {
        return block_body(source, range).map_or(Outcome::Skipped("anonymous block"), Outcome::Block);
    }
    let mut cursor = match Cursor::new(source, range.clone()) {
        Ok(cursor) => cursor,
        Err(error) => return Outcome::Unparsed(error),
    };
    let changes = match first.to_ascii_uppercase().as_str() {
        "CREATE" => cursor.create(),
        "ALTER" => cursor.alter().map(|change| vec![change]),
        "DROP" => {
            cursor.advance();
            cursor.drop_statement().map(|change| vec![change])
        }
        "COMMENT" if cursor.eat_kws(&["COMMENT", "ON"]) => cursor.comment().map(|change| vec![change]),
        "GRANT" | "REVOKE" => cursor.grant().map(|change| vec![change]),
        "SET" => match cursor.set_search_path() {
            Ok(Some(change)) => Ok(vec![change]),
            Ok(None) => return Outcome::Skipped("session"),
            Err(error) => Err(error),
        },
        "COMMIT" | "END" => return Outcome::Session(Box::new(Change::Commit), "transaction"),
        "RESET" | "DISCARD" => match cursor.reset_search_path() {
            Some(change) => return Outcome::Session(Box::new(change), "session"),
            None => return Outcome::Skipped("session"),
        },
        "SELECT" => match cursor.select_set_config() {
            Some(change) => Ok(vec![change]),
            None => match cursor.select_into() {
                Some(change) => Ok(vec![change]),
                None => return Outcome::Skipped("query"),
            },
        },
        _ => cursor.expected("a statement"),
    };
    match changes {
        Ok(changes) => Outcome::Changes(changes, cursor.unread),
        Err(error) => Outcome::Unparsed(error),
    }
}

/// A body between plain quotes; E'...' is none, nor is one that is not the last thing but a language.
pub(crate) fn quoted_body(source: &str, range: Range<usize>) -> Option<String> {
    let mut cursor = Cursor::new(source, range).ok()?;
    let body = cursor.string().ok()?;
    let plpgsql = !cursor.eat_kw("LANGUAGE") || cursor.eat_kw("plpgsql");
    (plpgsql && cursor.at_end()).then_some(body)
}

/// A name by itself, as `regclass` reads it.
pub(crate) fn name_of(text: &str) -> Option<Name> {
    let mut cursor = Cursor::new(text, 0..text.len()).ok()?;
    let name = cursor.name().ok()?;
    cursor.at_end().then_some(name)
}

/// A type by itself; None where there is more or less than one.
pub(crate) fn type_of(text: &str) -> Option<TypeName> {
    let mut cursor = Cursor::new(text, 0..text.len()).ok()?;
    let ty = cursor.type_name().ok()?;
    cursor.at_end().then_some(ty)
}

fn first_word(text: &str) -> &str {
    let end = text.bytes().position(|b| !b.is_ascii_alphabetic()).unwrap_or(text.len());
    &text[..end]
}

impl Cursor<'_> {
    fn create(&mut self) -> Parse<Vec<Change>> {
        self.advance();
        if self.eat_kw("SCHEMA") {
            return self.create_schema();
        }
        self.create_object().map(|change| vec![change])
    }

    /// After `CREATE`.
    fn create_object(&mut self) -> Parse<Change> {
        let or_replace = self.eat_kws(&["OR", "REPLACE"]);
        let _ = self.eat_kw("GLOBAL") || self.eat_kw("LOCAL");
        let temporary = self.eat_kw("TEMPORARY") || self.eat_kw("TEMP");
        let unlogged = self.eat_kw("UNLOGGED");
        let Some(word) = self.peek_word() else { return self.expected("a kind of object") };
        self.advance();
        match word.as_str() {
            "TABLE" => self.create_table(TableModifiers { temporary, unlogged, foreign: false }),
            "FOREIGN" if self.eat_kw("TABLE") => {
                self.create_table(TableModifiers { foreign: true, ..TableModifiers::default() })
            }
            "INDEX" => self.create_index(false),
            "UNIQUE" if self.eat_kw("INDEX") => self.create_index(true),
            "SEQUENCE" => self.create_sequence(temporary),
            "VIEW" => self.create_view(ViewModifiers { temporary, or_replace, ..ViewModifiers::default() }),
            "RECURSIVE" if self.eat_kw("VIEW") => {
                self.create_view(ViewModifiers { temporary, or_replace, recursive: true, materialized: false })
            }
            "MATERIALIZED" if self.eat_kw("VIEW") => {
                self.create_view(ViewModifiers { materialized: true, ..ViewModifiers::default() })
            }
            "TYPE" => self.create_type(),
            "DOMAIN" => self.create_domain(),
            "FUNCTION" => self.create_function(FunctionKind::Function, or_replace),
            "PROCEDURE" => self.create_function(FunctionKind::Procedure, or_replace),
            "AGGREGATE" => self.create_aggregate(or_replace),
            "TRIGGER" => self.create_trigger(false, or_replace),
            "CONSTRAINT" if self.eat_kw("TRIGGER") => self.create_trigger(true, or_replace),
            "POLICY" => self.create_policy(),
            "EXTENSION" => self.create_extension(),
            _ => {
                self.seek(self.index() - 1);
                self.opaque()
            }
        }
    }

    fn create_extension(&mut self) -> Parse<Change> {
        self.eat_kws(&["IF", "NOT", "EXISTS"]);
        let name = self.ident()?;
        self.eat_kw("WITH");
        let (mut schema, mut version) = (None, None);
        loop {
            if self.eat_kw("SCHEMA") {
                schema = Some(self.ident()?);
            } else if self.eat_kw("VERSION") {
                version = Some(if self.is_string() { self.string()? } else { self.ident()? });
            } else if !self.eat_kw("CASCADE") {
                self.finish()?;
                return Ok(Change::CreateExtension { name, schema, version });
            }
        }
    }

    /// `CREATE SCHEMA s CREATE TABLE ... CREATE VIEW ...`: the elements are statements of their
    /// own, whose unqualified names belong to `s`.
    fn create_schema(&mut self) -> Parse<Vec<Change>> {
        let if_not_exists = self.eat_kws(&["IF", "NOT", "EXISTS"]);
        let mut name = if self.is_kw("AUTHORIZATION") { None } else { Some(self.ident()?) };
        if self.eat_kw("AUTHORIZATION") {
            let role = self.ident()?;
            name.get_or_insert(role);
        }
        let name = name.unwrap_or_default();
        let mut changes = vec![Change::CreateSchema { name: name.clone(), if_not_exists }];
        while !self.at_end() {
            if !(self.is_kw("CREATE") || self.is_kw("GRANT") || self.is_kw("COMMENT")) {
                return self.expected("the end of the statement or a schema element");
            }
            let start = self.index();
            self.advance();
            let element = self.until(|c| c.is_kw("CREATE") || c.is_kw("GRANT"));
            self.seek(start);
            let outer = self.limit(element.end);
            if self.eat_kw("CREATE") {
                let mut change = self.create_object()?;
                change.default_schema(&name);
                changes.push(change);
            } else {
                let mut change = self.grant()?;
                change.default_schema(&name);
                changes.push(change);
            }
            self.limit(outer);
            self.seek(element.end);
        }
        Ok(changes)
    }

    fn alter(&mut self) -> Parse<Change> {
        self.advance();
        if self.eat_kw("TABLE") || self.eat_kws(&["FOREIGN", "TABLE"]) {
            if self.eat_kws(&["ALL", "IN"]) {
                self.rest();
                return Ok(Change::Opaque {
                    kind: "storage".to_owned(),
                    name: "all tables of a tablespace".to_owned(),
                });
            }
            return self.alter_table();
        }
        if self.eat_kw("VIEW") || self.eat_kws(&["MATERIALIZED", "VIEW"]) {
            return self.alter_table();
        }
        if self.eat_kw("SEQUENCE") {
            return self.alter_sequence();
        }
        if self.eat_kw("INDEX") {
            return self.alter_index();
        }
        if self.eat_kw("TYPE") {
            return self.alter_type();
        }
        if self.eat_kw("DOMAIN") {
            return self.alter_domain();
        }
        if self.eat_kws(&["DEFAULT", "PRIVILEGES"]) {
            return self.default_privileges();
        }
        if self.eat_kw("POLICY") {
            return self.alter_policy();
        }
        for (word, class) in [
            ("FUNCTION", ObjectClass::Function),
            ("PROCEDURE", ObjectClass::Procedure),
            ("ROUTINE", ObjectClass::Routine),
            ("AGGREGATE", ObjectClass::Aggregate),
        ] {
            if self.eat_kw(word) {
                return self.alter_function(class);
            }
        }
        if self.is_kw("TRIGGER") || self.is_kw("SCHEMA") || self.is_kw("EXTENSION") {
            let Some(class) = self.object_class() else { return self.expected("an object") };
            let target = self.drop_target(class)?;
            return match self.rename_or_move_target(class, target)? {
                Some(change) => Ok(change),
                None => self.opaque(),
            };
        }
        self.opaque()
    }
}
