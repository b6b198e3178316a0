//! A server of one's own, for tests that crash it or need settings of their own.

use std::ops::Deref;
use std::path::Path;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::cluster::{Cluster, Status, StopMode};
use crate::server::{KEEP, Server};
use crate::user::ServerUser;

/// A freshly initialised server in a temporary directory, stopped and removed with this value.
///
/// It dereferences to [`Cluster`], so it can be stopped, restarted and killed;
/// `cluster.server().database("name")` creates a database in it.
#[derive(Debug)]
pub struct PrivateCluster {
    cluster: Cluster,
    dir: Option<TempDir>,
}

impl PrivateCluster {
    /// Initialises and starts a server of the same installation as `like`, with these settings.
    ///
    /// It listens on a socket in its own directory and writes to disk without syncing, unless the
    /// settings say otherwise: SIGKILL loses nothing that was handed to the kernel.
    ///
    /// # Errors
    ///
    /// When it cannot be initialised or started.
    pub fn start_new(like: &Server, settings: &[(&str, &str)]) -> Result<Self> {
        Self::start_in(Path::new("/tmp"), like, settings)
    }

    /// As [`Self::start_new`], in a directory under `parent`: `/dev/shm` makes a server that no disk
    /// slows down. The path must be short, for a socket lies in it.
    ///
    /// # Errors
    ///
    /// As [`Self::start_new`].
    pub fn start_in(parent: &Path, like: &Server, settings: &[(&str, &str)]) -> Result<Self> {
        let private = Self::stopped_in(parent, like)?;
        private.cluster.init(false)?;
        let mut all = vec![("fsync", "off"), ("shared_preload_libraries", "pg_canon")];
        all.extend(settings);
        private.cluster.configure(&all)?;
        private.cluster.start()?;
        Ok(private)
    }

    /// A place for a server of the same installation as `like`, with no data directory yet: for a
    /// standby, `pg_basebackup` fills `data`.
    ///
    /// # Errors
    ///
    /// When the temporary directory cannot be created.
    pub fn stopped(like: &Server) -> Result<Self> {
        // Not in TMPDIR: the path of a socket may have 107 bytes.
        Self::stopped_in(Path::new("/tmp"), like)
    }

    fn stopped_in(parent: &Path, like: &Server) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("pg_canon-test-").tempdir_in(parent)?;
        ServerUser::current()?.own(dir.path())?;
        let cluster = Cluster {
            bin: like.bin.clone(),
            data: dir.path().join("data"),
            log: dir.path().join("log"),
            socket: dir.path().to_owned(),
            port: 5432,
        };
        Ok(Self { cluster, dir: Some(dir) })
    }

    /// A program of the installation that runs as the server's user, for work on data directories:
    /// `pg_basebackup`, `pg_rewind`, `pg_controldata`.
    ///
    /// # Errors
    ///
    /// When that user does not exist.
    pub fn server_program(&self, name: &str) -> Result<std::process::Command> {
        let mut command = ServerUser::current()?.command(self.cluster.bin.join(name));
        command.env("PGHOST", &self.cluster.socket).env("PGPORT", self.cluster.port.to_string());
        command.env("PGUSER", "postgres");
        Ok(command)
    }

    /// The directory that holds everything of it.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.cluster.socket
    }

    /// Stops the server and removes its directory; `Drop` does the same and only warns.
    ///
    /// # Errors
    ///
    /// When the server does not stop.
    pub fn remove(mut self) -> Result<()> {
        self.clean_up()
    }

    fn clean_up(&mut self) -> Result<()> {
        let Some(dir) = self.dir.take() else { return Ok(()) };
        if std::env::var_os(KEEP).is_some() {
            eprintln!("kept: {}", self.cluster.server().url("postgres"));
            let _ = dir.keep();
            return Ok(());
        }
        if self.cluster.status()? == Status::Running {
            self.cluster.stop(StopMode::Immediate)?;
        }
        dir.close().context("cannot remove the directory of a private cluster")
    }
}

impl Deref for PrivateCluster {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.cluster
    }
}

impl Drop for PrivateCluster {
    fn drop(&mut self) {
        if let Err(error) = self.clean_up() {
            eprintln!("warning: {error:#}");
        }
    }
}
