//! Findings that are known and accepted for now, so that new ones stand out.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::finding::Finding;
use crate::error::Error;
use crate::write::{Files, MARKER};

/// The fingerprints of known findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    /// Rule and object, without line numbers.
    pub known: BTreeSet<String>,
}

/// The file: a list, so that a version control system shows single lines.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    about: String,
    known: Vec<String>,
}

impl Baseline {
    /// The baseline that makes these findings known.
    pub fn of(findings: &[Finding]) -> Self {
        Self { known: findings.iter().map(Finding::fingerprint).collect() }
    }

    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
        let file: File = serde_json::from_str(&text)
            .map_err(|error| Error::Config { path: path.to_owned(), message: format!("not a baseline: {error}") })?;
        Ok(Self { known: file.known.into_iter().collect() })
    }

    /// Writes the file, whole or not at all. A file that is no baseline is left alone.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        if path.exists() && Self::read(path).is_err() {
            return Err(Error::NotOurs { path: path.to_owned() });
        }
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = path.file_name().unwrap_or(path.as_os_str());
        let mut files = Files::default();
        files.insert(name, self.to_text());
        files.write(folder).map(|_| ())
    }

    /// The text of the file.
    pub fn to_text(&self) -> String {
        let about = format!("{MARKER} lint --write-baseline; findings listed here are not reported");
        let file = File { about, known: self.known.iter().cloned().collect() };
        serde_json::to_string_pretty(&file).unwrap_or_default() + "\n"
    }
}
