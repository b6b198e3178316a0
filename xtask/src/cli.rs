//! Arguments of `cargo xtask`.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands;
use crate::project::Project;

/// Version of PostgreSQL that is built and tested where `--pg` does not say otherwise.
const DEFAULT_MAJOR: u16 = 15;

/// Build, run, test and measure pg_canon.
///
/// Nothing has to be set up first: each command installs what it needs (Debian packages, cargo-pgrx
/// at the pinned version) and keeps servers of its own, apart from any other PostgreSQL here.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub struct Cli {
    /// Major version of PostgreSQL
    #[arg(long, global = true, value_name = "MAJOR", default_value_t = DEFAULT_MAJOR,
          value_parser = clap::value_parser!(u16).range(15..=18))]
    pg: u16,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build, start a server with the extension, install the packs, run the tour
    ///
    /// Run again, it is quick: it rebuilds what changed and keeps the database.
    Up,
    /// Run the tests: all layers, or one, or those of one whose name matches
    Test(TestArgs),
    /// Open psql on the server that `up` started
    Psql {
        /// Arguments of psql
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Stop this checkout's servers
    Down {
        /// Remove their data too, and everything else that was set up for this checkout
        #[arg(long)]
        purge: bool,
    },
    /// Write what is generated: types, documents, sql/api.txt
    Gen,
    /// Fail where what is generated is out of date
    Check,
    /// Measure against peers, print ratios, write bench/results/
    Bench(BenchArgs),
    /// Compare what canon reads from real DDL with what PostgreSQL makes of it, file by file
    ///
    /// The files are in ../shared/corpus, or in the folder that PG_CANON_CORPUS names.
    Corpus {
        /// Send rows of every table through generated types, which are compiled first: minutes
        #[arg(long)]
        types: bool,
    },
    /// Make files to install, in target/package/
    Package,
}

/// What to test.
#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Only this layer
    #[arg(value_enum)]
    pub(crate) layer: Option<Layer>,
    /// Only tests whose name contains this
    pub(crate) filter: Option<String>,
    /// Do not go on after a layer that failed
    #[arg(long)]
    pub(crate) fail_fast: bool,
}

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// Names of benchmarks; all where none is given
    pub(crate) names: Vec<String>,
    /// Rounds of each contender; the median counts
    #[arg(long)]
    pub(crate) rounds: Option<u32>,
    /// Seconds of each round
    #[arg(long)]
    pub(crate) seconds: Option<f64>,
    /// Only cases with this in their name; results of the others stay as they are
    #[arg(long)]
    pub(crate) case: Option<String>,
}

/// A layer of tests; they run in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Layer {
    /// The code is formatted
    Fmt,
    /// clippy has no warning
    Clippy,
    /// Logic without a server
    Unit,
    /// Functions inside a server
    Pg,
    /// What clients see: rights, concurrency, dump and restore
    Client,
    /// What is generated is up to date
    Check,
}

impl Cli {
    /// Does what was asked for.
    ///
    /// # Errors
    ///
    /// When something fails other than a test or a check, which only make the exit code 1.
    pub fn run(self) -> Result<ExitCode> {
        let project = Project::new(self.pg)?;
        let verdict = |passed: bool| if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        match self.command {
            Command::Up => commands::up::run(&project)?,
            Command::Test(args) => return commands::test::run(&project, &args).map(verdict),
            Command::Psql { args } => commands::psql::run(&project, &args)?,
            Command::Down { purge } => commands::down::run(&project, purge)?,
            Command::Gen => commands::generate::write(&project)?,
            Command::Check => return commands::generate::check(&project).map(verdict),
            Command::Bench(args) => commands::bench::run(&project, &args)?,
            Command::Corpus { types } => return commands::corpus::run(&project, types).map(verdict),
            Command::Package => commands::package::run(&project)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn psql_takes_its_own_options() {
        let cli = Cli::try_parse_from(["cargo xtask", "psql", "-c", "SELECT 1", "--pg", "x"]).unwrap();
        let Command::Psql { args } = cli.command else { panic!("not psql") };
        assert_eq!(args, ["-c", "SELECT 1", "--pg", "x"]);
    }
}
