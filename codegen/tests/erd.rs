//! Diagrams in three notations, of tables with ordinary and with hostile names.

mod common;

use common::Project;

const HOSTILE: &str = r#"
CREATE SCHEMA "a ""b""";
CREATE TABLE "a ""b"""."<script>alert('x')</script>" ("PK" int PRIMARY KEY, "--> }" text);
CREATE TABLE "a ""b"""."end" ("1 %% c" int REFERENCES "a ""b"""."<script>alert('x')</script>", "ü`\" int PRIMARY KEY);
CREATE TABLE public."end" (id int PRIMARY KEY, x int REFERENCES "a ""b"""."end", "select" int REFERENCES public."end");
CREATE TABLE public."back\slash" (id int PRIMARY KEY REFERENCES public."end", "名前" text);
"#;

#[test]
fn a_schema_is_drawn_in_three_notations() {
    let project = Project::new();
    for format in ["mermaid", "dot", "svg"] {
        let ran = project.canon(&["erd", "ddl", "--format", format, "--columns", "all"]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        insta::assert_snapshot!(format!("erd_{format}"), ran.out);
    }
}

#[test]
fn hostile_names_stay_names() {
    let project = Project::new();
    project.write("h.sql", HOSTILE);
    for format in ["mermaid", "dot", "svg"] {
        let ran = project.canon(&["erd", "h.sql", "--format", format, "--columns", "all"]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        assert!(format == "dot" || !ran.out.contains("<script"), "{}", ran.out);
        insta::assert_snapshot!(format!("erd_hostile_{format}"), ran.out);
        let again = project.canon(&["erd", "h.sql", "--format", format, "--columns", "all"]);
        assert_eq!(again.out, ran.out, "the same bytes every time");
    }
}

#[test]
fn a_neighbourhood_reaches_as_far_as_it_is_told() {
    let project = Project::new();
    project.write(
        "chain.sql",
        "CREATE TABLE a (id int PRIMARY KEY);
         CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a);
         CREATE TABLE c (id int PRIMARY KEY, b int REFERENCES b, a int REFERENCES a);
         CREATE TABLE d (id int PRIMARY KEY, c int REFERENCES c);
         CREATE TABLE lone (id int);",
    );
    let tables = |arguments: &[&str]| {
        let ran = project.canon(&[&["erd", "chain.sql", "--format", "dot", "--columns", "none"], arguments].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        let nodes = ran.out.lines().filter(|line| line.contains("<table")).count();
        let keys = ran.out.lines().filter(|line| line.contains("->")).count();
        (nodes, keys)
    };
    assert_eq!(tables(&[]), (5, 4));
    assert_eq!(tables(&["--table", "b"]), (3, 2), "the key from c to a is not b's");
    assert_eq!(tables(&["--table", "b", "--depth", "2"]), (4, 4));
    assert_eq!(tables(&["--table", "public.d", "--depth", "0"]), (1, 0));
    assert_eq!(tables(&["--table", "d", "--table", "lone"]), (3, 1));
    let ran = project.canon(&["erd", "chain.sql", "--table", "e"]);
    assert_eq!((ran.code, ran.err.as_str()), (2, "error: --table e: there is no such table\n"));
}

#[test]
fn partitions_are_left_out() {
    let project = Project::new();
    project.write(
        "p.sql",
        "CREATE TABLE p (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
         CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');",
    );
    assert!(!project.canon(&["erd", "p.sql"]).out.contains("p1"));
    assert!(project.canon(&["erd", "p.sql", "--table", "p1"]).out.contains("p1"));
}

#[test]
fn a_file_of_somebody_else_is_not_overwritten() {
    let project = Project::new();
    assert_eq!(project.canon(&["erd", "ddl", "--output", "out.svg"]).code, 0);
    assert!(project.read("out.svg").contains("<svg "));
    assert_eq!(project.canon(&["erd", "ddl", "--output", "out.svg", "--columns", "all"]).code, 0);
    project.write("mine.svg", "<svg/>");
    let ran = project.canon(&["erd", "ddl", "--output", "mine.svg"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("was not written by canon"), "{}", ran.err);
    assert_eq!(project.read("mine.svg"), "<svg/>");
}
