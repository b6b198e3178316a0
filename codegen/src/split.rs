//! Cuts a script into statements without parsing it.
//!
//! Knows everything that can hide a semicolon: quotes of all four kinds, nested comments,
//! parentheses, `BEGIN ATOMIC` bodies, psql meta-commands and the data of `COPY ... FROM stdin`.
//! The rules are psql's own. One pass over the bytes; no backtracking but for the recovery from an
//! unclosed parenthesis, which is bounded.

use std::ops::Range;

use memchr::{memchr, memchr2};

/// A statement found in a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What it is.
    pub kind: PieceKind,
    /// From the first character that is neither blank nor comment, without the terminator.
    pub range: Range<usize>,
    /// Where the blank and comments in front of it begin.
    pub lead: usize,
}

/// What a [`Piece`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PieceKind {
    /// A statement.
    Statement,
    /// A psql meta-command.
    Meta,
    /// `COPY ... FROM stdin`, whose rows follow it in the script.
    Data,
    /// A statement that the end of the file cut off, and what was open there.
    Unterminated(Open),
}

/// What was open at the end of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// `'...`
    String,
    /// `"...`
    Identifier,
    /// `$tag$...`
    DollarQuote,
    /// `/* ...`
    Comment,
    /// `(`
    Parenthesis,
}

impl Open {
    /// For messages.
    pub fn label(self) -> &'static str {
        match self {
            Self::String => "quoted string",
            Self::Identifier => "quoted identifier",
            Self::DollarQuote => "dollar-quoted string",
            Self::Comment => "comment",
            Self::Parenthesis => "parenthesis",
        }
    }
}

/// How often an unclosed parenthesis may be forgiven before parentheses stop hiding semicolons.
/// Each recovery scans to the end of the file, so the bound keeps hostile input linear.
const MAX_RECOVERIES: usize = 16;

/// Splits `text` into its statements.
pub fn split(text: &str) -> Vec<Piece> {
    Splitter::new(text).run().0
}

/// The statements of `text`, and its comments: neither strings, nor function bodies, nor data that
/// only look like comments.
pub fn split_with_comments(text: &str) -> (Vec<Piece>, Vec<Range<usize>>) {
    Splitter::new(text).run()
}

struct Splitter<'a> {
    bytes: &'a [u8],
    at: usize,
    pieces: Vec<Piece>,
    comments: Vec<Range<usize>>,
    recoveries: usize,
    /// No line `\.` follows any more.
    no_copy_end: bool,
    statement: Statement,
}

/// State of the statement being read.
#[derive(Default)]
struct Statement {
    lead: usize,
    start: Option<usize>,
    depth: usize,
    /// `BEGIN`s and `CASE`s open in a body written without quotes.
    blocks: usize,
    /// The first words, upper-cased, to know a routine and a COPY when they come.
    words: Vec<Vec<u8>>,
    from_stdin: bool,
    previous_word_from: bool,
    first_inner_semicolon: Option<usize>,
}

