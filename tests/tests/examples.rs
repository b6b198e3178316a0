//! The scripts in `examples/` print what is recorded beside them.

use std::fs;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use canon_tests::{canon_database, repo_root, server};

/// What psql prints for a script, errors among it. `svg` is where it puts its picture.
fn run(script: &str, svg: &std::path::Path) -> Result<String> {
    let db = canon_database("example_plan")?;
    let (mut reader, writer) = std::io::pipe()?;
    let mut psql = server().program("psql");
    psql.env("PGDATABASE", db.name()).args(["--no-psqlrc", "--quiet", "--set"]).arg(format!("svg={}", svg.display()));
    // From standard input, so that errors have no path in front of them.
    psql.stdin(fs::File::open(repo_root()?.join(script))?).stdout(writer.try_clone()?).stderr(Stdio::from(writer));
    let mut child = psql.spawn().context("psql")?;
    drop(psql);
    let mut printed = String::new();
    std::io::Read::read_to_string(&mut reader, &mut printed)?;
    let status = child.wait()?;
    ensure!(status.success(), "{script}: {status}\n{printed}");
    Ok(printed)
}

#[test]
fn the_story_of_a_plan_is_as_recorded() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let svg = directory.path().join("plan.svg");
    let printed = run("examples/plan.sql", &svg)?;
    let picture = fs::read_to_string(&svg)?;
    assert!(picture.starts_with("<svg ") && picture.trim_end().ends_with("</svg>"), "{picture}");
    assert!(["Dump the old database", "Open logins", "class=\"task critical\""].iter().all(|t| picture.contains(t)));
    for (file, now) in [("examples/plan.out", &printed), ("examples/plan.svg", &picture)] {
        let recorded = repo_root()?.join(file);
        if std::env::var_os("PG_CANON_WRITE").is_some() {
            fs::write(&recorded, now)?;
        }
        assert_eq!(now, &fs::read_to_string(&recorded)?, "{file}: PG_CANON_WRITE=1 records what is there now");
    }
    Ok(())
}
