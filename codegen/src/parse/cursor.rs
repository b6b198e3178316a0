//! A position in the tokens of one statement.
//!
//! sqlparser's tokenizer makes the tokens; the cursor adds byte offsets, so that every object
//! knows its place and every expression can be cut out of the source as it was written.

use std::ops::Range;

use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Location, Token, Tokenizer, Whitespace, Word};

use super::names::Name;

/// Longest identifier in bytes; PostgreSQL cuts what is longer.
pub(crate) const MAX_IDENTIFIER: usize = 63;

/// A statement, or a part of one, that does not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParseError {
    pub(crate) message: String,
    /// Bytes of the source file.
    pub(crate) range: Range<usize>,
}

pub(crate) type Parse<T> = Result<T, ParseError>;

struct Placed {
    token: Token,
    start: usize,
    end: usize,
}

/// A `--` or `/* */` comment inside a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommentToken {
    pub(crate) text: String,
    /// Bytes of the source file.
    pub(crate) range: Range<usize>,
    /// Written with `--`.
    pub(crate) line: bool,
}

pub(crate) struct Cursor<'a> {
    source: &'a str,
    tokens: Vec<Placed>,
    /// Comments in the order of the text.
    pub(crate) comments: Vec<CommentToken>,
    /// Expressions that sqlparser does not read: bytes of the source file.
    pub(crate) unread: Vec<Range<usize>>,
    at: usize,
    end: usize,
}

impl<'a> Cursor<'a> {
    /// Tokens of `range` in `source`.
    pub(crate) fn new(source: &'a str, range: Range<usize>) -> Parse<Self> {
        let text = &source[range.clone()];
        let dialect = PostgreSqlDialect {};
        let raw = Tokenizer::new(&dialect, text).tokenize_with_location().map_err(|error| {
            let start = range.start + offset_of(text, error.location);
            let width = source[start..range.end].chars().next().map_or(0, char::len_utf8);
            ParseError { message: lower_first(&error.message), range: start..start + width }
        })?;
        let mut walker = Walker { text, offset: 0, at: Location::new(1, 1) };
        let mut tokens = Vec::with_capacity(raw.len() / 2 + 1);
        let mut comments = Vec::new();
        for item in raw {
            let start = range.start + walker.advance(item.span.start);
            let end = range.start + walker.advance(item.span.end);
            match item.token {
                Token::Whitespace(Whitespace::SingleLineComment { comment, .. }) => {
                    comments.push(CommentToken { text: comment, range: start..end, line: true });
                }
                Token::Whitespace(Whitespace::MultiLineComment(text)) => {
                    comments.push(CommentToken { text, range: start..end, line: false });
                }
                Token::Whitespace(_) | Token::EOF => {}
                token => tokens.push(Placed { token, start, end }),
            }
        }
        if text.contains("&\"") {
            tokens = unicode_identifiers(tokens);
        }
        let end = tokens.len();
        Ok(Self { source, tokens, comments, unread: Vec::new(), at: 0, end })
    }

