//! Everything a configuration names, read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use canon_core::schema::Model;

use crate::config::{Config, HistoryFrom, SourceConfig};
use crate::emit::docs::{Existing, Material};
use crate::error::{Diagnostic, Error};
use crate::live::{self, DatabaseUrl};
use crate::load::{Loaded, load};
use crate::lock::{Lock, Renames};
use crate::measure::Measured;
use crate::pack::PackMeta;
use crate::status::Machines;
use crate::write::Files;
use crate::{emit, input, references};

/// A project: its configuration and its sources.
#[derive(Debug)]
pub struct Project {
    /// Folder of the configuration file.
    pub root: PathBuf,
    /// The configuration.
    pub config: Config,
    /// Its sources, in the order of the configuration.
    pub sources: Vec<ProjectSource>,
    /// Document IDs, as they were when the project was read.
    pub lock: Lock,
    /// What was measured for the documents; nothing unless asked for.
    pub measured: Measured,
}

/// One source of a project.
#[derive(Debug)]
pub struct ProjectSource {
    /// Its name in the configuration.
    pub name: String,
    /// What was read.
    pub loaded: Loaded,
    /// Folder and description, where the source is a schema pack.
    pub pack: Option<(PathBuf, PackMeta)>,
}

/// A pack as the emitters see it.
#[derive(Clone, Copy, Debug)]
pub struct PackSource<'a> {
    /// `pack.toml`.
    pub meta: &'a PackMeta,
    /// Files in the order of loading.
    pub file_names: &'a [String],
    /// What they declare.
    pub model: &'a Model,
}

impl Project {
    /// Reads the configuration and all sources.
    pub fn open(config_file: &Path) -> Result<Self, Error> {
        let config = Config::read(config_file)?;
        let root = config_file.parent().map_or_else(PathBuf::new, Path::to_owned);
        let root = if root.as_os_str().is_empty() { PathBuf::from(".") } else { root };
        let sources = config.sources.iter().map(|source| open_source(config_file, &root, source));
        let sources = sources.collect::<Result<_, _>>()?;
        let lock = Lock::read(&root.join(&config.lock))?;
        Ok(Self { root, config, sources, lock, measured: Measured::default() })
    }

    /// A project of one source that no configuration names: `what` is written into the folder `out`,
    /// together with the lock. `command` is how to do it again.
    pub fn plain(name: String, loaded: Loaded, what: What, out: &Path, command: String) -> Result<Self, Error> {
        let mut config = Config::plain(command, out.join("canon.lock"));
        config.types = what.types.then(|| Config::output(out)).transpose()?;
        config.docs = what.docs.then(|| Config::output(out)).transpose()?;
        let root = PathBuf::from(".");
        let lock = Lock::read(&root.join(&config.lock))?;
        let sources = vec![ProjectSource { name, loaded, pack: None }];
        Ok(Self { root, config, sources, lock, measured: Measured::default() })
    }

    /// Asks git for the history of the files, where the configuration wants it. Gives back what is
    /// worth saying about it.
    pub fn measure_history(&mut self) -> Result<Option<String>, Error> {
        if self.config.docs.as_ref().is_none_or(|docs| docs.history != HistoryFrom::Git) {
            return Ok(None);
        }
        let paths: Vec<&Path> = self.config.sources.iter().flat_map(|s| &s.paths).map(PathBuf::as_path).collect();
        let whole = self.measured.read_commits(&self.root, &paths)?;
        let note = "this checkout does not have the whole history; the pages keep the dates they have";
        Ok((!whole).then(|| note.to_owned()))
    }

    /// Diagnostics of all sources, rendered.
    pub fn diagnostics(&self, color: bool) -> Vec<String> {
        let render = |s: &ProjectSource, d: &Diagnostic| d.render(&s.loaded.sources, color);
        self.sources.iter().flat_map(|s| s.loaded.diagnostics.iter().map(move |d| render(s, d))).collect()
    }

