//! cargo-pgrx at the version the workspace pins, and what it builds.

use std::fs::{File, copy, create_dir_all, read_dir, remove_dir_all, remove_file};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::postgres_install::PostgresInstall;
use crate::prefix::Prefix;
use crate::progress::step;
use crate::run::{capture, cargo_program, forget_package, on_path, read, write_if_different};
use crate::state::State;

/// Name of the extension, of its crate and of its library.
pub(crate) const EXTENSION: &str = "pg_canon";

/// How the extension is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quick to build; with debug assertions.
    Dev,
    /// As it is shipped.
    Release,
}

impl Profile {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Release => "release",
        }
    }
}

/// cargo-pgrx, set up for one version of PostgreSQL.
#[derive(Clone, Debug)]
pub(crate) struct Pgrx {
    program: PathBuf,
    repo: PathBuf,
    home: PathBuf,
    /// Where `cargo pgrx test` installs. Every build is given this one `pg_config`: with a second
    /// path pgrx would generate its bindings anew.
    prefix: Prefix,
    state: State,
}

impl Pgrx {
    /// Finds or installs cargo-pgrx, and points it at the prefix.
    pub(crate) fn prepare(repo: &Path, state: &State, major: u16, version: &str, prefix: Prefix) -> Result<Self> {
        let program = ensure_program(&pinned_version(&read(&repo.join("Cargo.toml"))?)?)?;
        let home = state.pgrx_home();
        create_dir_all(&home).with_context(|| format!("cannot create {}", home.display()))?;
        let this = Self { program, repo: repo.to_owned(), home, prefix, state: state.clone() };
        this.write_config(major, version)?;
        Ok(this)
    }

    /// Adds this version to pgrx's configuration and keeps the others. The build scripts watch the
    /// file, so the version string of PostgreSQL in it makes them generate bindings anew after an
    /// update, and only then.
    fn write_config(&self, major: u16, version: &str) -> Result<()> {
        let file = self.home.join("config.toml");
        let key = format!("pg{major} ");
        let old = std::fs::read_to_string(&file).unwrap_or_default();
        let mut lines: Vec<String> =
            old.lines().filter(|l| l.starts_with("pg") && !l.starts_with(&key)).map(str::to_owned).collect();
        let path = toml::Value::from(self.prefix.pg_config().to_string_lossy().into_owned());
        lines.push(format!("{key}= {path} # {version}"));
        lines.sort();
        write_if_different(&file, &format!("[configs]\n{}\n", lines.join("\n"))).map(drop)
    }

    /// Gives `command` what the extension's build scripts need.
    pub(crate) fn configure(&self, command: &mut Command) {
        command.env("PGRX_HOME", &self.home).env_remove("PGRX_PG_CONFIG_PATH").env_remove("PGRX_PG_CONFIG_AS_ENV");
    }

    /// `cargo pgrx`, in the repository.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("pgrx").current_dir(&self.repo).env("CARGO", cargo_program()).env("CARGO_PGRX", &self.program);
        forget_package(&mut command);
        self.configure(&mut command);
        command
    }

    /// Keeps other builds of the extension waiting until the returned value is dropped. Cargo's own
    /// lock is not enough: cargo-pgrx copies the library after cargo is done, and a build with other
    /// features may have replaced it by then.
    pub(crate) fn lock(&self) -> Result<File> {
        self.state.lock("build", "builds the extension")
    }

    /// Builds the extension as a tree of files to install, in `stage`.
    pub(crate) fn package(&self, profile: Profile, stage: &Path) -> Result<Package> {
        let _lock = self.lock()?;
        self.package_into(profile, stage)?;
        // The tree repeats the path of the installation that it was built for.
        let inside = |path: PathBuf| stage.join(path.strip_prefix("/").unwrap_or(&path));
        Ok(Package { library: inside(self.prefix.library_dir()), scripts: inside(self.prefix.extension_dir()) })
    }

    fn package_into(&self, profile: Profile, out: &Path) -> Result<()> {
        if out.exists() {
            // A script of another version would be installed with the rest.
            remove_dir_all(out).with_context(|| format!("cannot clear {}", out.display()))?;
        }
        let mut command = self.command();
        command.args(["package", "--package", EXTENSION, "--pg-config"]).arg(self.prefix.pg_config());
        command.arg("--out-dir").arg(out);
        if profile == Profile::Dev {
            command.arg("--debug");
        }
        step(&format!("building the extension ({})", profile.name()), || capture(&mut command))?;
        Ok(())
    }

    /// Builds the extension as it is installed on the machine itself: `out` takes the place of `/`.
    pub(crate) fn package_for(&self, install: &PostgresInstall, out: &Path) -> Result<()> {
        let stage = tempfile::tempdir()?;
        let files = self.package(Profile::Release, stage.path())?;
        if out.exists() {
            remove_dir_all(out).with_context(|| format!("cannot clear {}", out.display()))?;
        }
        let inside = |path: &Path| out.join(path.strip_prefix("/").unwrap_or(path));
        copy_all(&files.library, &inside(&install.library))?;
        copy_all(&files.scripts, &inside(&install.share.join("extension")))
    }
}

