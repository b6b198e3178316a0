//! `canon diff`.

use canon_codegen::live;
use canon_codegen::{expr, model};
use clap::Args;
use std::path::PathBuf;

use super::input::{Read, ReadingArgs, database_url};
use super::{Outcome, Verdict};

#[derive(Args)]
pub(super) struct DiffArgs {
    /// Files, or folders whose .sql files are read in the order of their names; - is standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The database to compare with; only the schemas that the files declare are compared
    #[arg(long, value_name = "URL")]
    database_url: String,
    #[command(flatten)]
    reading: ReadingArgs,
}

pub(super) fn diff(args: &DiffArgs) -> Outcome {
    let Read { loaded, verdict } = args.reading.files(&args.paths)?;
    let schemas: Vec<&str> = loaded.model.schemas.iter().map(|s| s.name.as_str()).collect();
    let found = live::connect(&database_url("--database-url", &args.database_url)?, Some(&schemas))?;
    let differences = model::diff(&loaded.model, &found, &mut |_, a, b| expr::same(a, b));
    let text = differences.iter().map(|difference| format!("{difference}\n")).collect();
    let verdict = if verdict == Verdict::Good && !differences.is_empty() { Verdict::Bad } else { verdict };
    Ok((text, verdict))
}
