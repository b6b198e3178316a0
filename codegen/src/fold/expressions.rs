//! What can be said of an expression from its tokens alone.

use canon_core::schema::QName;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

fn tokens(text: &str) -> Vec<Token> {
    let dialect = PostgreSqlDialect {};
    let all = Tokenizer::new(&dialect, text).with_unescape(false).tokenize().unwrap_or_default();
    all.into_iter().filter(|t| !matches!(t, Token::Whitespace(_) | Token::EOF)).collect()
}

fn ident(token: &Token) -> Option<String> {
    match token {
        Token::Word(w) if w.quote_style.is_some() => Some(w.value.replace("\"\"", "\"")),
        Token::Word(w) => Some(w.value.to_ascii_lowercase()),
        _ => None,
    }
}

/// The names among `columns` that stand anywhere in a query, with a qualifier or without.
pub(super) fn names_in<'c>(text: &str, columns: impl Iterator<Item = &'c str>) -> Vec<&'c str> {
    let named: Vec<String> = tokens(text).iter().filter_map(ident).collect();
    columns.filter(|column| named.iter().any(|n| n == column)).collect()
}

/// The columns that an expression names, each once, in the order of the table.
pub(super) fn columns_in<'c>(text: &str, columns: impl Iterator<Item = &'c str>) -> Vec<&'c str> {
    let tokens = tokens(text);
    let mut named = Vec::new();
    for (n, token) in tokens.iter().enumerate() {
        let is_call = matches!(tokens.get(n + 1), Some(Token::LParen));
        let is_type = n > 0 && tokens[n - 1] == Token::DoubleColon;
        let is_qualifier = matches!(tokens.get(n + 1), Some(Token::Period));
        if let (Some(name), false) = (ident(token), is_call || is_type || is_qualifier) {
            named.push(name);
        }
    }
    columns.filter(|column| named.iter().any(|n| n == column)).collect()
}

/// Whether an expression calls a function of this name, in this schema where one is written.
pub(super) fn calls(text: &str, function: &QName) -> bool {
    if !text.contains(&function.name) {
        return false;
    }
    let tokens = tokens(text);
    (0..tokens.len()).any(|n| {
        let named = ident(&tokens[n]).is_some_and(|name| name == function.name);
        let schema = n.checked_sub(2).filter(|_| tokens[n - 1] == Token::Period).and_then(|m| ident(&tokens[m]));
        named && tokens.get(n + 1) == Some(&Token::LParen) && schema.is_none_or(|s| s == function.schema)
    })
}

/// The name PostgreSQL gives to an index column made by an expression.
pub(super) fn result_name(text: &str) -> String {
    result_name_of(&tokens(text))
}

fn result_name_of(tokens: &[Token]) -> String {
    let mut inner = tokens;
    while let [Token::LParen, rest @ .., Token::RParen] = inner {
        inner = rest;
    }
    let mut call = None;
    for window in inner.windows(2) {
        match (&window[0], &window[1]) {
            (Token::Word(_), Token::Period) | (Token::Period, Token::Word(_)) => {}
            (word @ Token::Word(_), Token::LParen) => {
                call = ident(word);
                break;
            }
            _ => break,
        }
    }
    // Only a call that is the whole expression lends its name.
    let whole = closes_at_end(inner);
    match call {
        Some(name) if whole => name,
        _ => "expr".to_owned(),
    }
}

fn closes_at_end(tokens: &[Token]) -> bool {
    let mut depth = 0i32;
    for (n, token) in tokens.iter().enumerate() {
        match token {
            Token::LParen => depth += 1,
            Token::RParen => {
                depth -= 1;
                if depth == 0 {
                    return n + 1 == tokens.len();
                }
            }
            _ => {}
        }
    }
    false
}

/// The names of `EXCLUDE USING gist (a WITH =, f(b) WITH &&)`, numbered where they repeat.
pub(super) fn exclusion_columns(text: &str) -> Vec<String> {
    let tokens = tokens(text);
    let Some(open) = tokens.iter().position(|t| *t == Token::LParen) else { return Vec::new() };
    let mut names: Vec<String> = Vec::new();
    let mut depth = 0i32;
    let mut start = open + 1;
    for (n, token) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::LParen => depth += 1,
            Token::RParen => depth -= 1,
            _ => {}
        }
        let ends = depth == 0 || depth == 1 && *token == Token::Comma;
        if ends {
            let element = tokens.get(start..n).unwrap_or_default();
            names.push(element_name(element));
            start = n + 1;
        }
        if depth == 0 {
            break;
        }
    }
    numbered(names)
}

