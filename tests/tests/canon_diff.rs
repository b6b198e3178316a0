//! `canon diff` against real databases: no difference where there is none, and each one named.

use anyhow::Result;
use canon_tests::{Database, canon, canon_database, database, load_file, repo_root, server};

/// Files with these texts in a folder of their own.
fn folder(files: &[(&str, &str)]) -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text)?;
    }
    Ok(folder)
}

fn url(db: &Database) -> String {
    server().url(db.name())
}

#[test]
fn drift_of_freshly_installed_packs_is_none() -> Result<()> {
    let db = canon_database("diff_packs")?;
    db.connect()?.batch_execute("SELECT canon.install('all')")?;
    for pack in ["cutover", "agentops", "core", "saas"] {
        let folder = format!("schema/{pack}");
        for sides in [[folder.as_str(), &url(&db)], [&url(&db), folder.as_str()]] {
            let ran = canon(&repo_root()?, &["diff", sides[0], sides[1]], &[])?;
            assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{pack}: {}", ran.err);
        }
    }
    Ok(())
}

#[test]
fn drift_of_every_fixture_is_none() -> Result<()> {
    let fixtures = repo_root()?.join("tests/fixtures");
    let mut names: Vec<_> =
        std::fs::read_dir(&fixtures)?.map(|e| e.map(|e| e.file_name())).collect::<Result<_, _>>()?;
    names.sort();
    assert!(!names.is_empty());
    for name in names {
        let name = name.to_string_lossy().into_owned();
        let db = database("diff_fixture")?;
        load_file(&db, &fixtures.join(&name))?;
        let ran = canon(&fixtures, &["diff", &name, "--database-url", &url(&db)], &[])?;
        assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{name}: {}", ran.err);
    }
    Ok(())
}

/// Forms that PostgreSQL prints anew, in views, defaults, checks, policies and triggers.
const REWRITTEN: &str = r#"
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE TABLE customers (id serial PRIMARY KEY, name varchar(20) NOT NULL DEFAULT 'x', mood mood DEFAULT 'glad');
CREATE TABLE orders (
    id bigserial PRIMARY KEY,
    customer_id int REFERENCES customers,
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'paid')),
    total numeric(10, 2) DEFAULT 0.00 CHECK (total BETWEEN 0 AND 1000000),
    placed_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    data jsonb NOT NULL DEFAULT '{}'
);
CREATE VIEW v_star AS SELECT * FROM orders WHERE status IN ('open', 'paid') AND total BETWEEN 2 AND 100 ORDER BY 2 DESC;
CREATE VIEW v_group AS
SELECT c.id, count(*), coalesce(sum(o.total), 0)::numeric(12,2) FROM customers c LEFT JOIN orders o
ON o.customer_id = c.id AND o.placed_at > now() - interval '30 days' GROUP BY 1 HAVING count(*) > 2;
CREATE VIEW v_recursive AS
WITH RECURSIVE r(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM r WHERE a < 10)
SELECT left(x.name::varchar(3), 2) FROM r, LATERAL (SELECT name FROM customers t WHERE t.id = r.a LIMIT 5) x
WHERE trim(name) <> '' AND x.name NOT LIKE 'a%';
CREATE VIEW v_values AS SELECT EXTRACT(year FROM placed_at) AS y, '5'::int AS n, DATE '2020-1-1' AS d, -7 AS m, 1.50 AS q
FROM generate_series(1, 3) g, orders WHERE customer_id IS DISTINCT FROM id;
CREATE VIEW v_case AS SELECT CASE status WHEN 'open' THEN 'Offen' ELSE upper(status) END AS label,
    data->>'a' AS a, row_number() OVER (PARTITION BY customer_id ORDER BY placed_at DESC ROWS BETWEEN 3 PRECEDING AND CURRENT ROW)
FROM orders o JOIN customers USING (id) WHERE NOT EXISTS (SELECT 1 FROM orders p WHERE p.id = o.id AND p.total > 5)
    OR (customer_id, o.id) IN ((2, 3), (4, 5)) AND mood = 'sad';
CREATE VIEW v_union AS SELECT id::int AS id, name::text AS name FROM customers UNION SELECT id::int, status FROM orders FETCH FIRST 3 ROWS ONLY;
CREATE VIEW v_functions AS SELECT substring(name FROM 2 FOR 3), position('a' IN name), name LIKE '%x' ESCAPE '!' AS l,
    name ~* '^a' AS t, cast(id AS bigint), current_date - 3 AS d, name || 'suffix' AS s, string_agg(name, ', ' ORDER BY name) FILTER (WHERE id > 3),
    count(DISTINCT name) FROM customers TABLESAMPLE system (50) GROUP BY id, name;
CREATE MATERIALIZED VIEW m_totals AS SELECT customer_id, sum(total) FROM ONLY orders GROUP BY customer_id WITH NO DATA;
"#;

