//! `canon.lock`: the IDs of documents. An ID, once given, is never given to anything else.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

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
    /// Tables and views that are gone, and the IDs they had.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub retired: BTreeMap<String, DocId>,
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
        let number = text.strip_prefix("DBT-").and_then(|digits| digits.parse().ok());
        number.map(Self).ok_or_else(|| format!("`{text}` is not an ID of the form DBT-001"))
    }
}

impl Lock {
    /// Reads the file; an absent one is empty.
    pub fn read(path: &Path) -> Result<Self, Error> {
        match std::fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text)
                .map_err(|error| Error::Config { path: path.to_owned(), message: error.to_string().trim().to_owned() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Error::io(path)(error)),
        }
    }

    /// The IDs of a source.
    pub fn source(&self, name: &str) -> Option<&SourceLock> {
        self.source.get(name)
    }

    /// Gives every table without an ID the next one of its category, and retires the IDs of
    /// tables that are gone.
    pub fn assign(&mut self, source: &str, tables: &[(String, Category)]) -> Result<(), Error> {
        let lock = self.source.entry(source.to_owned()).or_default();
        let gone: Vec<String> =
            lock.active.keys().filter(|name| tables.iter().all(|(t, _)| t != *name)).cloned().collect();
        for name in gone {
            if let Some(id) = lock.active.remove(&name) {
                lock.retired.insert(name, id);
            }
        }
        for (name, category) in tables {
            if lock.active.contains_key(name) {
                continue;
            }
            // A table that comes back takes up its old ID.
            let id = lock.retired.remove(name).unwrap_or_else(|| lock.next(*category));
            lock.active.insert(name.clone(), id);
        }
        Ok(())
    }

    /// The text of the file.
    pub fn to_text(&self) -> String {
        let body = toml::to_string_pretty(self).unwrap_or_default();
        format!("# {MARKER}. IDs of the documents under docs; an ID is never used again.\n\n{body}")
    }
}

impl SourceLock {
    fn next(&self, category: Category) -> DocId {
        let used = |range: &std::ops::RangeInclusive<u32>| {
            self.active.values().chain(self.retired.values()).map(|id| id.0).filter(|n| range.contains(n)).max()
        };
        let [first, overflow] = category.ranges();
        match used(&first) {
            None => DocId(*first.start()),
            Some(last) if last < *first.end() => DocId(last + 1),
            Some(_) => DocId(used(&overflow).map_or(*overflow.start(), |last| last + 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> (String, Category) {
        (name.to_owned(), Category::Core)
    }

    #[test]
    fn ids_are_kept_and_never_used_again() {
        let mut lock = Lock::default();
        lock.assign("s", &[table("a"), table("b")]).unwrap();
        lock.assign("s", &[table("b"), table("c")]).unwrap();
        let source = lock.source("s").unwrap();
        assert_eq!(source.active["b"], DocId(2));
        assert_eq!(source.active["c"], DocId(3));
        assert_eq!(source.retired["a"], DocId(1));
        lock.assign("s", &[table("a"), table("b"), table("c")]).unwrap();
        assert_eq!(lock.source("s").unwrap().active["a"], DocId(1));
    }

    #[test]
    fn a_full_range_overflows_into_its_thousand() {
        let mut lock = Lock::default();
        let tables: Vec<_> = (0..101).map(|n| table(&format!("t{n:03}"))).collect();
        lock.assign("s", &tables).unwrap();
        let source = lock.source("s").unwrap();
        assert_eq!(source.active["t098"], DocId(99));
        assert_eq!(source.active["t099"], DocId(1001));
        assert_eq!(source.active["t100"], DocId(1002));
    }

    #[test]
    fn the_file_reads_back() {
        let mut lock = Lock::default();
        lock.assign("s", &[table("a \"quoted\" one")]).unwrap();
        assert_eq!(toml::from_str::<Lock>(&lock.to_text()).unwrap(), lock);
    }
}
