//! Where a checkout keeps its servers: outside the repository's tracked files, outside `~/.pgrx`.

use std::fs::{DirBuilder, File, TryLockError, create_dir_all};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::user::{ServerUser, is_root};

/// Overrides the directory that holds a checkout's servers.
pub(crate) const STATE_VARIABLE: &str = "PG_CANON_STATE";

/// A directory without this file was not made by us, and is neither used nor removed.
const MARKER: &str = ".pg_canon-state";

/// The state directory of one checkout.
#[derive(Clone, Debug)]
pub(crate) struct State {
    root: PathBuf,
    repo: PathBuf,
}

impl State {
    /// The state directory of the checkout at `repo`; nothing is created yet.
    pub(crate) fn locate(repo: &Path) -> Result<Self> {
        let repo = repo.canonicalize().with_context(|| format!("cannot resolve {}", repo.display()))?;
        let root = match std::env::var_os(STATE_VARIABLE) {
            Some(chosen) => std::path::absolute(chosen)?,
            // `postgres` cannot enter root's home, so root's servers live elsewhere.
            None if is_root() => {
                let name = repo.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
                PathBuf::from(format!("/var/lib/pg_canon/{name}-{}", short_hash(&repo)))
            }
            None => repo.join("target/pg_canon"),
        };
        Ok(Self { root, repo })
    }

    /// Creates the directory, and refuses one that holds something else.
    pub(crate) fn create(&self) -> Result<()> {
        let marker = self.root.join(MARKER);
        if marker.is_file() {
            return Ok(());
        }
        if self.root.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
            bail!(
                "{} holds files that are not ours: set {STATE_VARIABLE} to a new or empty directory",
                self.root.display()
            );
        }
        let made = match self.root.parent() {
            Some(parent) => create_dir_all(parent),
            None => Ok(()),
        };
        made.and_then(|()| DirBuilder::new().recursive(true).mode(0o755).create(&self.root))
            .and_then(|()| std::fs::write(&marker, format!("Servers of {}\n", self.repo.display())))
            .with_context(|| {
                format!("cannot create {}: set {STATE_VARIABLE} to a directory of yours", self.root.display())
            })
    }

    /// Whether anything has been set up.
    pub(crate) fn exists(&self) -> bool {
        self.root.join(MARKER).is_file()
    }

    /// The directory itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// `PGRX_HOME` of this checkout.
    pub(crate) fn pgrx_home(&self) -> PathBuf {
        self.root.join("pgrx")
    }

    /// Everything that belongs to one major version of PostgreSQL.
    pub(crate) fn of_version(&self, major: u16) -> PathBuf {
        self.root.join(format!("pg{major}"))
    }

    /// Major versions that something has been set up for.
    pub(crate) fn versions(&self) -> Vec<u16> {
        let Ok(entries) = self.root.read_dir() else { return Vec::new() };
        let number = |name: String| name.strip_prefix("pg").and_then(|n| n.parse().ok());
        let mut found: Vec<u16> =
            entries.flatten().filter_map(|e| number(e.file_name().to_string_lossy().into_owned())).collect();
        found.sort_unstable();
        found
    }

    /// Directory of the sockets. Its path is short however long the checkout's is: a socket's path may
    /// have 107 bytes.
    pub(crate) fn socket_dir(&self, user: &ServerUser) -> PathBuf {
        PathBuf::from(format!("/tmp/pg_canon-{}-{}", user.uid(), short_hash(&self.root)))
    }

    /// Waits until no other `cargo xtask` holds the lock of that name, and keeps others waiting until
    /// the returned value is dropped. `what` completes "waiting for another cargo xtask that ...".
    pub(crate) fn lock(&self, name: &str, what: &str) -> Result<File> {
        let path = self.root.join(format!("{name}.lock"));
        let file = File::create(&path).with_context(|| format!("cannot open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => eprintln!("==> waiting for another cargo xtask that {what}"),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
        file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
        Ok(file)
    }

    /// Removes the directory, if it is ours.
    pub(crate) fn purge(&self) -> Result<()> {
        if !self.root.exists() {
            return Ok(());
        }
        if !self.exists() {
            bail!("{} has no {MARKER}, so it was not made by us: it is left alone", self.root.display());
        }
        std::fs::remove_dir_all(&self.root).with_context(|| format!("cannot remove {}", self.root.display()))?;
        if let Some(parent) = self.root.parent().filter(|parent| parent.ends_with("pg_canon")) {
            // Shared by the checkouts of root: goes with the last one.
            let _ = std::fs::remove_dir(parent);
        }
        Ok(())
    }
}

/// Tells checkouts apart: the first 8 hexadecimal digits of the SHA-256 of a path.
fn short_hash(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(root: &Path) -> State {
        State { root: root.to_owned(), repo: root.to_owned() }
    }

    #[test]
    fn checkouts_differ_by_the_sha256_of_their_path() {
        // printf %s /work | sha256sum
        assert_eq!(short_hash(Path::new("/work")), "0c9a453f");
    }

    #[test]
    fn a_directory_that_holds_something_else_is_neither_used_nor_removed() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("thesis.tex"), "").unwrap();
        let state = state(dir.path());
        assert!(state.create().unwrap_err().to_string().contains("not ours"));
        assert!(state.purge().unwrap_err().to_string().contains("not made by us"));
        assert!(dir.path().join("thesis.tex").exists());
    }

    #[test]
    fn what_was_created_can_be_purged() {
        let dir = tempfile::tempdir().unwrap();
        let state = state(&dir.path().join("a/b"));
        state.create().unwrap();
        state.create().unwrap();
        std::fs::create_dir_all(state.of_version(16)).unwrap();
        std::fs::create_dir_all(state.of_version(15)).unwrap();
        assert_eq!(state.versions(), [15, 16]);
        state.purge().unwrap();
        assert!(!state.exists() && dir.path().join("a").exists());
        state.purge().unwrap();
    }
}
