//! What SQL text speaks of, by its tokens: columns, functions, relations.
//!
//! Bodies of policies, checks and views are kept as text, and not all of it is text that
//! sqlparser's grammar reads. Its tokenizer reads all of it.

use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

/// A name that may lack its schema, folded as PostgreSQL folds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) schema: Option<String>,
    pub(super) name: String,
}

/// The tokens of a text without blanks and comments; none where it does not read.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let all = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize().unwrap_or_default();
    all.into_iter().filter(|t| !matches!(t, Token::Whitespace(_) | Token::EOF)).collect()
}

/// The identifier that a token is.
pub(super) fn identifier(token: &Token) -> Option<String> {
    match token {
        Token::Word(w) if w.quote_style.is_some() => Some(w.value.clone()),
        Token::Word(w) => Some(w.value.to_ascii_lowercase()),
        _ => None,
    }
}

/// Whether the text names the column.
pub(super) fn mentions(text: &str, column: &str) -> bool {
    // Most texts do not: the search is cheaper than the tokens.
    contains_ignoring_case(text, column) && tokens(text).iter().any(|t| identifier(t).as_deref() == Some(column))
}

/// Whether `text` contains `part`, whatever the case of ASCII letters.
pub(super) fn contains_ignoring_case(text: &str, part: &str) -> bool {
    text.as_bytes().windows(part.len().max(1)).any(|w| w.eq_ignore_ascii_case(part.as_bytes()))
}

/// Names in front of a parenthesis, and the number of arguments.
pub(super) fn calls(tokens: &[Token]) -> Vec<(Written, usize)> {
    let mut found = Vec::new();
    for (n, token) in tokens.iter().enumerate() {
        if *token == Token::LParen
            && let Some(written) = n.checked_sub(1).and_then(|last| name_ending_at(tokens, last))
        {
            found.push((written, count_arguments(&tokens[n..])));
        }
    }
    found
}

/// Words without parentheses that are functions all the same: `current_date`.
pub(super) fn words(tokens: &[Token]) -> impl Iterator<Item = String> {
    tokens.iter().filter_map(|t| match t {
        Token::Word(w) if w.quote_style.is_none() => Some(w.value.to_ascii_lowercase()),
        _ => None,
    })
}

fn name_ending_at(tokens: &[Token], last: usize) -> Option<Written> {
    let name = identifier(&tokens[last])?;
    let schema = match last.checked_sub(2).map(|n| &tokens[n..last]) {
        Some([schema, Token::Period]) => identifier(schema),
        _ => None,
    };
    Some(Written { schema, name })
}

/// Arguments between the parenthesis that `tokens` begins with and its partner.
fn count_arguments(tokens: &[Token]) -> usize {
    let (mut depth, mut commas) = (0usize, 0);
    for (n, token) in tokens.iter().enumerate() {
        match token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket => {
                depth -= 1;
                if depth == 0 {
                    return if n == 1 { 0 } else { commas + 1 };
                }
            }
            Token::Comma if depth == 1 => commas += 1,
            _ => {}
        }
    }
    commas + 1
}

/// Names behind FROM, JOIN, UPDATE and INTO: relations that the text reads or writes. Names of
/// CTEs and the `FROM` of `extract` and its kin are among them, so a name means something only
/// where a relation of that name exists.
pub(super) fn relations(tokens: &[Token]) -> Vec<Written> {
    let mut found = Vec::new();
    let keyword = |n: usize, words: &[&str]| match tokens.get(n) {
        Some(Token::Word(w)) => w.quote_style.is_none() && words.iter().any(|k| w.value.eq_ignore_ascii_case(k)),
        _ => false,
    };
    // In a FROM list, and at which depth of parentheses.
    let mut list: Vec<usize> = Vec::new();
    let mut depth = 0usize;
    let mut n = 0;
    while n < tokens.len() {
        match &tokens[n] {
            Token::LParen => depth += 1,
            Token::RParen => {
                depth = depth.saturating_sub(1);
                list.retain(|d| *d <= depth);
            }
            Token::Word(_) if keyword(n, &["FROM"]) => {
                list.push(depth);
                n = relation_at(tokens, n + 1, keyword(n + 1, &["ONLY", "LATERAL"]), &mut found);
                continue;
            }
            Token::Word(_) if keyword(n, &["JOIN", "UPDATE", "INTO", "USING"]) => {
                n = relation_at(tokens, n + 1, keyword(n + 1, &["ONLY", "LATERAL"]), &mut found);
                continue;
            }
            Token::Word(_) if keyword(n, &["WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "UNION", "SELECT", "SET"]) => {
                list.retain(|d| *d != depth);
            }
            Token::Comma if list.last() == Some(&depth) => {
                n = relation_at(tokens, n + 1, keyword(n + 1, &["ONLY", "LATERAL"]), &mut found);
                continue;
            }
            _ => {}
        }
        n += 1;
    }
    found
}

/// Takes the name at `n`, unless it is a call; gives the index to go on from.
fn relation_at(tokens: &[Token], n: usize, modifier: bool, found: &mut Vec<Written>) -> usize {
    let start = n + usize::from(modifier);
    let Some(first) = tokens.get(start).and_then(identifier) else { return start };
    let (written, end) = match (tokens.get(start + 1), tokens.get(start + 2).and_then(identifier)) {
        (Some(Token::Period), Some(name)) => (Written { schema: Some(first), name }, start + 3),
        _ => (Written { schema: None, name: first }, start + 1),
    };
    if tokens.get(end) != Some(&Token::LParen) {
        found.push(written);
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let written = relations(&tokens(text));
        written.into_iter().map(|w| w.schema.map_or(w.name.clone(), |s| format!("{s}.{}", w.name))).collect()
    }

    #[test]
    fn relations_are_found_behind_from_and_join() {
        assert_eq!(
            names("EXISTS (SELECT 1 FROM a.b x, \"C\" WHERE x.i IN (SELECT i, j FROM only d JOIN e ON true))"),
            ["a.b", "C", "d", "e"]
        );
        assert_eq!(names("SELECT * FROM generate_series(1, 3), t"), ["t"]);
        assert_eq!(names("owner = current_user"), [""; 0]);
    }

    #[test]
    fn calls_know_their_arguments() {
        let found = calls(&tokens("f() + pg_catalog.g(1, h(2, 3))"));
        let shown: Vec<(String, usize)> = found.into_iter().map(|(w, n)| (w.name, n)).collect();
        assert_eq!(shown, [("f".to_owned(), 0), ("g".to_owned(), 2), ("h".to_owned(), 2)]);
    }

    #[test]
    fn a_column_is_mentioned_by_its_whole_name() {
        assert!(mentions("deleted_at IS NULL", "deleted_at") && mentions("(t.Deleted_At)", "deleted_at"));
        assert!(!mentions("not_deleted_at", "deleted_at") && !mentions("'deleted_at'", "deleted_at"));
    }
}
