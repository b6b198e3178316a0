//! The `canon` command, as a user runs it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// Runs `canon` in `folder`, with what is set in this process's environment and `environment`.
///
/// # Errors
///
/// When the command cannot be built or started.
pub fn canon(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Result<Ran> {
    let mut command = Command::new(binary()?);
    let output = command.args(arguments).envs(environment.iter().copied()).current_dir(folder).output()?;
    Ok(Ran {
        code: output.status.code().context("ended by a signal")?,
        out: String::from_utf8(output.stdout)?,
        err: String::from_utf8(output.stderr)?,
    })
}

/// Cargo builds no program of another package for a test, so the first caller has it built.
fn binary() -> Result<&'static Path> {
    static BINARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let path = BINARY.get_or_init(|| build().map_err(|error| format!("{error:#}")));
    path.as_deref().map_err(|error| anyhow::anyhow!("{error}"))
}

fn build() -> Result<PathBuf> {
    // target/<profile>/deps/<this test>
    let folder = std::env::current_exe()?.ancestors().nth(2).context("no target folder")?.to_owned();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", "canon-codegen", "--bin", "canon"]);
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    let output = cargo.current_dir(crate::repo_root()?).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(folder.join("canon"))
}
