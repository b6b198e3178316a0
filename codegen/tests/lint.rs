//! The rules of `canon lint`, by the pages of the book: what a page says fires, fires; what it says
//! is silent, is silent. And the engine around them: ignores, baseline, order.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use canon_codegen::lint::{self, Baseline, Document, LintConfig, RULES, Report, Rule, Subject, Unit};
use canon_codegen::load::{Loaded, load};
use canon_codegen::project::Project;
use canon_codegen::source::Source;
use chrono::NaiveDate;
use proptest::prelude::*;

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 1, 1).unwrap()
}

fn loaded(sql: &str) -> Loaded {
    load(vec![Source::new("t.sql", sql)])
}

fn config(text: &str) -> LintConfig {
    toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn run(sql: &str, config: &LintConfig) -> Report {
    lint::run(&Subject { units: vec![Unit::from(&loaded(sql))], ..Subject::default() }, config, today())
}

/// Rules that found something, once each, in the order of the findings.
fn codes(report: &Report) -> Vec<&'static str> {
    report.findings.iter().map(|f| f.code).collect()
}

fn pages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/lint")
}

/// The blocks of a section as (language, text).
fn blocks(page: &str, heading: &str) -> Vec<(String, String)> {
    let (mut inside, mut open, mut found) = (false, None, Vec::new());
    for line in page.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(language), None) => open = Some((language.to_owned(), String::new())),
            (Some(_), Some(_)) => found.extend(open.take().filter(|_| inside)),
            (None, Some((_, text))) => text.extend([line, "\n"]),
            (None, None) if line.starts_with("## ") => inside = &line[3..] == heading,
            (None, None) => {}
        }
    }
    found
}

/// Runs the example of a section: `toml` is `[lint]`, `markdown` is a document each, `json` is the
/// baseline.
fn example(rule: &Rule, heading: &str) -> Report {
    let blocks = blocks(rule.page, heading);
    let of = |language: &'static str| blocks.iter().filter(move |(l, _)| l == language).map(|(_, text)| text.as_str());
    let sql: Vec<&str> = of("sql").collect();
    assert!(!sql.is_empty(), "{}: no SQL under {heading}", rule.code);
    let config = config(of("toml").next().unwrap_or_default());
    let document = |(n, text)| Document {
        source: Source::new(format!("docs/{n}.md"), text),
        scope: None,
        counted: true,
        linked: true,
    };
    let documents: Vec<Document> = of("markdown").enumerate().map(document).collect();
    let loaded = loaded(&sql.concat());
    let subject = Subject { units: vec![Unit::from(&loaded)], documents: &documents, prefixes: None };
    let mut report = lint::run(&subject, &config, today());
    if let Some(text) = of("json").next() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        report.apply_baseline(&Baseline::read(file.path()).unwrap(), "baseline.json", &config);
    }
    report
}

#[test]
fn every_rule_fires_and_is_silent_where_its_page_says() {
    for rule in RULES {
        let fires = example(rule, "Fires");
        assert!(codes(&fires).contains(&rule.code), "{} does not fire: {:#?}", rule.code, fires.findings);
        let silent = example(rule, "Silent");
        assert!(!codes(&silent).contains(&rule.code), "{} is not silent: {:#?}", rule.code, silent.findings);
    }
}

/// The first example of a page shows one mistake, not several.
#[test]
fn examples_are_clean_but_for_their_own_rule() {
    // A rule whose example is necessarily an example of another one too.
    let also = [("L2", "L7"), ("C2", "L7"), ("C1", "L7"), ("C6", "L7"), ("L19", "L6"), ("L20", "L6"), ("L13", "L14")];
    let mut others = Vec::new();
    for rule in RULES {
        for heading in ["Fires", "Silent"] {
            for finding in example(rule, heading).findings {
                // Conventions that no short example can keep.
                let convention = finding.severity == lint::Severity::Info || finding.code == "L6";
                let known = finding.code == rule.code || also.contains(&(rule.code, finding.code)) || convention;
                if !known {
                    others.push(format!("{} {heading}: {} {}", rule.code, finding.code, finding.message));
                }
            }
        }
    }
    assert_eq!(others, [""; 0]);
}

