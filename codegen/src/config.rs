//! `canon.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::Error;
use crate::lint::LintConfig;

mod types;

pub use types::{Client, Dates, Override, Serde, TypesConfig};

/// Name of the configuration file.
pub const FILE: &str = "canon.toml";

/// The configuration of a project.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What to read; each source is a model of its own.
    #[serde(rename = "source")]
    pub sources: Vec<SourceConfig>,
    /// The command that regenerates, as generated files and messages name it.
    #[serde(default = "default_command")]
    pub command: String,
    /// Where the stable document IDs are kept.
    #[serde(default = "default_lock")]
    pub lock: PathBuf,
    /// Rust types.
    pub types: Option<TypesConfig>,
    /// Source-of-Truth documents.
    pub docs: Option<DocsConfig>,
    /// Rules about the schema: `canon check` keeps them where this is set.
    pub lint: Option<LintConfig>,
}

/// One set of DDL files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// Short name, used for folders and messages.
    pub name: String,
    /// Files, or folders whose `.sql` files are read in the order of their names.
    #[serde(default)]
    pub paths: Vec<PathBuf>,
    /// Environment variable with the connection string of a database to read instead.
    #[serde(default)]
    pub database_url_env: Option<String>,
    /// Only these schemas; all where none is named.
    #[serde(default)]
    pub schemas: Vec<String>,
    /// Text to replace before reading: placeholders of templates.
    #[serde(default)]
    pub substitute: BTreeMap<String, String>,
}

/// Settings of `canon docs`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocsConfig {
    /// Folder of the generated pages.
    pub path: PathBuf,
    /// Category of a table where the rules choose wrongly: `"saas.incidents" = "core"`.
    #[serde(default)]
    pub category: BTreeMap<String, crate::emit::docs::Category>,
    /// How tables are divided over pages.
    #[serde(default)]
    pub pages: crate::emit::docs::Pages,
    /// Folder of templates that take the place of the built-in ones.
    pub templates: Option<PathBuf>,
    /// Where the history of a table comes from.
    #[serde(default)]
    pub history: HistoryFrom,
    /// Tables that changed their name, old to new, where it cannot be seen otherwise.
    #[serde(default)]
    pub renamed: BTreeMap<String, String>,
    /// Tables that are gone for good, though a new one looks like them.
    #[serde(default)]
    pub dropped: Vec<String>,
    /// Documents that people keep and that may speak of IDs: patterns relative to the configuration.
    #[serde(default)]
    pub documents: Vec<String>,
    /// Prefixes of IDs that those documents define, apart from `DBT`.
    #[serde(default = "default_prefixes")]
    pub prefixes: Vec<String>,
}

/// Where the documents have the history of a table from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HistoryFrom {
    /// The statements of the files.
    #[default]
    Files,
    /// These, and the commits of the files.
    Git,
}

fn default_command() -> String {
    "canon gen".to_owned()
}

pub(crate) fn default_prefixes() -> Vec<String> {
    ["API", "UJ", "BR", "TEST"].map(str::to_owned).to_vec()
}

fn default_lock() -> PathBuf {
    PathBuf::from("canon.lock")
}

impl Config {
    /// The configuration of one output that no file configures: everything but the folder is as it
    /// is by itself.
    pub fn plain(command: String, lock: PathBuf) -> Self {
        Self { sources: Vec::new(), command, lock, types: None, docs: None, lint: None }
    }

    /// Settings of an output of which only the folder is known.
    pub fn output<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, Error> {
        let table = toml::Table::from_iter([("path".to_owned(), path.to_string_lossy().into_owned().into())]);
        table.try_into().map_err(|error: toml::de::Error| Error::Internal(error.to_string()))
    }

    /// Reads the configuration; paths in it are relative to its folder.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
        toml::from_str(&text)
            .map_err(|error| Error::Config { path: path.to_owned(), message: error.to_string().trim().to_owned() })
    }
}
