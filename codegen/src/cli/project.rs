//! `canon types`, `docs` and `gen`.

use std::path::{Path, PathBuf};

use canon_codegen::error::Error;
use canon_codegen::live::DatabaseUrl;
use canon_codegen::project::{Project, What};
use canon_codegen::{config, write};
use clap::Args;

use super::input::{InputArgs, Read, quoted};
use super::{Outcome, Verdict, color, counted};

#[derive(Args)]
pub(super) struct ProjectArgs {
    /// Configuration file
    #[arg(long, value_name = "FILE", default_value = config::FILE)]
    config: PathBuf,
}

/// The output of a project, or of files without one.
#[derive(Args)]
#[command(
    after_help = "Without PATH, --database-url and --out, the project's canon.toml says what to read and where to write."
)]
pub(super) struct WriteArgs {
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    input: InputArgs,
    /// Folder to write to, where files or a database are named
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    out: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct DocsCommand {
    #[command(flatten)]
    write: WriteArgs,
    #[command(flatten)]
    docs: DocsArgs,
}

#[derive(Args)]
pub(super) struct GenCommand {
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    docs: DocsArgs,
}

/// What only documents know.
#[derive(Args, Default)]
struct DocsArgs {
    /// Give up what people wrote in generated text, or in regions that have no place any more
    #[arg(long)]
    accept_loss: bool,
    /// Put the sizes that tables have in this database on the pages (URL or env:NAME); a database
    /// that is read anyway gives its own
    #[arg(long, value_name = "URL")]
    sizes: Option<String>,
}

/// Reads the project and reports what is wrong with its DDL.
pub(super) fn open(args: &ProjectArgs) -> Result<Project, Error> {
    if !args.config.exists() {
        return Err(Error::Usage(format!(
            "{}: there is no such file; write one, or use `canon types` or `docs` with files and --out DIR",
            args.config.display()
        )));
    }
    let project = Project::open(&args.config)?;
    for diagnostic in project.diagnostics(color()) {
        eprintln!("{diagnostic}\n");
    }
    Ok(project)
}

/// What files or a database declare, without a configuration.
fn plain(args: &WriteArgs, what: What, out: &Path) -> Result<Project, Error> {
    let Read { loaded, .. } = args.input.load()?;
    let mut words = vec!["canon".to_owned(), if what.types { "types" } else { "docs" }.to_owned()];
    words.extend(args.input.to_arguments()?);
    words.extend(["--out".to_owned(), quoted(&out.to_string_lossy())]);
    Project::plain(args.input.name()?, loaded, what, out, words.join(" "))
}

pub(super) fn types(args: &WriteArgs) -> Outcome {
    finish_interrupted(args)?;
    let what = What { types: true, ..What::default() };
    finish(project(args, what)?, &DocsArgs::default(), None, what)
}

pub(super) fn docs(args: &DocsCommand) -> Outcome {
    finish_interrupted(&args.write)?;
    let what = What { docs: true, ..What::default() };
    finish(project(&args.write, what)?, &args.docs, args.write.input.database.url()?, what)
}

pub(super) fn generate(args: &GenCommand) -> Outcome {
    ended(&root_of(&args.project.config))?;
    finish(open(&args.project)?, &args.docs, None, What::ALL)
}

/// Where a run was killed between two files, this one first ends what that one began.
fn finish_interrupted(args: &WriteArgs) -> Result<(), Error> {
    match args.out {
        Some(_) => ended(Path::new(".")),
        None => ended(&root_of(&args.project.config)),
    }
}

fn ended(root: &Path) -> Result<(), Error> {
    if write::finish_interrupted(root)? {
        eprintln!("note: a run that was interrupted has been ended first");
    }
    Ok(())
}

fn root_of(config: &Path) -> PathBuf {
    match config.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn project(args: &WriteArgs, what: What) -> Result<Project, Error> {
    match (&args.out, args.input.is_some()) {
        (Some(out), true) => plain(args, what, out),
        (None, false) => open(&args.project),
        (None, true) => Err(Error::Usage("say where to write: --out DIR".to_owned())),
        (Some(_), false) => {
            Err(Error::Usage("--out is for files or --database-url; canon.toml has its own folders".to_owned()))
        }
    }
}

fn finish(mut project: Project, docs: &DocsArgs, database: Option<DatabaseUrl>, what: What) -> Outcome {
    if what.docs {
        if let Some(note) = project.measure_history()? {
            eprintln!("note: {note}");
        }
        let sizes = docs.sizes.as_deref().map(|url| super::input::database_url("--sizes", url)).transpose()?;
        if let Some(url) = sizes.or(database) {
            project.measured.read_sizes(&url)?;
        }
    }
    let mut files = project.generate(what)?;
    for note in &files.notes {
        eprintln!("note: {note}");
    }
    if docs.accept_loss {
        files.accept_loss();
    }
    let changed = files.write(&project.root)?;
    let mut text: String = changed.iter().map(|path| format!("{}\n", path.display())).collect();
    text.push_str(&match changed.len() {
        0 => "everything is up to date\n".to_owned(),
        n => format!("{} changed\n", counted(n, "file", "files")),
    });
    Ok((text, Verdict::Good))
}