    /// The whole source text.
    pub(crate) fn source(&self) -> &'a str {
        self.source
    }

    /// Index of the next token.
    pub(crate) fn index(&self) -> usize {
        self.at
    }

    pub(crate) fn seek(&mut self, index: usize) {
        self.at = index;
    }

    pub(crate) fn at_end(&self) -> bool {
        self.at >= self.end
    }

    /// Hides everything from token `end` on; gives back the old end.
    pub(crate) fn limit(&mut self, end: usize) -> usize {
        std::mem::replace(&mut self.end, end)
    }

    pub(crate) fn peek(&self) -> Option<&Token> {
        self.peek_at(0)
    }

    pub(crate) fn peek_at(&self, ahead: usize) -> Option<&Token> {
        self.tokens[..self.end].get(self.at + ahead).map(|t| &t.token)
    }

    pub(crate) fn advance(&mut self) {
        self.at += 1;
    }

    /// Byte offset of the next token, or of the end.
    pub(crate) fn offset(&self) -> usize {
        self.offset_at(self.at)
    }

    pub(crate) fn offset_at(&self, index: usize) -> usize {
        match self.tokens.get(index) {
            Some(token) => token.start,
            None => self.tokens.last().map_or(0, |t| t.end),
        }
    }

    /// Byte offset behind the last of tokens `range`.
    pub(crate) fn end_of(&self, range: &Range<usize>) -> usize {
        let range = self.present(range.clone());
        if range.is_empty() { self.offset_at(range.start) } else { self.tokens[range.end - 1].end }
    }

    /// The part of `range` that has tokens: a reader may have gone past the end.
    fn present(&self, range: Range<usize>) -> Range<usize> {
        range.start..range.end.min(self.tokens.len())
    }

    /// Source text of tokens `range`.
    pub(crate) fn text(&self, range: Range<usize>) -> &'a str {
        let range = self.present(range);
        if range.is_empty() {
            return "";
        }
        &self.source[self.tokens[range.start].start..self.tokens[range.end - 1].end]
    }

    /// Source text of tokens `range` with comments taken out and blanks run together.
    pub(crate) fn clean_text(&self, range: Range<usize>) -> String {
        let range = self.present(range);
        if range.is_empty() {
            return String::new();
        }
        let text = self.text(range.clone());
        let (start, end) = (self.tokens[range.start].start, self.tokens[range.end - 1].end);
        let next = self.comments.partition_point(|c| c.range.start < start);
        let has_comment = self.comments.get(next).is_some_and(|c| c.range.end <= end);
        if !has_comment && !text.contains(['\n', '\t', '\r']) {
            return text.to_owned();
        }
        let mut clean = String::with_capacity(text.len());
        let mut previous_end = self.tokens[range.start].start;
        for token in &self.tokens[range] {
            if token.start > previous_end {
                clean.push(' ');
            }
            clean.push_str(&self.source[token.start..token.end]);
            previous_end = token.end;
        }
        clean
    }

    /// An expression as it was written. One that sqlparser does not read is kept all the same,
    /// because PostgreSQL knows more forms, but it is noted.
    pub(crate) fn expression(&mut self, range: Range<usize>) -> Parse<String> {
        if range.is_empty() {
            return self.expected("an expression");
        }
        let text = self.clean_text(range.clone());
        if crate::expr::parse(&text).is_none() {
            self.unread.push(self.tokens[range.start].start..self.tokens[range.end - 1].end);
        }
        Ok(text)
    }

    pub(crate) fn error<T>(&self, message: impl Into<String>) -> Parse<T> {
        let range = match self.tokens[..self.end].get(self.at) {
            Some(token) => token.start..token.end,
            None => {
                let end = self.tokens[..self.end].last().map_or(0, |t| t.end);
                end..end
            }
        };
        Err(ParseError { message: message.into(), range })
    }

    /// An error that says what was wanted and what is there.
    pub(crate) fn expected<T>(&self, wanted: &str) -> Parse<T> {
        match self.tokens[..self.end].get(self.at) {
            Some(t) => self.error(format!("expected {wanted}, found `{}`", shorten(&self.source[t.start..t.end]))),
            None => self.error(format!("expected {wanted}, found the end of the statement")),
        }
    }

    /// Whether the next token is this unquoted word.
    pub(crate) fn is_kw(&self, keyword: &str) -> bool {
        self.is_kw_at(0, keyword)
    }

    pub(crate) fn is_kw_at(&self, ahead: usize, keyword: &str) -> bool {
        matches!(self.peek_at(ahead), Some(Token::Word(w)) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(keyword))
    }

    pub(crate) fn eat_kw(&mut self, keyword: &str) -> bool {
        let found = self.is_kw(keyword);
        self.at += usize::from(found);
        found
    }

    /// Takes all of these words, or none.
    pub(crate) fn eat_kws(&mut self, keywords: &[&str]) -> bool {
        let found = keywords.iter().enumerate().all(|(n, keyword)| self.is_kw_at(n, keyword));
        self.at += if found { keywords.len() } else { 0 };
        found
    }

    pub(crate) fn expect_kw(&mut self, keyword: &str) -> Parse<()> {
        if self.eat_kw(keyword) { Ok(()) } else { self.expected(&format!("`{keyword}`")) }
    }

    pub(crate) fn is(&self, token: &Token) -> bool {
        self.peek() == Some(token)
    }

    pub(crate) fn eat(&mut self, token: &Token) -> bool {
        let found = self.is(token);
        self.at += usize::from(found);
        found
    }

    pub(crate) fn expect(&mut self, token: &Token) -> Parse<()> {
        if self.eat(token) { Ok(()) } else { self.expected(&format!("`{token}`")) }
    }

    /// The next token if it is an unquoted word, in upper case.
    pub(crate) fn peek_word(&self) -> Option<String> {
        match self.peek() {
            Some(Token::Word(w)) if w.quote_style.is_none() => Some(w.value.to_ascii_uppercase()),
            _ => None,
        }
    }

    pub(crate) fn is_ident(&self) -> bool {
        matches!(self.peek(), Some(Token::Word(_)))
    }

    /// An identifier as the catalogue stores it: folded unless quoted, cut at 63 bytes.
    pub(crate) fn ident(&mut self) -> Parse<String> {
        let Some(Token::Word(word)) = self.peek() else { return self.expected("a name") };
        let mut name = if word.quote_style.is_some() { word.value.clone() } else { word.value.to_ascii_lowercase() };
        if name.len() > MAX_IDENTIFIER {
            name.truncate(name.floor_char_boundary(MAX_IDENTIFIER));
        }
        if name.is_empty() {
            return self.error("a name cannot be empty");
        }
        self.at += 1;
        Ok(name)
    }

    /// `name`, `schema.name` or `database.schema.name`.
    pub(crate) fn name(&mut self) -> Parse<Name> {
        let mut parts = vec![self.ident()?];
        while self.eat(&Token::Period) {
            parts.push(self.ident()?);
        }
        let name = parts.pop().unwrap_or_default();
        Ok(Name { schema: parts.pop(), name })
    }

    /// `(a, b, c)`.
    pub(crate) fn ident_list(&mut self) -> Parse<Vec<String>> {
        self.expect(&Token::LParen)?;
        let list = self.comma_separated(Self::ident)?;
        self.expect(&Token::RParen)?;
        Ok(list)
    }

    pub(crate) fn comma_separated<T>(&mut self, mut one: impl FnMut(&mut Self) -> Parse<T>) -> Parse<Vec<T>> {
        let mut list = vec![one(self)?];
        while self.eat(&Token::Comma) {
            list.push(one(self)?);
        }
        Ok(list)
    }

    pub(crate) fn is_string(&self) -> bool {
        self.peek().is_some_and(|t| string_value(t).is_some())
    }

    /// A string literal of any kind. Literals on adjacent lines are one, as the standard says.
    pub(crate) fn string(&mut self) -> Parse<String> {
        let Some(first) = self.peek().and_then(string_value) else { return self.expected("a string") };
        let mut value = first.to_owned();
        let mut end = self.tokens[self.at].end;
        self.at += 1;
        while let Some(Token::SingleQuotedString(next)) = self.peek() {
            if !self.source[end..self.tokens[self.at].start].contains('\n') {
                break;
            }
            value.push_str(next);
            end = self.tokens[self.at].end;
            self.at += 1;
        }
        Ok(value)
    }

    /// From `(` to its partner; gives the tokens between them.
    pub(crate) fn parens(&mut self) -> Parse<Range<usize>> {
        if !self.is(&Token::LParen) {
            return self.expected("`(`");
        }
        let open = self.at;
        let mut depth = 0usize;
        while let Some(token) = self.peek() {
            match token {
                Token::LParen | Token::LBracket => depth += 1,
                Token::RParen | Token::RBracket => {
                    depth -= 1;
                    if depth == 0 {
                        self.at += 1;
                        return Ok(open + 1..self.at - 1);
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
        self.at = open;
        self.error("this parenthesis is not closed")
    }

    /// Moves on until `stop` says so at depth 0; gives the tokens passed over.
    pub(crate) fn until(&mut self, mut stop: impl FnMut(&Self) -> bool) -> Range<usize> {
        let start = self.at;
        let mut depth = 0usize;
        while let Some(token) = self.peek() {
            if depth == 0 && stop(self) {
                break;
            }
            match token {
                Token::LParen | Token::LBracket => depth += 1,
                Token::RParen | Token::RBracket => match depth.checked_sub(1) {
                    Some(less) => depth = less,
                    None => break,
                },
                _ => {}
            }
            self.at += 1;
        }
        start..self.at
    }

    pub(crate) fn rest(&mut self) -> Range<usize> {
        let start = self.at;
        self.at = self.end;
        start..self.end
    }

    /// An integer, with its sign.
    pub(crate) fn integer(&mut self) -> Parse<i64> {
        let negative = self.eat(&Token::Minus);
        if !negative {
            self.eat(&Token::Plus);
        }
        let value = match self.peek() {
            Some(Token::Number(digits, _)) => format!("{}{digits}", if negative { "-" } else { "" }).parse().ok(),
            _ => None,
        };
        match value {
            Some(value) => {
                self.at += 1;
                Ok(value)
            }
            None => self.expected("a whole number"),
        }
    }

    /// Everything has been read.
    pub(crate) fn finish(&self) -> Parse<()> {
        if self.at_end() { Ok(()) } else { self.expected("the end of the statement") }
    }
}

/// `U&"d\0061t"` is one identifier; sqlparser makes three tokens of it.
fn unicode_identifiers(tokens: Vec<Placed>) -> Vec<Placed> {
    let mut made: Vec<Placed> = Vec::with_capacity(tokens.len());
    for token in tokens {
        made.push(token);
        let [.., prefix, and, quoted] = made.as_slice() else { continue };
        let touching = prefix.end == and.start && and.end == quoted.start;
        let prefixed =
            matches!(&prefix.token, Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case("u"));
        if let (true, true, Token::Ampersand, Token::Word(word)) = (touching, prefixed, &and.token, &quoted.token)
            && word.quote_style == Some('"')
        {
            let word = Word { value: unescaped(&word.value), ..word.clone() };
            let placed = Placed { token: Token::Word(word), start: prefix.start, end: quoted.end };
            made.truncate(made.len() - 3);
            made.push(placed);
        }
    }
    made
}

/// `\0061` and `\+000061` are characters; an escape that is none stays as it is.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(behind) = rest.strip_prefix('\\') {
            out.push('\\');
            rest = behind;
            continue;
        }
        let (skip, width) = if rest.starts_with('+') { (1, 6) } else { (0, 4) };
        let digits = rest.get(skip..skip + width);
        match digits.and_then(|d| u32::from_str_radix(d, 16).ok()).and_then(char::from_u32) {
            Some(character) => {
                out.push(character);
                rest = &rest[skip + width..];
            }
            None => out.push('\\'),
        }
    }
    out.push_str(rest);
    out
}

