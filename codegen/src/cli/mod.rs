//! Commands and their output. Everything else is in the library.

mod check;
mod diff;
mod erd;
mod input;
mod lint;
mod model;
mod order;
mod project;
mod verify;

use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::process::ExitCode;

use canon_codegen::error::Error;
use clap::{Parser, Subcommand};

/// The command line.
#[derive(Parser)]
#[command(name = "canon", version, about = "From PostgreSQL DDL to types, documents and a verdict", after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// As diff(1) has them.
const EXIT_CODES: &str = "Exit codes:
  0  done; nothing to report
  1  a verdict: differences, stale files, findings
  2  wrong use, input that does not read, a database that does not answer; no file was written";

#[derive(Subcommand)]
enum Command {
    /// Show what DDL, or a database, declares
    Model(model::ModelArgs),
    /// Write Rust types
    Types(project::WriteArgs),
    /// Write Source-of-Truth documents
    Docs(project::DocsCommand),
    /// Write everything of the project: types, documents, pack manifests, the lock file
    Gen(project::GenCommand),
    /// One verdict: generated files, rules, and a database
    Check(check::CheckArgs),
    /// Find defects in DDL and documents, by rules
    Lint(lint::LintArgs),
    /// Show the order in which tables can be filled, or emptied
    Order(order::OrderArgs),
    /// Draw tables and foreign keys: Mermaid, DOT or SVG
    Erd(erd::ErdArgs),
    /// Compare two schemas: files, or databases
    Diff(diff::DiffArgs),
    /// Verify an audit ledger offline: a receipt, an export, or a dump
    Verify(verify::VerifyArgs),
    /// Make a key that signs the checkpoints of an audit ledger
    Key(verify::KeyArgs),
}

pub(crate) fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let result = match cli.command {
        Command::Model(args) => model::model(&args),
        Command::Lint(args) => lint::lint(&args),
        Command::Order(args) => order::order(&args),
        Command::Erd(args) => erd::erd(&args),
        Command::Diff(args) => diff::diff(&args),
        Command::Verify(args) => verify::verify(&args),
        Command::Key(args) => verify::key(&args),
        Command::Types(args) => project::types(&args),
        Command::Docs(args) => project::docs(&args),
        Command::Gen(args) => project::generate(&args),
        Command::Check(args) => check::check(&args),
    };
    let result = result.and_then(|(text, verdict)| print(&text).map(|()| verdict));
    let verdict = result.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        Verdict::Trouble
    });
    ExitCode::from(verdict as u8)
}

/// What clap has to say. It quotes what it does not understand; a connection string is left out of that.
fn refuse(error: &clap::Error) -> ExitCode {
    let is_secret =
        |word: &String| word.contains("postgres://") || word.contains("postgresql://") || word.contains("password=");
    let secrets: Vec<String> = std::env::args().filter(is_secret).collect();
    if secrets.is_empty() {
        error.exit();
    }
    eprint!("{}", secrets.iter().fold(error.to_string(), |text, secret| text.replace(secret, "<connection string>")));
    ExitCode::from(Verdict::Trouble as u8)
}

/// How a command ends; the numbers are its exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Good = 0,
    Bad = 1,
    Trouble = 2,
}

/// What a command prints on standard output, and how it ends.
type Outcome = Result<(String, Verdict), Error>;

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

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_arguments_are_consistent() {
        super::Cli::command().debug_assert();
    }
}
