//! As whom servers run: as the caller, or as `postgres` where the caller is root, because
//! PostgreSQL refuses to run as root.

use std::ffi::OsStr;
use std::fs::{DirBuilder, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use nix::unistd::{User, geteuid};

/// Name of the user that servers run as where the caller is root. The Debian packages create it.
pub(crate) const POSTGRES: &str = "postgres";

/// Whether we run as root.
pub(crate) fn is_root() -> bool {
    geteuid().is_root()
}

/// The operating-system user that servers run as.
#[derive(Clone, Debug)]
pub(crate) struct ServerUser {
    user: User,
    switch: bool,
}

impl ServerUser {
    /// The caller, or `postgres` where the caller is root.
    pub(crate) fn current() -> Result<Self> {
        let switch = is_root();
        let user = if switch {
            User::from_name(POSTGRES)?
                .context("there is no user `postgres` to run servers as: install the Debian package postgresql")?
        } else {
            let uid = geteuid();
            User::from_uid(uid)?.with_context(|| format!("user id {uid} has no entry in /etc/passwd"))?
        };
        Ok(Self { user, switch })
    }

    /// Numeric user id.
    pub(crate) fn uid(&self) -> u32 {
        self.user.uid.as_raw()
    }

    /// Login name.
    pub(crate) fn name(&self) -> &str {
        &self.user.name
    }

    /// `program`, to run as that user.
    ///
    /// The environment is empty but for the search path and the locale: a server must not depend
    /// on the developer's shell, and with `RUST_BACKTRACE` set, backtraces would leak into the
    /// DETAIL of the extension's errors.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8").current_dir("/");
        if self.switch {
            command.uid(self.user.uid.as_raw()).gid(self.user.gid.as_raw());
        }
        command
    }

    /// Gives `path` to that user.
    pub(crate) fn own(&self, path: &Path) -> Result<()> {
        if self.switch {
            chown(path, Some(self.user.uid.as_raw()), Some(self.user.gid.as_raw()))
                .with_context(|| format!("cannot give {} to {}", path.display(), self.name()))?;
        }
        Ok(())
    }

    /// Makes `path` a directory that only that user (and root) can enter. Whoever can enter the
    /// directory of a socket is superuser of its server, so one made by somebody else is refused.
    pub(crate) fn private_dir(&self, path: &Path) -> Result<()> {
        match path.symlink_metadata() {
            Ok(found) if found.is_dir() && found.uid() == self.uid() => {
                std::fs::set_permissions(path, Permissions::from_mode(0o700))
                    .with_context(|| format!("cannot make {} private", path.display()))
            }
            Ok(_) => bail!("{} is not a directory of user {}: remove it", path.display(), self.name()),
            Err(e) if e.kind() == ErrorKind::NotFound => {
                DirBuilder::new()
                    .mode(0o700)
                    .create(path)
                    .with_context(|| format!("cannot create {}", path.display()))?;
                self.own(path)
            }
            Err(e) => Err(e).with_context(|| format!("cannot look at {}", path.display())),
        }
    }

    /// Fails where that user cannot enter `path`, as with a directory below root's home.
    pub(crate) fn check_can_enter(&self, path: &Path, fix: &str) -> Result<()> {
        if self.switch && !crate::run::succeeds(self.command("test").arg("-x").arg(path)) {
            bail!("user {} cannot enter {}: {fix}", self.name(), path.display());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_dir_is_closed_to_others_and_never_a_symlink() {
        let dir = tempfile::tempdir().unwrap();
        let Ok(user) = ServerUser::current() else { return };
        let private = dir.path().join("s");
        user.private_dir(&private).unwrap();
        std::fs::set_permissions(&private, Permissions::from_mode(0o777)).unwrap();
        user.private_dir(&private).unwrap();
        assert_eq!(private.metadata().unwrap().permissions().mode() & 0o777, 0o700);

        let link = dir.path().join("l");
        std::os::unix::fs::symlink(&private, &link).unwrap();
        assert!(user.private_dir(&link).unwrap_err().to_string().contains("is not a directory of user"));
    }
}
