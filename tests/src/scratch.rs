//! A crate of generated types, compiled apart from this workspace, as a user's is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use canon_codegen::config::Client;
use canon_codegen::project::{Project, What};
use xtask::repo_root;

/// A crate in the target folder. It shares that folder with the workspace, and the lock file and the
/// profiles, so that nothing is compiled twice that need not be.
#[derive(Debug)]
pub struct Scratch {
    folder: PathBuf,
    name: String,
    modules: Vec<String>,
    drivers: Vec<String>,
    /// Modules that are not generated, which the types refer to: name and text.
    others: Vec<(String, String)>,
    dependencies: BTreeMap<String, Dependency>,
    written: BTreeSet<PathBuf>,
}

#[derive(Clone, Debug, Default)]
struct Dependency {
    /// `version = "1"`.
    source: String,
    bare: bool,
    features: BTreeSet<String>,
}

/// What a driver needs beyond what the types need.
const DRIVER: &str = "serde_json = { version = \"1\", features = [\"float_roundtrip\"] }\n";
const TOKIO_POSTGRES: &str = "postgres = \"0.19\"\n";
const SQLX: &str = "sqlx = { version = \"0.9\", default-features = false, features = [\"runtime-tokio\"] }\n\
                    tokio = { version = \"1\", features = [\"rt\"] }\n";

impl Scratch {
    /// An empty crate.
    ///
    /// # Errors
    ///
    /// When there is no place for it.
    pub fn new(name: &str) -> Result<Self> {
        Ok(Self {
            folder: target()?.join("canon-scratch").join(name),
            name: name.to_owned(),
            modules: Vec::new(),
            drivers: Vec::new(),
            others: Vec::new(),
            dependencies: BTreeMap::new(),
            written: BTreeSet::new(),
        })
    }

    /// Where the source of a module goes.
    pub fn module_path(&self, module: &str) -> PathBuf {
        self.folder.join("src").join(module)
    }

    /// Where the types of a driver go.
    pub fn driver_path(&self, driver: &str) -> PathBuf {
        self.folder.join("src/bin").join(driver).join("db")
    }

    /// Adds a module of the crate and of its drivers that is not generated.
    pub fn with_module(mut self, module: &str, text: &str) -> Self {
        self.others.push((module.to_owned(), text.to_owned()));
        self
    }

    /// Adds the types of a project, whose configuration writes them to [`Scratch::module_path`].
    ///
    /// # Errors
    ///
    /// When they cannot be generated or written.
    pub fn add(&mut self, module: &str, project: &Project) -> Result<()> {
        self.generate(project, &self.module_path(module))?;
        self.modules.push(module.to_owned());
        Ok(())
    }

    /// Adds a program that reads and writes rows through the types of a project, whose configuration
    /// writes them to [`Scratch::driver_path`]. [`Remote`] runs it.
    ///
    /// # Errors
    ///
    /// When they cannot be generated or written.
    ///
    /// [`Remote`]: crate::journey::Remote
    pub fn add_driver(&mut self, driver: &str, project: &Project) -> Result<()> {
        let client = project.config.types.as_ref().context("the project has no types")?.client;
        let (source, dependencies) = match client {
            Client::TokioPostgres => ("tokio_postgres.rs", TOKIO_POSTGRES),
            Client::Sqlx => ("sqlx.rs", SQLX),
            Client::None => bail!("types without a client cannot be driven"),
        };
        self.depend(DRIVER)?;
        self.depend(dependencies)?;
        self.generate(project, &self.driver_path(driver))?;
        let folder = self.folder.join("src/bin").join(driver);
        let drivers = repo_root()?.join("tests/drivers");
        for (file, source) in [("protocol.rs", "protocol.rs"), ("driver.rs", source)] {
            self.write(&folder.join(file), &fs::read_to_string(drivers.join(source))?)?;
        }
        let mut main = fs::read_to_string(drivers.join("main.rs"))?;
        for (module, text) in self.others.clone() {
            self.write(&folder.join(format!("{module}.rs")), &text)?;
            main.push_str(&format!("\n#[allow(dead_code, reason = \"not all types refer to it\")]\nmod {module};\n"));
        }
        self.write(&folder.join("main.rs"), &main)?;
        self.drivers.push(driver.to_owned());
        Ok(())
    }

