//! What is about to be put in its place. A run that is killed between two files leaves this note
//! behind, and the next run ends what it began: pages of two states never stay side by side.

use std::fs::File;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{OnDisk, is_ours};
use crate::error::Error;

/// The note, in the root of the project.
const FILE: &str = ".canon-journal";

/// How a note begins.
const NOTE: &str = "{\"moves\":";

/// Beginning of the names of temporary files.
pub(super) const TEMPORARY: &str = ".canon-";

/// Moves and removals, by paths relative to the root.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Journal {
    /// File, and the name of the temporary file beside it that takes its place.
    pub(super) moves: Vec<(PathBuf, String)>,
    pub(super) removals: Vec<PathBuf>,
}

impl Journal {
    /// Writes the note; from here on the work counts as done.
    pub(super) fn begin(&self, root: &Path) -> Result<(), Error> {
        let path = root.join(FILE);
        let text = serde_json::to_string(self).unwrap_or_default();
        let folder = if root.as_os_str().is_empty() { Path::new(".") } else { root };
        let file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder).map_err(Error::io(folder))?;
        std::fs::write(file.path(), text).map_err(Error::io(file.path()))?;
        file.persist(&path).map_err(|error| Error::Io { path, source: error.error })?;
        Ok(())
    }

    /// Takes the note away.
    pub(super) fn end(root: &Path) -> Result<(), Error> {
        match std::fs::remove_file(root.join(FILE)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(&root.join(FILE))(error)),
            _ => Ok(()),
        }
    }
}

/// Held while files are put in their places: a second run waits, and takes nothing for left behind
/// that the first one still needs. None where the file system knows no locks.
pub(super) fn exclusive(root: &Path) -> Option<File> {
    let folder = if root.as_os_str().is_empty() { Path::new(".") } else { root };
    let handle = File::open(folder).ok()?;
    handle.lock().ok()?;
    Some(handle)
}

/// Removes the temporary files in `folder` that a killed run left behind. To be called by who holds
/// the lock.
pub(super) fn sweep(folder: &Path) -> Result<(), Error> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io(folder)(error)),
    };
    for entry in entries {
        let path = entry.map_err(Error::io(folder))?.path();
        if !path.file_name().is_some_and(|name| is_temporary(&name.to_string_lossy())) {
            continue;
        }
        let left = match OnDisk::read(&path)? {
            OnDisk::Text(text) => text.is_empty() || is_ours(&text) || text.starts_with(NOTE),
            OnDisk::Nothing | OnDisk::Bytes => false,
        };
        if left {
            std::fs::remove_file(&path).map_err(Error::io(&path))?;
        }
    }
    Ok(())
}

/// Whether a name is one that `tempfile` makes up for us.
fn is_temporary(name: &str) -> bool {
    name.strip_prefix(TEMPORARY).is_some_and(|rest| rest.len() == 6 && rest.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// Ends what a run that was killed began; says whether there was anything.
///
/// # Errors
///
/// When a file cannot be put in its place.
pub fn finish_interrupted(root: &Path) -> Result<bool, Error> {
    let path = root.join(FILE);
    if !path.exists() {
        return Ok(false);
    }
    let _lock = exclusive(root);
    let text = match OnDisk::read(&path)? {
        OnDisk::Nothing => return Ok(false),
        OnDisk::Text(text) => text,
        OnDisk::Bytes => String::new(),
    };
    // A note that does not read is of no run of ours: it moves nothing.
    let journal: Journal = serde_json::from_str(&text).unwrap_or_default();
    for (target, temporary) in &journal.moves {
        let (inside, own) = (is_inside(target), is_inside(Path::new(temporary)) && temporary.starts_with(TEMPORARY));
        let target = root.join(target);
        let file = target.parent().unwrap_or(root).join(temporary);
        let ours = |path: &Path| Ok::<bool, Error>(matches!(OnDisk::read(path)?, OnDisk::Text(text) if is_ours(&text)));
        if inside && own && ours(&file)? && (matches!(OnDisk::read(&target)?, OnDisk::Nothing) || ours(&target)?) {
            std::fs::rename(&file, &target).map_err(Error::io(&target))?;
        }
    }
    for target in journal.removals.iter().filter(|path| is_inside(path)) {
        let target = root.join(target);
        if matches!(OnDisk::read(&target)?, OnDisk::Text(text) if is_ours(&text)) {
            std::fs::remove_file(&target).map_err(Error::io(&target))?;
        }
    }
    Journal::end(root)?;
    Ok(true)
}

fn is_inside(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::MARKER;

    #[test]
    fn what_was_begun_is_ended() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        let page = |text: &str| format!("<!-- {MARKER} -->\n{text}\n");
        std::fs::create_dir(at("docs")).unwrap();
        std::fs::write(at("docs/a.md"), page("old")).unwrap();
        std::fs::write(at("docs/gone.md"), page("old")).unwrap();
        std::fs::write(at("docs/by_hand.md"), "mine").unwrap();
        for (name, text) in [(".canon-1", "new a"), (".canon-2", "new b"), (".canon-3", "new")] {
            std::fs::write(at("docs").join(name), page(text)).unwrap();
        }
        let journal = Journal {
            moves: vec![
                ("docs/a.md".into(), ".canon-1".into()),
                ("docs/b.md".into(), ".canon-2".into()),
                ("docs/by_hand.md".into(), ".canon-3".into()),
                ("../out.md".into(), ".canon-3".into()),
                ("docs/c.md".into(), "../a.md".into()),
            ],
            removals: vec!["docs/gone.md".into(), "docs/by_hand.md".into(), "/etc/hostname".into()],
        };
        journal.begin(root.path()).unwrap();
        assert!(finish_interrupted(root.path()).unwrap());
        assert!(!finish_interrupted(root.path()).unwrap());
        let text = |name: &str| std::fs::read_to_string(at(name)).unwrap();
        assert_eq!((text("docs/a.md"), text("docs/b.md")), (page("new a"), page("new b")));
        assert_eq!(text("docs/by_hand.md"), "mine");
        assert!(!at("docs/gone.md").exists() && !at("docs/c.md").exists() && !at(FILE).exists());
    }
}
