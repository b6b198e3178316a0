//! What canon reads from DDL is what PostgreSQL makes of it: the catalogue is the oracle.

use anyhow::Result;
use canon_codegen::error::Severity;
use canon_codegen::load::load;
use canon_codegen::model::{Difference, Model, diff};
use canon_codegen::project::Project;
use canon_codegen::source::Source;
use canon_codegen::{expr, live};
use canon_tests::{canon_database, database, load_file, repo_root};

/// All differences between a model and the catalogue of a database.
fn differences(declared: &Model, client: &mut postgres::Client) -> Result<Vec<Difference>> {
    let schemas: Vec<&str> = declared.schemas.iter().map(|s| s.name.as_str()).collect();
    let found = live::read(client, Some(&schemas))?;
    Ok(diff(declared, &found, &mut expr::same_in))
}

fn assert_equal(declared: &Model, client: &mut postgres::Client) -> Result<()> {
    let lines: Vec<String> = differences(declared, client)?.iter().map(Difference::to_string).collect();
    assert!(lines.is_empty(), "{} differences:\n{}", lines.len(), lines.join("\n"));
    Ok(())
}

#[test]
fn packs_are_in_the_database_as_the_model_says() -> Result<()> {
    let project = Project::open(&repo_root()?.join("canon.toml"))?;
    let db = canon_database("model_packs")?;
    let mut client = db.connect()?;
    client.batch_execute("SELECT canon.install('all')")?;
    for source in &project.sources {
        assert_equal(&source.loaded.model, &mut client)?;
    }
    Ok(())
}

/// Every statement of the packs is in the model: nothing is left unread, nothing kept as text.
#[test]
fn packs_are_read_whole() -> Result<()> {
    let project = Project::open(&repo_root()?.join("canon.toml"))?;
    assert_eq!(project.diagnostics(false), Vec::<String>::new());
    for source in &project.sources {
        for (file, account) in source.loaded.sources.iter().zip(&source.loaded.coverage) {
            let strange: Vec<_> =
                account.skipped_as.keys().filter(|r| !matches!(**r, "data" | "query" | "privileges")).collect();
            assert_eq!((account.unparsed, account.opaque, strange.len()), (0, 0, 0), "{}: {account:?}", file.name);
        }
    }
    Ok(())
}

/// `psql -f` of the files that need no extension, in a database without it.
#[test]
fn packs_load_without_the_extension() -> Result<()> {
    let project = Project::open(&repo_root()?.join("canon.toml"))?;
    for source in &project.sources {
        let Some((_, meta)) = &source.pack else { continue };
        let db = database(&format!("plain_{}", source.name))?;
        let mut client = db.connect()?;
        for file in &source.loaded.sources {
            let name = file.name.rsplit('/').next().unwrap_or_default();
            if !meta.file(name).needs_extension {
                client.batch_execute(&file.text)?;
            }
        }
    }
    Ok(())
}

/// Every file of `tests/fixtures` is loaded into a database of its own and compared.
#[test]
fn forms_of_ddl_are_read_as_postgresql_reads_them() -> Result<()> {
    let folder = repo_root()?.join("tests/fixtures");
    let mut files: Vec<_> = std::fs::read_dir(&folder)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
    files.sort();
    assert!(!files.is_empty());
    for path in files {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path)?;
        let db = database(&format!("forms_{name}"))?;
        load_file(&db, &path)?;
        let mut client = db.connect()?;
        let loaded = load(vec![Source::new(name.clone(), text)]);
        let errors = loaded.diagnostics.iter().filter(|d| d.severity == Severity::Error);
        let refused: Vec<String> = errors.map(|d| d.render(&loaded.sources, false)).collect();
        assert!(refused.is_empty(), "{name}: {}", refused.join("\n"));
        let lines: Vec<String> = differences(&loaded.model, &mut client)?.iter().map(Difference::to_string).collect();
        assert!(lines.is_empty(), "{name}: {} differences:\n{}", lines.len(), lines.join("\n"));
    }
    Ok(())
}

/// The comparison itself notices: one edited object, one named difference.
#[test]
fn an_altered_database_is_told_apart() -> Result<()> {
    let sql = "CREATE TABLE public.t (a integer NOT NULL, b varchar(10) DEFAULT 'x', CONSTRAINT c CHECK (a > 0));
               CREATE INDEX i ON public.t (b) WHERE a > 1;";
    let declared = load(vec![Source::new("t.sql", sql)]).model;
    for (change, expected) in [
        ("ALTER TABLE t ALTER a DROP NOT NULL", "column public.t.a: not null is no, expected yes"),
        ("ALTER TABLE t ALTER b TYPE text", "column public.t.b: type is text, expected character varying(10)"),
        ("ALTER TABLE t ALTER b SET DEFAULT 'y'", "column public.t.b: default is 'y'::character varying, expected 'x'"),
        ("ALTER TABLE t DROP CONSTRAINT c", "check public.t: c is missing"),
        (
            "ALTER TABLE t DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (a >= 0)",
            "check public.t: c: expression is (a >= 0), expected a > 0",
        ),
        ("DROP INDEX i", "index public.t: i is missing"),
        ("ALTER TABLE t ADD d date", "column public.t.d is not expected"),
        ("DROP TABLE t", "table public.t is missing"),
    ] {
        let db = database("altered")?;
        let mut client = db.connect()?;
        client.batch_execute(sql)?;
        client.batch_execute(change)?;
        let lines: Vec<String> = differences(&declared, &mut client)?.iter().map(Difference::to_string).collect();
        assert_eq!(lines, [expected], "{change}");
    }
    Ok(())
}
