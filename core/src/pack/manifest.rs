use serde::{Deserialize, Serialize};

use crate::schema::Model;

/// One SQL file of a pack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PackFile {
    /// File name inside the pack's folder; files are loaded in the order of their names.
    pub name: String,
    /// Load only where this schema did not exist when the installation began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unless_schema: Option<String>,
    /// Calls functions of the extension, so plain `psql` cannot load it without.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub needs_extension: bool,
}

/// What a pack declares: its identity, its files in order, and the model of their DDL.
///
/// Generated from `schema/<pack>/`, compiled into the extension.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Name of the pack.
    pub name: String,
    /// Version, `major.minor.patch`.
    pub version: String,
    /// PostgreSQL schema that the pack creates and owns.
    pub schema: String,
    /// A few words for a heading.
    pub title: String,
    /// One sentence.
    pub description: String,
    /// Files in the order of loading.
    pub files: Vec<PackFile>,
    /// What the files declare.
    pub model: Model,
}

impl Manifest {
    /// Number of tables in the pack's own schema.
    pub fn table_count(&self) -> usize {
        self.model.tables.iter().filter(|t| t.name.schema == self.schema).count()
    }

    /// Every schema the pack's files create: its own, and those made only where they are absent.
    pub fn schemas(&self) -> impl Iterator<Item = &str> {
        self.model.schemas.iter().map(|s| s.name.as_str())
    }

    /// Schemas that the pack creates only where nobody else has.
    pub fn conditional_schemas(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.files.iter().filter_map(|f| f.unless_schema.as_deref()).collect();
        names.dedup();
        names
    }
}
