//! Running other programs: captured and shown only on failure, or streamed.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use anyhow::{Context, Result, anyhow, bail};

/// Runs `command` and returns its standard output.
///
/// # Errors
///
/// When the program cannot be started or fails; the error then carries everything it printed.
pub fn capture(command: &mut Command) -> Result<String> {
    let output = command.output().map_err(|e| cannot_start(command, &e))?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("{}\n{}{}", failure(command, output.status), stdout, stderr.trim_end());
    }
    Ok(stdout.into_owned())
}

/// Runs `command` with its output going straight to the terminal.
pub(crate) fn stream(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|e| cannot_start(command, &e))?;
    if !status.success() {
        bail!("{}", failure(command, status));
    }
    Ok(())
}

/// Whether `command` can be run and succeeds; its output is dropped.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

fn cannot_start(command: &Command, error: &std::io::Error) -> anyhow::Error {
    let program = command.get_program().to_string_lossy();
    if error.kind() == ErrorKind::NotFound {
        anyhow!("cannot run `{}`: {program} is not installed", describe(command))
    } else {
        anyhow!("cannot run `{}`: {error}", describe(command))
    }
}

fn failure(command: &Command, status: ExitStatus) -> String {
    format!("`{}` failed ({status})", describe(command))
}

/// The command as one would type it, for messages.
#[must_use]
pub fn describe(command: &Command) -> String {
    std::iter::once(command.get_program()).chain(command.get_args()).map(quote).collect::<Vec<_>>().join(" ")
}

fn quote(word: &OsStr) -> Cow<'_, str> {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word
    } else {
        Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
    }
}

/// First file of that name on `PATH`.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file())
}

/// `cargo` in the repository, without what the outer `cargo run` says about the package `xtask`:
/// build scripts and pgrx read those variables as their own.
pub(crate) fn cargo(repo: &Path) -> Command {
    let mut command = Command::new(cargo_program());
    command.current_dir(repo);
    forget_package(&mut command);
    command
}

/// The cargo that runs us.
pub(crate) fn cargo_program() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

pub(crate) fn forget_package(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let Some(name) = name.to_str() else { continue };
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"].iter().any(|p| name.starts_with(p)) {
            command.env_remove(name);
        }
    }
}

/// Reads a text file; the error names it.
pub(crate) fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Writes `text` where the file differs, and says whether it did. Files that are already right
/// keep their time stamp, which cargo's build scripts watch.
pub(crate) fn write_if_different(path: &Path, text: &str) -> Result<bool> {
    if std::fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(false);
    }
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_shows_the_command_and_what_it_printed() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo 'it broke' >&2; exit 3"]);
        let error = capture(&mut command).unwrap_err().to_string();
        assert!(error.starts_with("`sh -c 'echo out; echo '\\''it broke'\\'' >&2; exit 3'` failed"), "{error}");
        assert!(error.contains("exit status: 3") && error.ends_with("out\nit broke"), "{error}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = capture(&mut Command::new("no-such-program")).unwrap_err().to_string();
        assert_eq!(error, "cannot run `no-such-program`: no-such-program is not installed");
    }

    #[test]
    fn an_unchanged_file_keeps_its_time_stamp() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        assert!(write_if_different(&file, "a").unwrap());
        let before = file.metadata().unwrap().modified().unwrap();
        assert!(!write_if_different(&file, "a").unwrap());
        assert_eq!(file.metadata().unwrap().modified().unwrap(), before);
        assert!(write_if_different(&file, "b").unwrap());
    }
}
