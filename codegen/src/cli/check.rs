//! `canon check`.

use std::io::IsTerminal as _;

use canon_codegen::check;
use canon_codegen::lint::{self, NaiveDate};
use clap::{Args, ValueEnum};

use super::input::database_url;
use super::project::{ProjectArgs, open};
use super::{Outcome, Verdict};

#[derive(Args)]
#[command(after_help = "\
Looks at what canon.toml names: types, documents, the lock file, manifests, and the rules where there is a [lint]
section. Writes nothing. Exit codes: 0 all in order, 1 something is not, 2 trouble.")]
pub(super) struct CheckArgs {
    #[command(flatten)]
    project: ProjectArgs,
    /// A database to compare with the files too: postgres://user@host/name, or env:NAME
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// How to print what is wrong
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The date from which the age of documents counts; today unless given
    #[arg(long, value_name = "YYYY-MM-DD")]
    today: Option<NaiveDate>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Human,
    /// For programs
    Json,
    /// Annotations of GitHub Actions
    Github,
}

impl From<Format> for check::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Human => Self::Human,
            Format::Json => Self::Json,
            Format::Github => Self::Github,
        }
    }
}

pub(super) fn check(args: &CheckArgs) -> Outcome {
    let url = args.database_url.as_deref().map(|url| database_url("--database-url", url)).transpose()?;
    let project = open(&args.project)?;
    let documents = lint::documents(&project)?;
    let today = args.today.unwrap_or_else(|| chrono::Local::now().date_naive());
    let verdict = check::Verdict::of(&project, &documents, url.as_ref(), today)?;
    let color = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let text = verdict.render(args.format.into(), color)?;
    Ok((text, if verdict.is_good() { Verdict::Good } else { Verdict::Bad }))
}
