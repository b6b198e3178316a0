//! In what the queries of two views differ for certain.
//!
//! PostgreSQL stores a query as a tree and prints it anew: `*` becomes columns, names gain
//! qualifiers, `BETWEEN` becomes comparisons. What survives that is compared: the tables that are
//! read, constants, functions, operators and clauses. So what is reported is a difference; that
//! nothing is reported does not prove two queries equal.

mod print;

use std::collections::{BTreeMap, BTreeSet};

use canon_core::schema::Aspect;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

use self::print::Print;

/// Two texts from the same hand, both written or both printed by PostgreSQL: every word counts, the
/// space between them does not.
pub fn compare_texts(expected: &str, found: &str) -> Vec<Aspect> {
    if words(expected) == words(found) {
        return Vec::new();
    }
    vec![Aspect { name: "query", expected: expected.trim().to_owned(), found: found.trim().to_owned() }]
}

/// A text as people write it, and one as PostgreSQL prints it.
pub fn compare_with_stored(written: &str, stored: &str) -> Vec<Aspect> {
    let (Some(a), Some(b)) = (Print::of(written), Print::of(stored)) else { return Vec::new() };
    let mut aspects = Vec::new();
    let mut aspect = |name: &'static str, expected: String, found: String| {
        let or_none = |text: String| if text.is_empty() { "none".to_owned() } else { text };
        aspects.push(Aspect { name, expected: or_none(expected), found: or_none(found) });
    };
    if a.relations != b.relations {
        aspect("tables read", counted(&a.relations), counted(&b.relations));
    }
    if a.clauses != b.clauses {
        let (x, y) = differing(&a.clauses, &b.clauses);
        aspect("clauses", x, y);
    }
    if !a.has_between && a.operators != b.operators {
        let (x, y) = differing(&a.operators, &b.operators);
        aspect("operators", x, y);
    }
    if a.functions != b.functions {
        let only = |x: &BTreeSet<String>, y: &BTreeSet<String>| x.difference(y).cloned().collect::<Vec<_>>().join(", ");
        aspect("functions", only(&a.functions, &b.functions), only(&b.functions, &a.functions));
    }
    let (gone, new) = (a.constants_missing_in(&b), b.constants_unknown_to(&a));
    if !gone.is_empty() || !new.is_empty() {
        aspect("constants", gone.join(", "), new.join(", "));
    }
    aspects
}

