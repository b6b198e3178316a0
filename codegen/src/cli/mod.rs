//! Commands and their output. Everything else is in the library.

mod model;
mod project;

use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use canon_codegen::error::Error;
use canon_codegen::project::What;
use clap::{Args, Parser, Subcommand};

/// From PostgreSQL DDL to types, documents and a verdict.
#[derive(Parser)]
#[command(name = "canon", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Read DDL and show what it declares.
    Model(ModelArgs),
    /// Write the Rust types of the project.
    Types(ProjectArgs),
    /// Write the Source-of-Truth documents of the project.
    Docs(ProjectArgs),
    /// Write everything: types, documents, pack manifests, the lock file.
    Gen(ProjectArgs),
    /// Fail where anything generated is stale, and show how.
    Check(ProjectArgs),
    /// Show the order in which tables can be filled.
    Order(InputArgs),
    /// Compare DDL with a live database; fails where they differ.
    Diff(DiffArgs),
}

#[derive(Args)]
struct InputArgs {
    /// Files, or folders whose .sql files are read in the order of their names; `-` is standard input.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
}

#[derive(Args)]
struct ModelArgs {
    #[command(flatten)]
    input: InputArgs,
    /// A line a file: how many statements were modelled, kept as text, skipped, not understood.
    #[arg(long, conflicts_with = "json")]
    summary: bool,
    /// The model as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct DiffArgs {
    #[command(flatten)]
    input: InputArgs,
    /// Connection string of the database; only the schemas that the files declare are compared.
    #[arg(long)]
    database_url: String,
}

#[derive(Args)]
struct ProjectArgs {
    /// Configuration file.
    #[arg(long, default_value = canon_codegen::config::FILE)]
    config: PathBuf,
}

pub(crate) fn run() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Model(args) => model::model(&args),
        Command::Order(args) => model::order(&args),
        Command::Diff(args) => model::diff(&args),
        Command::Types(args) => project::write(&args, What { types: true, ..What::default() }),
        Command::Docs(args) => project::write(&args, What { docs: true, ..What::default() }),
        Command::Gen(args) => project::write(&args, What::ALL),
        Command::Check(args) => project::check(&args),
    };
    let result = result.and_then(|(text, code)| print(&text).map(|()| code));
    result.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}

/// What a command prints on standard output, and how it ends.
type Outcome = Result<(String, ExitCode), Error>;

/// A reader that has seen enough, as `head` has, is no error.
fn print(text: &str) -> Result<(), Error> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Error::io("<stdout>")(error)),
        _ => Ok(()),
    }
}

fn color() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}