#[test]
fn every_page_belongs_to_a_rule_and_says_its_name_and_severity() {
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(pages()).unwrap() {
        files.insert(entry.unwrap().file_name().into_string().unwrap());
    }
    let expected: BTreeSet<String> =
        RULES.iter().map(|r| format!("{}.md", r.code)).chain(["README.md".to_owned()]).collect();
    assert_eq!(files, expected);
    for rule in RULES {
        let head = format!("# {} {}\n\nSeverity: {}\n", rule.code, rule.name, rule.severity.label());
        assert!(rule.page.starts_with(&head), "docs/lint/{}.md does not begin with\n{head}", rule.code);
        let on_disk = fs::read_to_string(pages().join(format!("{}.md", rule.code))).unwrap();
        assert_eq!(on_disk, rule.page, "{}", rule.code);
        for part in ["**What.**", "**Why.**", "**Fix.**", "## Source"] {
            assert!(rule.page.contains(part), "docs/lint/{}.md has no {part}", rule.code);
        }
    }
}

/// With `PG_CANON_WRITE=1` in the environment the index is written anew.
#[test]
fn the_index_lists_every_rule() {
    let mut table = "| rule | name | severity | what it finds |\n|---|---|---|---|\n".to_owned();
    for rule in RULES {
        let (code, name, severity) = (rule.code, rule.name, rule.severity.label());
        table.push_str(&format!("| [{code}]({code}.md) | `{name}` | {severity} | {} |\n", rule.summary));
    }
    let path = pages().join("README.md");
    let page = fs::read_to_string(&path).unwrap();
    let head = page.split("| rule |").next().unwrap();
    let wanted = format!("{head}{table}");
    if std::env::var_os("PG_CANON_WRITE").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    assert_eq!(page, wanted, "run the test with PG_CANON_WRITE=1 to write the index anew");
}

#[test]
fn numbers_and_names_are_unique() {
    let codes: BTreeSet<&str> = RULES.iter().map(|r| r.code).collect();
    let names: BTreeSet<&str> = RULES.iter().map(|r| r.name).collect();
    assert_eq!((codes.len(), names.len()), (RULES.len(), RULES.len()));
}

