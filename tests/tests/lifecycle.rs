//! Creating, dropping, dumping and restoring the extension.

use anyhow::Result;
use canon_tests::{canon_database, capture, database, refused};
use postgres::error::SqlState;

#[test]
fn drop_extension_leaves_nothing_behind() -> Result<()> {
    let db = canon_database("drop")?;
    let mut client = db.connect()?;
    let in_canon = "SELECT count(*) FROM pg_namespace WHERE nspname = 'canon'";
    assert_eq!(client.query_one(in_canon, &[])?.get::<_, i64>(0), 1);

    client.batch_execute("DROP EXTENSION pg_canon")?;
    assert_eq!(client.query_one(in_canon, &[])?.get::<_, i64>(0), 0);
    // An object made by hand has an id from 16384 on; a new database has none.
    let left = "SELECT pg_describe_object(d.classid, d.objid, 0) FROM pg_depend d WHERE d.objid >= 16384";
    let left: Vec<String> = client.query(left, &[])?.iter().map(|row| row.get(0)).collect();
    assert!(left.is_empty(), "{left:?}");

    client.batch_execute("CREATE EXTENSION pg_canon")?;
    Ok(())
}

/// A schema of that name belongs to somebody, who could have put functions in it that the extension
/// would then call.
#[test]
fn create_extension_refuses_a_schema_that_exists() -> Result<()> {
    let db = database("occupied")?;
    let mut client = db.connect()?;
    client.batch_execute("CREATE SCHEMA canon")?;
    refused(&mut client, "CREATE EXTENSION pg_canon", &SqlState::DUPLICATE_SCHEMA)?;
    Ok(())
}

#[test]
fn a_dump_restores_into_an_empty_database() -> Result<()> {
    let from = canon_database("dump_from")?;
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("dump");
    for (format, program, arguments) in [
        ("plain", "psql", ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file"].as_slice()),
        ("custom", "pg_restore", &["--exit-on-error"]),
    ] {
        let to = database("dump_to")?;
        capture(from.program("pg_dump").args(["--format", format, "--file"]).arg(&file))?;
        let mut restore = to.program(program);
        if program == "pg_restore" {
            restore.args(["--dbname", to.name()]);
        }
        capture(restore.args(arguments).arg(&file))?;
        let version = "SELECT extversion FROM pg_extension WHERE extname = 'pg_canon'";
        assert_eq!(to.psql(version)?, from.psql(version)?, "{format}");
    }
    Ok(())
}
