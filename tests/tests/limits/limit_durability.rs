//! Clean restarts, crashes and standbys.

use std::time::Duration;

use anyhow::Result;
use canon_tests::{PrivateCluster, capture, server, wait_until};

use super::{LONG, hammer, left, number, private, yes};

fn call(key: &str) -> String {
    format!("SELECT canon.rate_allow('{key}', 1000, {LONG})")
}

#[test]
fn a_clean_restart_forgets_nothing() -> Result<()> {
    let (cluster, db) = private(&[("canon.rate_limit_snapshot_interval", "0")])?;
    let mut admitted = 0;
    for _ in 0..3 {
        admitted += hammer(&db, 8, 40, &call("k"))?.iter().sum::<usize>();
        cluster.restart()?;
        assert_eq!(left(&mut db.connect()?, "k", 1000)?, 1000 - admitted as i64);
    }
    admitted += hammer(&db, 8, 100, &call("k"))?.iter().sum::<usize>();
    assert_eq!(admitted, 1000);
    Ok(())
}

/// After SIGKILL what was counted before the last snapshot is still counted.
#[test]
fn a_crash_forgets_no_more_than_the_interval() -> Result<()> {
    let (cluster, db) = private(&[("canon.rate_limit_snapshot_interval", "200")])?;
    let mut client = db.connect()?;
    for crash in 0..2 {
        let key = format!("k{crash}");
        assert_eq!(hammer(&db, 8, 40, &call(&key))?.iter().sum::<usize>(), 320);
        let taken = "SELECT count(*) FROM canon.rate_limit_statistics WHERE snapshot_at > clock_timestamp() - interval '100 ms'";
        // Two in a row: the second began after everything had been counted, and a check makes it due.
        for _ in 0..2 {
            std::thread::sleep(Duration::from_millis(150));
            client.batch_execute("SELECT canon.rate_allow('other', 1000, interval '1 s')")?;
            assert!(wait_until(|| number(&mut client, taken).is_ok_and(|n| n == 1)), "{}", cluster.log_tail(30));
        }
        if crash == 0 {
            cluster.kill_postmaster()?;
            cluster.start()?;
        } else {
            let pid: i32 = client.query_one("SELECT pg_backend_pid()", &[])?.get(0);
            cluster.kill_backend(pid)?;
        }
        client = db.connect()?;
        assert_eq!(left(&mut client, &key, 1000)?, 680);
    }
    Ok(())
}

/// Without snapshots a crash forgets, and nothing worse.
#[test]
fn a_crash_without_snapshots_starts_anew() -> Result<()> {
    let (cluster, db) = private(&[("canon.rate_limit_snapshot_interval", "0")])?;
    hammer(&db, 2, 50, &call("k"))?;
    cluster.kill_postmaster()?;
    cluster.start()?;
    assert_eq!(left(&mut db.connect()?, "k", 1000)?, 1000);
    Ok(())
}

#[test]
fn a_damaged_file_is_ignored() -> Result<()> {
    let (cluster, db) = private(&[])?;
    let file = cluster.data.join("pg_stat/pg_canon.limits");
    for damage in [&b"nonsense"[..], b"", b"pgcanon1\x01\0\0\0\0\0\0\0\0"] {
        hammer(&db, 1, 10, &call("k"))?;
        cluster.stop(canon_tests::StopMode::Fast)?;
        assert!(file.is_file());
        std::fs::write(&file, damage)?;
        cluster.start()?;
        assert_eq!(left(&mut db.connect()?, "k", 1000)?, 1000);
    }
    Ok(())
}

/// The table tier is as durable as any table.
#[test]
fn the_table_tier_survives_a_crash_exactly() -> Result<()> {
    let (cluster, db) = private(&[])?;
    let call = format!("SELECT allowed FROM canon.rate_limit('k', 100, {LONG}, tier => 'table')");
    let before: usize = hammer(&db, 8, 5, &call)?.iter().sum();
    cluster.kill_postmaster()?;
    cluster.start()?;
    let after: usize = hammer(&db, 8, 20, &call)?.iter().sum();
    assert_eq!((before, after), (40, 60));
    Ok(())
}

/// A standby has counters of its own: reads and the memory tier work there, without any write.
#[test]
fn a_standby_counts_for_itself() -> Result<()> {
    let (primary, db) = private(&[])?;
    hammer(&db, 2, 5, &call("k"))?;
    let standby = PrivateCluster::stopped(&server())?;
    let mut backup = standby.server_program("pg_basebackup")?;
    backup.args(["--checkpoint=fast", "--write-recovery-conf", "--dbname", &primary.server().url("postgres")]);
    capture(backup.arg("--pgdata").arg(&standby.data))?;
    standby.configure(&[
        ("fsync", "off"),
        ("shared_preload_libraries", "pg_canon"),
        ("canon.rate_limit_max_keys", "1000"),
    ])?;
    standby.start()?;
    let mut client = standby.server().connect(db.name(), "postgres")?;
    assert!(yes(&mut client, "SELECT pg_is_in_recovery()")?);
    for _ in 0..3 {
        assert!(yes(&mut client, "SELECT canon.rate_allow('s', 3, interval '1 year')")?);
    }
    assert!(!yes(&mut client, "SELECT canon.rate_allow('s', 3, interval '1 year')")?);
    assert!(!yes(&mut client, "SELECT allowed FROM canon.rate_limit_peek('s', 3, interval '1 year')")?);
    assert!(yes(&mut client, "SELECT allowed FROM canon.rate_limit_peek('t', 3, interval '1 year', tier => 'table')")?);
    assert_eq!(number(&mut client, "SELECT used FROM canon.rate_limit_inspect('s')")?, 3);
    assert!(number(&mut client, "SELECT keys FROM canon.rate_limit_statistics")? >= 1);
    assert!(yes(&mut client, "SELECT canon.rate_limit_reset('s')")?);
    // Full: there is no table to turn to.
    let full = "SELECT count(*) FILTER (WHERE canon.rate_allow('f' || k, 3, interval '1 year')) FROM generate_series(1, 9000) AS k";
    let fitted = number(&mut client, full)?;
    assert!((1000..9000).contains(&fitted), "{fitted}");
    assert_eq!(
        client
            .query_one("SELECT reason FROM canon.rate_limit('f8999', 3, interval '1 year')", &[])?
            .get::<_, String>(0),
        "memory_full"
    );
    Ok(())
}