/// An element is a column, a call, or an expression in parentheses, with its operator class and
/// `WITH operator` behind it.
fn element_name(element: &[Token]) -> String {
    let Some(open) = element.iter().position(|t| *t == Token::LParen) else {
        return element.first().and_then(ident).unwrap_or_else(|| "expr".to_owned());
    };
    let closes = |depth: &mut i32, token: &Token| {
        match token {
            Token::LParen => *depth += 1,
            Token::RParen => *depth -= 1,
            _ => {}
        }
        *depth == 0
    };
    let mut depth = 0;
    let close = element[open..].iter().position(|t| closes(&mut depth, t)).map_or(element.len(), |n| open + n + 1);
    // The parenthesis may belong to the operator class: `a gist_trgm_ops (siglen = 32) WITH %`.
    let called = element[..open].iter().filter(|t| **t != Token::Period).count();
    let qualified = element[..open].contains(&Token::Period);
    match called {
        0 => result_name_of(&element[..close]),
        1 => result_name_of(&element[..close]),
        2 if qualified => result_name_of(&element[..close]),
        _ => ident(&element[0]).unwrap_or_else(|| "expr".to_owned()),
    }
}

/// Repeated names get numbers: `expr`, `expr1`, ...
pub(super) fn numbered(names: Vec<String>) -> Vec<String> {
    let mut taken: Vec<String> = Vec::with_capacity(names.len());
    for base in names {
        let mut name = base.clone();
        let mut number = 0;
        while taken.contains(&name) {
            number += 1;
            name = format!("{base}{number}");
        }
        taken.push(name);
    }
    taken
}

/// Replaces a column's name in an expression. Qualified names count only behind one of
/// `qualifiers`; string literals are left alone.
pub(super) fn rename_column(text: &str, from: &str, to: &str) -> String {
    let dialect = PostgreSqlDialect {};
    let Ok(all) = Tokenizer::new(&dialect, text).with_unescape(false).tokenize() else { return text.to_owned() };
    let solid: Vec<usize> =
        all.iter().enumerate().filter(|(_, t)| !matches!(t, Token::Whitespace(_))).map(|(n, _)| n).collect();
    let mut out = String::with_capacity(text.len());
    for (n, token) in all.iter().enumerate() {
        let position = solid.iter().position(|s| *s == n);
        let neighbour = |step: isize| {
            let at = position?.checked_add_signed(step)?;
            solid.get(at).map(|i| &all[*i])
        };
        let is_column = ident(token).is_some_and(|name| name == from)
            && !matches!(neighbour(1), Some(Token::LParen | Token::Period))
            && neighbour(-1) != Some(&Token::DoubleColon);
        if is_column {
            out.push_str(&canon_core::schema::quote_ident(to));
        } else {
            out.push_str(&token.to_string());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_outside_strings_calls_and_casts() {
        let columns = ["length", "name", "text", "other"];
        assert_eq!(columns_in("length(name) > 0 AND 'other'::text <> ''", columns.into_iter()), ["name"]);
        assert_eq!(columns_in("\"length\" > 1", columns.into_iter()), ["length"]);
    }

    #[test]
    fn index_columns_are_named_after_the_outer_call() {
        assert_eq!(result_name("lower(email)"), "lower");
        assert_eq!(result_name("pg_catalog.lower(email)"), "lower");
        assert_eq!(result_name("lower(a) || lower(b)"), "expr");
        assert_eq!(result_name("a + b"), "expr");
    }

    #[test]
    fn exclusions_are_named_after_their_columns() {
        for (text, names) in [
            ("USING gist (room WITH =, tstzrange(a, b) WITH &&)", &["room", "tstzrange"][..]),
            ("USING gist ((lower(during)) WITH =, (a + b) WITH =, (a - b) WITH =)", &["lower", "expr", "expr1"]),
            ("USING gist (name gist_trgm_ops (siglen = 32) WITH OPERATOR(public.%)) WHERE (a > 0)", &["name"]),
        ] {
            assert_eq!(exclusion_columns(text), names, "{text}");
        }
    }

    #[test]
    fn columns_are_renamed_in_place() {
        assert_eq!(rename_column("a > 0 AND a(a) <> 'a'", "a", "b"), "b > 0 AND a(b) <> 'a'");
    }
}
