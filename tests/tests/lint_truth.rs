//! What `canon lint` calls an error, PostgreSQL refuses; what a page shows otherwise, it accepts.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::Result;
use canon_codegen::lint::{self, Finding, LintConfig, NaiveDate, RULES, Severity, Subject, Unit};
use canon_codegen::live;
use canon_codegen::load::load;
use canon_codegen::model::Model;
use canon_codegen::project::Project;
use canon_codegen::source::Source;
use canon_tests::{canon_database, database, repo_root};
use postgres::Client;

/// Numbers of the rules that find something.
fn lint_codes(sql: &str) -> Vec<&'static str> {
    let loaded = load(vec![Source::new("t.sql", sql)]);
    let subject = Subject { units: vec![Unit::from(&loaded)], ..Subject::default() };
    let report = lint::run(&subject, &LintConfig::default(), NaiveDate::MIN);
    report.findings.iter().map(|f| f.code).collect()
}

/// The message with which PostgreSQL refuses a script; nothing of it stays.
fn refusal(client: &mut Client, sql: &str) -> Result<Option<String>> {
    client.batch_execute("BEGIN")?;
    let result = client.batch_execute(sql);
    client.batch_execute("ROLLBACK")?;
    Ok(result.err().map(|error| error.as_db_error().map_or_else(|| error.to_string(), |e| e.message().to_owned())))
}

/// The `sql` blocks of a section of a page.
fn example(page: &str, heading: &str) -> String {
    let section = page.split("\n## ").find(|s| s.starts_with(heading)).unwrap_or_default();
    section.split("```sql\n").skip(1).filter_map(|block| block.split("```").next()).collect()
}

