//! The command as a user runs it: what it prints, how it exits, which files it touches.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const DDL: &str = "CREATE SCHEMA shop;

CREATE TABLE shop.customers (
    id bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    tier text NOT NULL DEFAULT 'basic',
    CONSTRAINT pk_customers PRIMARY KEY (id),
    CONSTRAINT ck_customers_tier CHECK (tier IN ('basic', 'gold'))
);
COMMENT ON TABLE shop.customers IS 'Who buys.';
COMMENT ON COLUMN shop.customers.tier IS 'Decides the discount.';

CREATE TABLE shop.orders (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    customer_id bigint NOT NULL,
    total numeric(12, 2) NOT NULL,
    placed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_orders PRIMARY KEY (id),
    CONSTRAINT fk_orders_customer FOREIGN KEY (customer_id) REFERENCES shop.customers (id) ON DELETE CASCADE,
    CONSTRAINT ck_orders_total CHECK (total >= 0)
);
CREATE INDEX idx_orders_customer_id ON shop.orders (customer_id) WHERE total > 0;
";

const CONFIG: &str = r#"
[[source]]
name = "shop"
paths = ["ddl"]

[types]
path = "src"

[docs]
path = "docs"
"#;

/// A project in a folder of its own.
struct Project {
    folder: tempfile::TempDir,
}

struct Ran {
    ok: bool,
    out: String,
    err: String,
}

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let project = Self { folder };
        project.write("canon.toml", CONFIG);
        project.write("ddl/10_shop.sql", DDL);
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{name} has no {from}");
        self.write(name, &text.replace(from, to));
    }

    fn canon(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_canon"));
        let output = command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null()).output().unwrap();
        Ran {
            ok: output.status.success(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Every file with its content and the time it was written.
    fn files(&self) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
        fn visit(folder: &Path, files: &mut BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    visit(&path, files);
                } else {
                    let modified = fs::metadata(&path).unwrap().modified().unwrap();
                    files.insert(path.clone(), (fs::read(&path).unwrap(), modified));
                }
            }
        }
        let mut files = BTreeMap::new();
        visit(self.folder.path(), &mut files);
        files
    }
}

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
    assert!(lock.contains("\"shop.coupons\" = \"DBT-103\""), "{lock}");
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
        .current_dir(project.folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}
