//! A folder of real DDL, loaded into PostgreSQL and read by `canon`, and the two compared.
//!
//! The files are no part of the repository: [`folder`] says where they are looked for.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use canon_codegen::load::{Loaded, load};
use canon_codegen::model::{Difference, Model, diff};
use canon_codegen::source::Source;
use canon_codegen::split::{PieceKind, split};
use canon_codegen::{expr, live};
use xtask::{Database, Server, repo_root};

/// Names another folder of DDL files than `../shared/corpus`.
pub const FOLDER: &str = "PG_CANON_CORPUS";

/// The server's own regression tests: a fifth of their statements fail on purpose.
pub const INTENDED_ERRORS: &str = "pg_regress_ddl";

/// Placeholders of templated files, and what fills them.
const TEMPLATES: &[(&str, &[(&str, &str)])] = &[
    ("supabase_auth", &[("{{ index .Options \"Namespace\" }}", "auth"), ("{{index .Options \"Namespace\" }}", "auth")]),
    ("omop_cdm54", &[("@cdmDatabaseSchema", "cdm")]),
];

/// Where the corpus is, if it is on this machine.
///
/// # Errors
///
/// When the folder that the environment names does not exist, or this is no checkout.
pub fn folder() -> Result<Option<PathBuf>> {
    if let Some(named) = std::env::var_os(FOLDER) {
        let path = PathBuf::from(named);
        ensure!(path.is_dir(), "{FOLDER}: {} is not a folder", path.display());
        return Ok(Some(path));
    }
    Ok(Some(repo_root()?.join("../shared/corpus")).filter(|path| path.is_dir()))
}

/// What PostgreSQL 15 lacks, and what stands in for it.
const TOO_NEW: &[(&str, &[(&str, &str)])] =
    &[("pagila", &[("uuidv7()", "gen_random_uuid()"), (" VIRTUAL", " STORED")])];

/// One file, ready to load.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Stem of its name.
    pub name: String,
    /// Its text, with placeholders filled in.
    pub text: String,
    /// What its documentation asks for first: roles and schemas.
    pub prelude: String,
}

impl Sample {
    /// With the forms of later versions replaced by those that PostgreSQL 15 takes.
    #[must_use]
    pub fn for_older_servers(mut self) -> Self {
        for (_, replaced) in TOO_NEW.iter().filter(|(file, _)| *file == self.name) {
            for (new, old) in *replaced {
                self.text = self.text.replace(new, old);
            }
        }
        self
    }

    /// Prelude and text as one script: settings of the first hold for the second.
    fn whole(&self) -> String {
        format!("{}\n{}", self.prelude.trim_end(), self.text)
    }

    /// What `canon` makes of it.
    #[must_use]
    pub fn read(&self) -> Loaded {
        load(vec![Source::new(self.name.clone(), self.whole())])
    }
}

/// The `.sql` files of `folder`, by name.
///
/// # Errors
///
/// When one cannot be read.
pub fn samples(folder: &Path) -> Result<Vec<Sample>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|e| e == "sql"));
    paths.sort();
    paths.into_iter().map(|path| sample(folder, &path)).collect()
}

fn sample(folder: &Path, path: &Path) -> Result<Sample> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    for (_, fill) in TEMPLATES.iter().filter(|(file, _)| *file == name) {
        for (placeholder, value) in *fill {
            text = text.replace(placeholder, value);
        }
    }
    let prelude = fs::read_to_string(folder.join("prelude").join(path.file_name().unwrap_or_default()));
    Ok(Sample { name, text, prelude: prelude.unwrap_or_default() })
}

/// What came of one file.
#[derive(Debug)]
pub struct Verdict {
    /// Name of the file.
    pub name: String,
    /// Size in bytes.
    pub bytes: usize,
    /// What `canon` made of it; the first source is the prelude.
    pub loaded: Loaded,
    /// Milliseconds from text to model.
    pub milliseconds: f64,
    /// Statements that PostgreSQL refused: what psql printed.
    pub refusals: Vec<String>,
    /// Where the model is not what is in the catalogue.
    pub differences: Vec<Difference>,
}

/// Loads the sample into a database of its own, as psql does without stopping at errors, and
/// compares what is there with what `canon` reads.
///
/// # Errors
///
/// When the server cannot be used.
pub fn judge(server: &Server, sample: &Sample) -> Result<Verdict> {
    let (database, refusals) = install(server, sample)?;
    let start = Instant::now();
    let loaded = sample.read();
    let milliseconds = start.elapsed().as_secs_f64() * 1000.0;
    let found = live::read(&mut database.connect()?, None)?;
    let differences = diff(&loaded.model, &found, &mut expr::same_in);
    Ok(Verdict { name: sample.name.clone(), bytes: sample.text.len(), loaded, milliseconds, refusals, differences })
}

