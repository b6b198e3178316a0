//! Schema packs: folders of DDL with a `pack.toml`.

use std::collections::BTreeMap;
use std::path::Path;

use canon_core::pack::PackFile;
use serde::Deserialize;

use crate::error::Error;

/// `pack.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackMeta {
    /// Name of the pack.
    pub name: String,
    /// Version, `major.minor.patch`.
    pub version: String,
    /// PostgreSQL schema.
    pub schema: String,
    /// A few words for a heading.
    pub title: String,
    /// One sentence.
    pub description: String,
    /// Conditions of single files.
    #[serde(default)]
    files: BTreeMap<String, FileMeta>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FileMeta {
    unless_schema: Option<String>,
    needs_extension: bool,
}

impl PackMeta {
    /// Reads `pack.toml` of a folder; None where the folder is not a pack.
    pub fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let path = folder.join("pack.toml");
        if !path.exists() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
        let meta: Self = toml::from_str(&text)
            .map_err(|error| Error::Config { path: path.clone(), message: error.to_string().trim().to_owned() })?;
        if let Some(missing) = meta.files.keys().find(|file| !folder.join(file).exists()) {
            return Err(Error::Config { path, message: format!("[files.\"{missing}\"]: there is no such file") });
        }
        Ok(Some(meta))
    }

    /// The entry of a file in the manifest.
    pub fn file(&self, name: &str) -> PackFile {
        let meta = self.files.get(name).cloned().unwrap_or_default();
        PackFile { name: name.to_owned(), unless_schema: meta.unless_schema, needs_extension: meta.needs_extension }
    }
}
