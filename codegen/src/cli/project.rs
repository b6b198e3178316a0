//! `canon types`, `docs`, `gen` and `check`.

use std::process::ExitCode;

use canon_codegen::error::Error;
use canon_codegen::project::{Project, What};

use super::{Outcome, ProjectArgs, color};

/// Reads the project and reports what is wrong with its DDL.
fn open(args: &ProjectArgs) -> Result<Project, Error> {
    let project = Project::open(&args.config)?;
    for diagnostic in project.diagnostics(color()) {
        eprintln!("{diagnostic}\n");
    }
    Ok(project)
}

pub(super) fn write(args: &ProjectArgs, what: What) -> Outcome {
    let project = open(args)?;
    let changed = project.generate(what)?.write(&project.root)?;
    let mut text: String = changed.iter().map(|path| format!("{}\n", path.display())).collect();
    text.push_str(&match changed.len() {
        0 => "everything is up to date\n".to_owned(),
        1 => "1 file changed\n".to_owned(),
        n => format!("{n} files changed\n"),
    });
    Ok((text, ExitCode::SUCCESS))
}

pub(super) fn check(args: &ProjectArgs) -> Outcome {
    let project = open(args)?;
    let stale = project.generate(What::ALL)?.check(&project.root)?;
    if stale.is_empty() {
        return Ok(("everything is up to date\n".to_owned(), ExitCode::SUCCESS));
    }
    let mut text = String::new();
    for file in &stale {
        text.push_str(&format!("stale: {}\n{}\n\n", file.path.display(), file.difference));
    }
    let files = if stale.len() == 1 { "file" } else { "files" };
    text.push_str(&format!("{} stale {files}; run: {}\n", stale.len(), project.config.command));
    Ok((text, ExitCode::FAILURE))
}
