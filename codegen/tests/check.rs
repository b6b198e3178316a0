//! `canon check`: one verdict over files and rules; databases are in the client tests.

mod common;

use common::{CONFIG, Project};

/// A project whose DDL breaks a rule, with and without the section that asks for rules.
fn project(lint: &str) -> Project {
    let project = Project::new();
    project.write("canon.toml", &format!("{CONFIG}\n{lint}"));
    project.write("ddl/20_more.sql", "CREATE TABLE shop.nokey (a int);\n");
    assert!(project.canon(&["gen"]).ok);
    project
}

#[test]
fn rules_count_where_they_are_asked_for() {
    assert_eq!(project("").canon(&["check"]).code, 0);
    let project = project("[lint]");
    let ran = project.canon(&["check"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("shop.nokey"), "{}", ran.out);
    assert!(!ran.out.contains("stale"), "{}", ran.out);
    assert!(!ran.out.contains("up to date"), "{}", ran.out);
    assert!(project.canon(&["lint", "--write-baseline", "known.txt"]).ok);
    project.write("canon.toml", &format!("{CONFIG}\n[lint]\nbaseline = 'known.txt'"));
    let ran = project.canon(&["check"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
}

#[test]
fn programs_get_the_whole_verdict() {
    let project = project("[lint]");
    project.edit("ddl/10_shop.sql", "name text NOT NULL", "name text");
    let ran = project.canon(&["check", "--format", "json"]);
    assert_eq!(ran.code, 1);
    let verdict: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(verdict["ok"], false);
    let stale: Vec<(&str, &str)> = verdict["stale"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (s["path"].as_str().unwrap(), s["kind"].as_str().unwrap()))
        .collect();
    assert!(stale.contains(&("src/shop/customers.rs", "types")), "{stale:?}");
    assert!(stale.iter().any(|(_, kind)| *kind == "documents"), "{stale:?}");
    assert_eq!(verdict["stale"][0]["command"], "canon gen");
    assert!(!verdict["lint"]["findings"].as_array().unwrap().is_empty());
    assert_eq!(verdict["drift"], serde_json::json!([]));
}

#[test]
fn annotations_stand_on_lines_of_their_own() {
    let project = project("[lint]");
    project.edit("ddl/10_shop.sql", "name text NOT NULL", "name text");
    let ran = project.canon(&["check", "--format", "github"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.lines().all(|line| line.starts_with("::")), "{}", ran.out);
    assert!(ran.out.contains("::error file=src/shop/customers.rs,title=stale types::"), "{}", ran.out);
    assert!(ran.out.contains("run: canon gen"), "{}", ran.out);
    assert!(ran.out.contains("file=ddl/20_more.sql,line=1"), "{}", ran.out);
}

#[test]
fn without_a_verdict_there_is_trouble() {
    let project = project("");
    for arguments in [
        vec!["check", "--database-url", "postgres://127.0.0.1:1/x"],
        vec!["check", "--database-url", "nonsense"],
        vec!["check", "--config", "nowhere.toml"],
    ] {
        let ran = project.canon(&arguments);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}");
        assert!(ran.err.starts_with("error: "), "{}", ran.err);
    }
}