/// Loads the sample into a database of its own, as psql does without stopping at errors. Gives back
/// what psql printed about statements that PostgreSQL refused.
///
/// # Errors
///
/// When the server cannot be used.
pub fn install(server: &Server, sample: &Sample) -> Result<(Database, Vec<String>)> {
    let database = server.database(&format!("corpus_{}", sample.name))?;
    let folder = tempfile::tempdir()?;
    let whole = sample.whole();
    let file = folder.path().join("whole.sql");
    fs::write(&file, without_data(&whole))?;
    let mut psql = database.program("psql");
    psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=0", "--file"]).arg(&file);
    let output = psql.current_dir(folder.path()).output().context("psql")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let refusals = said.lines().filter(|line| line.contains("ERROR:")).map(str::to_owned).collect();
    // PostgreSQL before 18 lets a trigger of its own tests make a view that it cannot print.
    database.psql("DROP MATERIALIZED VIEW IF EXISTS transition_test_mv, regress_rls_schema.transition_test_mv")?;
    Ok((database, refusals))
}

/// A table with a line for every file.
#[must_use]
pub fn figures(verdicts: &[Verdict]) -> String {
    let mut table = format!(
        "{:<18} {:>7} {:>10} {:>8} {:>6} {:>7} {:>8} {:>7} {:>7} {:>11} {:>8}\n",
        "file",
        "bytes",
        "statements",
        "modelled",
        "opaque",
        "skipped",
        "unparsed",
        "objects",
        "refused",
        "differences",
        "ms"
    );
    for verdict in verdicts {
        let c = &verdict.loaded.coverage[0];
        table.push_str(&format!(
            "{:<18} {:>7} {:>10} {:>8} {:>6} {:>7} {:>8} {:>7} {:>7} {:>11} {:>8.1}\n",
            verdict.name,
            verdict.bytes,
            c.statements,
            c.modelled,
            c.opaque,
            c.skipped,
            c.unparsed,
            objects(&verdict.loaded.model),
            verdict.refusals.len(),
            verdict.differences.len(),
            verdict.milliseconds
        ));
    }
    table
}

/// Objects with a name of their own, columns included.
fn objects(model: &Model) -> usize {
    let in_tables = model
        .tables
        .iter()
        .map(|t| 1 + t.columns.len() + t.constraints.len() + t.indexes.len() + t.triggers.len() + t.policies.len());
    let in_views = model.views.iter().map(|v| 1 + v.columns.len() + v.indexes.len() + v.triggers.len());
    let types = model.enums.len() + model.domains.len() + model.composites.len() + model.ranges.len();
    let others = model.schemas.len() + model.extensions.len() + model.sequences.len() + model.functions.len();
    in_tables.sum::<usize>() + in_views.sum::<usize>() + types + others
}

/// The script as it can be loaded here: blanks in the place of COPY data, of commands that read
/// files or change the connection, and of databases coming and going.
fn without_data(text: &str) -> String {
    let pieces = split(text);
    let mut out = text.as_bytes().to_vec();
    for (n, piece) in pieces.iter().enumerate() {
        let statement = text[piece.range.clone()].to_ascii_lowercase();
        let starts = |words: &[&str]| words.iter().any(|word| statement.starts_with(word));
        let end = match piece.kind {
            PieceKind::Data => pieces.get(n + 1).map_or(text.len(), |next| next.lead),
            PieceKind::Meta if starts(&["\\c ", "\\connect", "\\copy", "\\q", "\\i"]) => piece.range.end,
            PieceKind::Statement if starts(&["create database", "drop database"]) => piece.range.end + 1,
            _ => continue,
        };
        out[piece.range.start..end.min(text.len())].iter_mut().filter(|b| **b != b'\n').for_each(|b| *b = b' ');
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Counts of `expected.tsv`, if the folder has it: file name, then column name.
///
/// # Errors
///
/// When the file is there but cannot be read.
pub fn expected(folder: &Path) -> Result<Option<HashMap<String, HashMap<String, String>>>> {
    let path = folder.join("expected.tsv");
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let row = |line: &str| {
        let cells: HashMap<String, String> =
            header.iter().zip(line.split('\t')).map(|(name, value)| ((*name).to_owned(), value.to_owned())).collect();
        (cells.get("db").cloned().unwrap_or_default(), cells)
    };
    Ok(Some(lines.map(row).collect()))
}
