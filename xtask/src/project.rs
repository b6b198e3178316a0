//! The checkout at hand: prepares PostgreSQL and cargo-pgrx once, when something first needs them.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::instance::{Instance, Kind};
use crate::pgrx::Pgrx;
use crate::postgres_install::PostgresInstall;
use crate::prefix::Prefix;
use crate::progress::step;
use crate::run;
use crate::state::State;

/// Root of the checkout that cargo runs this program or test for.
///
/// Cargo is asked at run time: checkouts that share a target directory share this program too.
///
/// # Errors
///
/// When there is no such directory, because the checkout was moved and cargo does not run us.
pub fn repo_root() -> Result<PathBuf> {
    let package =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    let root = package.parent().context("every package lies in a directory of the workspace")?;
    root.canonicalize().with_context(|| format!("cannot find the checkout at {}", root.display()))
}

/// One checkout and one major version of PostgreSQL.
#[derive(Debug)]
pub(crate) struct Project {
    repo: PathBuf,
    major: u16,
    state: State,
    install: OnceCell<PostgresInstall>,
    pgrx: OnceCell<Pgrx>,
}

impl Project {
    /// The checkout that cargo runs this program for.
    pub(crate) fn new(major: u16) -> Result<Self> {
        let repo = repo_root()?;
        let state = State::locate(&repo)?;
        Ok(Self { repo, major, state, install: OnceCell::new(), pgrx: OnceCell::new() })
    }

    /// Root of the checkout.
    pub(crate) fn repo(&self) -> &Path {
        &self.repo
    }

    /// Major version of PostgreSQL.
    pub(crate) fn major(&self) -> u16 {
        self.major
    }

    /// Where its servers live.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// `cargo`, in the repository.
    pub(crate) fn cargo(&self) -> std::process::Command {
        run::cargo(&self.repo)
    }

    /// The machine's PostgreSQL, installed where it is missing.
    pub(crate) fn install(&self) -> Result<&PostgresInstall> {
        if let Some(install) = self.install.get() {
            return Ok(install);
        }
        let install = PostgresInstall::ensure(self.major)?;
        self.state.create()?;
        Ok(self.install.get_or_init(|| install))
    }

    /// cargo-pgrx, installed where it is missing.
    pub(crate) fn pgrx(&self) -> Result<&Pgrx> {
        if let Some(pgrx) = self.pgrx.get() {
            return Ok(pgrx);
        }
        let install = self.install()?;
        let prefix = Prefix::at(self.state.of_version(self.major).join("build"), install);
        if !prefix.is_current()? {
            step(&format!("preparing {} for builds", install.version), || prefix.rebuild())?;
        }
        let pgrx = Pgrx::prepare(&self.repo, &self.state, self.major, &install.version, prefix)?;
        Ok(self.pgrx.get_or_init(|| pgrx))
    }

    /// One of this checkout's servers.
    pub(crate) fn instance(&self, kind: Kind) -> Result<Instance> {
        Instance::new(self.install()?, &self.state, kind)
    }
}
