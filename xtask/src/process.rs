//! Processes of a server: whether they live, and their violent end.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

/// How long a server may take to come to rest after a crash, or a standby to catch up.
pub(crate) const WAIT: Duration = Duration::from_secs(10);

/// Sends SIGKILL.
pub(crate) fn kill(pid: i32) -> Result<()> {
    signal::kill(Pid::from_raw(pid), Signal::SIGKILL).with_context(|| format!("cannot kill process {pid}"))
}

/// Waits until `done` holds, ten seconds at most, and says whether it ever did.
pub fn wait_until(mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !done() {
        if start.elapsed() > WAIT {
            return false;
        }
        sleep(Duration::from_millis(10));
    }
    true
}

/// Waits until none of these processes lives.
pub(crate) fn wait_until_gone(pids: &[i32]) -> Result<()> {
    let gone = wait_until(|| !pids.iter().any(|pid| lives(*pid)));
    ensure!(gone, "after {} s some of these processes still run: {pids:?}", WAIT.as_secs());
    Ok(())
}

/// Whether it has ended, and its parent has not collected it yet.
pub(crate) fn is_dead(pid: i32) -> bool {
    state(pid).is_some_and(|state| state == "Z")
}

fn lives(pid: i32) -> bool {
    state(pid).is_some_and(|state| state != "Z")
}

fn state(pid: i32) -> Option<String> {
    stat(Path::new(&format!("/proc/{pid}"))).map(|(state, _)| state)
}

/// The processes that `parent` has started.
pub(crate) fn children_of(parent: i32) -> Vec<i32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|e| Some((e.file_name().to_str()?.parse().ok()?, e.path())));
    pids.filter(|(_, path)| stat(path).is_some_and(|(_, ppid)| ppid == parent)).map(|(pid, _)| pid).collect()
}

/// State and parent of a process. The name before them may hold blanks and parentheses.
fn stat(process: &Path) -> Option<(String, i32)> {
    let text = std::fs::read_to_string(process.join("stat")).ok()?;
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::process::{Command, id};

    use super::*;

    #[test]
    fn a_dead_child_is_gone_before_it_is_collected() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        assert!(children_of(i32::try_from(id()).unwrap()).contains(&pid));
        kill(pid).unwrap();
        wait_until_gone(&[pid]).unwrap();
        assert!(is_dead(pid));
        child.wait().unwrap();
        assert!(!is_dead(pid));
    }
}
