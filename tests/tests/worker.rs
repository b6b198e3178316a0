//! Background workers: where they run, and how they keep out of the way. Each test has a server of its own.

use anyhow::{Context, Result, ensure};
use canon_tests::{Database, PrivateCluster, StopMode, capture, server, wait_until};
use postgres::Client;

/// Databases that have a worker now.
fn with_worker(client: &mut Client) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT datname::text FROM pg_stat_activity WHERE backend_type = 'pg_canon worker'
               AND datname IS NOT NULL ORDER BY 1";
    Ok(client.query(sql, &[])?.iter().map(|row| row.get(0)).collect())
}

fn has_worker(client: &mut Client, database: &str) -> bool {
    with_worker(client).is_ok_and(|names| names.iter().any(|name| name == database))
}

fn worker_pid(client: &mut Client, database: &str) -> Result<i32> {
    let sql = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_canon worker' AND datname = $1";
    let row = client.query_opt(sql, &[&database])?;
    Ok(row.context("no worker")?.get(0))
}

/// A database with the extension, once its worker runs.
fn worked(cluster: &PrivateCluster, name: &str) -> Result<Database> {
    let db = cluster.server().database(name)?;
    db.connect()?.batch_execute("CREATE EXTENSION pg_canon")?;
    let mut admin = cluster.server().admin()?;
    ensure!(wait_until(|| has_worker(&mut admin, db.name())), "{}", cluster.log_tail(30));
    Ok(db)
}

#[test]
fn a_worker_comes_and_goes_with_the_extension() -> Result<()> {
    let cluster = PrivateCluster::start_new(&server(), &[])?;
    let mut admin = cluster.server().admin()?;
    let plain = cluster.server().database("plain")?;
    let db = worked(&cluster, "has_it")?;
    assert_eq!(with_worker(&mut admin)?, [db.name()]);

    let mut client = db.connect()?;
    client.batch_execute("BEGIN; DROP EXTENSION pg_canon; ROLLBACK")?;
    assert!(has_worker(&mut admin, db.name()));
    client.batch_execute("DROP EXTENSION pg_canon")?;
    assert!(wait_until(|| !has_worker(&mut admin, db.name())), "{}", cluster.log_tail(30));
    client.batch_execute("CREATE EXTENSION pg_canon")?;
    assert!(wait_until(|| has_worker(&mut admin, db.name())), "{}", cluster.log_tail(30));

    // A rolled-back CREATE EXTENSION, and a prepared one, change nothing before they are committed.
    let mut other = plain.connect()?;
    other.batch_execute("BEGIN; CREATE EXTENSION pg_canon; ROLLBACK")?;
    assert_eq!(with_worker(&mut admin)?, [db.name()]);
    Ok(())
}

/// Statements that need a database to themselves work as if there were no worker in it.
#[test]
fn a_worker_is_in_nobodys_way() -> Result<()> {
    let cluster = PrivateCluster::start_new(&server(), &[])?;
    let mut admin = cluster.server().admin()?;
    let db = worked(&cluster, "original")?;
    let name = db.name();
    admin.batch_execute(&format!("CREATE DATABASE copy TEMPLATE {name}"))?;
    assert!(wait_until(|| has_worker(&mut admin, "copy") && has_worker(&mut admin, name)), "{}", cluster.log_tail(30));
    admin.batch_execute("ALTER DATABASE copy RENAME TO renamed")?;
    assert!(wait_until(|| has_worker(&mut admin, "renamed")), "{}", cluster.log_tail(30));
    admin.batch_execute("DROP DATABASE renamed")?;
    assert_eq!(with_worker(&mut admin)?.iter().filter(|name| *name == "renamed").count(), 0);
    // Refused for another reason: the worker comes back.
    let client = db.connect()?;
    assert!(admin.batch_execute(&format!("DROP DATABASE {name}")).is_err());
    drop(client);
    assert!(wait_until(|| has_worker(&mut admin, name)), "{}", cluster.log_tail(30));
    let log = std::fs::read_to_string(&cluster.log)?;
    assert!(!log.contains("PANIC") && !log.contains("was terminated by signal"), "{log}");
    Ok(())
}

