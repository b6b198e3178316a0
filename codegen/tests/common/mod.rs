//! A project in a folder of its own, and the command run in it.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub const DDL: &str = "CREATE SCHEMA shop;

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

pub const CONFIG: &str = r#"
[[source]]
name = "shop"
paths = ["ddl"]

[types]
path = "src"

[docs]
path = "docs"
"#;

/// A project in a folder of its own.
pub struct Project {
    folder: tempfile::TempDir,
}

/// How a run of the command ended.
#[derive(Debug)]
pub struct Ran {
    pub ok: bool,
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Project {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let project = Self { folder };
        project.write("canon.toml", CONFIG);
        project.write("ddl/10_shop.sql", DDL);
        project
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{name} has no {from}");
        self.write(name, &text.replace(from, to));
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Runs the command in the folder.
    pub fn canon(&self, arguments: &[&str]) -> Ran {
        self.canon_with(arguments, &[], "")
    }

    /// Runs the command with environment variables and text on standard input.
    pub fn canon_with(&self, arguments: &[&str], environment: &[(&str, &str)], input: &str) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_canon"));
        command.args(arguments).envs(environment.iter().copied()).current_dir(self.root());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that reads nothing may be gone by now.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Ran {
            ok: output.status.success(),
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Every file with its content and the time it was written.
    pub fn files(&self) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
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
