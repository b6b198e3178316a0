//! `canon types`, `docs`, `gen` and `check`.

use std::process::ExitCode;

use canon_codegen::error::Error;
use canon_codegen::project::{Project, What};

use super::{ProjectArgs, color};

/// Reads the project and reports what is wrong with its DDL.
fn open(args: &ProjectArgs) -> Result<Project, Error> {
    let project = Project::open(&args.config)?;
    for diagnostic in project.diagnostics(color()) {
        eprintln!("{diagnostic}\n");
    }
    Ok(project)
}

pub(super) fn write(args: &ProjectArgs, what: What) -> Result<ExitCode, Error> {
    let project = open(args)?;
    let changed = project.generate(what)?.write(&project.root)?;
    for path in &changed {
        println!("{}", path.display());
    }
    println!(
        "{}",
        if changed.is_empty() {
            "everything is up to date".to_owned()
        } else {
            format!("{} files changed", changed.len())
        }
    );
    Ok(ExitCode::SUCCESS)
}

pub(super) fn check(args: &ProjectArgs) -> Result<ExitCode, Error> {
    let project = open(args)?;
    let stale = project.generate(What::ALL)?.check(&project.root)?;
    if stale.is_empty() {
        println!("everything is up to date");
        return Ok(ExitCode::SUCCESS);
    }
    for file in &stale {
        println!("stale: {}\n{}\n", file.path.display(), file.difference);
    }
    println!("{} stale files; run: {}", stale.len(), project.config.command);
    Ok(ExitCode::FAILURE)
}
