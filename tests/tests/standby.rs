//! What works on a hot standby.

use anyhow::Result;
use canon_tests::{PrivateCluster, capture, refused, server, wait_until};
use postgres::error::SqlState;

#[test]
fn a_standby_reads_and_refuses_writes() -> Result<()> {
    let primary = PrivateCluster::start_new(&server(), &[])?;
    let db = primary.server().database("replicated")?;
    db.connect()?.batch_execute("CREATE EXTENSION pg_canon")?;

    let standby = PrivateCluster::stopped(&server())?;
    let mut backup = standby.server_program("pg_basebackup")?;
    backup.args(["--checkpoint=fast", "--write-recovery-conf", "--dbname", &primary.server().url("postgres")]);
    capture(backup.arg("--pgdata").arg(&standby.data))?;
    standby.configure(&[("fsync", "off"), ("shared_preload_libraries", "pg_canon")])?;
    standby.start()?;

    let mut client = standby.server().connect(db.name(), "postgres")?;
    assert!(client.query_one("SELECT pg_is_in_recovery()", &[])?.get::<_, bool>(0));
    assert!(!client.query_one("SELECT canon.version()", &[])?.get::<_, String>(0).is_empty());
    refused(&mut client, "CREATE TABLE t (id int)", &SqlState::READ_ONLY_SQL_TRANSACTION)?;

    db.psql("CREATE TABLE t AS SELECT 1 AS id")?;
    assert!(wait_until(|| client.query("SELECT id FROM t", &[]).is_ok()), "{}", standby.log_tail(30));
    Ok(())
}
