//! What is measured rather than read from the DDL: sizes in a live database, dates in git.
//!
//! Neither is a function of the files, so neither is ever compared: a measurement is put on the
//! page when it is asked for and stays there, like a text of people, until the next one. A checkout
//! without history or without a database finds every page up to date.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::Command;

use canon_core::schema::QName;

use crate::error::Error;
use crate::live::DatabaseUrl;
use crate::markdown::{code_cell, text};

/// New measurements.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    sizes: HashMap<QName, Size>,
    commits: Option<BTreeMap<String, Commits>>,
}

/// What a database says about a table.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Size {
    rows: Option<i64>,
    table_bytes: i64,
    index_bytes: i64,
    measured_on: String,
}

/// What git says about a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Commits {
    count: usize,
    first: (String, String),
    last: (String, String),
}

/// Sizes of all tables and materialised views; the number of rows is the planner's.
const SIZES: &str = include_str!("../../sql/sizes.sql");

impl Measured {
    /// Asks a live database for the sizes of tables.
    pub fn read_sizes(&mut self, url: &DatabaseUrl) -> Result<(), Error> {
        let mut client = url.client()?;
        let mut transaction = client.build_transaction().read_only(true).start()?;
        transaction.batch_execute("SET LOCAL search_path = pg_catalog")?;
        for row in transaction.query(SIZES, &[])? {
            let rows: i64 = row.get(2);
            let size = Size {
                rows: (rows >= 0).then_some(rows),
                table_bytes: row.get(3),
                index_bytes: row.get(4),
                measured_on: row.get(5),
            };
            self.sizes.insert(QName::new(row.get::<_, String>(0), row.get::<_, String>(1)), size);
        }
        Ok(())
    }

    /// Asks git for the commits of all files below `paths`, which are relative to `root`. False
    /// where the checkout does not have the whole history: then what the pages say already stays.
    pub fn read_commits(&mut self, root: &Path, paths: &[&Path]) -> Result<bool, Error> {
        if git(root, &["rev-parse", "--is-shallow-repository"], &[])?.trim() != "false" {
            return Ok(false);
        }
        let log = git(
            root,
            &["-c", "core.quotepath=off", "log", "--relative", "--name-only", "--format=%x01%cs %h", "--"],
            paths,
        )?;
        let mut commits: BTreeMap<String, Commits> = BTreeMap::new();
        let mut commit = ("", "");
        // Newest first.
        for line in log.lines().filter(|line| !line.is_empty()) {
            if let Some(line) = line.strip_prefix('\u{1}') {
                commit = line.split_once(' ').unwrap_or((line, ""));
                continue;
            }
            let of_file = commits.entry(line.to_owned()).or_default();
            if of_file.count == 0 {
                of_file.last = owned(commit);
            }
            of_file.first = owned(commit);
            of_file.count += 1;
        }
        self.commits = Some(commits);
        Ok(true)
    }

    /// Markdown about the size of a table.
    pub(crate) fn size(&self, table: &QName) -> Option<String> {
        let size = self.sizes.get(table)?;
        let rows = size.rows.map_or_else(|| "not counted yet".to_owned(), |rows| format!("about {rows}"));
        let width = match size.rows {
            Some(rows) if rows > 0 => format!("- **Average row size**: {}\n", bytes(size.table_bytes / rows)),
            _ => String::new(),
        };
        Some(format!(
            "- **Rows**: {rows}\n- **Table size**: {}\n{width}- **Index size**: {}\n- **Measured**: {}\n",
            bytes(size.table_bytes),
            bytes(size.index_bytes),
            text(&size.measured_on)
        ))
    }

    /// Markdown about the commits of files.
    pub(crate) fn commits(&self, files: &[&str]) -> Option<String> {
        let commits = self.commits.as_ref()?;
        let mut out =
            "| File | First commit | Last commit | Commits |\n|------|--------------|-------------|---------|\n"
                .to_owned();
        for file in files {
            let row = match commits.get(*file) {
                Some(c) => format!(
                    "{} ({}) | {} ({}) | {}",
                    c.first.0,
                    code_cell(&c.first.1),
                    c.last.0,
                    code_cell(&c.last.1),
                    c.count
                ),
                None => "not committed yet | - | 0".to_owned(),
            };
            out.push_str(&format!("| {} | {row} |\n", code_cell(file)));
        }
        Some(out)
    }
}

fn owned((date, hash): (&str, &str)) -> (String, String) {
    (date.to_owned(), hash.to_owned())
}

fn git(root: &Path, arguments: &[&str], paths: &[&Path]) -> Result<String, Error> {
    let output = Command::new("git").arg("-C").arg(root).args(arguments).args(paths).output();
    let output = output.map_err(|error| Error::Git(format!("cannot run git: {error}")))?;
    if !output.status.success() {
        return Err(Error::Git(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn bytes(count: i64) -> String {
    const UNITS: [&str; 5] = ["bytes", "kB", "MB", "GB", "TB"];
    let mut value = count;
    let mut unit = 0;
    while value >= 10 * 1024 && unit + 1 < UNITS.len() {
        value = (value + 512) / 1024;
        unit += 1;
    }
    format!("{value} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        for (count, expected) in [(0, "0 bytes"), (10_239, "10239 bytes"), (10_240, "10 kB"), (52_428_800, "50 MB")] {
            assert_eq!(bytes(count), expected);
        }
    }
}
