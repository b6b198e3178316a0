//! Tables that are gone and tables that are new: which of them are the same under another name.
//!
//! What the configuration declares goes first, then what the files say (`ALTER TABLE ... RENAME`),
//! then the columns. Where the columns leave a choice, nobody guesses.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use super::{DocId, Listed, SourceLock};
use crate::emit::docs::Category;
use crate::error::Error;

/// Columns that two tables must share before they can be the same one...
const SHARED_AT_LEAST: usize = 3;
/// ...and the part of all their columns that these must be, in percent.
const SHARED_PERCENT: usize = 80;

/// What the configuration says about names.
#[derive(Clone, Copy, Debug)]
pub struct Renames<'a> {
    /// Old name, new name.
    pub renamed: &'a BTreeMap<String, String>,
    /// Tables that are gone for good, whatever looks like them.
    pub dropped: &'a [String],
    /// The file that says so.
    pub config: &'a Path,
}

impl Renames<'_> {
    fn error(&self, message: String) -> Error {
        Error::Config { path: self.config.to_owned(), message }
    }

    pub(super) fn range_is_full(&self, category: Category) -> Error {
        let message =
            format!("there are no IDs left for {}; divide the source, or use [docs.category]", category.title());
        self.error(message)
    }
}

/// Moves IDs to the new names of their tables. Gives back what it concluded from columns.
pub(super) fn carry_over(
    lock: &mut SourceLock,
    listed: &[Listed],
    renames: &Renames<'_>,
) -> Result<Vec<String>, Error> {
    declared(lock, listed, renames)?;
    exchanged(lock, listed);
    from_files(lock, listed);
    from_columns(lock, listed, renames)
}

fn declared(lock: &mut SourceLock, listed: &[Listed], renames: &Renames<'_>) -> Result<(), Error> {
    let exists = |name: &str| listed.iter().any(|l| l.name == name);
    for (old, new) in renames.renamed {
        let line = format!("[docs.renamed] \"{}\" = \"{}\"", toml_key(old), toml_key(new));
        let retired = lock.retired.iter().rev().find(|(_, name)| *name == old).map(|(id, _)| *id);
        let Some(id) = lock.active.get(old).copied().or(retired) else { continue };
        match (exists(old), exists(new)) {
            (true, true) => return Err(renames.error(format!("{line}: both tables exist"))),
            (true, false) => continue,
            (false, false) if lock.active.contains_key(old) => {
                return Err(renames.error(format!("{line}: there is no table {new}")));
            }
            (false, false) => continue,
            (false, true) => {}
        }
        lock.active.remove(old);
        lock.retired.remove(&id);
        // What it was called in the meantime is not called that way any more.
        if let Some(other) = lock.active.insert(new.clone(), id) {
            lock.columns.remove(&other);
            lock.retired.insert(other, new.clone());
        }
    }
    Ok(())
}

/// Tables that took each other's names: every name is still there, the files tell of renames, and
/// each has the columns of another. Once the lock holds the columns, the same files say nothing more.
fn exchanged(lock: &mut SourceLock, listed: &[Listed]) {
    let likeness = |id: &DocId, table: &Listed| {
        let columns = lock.columns.get(id)?;
        let shared = columns.iter().filter(|column| table.columns.contains(column)).count();
        Some(shared * 1000 / (columns.len() + table.columns.len() - shared).max(1))
    };
    let exists: HashSet<&str> = listed.iter().map(|l| l.name.as_str()).collect();
    let mut moves: BTreeMap<&str, &str> = BTreeMap::new();
    for table in listed {
        let Some(own) = lock.active.get(&table.name).and_then(|id| likeness(id, table)) else { continue };
        let closer = |old: &&String| {
            let like = lock.active.get(*old).and_then(|id| likeness(id, table));
            exists.contains(old.as_str()) && like.is_some_and(|like| like > own)
        };
        if let Some(old) = table.earlier_names.iter().rev().find(closer) {
            moves.insert(&table.name, old);
        }
    }
    // Only names that are given and taken: a circle of them.
    loop {
        let taken: HashSet<&str> = moves.values().copied().collect();
        let before = moves.len();
        let keys: HashSet<&str> = moves.keys().copied().collect();
        moves.retain(|new, old| taken.contains(new) && keys.contains(old));
        if moves.len() == before {
            break;
        }
    }
    let distinct: HashSet<&str> = moves.values().copied().collect();
    if distinct.len() < moves.len() {
        return;
    }
    let ids: Vec<(String, DocId)> =
        moves.iter().filter_map(|(new, old)| Some(((*new).to_owned(), *lock.active.get(*old)?))).collect();
    lock.active.extend(ids);
}

