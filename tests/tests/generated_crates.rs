//! Generated types in crates of their own, with every library and of real DDL: no error, no warning.
//!
//! Compiling them takes minutes, so they are asked for: CONTRIBUTING says how.

use anyhow::{Result, ensure};
use canon_codegen::config::{Client, Dates, Serde, TypesConfig};
use canon_codegen::error::Severity;
use canon_codegen::project::{Project, What};
use canon_tests::corpus::{FOLDER, INTENDED_ERRORS, folder, samples};
use canon_tests::repo_root;
use canon_tests::scratch::Scratch;

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
    let mut scratch = Scratch::new("variants")?.with_module("metadata", include_str!("../types/metadata.rs"));
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
    scratch.check()?;
    scratch.check_without_features()
}

/// Types of every file of real DDL.
#[test]
#[ignore = "compiles for minutes"]
fn types_of_real_schemas_compile() -> Result<()> {
    let Some(folder) = folder()? else {
        println!("skipped: there are no DDL files in ../shared/corpus; {FOLDER} names another folder");
        return Ok(());
    };
    let mut scratch = Scratch::new("corpus")?;
    for sample in samples(&folder)? {
        let name = sample.name.clone();
        let mut loaded = sample.read();
        if name == INTENDED_ERRORS {
            // Twelve statements that PostgreSQL refuses too.
            loaded.diagnostics.retain(|d| d.severity != Severity::Error);
        }
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