    /// The status machines of the sources that have any.
    pub fn machines(&self) -> Result<Vec<Machines<'_>>, Error> {
        let mut machines = Vec::new();
        for (config, source) in self.config.sources.iter().zip(&self.sources) {
            machines.extend(Machines::read(&self.root, config, &source.loaded.model)?);
        }
        Ok(machines)
    }

    /// Number of errors; with any, nothing is generated.
    pub fn errors(&self) -> usize {
        self.sources.iter().map(|s| s.loaded.errors()).sum()
    }

    /// Generates what is asked for.
    pub fn generate(&self, what: What) -> Result<Files, Error> {
        if self.errors() > 0 {
            return Err(Error::Ddl(self.errors()));
        }
        let mut files = Files::default();
        let (lock, notes) = self.assigned_lock()?;
        files.notes.extend(notes);
        if let (true, Some(config)) = (what.types, &self.config.types) {
            emit::types::emit(self, config, &lock, &mut files)?;
        }
        if let (true, Some(config)) = (what.docs, &self.config.docs) {
            let existing = Existing::read(&self.root, &config.path)?;
            let documents = references::read(&self.root, config, &[])?;
            let material = Material { existing: &existing, documents: &documents, measured: &self.measured };
            emit::docs::emit(self, config, &lock, &material, &mut files)?;
        }
        if what.docs || what.types {
            files.insert(&self.config.lock, lock.to_text());
        }
        if what.manifests {
            for source in &self.sources {
                let Some((folder, meta)) = &source.pack else { continue };
                let file_names: Vec<String> =
                    source.loaded.sources.iter().filter_map(|s| s.name.rsplit('/').next().map(str::to_owned)).collect();
                let pack = PackSource { meta, file_names: &file_names, model: &source.loaded.model };
                files.insert(folder.join("manifest.json"), emit::manifest::emit(&pack));
            }
        }
        Ok(files)
    }

    /// The lock with an ID for every table, and what is worth saying about it.
    fn assigned_lock(&self) -> Result<(Lock, Vec<String>), Error> {
        let docs = self.config.docs.as_ref();
        let (none, file) = (BTreeMap::new(), self.root.join(crate::config::FILE));
        let renames = Renames {
            renamed: docs.map_or(&none, |d| &d.renamed),
            dropped: docs.map_or(&[], |d| &d.dropped),
            config: &file,
        };
        let mut lock = self.lock.clone();
        let mut notes = Vec::new();
        for source in &self.sources {
            let listed = emit::docs::listed(&source.loaded, docs.map(|d| &d.category));
            notes.extend(lock.assign(&source.name, &listed, &renames)?);
        }
        Ok((lock, notes))
    }
}

fn open_source(config_file: &Path, root: &Path, source: &SourceConfig) -> Result<ProjectSource, Error> {
    let wrong = |message: &str| Error::Config {
        path: config_file.to_owned(),
        message: format!("[[source]] {}: {message}", source.name),
    };
    let pack = match source.paths.as_slice() {
        [folder] => PackMeta::read(&root.join(folder))?.map(|meta| (folder.clone(), meta)),
        _ => None,
    };
    let schemas: Vec<&str> = source.schemas.iter().map(String::as_str).collect();
    let loaded = match (&source.database_url_env, source.paths.is_empty()) {
        (None, true) => return Err(wrong("`paths`, or `database_url_env`, is missing")),
        (Some(_), false) => return Err(wrong("`paths` and `database_url_env` exclude each other")),
        (None, false) => {
            let mut loaded = load(input::read(root, &source.paths, &source.substitute)?);
            if !schemas.is_empty() {
                loaded.model.retain_schemas(&|name| schemas.contains(&name));
            }
            loaded
        }
        (Some(variable), true) => {
            let url = format!("env:{variable}").parse::<DatabaseUrl>().map_err(|message| wrong(&message))?;
            Loaded::from_model(live::connect(&url, (!schemas.is_empty()).then_some(&schemas))?)
        }
    };
    if let Some(name) = schemas.iter().find(|name| loaded.model.schemas.iter().all(|s| s.name != **name)) {
        return Err(wrong(&format!("there is no schema {name}")));
    }
    Ok(ProjectSource { name: source.name.clone(), loaded, pack })
}

/// Which outputs to generate.
#[derive(Clone, Copy, Debug, Default)]
pub struct What {
    /// Rust types.
    pub types: bool,
    /// Documents.
    pub docs: bool,
    /// Pack manifests.
    pub manifests: bool,
}

impl What {
    /// Everything.
    pub const ALL: Self = Self { types: true, docs: true, manifests: true };
}