fn from_files(lock: &mut SourceLock, listed: &[Listed]) {
    for table in listed {
        if lock.active.contains_key(&table.name) {
            continue;
        }
        // A name that is taken again belongs to the table that has it now.
        let free = |name: &&String| lock.active.contains_key(*name) && listed.iter().all(|l| l.name != **name);
        if let Some(old) = table.earlier_names.iter().rev().find(free)
            && let Some(id) = lock.active.remove(old)
        {
            lock.active.insert(table.name.clone(), id);
        }
    }
}

fn from_columns(lock: &mut SourceLock, listed: &[Listed], renames: &Renames<'_>) -> Result<Vec<String>, Error> {
    let mut notes = Vec::new();
    // A table that only went to another schema is the same table before any other is.
    for same_name in [true, false] {
        let pairs = alike_pairs(lock, listed, renames, same_name);
        for (old, _, new) in &pairs {
            let olds: Vec<&str> = pairs.iter().filter(|(.., n)| n == new).map(|(o, ..)| o.as_str()).collect();
            let news: Vec<&str> = pairs.iter().filter(|(o, ..)| o == old).map(|(.., n)| n.as_str()).collect();
            if olds.len() > 1 || news.len() > 1 {
                return Err(renames.error(ambiguous(&olds, &news)));
            }
        }
        for (old, id, new) in pairs {
            lock.active.remove(&old);
            notes.push(format!(
                "{new} has the columns that {old} had, and keeps its ID {id}; if it is another table, say so in {}: \
                 [docs] dropped = [\"{}\"]",
                renames.config.display(),
                toml_key(&old)
            ));
            lock.active.insert(new, id);
        }
    }
    Ok(notes)
}

/// Every table that is gone with every new one that has its columns.
fn alike_pairs(
    lock: &SourceLock,
    listed: &[Listed],
    renames: &Renames<'_>,
    same_name: bool,
) -> Vec<(String, DocId, String)> {
    let names: HashSet<&str> = listed.iter().map(|l| l.name.as_str()).collect();
    let gone = lock.active.iter().filter(|(name, _)| !names.contains(name.as_str()) && !renames.dropped.contains(name));
    let retired: HashSet<&str> = lock.retired.values().map(String::as_str).collect();
    let fresh: Vec<&Listed> = listed
        .iter()
        .filter(|l| !lock.active.contains_key(&l.name) && !l.is_partition && !retired.contains(l.name.as_str()))
        .collect();
    let mut pairs = Vec::new();
    for (old, id) in gone {
        let Some(columns) = lock.columns.get(id) else { continue };
        let alike =
            fresh.iter().filter(|t| are_alike(columns, &t.columns) && (!same_name || bare(&t.name) == bare(old)));
        pairs.extend(alike.map(|t| (old.clone(), *id, t.name.clone())));
    }
    pairs
}

fn are_alike(a: &[String], b: &[String]) -> bool {
    let shared = a.iter().filter(|column| b.contains(column)).count();
    let all = a.len() + b.len() - shared;
    shared >= SHARED_AT_LEAST && shared * 100 >= all * SHARED_PERCENT
}

/// The name without its schema.
fn bare(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn ambiguous(old: &[&str], new: &[&str]) -> String {
    let lines: Vec<String> = old
        .iter()
        .flat_map(|o| new.iter().map(move |n| format!("\"{}\" = \"{}\"", toml_key(o), toml_key(n))))
        .collect();
    let gone: Vec<String> = old.iter().map(|o| format!("\"{}\"", toml_key(o))).collect();
    let (is, was) = (if old.len() == 1 { "is" } else { "are" }, if new.len() == 1 { "is" } else { "are" });
    format!(
        "{} {is} gone and {} {was} new, with the same columns. If one was renamed, add the line that is true:\n\n\
         [docs.renamed]\n{}\n\nIf none was, add\n\n[docs]\ndropped = [{}]",
        old.join(" and "),
        new.join(" and "),
        lines.join("\n"),
        gone.join(", ")
    )
}

/// A name inside double quotes of TOML.
fn toml_key(name: &str) -> String {
    name.replace('\\', "\\\\").replace('"', "\\\"")
}
