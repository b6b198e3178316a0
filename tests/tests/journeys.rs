//! Rows of every table of real schemas, and of the packs, go there and back through generated types,
//! with every library.
//!
//! Compiling them takes minutes, so they are asked for: `cargo xtask corpus --types`.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use canon_codegen::config::{Client, Dates, TypesConfig};
use canon_codegen::live;
use canon_codegen::load::Loaded;
use canon_codegen::model::{Model, QName};
use canon_codegen::project::{Project, What};
use canon_tests::corpus::{FOLDER, INTENDED_ERRORS, Sample, folder, install, samples};
use canon_tests::journey::{Journey, Remote, travel};
use canon_tests::scratch::Scratch;
use canon_tests::{Database, canon_database, database, repo_root, server};

/// What cannot travel: file, beginning of the name and reason.
const KNOWN: &[(&str, &str, &str)] = &[
    ("pagila", "public.film_embedding", "the server has no pgvector, so the table is not there"),
    ("pg_regress_ddl", "regress_rls_schema.trigger_parted", "a trigger that always fires fails on purpose"),
];

/// Views that are not read: file and name. This one joins catalogues for minutes.
const ENDLESS: &[(&str, &str)] = &[("postgrest_big", "v_datenstruktur")];

/// A database and the types of it.
struct Subject {
    name: String,
    driver: String,
    database: Database,
    models: Vec<Model>,
}

impl Subject {
    fn travel(&self, driver: &Path) -> Result<Journey> {
        let mut session = Remote::start(driver, &self.database)?;
        let mut all = Journey::default();
        for model in &self.models {
            let tables: Vec<QName> = model.tables.iter().map(|t| t.name.clone()).collect();
            let is_endless = |view: &QName| ENDLESS.iter().any(|(file, name)| *file == self.name && *name == view.name);
            let views = model.views.iter().filter(|v| !v.columns.is_empty() && !is_endless(&v.name));
            let views = views.map(|v| v.name.clone());
            let went = travel(&mut session, model, &tables, &views.collect::<Vec<QName>>())?;
            all.tables.extend(went.tables);
            all.views.extend(went.views);
            all.lifted.extend(went.lifted);
        }
        Ok(all)
    }
}

#[test]
#[ignore = "compiles for minutes: cargo xtask corpus --types"]
fn rows_of_real_schemas_go_there_and_back() -> Result<()> {
    let Some(folder) = folder()? else {
        println!("skipped: there are no DDL files in ../shared/corpus; {FOLDER} names another folder");
        return Ok(());
    };
    let mut scratch = Scratch::new("journeys")?;
    let mut subjects = Vec::new();
    for sample in samples(&folder)? {
        subjects.push(real(&mut scratch, &sample.for_older_servers())?);
    }
    all_travel(&mut scratch, &subjects)
}

/// The schema with every kind of type and of name, and the packs.
#[test]
#[ignore = "compiles for minutes: cargo xtask corpus --types"]
fn rows_go_through_every_library() -> Result<()> {
    let mut scratch = Scratch::new("libraries")?.with_module("metadata", include_str!("../types/metadata.rs"));
    let mut subjects = Vec::new();
    for (name, client, dates) in [
        ("rare_jiff", Client::TokioPostgres, Dates::Jiff),
        ("rare_time", Client::TokioPostgres, Dates::Time),
        ("rare_sqlx_chrono", Client::Sqlx, Dates::Chrono),
        ("rare_sqlx_time", Client::Sqlx, Dates::Time),
    ] {
        let database = database(name)?;
        let script = std::fs::read_to_string(repo_root()?.join("tests/types/schema.sql"))?;
        database.connect()?.batch_execute(&script)?;
        subjects.push(of_project(&mut scratch, name, "tests/types/canon.toml", client, dates, database)?);
    }
    for (name, client, dates) in
        [("packs_sqlx", Client::Sqlx, Dates::Chrono), ("packs_jiff", Client::TokioPostgres, Dates::Jiff)]
    {
        let database = canon_database(name)?;
        database.connect()?.batch_execute("SELECT canon.install('all')")?;
        subjects.push(of_project(&mut scratch, name, "canon.toml", client, dates, database)?);
    }
    all_travel(&mut scratch, &subjects)
}