/// What real schemas look like that is right, or wrong in a way the page does not show. The first
/// word is the rule; `!` says that it is silent.
const CASES: &[(&str, &str)] = &[
    ("L5", "CREATE TABLE t (a int, b int, UNIQUE (a, b)); CREATE INDEX i ON t (a);"),
    ("L5", "CREATE TABLE t (a int); CREATE INDEX i ON t (a) WHERE a > 0; CREATE INDEX j ON t (a) WHERE (a > 0);"),
    ("L5", "CREATE TABLE t (a int PRIMARY KEY); ALTER TABLE t ADD UNIQUE (a);"),
    ("!L5", "CREATE TABLE t (a int, b int, UNIQUE (a, b)); CREATE INDEX i ON t (b);"),
    ("!L5", "CREATE TABLE t (a int, b int); CREATE INDEX i ON t (a, b); CREATE UNIQUE INDEX j ON t (a);"),
    ("!L5", "CREATE TABLE t (a int); CREATE INDEX i ON t (a); CREATE INDEX j ON t (a DESC NULLS LAST);"),
    ("!L5", "CREATE TABLE t (a text); CREATE INDEX i ON t (a); CREATE INDEX j ON t (a text_pattern_ops);"),
    ("!L5", "CREATE TABLE t (a int); CREATE INDEX i ON t (a); CREATE INDEX j ON t USING hash (a);"),
    ("!L5", "CREATE TABLE t (a int, b int); CREATE INDEX i ON t (a); CREATE INDEX j ON t (a) INCLUDE (b) WHERE b > 0;"),
    ("!L5", "CREATE TABLE t (a int UNIQUE NULLS NOT DISTINCT); CREATE UNIQUE INDEX j ON t (a);"),
    (
        "L6",
        "CREATE TABLE a (i int PRIMARY KEY); CREATE TABLE b (a int REFERENCES a, c int); CREATE INDEX x ON b (c, a);",
    ),
    (
        "L6",
        "CREATE TABLE a (i int PRIMARY KEY); CREATE TABLE b (a int REFERENCES a); CREATE INDEX x ON b (a) WHERE a > 0;",
    ),
    (
        "!L6",
        "CREATE TABLE a (i int PRIMARY KEY); CREATE TABLE b (a int REFERENCES a); CREATE INDEX x ON b (a) WHERE a IS NOT NULL;",
    ),
    (
        "!L6",
        "CREATE TABLE a (x int, y int, PRIMARY KEY (x, y));
             CREATE TABLE b (y int, x int, z int, FOREIGN KEY (x, y) REFERENCES a, PRIMARY KEY (y, x, z));",
    ),
    (
        "!L6",
        "CREATE TABLE a (i int PRIMARY KEY); CREATE TABLE b (a int REFERENCES a); CREATE INDEX x ON b USING hash (a);",
    ),
    (
        "!L6",
        "CREATE TABLE a (i int PRIMARY KEY); CREATE TABLE b (a int REFERENCES a, d date) PARTITION BY RANGE (d);
             CREATE INDEX x ON b (a); CREATE TABLE b1 PARTITION OF b DEFAULT;",
    ),
    ("!L7", "CREATE TABLE p (i int, PRIMARY KEY (i)) PARTITION BY LIST (i); CREATE TABLE p1 PARTITION OF p DEFAULT;"),
    ("!L7", "CREATE TABLE t AS SELECT * FROM elsewhere();"),
    ("L7", "CREATE TABLE t AS SELECT 1 AS x;"),
    ("L8", "CREATE TABLE teams (team_id int PRIMARY KEY); CREATE TABLE t (i int PRIMARY KEY, team_id int);"),
    ("L8", "CREATE TABLE steps_ste (ste_id uuid PRIMARY KEY, predecessor_ste_id uuid);"),
    ("!L8", "CREATE TABLE reactions (id int PRIMARY KEY, reaction_id int);"),
    ("!L8", "CREATE TABLE settings (shop_id int PRIMARY KEY); CREATE TABLE t (i int PRIMARY KEY, shop_id int);"),
    ("!L8", "CREATE TABLE teams (id int PRIMARY KEY); CREATE TABLE t (i int PRIMARY KEY, team_id text);"),
    (
        "!L9",
        "CREATE TABLE u (id uuid PRIMARY KEY DEFAULT gen_random_uuid());
             CREATE TABLE p (id uuid PRIMARY KEY REFERENCES u);",
    ),
    (
        "!L10",
        "CREATE TABLE t (i int PRIMARY KEY, updated_at timestamptz);
              CREATE TRIGGER x BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION other.moddatetime(updated_at);",
    ),
    (
        "L10",
        "CREATE TABLE t (i int PRIMARY KEY, updated_at timestamptz);
             CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.i := 1; RETURN NEW; END';
             CREATE TRIGGER x BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f();",
    ),
    ("!L12", "CREATE TABLE t (created_at timestamptz, created_date date GENERATED ALWAYS AS ('2020-01-01') STORED);"),
    (
        "L13",
        "CREATE TABLE status_sts (id int PRIMARY KEY, sts_type text);
             CREATE TABLE a (a_status int REFERENCES status_sts); CREATE TABLE b (b_status int REFERENCES status_sts);",
    ),
    ("!L13", "CREATE TABLE t (status text, CONSTRAINT c CHECK (status = ANY (ARRAY['a'::text, 'b'::text])));"),
    ("!L13", "CREATE TYPE s AS ENUM ('x'); CREATE TABLE t (status s, http_status int, order_status boolean);"),
    (
        "!L14",
        "CREATE TABLE t (flag boolean DEFAULT NULL, a int DEFAULT 0, b text DEFAULT 'x', c timestamptz DEFAULT now());",
    ),
    ("!L15", "CREATE TABLE t (email text UNIQUE);"),
    ("!L15", "CREATE TABLE t (a int, b int NOT NULL, UNIQUE (a, b)); CREATE UNIQUE INDEX i ON t (b) WHERE a IS NULL;"),
    ("!L15", "CREATE TABLE t (o int NOT NULL, a int, b int, UNIQUE (o, a), CHECK ((a IS NULL) <> (b IS NULL)));"),
    ("!L15", "CREATE DOMAIN d AS int NOT NULL; CREATE TABLE t (a d, b int NOT NULL, UNIQUE (a, b));"),
    ("!L16", "CREATE TABLE t (bytes_per_second int, kilobytes int, body bytea);"),
    ("!L17", "CREATE TABLE t (id int PRIMARY KEY, tenant int, deleted_at timestamptz, UNIQUE (tenant, id));"),
    ("!L17", "CREATE TABLE t (id int PRIMARY KEY, slug text, deleted_at timestamptz, UNIQUE (slug, deleted_at));"),
    ("L18", "CREATE TABLE t (id int PRIMARY KEY); CREATE POLICY p ON t USING (true);"),
    ("!L21", "CREATE TABLE t (tags text[] DEFAULT '{}', json_url text, data jsonb DEFAULT '{}');"),
    ("L21", "CREATE TABLE t (tags text DEFAULT '{}');"),
    ("!L22", "CREATE TABLE t (id serial PRIMARY KEY); CREATE TABLE u (id int GENERATED ALWAYS AS IDENTITY);"),
    (
        "!L22",
        "CREATE SEQUENCE s; CREATE TABLE t (id int DEFAULT nextval('s')); CREATE TABLE u (id int DEFAULT nextval('s'));",
    ),
    ("!L25", "CREATE TABLE t (id int PRIMARY KEY, parent int REFERENCES t);"),
    (
        "!L26",
        "CREATE SCHEMA a; CREATE TABLE a.t (d date) PARTITION BY RANGE (d); CREATE SCHEMA p;
              CREATE TABLE p.t PARTITION OF a.t DEFAULT;",
    ),
    ("!L28", "CREATE TABLE t (i int); DROP TABLE t; CREATE TABLE t (i int, j int);"),
    ("L28", "DROP TABLE t; CREATE TABLE t (i int);"),
];

