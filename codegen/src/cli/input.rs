//! What to read: the arguments that all reading commands share.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use canon_codegen::error::Error;
use canon_codegen::live::{self, DatabaseUrl};
use canon_codegen::load::{Loaded, load};
use canon_codegen::source::Source;
use canon_codegen::{input, model::Model};
use clap::Args;

use super::{Verdict, color};

/// Files, or a database.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct InputArgs {
    /// Files, or folders whose .sql files are read in the order of their names; - is standard input
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
    #[command(flatten)]
    pub(super) reading: ReadingArgs,
}

/// A database to read instead of files.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct DatabaseArgs {
    /// Read a database (PostgreSQL 15 to 18) instead of files: postgres://user@host/name, or env:NAME
    /// for a connection string in an environment variable, where no password can be seen
    #[arg(long, value_name = "URL", conflicts_with = "paths")]
    database_url: Option<String>,
}

/// How to read it.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct ReadingArgs {
    /// Only this schema; may be repeated
    #[arg(long = "schema", value_name = "NAME")]
    pub(super) schemas: Vec<String>,
    /// Replace a placeholder of templated SQL before reading; may be repeated
    #[arg(long, value_name = "PLACEHOLDER=VALUE", value_parser = substitution)]
    pub(super) substitute: Vec<(String, String)>,
}

fn substitution(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((placeholder, value)) if !placeholder.is_empty() => Ok((placeholder.to_owned(), value.to_owned())),
        _ => Err("expected PLACEHOLDER=VALUE, for example :schema=app".to_owned()),
    }
}

impl DatabaseArgs {
    /// The connection, where one was named. Read here and not by clap, which repeats what it refuses.
    pub(super) fn url(&self) -> Result<Option<DatabaseUrl>, Error> {
        self.database_url.as_deref().map(|url| database_url("--database-url", url)).transpose()
    }
}

/// Reads the connection string of an option.
pub(super) fn database_url(option: &str, text: &str) -> Result<DatabaseUrl, Error> {
    text.parse().map_err(|message| Error::Usage(format!("{option}: {message}")))
}

impl InputArgs {
    /// Whether anything was named.
    pub(super) fn is_some(&self) -> bool {
        !self.paths.is_empty() || self.database.database_url.is_some()
    }

    /// The text of the files.
    pub(super) fn sources(&self) -> Result<Vec<Source>, Error> {
        self.required()?;
        self.reading.sources(&self.paths)
    }

    fn required(&self) -> Result<(), Error> {
        if self.is_some() {
            return Ok(());
        }
        Err(Error::Usage("nothing to read; name files, folders, - for standard input, or --database-url".to_owned()))
    }

    /// A short name for what is read: of the database, or of the first file or folder.
    pub(super) fn name(&self) -> Result<String, Error> {
        let name = match (self.database.url()?, self.paths.first()) {
            (Some(url), _) => url.database(),
            (None, Some(path)) => path.file_stem().map(|stem| stem.to_string_lossy().into_owned()),
            (None, None) => None,
        };
        let name: String =
            name.unwrap_or_default().chars().filter(|c| c.is_alphanumeric() || "_-".contains(*c)).collect();
        if name.is_empty() || name == "-" { Ok("schema".to_owned()) } else { Ok(name) }
    }

    /// The arguments as they can be written into a file, quoted for a shell.
    pub(super) fn to_arguments(&self) -> Result<Vec<String>, Error> {
        let mut arguments: Vec<String> = self.paths.iter().map(|path| quoted(&path.to_string_lossy())).collect();
        if let Some(url) = self.database.url()? {
            arguments.extend(["--database-url".to_owned(), url.public()]);
        }
        for schema in &self.reading.schemas {
            arguments.extend(["--schema".to_owned(), quoted(schema)]);
        }
        for (placeholder, value) in &self.reading.substitute {
            arguments.extend(["--substitute".to_owned(), quoted(&format!("{placeholder}={value}"))]);
        }
        Ok(arguments)
    }

    /// Reads what was named; complaints go to standard error.
    pub(super) fn load(&self) -> Result<Read, Error> {
        self.required()?;
        match self.database.url()? {
            Some(url) => self.reading.live(&url),
            None => self.reading.files(&self.paths),
        }
    }
}

impl InputArgs {
    /// Reads what was named; complaints stay with the result.
    pub(super) fn load_silently(&self) -> Result<Loaded, Error> {
        self.required()?;
        match self.database.url()? {
            Some(url) => Ok(self.reading.live(&url)?.loaded),
            None => self.reading.files_silently(&self.paths),
        }
    }
}

impl ReadingArgs {
    fn sources(&self, paths: &[PathBuf]) -> Result<Vec<Source>, Error> {
        if paths.iter().any(|path| DatabaseUrl::looks_like_one(path)) {
            let message = "a connection string stands where a file should; name a database with --database-url";
            return Err(Error::Usage(message.to_owned()));
        }
        let substitute: BTreeMap<String, String> = self.substitute.iter().cloned().collect();
        input::read(Path::new(""), paths, &substitute)
    }

    /// Reads files.
    pub(super) fn files(&self, paths: &[PathBuf]) -> Result<Read, Error> {
        let loaded = self.files_silently(paths)?;
        let verdict = report(&loaded);
        Ok(Read { loaded, verdict })
    }

    fn files_silently(&self, paths: &[PathBuf]) -> Result<Loaded, Error> {
        let mut loaded = load(self.sources(paths)?);
        self.narrow(&mut loaded.model)?;
        Ok(loaded)
    }

    /// Reads a database.
    pub(super) fn live(&self, url: &DatabaseUrl) -> Result<Read, Error> {
        let schemas: Vec<&str> = self.schemas.iter().map(String::as_str).collect();
        let model = live::connect(url, (!schemas.is_empty()).then_some(&schemas))?;
        self.known(&model)?;
        Ok(Read { loaded: Loaded::from_model(model), verdict: Verdict::Good })
    }

    fn narrow(&self, model: &mut Model) -> Result<(), Error> {
        if !self.schemas.is_empty() {
            self.known(model)?;
            model.retain_schemas(&|name| self.schemas.iter().any(|schema| schema == name));
        }
        Ok(())
    }

    /// A misspelled schema is no empty one.
    fn known(&self, model: &Model) -> Result<(), Error> {
        match self.schemas.iter().find(|name| model.schemas.iter().all(|s| s.name != **name)) {
            None => Ok(()),
            Some(name) => {
                let known: Vec<&str> = model.schemas.iter().map(|s| s.name.as_str()).collect();
                let known = if known.is_empty() { String::new() } else { format!("; there is {}", known.join(", ")) };
                Err(Error::Usage(format!("--schema {name}: there is no such schema{known}")))
            }
        }
    }
}

/// A word of a command, as a shell reads it.
pub(super) fn quoted(word: &str) -> String {
    let plain = !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "_-./:=,@+".contains(c));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// What was read, and whether all of it was understood.
pub(super) struct Read {
    pub(super) loaded: Loaded,
    pub(super) verdict: Verdict,
}

/// Diagnostics on standard error; trouble where there is an error among them.
pub(super) fn report(loaded: &Loaded) -> Verdict {
    let color = color();
    for diagnostic in &loaded.diagnostics {
        eprintln!("{}\n", diagnostic.render(&loaded.sources, color));
    }
    if loaded.errors() > 0 { Verdict::Trouble } else { Verdict::Good }
}