fn string_value(token: &Token) -> Option<&str> {
    match token {
        Token::SingleQuotedString(s)
        | Token::EscapedStringLiteral(s)
        | Token::UnicodeStringLiteral(s)
        | Token::NationalStringLiteral(s) => Some(s),
        Token::DollarQuotedString(s) => Some(&s.value),
        _ => None,
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_lowercase().chain(chars).collect())
}

fn shorten(text: &str) -> String {
    let mut chars = text.chars();
    let head: String = chars.by_ref().take(40).collect();
    if chars.next().is_some() { format!("{head}...") } else { head }
}

/// Turns the tokenizer's lines and columns into byte offsets in one forward walk.
struct Walker<'a> {
    text: &'a str,
    offset: usize,
    at: Location,
}

impl Walker<'_> {
    fn advance(&mut self, to: Location) -> usize {
        let mut chars = self.text[self.offset..].chars();
        while (self.at.line, self.at.column) < (to.line, to.column) {
            let Some(c) = chars.next() else { break };
            self.offset += c.len_utf8();
            if c == '\n' {
                self.at = Location::new(self.at.line + 1, 1);
            } else {
                self.at.column += 1;
            }
        }
        self.offset
    }
}

fn offset_of(text: &str, location: Location) -> usize {
    Walker { text, offset: 0, at: Location::new(1, 1) }.advance(location)
}
