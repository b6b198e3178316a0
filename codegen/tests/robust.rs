//! Whatever is in a file, it is read to the end: no panic, no endless loop, no step that grows with
//! the square of the input. `fuzz/` looks for more of the same without an end.

use canon_codegen::counts::counts;
use canon_codegen::expr;
use canon_codegen::load::{Loaded, load};
use canon_codegen::model::diff;
use canon_codegen::source::Source;
use proptest::prelude::*;

fn read(text: &str) -> Loaded {
    let loaded = load(vec![Source::new("x.sql", text)]);
    for account in &loaded.coverage {
        assert_eq!(account.statements, account.modelled + account.opaque + account.skipped + account.unparsed);
    }
    for diagnostic in &loaded.diagnostics {
        diagnostic.render(&loaded.sources, false);
    }
    assert!(diff(&loaded.model, &loaded.model, &mut expr::same_in).is_empty(), "a model is not equal to itself");
    counts(&loaded.model);
    loaded
}

/// What statements are made of.
const TOKENS: &[&str] = &[
    "CREATE",
    "ALTER",
    "DROP",
    "TABLE",
    "INDEX",
    "VIEW",
    "TYPE",
    "DOMAIN",
    "FUNCTION",
    "TRIGGER",
    "POLICY",
    "SEQUENCE",
    "SCHEMA",
    "EXTENSION",
    "COMMENT",
    "ON",
    "IS",
    "AS",
    "ENUM",
    "RANGE",
    "PARTITION",
    "OF",
    "BY",
    "FOR",
    "VALUES",
    "IN",
    "FROM",
    "TO",
    "WITH",
    "ATTACH",
    "INHERITS",
    "LIKE",
    "INCLUDING",
    "ALL",
    "PRIMARY",
    "KEY",
    "UNIQUE",
    "REFERENCES",
    "FOREIGN",
    "CHECK",
    "EXCLUDE",
    "USING",
    "gist",
    "DEFAULT",
    "NOT",
    "NULL",
    "GENERATED",
    "ALWAYS",
    "IDENTITY",
    "STORED",
    "COLLATE",
    "ADD",
    "COLUMN",
    "CONSTRAINT",
    "RENAME",
    "SET",
    "ONLY",
    "IF",
    "EXISTS",
    "CASCADE",
    "GRANT",
    "REVOKE",
    "SELECT",
    "DO",
    "BEGIN",
    "END",
    "THEN",
    "ATOMIC",
    "RETURNS",
    "LANGUAGE",
    "sql",
    "EXECUTE",
    "a",
    "b",
    "t",
    "s.t",
    "\"A b\"",
    "int",
    "text",
    "varchar(3)",
    "numeric(1,2)",
    "1",
    "-1",
    "'x'",
    "'",
    "$$",
    "$a$",
    "E'\\'",
    "(",
    ")",
    "[",
    "]",
    ",",
    ";",
    ".",
    "::",
    "=",
    "*",
    "--",
    "/*",
    "*/",
    "\\.",
    "\n",
    "\\restrict x\n",
    "COPY t FROM stdin;\n",
    "ü",
    "\u{feff}",
];

/// Statements of the fixtures, from which mutations start.
fn statements() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        all.extend(text.split_inclusive(';').map(str::to_owned));
    }
    assert!(all.len() > 50);
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(source) = Source::from_bytes("x.sql", bytes) {
            read(&source.text);
        }
    }

    #[test]
    fn any_tokens_are_read(tokens in proptest::collection::vec(proptest::sample::select(TOKENS), 0..60)) {
        read(&tokens.join(" "));
    }

    /// Statements cut, repeated, put together and with a token out of place.
    #[test]
    fn mutated_statements_are_read(
        picks in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), proptest::sample::select(TOKENS), 0..4u8), 1..12)
    ) {
        let all = statements();
        let mut text = String::new();
        for (statement, place, token, how) in picks {
            let statement = statement.get(&all);
            let mut at = place.index(statement.len() + 1);
            while !statement.is_char_boundary(at) {
                at -= 1;
            }
            match how {
                0 => text.push_str(statement),
                1 => text.push_str(&statement[..at]),
                2 => text.push_str(&statement[at..]),
                _ => text.push_str(&format!("{} {token} {}", &statement[..at], &statement[at..])),
            }
        }
        read(&text);
    }
}

