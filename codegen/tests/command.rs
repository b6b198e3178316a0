//! The command as a user runs it: what it prints, how it exits, which files it touches.

mod common;

use std::fs;
use std::process::{Command, Stdio};

use common::Project;

#[test]
fn generated_files_of_a_small_schema() {
    let project = Project::new();
    let ran = project.canon(&["gen"]);
    assert!(ran.ok, "{}", ran.err);
    insta::assert_snapshot!("gen_prints", ran.out);
    insta::assert_snapshot!("types_of_orders", project.read("src/shop/orders.rs"));
    insta::assert_snapshot!("types_of_customers", project.read("src/shop/customers.rs"));
    insta::assert_snapshot!("document", project.read("docs/shop/README.md"));
    insta::assert_snapshot!("lock", project.read("canon.lock"));
}

#[test]
fn a_second_run_touches_nothing() {
    let project = Project::new();
    assert!(project.canon(&["gen"]).ok);
    let before = project.files();
    let ran = project.canon(&["gen"]);
    assert_eq!((ran.ok, ran.out.as_str()), (true, "everything is up to date\n"));
    assert_eq!(project.files(), before);
    assert!(project.canon(&["check"]).ok);
}

#[test]
fn check_names_what_one_edited_column_makes_stale() {
    let project = Project::new();
    assert!(project.canon(&["gen"]).ok);
    project.edit("ddl/10_shop.sql", "name text NOT NULL", "name text");
    let before = project.files();
    let ran = project.canon(&["check"]);
    assert!(!ran.ok);
    assert!(ran.out.contains("stale: src/shop/customers.rs\n"), "{}", ran.out);
    assert!(ran.out.contains("stale: docs/shop/README.md\n"), "{}", ran.out);
    assert!(ran.out.contains("\n-    pub name: String,\n"), "{}", ran.out);
    assert!(ran.out.contains("\n+    pub name: Option<String>,\n"), "{}", ran.out);
    assert!(!ran.out.contains("orders.rs"), "{}", ran.out);
    assert!(ran.out.ends_with("2 stale files; run: canon gen\n"), "{}", ran.out);
    assert_eq!(project.files(), before, "checking writes nothing");
    assert!(project.canon(&["gen"]).ok);
    assert!(project.canon(&["check"]).ok);
}

#[test]
fn ddl_that_does_not_parse_touches_no_file() {
    let project = Project::new();
    assert!(project.canon(&["gen"]).ok);
    project.edit("ddl/10_shop.sql", "REFERENCES shop.customers (id)", "REFERENCES (id)");
    project.edit("ddl/10_shop.sql", "name text NOT NULL", "name text");
    let before = project.files();
    for command in ["gen", "types", "docs", "check"] {
        let ran = project.canon(&[command]);
        assert!(!ran.ok, "{command}");
        assert_eq!(ran.out, "", "{command}");
        insta::allow_duplicates!(insta::assert_snapshot!("unparsed", ran.err));
        assert_eq!(project.files(), before, "{command}");
    }
}

#[test]
fn files_of_others_are_left_alone() {
    let project = Project::new();
    project.write("src/shop/orders.rs", "// mine\n");
    let before = project.files();
    let ran = project.canon(&["gen"]);
    assert!(!ran.ok);
    assert!(ran.err.contains("orders.rs: exists and was not written by canon"), "{}", ran.err);
    assert_eq!(project.files(), before);
}

#[test]
fn a_dropped_table_takes_its_file_along_but_not_its_id() {
    let project = Project::new();
    project.write("ddl/20_more.sql", "CREATE TABLE shop.coupons (code text PRIMARY KEY);");
    assert!(project.canon(&["gen"]).ok);
    assert!(project.path("src/shop/coupons.rs").exists());
    project.write("ddl/30_less.sql", "DROP TABLE shop.coupons; CREATE TABLE shop.vouchers (code text PRIMARY KEY);");
    assert!(project.canon(&["gen"]).ok);
    assert!(!project.path("src/shop/coupons.rs").exists());
    let lock = project.read("canon.lock");
    assert!(lock.contains("DBT-103 = \"shop.coupons\""), "{lock}");
    assert!(lock.contains("\"shop.vouchers\" = \"DBT-104\""), "{lock}");
}

#[test]
fn mistakes_outside_the_ddl_name_the_file() {
    let project = Project::new();
    for (name, text, expected) in [
        ("canon.toml", "[[source]]\nname = 'shop'\npaths = ['nowhere']", "nowhere"),
        ("canon.toml", "[[source]]\nname = 'shop'\npath = ['ddl']", "unknown field `path`"),
        ("canon.toml", "[[source]", "canon.toml"),
    ] {
        let original = project.read(name);
        project.write(name, text);
        let ran = project.canon(&["gen"]);
        assert!(!ran.ok && ran.err.contains(expected), "{text}: {}", ran.err);
        project.write(name, &original);
    }
    fs::write(project.path("ddl/20_latin1.sql"), b"-- caf\xe9\n").unwrap();
    let ran = project.canon(&["gen"]);
    assert!(!ran.ok && ran.err.contains("ddl/20_latin1.sql: line 1: byte 0xe9"), "{}", ran.err);
}

#[test]
fn a_reader_that_stops_early_is_no_error() {
    let project = Project::new();
    let many: String = (0..5000).map(|n| format!("CREATE TABLE t{n} (id int);\n")).collect();
    project.write("ddl/20_many.sql", &many);
    let mut child = Command::new(env!("CARGO_BIN_EXE_canon"))
        .args(["model", "--json", "ddl"])
        .current_dir(project.root())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}
