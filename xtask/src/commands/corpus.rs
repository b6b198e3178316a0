//! `cargo xtask corpus`: the figures of every file of real DDL.

use anyhow::Result;

use super::generate;
use crate::project::Project;
use crate::run::stream;

/// Loads every file into PostgreSQL, reads it with canon, compares, and prints a table. False where
/// something differs that should not.
pub(crate) fn run(project: &Project) -> Result<bool> {
    let compared = generate::with_test_server(project, |server| {
        let mut tests = project.cargo();
        tests.args(["test", "--quiet", "--package", "canon-tests", "--test", "corpus", "--", "--nocapture"]);
        stream(tests.envs(server.env()))
    });
    if let Err(error) = &compared {
        eprintln!("error: {error:#}");
    }
    Ok(compared.is_ok())
}