fn counted(names: &BTreeMap<String, usize>) -> String {
    let one =
        |(name, count): (&String, &usize)| if *count > 1 { format!("{name} ({count} times)") } else { name.clone() };
    names.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// What is in one more often than in the other.
fn differing(a: &BTreeMap<String, usize>, b: &BTreeMap<String, usize>) -> (String, String) {
    let part = |x: &BTreeMap<String, usize>, y: &BTreeMap<String, usize>| {
        counted(&x.iter().filter(|(name, n)| y.get(*name) != Some(n)).map(|(name, n)| (name.clone(), *n)).collect())
    };
    (part(a, b), part(b, a))
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize().ok()?;
    Some(tokens.into_iter().filter(|t| !matches!(t, Token::Whitespace(_) | Token::EOF | Token::SemiColon)).collect())
}

fn words(text: &str) -> Vec<String> {
    let word = |token: Token| match token {
        Token::Word(w) if w.quote_style.is_none() => w.value.to_ascii_lowercase(),
        Token::Word(w) => w.value,
        other => other.to_string(),
    };
    tokens(text).map_or_else(|| vec![text.to_owned()], |tokens| tokens.into_iter().map(word).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aspects(written: &str, stored: &str) -> Vec<&'static str> {
        compare_with_stored(written, stored).iter().map(|aspect| aspect.name).collect()
    }

    /// Left: as people write it; right: as PostgreSQL 15 prints it (`pg_get_viewdef`), measured.
    const PAIRS: &[(&str, &str)] = &[
        (
            "SELECT * FROM shop.orders o WHERE o.status IN ('open', 'paid') AND total BETWEEN 1 AND 100 ORDER BY 2 DESC",
            " SELECT o.id,\n    o.status,\n    o.total\n   FROM shop.orders o\n  WHERE o.status = ANY (ARRAY['open'::text, \
             'paid'::text]) AND o.total >= 1::numeric AND o.total <= 100::numeric\n  ORDER BY o.status DESC;",
        ),
        (
            "SELECT c.id, count(*), coalesce(sum(o.total), 0)::numeric(12,2) FROM customers c LEFT JOIN orders o \
             ON o.customer_id = c.id AND o.placed_at > now() - interval '30 days' GROUP BY 1 HAVING count(*) > 2",
            " SELECT c.id,\n    count(*) AS count,\n    COALESCE(sum(o.total), 0::numeric)::numeric(12,2) AS \"coalesce\"\n   \
             FROM customers c\n     LEFT JOIN orders o ON o.customer_id = c.id AND o.placed_at > (now() - '30 days'::interval)\n  \
             GROUP BY c.id\n HAVING count(*) > 2;",
        ),
        (
            "WITH r(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM r WHERE a < 10) SELECT left(x.name::varchar(3), 2) FROM r, \
             LATERAL (SELECT name FROM t WHERE t.id = r.a LIMIT 5) x WHERE trim(name) <> '' AND x.name NOT LIKE 'a%'",
            " WITH r(a) AS (\n         SELECT 1\n        UNION ALL\n         SELECT r_1.a + 1\n           FROM r r_1\n          \
             WHERE r_1.a < 10\n        )\n SELECT \"left\"(x.name::character varying(3)::text, 2) AS \"left\"\n   FROM r,\n    \
             LATERAL ( SELECT t.name\n           FROM t\n          WHERE t.id = r.a\n         LIMIT 5) x\n  WHERE \
             TRIM(BOTH FROM x.name) <> ''::text AND x.name !~~ 'a%'::text;",
        ),
        (
            "SELECT EXTRACT(year FROM d) AS y, '5'::int AS n, DATE '2020-1-1' AS d FROM generate_series(1, 3) g, t \
             WHERE a IS DISTINCT FROM b",
            " SELECT EXTRACT(year FROM t.d) AS y,\n    5 AS n,\n    '2020-01-01'::date AS d\n   FROM generate_series(1, 3) \
             g(g),\n    t\n  WHERE t.a IS DISTINCT FROM t.b;",
        ),
    ];

    #[test]
    fn what_postgresql_prints_anew_is_no_difference() {
        for (written, stored) in PAIRS {
            assert_eq!(compare_with_stored(written, stored), [], "{written}");
        }
    }

    #[test]
    fn a_changed_query_is_told_from_its_stored_form() {
        let (written, stored) = PAIRS[0];
        for (from, to, aspect) in [
            ("'paid'::text", "'sent'::text", "constants"),
            ("100::numeric", "200::numeric", "constants"),
            ("shop.orders o", "shop.invoices o", "tables read"),
            (" WHERE ", " HAVING ", "clauses"),
            ("o.total >= 1", "abs(o.total) >= 1", "functions"),
        ] {
            assert!(stored.contains(from), "{from}");
            assert!(aspects(written, &stored.replace(from, to)).contains(&aspect), "{from} -> {to}");
        }
        let (written, stored) = PAIRS[1];
        for (from, to, aspect) in [
            ("LEFT JOIN", "JOIN", "clauses"),
            ("count(*) > 2", "count(*) >= 2", "operators"),
            ("sum(o.total)", "max(o.total)", "functions"),
            ("FROM customers c", "FROM customers c CROSS JOIN orders x", "tables read"),
        ] {
            assert!(stored.contains(from), "{from}");
            assert!(aspects(written, &stored.replace(from, to)).contains(&aspect), "{from} -> {to}");
        }
    }

    #[test]
    fn texts_from_one_hand_count_word_by_word() {
        assert_eq!(compare_texts("select A, 'x'\n from t", "SELECT a,'x' FROM T -- why"), []);
        assert_eq!(compare_texts("SELECT 'x' FROM t", "SELECT 'X' FROM t").len(), 1);
    }

    #[test]
    fn any_text_is_survived() {
        for text in ["", "(((", ")))", "SELECT", "'", "FROM a, (b JOIN", "x(", "::(", "AS (1", "$$", "1 2 3 )("] {
            compare_with_stored(text, "SELECT 1");
            compare_with_stored("SELECT 1", text);
        }
    }
}