impl<'a> Splitter<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            at: 0,
            pieces: Vec::new(),
            comments: Vec::new(),
            recoveries: 0,
            no_copy_end: false,
            statement: Statement::default(),
        }
    }

    fn run(mut self) -> (Vec<Piece>, Vec<Range<usize>>) {
        let mut open = None;
        while self.at < self.bytes.len() {
            let here = self.at;
            match self.bytes[here] {
                b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => self.at += 1,
                b'-' if self.peek(1) == b'-' => {
                    self.skip_line();
                    self.comments.push(here..self.at);
                }
                b'/' if self.peek(1) == b'*' => {
                    if !self.skip_comment() {
                        open = Some(Open::Comment);
                    }
                    self.comments.push(here..self.at);
                }
                b'\\' => self.meta(),
                b';' => self.semicolon(),
                other => {
                    self.statement.start.get_or_insert(here);
                    open = self.token(other).or(open);
                }
            }
        }
        self.finish(open);
        (self.pieces, self.comments)
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// Reads one token that is part of a statement; says what was open if the file ended in it.
    fn token(&mut self, first: u8) -> Option<Open> {
        match first {
            b'\'' => (!self.skip_quoted(b'\'', false)).then_some(Open::String),
            b'"' => (!self.skip_quoted(b'"', false)).then_some(Open::Identifier),
            b'$' => self.dollar(),
            b'(' | b'[' => {
                self.statement.depth += 1;
                self.at += 1;
                None
            }
            b')' | b']' => {
                self.statement.depth = self.statement.depth.saturating_sub(1);
                self.at += 1;
                None
            }
            b'0'..=b'9' => {
                self.skip_word();
                None
            }
            c if is_word_start(c) => self.word(),
            _ => {
                self.at += 1;
                None
            }
        }
    }

    fn word(&mut self) -> Option<Open> {
        let start = self.at;
        self.skip_word();
        let word = &self.bytes[start..self.at];
        if word.len() == 1 && matches!(word[0], b'e' | b'E') && self.peek(0) == b'\'' {
            return (!self.skip_quoted(b'\'', true)).then_some(Open::String);
        }
        let upper = word.to_ascii_uppercase();
        let statement = &mut self.statement;
        if statement.depth == 0 && statement.is_routine() {
            match upper.as_slice() {
                b"BEGIN" => statement.blocks += 1,
                b"CASE" if statement.blocks > 0 => statement.blocks += 1,
                b"END" => statement.blocks = statement.blocks.saturating_sub(1),
                _ => {}
            }
        }
        statement.from_stdin |= statement.previous_word_from && upper == b"STDIN";
        statement.previous_word_from = upper == b"FROM";
        if statement.words.len() < 4 {
            statement.words.push(upper);
        }
        None
    }

    fn skip_word(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += rest.iter().position(|c| !is_word(*c)).unwrap_or(rest.len());
    }

    fn skip_line(&mut self) {
        self.at = memchr2(b'\n', b'\r', &self.bytes[self.at..]).map_or(self.bytes.len(), |n| self.at + n);
    }

    /// Comments nest. False where the file ended first.
    fn skip_comment(&mut self) -> bool {
        let mut depth = 0usize;
        while let Some(found) = memchr2(b'*', b'/', &self.bytes[self.at..]) {
            self.at += found;
            match (self.bytes[self.at], self.peek(1)) {
                (b'/', b'*') => {
                    depth += 1;
                    self.at += 2;
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return true;
                    }
                }
                _ => self.at += 1,
            }
        }
        self.at = self.bytes.len();
        false
    }

    /// A doubled quote is an escaped one; a backslash escapes only where `backslash` says so.
    fn skip_quoted(&mut self, quote: u8, backslash: bool) -> bool {
        self.at += 1;
        loop {
            let rest = &self.bytes[self.at..];
            let found = if backslash { memchr2(quote, b'\\', rest) } else { memchr(quote, rest) };
            let Some(found) = found else {
                self.at = self.bytes.len();
                return false;
            };
            self.at += found;
            if self.bytes[self.at] == b'\\' || self.peek(1) == quote {
                self.at = (self.at + 2).min(self.bytes.len());
            } else {
                self.at += 1;
                return true;
            }
        }
    }

    fn dollar(&mut self) -> Option<Open> {
        let rest = &self.bytes[self.at + 1..];
        let tag = rest.iter().position(|c| !is_word(*c) || *c == b'$').unwrap_or(rest.len());
        let starts_right = tag == 0 || is_word_start(rest[0]);
        if rest.get(tag) != Some(&b'$') || !starts_right {
            self.at += 1;
            self.skip_word();
            return None;
        }
        let delimiter = &self.bytes[self.at..self.at + tag + 2];
        let body = self.at + delimiter.len();
        match memchr::memmem::find(&self.bytes[body..], delimiter) {
            Some(end) => {
                self.at = body + end + delimiter.len();
                None
            }
            None => {
                self.at = self.bytes.len();
                Some(Open::DollarQuote)
            }
        }
    }

    fn semicolon(&mut self) {
        let here = self.at;
        self.at += 1;
        if self.statement.start.is_none() {
            self.statement.lead = self.at;
            return;
        }
        if self.statement.blocks > 0 || (self.statement.depth > 0 && self.recoveries < MAX_RECOVERIES) {
            self.statement.first_inner_semicolon.get_or_insert(here);
            return;
        }
        let copies = self.statement.is_copy_from_stdin();
        self.emit(if copies { PieceKind::Data } else { PieceKind::Statement }, here);
        if copies {
            self.skip_copy_data();
        }
    }

    /// A meta-command runs to the end of its line; `\g` and its kin also end the statement.
    fn meta(&mut self) {
        let here = self.at;
        self.at += 1;
        if self.peek(0) == b'\\' {
            self.at += 1;
            return;
        }
        let name_start = self.at;
        self.skip_word();
        let name = &self.bytes[name_start..self.at];
        let ends_statement = matches!(name, b"g" | b"gx" | b"gset" | b"gexec" | b"gdesc" | b"watch" | b"crosstabview");
        if ends_statement && self.statement.start.is_some() {
            self.emit(PieceKind::Statement, here);
        }
        self.skip_line();
        let end = here + trim_end(&self.bytes[here..self.at]);
        if self.statement.start.is_none() {
            let lead = self.statement.lead;
            self.pieces.push(Piece { kind: PieceKind::Meta, range: here..end, lead });
            self.statement.lead = self.at;
        }
    }

    /// Everything up to a line that is just `\.`, or to the end of the file. Where no such line
    /// follows and the next line is blank, a comment or SQL, the data was taken out of the script.
    fn skip_copy_data(&mut self) {
        self.skip_line();
        let data = (self.at + 1).min(self.bytes.len());
        match self.find_copy_end(data) {
            Some(end) => self.at = end,
            None => {
                let next = self.bytes[data..].split(|b| *b == b'\n').next().unwrap_or_default().trim_ascii();
                if !(next.is_empty() || next.starts_with(b"--") || begins_statement(next)) {
                    self.at = self.bytes.len();
                }
            }
        }
        self.statement.lead = self.at;
    }

    /// End of the first line from `from` on that is just `\.`. A search that finds none is not
    /// repeated, so a script full of COPY statements stays linear.
    fn find_copy_end(&mut self, from: usize) -> Option<usize> {
        let mut line = from;
        while !self.no_copy_end && line < self.bytes.len() {
            let end = memchr(b'\n', &self.bytes[line..]).map_or(self.bytes.len(), |n| line + n);
            if self.bytes[line..end].trim_ascii_end() == b"\\." {
                return Some(end);
            }
            line = end + 1;
        }
        self.no_copy_end = true;
        None
    }

    fn emit(&mut self, kind: PieceKind, end: usize) {
        let statement = std::mem::take(&mut self.statement);
        if let Some(start) = statement.start {
            let end = start + trim_end(&self.bytes[start..end]);
            self.pieces.push(Piece { kind, range: start..end, lead: statement.lead });
        }
        self.statement.lead = self.at;
    }

    fn finish(&mut self, open: Option<Open>) {
        if self.statement.start.is_none() && open.is_some() {
            self.statement.start = Some(self.statement.lead);
        }
        let Some(start) = self.statement.start else { return };
        let unbalanced = self.statement.depth > 0 || self.statement.blocks > 0;
        if unbalanced && open.is_none() {
            // Cut at the first semicolon the parenthesis hid, and read on from there.
            if let Some(cut) = self.statement.first_inner_semicolon {
                self.recoveries += 1;
                self.at = cut + 1;
                self.emit(PieceKind::Unterminated(Open::Parenthesis), cut);
                let rest = std::mem::replace(self, Self { bytes: self.bytes, ..Splitter::new("") });
                (self.pieces, self.comments) = rest.run();
                // What was read again was seen again.
                self.comments.sort_unstable_by_key(|c| (c.start, c.end));
                self.comments.dedup();
                return;
            }
        }
        let open = open.or(unbalanced.then_some(Open::Parenthesis));
        let kind = open.map_or(PieceKind::Statement, PieceKind::Unterminated);
        let end = self.bytes.len();
        debug_assert!(start <= end);
        self.emit(kind, end);
    }
}

