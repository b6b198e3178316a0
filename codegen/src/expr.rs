//! Expressions: whether two mean the same, and what a check says about a column.
//!
//! PostgreSQL stores trees, not text, and prints its own spelling: `IN` becomes `= ANY (ARRAY[...])`,
//! `LIKE` becomes `~~`, literals gain casts, parentheses multiply. Two texts are compared by a
//! canonical form in which those differences are gone.

mod canonical;
mod literal;
pub mod query;

use std::borrow::Cow;
use std::ops::ControlFlow;

use canon_core::schema::ExprContext;
use sqlparser::ast::{BinaryOperator, Expr, Query, Value, visit_expressions};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

/// Depth of nesting that sqlparser may go to. Its own default of 50 is below what people write;
/// at 400 the parser's stack protection still has room.
const RECURSION_LIMIT: usize = 400;

/// The same for queries, where nested joins in parentheses cost the cube of their depth.
const QUERY_RECURSION_LIMIT: usize = 100;

/// Operators and conjunctions that one expression or query may hold to be parsed. They nest in the
/// tree as deep as they are many, and a tree is walked and dropped by recursion.
const MAX_OPERATORS: usize = 500;

/// Parses an expression; None where sqlparser does not know a form.
pub fn parse(text: &str) -> Option<Expr> {
    if operators(text) > MAX_OPERATORS {
        return None;
    }
    let dialect = PostgreSqlDialect {};
    let text = respell(text);
    let mut parser = Parser::new(&dialect).with_recursion_limit(RECURSION_LIMIT).try_with_sql(&text).ok()?;
    let expr = parser.parse_expr().ok()?;
    (parser.peek_token().token == Token::EOF).then_some(expr)
}

/// Parses a query; None where sqlparser does not know a form.
pub fn parse_query(text: &str) -> Option<Query> {
    if operators(text) > MAX_OPERATORS {
        return None;
    }
    let dialect = PostgreSqlDialect {};
    let mut parser = Parser::new(&dialect).with_recursion_limit(QUERY_RECURSION_LIMIT).try_with_sql(text).ok()?;
    let query = parser.parse_query().ok()?;
    (parser.peek_token().token == Token::EOF).then_some(*query)
}

/// An upper bound of the operators in a text, from its bytes alone.
fn operators(text: &str) -> usize {
    if text.len() <= MAX_OPERATORS {
        return 0;
    }
    let bytes = text.as_bytes();
    let symbols = bytes.iter().filter(|b| b"+-*/%<>=~!@#&|^?:".contains(b)).count();
    let word = |n: usize, word: &[u8]| bytes.get(n..n + word.len()).is_some_and(|w| w.eq_ignore_ascii_case(word));
    let starts = (1..bytes.len()).filter(|n| bytes[*n].is_ascii_alphabetic() && !bytes[*n - 1].is_ascii_alphanumeric());
    let words: [&[u8]; 9] = [b"and", b"or", b"is", b"in", b"not", b"union", b"collate", b"like", b"at"];
    symbols + starts.filter(|n| words.iter().any(|w| word(*n, w))).count()
}

/// PostgreSQL's own print of a plain `trim(x)` is a form that sqlparser does not read.
fn respell(text: &str) -> Cow<'_, str> {
    if !text.contains("TRIM(") {
        return Cow::Borrowed(text);
    }
    let text = text.replace("TRIM(BOTH FROM ", "btrim(").replace("TRIM(LEADING FROM ", "ltrim(");
    Cow::Owned(text.replace("TRIM(TRAILING FROM ", "rtrim("))
}

/// Whether two expressions mean the same, as far as their text can tell.
pub fn same(a: &str, b: &str) -> bool {
    a == b || literal::equal(&canonical::of(a, None), &canonical::of(b, None))
}

/// Whether two expressions mean the same where they stand: a default or a generation expression is
/// cast to the type of its column, so `'1 hour'` and `'01:00:00'` are one interval.
pub fn same_in(context: ExprContext<'_>, a: &str, b: &str) -> bool {
    let ty = match context {
        ExprContext::Default(ty) | ExprContext::Generated(_, ty) => Some(ty),
        _ => None,
    };
    a == b || literal::equal(&canonical::of(a, ty), &canonical::of(b, ty))
}

/// The list of values that a check allows one column, as `CHECK (status IN ('a', 'b'))` does in
/// any of its spellings.
pub fn value_list(check: &str) -> Option<(String, Vec<String>)> {
    match strip(&parse(check)?) {
        Expr::InList { expr, list, negated: false } => Some((column(expr)?, strings(list)?)),
        Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => {
            let Expr::Array(array) = strip(right) else { return None };
            Some((column(left)?, strings(&array.elem)?))
        }
        // One value: IN ('a') is stored as = 'a'.
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
            Some((column(left)?, strings(std::slice::from_ref(right))?))
        }
        _ => None,
    }
}

