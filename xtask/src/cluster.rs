//! One PostgreSQL server with its data directory: initialise, start, stop, connect, crash.

use std::fs::remove_file;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::process;
use crate::run::{capture, read, write_if_different};
use crate::server::Server;
use crate::user::ServerUser;

/// Our settings, included at the end of `postgresql.conf` so that they can be rewritten.
const SETTINGS_FILE: &str = "pg_canon.conf";

/// Seconds that a server may take to start or stop.
const PATIENCE: &str = "60";

/// What a cluster is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not initialised.
    Absent,
    /// Initialised, not running.
    Stopped,
    /// Running.
    Running,
}

/// How to stop a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopMode {
    /// Disconnects clients and shuts down cleanly.
    Fast,
    /// Aborts every process without a checkpoint; the next start recovers from the log.
    Immediate,
}

/// A PostgreSQL server with its data directory.
///
/// It listens on a Unix socket only, in a directory that nobody but the server's user (and root)
/// can enter; inside, every role is trusted. The superuser is called `postgres` everywhere.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Directory of the executables.
    pub bin: PathBuf,
    /// Data directory.
    pub data: PathBuf,
    /// The server's log.
    pub log: PathBuf,
    /// Directory of the socket.
    pub socket: PathBuf,
    /// Number in the socket's name; no TCP port is opened.
    pub port: u16,
}

impl Cluster {
    /// Creates the data directory: UTF-8, data checksums, the locale that every machine has.
    ///
    /// # Errors
    ///
    /// When `initdb` fails, for example because the directory is not empty.
    pub fn init(&self, durable: bool) -> Result<()> {
        let user = ServerUser::current()?;
        user.private_dir(&self.data)?;
        let mut initdb = user.command(self.bin.join("initdb"));
        initdb.arg("--pgdata").arg(&self.data).args([
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--data-checksums",
            "--auth-local=trust",
            "--auth-host=reject",
        ]);
        if !durable {
            initdb.arg("--no-sync");
        }
        capture(&mut initdb)?;
        let file = self.data.join("postgresql.conf");
        let text = read(&file)?;
        std::fs::write(&file, format!("{text}\ninclude_if_exists = '{SETTINGS_FILE}'\n"))?;
        Ok(())
    }

    /// Writes the settings, and says whether they differ from those of the last time. They take
    /// effect at the next start.
    ///
    /// # Errors
    ///
    /// When the data directory cannot be written.
    pub fn configure(&self, settings: &[(&str, &str)]) -> Result<bool> {
        let socket = self.socket.to_string_lossy();
        let port = self.port.to_string();
        let fixed = [
            ("listen_addresses", ""),
            ("unix_socket_directories", socket.as_ref()),
            ("port", port.as_str()),
            ("log_line_prefix", "%m [%p] %q%u@%d "),
        ];
        let text: String = fixed
            .iter()
            .chain(settings)
            .map(|(name, value)| format!("{name} = '{}'\n", value.replace('\'', "''")))
            .collect();
        let file = self.data.join(SETTINGS_FILE);
        let changed = write_if_different(&file, &text)?;
        ServerUser::current()?.own(&file)?;
        Ok(changed)
    }

    /// What the cluster is doing.
    ///
    /// # Errors
    ///
    /// When `pg_ctl` cannot be run.
    pub fn status(&self) -> Result<Status> {
        if !self.data.join("PG_VERSION").is_file() {
            return Ok(Status::Absent);
        }
        self.forget_dead_postmaster()?;
        let mut command = self.pg_ctl("status")?;
        // pg_ctl: 0 running, 3 not running, 4 no data directory
        match command.output()?.status.code() {
            Some(0) => Ok(Status::Running),
            Some(3) => Ok(Status::Stopped),
            _ => capture(&mut command).map(|_| Status::Running),
        }
    }

    /// Whether the socket of a running server is still there: some machines clear `/tmp` of old files.
    pub(crate) fn has_socket(&self) -> bool {
        self.socket.join(format!(".s.PGSQL.{}", self.port)).exists()
    }