impl Statement {
    /// `CREATE [OR REPLACE] FUNCTION | PROCEDURE`: the statements that may hold `BEGIN ATOMIC`.
    fn is_routine(&self) -> bool {
        let word = |n: usize| self.words.get(n).map_or(&b""[..], Vec::as_slice);
        let object = if word(1) == b"OR" { word(3) } else { word(1) };
        word(0) == b"CREATE" && matches!(object, b"FUNCTION" | b"PROCEDURE")
    }

    fn is_copy_from_stdin(&self) -> bool {
        self.from_stdin && self.words.first().is_some_and(|w| w == b"COPY")
    }
}

/// Whether a line begins as the statements of a dump or a migration do.
fn begins_statement(line: &[u8]) -> bool {
    const FIRST: [&[u8]; 16] = [
        b"ALTER", b"CREATE", b"DROP", b"COPY", b"SELECT", b"INSERT", b"UPDATE", b"DELETE", b"SET", b"COMMENT",
        b"GRANT", b"REVOKE", b"BEGIN", b"COMMIT", b"ANALYZE", b"DO",
    ];
    let end = line.iter().position(|c| !is_word(*c)).unwrap_or(line.len());
    line.get(end) == Some(&b' ') && FIRST.iter().any(|word| line[..end].eq_ignore_ascii_case(word))
}

