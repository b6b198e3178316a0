//! `cargo xtask bench`.

use std::process::Command;

use anyhow::Result;

use super::generate::with_throwaway;
use crate::cli::BenchArgs;
use crate::instance::Kind;
use crate::packages;
use crate::progress::step;
use crate::project::Project;
use crate::run::{capture, stream};

/// Runs the benchmarks on a fresh server with the release build.
pub(crate) fn run(project: &Project, args: &BenchArgs) -> Result<()> {
    let bench = |list: bool| -> Command {
        let mut command = project.cargo();
        command.args(["run", "--quiet", "--release", "--package", "canon-bench", "--"]);
        if list {
            command.arg("--list");
        }
        command.args(&args.names);
        command
    };
    // Refuses a misspelt name before a server is started and the extension built.
    let chosen = step("building the benchmarks", || capture(&mut bench(true)))?;
    if chosen.trim().is_empty() {
        eprintln!("no benchmark is registered in bench/src/registry.rs");
        return Ok(());
    }
    if chosen.lines().any(|line| line.starts_with("rate ")) {
        packages::ensure(packages::providing("redis-server", "redis-server").as_slice())?;
    }
    with_throwaway(project, Kind::Bench, |server| {
        let mut command = bench(false);
        command.envs(server.env()).env_remove("RUST_BACKTRACE");
        for (option, value) in [
            ("--rounds", args.rounds.map(|n| n.to_string())),
            ("--seconds", args.seconds.map(|s| s.to_string())),
            ("--case", args.case.clone()),
        ] {
            if let Some(value) = value {
                command.arg(option).arg(value);
            }
        }
        stream(&mut command)
    })
}
