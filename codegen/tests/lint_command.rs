//! `canon lint` as a user runs it: its output in each form, its exit code, its files.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

const DDL: &str = "CREATE SCHEMA shop;
CREATE TABLE shop.customers (id bigint PRIMARY KEY, \"note: 100%, ok\" text);
CREATE TABLE shop.orders (
    id uuid PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES shop.customers (id), -- who pays
    state ENUM('open', 'paid')
);
";

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn canon(folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_canon"));
    let output = command.arg("lint").args(arguments).current_dir(folder).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

#[test]
fn people_see_the_lines() {
    let folder = folder(&[("ddl/10_shop.sql", DDL)]);
    let ran = canon(folder.path(), &["ddl"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""));
    insta::assert_snapshot!("lint_human", ran.out);
}

#[test]
fn github_gets_one_command_a_finding() {
    let folder = folder(&[("ddl/10_shop.sql", DDL)]);
    let ran = canon(folder.path(), &["--format", "github", "ddl"]);
    insta::assert_snapshot!("lint_github", ran.out);
}

#[test]
fn json_holds_everything() {
    let folder = folder(&[("ddl/10_shop.sql", DDL)]);
    let ran = canon(folder.path(), &["--format", "json", "ddl"]);
    let document: Value = serde_json::from_str(&ran.out).unwrap();
    let first = &document["findings"].as_array().unwrap().iter().find(|f| f["rule"] == "L6").unwrap();
    assert_eq!((&first["file"], &first["line"], &first["column"]), (&"ddl/10_shop.sql".into(), &5.into(), &33.into()));
    assert_eq!(first["fingerprint"], "L6 constraint shop.orders.orders_customer_id_fkey");
    assert_eq!((&document["errors"], &document["warnings"], &document["notes"]), (&1.into(), &1.into(), &1.into()));
}

/// The types are made from the published schema. The whole log was held against the schema itself
/// when it was written.
#[test]
fn sarif_has_the_form_of_its_schema() {
    let folder = folder(&[("ddl/10 shop.sql", DDL)]);
    let ran = canon(folder.path(), &["--format", "sarif", "ddl"]);
    let log: serde_sarif::sarif::Sarif = serde_json::from_str(&ran.out).unwrap();
    let run = &log.runs[0];
    let rules = run.tool.driver.rules.as_ref().unwrap();
    assert_eq!(rules.len(), canon_codegen::lint::RULES.len());
    let results = run.results.as_ref().unwrap();
    assert_eq!(results.len(), 3);
    for result in results {
        let index = usize::try_from(result.rule_index.unwrap()).unwrap();
        assert_eq!(Some(&rules[index].id), result.rule_id.as_ref());
        let place = result.locations.as_ref().unwrap()[0].physical_location.as_ref().unwrap();
        assert_eq!(place.artifact_location.as_ref().unwrap().uri.as_deref(), Some("ddl/10%20shop.sql"));
    }
    // What is written is what the types know: nothing is lost on the way through them.
    let again = serde_json::to_value(&log).unwrap();
    assert_eq!(again, serde_json::from_str::<Value>(&ran.out).unwrap());
}

#[test]
fn the_exit_code_follows_fail_on() {
    let folder = folder(&[("a.sql", "CREATE TABLE t (line text);"), ("canon.toml", "[lint]\nfail-on = 'error'")]);
    for (arguments, code) in [
        (&["a.sql"][..], 0),
        (&["--fail-on", "warning", "a.sql"], 1),
        (&["--fail-on", "info", "a.sql"], 1),
        (&["--fail-on", "never", "a.sql"], 0),
        (&["--config", "nowhere.toml", "a.sql"], 2),
    ] {
        assert_eq!(canon(folder.path(), arguments).code, Some(code), "{arguments:?}");
    }
}

#[test]
fn a_baseline_lets_a_schema_start_where_it_is() {
    let folder = folder(&[("a.sql", "CREATE TABLE t (line text);")]);
    let written = canon(folder.path(), &["--write-baseline", "base.json", "a.sql"]);
    assert_eq!((written.code, written.out.as_str()), (Some(0), "base.json: 1 known finding\n"));
    let known = canon(folder.path(), &["--baseline", "base.json", "a.sql"]);
    assert_eq!((known.code, known.out.as_str()), (Some(0), "nothing found; 1 known to the baseline\n"));
    fs::write(folder.path().join("a.sql"), "CREATE TABLE t (line text PRIMARY KEY);").unwrap();
    let stale = canon(folder.path(), &["--baseline", "base.json", "a.sql"]);
    assert_eq!(stale.code, Some(1));
    assert!(stale.out.contains("base.json still lists `L7 table public.t`"), "{}", stale.out);
    let missing = canon(folder.path(), &["--baseline", "nowhere.json", "a.sql"]);
    assert!(missing.code == Some(2) && missing.err.contains("nowhere.json"), "{}", missing.err);
}

#[test]
fn a_project_is_linted_with_its_documents() {
    let config = "[[source]]\nname = 'shop'\npaths = ['ddl']\n[lint]\ndocuments = ['docs/**/*.md', 'README.md']\n";
    let folder = folder(&[
        ("canon.toml", config),
        ("ddl/a.sql", "CREATE TABLE t (line text PRIMARY KEY);"),
        ("README.md", "There are 9 tables.\n"),
        (
            "docs/deep/a.md",
            "There is text.\n\n<!-- canon-ignore L23: the plan for next year -->\nThere are 12 tables.\n",
        ),
        ("docs/.hidden/b.md", "There are 13 tables.\n"),
    ]);
    let ran = canon(folder.path(), &[]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.contains("README.md:1:11") && ran.out.contains("\"9 tables\""), "{}", ran.out);
    assert!(ran.out.ends_with("1 warning; 1 accepted by a comment\n"), "{}", ran.out);
    fs::remove_file(folder.path().join("README.md")).unwrap();
    let missing = canon(folder.path(), &[]);
    assert!(missing.code == Some(2) && missing.err.contains("README.md"), "{}", missing.err);
}

#[test]
fn rules_explain_themselves() {
    let folder = folder(&[]);
    let page = canon(folder.path(), &["--explain", "foreign-key-without-index"]);
    assert!(page.code == Some(0) && page.out.starts_with("# L6 foreign-key-without-index\n"));
    let unknown = canon(folder.path(), &["--explain", "L99"]);
    assert!(unknown.code == Some(2) && unknown.err.contains("there is no rule `L99`"), "{}", unknown.err);
    let nothing = canon(folder.path(), &[]);
    assert!(nothing.code == Some(2) && nothing.err.contains("canon.toml"), "{}", nothing.err);
    let list = canon(folder.path(), &["--list"]);
    assert_eq!(list.out.lines().count(), canon_codegen::lint::RULES.len());
}

#[test]
fn mistakes_in_the_configuration_are_named() {
    let folder = folder(&[("a.sql", ""), ("canon.toml", "[lint.rules]\nL99 = 'off'")]);
    let ran = canon(folder.path(), &["a.sql"]);
    assert!(ran.code == Some(2) && ran.err.contains("there is no rule `L99`"), "{}", ran.err);
}

/// A comment for the linter says nothing about the column.
#[test]
fn ignores_are_no_descriptions() {
    let ddl = "CREATE TABLE t (\n    a boolean DEFAULT true, -- canon-ignore L14: older rows\n    b int /* canon-ignore L8: x */, -- real\n    c int -- canon-ignore-file L7: y\n);\n";
    let loaded = canon_codegen::load::load(vec![canon_codegen::source::Source::new("t.sql", ddl)]);
    let comments: Vec<Option<&str>> = loaded.model.tables[0].columns.iter().map(|c| c.comment.as_deref()).collect();
    assert_eq!(comments, [None, Some("real"), None]);
}