#[test]
fn drift_knows_what_postgresql_rewrites() -> Result<()> {
    let db = database("diff_rewritten")?;
    let mut client = db.connect()?;
    client.batch_execute(REWRITTEN)?;
    let folder = folder(&[("app.sql", REWRITTEN)])?;
    let run = || canon(folder.path(), &["diff", "app.sql", &url(&db)], &[]);
    let ran = run()?;
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
    // Each view changed by hand is told apart.
    for (view, from, to, aspect) in [
        ("v_star", "'paid'", "'sent'", "constants: 'paid' -> 'sent'"),
        ("v_star", "<= (100)", "<= (200)", "constants: 100 -> 200"),
        ("v_group", "LEFT JOIN", "JOIN", "clauses: left -> none"),
        ("v_group", "sum(", "max(", "functions: sum -> max"),
        ("v_group", "count(*) > 2", "count(*) < 2", "operators: > (2 times) -> <, >"),
        ("v_case", "'Offen'", "'offen'", "constants: 'Offen' -> 'offen'"),
    ] {
        let stored: String = client.query_one(&format!("SELECT pg_get_viewdef('{view}'::regclass)"), &[])?.get(0);
        assert!(stored.contains(from), "{view}: {from}\n{stored}");
        client.batch_execute(&format!("CREATE OR REPLACE VIEW {view} AS {}", stored.replace(from, to)))?;
        let ran = run()?;
        assert_eq!(ran.code, 1, "{view}: {from} -> {to}");
        assert!(ran.out.contains(&format!("    {aspect}\n")), "{}", ran.out);
        assert!(ran.out.contains(&format!("~ view public.{view} (app.sql:")), "{}", ran.out);
        client.batch_execute(&format!("CREATE OR REPLACE VIEW {view} AS {stored}"))?;
    }
    assert_eq!(run()?.code, 0);
    let other = "SELECT id, name::text AS name FROM customers UNION SELECT 7, 'x' FROM customers";
    client.batch_execute(&format!("CREATE OR REPLACE VIEW v_union AS {other}"))?;
    let ran = run()?;
    assert!(ran.out.contains("    tables read: customers, orders -> customers (2 times)\n"), "{}", ran.out);
    Ok(())
}

#[test]
fn drift_between_two_databases_is_named() -> Result<()> {
    let (one, two) = (database("diff_one")?, database("diff_two")?);
    for db in [&one, &two] {
        db.connect()?.batch_execute(REWRITTEN)?;
    }
    let ran = canon(&repo_root()?, &["diff", &url(&one), &url(&two)], &[])?;
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
    two.connect()?.batch_execute(
        "ALTER TABLE customers RENAME name TO label;
         ALTER TABLE orders ALTER total SET NOT NULL;
         CREATE INDEX idx_orders_status ON orders (status);
         CREATE OR REPLACE VIEW v_union AS SELECT id, label::text AS name FROM customers WHERE id > 7;
         GRANT SELECT ON orders TO PUBLIC",
    )?;
    let ran = canon(&repo_root()?, &["diff", &url(&one), "env:TWO", "--grants"], &[("TWO", &url(&two))])?;
    assert_eq!(ran.code, 1, "{}", ran.err);
    for line in [
        "- column public.customers.name; renamed to public.customers.label?",
        "+ column public.customers.label; renamed from public.customers.name?",
        "    not null: no -> yes",
        "+ index public.orders: idx_orders_status",
        "~ view public.v_union",
        "+ grant table public.orders to public",
    ] {
        assert!(ran.out.lines().any(|l| l == line), "{line}\n{}", ran.out);
    }
    let ran = canon(&repo_root()?, &["diff", &url(&one), &url(&two), "--format", "json"], &[])?;
    let document: serde_json::Value = serde_json::from_str(&ran.out)?;
    assert_eq!(
        document["differences"].as_array().map(Vec::len),
        document["summary"]
            .as_object()
            .map(|s| { s.values().filter_map(serde_json::Value::as_u64).sum::<u64>() as usize })
    );
    Ok(())
}

#[test]
fn drift_is_part_of_the_check() -> Result<()> {
    let db = database("check_drift")?;
    let ddl = "CREATE SCHEMA shop; CREATE TABLE shop.orders (id bigint PRIMARY KEY, total int);";
    let mut client = db.connect()?;
    client.batch_execute(ddl)?;
    let config = "[[source]]\nname = 'shop'\npaths = ['shop.sql']\n";
    let folder = folder(&[("shop.sql", ddl), ("canon.toml", config)])?;
    assert_eq!(canon(folder.path(), &["gen"], &[])?.code, 0);
    let check = |format: &str| canon(folder.path(), &["check", "--database-url", &url(&db), "--format", format], &[]);
    assert_eq!(check("human")?.code, 0);
    client.batch_execute("ALTER TABLE shop.orders ALTER total TYPE bigint; CREATE TABLE shop.more (id int)")?;
    let human = check("human")?;
    assert_eq!(human.code, 1, "{}", human.err);
    assert!(human.out.contains("    type: integer -> bigint\n"), "{}", human.out);
    assert!(human.out.contains("+ table shop.more\n"), "{}", human.out);
    let github = check("github")?.out;
    assert!(
        github.contains("::error file=shop.sql,line=1,title=drift::column shop.orders.total: type is bigint"),
        "{github}"
    );
    let json: serde_json::Value = serde_json::from_str(&check("json")?.out)?;
    assert_eq!(json["drift"][0]["comparison"]["summary"]["changed"], 1);
    Ok(())
}