/// The built extension: its library and its scripts.
#[derive(Debug)]
pub(crate) struct Package {
    library: PathBuf,
    scripts: PathBuf,
}

impl Package {
    /// Whether every file of it, and no other of ours, lies in `prefix`.
    pub(crate) fn is_installed(&self, prefix: &Prefix) -> Result<bool> {
        for (from, to) in self.pairs(prefix) {
            if names(from)? != names(&to)? {
                return Ok(false);
            }
            for name in names(from)? {
                if std::fs::read(from.join(&name))? != std::fs::read(to.join(&name))? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Puts it into `prefix`, in place of what was there. A running server keeps the library that it
    /// has loaded: files are replaced, never written to.
    pub(crate) fn install(&self, prefix: &Prefix) -> Result<()> {
        for (from, to) in self.pairs(prefix) {
            for old in names(&to)? {
                remove_file(to.join(old))?;
            }
            copy_all(from, &to)?;
        }
        Ok(())
    }

    fn pairs(&self, prefix: &Prefix) -> [(&Path, PathBuf); 2] {
        [(&self.library, prefix.library_dir()), (&self.scripts, prefix.extension_dir())]
    }
}

/// Our files in a directory, sorted.
fn names(dir: &Path) -> Result<Vec<String>> {
    let entries = read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    let all = entries.map(|e| Ok(e?.file_name().to_string_lossy().into_owned())).collect::<std::io::Result<Vec<_>>>();
    let mut ours: Vec<String> = all?.into_iter().filter(|name| name.starts_with(EXTENSION)).collect();
    ours.sort();
    Ok(ours)
}

fn copy_all(from: &Path, to: &Path) -> Result<()> {
    create_dir_all(to)?;
    for name in names(from)? {
        copy(from.join(&name), to.join(&name)).with_context(|| format!("cannot copy {name} to {}", to.display()))?;
    }
    Ok(())
}

/// The version of pgrx in the workspace's manifest. cargo-pgrx must be the very same.
fn pinned_version(manifest: &str) -> Result<String> {
    let manifest: toml::Table = manifest.parse().context("Cargo.toml")?;
    let pgrx = manifest.get("workspace").and_then(|w| w.get("dependencies")).and_then(|d| d.get("pgrx"));
    let version = pgrx.and_then(|p| p.as_str().or_else(|| p.get("version")?.as_str()));
    match version.and_then(|v| v.strip_prefix('=')) {
        Some(exact) => Ok(exact.trim().to_owned()),
        None => bail!("Cargo.toml: [workspace.dependencies] must pin pgrx as \"=x.y.z\", found {version:?}"),
    }
}

fn ensure_program(version: &str) -> Result<PathBuf> {
    let is_right = |program: &Path| {
        capture(Command::new(program).args(["pgrx", "--version"]))
            .is_ok_and(|v| v.trim().ends_with(&format!(" {version}")))
    };
    if let Some(found) = on_path("cargo-pgrx").filter(|program| is_right(program)) {
        return Ok(found);
    }
    // Survives a fresh clone, and leaves alone whatever version somebody has installed for themselves.
    let root = cargo_home()?.join(format!("{EXTENSION}-tools/cargo-pgrx-{version}"));
    let program = root.join("bin/cargo-pgrx");
    if program.is_file() && is_right(&program) {
        return Ok(program);
    }
    let mut install = Command::new(cargo_program());
    install.args(["install", "cargo-pgrx", "--locked", "--version", &format!("={version}"), "--root"]).arg(&root);
    // Without the default features it needs neither OpenSSL's headers nor pkg-config.
    install.arg("--no-default-features").current_dir("/");
    // Unoptimised it packages as fast (0.6 s against 0.5 s) and is there in 91 s instead of 217 s.
    for (setting, value) in [("OPT_LEVEL", "0"), ("LTO", "off"), ("CODEGEN_UNITS", "16")] {
        install.env(format!("CARGO_PROFILE_RELEASE_{setting}"), value);
    }
    forget_package(&mut install);
    step(&format!("installing cargo-pgrx {version} (minutes, once)"), || capture(&mut install))?;
    Ok(program)
}

fn cargo_home() -> Result<PathBuf> {
    if let Some(home) = std::env::var_os("CARGO_HOME") {
        return Ok(home.into());
    }
    Ok(std::env::home_dir().context("neither CARGO_HOME nor HOME is set")?.join(".cargo"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pin_is_read_in_both_spellings_and_must_be_exact() {
        let manifest = |pgrx: &str| format!("[workspace.dependencies]\npgrx = {pgrx}\n");
        assert_eq!(pinned_version(&manifest("\"=0.18.1\"")).unwrap(), "0.18.1");
        assert_eq!(pinned_version(&manifest("{ version = \"=0.18.1\" }")).unwrap(), "0.18.1");
        assert!(pinned_version(&manifest("\"0.18\"")).unwrap_err().to_string().contains("must pin pgrx"));
        assert!(pinned_version("").is_err());
    }

    #[test]
    fn this_workspace_pins_pgrx() {
        pinned_version(include_str!("../../Cargo.toml")).unwrap();
    }
}