    fn generate(&mut self, project: &Project, folder: &Path) -> Result<()> {
        let files = project.generate(What { types: true, ..What::default() })?;
        for (path, text) in files.iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "rs")) {
            self.write(&project.root.join(path), text)?;
        }
        self.depend(&documented_dependencies(&fs::read_to_string(folder.join("mod.rs"))?)?)
    }

    /// Writes what is not there yet, so that nothing is compiled again that did not change.
    fn write(&mut self, path: &Path, text: &str) -> Result<()> {
        self.written.insert(path.to_owned());
        if fs::read_to_string(path).is_ok_and(|found| found == text) {
            return Ok(());
        }
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        fs::write(path, text).with_context(|| path.display().to_string())
    }

    /// Adds lines of `[dependencies]`. Features of several lines for one crate add up.
    fn depend(&mut self, lines: &str) -> Result<()> {
        for (name, value) in lines.parse::<toml::Table>()? {
            let known = self.dependencies.entry(name).or_default();
            let text = |key: &str| value.get(key).and_then(toml::Value::as_str).map(|text| format!("{key} = {text:?}"));
            let version = value.as_str().map(|version| format!("version = {version:?}"));
            known.source = version.or_else(|| text("version")).context("no source")?;
            known.bare |= value.get("default-features").and_then(toml::Value::as_bool) == Some(false);
            let features = value.get("features").and_then(toml::Value::as_array).into_iter().flatten();
            known.features.extend(features.filter_map(|f| f.as_str().map(str::to_owned)));
        }
        Ok(())
    }

    /// Compiles the modules as a library in which every warning is an error, those of clippy too.
    ///
    /// # Errors
    ///
    /// When they do not compile, or when a file cannot be written.
    pub fn check(&mut self) -> Result<()> {
        let mut modules: String =
            self.modules.iter().map(|m| format!("/// One set of types.\npub mod {m};\n")).collect();
        for (module, text) in self.others.clone() {
            self.write(&self.folder.join(format!("src/{module}.rs")), &text)?;
            modules.push_str(&format!("pub mod {module};\n"));
        }
        let library = format!("//! Generated types.\n#![deny(warnings, missing_docs)]\n{modules}");
        self.write(&self.folder.join("src/lib.rs"), &library)?;
        self.finish()?;
        self.cargo(&["clippy", "--features", "serde", "--", "--deny", "warnings"])
    }

    /// Compiles the library once more, without what is behind a feature.
    ///
    /// # Errors
    ///
    /// When it does not compile.
    pub fn check_without_features(&self) -> Result<()> {
        self.cargo(&["check", "--no-default-features"])
    }

    /// Compiles the drivers, in which every warning is an error too, and gives back where each one is.
    ///
    /// # Errors
    ///
    /// When they do not compile, or when a file cannot be written.
    pub fn build(&mut self) -> Result<BTreeMap<String, PathBuf>> {
        self.finish()?;
        self.cargo(&["build", "--bins", "--features", "serde"])?;
        let folder = target()?.join("debug");
        Ok(self.drivers.iter().map(|driver| (driver.clone(), folder.join(driver))).collect())
    }

    /// Writes what makes the sources a crate, and removes what an earlier run has left.
    fn finish(&mut self) -> Result<()> {
        let dependencies: Vec<String> = self.dependencies.iter().map(|(name, d)| d.line(name)).collect();
        let manifest = format!(
            "[package]\nname = \"{}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[features]\nserde = []\n\n\
             [dependencies]\n{}\n\n[workspace]\n\n[profile.dev]\npanic = \"unwind\"\ndebug = false\n\
             [profile.dev.package.\"*\"]\ndebug = false\n",
            self.name,
            dependencies.join("\n")
        );
        self.write(&self.folder.join("Cargo.toml"), &manifest)?;
        remove_others(&self.folder.join("src"), &self.written)?;
        // The versions that the workspace has, as far as it has them.
        let (ours, theirs) = (repo_root()?.join("Cargo.lock"), self.folder.join("Cargo.lock"));
        let changed = |path: &Path| fs::metadata(path).and_then(|m| m.modified()).ok();
        if changed(&theirs) < changed(&ours) {
            fs::copy(ours, theirs)?;
        }
        Ok(())
    }

    fn cargo(&self, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(arguments).current_dir(&self.folder).env("CARGO_TARGET_DIR", target()?);
        // What cargo says to a test is not meant for another cargo.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR" {
                command.env_remove(name);
            }
        }
        let output = command.output().context("cargo")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "cargo {}: {said}", arguments.join(" "));
        Ok(())
    }
}

impl Dependency {
    fn line(&self, name: &str) -> String {
        let features: Vec<String> = self.features.iter().map(|f| format!("{f:?}")).collect();
        let bare = if self.bare { ", default-features = false" } else { "" };
        format!("{name} = {{ {}{bare}, features = [{}] }}", self.source, features.join(", "))
    }
}

/// The lines that the outermost module says it needs.
fn documented_dependencies(root: &str) -> Result<String> {
    let docs = root.lines().filter_map(|line| line.strip_prefix("//! "));
    let lines: Vec<String> = docs.skip_while(|l| *l != "[dependencies]").skip(1).map(str::to_owned).collect();
    let end = lines.iter().position(|line| line == "```").context("no list of dependencies")?;
    Ok(lines[..end].join("\n"))
}

/// The target folder that this test was built into: `<target>/debug/deps/<test>`.
fn target() -> Result<PathBuf> {
    Ok(std::env::current_exe()?.ancestors().nth(3).context("no target folder")?.to_owned())
}

fn remove_others(folder: &Path, written: &BTreeSet<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_others(&path, written)?;
        } else if !written.contains(&path) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}