    /// Starts the server and waits until it accepts connections.
    ///
    /// # Errors
    ///
    /// When it does not start; the error carries the end of its log.
    pub fn start(&self) -> Result<()> {
        ServerUser::current()?.private_dir(&self.socket)?;
        let mut command = self.pg_ctl("start")?;
        command.arg("--log").arg(&self.log);
        capture(&mut command).map(drop).with_context(|| format!("the server did not start:\n{}", self.log_tail(30)))
    }

    /// Stops the server.
    ///
    /// # Errors
    ///
    /// When it does not stop in time.
    pub fn stop(&self, mode: StopMode) -> Result<()> {
        let mode = match mode {
            StopMode::Fast => "--mode=fast",
            StopMode::Immediate => "--mode=immediate",
        };
        capture(self.pg_ctl("stop")?.arg(mode)).map(drop)
    }

    /// Stops and starts the server.
    ///
    /// # Errors
    ///
    /// As [`Self::stop`] and [`Self::start`].
    pub fn restart(&self) -> Result<()> {
        self.stop(StopMode::Fast)?;
        self.start()
    }

    fn pg_ctl(&self, action: &str) -> Result<Command> {
        let mut command = ServerUser::current()?.command(self.bin.join("pg_ctl"));
        command.arg(action).arg("--pgdata").arg(&self.data).arg("--wait").args(["--timeout", PATIENCE]);
        Ok(command)
    }

    /// How clients reach the server.
    #[must_use]
    pub fn server(&self) -> Server {
        Server { bin: self.bin.clone(), host: self.socket.clone(), port: self.port }
    }

    /// Process id of the running server.
    ///
    /// # Errors
    ///
    /// When it does not run.
    pub fn postmaster_pid(&self) -> Result<i32> {
        let file = self.data.join("postmaster.pid");
        let text = read(&file).context("the server does not run")?;
        let line = text.lines().next().unwrap_or_default();
        line.trim().parse().with_context(|| format!("{} does not begin with a process id", file.display()))
    }

    /// Kills the server's main process with SIGKILL, as a power cut would, and waits until its
    /// other processes have noticed and gone: until then the server cannot be started again.
    ///
    /// # Errors
    ///
    /// When it does not run, or its processes do not end within ten seconds.
    pub fn kill_postmaster(&self) -> Result<()> {
        let postmaster = self.postmaster_pid()?;
        let mut processes = process::children_of(postmaster);
        processes.push(postmaster);
        process::kill(postmaster)?;
        process::wait_until_gone(&processes)?;
        self.forget_dead_postmaster()
    }

    /// In a container without an init nobody collects dead processes, and a killed server would pass
    /// for a running one: the lock files of data directory and socket still name its process.
    fn forget_dead_postmaster(&self) -> Result<()> {
        if self.postmaster_pid().is_ok_and(process::is_dead) {
            let socket = format!(".s.PGSQL.{}.lock", self.port);
            for file in [self.data.join("postmaster.pid"), self.socket.join(socket)] {
                remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
            }
        }
        Ok(())
    }

    /// Kills one backend with SIGKILL, whereupon the server ends all others and recovers, and waits
    /// until it accepts connections again. `pid` is what `pg_backend_pid()` returns.
    ///
    /// # Errors
    ///
    /// When there is no such process, or the server is not back within ten seconds.
    pub fn kill_backend(&self, pid: i32) -> Result<()> {
        let before = process::children_of(self.postmaster_pid()?);
        process::kill(pid)?;
        process::wait_until_gone(&before)?;
        let back = process::wait_until(|| self.server().admin().is_ok());
        ensure!(
            back,
            "the server accepts no connection {} s after a crash:\n{}",
            process::WAIT.as_secs(),
            self.log_tail(30)
        );
        Ok(())
    }

    /// The last lines of the server's log.
    #[must_use]
    pub fn log_tail(&self, lines: usize) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }
}
