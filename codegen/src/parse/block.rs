//! What begins in a piece of a PL/pgSQL body.

use std::ops::Range;

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;

/// The first thing in a piece of a block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// Variables.
    Declaration,
    Begin,
    /// `IF` and its condition: bytes of the source file.
    If(Range<usize>),
    ElsIf(Range<usize>),
    Else,
    /// `EXCEPTION WHEN ... THEN`, or the next `WHEN ... THEN` of it.
    Exception,
    /// A loop or a CASE.
    Other,
    /// `END`, `END IF`, `END LOOP`, ...
    End,
    /// `EXECUTE`; the text where it is a constant.
    Execute(Option<String>),
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
            (Head::Declaration, none)
        }
        "DECLARE" => (Head::Declaration, none),
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
            cursor.until(|c| c.is_kw("LOOP"));
            cursor.advance();
            (Head::Other, rest_or_none(&cursor))
        }
        "CASE" => (Head::Other, none),
        "END" => (Head::End, none),
        "EXECUTE" => {
            cursor.advance();
            (Head::Execute(constant(&mut cursor)), none)
        }
        "CREATE" | "ALTER" | "DROP" | "COMMENT" | "GRANT" | "REVOKE" | "SET" | "SELECT" | "SECURITY" => {
            (Head::Statement, none)
        }
        _ => (Head::Nothing, none),
    }
}

/// A string, or strings joined by `||`.
fn constant(cursor: &mut Cursor<'_>) -> Option<String> {
    let mut text = cursor.string().ok()?;
    while cursor.eat(&Token::StringConcat) {
        text.push_str(&cursor.string().ok()?);
    }
    cursor.at_end().then_some(text)
}