/// Only an owner can make a worker stop.
#[test]
fn a_stranger_cannot_send_a_worker_away() -> Result<()> {
    let cluster = PrivateCluster::start_new(&server(), &[])?;
    let mut admin = cluster.server().admin()?;
    let stranger = cluster.server().role("stranger")?;
    let db = worked(&cluster, "guarded")?;
    let pid = worker_pid(&mut admin, db.name())?;
    let mut client = cluster.server().connect("postgres", stranger.name())?;
    assert!(client.batch_execute(&format!("DROP DATABASE {}", db.name())).is_err());
    assert_eq!(worker_pid(&mut admin, db.name())?, pid);
    Ok(())
}

#[test]
fn a_worker_that_dies_is_started_again() -> Result<()> {
    let cluster = PrivateCluster::start_new(&server(), &[])?;
    let db = worked(&cluster, "mortal")?;
    let mut admin = cluster.server().admin()?;
    let first = worker_pid(&mut admin, db.name())?;
    admin.execute("SELECT pg_terminate_backend($1)", &[&first])?;
    assert!(wait_until(|| worker_pid(&mut admin, db.name()).is_ok_and(|pid| pid != first)), "{}", cluster.log_tail(30));

    // SIGKILL: the server starts its shared memory anew, and launcher and worker with it.
    let second = worker_pid(&mut admin, db.name())?;
    cluster.kill_backend(second)?;
    let back = || {
        cluster.server().admin().is_ok_and(|mut admin| worker_pid(&mut admin, db.name()).is_ok_and(|pid| pid != second))
    };
    assert!(wait_until(back), "{}", cluster.log_tail(30));

    // The launcher too.
    let mut admin = cluster.server().admin()?;
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'pg_canon launcher'";
    admin.query_one(sql, &[])?;
    let other = worked(&cluster, "after_launcher")?;
    assert!(has_worker(&mut admin, other.name()));
    // A fast shutdown waits for nobody.
    cluster.stop(StopMode::Fast)?;
    Ok(())
}

/// With fewer processes than databases, the databases take turns.
#[test]
fn databases_take_turns_where_processes_are_few() -> Result<()> {
    // One for the launcher, one that logical replication takes, one left.
    let cluster = PrivateCluster::start_new(&server(), &[("max_worker_processes", "3")])?;
    let mut admin = cluster.server().admin()?;
    let databases: Vec<Database> =
        (0..3).map(|k| cluster.server().database(&format!("crowd{k}"))).collect::<Result<_>>()?;
    for db in &databases {
        db.connect()?.batch_execute("CREATE EXTENSION pg_canon")?;
    }
    for db in &databases {
        assert!(wait_until(|| has_worker(&mut admin, db.name())), "{}: {}", db.name(), cluster.log_tail(30));
    }
    let log = std::fs::read_to_string(&cluster.log)?;
    assert_eq!(log.matches("the databases take turns").count(), 1, "{log}");
    Ok(())
}

#[test]
fn a_standby_has_no_worker_until_it_is_promoted() -> Result<()> {
    let primary = PrivateCluster::start_new(&server(), &[])?;
    let db = worked(&primary, "replicated")?;
    let standby = PrivateCluster::stopped(&server())?;
    let mut backup = standby.server_program("pg_basebackup")?;
    backup.args(["--checkpoint=fast", "--write-recovery-conf", "--dbname", &primary.server().url("postgres")]);
    capture(backup.arg("--pgdata").arg(&standby.data))?;
    standby.configure(&[("fsync", "off"), ("shared_preload_libraries", "pg_canon")])?;
    standby.start()?;
    let mut client = standby.server().connect("postgres", "postgres")?;
    let ours = "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'pg\\_canon%'";
    assert_eq!(client.query_one(ours, &[])?.get::<_, i64>(0), 0);
    assert!(client.query_one("SELECT pg_promote()", &[])?.get::<_, bool>(0));
    assert!(wait_until(|| has_worker(&mut client, db.name())), "{}", standby.log_tail(30));
    Ok(())
}
