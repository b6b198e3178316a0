//! A crate of generated types, compiled apart from this workspace, as a user's is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use canon_codegen::project::{Project, What};
use xtask::repo_root;

/// A crate in a temporary folder. It shares the target folder of the workspace, its lock file and
/// its profiles, so that nothing is compiled twice that need not be.
#[derive(Debug)]
pub struct Scratch {
    folder: tempfile::TempDir,
    name: String,
    modules: Vec<String>,
    dependencies: BTreeMap<String, Dependency>,
}

#[derive(Clone, Debug, Default)]
struct Dependency {
    /// `version = "1"`.
    source: String,
    bare: bool,
    features: BTreeSet<String>,
}

impl Scratch {
    /// An empty crate.
    ///
    /// # Errors
    ///
    /// When there is no place for it.
    pub fn new(name: &str) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("canon-types-").tempdir()?;
        Ok(Self { folder, name: name.to_owned(), modules: Vec::new(), dependencies: BTreeMap::new() })
    }

    /// Where the source of a module goes.
    pub fn module_path(&self, module: &str) -> PathBuf {
        self.folder.path().join("src").join(module)
    }

    /// Adds the types of a project, whose configuration writes them to [`Scratch::module_path`].
    ///
    /// # Errors
    ///
    /// When they cannot be generated or written.
    pub fn add(&mut self, module: &str, project: &Project) -> Result<()> {
        let files = project.generate(What { types: true, ..What::default() })?;
        for (path, text) in files.iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "rs")) {
            write(&project.root.join(path), text)?;
        }
        let root = fs::read_to_string(self.module_path(module).join("mod.rs"))?;
        self.depend(&documented_dependencies(&root)?)?;
        self.modules.push(module.to_owned());
        Ok(())
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

    /// Compiles the modules as a library in which every warning is an error.
    ///
    /// # Errors
    ///
    /// When they do not compile, or when a file cannot be written.
    pub fn check(&self) -> Result<()> {
        let modules: String = self.modules.iter().map(|m| format!("/// One set of types.\npub mod {m};\n")).collect();
        let library = format!("//! Generated types.\n#![deny(warnings, missing_docs)]\n{modules}");
        write(&self.folder.path().join("src/lib.rs"), &library)?;
        let dependencies: Vec<String> = self.dependencies.iter().map(|(name, d)| d.line(name)).collect();
        let manifest = format!(
            "[package]\nname = \"{}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[features]\nserde = []\n\n\
             [dependencies]\n{}\n\n[workspace]\n\n[profile.dev]\npanic = \"unwind\"\ndebug = false\n\
             [profile.dev.package.\"*\"]\ndebug = false\n",
            self.name,
            dependencies.join("\n")
        );
        write(&self.folder.path().join("Cargo.toml"), &manifest)?;
        // The versions that the workspace has, as far as it has them.
        fs::copy(repo_root()?.join("Cargo.lock"), self.folder.path().join("Cargo.lock"))?;
        self.cargo(&["check", "--features", "serde"])
    }

    fn cargo(&self, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(arguments).current_dir(self.folder.path()).env("CARGO_TARGET_DIR", repo_root()?.join("target"));
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

fn write(path: &Path, text: &str) -> Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    fs::write(path, text).with_context(|| path.display().to_string())
}
