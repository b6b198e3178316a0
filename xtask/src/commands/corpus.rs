//! `cargo xtask corpus`: the figures of every file of real DDL.

use anyhow::Result;

use super::generate;
use crate::project::Project;
use crate::run::stream;

/// Loads every file into PostgreSQL, reads it with canon, compares, and prints a table; with `types`,
/// compiles the types of every file and sends rows of all tables through them. False where
/// something differs that should not.
pub(crate) fn run(project: &Project, types: bool) -> Result<bool> {
    let passed = generate::with_test_server(project, |server| {
        let mut tests = project.cargo();
        tests.args(["test", "--quiet", "--package", "canon-tests"]);
        if types {
            tests.args(["--test", "journeys", "--", "--ignored", "--nocapture", "--test-threads=1"]);
        } else {
            tests.args(["--test", "corpus", "--", "--nocapture"]);
        }
        stream(tests.envs(server.env()))
    });
    if let Err(error) = &passed {
        eprintln!("error: {error:#}");
    }
    Ok(passed.is_ok())
}