#[test]
fn deep_nesting_is_read() {
    let n = 5_000;
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("f(", ")"),
        ("case when ", " end"),
        ("(select ", ")"),
        ("not ", ""),
        ("- ", ""),
        ("array[", "]"),
    ] {
        let nested = format!("{}1{}", open.repeat(n), close.repeat(n));
        for statement in [
            format!("CREATE TABLE t (a int DEFAULT {nested}, CHECK ({nested}))"),
            format!("CREATE VIEW v AS SELECT {nested}"),
            format!("CREATE VIEW v AS SELECT * FROM {nested}"),
            format!("DO $$ BEGIN IF {nested} THEN CREATE TABLE t (a int); END IF; END $$"),
            format!("SELECT {nested}"),
            nested.clone(),
        ] {
            read(&statement);
        }
    }
    let comments = 100_000;
    read(&format!("{}{}", "/*".repeat(comments), "*/".repeat(comments)));
    read(&format!("SELECT {}1{}", "(".repeat(comments), ")".repeat(comments)));
    read(&format!("DO $$ {} {} $$", "BEGIN ".repeat(n), "END; ".repeat(n)));
}

#[test]
fn long_chains_are_read() {
    let n = 5_000;
    for operator in [" + ", " AND ", " OR ", " || ", "::text ", " IS NOT NULL AND ", " UNION SELECT "] {
        let chain = vec!["a"; n].join(operator);
        read(&format!("CREATE TABLE t (a int, CHECK ({chain})); CREATE VIEW v AS SELECT {chain} FROM t"));
    }
}

#[test]
fn unclosed_quotes_are_read() {
    for open in ["'", "\"", "$$", "$x$", "/*", "(", "E'\\", "COPY t FROM stdin;\nx\n"] {
        for before in ["", "CREATE TABLE t (a int DEFAULT ", "COMMENT ON TABLE t IS ", "DO "] {
            let rest = "; CREATE TABLE u (b int);\n".repeat(5_000);
            read(&format!("{before}{open}{rest}"));
        }
    }
}

#[test]
fn one_statement_of_megabytes_is_read() {
    let values: String = (0..20_000).map(|n| format!("'value {n}',")).collect();
    let columns: String = (0..10_000).map(|n| format!("c{n} int, -- number {n}\n")).collect();
    let checks: String = (0..1_000).map(|n| format!("CHECK (a > {n}),")).collect();
    for statement in [
        format!("CREATE TABLE t (a text CHECK (a IN ({}'x')))", values),
        format!("CREATE TABLE t ({columns} last int)"),
        format!("CREATE TABLE t (a int, {checks} CHECK (a > 0))"),
        format!("CREATE TYPE e AS ENUM ({}'x')", values),
        format!("INSERT INTO t VALUES ({}'x')", values),
        format!("COMMENT ON SCHEMA public IS '{}'", "x".repeat(10_000_000)),
    ] {
        read(&statement);
    }
}