/// Types of a file of real DDL.
fn real(scratch: &mut Scratch, sample: &Sample) -> Result<Subject> {
    let name = sample.name.clone();
    let driver = format!("journey_{name}");
    let (database, _) = install(&server(), sample)?;
    // Only the server knows what is left of such a file: the types are those of its database.
    let loaded = if name == INTENDED_ERRORS {
        Loaded::from_model(live::read(&mut database.connect()?, None)?)
    } else {
        sample.read()
    };
    let models = vec![loaded.model.clone()];
    let what = What { types: true, ..What::default() };
    let mut project =
        Project::plain(name.clone(), loaded, what, &scratch.driver_path(&driver), "canon types".to_owned())?;
    project.config.types.as_mut().context("types were asked for")?.partitions = true;
    scratch.add_driver(&driver, &project)?;
    Ok(Subject { name, driver, database, models })
}

/// Types of a project, with other libraries than it asks for.
fn of_project(
    scratch: &mut Scratch,
    name: &str,
    config: &str,
    client: Client,
    dates: Dates,
    database: Database,
) -> Result<Subject> {
    let driver = format!("journey_{name}");
    let mut project = Project::open(&repo_root()?.join(config))?;
    let types = project.config.types.as_mut().context("the project has no types")?;
    let path = scratch.driver_path(&driver);
    *types = TypesConfig { path, root: "mod.rs".to_owned(), client, dates, partitions: true, ..types.clone() };
    scratch.add_driver(&driver, &project)?;
    let models = project.sources.into_iter().map(|source| source.loaded.model).collect();
    Ok(Subject { name: name.to_owned(), driver, database, models })
}

/// Compiles, and prints a line for every subject, and below it what did not travel, or not as it is.
fn all_travel(scratch: &mut Scratch, subjects: &[Subject]) -> Result<()> {
    let drivers = scratch.build()?;
    println!(
        "{:<18} {:>6} {:>7} {:>5} {:>5} {:>8} {:>7} {:>5} {:>7}",
        "file", "tables", "arrived", "rows", "edges", "refused", "of file", "views", "read"
    );
    let (mut notes, mut failures) = (String::new(), Vec::new());
    for subject in subjects {
        let went = subject.travel(&drivers[&subject.driver])?;
        println!("{}", line(&subject.name, &went));
        for check in &went.lifted {
            notes.push_str(&format!("{}: dropped for the journey: {check}\n", subject.name));
        }
        for failure in went.failures() {
            match KNOWN.iter().find(|(file, start, _)| *file == subject.name && failure.starts_with(start)) {
                Some((_, _, reason)) => notes.push_str(&format!("{}: {failure}: {reason}\n", subject.name)),
                None => failures.push(format!("{}: {failure}", subject.name)),
            }
        }
    }
    println!("\n{notes}");
    ensure!(failures.is_empty(), "{} relations did not travel:\n{}", failures.len(), failures.join("\n"));
    Ok(())
}

fn line(name: &str, went: &Journey) -> String {
    let sum = |of: fn(&canon_tests::journey::Trip) -> usize| went.tables.values().map(of).sum::<usize>();
    let views = went.views.values().filter(|view| view.failure.is_none()).count();
    format!(
        "{name:<18} {:>6} {:>7} {:>5} {:>5} {:>8} {:>7} {:>5} {:>7}",
        went.tables.len(),
        went.arrived(),
        sum(|t| t.travelled),
        sum(|t| t.edges),
        sum(|t| t.kept_inside),
        sum(|t| t.read),
        went.views.len(),
        views
    )
}
