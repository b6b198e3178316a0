//! The servers of a checkout. Each has its own copy of PostgreSQL, data directory and socket, so
//! that a test run never disturbs the developer's database.

use std::fs::{File, create_dir_all, remove_dir_all};
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::cluster::{Cluster, Status, StopMode};
use crate::pgrx::{Package, Pgrx, Profile};
use crate::postgres_install::PostgresInstall;
use crate::prefix::Prefix;
use crate::state::State;
use crate::user::ServerUser;

/// What a server is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `up`, `psql`, `down`: a lasting database, as in production.
    Dev,
    /// `test`, `gen`, `check`: thrown away.
    Test,
    /// `bench`: thrown away, and syncs to disk.
    Bench,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Dev, Self::Test, Self::Bench];

    /// For paths and messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Test => "test",
            Self::Bench => "bench",
        }
    }

    /// How the extension in it is compiled.
    pub(crate) fn profile(self) -> Profile {
        match self {
            Self::Dev | Self::Bench => Profile::Release,
            Self::Test => Profile::Dev,
        }
    }

    fn settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Dev => &[("shared_preload_libraries", "pg_canon")],
            Self::Test => &[
                ("shared_preload_libraries", "pg_canon"),
                ("fsync", "off"),
                ("timezone", "UTC"),
                ("max_connections", "200"),
                // Off by default, and two-phase commit is tested.
                ("max_prepared_transactions", "20"),
            ],
            Self::Bench => &[
                ("shared_preload_libraries", "pg_canon"),
                ("timezone", "UTC"),
                ("max_connections", "200"),
                ("shared_buffers", "512MB"),
                // No checkpoint that was not asked for in the middle of a measurement.
                ("max_wal_size", "16GB"),
                ("checkpoint_timeout", "1h"),
            ],
        }
    }
}

const PREFIX: &str = "postgres";

fn dir(state: &State, major: u16, kind: Kind) -> PathBuf {
    state.of_version(major).join(kind.name())
}

fn cluster(state: &State, major: u16, kind: Kind, bin: PathBuf) -> Result<Cluster> {
    let dir = dir(state, major, kind);
    Ok(Cluster {
        bin,
        data: dir.join("data"),
        log: dir.join("log/server.log"),
        socket: state.socket_dir(&ServerUser::current()?),
        // No TCP port is opened; the number only tells sockets in one directory apart.
        port: 40_000 + major * 10 + kind as u16,
    })
}

/// The cluster that an earlier command has initialised, if any; installs and builds nothing.
pub(crate) fn existing(state: &State, major: u16, kind: Kind) -> Result<Option<Cluster>> {
    let Some(bin) = Prefix::bin_of(&dir(state, major, kind).join(PREFIX)) else { return Ok(None) };
    let cluster = cluster(state, major, kind, bin)?;
    Ok(if cluster.status()? == Status::Absent { None } else { Some(cluster) })
}

/// One of a checkout's servers.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) cluster: Cluster,
    kind: Kind,
    major: u16,
    dir: PathBuf,
    prefix: Prefix,
    state: State,
}

impl Instance {
    pub(crate) fn new(install: &PostgresInstall, state: &State, kind: Kind) -> Result<Self> {
        let dir = dir(state, install.major, kind);
        let prefix = Prefix::at(dir.join(PREFIX), install);
        let cluster = cluster(state, install.major, kind, prefix.bin())?;
        Ok(Self { cluster, kind, major: install.major, dir, prefix, state: state.clone() })
    }

    /// Keeps every other `cargo xtask` away from this server until the returned value is dropped.
    pub(crate) fn lock(&self) -> Result<File> {
        let name = self.kind.name();
        self.state.lock(&format!("pg{}-{name}", self.major), &format!("uses the {name} server"))
    }

    /// Builds the extension for this server.
    pub(crate) fn build(&self, pgrx: &Pgrx) -> Result<Package> {
        pgrx.package(self.kind.profile(), &self.dir.join("stage"))
    }

    /// Brings the server up with this build of the extension, keeping its data. Does nothing to a
    /// running server that has it already.
    pub(crate) fn bring_up(&self, package: &Package) -> Result<()> {
        let was_running = self.cluster.status()? == Status::Running;
        let fresh_prefix = !self.prefix.is_current()?;
        if fresh_prefix {
            if was_running {
                self.cluster.stop(StopMode::Fast)?;
            }
            self.prefix.rebuild()?;
        }
        let new_extension = fresh_prefix || !package.is_installed(&self.prefix)?;
        if new_extension {
            package.install(&self.prefix)?;
        }
        if self.cluster.status()? == Status::Absent {
            self.init()?;
        }
        let new_settings = self.cluster.configure(self.kind.settings())?;
        match self.cluster.status()? {
            Status::Running if new_extension || new_settings || !self.cluster.has_socket() => self.cluster.restart(),
            Status::Running => Ok(()),
            _ => self.cluster.start(),
        }
    }

    /// As [`Self::bring_up`], with a new and empty data directory.
    pub(crate) fn bring_up_fresh(&self, package: &Package) -> Result<()> {
        self.stop_now()?;
        if self.cluster.data.exists() {
            remove_dir_all(&self.cluster.data)
                .with_context(|| format!("cannot clear {}", self.cluster.data.display()))?;
        }
        self.bring_up(package)
    }

    fn init(&self) -> Result<()> {
        let user = ServerUser::current()?;
        create_dir_all(&self.dir)?;
        user.check_can_enter(self.state.root(), "set PG_CANON_STATE to a directory outside root's home")?;
        user.private_dir(self.cluster.log.parent().context("the log lies in a directory")?)?;
        self.cluster.init(self.kind != Kind::Test)
    }

    /// Stops a server whose data is thrown away.
    pub(crate) fn stop_now(&self) -> Result<()> {
        match self.cluster.status()? {
            Status::Running => self.cluster.stop(StopMode::Immediate),
            _ => Ok(()),
        }
    }
}