fn is_word_start(c: u8) -> bool {
    c.is_ascii_alphabetic() || c == b'_' || c >= 0x80
}

fn is_word(c: u8) -> bool {
    is_word_start(c) || c.is_ascii_digit() || c == b'$'
}

fn trim_end(bytes: &[u8]) -> usize {
    bytes.trim_ascii_end().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statements(text: &str) -> Vec<&str> {
        split(text).into_iter().map(|p| &text[p.range]).collect()
    }

    #[test]
    fn semicolons_hide_in_quotes_comments_and_parentheses() {
        let text = "SELECT ';', \";\", $$;$$, $a$;$b$;$a$ /* ; /* ; */ ; */ -- ;\n; CREATE RULE r AS DO (a; b); x";
        assert_eq!(statements(text).len(), 3);
        assert_eq!(statements(text)[2], "x");
    }

    #[test]
    fn backslash_escapes_only_in_e_strings() {
        assert_eq!(statements(r"SELECT 'a\'; SELECT E'a\'; b';").len(), 2);
        assert_eq!(statements(r"SELECT 'a''; b'; c").len(), 2);
    }

    #[test]
    fn routine_bodies_without_quotes_are_one_statement() {
        let text = "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; x";
        assert_eq!(statements(text).len(), 2);
        assert_eq!(statements("BEGIN; CREATE TABLE begin_end (i int); END;").len(), 3);
    }

    #[test]
    fn copy_data_is_not_sql() {
        let text = "COPY t (a) FROM stdin;\n1;\t'\n\\.\nSELECT 1;\nCOPY t TO stdout;\nSELECT 2;";
        assert_eq!(statements(text), ["COPY t (a) FROM stdin", "SELECT 1", "COPY t TO stdout", "SELECT 2"]);
    }

    #[test]
    fn meta_commands_run_to_the_end_of_their_line() {
        let text = "\\restrict abc;'\nSELECT 1 \\gset x\nSELECT 2;";
        let pieces = split(text);
        assert_eq!(pieces.len(), 4);
        assert_eq!((pieces[0].kind, pieces[2].kind), (PieceKind::Meta, PieceKind::Meta));
        assert_eq!(&text[pieces[1].range.clone()], "SELECT 1");
    }

    #[test]
    fn an_unclosed_parenthesis_costs_one_statement() {
        let pieces = split("CREATE TABLE a (i int; CREATE TABLE b (i int); SELECT 1;");
        assert_eq!(pieces.len(), 3);
        assert_eq!(pieces[0].kind, PieceKind::Unterminated(Open::Parenthesis));
        assert_eq!(pieces[2].kind, PieceKind::Statement);
    }

    #[test]
    fn the_end_of_the_file_closes_nothing() {
        for (text, open) in [
            ("SELECT 'a;", Open::String),
            ("SELECT \"a;", Open::Identifier),
            ("SELECT $x$ $y$;", Open::DollarQuote),
            ("/* ;", Open::Comment),
        ] {
            assert_eq!(split(text)[0].kind, PieceKind::Unterminated(open), "{text}");
        }
    }

    #[test]
    fn leads_hold_the_comment_above() {
        let text = "-- about a\nCREATE TABLE a ();\n-- about b\nCREATE TABLE b ();";
        let pieces = split(text);
        assert_eq!(text[pieces[1].lead..pieces[1].range.start].trim(), "-- about b");
    }
}