#[test]
fn rules_keep_to_what_they_can_show() {
    let mut wrong = Vec::new();
    for (rule, sql) in CASES {
        let found = codes(&run(sql, &LintConfig::default()));
        let code = rule.trim_start_matches('!');
        assert!(lint::find(code).is_some(), "{code}");
        if found.contains(&code) == rule.starts_with('!') {
            wrong.push(format!("{rule}: {sql} {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The packs of this repository, and the documents that count them.
#[test]
fn this_repository_is_clean() {
    let project = Project::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../canon.toml")).unwrap();
    let documents = lint::documents(&project).unwrap();
    assert!(documents.iter().any(|d| d.counted) && documents.iter().any(|d| d.linked));
    let report =
        lint::run(&Subject::of(&project, &documents), &project.config.lint.clone().unwrap_or_default(), today());
    assert_eq!(report.findings, []);
}

const STAGING: &str = "CREATE TABLE staging (\n    line text\n);\n";

#[test]
fn a_comment_accepts_a_finding_on_its_line_or_the_line_below() {
    let quiet = LintConfig::default();
    for (sql, expected) in [
        (STAGING.to_owned(), vec!["L7"]),
        (format!("-- canon-ignore L7: one import\n{STAGING}"), vec![]),
        (format!("-- canon-ignore table-without-primary-key: one import\n{STAGING}"), vec![]),
        (format!("/* canon-ignore L7: one import */\n{STAGING}"), vec![]),
        (format!("-- canon-ignore L7: one import\n-- and more about it\n{STAGING}"), vec![]),
        (STAGING.replace("(\n", "( -- canon-ignore L7: one import\n"), vec![]),
        (format!("-- canon-ignore-file L7: one import\n\n\n{STAGING}{}", STAGING.replace("staging", "second")), vec![]),
        // A blank line between them, or another line: the comment is about something else.
        (format!("-- canon-ignore L7: one import\n\n{STAGING}"), vec!["C3", "L7"]),
        (STAGING.replace("text\n", "text -- canon-ignore L7: one import\n"), vec!["L7", "C3"]),
        (format!("-- canon-ignore L7\n{STAGING}"), vec!["C1", "L7"]),
        (format!("-- canon-ignore L7:  \n{STAGING}"), vec!["C1", "L7"]),
        (format!("-- canon-ignore: one import\n{STAGING}"), vec!["C2", "L7"]),
        (format!("-- canon-ignore L77: one import\n{STAGING}"), vec!["C2", "L7"]),
        // Not comments.
        (format!("SELECT '-- canon-ignore L7: x';\n{STAGING}"), vec!["L7"]),
        (format!("DO $$\n-- canon-ignore L7: x\n$$;\n{STAGING}"), vec!["L7"]),
    ] {
        assert_eq!(codes(&run(&sql, &quiet)), expected, "{sql}");
    }
}

#[test]
fn a_comment_above_a_statement_covers_what_is_in_it() {
    let table =
        "CREATE TABLE t (\n    id bigint PRIMARY KEY,\n    a boolean DEFAULT true,\n    b boolean DEFAULT true\n);\n";
    let report = run(&format!("-- canon-ignore L14: as the source has it\n{table}"), &LintConfig::default());
    assert_eq!((codes(&report), report.ignored), (vec![], 2));
    let one = table.replace("true,\n", "true, -- canon-ignore L14: as the source has it\n");
    let report = run(&one, &LintConfig::default());
    assert_eq!((codes(&report), report.ignored), (vec!["L14"], 1));
}

#[test]
fn one_comment_can_name_several_rules() {
    let sql = "-- canon-ignore L7, L14: a heap of imports\nCREATE TABLE t (a boolean DEFAULT true);\n";
    assert_eq!(codes(&run(sql, &LintConfig::default())), [""; 0]);
    let unused = sql.replace("L14", "L9");
    assert_eq!(codes(&run(&unused, &LintConfig::default())), ["C3", "L14"]);
}

#[test]
fn a_rule_that_is_off_finds_nothing_and_needs_no_comment() {
    let sql = format!("-- canon-ignore L7: one import\n{STAGING}");
    assert_eq!(codes(&run(&sql, &config("[rules]\nL7 = 'off'"))), [""; 0]);
    let louder = run(STAGING, &config("[rules]\ntable-without-primary-key = 'error'"));
    assert!(louder.fails(lint::Severity::Error));
}

#[test]
fn a_baseline_survives_moving_lines_and_reports_what_is_gone() {
    let config = LintConfig::default();
    let baseline = Baseline::of(&run(STAGING, &config).findings);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("baseline.json");
    baseline.write(&path).unwrap();
    let baseline = Baseline::read(&path).unwrap();
    let apply = |sql: &str| {
        let mut report = run(sql, &config);
        report.apply_baseline(&baseline, "baseline.json", &config);
        (codes(&report), report.known)
    };
    assert_eq!(apply(&format!("\n\nSELECT 1;\n{STAGING}")), (vec![], 1));
    assert_eq!(apply(&format!("{STAGING}CREATE TABLE second (line text);")), (vec!["L7"], 1));
    assert_eq!(apply("SELECT 1;"), (vec!["C6"], 0));
}

#[test]
fn a_baseline_never_replaces_another_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.json");
    fs::write(&path, "{ \"mine\": true }").unwrap();
    assert!(Baseline::default().write(&path).is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), "{ \"mine\": true }");
}

#[test]
fn findings_come_in_the_order_of_the_text() {
    let sql = "CREATE TABLE b (line text);\nCREATE TABLE a (size_bytes int, line text);\n";
    let report = run(sql, &LintConfig::default());
    let lines: Vec<u32> = report.findings.iter().map(|f| f.place.as_ref().unwrap().line).collect();
    assert!(lines.is_sorted() && lines.len() == 3, "{lines:?}");
}

#[test]
fn a_model_without_text_is_linted_too() {
    let loaded = loaded(STAGING);
    let report = lint::run(
        &Subject { units: vec![Unit::from(&loaded.model)], ..Subject::default() },
        &LintConfig::default(),
        today(),
    );
    assert_eq!(codes(&report), ["L7"]);
    assert!(report.findings[0].place.is_none());
}

/// Pieces of DDL that rules look at, put together at random.
fn statement() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "b", "\"C d\"", "s.a", "audit_x", "organizations", "status_sts", "é"]);
    let column = prop::sample::select(vec![
        "id uuid PRIMARY KEY",
        "id int",
        "organization_id uuid NOT NULL",
        "status text DEFAULT 'x'",
        "deleted_at timestamptz",
        "a_id uuid REFERENCES a",
        "b_id int REFERENCES b (id) ON DELETE CASCADE",
        "e ENUM('x', 'y')",
        "data_json text UNIQUE",
        "g timestamptz GENERATED ALWAYS AS (now()) STORED",
        "updated_at timestamptz",
        "updated_on date",
        "size_bytes int DEFAULT nextval('q')",
        "UNIQUE (id, status)",
        "CHECK (status IN ('x'))",
        "FOREIGN KEY (organization_id) REFERENCES organizations",
        "odd mystery",
    ]);
    let table =
        (name.clone(), prop::collection::vec(column, 0..6), any::<bool>()).prop_map(|(name, columns, comment)| {
            let comment = if comment { "-- canon-ignore L7, L14, L99: because\n" } else { "" };
            format!("{comment}CREATE TABLE {name} ({});", columns.join(",\n  "))
        });
    let other = (name.clone(), name).prop_flat_map(|(a, b)| {
        prop::sample::select(vec![
            format!("DROP TABLE {a};"),
            format!("DROP TABLE IF EXISTS {a}, {b} CASCADE;"),
            format!("ALTER TABLE {a} ADD FOREIGN KEY (b_id) REFERENCES {b};"),
            format!("ALTER TABLE {a} ENABLE ROW LEVEL SECURITY;"),
            format!("CREATE POLICY p ON {a} USING (id IN (SELECT id FROM {b}));"),
            format!("CREATE INDEX ON {a} (status, id) WHERE deleted_at < now();"),
            format!("CREATE UNIQUE INDEX ON {a} (lower(status));"),
            format!("CREATE VIEW v AS SELECT * FROM {a} JOIN {b} USING (id);"),
            format!("CREATE TRIGGER t BEFORE UPDATE ON {a} FOR EACH ROW EXECUTE FUNCTION f();"),
            "CREATE SEQUENCE q;".to_owned(),
            "/* canon-ignore".to_owned(),
            "CREATE TABLE broken (x int".to_owned(),
        ])
    });
    prop_oneof![3 => table, 2 => other]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_schema_makes_a_rule_panic(statements in prop::collection::vec(statement(), 0..12)) {
        let sql = statements.join("\n");
        let loaded = loaded(&sql);
        let documents = [Document { source: Source::new("docs/a.md", sql.as_str()), scope: None, counted: true, linked: true }];
        let subject = Subject { units: vec![Unit::from(&loaded)], documents: &documents, prefixes: None };
        let report = lint::run(&subject, &LintConfig::default(), today());
        for finding in report.findings.iter().filter_map(|f| f.place.as_ref()) {
            prop_assert!(finding.range.start <= finding.range.end && finding.range.end <= sql.len());
        }
        let human = lint::output::human(&report, &subject, false);
        let sarif = lint::output::sarif(&report, "https://example.org/lint");
        prop_assert!(human.ends_with('\n'));
        prop_assert!(serde_json::from_str::<serde_json::Value>(&sarif).is_ok());
        // A baseline of everything leaves nothing.
        let mut known = report.clone();
        known.apply_baseline(&Baseline::of(&report.findings), "baseline.json", &LintConfig::default());
        prop_assert!(known.findings.is_empty());
    }

    #[test]
    fn no_text_makes_a_rule_panic(text in "(?s)[-a-z'\"$/*;() \n,.é]{0,200}") {
        let sql = format!("CREATE TABLE t (id int);\n-- canon-ignore {text}\n{text}");
        run(&sql, &LintConfig::default());
    }
}
