//! A private copy of the machine's PostgreSQL into which extensions may be installed.
//!
//! PostgreSQL finds its directories relative to the real path of its executable, as far as the end
//! of that path matches the one it was compiled for. So the executables are copied (13 MB) to the
//! same path below a prefix; everything else is symlinks, but for the two directories that an
//! installed extension writes to.

use std::fs::{copy, create_dir_all, read_dir, remove_dir_all};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};

use crate::postgres_install::PostgresInstall;
use crate::run::capture;

/// Records what the copy was made of, and is written last: without it the copy is incomplete.
const STAMP: &str = ".made-of";

/// A relocated PostgreSQL.
#[derive(Clone, Debug)]
pub(crate) struct Prefix {
    root: PathBuf,
    install: PostgresInstall,
}

impl Prefix {
    /// The prefix at `root`, as it is.
    pub(crate) fn at(root: PathBuf, install: &PostgresInstall) -> Self {
        Self { root, install: install.clone() }
    }

    /// Whether it is a copy of the PostgreSQL that is installed now.
    pub(crate) fn is_current(&self) -> Result<bool> {
        let stamp = self.stamp()?;
        Ok(std::fs::read_to_string(self.root.join(STAMP)).is_ok_and(|old| old == stamp))
    }

    /// Makes the copy anew.
    pub(crate) fn rebuild(&self) -> Result<()> {
        if self.root.exists() {
            remove_dir_all(&self.root).with_context(|| format!("cannot remove {}", self.root.display()))?;
        }
        self.build().with_context(|| format!("cannot copy PostgreSQL to {}", self.root.display()))
    }

    fn build(&self) -> Result<()> {
        let bin = &self.install.bin;
        create_dir_all(self.map(bin))?;
        for entry in read_dir(bin)? {
            let path = entry?.path();
            copy(&path, self.map(&path)).with_context(|| format!("cannot copy {}", path.display()))?;
        }
        self.link_entries(&self.install.share, &["extension"])?;
        self.link_entries(&self.install.share.join("extension"), &[])?;
        self.link_entries(&self.install.library, &[])?;
        for dir in &self.install.read_only {
            let here = self.map(dir);
            if dir.exists() && !here.exists() {
                create_dir_all(here.parent().context("a directory at the root")?)?;
                symlink(dir, here)?;
            }
        }
        // Fails here, and not in the middle of a build, where relocation does not work.
        let found = capture(Command::new(self.pg_config()).arg("--pkglibdir"))?;
        anyhow::ensure!(
            Path::new(found.trim()) == self.library_dir(),
            "the copied pg_config reports {}: this PostgreSQL cannot be relocated",
            found.trim()
        );
        std::fs::write(self.root.join(STAMP), self.stamp()?)?;
        Ok(())
    }

    /// A real directory that links to each entry of `dir`, but for `skipped` and for a pg_canon that
    /// somebody installed on the machine.
    fn link_entries(&self, dir: &Path, skipped: &[&str]) -> Result<()> {
        create_dir_all(self.map(dir))?;
        for entry in read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if !skipped.contains(&name.as_ref()) && !name.starts_with("pg_canon") {
                symlink(entry.path(), self.map(&entry.path()))?;
            }
        }
        Ok(())
    }

    /// Where `path` of the installation lies here.
    fn map(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Version, and the times at which the directories last changed: an update of PostgreSQL changes
    /// the first, an extension that is installed later the second. The executables come first:
    /// [`Self::bin_of`] reads them back.
    fn stamp(&self) -> Result<String> {
        let mut stamp = self.install.version.clone();
        let dirs =
            [&self.install.bin, &self.install.share, &self.install.share.join("extension"), &self.install.library];
        for dir in dirs {
            let changed = dir.metadata().and_then(|m| m.modified());
            let changed = changed.with_context(|| format!("cannot look at {}", dir.display()))?;
            let nanoseconds = changed.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
            stamp.push_str(&format!("\n{} {nanoseconds}", dir.display()));
        }
        Ok(stamp)
    }

    /// Directory of the executables of the prefix at `root`, without asking the machine's PostgreSQL,
    /// which may be gone by now.
    pub(crate) fn bin_of(root: &Path) -> Option<PathBuf> {
        let stamp = std::fs::read_to_string(root.join(STAMP)).ok()?;
        let (bin, _) = stamp.lines().nth(1)?.rsplit_once(' ')?;
        Some(root.join(bin.strip_prefix('/').unwrap_or(bin)))
    }

    /// Directory of the executables.
    pub(crate) fn bin(&self) -> PathBuf {
        self.map(&self.install.bin)
    }

    /// Its `pg_config`.
    pub(crate) fn pg_config(&self) -> PathBuf {
        self.bin().join("pg_config")
    }

    /// Directory of extensions' libraries.
    pub(crate) fn library_dir(&self) -> PathBuf {
        self.map(&self.install.library)
    }

    /// Directory of extensions' control files and scripts.
    pub(crate) fn extension_dir(&self) -> PathBuf {
        self.map(&self.install.share.join("extension"))
    }
}
