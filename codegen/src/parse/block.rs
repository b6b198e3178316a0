//! What begins in a piece of a PL/pgSQL body.

use std::ops::Range;

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;

/// The first thing in a piece of a block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// A variable: its name, and its value where it has one.
    Declaration(Option<(String, Range<usize>)>),
    /// `name := value`.
    Assign(String, Range<usize>),
    Begin,
    /// `IF` and its condition: bytes of the source file.
    If(Range<usize>),
    ElsIf(Range<usize>),
    Else,
    /// `EXCEPTION WHEN ... THEN`, or the next `WHEN ... THEN` of it.
    Exception,
    /// What stands between FOR or FOREACH and LOOP: bytes of the source file.
    Loop(Range<usize>),
    /// Another loop, or a CASE.
    Other,
    /// `END`, `END IF`, `END LOOP`, ...
    End,
    /// `EXECUTE`; the text where it is a constant, and the expression.
    Execute(Option<String>, Range<usize>),
    /// SQL.
    Statement,
    /// Assignments, RAISE, PERFORM and the like.
    Nothing,
}

/// What begins at the start of `range`, and what is left behind it. Before the first BEGIN
/// everything is a declaration.
pub(crate) fn head(source: &str, range: Range<usize>, before_begin: bool) -> (Head, Range<usize>) {
    let none = range.end..range.end;
    let Ok(mut cursor) = Cursor::new(source, range.clone()) else { return (Head::Nothing, none) };
    while cursor.eat(&Token::ShiftLeft) {
        // <<label>>
        cursor.until(|c| c.is(&Token::ShiftRight));
        cursor.advance();
    }
    let Some(word) = cursor.peek_word() else { return (Head::Nothing, none) };
    let rest = |cursor: &Cursor<'_>| cursor.offset().min(range.end)..range.end;
    let rest_or_none = |cursor: &Cursor<'_>| if cursor.at_end() { range.end..range.end } else { rest(cursor) };
    match word.as_str() {
        "BEGIN" => {
            cursor.advance();
            (Head::Begin, rest_or_none(&cursor))
        }
        _ if before_begin => {
            // DECLARE ... ; the last declaration ends in a semicolon too.
            cursor.eat_kw("DECLARE");
            (Head::Declaration(declared(&mut cursor)), none)
        }
        "DECLARE" => {
            cursor.advance();
            (Head::Declaration(declared(&mut cursor)), none)
        }
        "IF" | "ELSIF" | "ELSEIF" => {
            cursor.advance();
            let condition = cursor.until(|c| c.is_kw("THEN"));
            let bytes = cursor.offset_at(condition.start)..cursor.offset_at(condition.end);
            cursor.advance();
            let head = if word == "IF" { Head::If(bytes) } else { Head::ElsIf(bytes) };
            (head, rest_or_none(&cursor))
        }
        "ELSE" => {
            cursor.advance();
            (Head::Else, rest_or_none(&cursor))
        }
        "EXCEPTION" | "WHEN" => {
            cursor.until(|c| c.is_kw("THEN"));
            cursor.advance();
            (Head::Exception, rest_or_none(&cursor))
        }
        "LOOP" => {
            cursor.advance();
            (Head::Other, rest_or_none(&cursor))
        }
        "FOR" | "FOREACH" | "WHILE" => {
            cursor.advance();
            let between = cursor.until(|c| c.is_kw("LOOP"));
            let bytes = cursor.offset_at(between.start)..cursor.end_of(&between);
            cursor.advance();
            let head = if word == "WHILE" { Head::Other } else { Head::Loop(bytes) };
            (head, rest_or_none(&cursor))
        }
        "CASE" => (Head::Other, none),
        "END" => (Head::End, none),
        "EXECUTE" => {
            cursor.advance();
            let start = cursor.index();
            let text = constant(&mut cursor);
            cursor.seek(start);
            let expression = cursor.until(|c| c.is_kw("USING") || c.is_kw("INTO"));
            (Head::Execute(text, cursor.offset_at(expression.start)..cursor.end_of(&expression)), none)
        }
        "CREATE" | "ALTER" | "DROP" | "COMMENT" | "GRANT" | "REVOKE" | "SET" | "SELECT" | "SECURITY" => {
            (Head::Statement, none)
        }
        _ => {
            let name = cursor.ident();
            match name {
                Ok(name) if cursor.eat(&Token::Assignment) || cursor.eat(&Token::Eq) => {
                    (Head::Assign(name, cursor.offset()..range.end), none)
                }
                _ => (Head::Nothing, none),
            }
        }
    }
}

/// The variables that a statement fills: `SELECT ... INTO [STRICT] a, b`, and INTO of EXECUTE, FETCH
/// and RETURNING. The table of INSERT INTO is among them, which does no harm.
pub(crate) fn targets(source: &str, range: Range<usize>) -> Vec<String> {
    let text = source[range.clone()].as_bytes();
    if !text.windows(4).any(|word| word.eq_ignore_ascii_case(b"into")) {
        return Vec::new();
    }
    let Ok(mut cursor) = Cursor::new(source, range) else { return Vec::new() };
    let mut names = Vec::new();
    loop {
        cursor.until(|c| c.is_kw("INTO"));
        if cursor.at_end() {
            return names;
        }
        cursor.advance();
        cursor.eat_kw("STRICT");
        while let Ok(name) = cursor.ident() {
            names.push(name);
            if !cursor.eat(&Token::Comma) {
                break;
            }
        }
    }
}

/// `name type := value`.
fn declared(cursor: &mut Cursor<'_>) -> Option<(String, Range<usize>)> {
    let name = cursor.ident().ok()?;
    cursor.until(|c| c.is(&Token::Assignment) || c.is(&Token::Eq) || c.is_kw("DEFAULT"));
    cursor.advance();
    let value = cursor.rest();
    (!value.is_empty()).then(|| (name, cursor.offset_at(value.start)..cursor.end_of(&value)))
}

/// A string, or strings joined by `||`.
fn constant(cursor: &mut Cursor<'_>) -> Option<String> {
    let mut text = cursor.string().ok()?;
    while cursor.eat(&Token::StringConcat) {
        text.push_str(&cursor.string().ok()?);
    }
    cursor.at_end().then_some(text)
}
