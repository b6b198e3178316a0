use std::process::Command;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use xtask::Server;

/// Where something was measured: what moves numbers, and nothing that identifies the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Model of the processor.
    pub cpu: String,
    /// Processors that this process may use.
    pub cores: usize,
    /// Main memory in GiB, rounded.
    pub memory_gib: u64,
    /// Kernel name and release.
    pub kernel: String,
    /// Version of the server.
    pub postgres: String,
    /// Build profile of the extension and of this program.
    pub profile: String,
}

impl Machine {
    /// This machine, with that server.
    ///
    /// # Errors
    ///
    /// When the server does not answer.
    pub fn describe(server: &Server) -> Result<Self> {
        let version = server.admin()?.query_one("SELECT pg_catalog.current_setting('server_version')", &[])?;
        Ok(Self {
            cpu: field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: field("/proc/meminfo", "MemTotal").map_or(0, |text| gib(&text)),
            kernel: kernel().context("cannot run uname")?,
            postgres: version.get(0),
            profile: if cfg!(debug_assertions) { "dev" } else { "release" }.to_owned(),
        })
    }
}

/// First value of `name : value` in a file of the kernel.
fn field(file: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// `24117248 kB` as GiB.
fn gib(memory: &str) -> u64 {
    let kib: u64 = memory.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0);
    (kib + (1 << 19)) >> 20
}

fn kernel() -> Result<String> {
    Ok(xtask::capture(Command::new("uname").args(["-s", "-r"]))?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_rounded_to_gib() {
        assert_eq!(gib("16777216 kB"), 16);
        assert_eq!(gib("16252928 kB"), 16, "15.5");
        assert_eq!(gib("16252927 kB"), 15);
        assert_eq!(gib("?"), 0);
    }
}