#[test]
fn lint_pages_call_an_error_what_postgresql_refuses() -> Result<()> {
    let db = database("lint_pages")?;
    let mut client = db.connect()?;
    let mut wrong = String::new();
    for rule in RULES {
        // A comment that does not work is an error of the file, not of its SQL.
        let refused = rule.severity == Severity::Error && !matches!(rule.code, "C1" | "C2");
        for (heading, expected) in [("Fires", refused), ("Silent", false)] {
            let sql = example(rule.page, heading);
            let found = refusal(&mut client, &sql)?;
            if found.is_some() != expected {
                writeln!(wrong, "{} {heading}: {found:?}\n{sql}", rule.code)?;
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    Ok(())
}

const TABLE: &str = "CREATE TABLE t (id bigint, n integer, r numeric, b boolean, u uuid, s text, v varchar(20), d date,
    ts timestamp, tz timestamptz, i interval, j jsonb, a text[]);
    CREATE FUNCTION fixed(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
    CREATE FUNCTION inlined(text) RETURNS text LANGUAGE sql STABLE AS 'SELECT $1';
    CREATE FUNCTION loose(text) RETURNS text LANGUAGE plpgsql STABLE AS 'BEGIN RETURN $1; END';
    CREATE FUNCTION loose(text, integer) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END';
";

/// Expressions of each kind that decides about immutability, on both sides.
const EXPRESSIONS: &[&str] = &[
    "now()",
    "current_date",
    "clock_timestamp()",
    "(random() * n)",
    "current_user",
    "current_setting('app.x')",
    "to_char(tz, 'YYYY')",
    "to_char(n, '999')",
    "lower(s)",
    "upper(v)",
    "s || v",
    "s || ' ' || s",
    "n || s",
    "s || n",
    "s || b",
    "s || d",
    "coalesce(s, '') || ' x'",
    "concat(s, v)",
    "format('%s', s)",
    "date_trunc('day', tz)",
    "date_trunc('day', ts)",
    "date_trunc('day', tz AT TIME ZONE 'UTC')",
    "date_trunc('day', d)",
    "date_part('year', tz)",
    "date_part('year', ts)",
    "extract(year FROM tz)",
    "extract(year FROM ts)",
    "extract(epoch FROM d)",
    "tz + interval '1 day'",
    "ts + interval '1 day'",
    "d + 1",
    "tz - tz",
    "tz + i",
    "tz AT TIME ZONE 'UTC'",
    "(tz AT TIME ZONE 'UTC') + i",
    "((ts + make_interval(mins => n)) AT TIME ZONE 'UTC')",
    "(tz::date)",
    "(tz::text)",
    "(ts::date)",
    "(ts::text)",
    "(d::text)",
    "(ts::timestamptz)",
    "(s::date)",
    "(s::timestamptz)",
    "(n::text)",
    "(s::integer)",
    "(j ->> 'a')",
    "((j ->> 'at')::timestamptz)",
    "((j ->> 'n')::integer)",
    "to_tsvector(s)",
    "to_tsvector('english', s)",
    "to_tsvector('pg_catalog.simple'::regconfig, s || v)",
    "to_timestamp(n)",
    "to_timestamp(s, 'YYYY')",
    "age(tz)",
    "age(ts, ts)",
    "gen_random_uuid()",
    "md5(s)",
    "length(s)",
    "array_to_string(a, ',')",
    "jsonb_build_object('a', n)",
    "to_jsonb(n)",
    "fixed(s)",
    "inlined(s)",
    "loose(s)",
    "loose(s, n)",
    "(tz > '2020-01-01')",
    "(tz > ts)",
    "(d > tz)",
    "(d > ts)",
    "date(ts)",
    "date(tz)",
    "(b AND tz IS NULL)",
    "pg_catalog.now()",
    "greatest(n, 3)",
    "CASE WHEN b THEN s ELSE v END",
];

#[test]
fn lint_finds_expressions_mutable_where_postgresql_says_so() -> Result<()> {
    let db = database("lint_expressions")?;
    let mut client = db.connect()?;
    let (mut missed, mut wrong) = (Vec::new(), String::new());
    for expression in EXPRESSIONS {
        let script = format!("{TABLE}CREATE INDEX x ON t (({expression}));");
        let refused = refusal(&mut client, &script)?;
        let fires = lint_codes(&script).contains(&"L1");
        if let Some(message) = &refused {
            assert!(message.contains("must be marked IMMUTABLE"), "{expression}: {message}");
        }
        match (refused.is_some(), fires) {
            (true, false) => missed.push(*expression),
            (false, true) => writeln!(wrong, "{expression} is accepted, but L1 fires")?,
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(missed, [""; 0], "refused, but L1 is silent");
    Ok(())
}

/// Names that are in the list of the rule because no form of them is immutable.
#[test]
fn lint_lists_only_functions_that_are_never_immutable() -> Result<()> {
    let db = database("lint_functions")?;
    let mut client = db.connect()?;
    let sql = "SELECT proname::text FROM pg_catalog.pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace
        AND prokind = 'f' GROUP BY proname HAVING pg_catalog.bool_or(provolatile = 'i')";
    let immutable: Vec<String> = client.query(sql, &[])?.iter().map(|row| row.get(0)).collect();
    let mut wrong = Vec::new();
    for name in &immutable {
        // Called without arguments no form with arguments of a table's own is meant.
        let script = format!("CREATE TABLE t (x text); CREATE INDEX i ON t ((\"{name}\"(x, x, x, x, x, x, x)));");
        if lint_codes(&script).contains(&"L1") {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
    Ok(())
}

/// Scripts with an error of each kind, and their neighbours that work.
const SCRIPTS: &[&str] = &[
    "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (a int REFERENCES a);",
    "CREATE TABLE b (a int REFERENCES a); CREATE TABLE a (id int PRIMARY KEY);",
    "CREATE TABLE a (id int); CREATE TABLE b (a int REFERENCES a);",
    "CREATE TABLE a (id int); CREATE TABLE b (a int REFERENCES a (id));",
    "CREATE TABLE a (id int); CREATE UNIQUE INDEX ON a (id); CREATE TABLE b (a int REFERENCES a (id));",
    "CREATE TABLE a (id int); CREATE UNIQUE INDEX ON a (id) WHERE id > 0; CREATE TABLE b (a int REFERENCES a (id));",
    "CREATE TABLE a (x int, y int, UNIQUE (x, y)); CREATE TABLE b (p int, q int, FOREIGN KEY (p, q) REFERENCES a (y, x));",
    "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (a int REFERENCES a (nope));",
    "CREATE TABLE a (id int PRIMARY KEY, parent int REFERENCES a);",
    "CREATE TABLE b (a int REFERENCES nowhere);",
    "CREATE TYPE mood AS ENUM ('x'); CREATE TABLE a (m mood, ms mood[]);",
    "CREATE TABLE a (m mood); CREATE TYPE mood AS ENUM ('x');",
    "CREATE TABLE a (m mood);",
    "CREATE DOMAIN d AS text CHECK (value <> ''); CREATE TABLE a (m d);",
    "CREATE TABLE a (id int); CREATE TABLE b (x a, y a[]);",
    "CREATE TABLE a (m enum('x', 'y'));",
    "CREATE TABLE a (i int, v varchar(3), n numeric(3, 1), b bit(3), t time with time zone, p point, r int4range, o oid);",
    "CREATE TABLE a (i int); CREATE VIEW v AS SELECT * FROM public.a;",
    "CREATE VIEW v AS SELECT * FROM public.a; CREATE TABLE a (i int);",
    "CREATE VIEW v AS SELECT * FROM public.nowhere;",
    "CREATE TABLE a (i int); CREATE TRIGGER t BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION f();",
    "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
     CREATE TABLE a (i int); CREATE TRIGGER t BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION f();",
    "CREATE TABLE a (i int); CREATE TRIGGER t BEFORE UPDATE ON a FOR EACH ROW
        EXECUTE FUNCTION suppress_redundant_updates_trigger();",
    "CREATE TABLE a (i int); CREATE TABLE a (i int);",
    "CREATE TABLE a (i int); CREATE TABLE IF NOT EXISTS a (i int);",
    "CREATE TABLE a (i int); ALTER TABLE a DROP COLUMN j;",
    "CREATE TABLE a (i int,);",
    "DROP TABLE nowhere;",
];

#[test]
fn lint_finds_an_error_where_postgresql_stops() -> Result<()> {
    let db = database("lint_scripts")?;
    let mut client = db.connect()?;
    let mut wrong = String::new();
    for script in SCRIPTS {
        let refused = refusal(&mut client, script)?;
        let codes = lint_codes(script);
        let errors: Vec<_> =
            codes.iter().filter(|c| matches!(**c, "L1" | "L2" | "L3" | "L4" | "L28" | "C4" | "C5")).collect();
        if refused.is_some() == errors.is_empty() {
            writeln!(wrong, "{script}\n  PostgreSQL: {refused:?}, lint: {codes:?}")?;
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    Ok(())
}

/// The same schema, read from files and from the database they were loaded into, has the same
/// findings: nothing hangs on how a thing is spelt.
#[test]
fn lint_finds_in_a_database_what_it_finds_in_the_files() -> Result<()> {
    let project = Project::open(&repo_root()?.join("canon.toml"))?;
    let db = canon_database("lint_live")?;
    let mut client = db.connect()?;
    client.batch_execute("SELECT canon.install('all')")?;
    let mut compared = 0;
    for source in &project.sources {
        let declared = &source.loaded.model;
        let schemas: Vec<&str> = declared.schemas.iter().map(|s| s.name.as_str()).collect();
        let found = live::read(&mut client, Some(&schemas))?;
        let fingerprints = |model: &Model| {
            let subject = Subject { units: vec![Unit::from(model)], ..Subject::default() };
            let report = lint::run(&subject, &LintConfig::default(), NaiveDate::MIN);
            report.findings.iter().map(Finding::fingerprint).collect::<BTreeSet<_>>()
        };
        let (of_files, of_database) = (fingerprints(declared), fingerprints(&found));
        let differing: Vec<_> = of_files.symmetric_difference(&of_database).collect();
        assert!(differing.is_empty(), "{}: {differing:#?}", source.name);
        compared += of_files.len();
    }
    assert!(compared > 100, "{compared}");
    Ok(())
}

/// A policy that reads its own table stops every query, as the rule says, and only there.
#[test]
fn lint_finds_policies_that_recur() -> Result<()> {
    const TABLES: &str = "CREATE TABLE t (id int PRIMARY KEY, owner text); CREATE TABLE u (id int PRIMARY KEY);
        ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE u ENABLE ROW LEVEL SECURITY;
        ALTER TABLE t FORCE ROW LEVEL SECURITY; ALTER TABLE u FORCE ROW LEVEL SECURITY;
        CREATE ROLE lint_reader; GRANT SELECT, INSERT, UPDATE ON t, u TO lint_reader;";
    let db = database("lint_policies")?;
    let mut client = db.connect()?;
    for (policies, query) in [
        ("CREATE POLICY p ON t USING (owner = current_user); CREATE POLICY p ON u USING (true);", "SELECT * FROM t"),
        (
            "CREATE POLICY p ON t USING (id IN (SELECT id FROM t)); CREATE POLICY p ON u USING (true);",
            "SELECT * FROM t",
        ),
        (
            "CREATE POLICY p ON t USING (id IN (SELECT id FROM u));
             CREATE POLICY p ON u USING (EXISTS (SELECT 1 FROM t x WHERE x.id = u.id));",
            "SELECT * FROM t",
        ),
        (
            "CREATE POLICY p ON t USING (id IN (SELECT id FROM u)); CREATE POLICY p ON u USING (true);",
            "SELECT * FROM t",
        ),
        (
            "CREATE POLICY r ON t FOR SELECT USING (true); CREATE POLICY p ON u USING (true);
             CREATE POLICY p ON t FOR UPDATE USING (id IN (SELECT x.id FROM t x));",
            "UPDATE t SET owner = 'x'",
        ),
        (
            "CREATE POLICY r ON t FOR SELECT USING (true); CREATE POLICY p ON u USING (true);
             CREATE POLICY p ON t FOR INSERT WITH CHECK (NOT EXISTS (SELECT 1 FROM t x WHERE x.owner = t.owner));",
            "INSERT INTO t VALUES (1, 'x')",
        ),
    ] {
        let ddl = format!("{TABLES}{policies}");
        let message = refusal(&mut client, &format!("{ddl} SET LOCAL ROLE lint_reader; {query};"))?;
        let recurs = message.as_deref().is_some_and(|m| m.contains("infinite recursion"));
        assert_eq!(recurs, message.is_some(), "{policies}: {message:?}");
        assert_eq!(lint_codes(&ddl).contains(&"L18"), recurs, "{policies}: {message:?}");
    }
    Ok(())
}
