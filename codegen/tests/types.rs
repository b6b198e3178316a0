//! What `canon types` writes, feature by feature, and what it says about its settings.

mod common;

use common::Project;

/// A project with this DDL and these settings under `[types]`.
fn project(ddl: &str, settings: &str) -> Project {
    let project = Project::new();
    project.write("ddl/10_shop.sql", ddl);
    project.write(
        "canon.toml",
        &format!("[[source]]\nname = \"app\"\npaths = [\"ddl\"]\n\n[types]\npath = \"src\"\n{settings}"),
    );
    project
}

/// The generated file, without its first lines.
fn generated(ddl: &str, settings: &str, file: &str) -> String {
    let project = project(ddl, settings);
    let ran = project.canon(&["types"]);
    assert!(ran.ok, "{}", ran.err);
    project.read(&format!("src/{file}")).lines().skip(2).map(|line| format!("{line}\n")).collect()
}

/// What the command says where it refuses.
fn refusal(ddl: &str, settings: &str) -> String {
    let ran = project(ddl, settings).canon(&["types"]);
    assert!(!ran.ok, "{}", ran.out);
    ran.err
}

const T: &str = "CREATE TABLE app.t (id integer PRIMARY KEY, at timestamptz NOT NULL, span interval, doc jsonb);";

#[test]
fn an_enum() {
    let ddl = "CREATE TYPE app.mood AS ENUM ('sad', 'a-b', 'a_b');\nCOMMENT ON TYPE app.mood IS 'How it [goes].';";
    insta::assert_snapshot!(generated(ddl, "", "app/mood.rs"));
}

#[test]
fn a_domain_and_one_with_values() {
    let ddl = "CREATE DOMAIN app.email AS text CHECK (VALUE LIKE '%@%');
        CREATE DOMAIN app.grade AS text CHECK (VALUE IN ('low', 'high'));";
    insta::assert_snapshot!("domain", generated(ddl, "", "app/email.rs"));
    insta::assert_snapshot!("domain_with_values", generated(ddl, "", "app/grade.rs"));
}

#[test]
fn a_composite() {
    let ddl = "CREATE TYPE app.mood AS ENUM ('sad'); CREATE TYPE app.address AS (street text, \"No.\" integer, m app.mood[]);";
    insta::assert_snapshot!(generated(ddl, "", "app/address.rs"));
}

#[test]
fn a_composite_with_a_part_that_travels_as_text_is_text() {
    let ddl = "CREATE TYPE app.found AS (words tsvector); CREATE TABLE app.t (f app.found NOT NULL);";
    let table = generated(ddl, "", "app/t.rs");
    assert!(table.contains("pub f: String,"), "{table}");
    assert!(table.contains("columns.set_as(\"f\", \"::text::app.found\", &self.f);"), "{table}");
}

#[test]
fn a_range() {
    insta::assert_snapshot!(generated("CREATE TYPE app.span AS RANGE (subtype = float8);", "", "app/span.rs"));
}

#[test]
fn a_table_of_odd_columns() {
    let ddl = "CREATE TABLE app.\"Odd one\" (type text NOT NULL, \"a b\" integer[], a_b integer, \"2nd\" xml,
        seq integer GENERATED ALWAYS AS IDENTITY, twice integer GENERATED ALWAYS AS (a_b * 2) STORED);";
    insta::assert_snapshot!(generated(ddl, "", "app/odd_one.rs"));
}

