//! The machine's own PostgreSQL: found and read, never written to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::packages;
use crate::run::capture;

/// Names the `pg_config` to use, whatever `--pg` would find.
pub(crate) const PG_CONFIG_VARIABLE: &str = "PG_CONFIG";

/// A PostgreSQL installation, as its `pg_config` describes it.
#[derive(Clone, Debug)]
pub(crate) struct PostgresInstall {
    /// Major version.
    pub(crate) major: u16,
    /// The whole version string, which changes with every update of the package.
    pub(crate) version: String,
    /// Executables.
    pub(crate) bin: PathBuf,
    /// Data files, among them `extension/`.
    pub(crate) share: PathBuf,
    /// Loadable libraries.
    pub(crate) library: PathBuf,
    /// Directories that are only read: headers, libraries, translations.
    pub(crate) read_only: Vec<PathBuf>,
}

impl PostgresInstall {
    /// The installation of `major`; Debian's packages are installed where it is missing.
    pub(crate) fn ensure(major: u16) -> Result<Self> {
        let chosen = std::env::var_os(PG_CONFIG_VARIABLE).map(PathBuf::from);
        let path = match &chosen {
            Some(path) => path.clone(),
            None => {
                let server = format!("postgresql-{major}");
                // Brings the headers; its dependency clang brings the libclang that bindgen needs.
                let headers = format!("postgresql-server-dev-{major}");
                let mut wanted = vec![server.as_str(), headers.as_str()];
                wanted.extend(packages::providing("cc", "build-essential"));
                packages::ensure(&wanted)?;
                PathBuf::from(format!("/usr/lib/postgresql/{major}/bin/pg_config"))
            }
        };
        let found = Self::read(&path)?;
        if found.major != major {
            bail!(
                "{} is of PostgreSQL {}, not {major}: unset {PG_CONFIG_VARIABLE} or say --pg {}",
                path.display(),
                found.major,
                found.major
            );
        }
        Ok(found)
    }

    fn read(pg_config: &Path) -> Result<Self> {
        let text = capture(&mut Command::new(pg_config))
            .context("no usable PostgreSQL: --pg and PG_CONFIG say which one to use")?;
        Self::parse(&text).with_context(|| format!("{} prints something unexpected", pg_config.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let settings: BTreeMap<String, String> = text
            .lines()
            .filter_map(|line| line.split_once(" = "))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let get = |name: &str| settings.get(name).cloned().with_context(|| format!("no {name}"));
        let dir = |name: &str| get(name).map(PathBuf::from);
        let version = get("VERSION")?;
        // "PostgreSQL 15.20 (Debian 15.20-0+deb12u1)", "PostgreSQL 18beta1"
        let number = version.split_whitespace().nth(1).context("no number in VERSION")?;
        let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
        Ok(Self {
            major: digits.parse().with_context(|| format!("no major version in {version:?}"))?,
            bin: dir("BINDIR")?,
            share: dir("SHAREDIR")?,
            library: dir("PKGLIBDIR")?,
            read_only: ["INCLUDEDIR", "PKGINCLUDEDIR", "INCLUDEDIR-SERVER", "LIBDIR", "LOCALEDIR"]
                .into_iter()
                .map(dir)
                .collect::<Result<_>>()?,
            version,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(version: &str) -> String {
        let dirs = ["BINDIR", "SHAREDIR", "PKGLIBDIR", "INCLUDEDIR", "PKGINCLUDEDIR", "INCLUDEDIR-SERVER", "LIBDIR"];
        let dirs: String = dirs.iter().map(|name| format!("{name} = /usr/{name}\n")).collect();
        format!("{dirs}LOCALEDIR = /usr/share/locale\nCONFIGURE =  '--with-x' 'CFLAGS=a = b'\nVERSION = {version}\n")
    }

    #[test]
    fn the_major_version_is_read_from_releases_and_betas() {
        for (version, major) in [("PostgreSQL 15.20 (Debian 15.20-0+deb12u1)", 15), ("PostgreSQL 18beta1", 18)] {
            let found = PostgresInstall::parse(&text(version)).unwrap();
            assert_eq!((found.major, found.bin.as_path()), (major, Path::new("/usr/BINDIR")));
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        assert!(PostgresInstall::parse(&text("nonsense")).is_err());
        assert_eq!(PostgresInstall::parse("BINDIR = /usr/bin").unwrap_err().to_string(), "no VERSION");
    }
}
