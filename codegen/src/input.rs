//! Finds and reads the files of a source.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::source::Source;

/// Reads files and folders in order. Names in messages are relative to `root`.
pub fn read(root: &Path, paths: &[PathBuf], substitute: &BTreeMap<String, String>) -> Result<Vec<Source>, Error> {
    let mut files = Vec::new();
    for path in paths {
        let path = root.join(path);
        if path.is_dir() { collect(&path, &mut files)? } else { files.push(path) }
    }
    files.into_iter().map(|file| read_file(root, &file, substitute)).collect()
}

fn read_file(root: &Path, file: &Path, substitute: &BTreeMap<String, String>) -> Result<Source, Error> {
    let bytes = std::fs::read(file).map_err(Error::io(file))?;
    let name = file.strip_prefix(root).unwrap_or(file).display().to_string();
    let mut source = Source::from_bytes(name, bytes)?;
    if substitute.keys().any(|placeholder| source.text.contains(placeholder.as_str())) {
        let filled = substitute.iter().fold(source.text, |text, (placeholder, value)| text.replace(placeholder, value));
        source = Source::new(source.name, filled);
    }
    Ok(source)
}

/// The `.sql` files below a folder, in natural order of their paths: `V2` before `V10`. Undo
/// scripts of migration tools (`.down.sql`, Flyway's `U1__`) are left out.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(Error::io(folder))? {
        entries.push(entry.map_err(Error::io(folder))?.path());
    }
    entries.sort_by(|a, b| natural(&file_name(a), &file_name(b)));
    for path in entries {
        let name = file_name(&path);
        if path.is_dir() {
            collect(&path, files)?;
        } else if name.ends_with(".sql") && !is_undo(&name) {
            files.push(path);
        }
    }
    Ok(())
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn is_undo(name: &str) -> bool {
    let flyway = name
        .strip_prefix('U')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()) && rest.contains("__"));
    name.ends_with(".down.sql") || flyway
}

/// Compares runs of digits as numbers.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut x, mut y) = (a, b);
    loop {
        let (digits_x, digits_y) = (digits(x), digits(y));
        if digits_x > 0 && digits_y > 0 {
            let (p, q) = (x[..digits_x].trim_start_matches('0'), y[..digits_y].trim_start_matches('0'));
            let order = p.len().cmp(&q.len()).then_with(|| p.cmp(q));
            if order != Ordering::Equal {
                return order;
            }
            (x, y) = (&x[digits_x..], &y[digits_y..]);
            continue;
        }
        match (x.chars().next(), y.chars().next()) {
            (Some(p), Some(q)) if p == q => (x, y) = (&x[p.len_utf8()..], &y[q.len_utf8()..]),
            (p, q) => return p.cmp(&q).then_with(|| a.cmp(b)),
        }
    }
}

fn digits(text: &str) -> usize {
    text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let mut names = ["V10__b.sql", "V2__a.sql", "V1__z.sql", "20_x.sql", "5_y.sql"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["5_y.sql", "20_x.sql", "V1__z.sql", "V2__a.sql", "V10__b.sql"]);
    }

    #[test]
    fn undo_scripts_are_left_out() {
        assert!(is_undo("0001_init.down.sql") && is_undo("U1__init.sql"));
        assert!(!is_undo("0001_init.up.sql") && !is_undo("Users.sql"));
    }
}
