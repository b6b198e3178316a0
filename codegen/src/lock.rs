//! `canon.lock`: the IDs of documents. An ID, once given, is never given to anything else.

mod rename;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use self::rename::Renames;
use crate::emit::docs::Category;
use crate::error::Error;
use crate::write::MARKER;

/// IDs of all sources.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    #[serde(default)]
    source: BTreeMap<String, SourceLock>,
}

/// IDs of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceLock {
    /// Table or view, and its ID.
    #[serde(default)]
    pub active: BTreeMap<String, DocId>,
    /// IDs of tables and views that are gone, and the names these had.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub retired: BTreeMap<DocId, String>,
    /// Columns of what has an ID: by them a table is known again that was given another name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<DocId, Vec<String>>,
}

/// `DBT-nnn`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct DocId(pub u32);

impl std::fmt::Display for DocId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DBT-{:03}", self.0)
    }
}

impl From<DocId> for String {
    fn from(id: DocId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for DocId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let number = text.strip_prefix("DBT-").and_then(|digits| digits.parse().ok()).map(Self);
        // One way to write each: `DBT-1` is not `DBT-001`.
        number.filter(|id| id.to_string() == text).ok_or_else(|| format!("`{text}` is not an ID of the form DBT-001"))
    }
}

/// A table or view that wants an ID.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its name, as SQL writes it.
    pub name: String,
    /// Decides the range of a new ID.
    pub category: Category,
    /// Names of its columns.
    pub columns: Vec<String>,
    /// Names it had before, as its migrations tell; oldest first.
    pub earlier_names: Vec<String>,
    /// Partitions are made and dropped in numbers and all look the same.
    pub is_partition: bool,
}

impl Lock {
    /// Reads the file; an absent one is empty.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(Error::io(path)(error)),
        };
        let config = |message: String| Error::Config { path: path.to_owned(), message };
        let lock: Self = toml::from_str(&text).map_err(|error| config(error.to_string().trim().to_owned()))?;
        match lock.used_twice(&text) {
            Some(message) => Err(config(message)),
            None => Ok(lock),
        }
    }

    /// Two branches that each add a table give it the same ID, and merge without a conflict.
    fn used_twice(&self, text: &str) -> Option<String> {
        for (name, source) in &self.source {
            let mut owners: BTreeMap<DocId, &str> = source.retired.iter().map(|(id, n)| (*id, n.as_str())).collect();
            for (table, id) in &source.active {
                if let Some(other) = owners.insert(*id, table) {
                    let line = |table: &str| {
                        let has = |l: &str| l.contains(&format!("\"{id}\"")) && l.contains(&table.replace('"', "\\\""));
                        text.lines().position(has).map_or(0, |n| n + 1)
                    };
                    return Some(format!(
                        "source {name}: {id} stands for {other} (line {}) and for {table} (line {}); remove the line \
                         of the newer one, which then gets another ID",
                        line(other),
                        line(table)
                    ));
                }
            }
        }
        None
    }

    /// The IDs of a source.
    pub fn source(&self, name: &str) -> Option<&SourceLock> {
        self.source.get(name)
    }

    /// Gives every table without an ID the one it had under another name, or the next one of its
    /// category, and retires the IDs of tables that are gone. Gives back what is worth saying:
    /// renames that nobody declared.
    pub fn assign(&mut self, source: &str, listed: &[Listed], renames: &Renames<'_>) -> Result<Vec<String>, Error> {
        let lock = self.source.entry(source.to_owned()).or_default();
        let notes = rename::carry_over(lock, listed, renames)?;
        let names: HashSet<&str> = listed.iter().map(|l| l.name.as_str()).collect();
        let gone: Vec<String> = lock.active.keys().filter(|name| !names.contains(name.as_str())).cloned().collect();
        for name in gone {
            if let Some(id) = lock.active.remove(&name) {
                lock.columns.remove(&id);
                lock.retired.insert(id, name);
            }
        }
        let mut used: BTreeSet<DocId> = lock.active.values().chain(lock.retired.keys()).copied().collect();
        for table in listed {
            let known = lock.active.get(&table.name).copied().or_else(|| lock.come_back(&table.name));
            let id =
                known.or_else(|| next(&used, table.category)).ok_or_else(|| renames.range_is_full(table.category))?;
            used.insert(id);
            lock.active.insert(table.name.clone(), id);
            lock.columns.insert(id, table.columns.clone());
        }
        Ok(notes)
    }

    /// The text of the file.
    pub fn to_text(&self) -> String {
        // `to_string_pretty` would give each column a line of its own.
        let body = toml::to_string(self).unwrap_or_default();
        format!("# {MARKER}. IDs of the documents under docs; an ID is never used again.\n\n{body}")
    }
}

impl SourceLock {
    /// A table that comes back takes up the ID it had last.
    fn come_back(&mut self, table: &str) -> Option<DocId> {
        let id = self.retired.iter().rev().find(|(_, name)| *name == table).map(|(id, _)| *id)?;
        self.retired.remove(&id);
        Some(id)
    }
}

/// The first ID after the last of the category's.
fn next(used: &BTreeSet<DocId>, category: Category) -> Option<DocId> {
    category.ranges().into_iter().find_map(|range| {
        match used.range(DocId(*range.start())..=DocId(*range.end())).next_back() {
            None => Some(DocId(*range.start())),
            Some(last) => (last.0 < *range.end()).then_some(DocId(last.0 + 1)),
        }
    })
}

#[cfg(test)]
mod tests;
