//! `canon diff`.

use std::path::{Path, PathBuf};

use canon_codegen::compare::{self, Side, compare};
use canon_codegen::error::Error;
use canon_codegen::live::{self, DatabaseUrl};
use canon_codegen::model::Model;
use clap::{Args, ValueEnum};

use super::input::{Read, ReadingArgs, database_url};
use super::{Outcome, Verdict};

#[derive(Args)]
#[command(after_help = "\
Examples:
  canon diff old.sql new.sql
  canon diff migrations/ --database-url env:APP_URL
  canon diff postgres://localhost/staging env:PRODUCTION_URL --schema app --format markdown

Of a database that is compared with files, only the schemas that the files declare are read.
Exit codes: 0 no difference, 1 differences, 2 trouble.")]
pub(super) struct DiffArgs {
    /// The two sides: each a file, a folder, - for standard input, or a connection string. With
    /// --database-url, files and folders of one side
    #[arg(required = true, value_name = "A B")]
    sides: Vec<PathBuf>,
    /// The second side: a database, as postgres://user@host/name or env:NAME
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    #[command(flatten)]
    reading: ReadingArgs,
    /// Compare privileges too
    #[arg(long)]
    grants: bool,
    /// How to print the differences
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// For a comment on a pull request
    Markdown,
}

impl From<Format> for compare::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Text => Self::Text,
            Format::Json => Self::Json,
            Format::Markdown => Self::Markdown,
        }
    }
}

/// Where a side comes from.
enum Origin<'a> {
    Files(&'a [PathBuf]),
    Database(Box<DatabaseUrl>),
}

impl<'a> Origin<'a> {
    fn of(argument: &'a PathBuf) -> Result<Self, Error> {
        if DatabaseUrl::looks_like_one(argument) {
            let text = argument.to_string_lossy();
            return text.parse().map(|url| Self::Database(Box::new(url))).map_err(Error::Usage);
        }
        Ok(Self::Files(std::slice::from_ref(argument)))
    }
}

pub(super) fn diff(args: &DiffArgs) -> Outcome {
    let (a, b) = match (&args.database_url, args.sides.as_slice()) {
        (Some(url), paths) => (Origin::Files(paths), Origin::Database(Box::new(database_url("--database-url", url)?))),
        (None, [a, b]) => (Origin::of(a)?, Origin::of(b)?),
        (None, sides) => {
            return Err(Error::Usage(format!(
                "{} to compare; name two sides, or one and --database-url",
                if sides.len() == 1 { "nothing".to_owned() } else { format!("{} arguments", sides.len()) }
            )));
        }
    };
    let (a, b, understood) = read(&args.reading, &a, &b)?;
    let comparison = compare(&a, &b, args.grants);
    let text = comparison.render(args.format.into())?;
    let verdict = match (understood, comparison.differences.is_empty()) {
        (Verdict::Good, false) => Verdict::Bad,
        (verdict, _) => verdict,
    };
    Ok((text, verdict))
}

/// Files first: they say which schemas of a database count.
fn read(reading: &ReadingArgs, a: &Origin<'_>, b: &Origin<'_>) -> Result<(Side, Side, Verdict), Error> {
    let files = |paths: &[PathBuf]| -> Result<(Side, Verdict), Error> {
        let Read { loaded, verdict } = reading.files(paths)?;
        let label = paths.iter().map(|path| shown(path)).collect::<Vec<_>>().join(" ");
        Ok((Side { label, model: loaded.model, live: false }, verdict))
    };
    let live = |url: &DatabaseUrl, other: Option<&Model>| -> Result<Side, Error> {
        let model = match other {
            Some(model) if reading.schemas.is_empty() => {
                let schemas: Vec<&str> = model.schemas.iter().map(|s| s.name.as_str()).collect();
                live::connect(url, Some(&schemas))?
            }
            _ => reading.live(url)?.loaded.model,
        };
        Ok(Side { label: url.label(), model, live: true })
    };
    match (a, b) {
        (Origin::Files(x), Origin::Files(y)) => {
            let ((a, first), (b, second)) = (files(x)?, files(y)?);
            Ok((a, b, if first == Verdict::Good { second } else { first }))
        }
        (Origin::Files(x), Origin::Database(y)) => {
            let (a, verdict) = files(x)?;
            let b = live(y, Some(&a.model))?;
            Ok((a, b, verdict))
        }
        (Origin::Database(x), Origin::Files(y)) => {
            let (b, verdict) = files(y)?;
            Ok((live(x, Some(&b.model))?, b, verdict))
        }
        (Origin::Database(x), Origin::Database(y)) => Ok((live(x, None)?, live(y, None)?, Verdict::Good)),
    }
}

fn shown(path: &Path) -> String {
    if path == Path::new("-") { "<stdin>".to_owned() } else { path.display().to_string() }
}
