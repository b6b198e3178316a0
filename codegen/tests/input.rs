//! What the reading commands take: files, folders, standard input, placeholders; and what they refuse.

mod common;

use common::Project;

#[test]
fn standard_input_is_read_where_a_dash_stands() {
    let project = Project::new();
    let ran = project.canon_with(&["order", "-"], &[], "CREATE TABLE a (id int);");
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "public.a\n", ""));
}

#[test]
fn placeholders_are_filled_before_reading() {
    let project = Project::new();
    let ddl = "CREATE TABLE :s.\"{{t}}\" (id int);";
    let ran = project.canon_with(&["order", "-", "--substitute", ":s=shop", "--substitute", "{{t}}=a=b"], &[], ddl);
    assert_eq!((ran.code, ran.out.as_str()), (0, "shop.\"a=b\"\n"), "{}", ran.err);
    let ran = project.canon(&["order", "ddl", "--substitute", "=x"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("expected PLACEHOLDER=VALUE"), "{}", ran.err);
}

#[test]
fn a_schema_filter_keeps_that_schema_and_refuses_an_unknown_one() {
    let project = Project::new();
    project.write("ddl/20_more.sql", "CREATE SCHEMA other; CREATE TABLE other.t (id int);");
    assert_eq!(project.canon(&["order", "ddl", "--schema", "other"]).out, "other.t\n");
    let ran = project.canon(&["order", "ddl", "--schema", "othr"]);
    assert_eq!(ran.code, 2);
    assert_eq!(ran.err, "error: --schema othr: there is no such schema; there is shop, other\n");
}

#[test]
fn types_and_documents_need_no_configuration() {
    let project = Project::new();
    std::fs::remove_file(project.path("canon.toml")).unwrap();
    let ran = project.canon(&["types", "ddl/10_shop.sql", "--out", "gen"]);
    assert!(ran.ok, "{}", ran.err);
    let types = project.read("gen/shop/orders.rs");
    assert!(types.contains("canon types ddl/10_shop.sql --out gen"), "{types}");
    assert!(types.contains("pub struct Order"), "{types}");
    let ran = project.canon(&["docs", "ddl", "--out", "gen"]);
    assert!(ran.ok, "{}", ran.err);
    assert!(project.path("gen/shop/orders.rs").exists(), "documents leave the types alone");
    assert!(project.read("gen/ddl/README.md").contains("DBT-101"));
    assert!(project.canon(&["types", "ddl/10_shop.sql", "--out", "gen"]).ok);
    assert!(project.path("gen/ddl/README.md").exists(), "types leave the documents alone");
    assert!(project.path("gen/canon.lock").exists());
}

#[test]
fn wrong_use_is_told_from_a_verdict() {
    let project = Project::new();
    for (arguments, expected) in [
        (vec!["order"], "nothing to read"),
        (vec!["types", "ddl"], "--out DIR"),
        (vec!["types", "--out", "x"], "--out is for files"),
        (vec!["order", "nowhere.sql"], "nowhere.sql"),
        (vec!["frobnicate"], "unrecognized subcommand"),
        (vec!["types", "--config", "no.toml"], "no.toml"),
    ] {
        let ran = project.canon(&arguments);
        assert_eq!(ran.code, 2, "{arguments:?}");
        assert!(ran.err.contains(expected), "{arguments:?}: {}", ran.err);
        assert_eq!(ran.out, "", "{arguments:?}");
    }
    std::fs::remove_file(project.path("canon.toml")).unwrap();
    let ran = project.canon(&["gen"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("canon.toml") && ran.err.contains("--out DIR"), "{}", ran.err);
}

/// Whatever is wrong with a connection, its password stays out of the messages.
#[test]
fn passwords_are_not_repeated() {
    let project = Project::new();
    let secret = "hunter2secret";
    let urls = [
        format!("postgres://anna:{secret}@127.0.0.1:1/app?connect_timeout=2"),
        format!("postgres://anna:{secret}@127.0.0.1:{secret}/app"),
        format!("postgres://anna:{secret}@127.0.0.1/app?nonsense={secret}"),
        format!("host=127.0.0.1 port=1 user=anna password={secret} dbname=app connect_timeout=2"),
        format!("host=127.0.0.1 password='{secret}"),
    ];
    for url in &urls {
        for arguments in [
            vec!["order", "--database-url", url],
            vec!["model", url],
            vec!["diff", "ddl", "--database-url", url],
            vec!["gen", url],
        ] {
            let ran = project.canon(&arguments);
            assert_eq!(ran.code, 2, "{}", ran.err);
            assert!(!format!("{}{}", ran.out, ran.err).contains(secret), "{}", ran.err);
        }
        let ran = project.canon_with(&["order", "--database-url", "env:APP_DB"], &[("APP_DB", url)], "");
        assert_eq!(ran.code, 2);
        assert!(!ran.err.contains(secret), "{}", ran.err);
    }
    let ran = project.canon(&["order", "--database-url", &urls[0]]);
    assert!(ran.err.contains("database app on 127.0.0.1:1: "), "{}", ran.err);
}
