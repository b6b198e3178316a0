//! `cargo xtask test`: the layers, from the quickest to the slowest, and a table at the end.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use super::generate;
use crate::cli::{Layer, TestArgs};
use crate::packages;
use crate::pgrx::EXTENSION;
use crate::progress::{heading, seconds};
use crate::project::Project;
use crate::run::{capture, on_path, stream, succeeds};
use crate::user::{POSTGRES, ServerUser, is_root};

/// Crates that are tested without a server. Their tests may use the library of another, but no
/// PostgreSQL.
const UNIT: [&str; 5] = ["canon-core", "canon-codegen", "canon-types", "xtask", "canon-bench"];

/// Runs the layers and says whether all passed.
pub(crate) fn run(project: &Project, args: &TestArgs) -> Result<bool> {
    let filter = args.filter.as_deref();
    if let Some(layer) = args.layer {
        ensure!(
            filter.is_none() || matches!(layer, Layer::Unit | Layer::Pg | Layer::Client),
            "layer {} has no single tests to choose from",
            name(layer)
        );
    }
    let mut results = Vec::new();
    for &layer in Layer::value_variants() {
        if args.layer.is_some_and(|only| only != layer) {
            continue;
        }
        heading(&format!("{}: {}", name(layer), purpose(layer)));
        let start = Instant::now();
        let passed = run_layer(project, layer, filter).unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            false
        });
        results.push((layer, passed, start.elapsed()));
        if !passed && args.fail_fast {
            break;
        }
    }
    print!("{}", summary(&results));
    Ok(results.iter().all(|(_, passed, _)| *passed))
}

fn name(layer: Layer) -> String {
    layer.to_possible_value().map(|v| v.get_name().to_owned()).unwrap_or_default()
}

/// The layer's line in `--help`.
fn purpose(layer: Layer) -> String {
    layer.to_possible_value().and_then(|v| v.get_help().map(ToString::to_string)).unwrap_or_default()
}

fn summary(results: &[(Layer, bool, Duration)]) -> String {
    let mut table = format!("\n{:<8} {:<8} {:>9}\n", "layer", "result", "time");
    for (layer, passed, elapsed) in results {
        let result = if *passed { "ok" } else { "FAILED" };
        table.push_str(&format!("{:<8} {result:<8} {:>9}\n", name(*layer), seconds(*elapsed)));
    }
    table
}

fn run_layer(project: &Project, layer: Layer, filter: Option<&str>) -> Result<bool> {
    match layer {
        Layer::Fmt => {
            ensure_component("fmt", "rustfmt")?;
            stream(project.cargo().args(["fmt", "--all", "--check"]))?;
        }
        Layer::Clippy => clippy(project)?,
        Layer::Unit => {
            let mut tests = project.cargo();
            tests.args(["test", "--no-fail-fast"]);
            for package in UNIT {
                tests.args(["--package", package]);
            }
            stream(tests.args(filter))?;
        }
        Layer::Pg => in_database(project, filter)?,
        Layer::Client => generate::with_test_server(project, |server| {
            // One test moves the clock of a server, and says so where it cannot.
            if let Err(error) = packages::ensure(&["libfaketime"]) {
                eprintln!("warning: {error:#}");
            }
            let mut tests = project.cargo();
            tests.args(["test", "--no-fail-fast", "--package", "canon-tests"]).args(filter).envs(server.env());
            stream(&mut tests)
        })?,
        Layer::Check => return generate::check(project),
    }
    Ok(true)
}

/// A toolchain of rustup's minimal profile has neither clippy nor rustfmt.
fn ensure_component(subcommand: &str, component: &str) -> Result<()> {
    if !succeeds(Command::new("cargo").args([subcommand, "--version"])) && on_path("rustup").is_some() {
        capture(Command::new("rustup").args(["component", "add", component]))?;
    }
    Ok(())
}

fn clippy(project: &Project) -> Result<()> {
    ensure_component("clippy", "clippy")?;
    let pgrx = project.pgrx()?;
    let lint = |packages: &[&str]| {
        let mut command = project.cargo();
        pgrx.configure(&mut command);
        command.arg("clippy").args(packages).args(["--all-targets", "--", "--deny", "warnings"]);
        stream(&mut command)
    };
    let feature = format!("pg{}", project.major());
    lint(&["--workspace", "--exclude", EXTENSION])?;
    lint(&["--package", EXTENSION, "--no-default-features", "--features", &feature])
}

fn in_database(project: &Project, filter: Option<&str>) -> Result<()> {
    let pgrx = project.pgrx()?;
    let user = ServerUser::current()?;
    if is_root() {
        // cargo-pgrx runs servers of another user, and installs files, through sudo alone.
        packages::ensure(packages::providing("sudo", "sudo").as_slice())?;
    }
    // pgrx puts the socket beside the data directory: below the checkout its path could be too long.
    let data = project.state().socket_dir(&user);
    user.private_dir(&data)?;
    let _lock = pgrx.lock()?;
    let mut tests = pgrx.command();
    tests.args(["test", &format!("pg{}", project.major())]).args(filter).args(["--package", EXTENSION]);
    tests.arg("--pgdata").arg(&data);
    if is_root() {
        tests.args(["--runas", POSTGRES]);
    }
    // pgrx connects as $USER, and hands RUST_BACKTRACE to the server, where backtraces would become
    // part of the errors that tests expect.
    tests.env("USER", user.name()).env_remove("RUST_BACKTRACE");
    stream(&mut tests).context("tests inside the server failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_names_what_failed() {
        let second = Duration::from_secs(1);
        let table = summary(&[(Layer::Fmt, true, second), (Layer::Client, false, second * 12)]);
        assert_eq!(table, "\nlayer    result        time\nfmt      ok           1.0 s\nclient   FAILED      12.0 s\n");
    }

    #[test]
    fn every_layer_says_what_it_is_for() {
        for &layer in Layer::value_variants() {
            assert!(!purpose(layer).is_empty(), "{layer:?}");
        }
    }
}
