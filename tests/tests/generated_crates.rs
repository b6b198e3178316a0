//! Generated types in crates of their own, with every library and of real DDL: no error, no warning.
//!
//! Compiling them takes minutes, so they are asked for: CONTRIBUTING says how.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use canon_codegen::config::{Client, Dates, Serde, TypesConfig};
use canon_codegen::load::load;
use canon_codegen::project::{Project, What};
use canon_codegen::source::Source;
use canon_tests::repo_root;
use canon_tests::scratch::Scratch;

/// Names another folder of DDL files than `../shared/corpus`.
const FOLDER: &str = "PG_CANON_CORPUS";

/// Placeholders of templated files, and what fills them.
const TEMPLATES: &[(&str, &str)] = &[
    ("{{ index .Options \"Namespace\" }}", "auth"),
    ("{{index .Options \"Namespace\" }}", "auth"),
    ("@cdmDatabaseSchema", "cdm"),
];

/// The server's own regression tests declare tables that PostgreSQL refuses.
const INTENDED_ERRORS: &str = "pg_regress_ddl";

/// One set of types for each choice that a setting leaves.
const VARIANTS: &[(&str, Client, Dates, Serde)] = &[
    ("tokio_jiff", Client::TokioPostgres, Dates::Jiff, Serde::Always),
    ("tokio_time", Client::TokioPostgres, Dates::Time, Serde::Always),
    ("tokio_without_serde", Client::TokioPostgres, Dates::Chrono, Serde::Never),
    ("tokio_serde_feature", Client::TokioPostgres, Dates::Chrono, Serde::Feature),
    ("sqlx_chrono", Client::Sqlx, Dates::Chrono, Serde::Always),
    ("sqlx_time", Client::Sqlx, Dates::Time, Serde::Always),
    ("none_jiff", Client::None, Dates::Jiff, Serde::Always),
];

/// The schema with every kind of type, with each choice.
#[test]
#[ignore = "compiles for minutes"]
fn every_choice_of_libraries_compiles() -> Result<()> {
    let mut scratch = Scratch::new("canon-scratch-variants")?;
    for (module, client, dates, serde) in VARIANTS {
        let mut project = Project::open(&repo_root()?.join("tests/types/canon.toml"))?;
        if let Some(types) = &mut project.config.types {
            *types = TypesConfig {
                path: scratch.module_path(module),
                root: "mod.rs".to_owned(),
                client: *client,
                dates: *dates,
                serde: *serde,
                partitions: true,
                ..types.clone()
            };
        }
        scratch.add(module, &project)?;
    }
    scratch.check()
}

/// Types of every file of real DDL.
#[test]
#[ignore = "compiles for minutes"]
fn types_of_real_schemas_compile() -> Result<()> {
    let Some(folder) = folder()? else {
        println!("skipped: there are no DDL files in ../shared/corpus; {FOLDER} names another folder");
        return Ok(());
    };
    let mut scratch = Scratch::new("canon-scratch-corpus")?;
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|e| e == "sql"));
    paths.sort();
    for path in paths {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if name == INTENDED_ERRORS {
            continue;
        }
        let loaded = load(vec![Source::new(name.clone(), read(&path)?)]);
        ensure!(loaded.errors() == 0, "{name}: {} errors", loaded.errors());
        let what = What { types: true, ..What::default() };
        let mut project =
            Project::plain(name.clone(), loaded, what, &scratch.module_path(&name), "canon types".to_owned())?;
        if let Some(types) = &mut project.config.types {
            types.partitions = true;
        }
        scratch.add(&name, &project)?;
    }
    scratch.check()
}

fn folder() -> Result<Option<PathBuf>> {
    if let Some(named) = std::env::var_os(FOLDER) {
        let path = PathBuf::from(named);
        ensure!(path.is_dir(), "{FOLDER}: {} is not a folder", path.display());
        return Ok(Some(path));
    }
    Ok(Some(repo_root()?.join("../shared/corpus")).filter(|path| path.is_dir()))
}

fn read(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(TEMPLATES.iter().fold(text, |text, (placeholder, value)| text.replace(placeholder, value)))
}