#[test]
fn names_that_fold_together() {
    let ddl = "CREATE TABLE app.\"a b\" (id integer); CREATE TABLE app.a_b (id integer); CREATE TABLE app.\"A_B\" (id integer);
        CREATE TABLE \"App\".a_b (id integer); CREATE TABLE app.new_t (id integer); CREATE TABLE app.t (id integer);
        CREATE TABLE app.option (id integer); CREATE TABLE app.mod (id integer);
        CREATE TABLE app.u (id integer PRIMARY KEY); CREATE TABLE app.u_id (id integer);
        CREATE TABLE app.v (state text CHECK (state IN ('x'))); CREATE TYPE app.v_state AS ENUM ('y');";
    let ddl = format!("CREATE SCHEMA app; CREATE SCHEMA \"App\"; {ddl}");
    let project = project(&ddl, "");
    let ran = project.canon(&["types"]);
    assert!(ran.ok, "{}", ran.err);
    let mut found: Vec<String> = Vec::new();
    for path in project.files().into_keys() {
        let shown = path.strip_prefix(project.path("src")).map(|p| p.display().to_string()).unwrap_or_default();
        if !shown.ends_with(".rs") || shown.starts_with("runtime") {
            continue;
        }
        for line in project.read(&format!("src/{shown}")).lines() {
            let item = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "));
            found.extend(item.map(|rest| format!("{shown}: {}", rest.trim_end_matches([' ', '{', '(']))));
        }
    }
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn keys_follow_foreign_keys_of_the_same_type_only() {
    let ddl = "CREATE TABLE app.u (id bigint PRIMARY KEY);
        CREATE TABLE app.a (u_id bigint REFERENCES app.u (id), small integer REFERENCES app.u (id));";
    let table = generated(ddl, "", "app/a.rs");
    assert!(table.contains("pub u_id: Option<super::UId>,"), "{table}");
    assert!(table.contains("pub small: Option<i32>,"), "{table}");
}

#[test]
fn the_libraries_can_be_chosen() {
    for (settings, at, span) in [
        ("", "chrono::DateTime<chrono::Utc>", "rt::Interval"),
        ("dates = \"jiff\"", "jiff::Timestamp", "rt::Interval"),
        ("dates = \"time\"", "time::OffsetDateTime", "rt::Interval"),
        ("client = \"sqlx\"", "chrono::DateTime<chrono::Utc>", "rt::Interval"),
        ("client = \"none\"", "chrono::DateTime<chrono::Utc>", "rt::Interval"),
    ] {
        let table = generated(T, settings, "app/t.rs");
        assert!(table.contains(&format!("pub at: {at},")), "{settings}: {table}");
        assert!(table.contains(&format!("pub span: Option<{span}>,")), "{settings}: {table}");
        assert_eq!(table.contains("FromRow"), !settings.contains("none"), "{settings}: {table}");
    }
    let error = refusal(T, "client = \"sqlx\"\ndates = \"jiff\"");
    assert!(error.contains("sqlx has no conversions for jiff"), "{error}");
}

#[test]
fn serde_can_be_left_to_a_feature() {
    let ddl = "CREATE TABLE app.t (id integer PRIMARY KEY, \"Name\" text, state text CHECK (state IN ('a')));";
    insta::assert_snapshot!("serde_feature", generated(ddl, "serde = \"feature\"", "app/t.rs"));
    let never = project(ddl, "serde = \"never\"");
    assert!(never.canon(&["types"]).ok);
    for file in ["src/app/t.rs", "src/runtime/mod.rs", "src/mod.rs"] {
        assert!(!never.read(file).contains("serde"), "{file}: {}", never.read(file));
    }
}

#[test]
fn a_column_gets_the_type_that_a_path_names() {
    let settings = "[types.\"app.*.doc\"]\nrust = \"crate::Doc\"\n[types.\"app.t.at\"]\nrust = \"crate::At\"\nderive = [\"Copy\"]\n\
                    [types.\"pg_catalog.interval\"]\nrust = \"crate::Span\"\n[types.\"app.x.*\"]\nnullable = true\n";
    let project = project(T, settings);
    let ran = project.canon(&["types"]);
    let table = project.read("src/app/t.rs");
    for line in ["pub doc: Option<rt::Json<crate::Doc>>,", "pub at: crate::At,", "pub span: Option<crate::Span>,"] {
        assert!(table.contains(line), "{line}: {table}");
    }
    assert_eq!(ran.err, "note: [types.\"app.x.*\"]: nothing in the schema matches it\n");
}

#[test]
fn a_column_can_travel_as_text() {
    let project = project(T, "[types.\"app.t.at\"]\ntext = true\n[types.\"pg_catalog.interval\"]\ntext = true\n");
    assert!(project.canon(&["types"]).ok);
    let table = project.read("src/app/t.rs");
    for line in [
        "pub at: String,",
        "pub span: Option<String>,",
        "columns.set_as(\"span\", \"::text::interval\", &self.optional.span);",
    ] {
        assert!(table.contains(line), "{line}: {table}");
    }
}

#[test]
fn settings_that_contradict_or_mean_nothing_are_refused() {
    for (settings, expected) in [
        (
            "[types.\"app.*.doc\"]\nrust = \"A\"\n[types.\"app.t.*\"]\nrust = \"B\"",
            "[types.\"app.*.doc\"] and [types.\"app.t.*\"] all match app.t.doc, and none is more specific than the \
             others; add [types.\"app.t.doc\"]",
        ),
        ("[types.doc]\nrust = \"A\"", "[types.\"doc\"]: write \"schema.table.column\" or \"schema.type\""),
        ("[types.\"app.t.doc\"]\nrust = \"fn\"", "[types.\"app.t.doc\"]: rust: `fn` is not a Rust type"),
        ("[types.\"app.t.doc\"]\nrusty = \"A\"", "[types.\"app.t.doc\"]: unknown field `rusty`"),
        ("[types.\"app.t.span\"]\nmultidimensional = true", "multidimensional: interval is not an array"),
        ("clients = \"sqlx\"", "[types]: there is no setting `clients`"),
        ("client = \"diesel\"", "unknown variant `diesel`"),
    ] {
        let error = refusal(T, settings);
        assert!(error.contains(expected), "{settings}: {error}");
    }
}

#[test]
fn partitions_go_by_the_type_of_their_table() {
    let ddl = "CREATE TABLE app.m (n integer) PARTITION BY LIST (n); CREATE TABLE app.m1 PARTITION OF app.m DEFAULT;";
    let exists = |settings: &str| {
        let project = project(ddl, settings);
        assert!(project.canon(&["types"]).ok);
        project.path("src/app/m1.rs").exists()
    };
    assert_eq!((exists(""), exists("partitions = true")), (false, true));
}

#[test]
fn the_same_table_in_two_sources_is_refused() {
    let project = project(T, "");
    let twice = "[[source]]\nname = \"a\"\npaths = [\"ddl\"]\n[[source]]\nname = \"b\"\npaths = [\"ddl\"]\n[types]\npath = \"src\"";
    project.write("canon.toml", twice);
    let ran = project.canon(&["types"]);
    assert!(ran.err.contains("sources `a` and `b` both declare app.t"), "{}", ran.err);
}

/// Text of people reaches the code as text, whatever is in it.
#[test]
fn hostile_comments_and_labels_stay_text() {
    let ddl = "CREATE TYPE app.e AS ENUM ('\"; fn main() {} //', E'a\\u202eb', '*/');
        COMMENT ON TYPE app.e IS E'*/ \" ''\\n/// ```\\r\\n    panic!()\\u202e \\\\';";
    let code = generated(ddl, "", "app/e.rs");
    assert!(syn::parse_file(&code).is_ok(), "{code}");
    assert!(!code.contains('\u{202e}') && !code.contains('\r'), "{code}");
    assert!(!code.contains("```"), "{code}");
}
