//! `canon lint`.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use canon_codegen::config;
use canon_codegen::error::Error;
use canon_codegen::lint::{self, Baseline, LintConfig, NaiveDate, Report, Severity, Subject, Unit, output};
use canon_codegen::project::Project;
use clap::{Args, ValueEnum};

use super::input::InputArgs;
use super::{Outcome, Verdict, counted};

#[derive(Args)]
#[command(after_help = "Without PATH and --database-url, the sources and documents of the project's canon.toml.")]
pub(super) struct LintArgs {
    #[command(flatten)]
    input: InputArgs,
    /// Configuration file; its [lint] section counts for paths too
    #[arg(long, value_name = "FILE", default_value = config::FILE)]
    config: PathBuf,
    /// Form of the report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Fail where a finding is at least this severe; a warning unless configured
    #[arg(long, value_enum)]
    fail_on: Option<FailOn>,
    /// Leave out the findings that this file lists
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write all findings to this file, and accept them from then on
    #[arg(long, value_name = "FILE", conflicts_with = "baseline")]
    write_baseline: Option<PathBuf>,
    /// The date from which the age of documents counts; today unless given
    #[arg(long, value_name = "YYYY-MM-DD")]
    today: Option<NaiveDate>,
    /// Show the page of a rule, by its number or name
    #[arg(long, value_name = "RULE", exclusive = true)]
    explain: Option<String>,
    /// List all rules
    #[arg(long, exclusive = true)]
    list: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// With the lines of the file
    Human,
    /// One JSON document
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
}

#[derive(Clone, Copy, ValueEnum)]
enum FailOn {
    Info,
    Warning,
    Error,
    /// Never fail because of a finding
    Never,
}

pub(super) fn lint(args: &LintArgs) -> Outcome {
    if args.list {
        return Ok((list(), Verdict::Good));
    }
    if let Some(rule) = &args.explain {
        return explain(rule);
    }
    let today = args.today.unwrap_or_else(|| chrono::Local::now().date_naive());
    if args.input.is_some() {
        let config = LintConfig::read(&args.config, args.config == Path::new(config::FILE))?;
        let root = args.config.parent().map_or_else(PathBuf::new, Path::to_owned);
        let loaded = args.input.load_silently()?;
        let subject = Subject { units: vec![Unit::from(&loaded)], ..Subject::default() };
        return run(args, &subject, &config, &root, today);
    }
    let project = Project::open(&args.config)?;
    let documents = lint::documents(&project)?;
    let subject = Subject::of(&project, &documents);
    let config = project.config.lint.clone().unwrap_or_default();
    run(args, &subject, &config, &project.root, today)
}

fn run(args: &LintArgs, subject: &Subject<'_>, config: &LintConfig, root: &Path, today: NaiveDate) -> Outcome {
    let mut report = lint::run(subject, config, today);
    if let Some(path) = &args.write_baseline {
        return write_baseline(path, &report);
    }
    let configured = config.baseline.as_ref().map(|path| root.join(path));
    if let Some(path) = args.baseline.clone().or(configured) {
        report.apply_baseline(&Baseline::read(&path)?, &path.display().to_string(), config);
    }
    let text = match args.format {
        Format::Human => {
            let color = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            output::human(&report, subject, color)
        }
        Format::Json => output::json(&report),
        Format::Sarif => output::sarif(&report, &config.pages()),
        Format::Github => output::github(&report),
    };
    let threshold = match args.fail_on {
        Some(FailOn::Never) => None,
        Some(FailOn::Info) => Some(Severity::Info),
        Some(FailOn::Warning) => Some(Severity::Warning),
        Some(FailOn::Error) => Some(Severity::Error),
        None => Some(config.fail_on()),
    };
    let failed = threshold.is_some_and(|t| report.fails(t));
    Ok((text, if failed { Verdict::Bad } else { Verdict::Good }))
}

fn write_baseline(path: &Path, report: &Report) -> Outcome {
    let baseline = Baseline::of(&report.findings);
    baseline.write(path)?;
    let entries = counted(baseline.known.len(), "known finding", "known findings");
    Ok((format!("{}: {entries}\n", path.display()), Verdict::Good))
}

fn list() -> String {
    let mut text = String::new();
    for rule in lint::RULES {
        let _ = writeln!(text, "{:<4} {:<30} {:<8} {}", rule.code, rule.name, rule.severity.label(), rule.summary);
    }
    text
}

fn explain(rule: &str) -> Outcome {
    match lint::find(rule) {
        Some(rule) => Ok((rule.page.to_owned(), Verdict::Good)),
        None => Err(Error::Usage(format!("there is no rule `{rule}`; `canon lint --list` lists them"))),
    }
}