/// Things that grow on things: a line a step, so that a step must not cost what came before.
#[test]
fn towers_are_read() {
    let n = 400;
    let doubling: String = (1..40).map(|n| format!("CREATE VIEW v{n} AS SELECT *, * FROM v{};\n", n - 1)).collect();
    read(&format!("CREATE VIEW v0 AS SELECT 1 AS a; {doubling}"));
    for step in [
        "CREATE TABLE t{n} (a int) INHERITS (t{p});",
        "CREATE TABLE t{n} PARTITION OF t{p} DEFAULT PARTITION BY LIST (a);",
        "CREATE VIEW t{n} AS SELECT * FROM t{p};",
        "CREATE DOMAIN t{n} AS t{p};",
        "CREATE TABLE t{n} (LIKE t{p} INCLUDING ALL, b{n} int);",
        "CREATE TABLE t{n} (a int PRIMARY KEY REFERENCES t{p});",
    ] {
        let tower: String =
            (1..n).map(|n| step.replace("{n}", &n.to_string()).replace("{p}", &(n - 1).to_string()) + "\n").collect();
        let base = if step.contains("DOMAIN") {
            "CREATE DOMAIN t0 AS int;"
        } else {
            "CREATE TABLE t0 (a int PRIMARY KEY) PARTITION BY LIST (a);"
        };
        read(&format!(
            "{base}\n{tower} ALTER TABLE t0 ADD COLUMN z int; DROP TABLE t0 CASCADE; DROP DOMAIN t0 CASCADE;"
        ));
    }
    read("CREATE TABLE t (a int) PARTITION BY LIST (a); ALTER TABLE t ATTACH PARTITION t DEFAULT; ALTER TABLE t ADD b int;
          CREATE TABLE p (a int); ALTER TABLE p INHERIT p; ALTER TABLE p ADD b int; CREATE INDEX ON t (a); DROP TABLE p;");
}

/// Statements that end where a name was to come, and bodies of blocks that end too soon.
#[test]
fn statements_cut_short_are_read() {
    for statement in [
        "CREATE RULE",
        "CREATE RULE r AS ON",
        "CREATE RULE r AS ON INSERT TO",
        "CREATE OPERATOR CLASS c USING",
        "CREATE OPERATOR CLASS c FOR TYPE int USING btree AS OPERATOR 1 <",
        "DROP RULE r ON",
        "DROP OPERATOR FAMILY f USING",
        "CREATE USER MAPPING FOR",
        "CREATE CAST (",
        "DROP CAST",
        "SELECT 1 INTO",
        "CREATE TABLE t (a int); CREATE INDEX ON t ((a COLLATE))",
        "DO LANGUAGE",
        "DO LANGUAGE 'plpgsq\u{e9}' $$ $$",
        "DO $$ DECLARE x int :=; BEGIN FOR; FOR i IN LOOP FOREACH LOOP EXECUTE; x :=; END LOOP; END $$",
        "CREATE TABLE u&\"\\+\" (a int)",
        "ALTER FUNCTION f() RESET",
        "ROLLBACK TO",
    ] {
        read(statement);
        read(&format!("{statement};"));
    }
}

/// Kept beside each other they would make a model that differs from itself.
#[test]
fn names_that_are_taken_are_refused() {
    for (before, again) in [
        ("CREATE DOMAIN d AS int CONSTRAINT c CHECK (VALUE > 0)", "ALTER DOMAIN d ADD CONSTRAINT c CHECK (VALUE > 1)"),
        (
            "CREATE DOMAIN d AS int CONSTRAINT c CHECK (VALUE > 0) CONSTRAINT e CHECK (VALUE > 1)",
            "ALTER DOMAIN d RENAME CONSTRAINT e TO c",
        ),
        (
            "CREATE TABLE t (a int); CREATE POLICY p ON t; CREATE POLICY q ON t USING (a > 1)",
            "ALTER POLICY p ON t RENAME TO q",
        ),
        ("CREATE TYPE y AS (a int)", "ALTER TYPE y ADD ATTRIBUTE a text"),
        ("CREATE TYPE y AS (a int, b int)", "ALTER TYPE y RENAME ATTRIBUTE b TO a"),
        ("SELECT 1", "CREATE TYPE y AS (a int, a int)"),
        ("CREATE TYPE y AS (a int)", "ALTER TYPE y ADD ATTRIBUTE b int, ADD ATTRIBUTE a int"),
        ("SELECT 1", "CREATE DOMAIN d AS int CONSTRAINT c CHECK (VALUE > 0) CONSTRAINT c CHECK (VALUE > 1)"),
        ("SELECT 1", "CREATE TYPE e AS ENUM ('a', 'a')"),
        ("CREATE TYPE e AS ENUM ('a', 'b')", "ALTER TYPE e RENAME VALUE 'a' TO 'b'"),
        ("CREATE TYPE e AS ENUM ('a', 'b')", "ALTER TYPE e ADD VALUE 'b'"),
        ("CREATE TYPE e AS ENUM ()", "CREATE DOMAIN e AS int"),
        ("CREATE TYPE e AS ENUM ()", "CREATE TABLE e (a int)"),
        ("CREATE TYPE e AS ENUM ()", "CREATE VIEW e AS SELECT 1 AS a"),
        ("CREATE TABLE e (a int)", "CREATE TYPE e AS ENUM ()"),
        ("CREATE TYPE e AS ENUM (); CREATE DOMAIN d AS int", "ALTER TYPE e RENAME TO d"),
        ("CREATE TYPE e AS ENUM (); CREATE TABLE t (a int)", "ALTER TABLE t RENAME TO e"),
        ("CREATE SCHEMA s; CREATE TYPE e AS ENUM (); CREATE TYPE s.e AS ENUM ()", "ALTER TYPE e SET SCHEMA s"),
        ("CREATE TYPE r AS RANGE (subtype = int)", "CREATE TYPE r_multirange AS ENUM ()"),
        ("CREATE TYPE m AS ENUM ()", "CREATE TYPE r AS RANGE (subtype = int, multirange_type_name = m)"),
        ("SELECT 1", "CREATE TABLE t (a int, a text)"),
        ("SELECT 1", "CREATE TABLE t (xmin int)"),
        ("SELECT 1", "CREATE TABLE t (a, a) AS SELECT 1, 2"),
        ("SELECT 1", "CREATE VIEW v (a, a) AS SELECT 1, 2"),
        ("SELECT 1", "CREATE TABLE t (a int, CONSTRAINT c CHECK (a > 0), CONSTRAINT c CHECK (a > 1))"),
        ("CREATE TABLE t (a int, b int)", "ALTER TABLE t RENAME a TO b"),
        ("CREATE TABLE t (a int)", "ALTER TABLE t ADD a serial"),
        ("CREATE TABLE t (a int)", "ALTER TABLE t ADD b serial, ADD a int"),
        ("CREATE TABLE p (a int); CREATE TABLE t (b int) INHERITS (p)", "ALTER TABLE p RENAME a TO b"),
        ("CREATE VIEW v AS SELECT 1 AS a, 2 AS b", "ALTER VIEW v RENAME a TO b"),
        (
            "CREATE TABLE t (a int CONSTRAINT c CHECK (a > 0) CONSTRAINT d UNIQUE)",
            "ALTER TABLE t RENAME CONSTRAINT c TO d",
        ),
        ("CREATE TABLE t (a int CONSTRAINT c CHECK (a > 0) CONSTRAINT d UNIQUE)", "ALTER INDEX d RENAME TO c"),
        (
            "CREATE TABLE t (a int); CREATE TABLE u (a int CONSTRAINT d UNIQUE)",
            "ALTER TABLE t ADD CONSTRAINT d UNIQUE (a)",
        ),
        (
            "CREATE TABLE t (a int); CREATE INDEX i ON t (a)",
            "ALTER TABLE t ADD CONSTRAINT i EXCLUDE USING gist (a WITH =)",
        ),
        (
            "CREATE TABLE t (a int); CREATE UNIQUE INDEX i ON t (a); CREATE INDEX j ON t (a)",
            "ALTER TABLE t ADD CONSTRAINT j UNIQUE USING INDEX i",
        ),
        ("CREATE TABLE t (a int); CREATE INDEX i ON t (a); CREATE INDEX j ON t (a)", "ALTER INDEX i RENAME TO j"),
        ("CREATE TABLE t (a int PRIMARY KEY)", "CREATE TABLE u (b int PRIMARY KEY, LIKE t INCLUDING ALL)"),
        (
            "CREATE TABLE t (a int, CONSTRAINT c CHECK (a > 0))",
            "CREATE TABLE u (b int CONSTRAINT c CHECK (b > 0), LIKE t INCLUDING ALL)",
        ),
        ("CREATE SCHEMA s; CREATE TABLE t (a int); CREATE VIEW s.t AS SELECT 1 AS a", "ALTER TABLE t SET SCHEMA s"),
        ("CREATE SCHEMA s; CREATE TABLE t (a serial); CREATE SEQUENCE s.t_a_seq", "ALTER TABLE t SET SCHEMA s"),
        ("CREATE SCHEMA s; CREATE SEQUENCE q; CREATE SEQUENCE s.q", "ALTER SEQUENCE q SET SCHEMA s"),
        ("CREATE SEQUENCE q; CREATE SEQUENCE r", "ALTER SEQUENCE q RENAME TO r"),
        ("CREATE SCHEMA s; CREATE SCHEMA u", "ALTER SCHEMA s RENAME TO u"),
        (
            "CREATE FUNCTION f() RETURNS int RETURN 1; CREATE FUNCTION g() RETURNS int RETURN 1",
            "ALTER FUNCTION f RENAME TO g",
        ),
        (
            "CREATE SCHEMA s; CREATE FUNCTION f() RETURNS int RETURN 1; CREATE FUNCTION s.f() RETURNS int RETURN 1",
            "ALTER FUNCTION public.f SET SCHEMA s",
        ),
        ("CREATE MATERIALIZED VIEW v AS SELECT 1 AS a", "CREATE OR REPLACE VIEW v AS SELECT 2 AS a"),
        ("CREATE TEMP TABLE t (a int)", "CREATE TEMP TABLE t (a int)"),
    ] {
        let without = read(&format!("{before};"));
        assert_eq!(without.diagnostics.len(), 0, "{before}: {:?}", without.diagnostics);
        let loaded = read(&format!("{before}; {again};"));
        assert_eq!(loaded.diagnostics.len(), 1, "{again}: {:?}", loaded.diagnostics);
        let left = diff(&without.model, &loaded.model, &mut expr::same_in);
        assert!(left.is_empty(), "{again} leaves {left:?}");
    }
}

/// What is temporary is in a schema of its own, and ends with its file.
#[test]
fn temporary_names_hide_others_for_a_session() {
    let first = "CREATE TABLE t (a int); CREATE TEMP TABLE t (b int); ALTER TABLE t ADD c int; DROP TABLE t;
                 ALTER TABLE t ADD d int; CREATE TEMP TABLE t (e int);";
    let sources = vec![Source::new("1.sql", first), Source::new("2.sql", "ALTER TABLE t ADD f int;")];
    let loaded = load(sources);
    assert_eq!(loaded.diagnostics.len(), 0, "{:?}", loaded.diagnostics);
    let columns: Vec<&str> = loaded.model.tables[0].columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!((loaded.model.tables.len(), columns), (1, vec!["a", "d", "f"]));
}
