//! Debian packages: installs what is missing, and nothing else.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::progress::step;
use crate::run::{capture, on_path, stream};
use crate::user::is_root;

/// Installs those of `packages` that are missing.
///
/// # Errors
///
/// On a machine without apt, and for an ordinary user without `sudo`; the error then names the
/// command to run.
pub(crate) fn ensure(packages: &[&str]) -> Result<()> {
    let missing: Vec<&str> = packages.iter().copied().filter(|name| !installed(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if on_path("apt-get").is_none() {
        bail!("this is not Debian, so install these by hand: {list}");
    }
    if !is_root() {
        authenticate(&list)?;
    }
    // The lists of a fresh machine are empty or old, and then apt finds nothing.
    step("updating the package lists", || capture(&mut apt(&["update", "--quiet"])))?;
    let mut install = apt(&["install", "--yes", "--quiet", "--no-install-recommends"]);
    install.args(&missing);
    step(&format!("installing {list}"), || capture(&mut install)).with_context(|| {
        format!("cannot install {list}; other versions of PostgreSQL than Debian's own come from apt.postgresql.org")
    })?;
    Ok(())
}

fn installed(package: &str) -> bool {
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat=${db:Status-Status}", package]);
    query.output().is_ok_and(|output| output.stdout == b"installed")
}

/// Lets `sudo` ask for the password before a spinner covers its prompt.
fn authenticate(list: &str) -> Result<()> {
    let by_hand = format!("run this as root: apt-get update && apt-get install --no-install-recommends {list}");
    if on_path("sudo").is_none() {
        bail!("packages are missing and there is no sudo; {by_hand}");
    }
    // Not `sudo --validate`: it asks for a password wherever one of several rules wants one.
    stream(Command::new("sudo").arg("true")).with_context(|| format!("packages are missing; {by_hand}"))
}

/// `apt-get`, as root, never asking anything.
fn apt(arguments: &[&str]) -> Command {
    let mut command = Command::new(if is_root() { "env" } else { "sudo" });
    if !is_root() {
        command.arg("env");
    }
    command.arg("DEBIAN_FRONTEND=noninteractive").arg("apt-get").args(arguments);
    command
}

/// What to install so that `program` is on the `PATH`: nothing where it is already.
pub(crate) fn providing<'a>(program: &str, package: &'a str) -> Option<&'a str> {
    on_path(program).is_none().then_some(package)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::describe;

    #[test]
    fn apt_never_asks() {
        let command = describe(&apt(&["update"]));
        assert!(command.ends_with("env DEBIAN_FRONTEND=noninteractive apt-get update"), "{command}");
    }

    #[test]
    fn dpkg_knows_what_is_there() {
        if on_path("dpkg-query").is_some() {
            assert!(installed("dpkg"));
            assert!(!installed("no-such-package"));
        }
    }
}