/// Whether a check holds something to a list of at least two values, wherever in it.
pub fn has_value_list(check: &str) -> bool {
    let Some(expr) = parse(check) else { return false };
    let found = visit_expressions(&expr, |expr| match expr {
        Expr::InList { list, negated: false, .. } if list.len() > 1 => ControlFlow::Break(()),
        Expr::AnyOp { compare_op: BinaryOperator::Eq, right, .. } if matches!(strip(right), Expr::Array(_)) => {
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// Without parentheses and casts.
fn strip(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => strip(inner),
        other => other,
    }
}

fn column(expr: &Expr) -> Option<String> {
    match strip(expr) {
        Expr::Identifier(ident) if ident.quote_style.is_some() => Some(ident.value.clone()),
        Expr::Identifier(ident) => Some(ident.value.to_ascii_lowercase()),
        _ => None,
    }
}

fn strings(list: &[Expr]) -> Option<Vec<String>> {
    list.iter()
        .map(|item| match strip(item) {
            Expr::Value(v) => match &v.value {
                Value::SingleQuotedString(s) | Value::EscapedStringLiteral(s) => Some(s.clone()),
                _ => None,
            },
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Left: as people write; right: as PostgreSQL 15 prints it (`pg_get_constraintdef`,
    /// `pg_get_expr`), measured.
    const PAIRS: &[(&str, &str)] = &[
        ("status IN ('a', 'b')", "(status = ANY (ARRAY['a'::text, 'b'::text]))"),
        (
            "status IN ('a', 'b')",
            "((status)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))",
        ),
        (
            "status IN ('a', 'b')",
            "((status)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text]))",
        ),
        ("status NOT IN ('a', 'b')", "(status <> ALL (ARRAY['a'::text, 'b'::text]))"),
        ("status IN ('a')", "(status = 'a'::text)"),
        ("n BETWEEN 1 AND 13", "((n >= 1) AND (n <= 13))"),
        ("n NOT BETWEEN 1 AND 13", "((n < 1) OR (n > 13))"),
        ("a > 0 AND b > 0 AND c > 0", "((a > 0) AND (b > 0) AND (c > 0))"),
        ("name LIKE 'a%'", "(name ~~ 'a%'::text)"),
        ("name NOT ILIKE 'a%'", "(name !~~* 'a%'::text)"),
        ("a != b", "(a <> b)"),
        ("length(name) >= 2", "(length((name)::text) >= 2)"),
        ("LENGTH(name) >= 2", "(length((name)::text) >= 2)"),
        ("slug ~ '^[a-z0-9-]+$'", "((slug)::text ~ '^[a-z0-9-]+$'::text)"),
        ("CURRENT_TIMESTAMP", "now()"),
        ("now()", "now()"),
        ("'{}'", "'{}'::jsonb"),
        ("'{}'::jsonb", "'{}'::jsonb"),
        ("-1", "'-1'::integer"),
        ("0.00", "0.00"),
        ("INTERVAL '1 day'", "'1 day'::interval"),
        ("interval '1' day", "'1 day'::interval"),
        ("nextval('core.x_seq')", "nextval('core.x_seq'::regclass)"),
        ("x AT TIME ZONE 'UTC'", "(x AT TIME ZONE 'UTC'::text)"),
        ("timezone('UTC', x)", "(x AT TIME ZONE 'UTC'::text)"),
        ("CAST(x AS integer)", "(x)::integer"),
        ("x::int4", "(x)::integer"),
        ("x IS NULL OR x::jsonb IS NOT NULL", "((x IS NULL) OR ((x)::jsonb IS NOT NULL))"),
        ("coalesce(a, '') || ' ' || b", "((COALESCE(a, ''::text) || ' '::text) || b)"),
        ("NOT (a AND b)", "(NOT (a AND b))"),
        ("date_trunc('month', d) = d", "(date_trunc('month'::text, d) = d)"),
        ("extract(year from d) > 2000", "(EXTRACT(year FROM d) > (2000)::numeric)"),
        ("trim(name) <> ''", "(TRIM(BOTH FROM name) <> ''::text)"),
        ("tags <@ ARRAY['a', 'b']", "(tags <@ ARRAY['a'::text, 'b'::text])"),
        ("pg_catalog.now()", "now()"),
        ("substring(a, 1, 2) = 'x'", "(SUBSTRING(a FROM 1 FOR 2) = 'x'::text)"),
        ("to_tsvector('pg_catalog.english'::regconfig, a)", "to_tsvector('english'::regconfig, a)"),
        ("a IS NOT DISTINCT FROM b", "(NOT (a IS DISTINCT FROM b))"),
        ("(select auth.uid()) = id", "(( SELECT auth.uid() AS uid) = id)"),
        ("id IN (SELECT max(t.id) FROM t WHERE a = 1)", "(id IN ( SELECT max(t.id) AS max FROM t WHERE (t.a = 1)))"),
        ("(a, b) <> (1, 2)", "((a <> 1) OR (b <> 2))"),
        ("a ILIKE 'y_' ESCAPE '!'", "(a ~~* like_escape('y_'::text, '!'::text))"),
        ("b NOT SIMILAR TO '[a-z]+'", "((b)::text !~ similar_to_escape('[a-z]+'::text))"),
    ];

    #[test]
    fn what_postgresql_rewrites_stays_the_same() {
        for (written, stored) in PAIRS {
            assert!(
                same(written, stored),
                "{written}\n{}\n{stored}\n{}",
                canonical::of(written, None),
                canonical::of(stored, None)
            );
        }
    }

    #[test]
    fn what_means_something_else_differs() {
        for (a, b) in [
            ("status IN ('a', 'b')", "status IN ('a', 'c')"),
            ("status IN ('a', 'b')", "status NOT IN ('a', 'b')"),
            ("(a OR b) AND c", "a OR b AND c"),
            ("a - (b - c)", "a - b - c"),
            ("n > 1", "n >= 1"),
            ("x::date", "x::timestamp"),
            ("'A'", "'a'"),
            ("\"A\" > 0", "a > 0"),
        ] {
            assert!(!same(a, b), "{a} / {b}: {}", canonical::of(a, None));
        }
    }

    #[test]
    fn value_lists_are_found_in_every_spelling() {
        let expected = Some(("status".to_owned(), vec!["a".to_owned(), "b".to_owned()]));
        for text in ["status IN ('a', 'b')", PAIRS[0].1, PAIRS[1].1, PAIRS[2].1] {
            assert_eq!(value_list(text), expected, "{text}");
        }
        assert_eq!(value_list("status IN ('a') OR x"), None);
        assert_eq!(value_list("status IN (1, 2)"), None);
    }
}
