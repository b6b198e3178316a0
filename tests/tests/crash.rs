//! What survives a crash. Each test has a server of its own.

use anyhow::Result;
use canon_tests::{PrivateCluster, Status, server};

#[test]
fn committed_rows_survive_the_death_of_the_server() -> Result<()> {
    let cluster = PrivateCluster::start_new(&server(), &[])?;
    let db = cluster.server().database("crash")?;
    let mut client = db.connect()?;
    client.batch_execute("CREATE EXTENSION pg_canon; CREATE TABLE t (id int); INSERT INTO t VALUES (1)")?;
    client.batch_execute("BEGIN; INSERT INTO t VALUES (2)")?;

    cluster.kill_postmaster()?;
    assert_eq!(cluster.status()?, Status::Stopped);
    assert!(client.batch_execute("COMMIT").is_err());

    cluster.start()?;
    assert_eq!(db.psql("SELECT id FROM t")?, "1\n");
    assert!(!db.psql("SELECT canon.version()")?.is_empty());
    Ok(())
}

/// PostgreSQL resets shared memory when a backend dies; the preloaded library must take part in it.
#[test]
fn the_server_recovers_from_the_death_of_a_backend() -> Result<()> {
    let cluster = PrivateCluster::start_new(&server(), &[])?;
    let mut victim = cluster.server().admin()?;
    let pid: i32 = victim.query_one("SELECT pg_backend_pid()", &[])?.get(0);
    cluster.kill_backend(pid)?;
    assert!(victim.batch_execute("SELECT 1").is_err());
    cluster.server().admin()?.batch_execute("CREATE EXTENSION pg_canon")?;
    Ok(())
}
