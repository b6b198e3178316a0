//! The leased tier: durable quotas, spent from memory.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use canon_tests::{Database, PrivateCluster, capture, refused, server, wait_until};
use postgres::error::SqlState;
use postgres::{Client, SimpleQueryMessage};

use super::{hammer, number, private, yes};

/// No window ends while a test runs.
const WINDOW: &str = "interval '100 years', algorithm => 'fixed_window', tier => 'leased'";

fn call(key: &str, limit: i64) -> String {
    format!("SELECT allowed FROM canon.rate_limit('{key}', {limit}, {WINDOW})")
}

fn left(client: &mut Client, key: &str, limit: i64) -> Result<i64> {
    number(client, &format!("SELECT remaining FROM canon.rate_limit_peek('{key}', {limit}, {WINDOW})"))
}

/// What the row of a key says was granted.
fn granted(client: &mut Client, key: &str) -> Result<i64> {
    number(client, &format!("SELECT coalesce(max(granted), 0) FROM canon.rate_limit_lease WHERE key = '{key}'"))
}

fn sum(admitted: &[usize]) -> i64 {
    admitted.iter().sum::<usize>() as i64
}

fn worker_runs(client: &mut Client) -> bool {
    let sql =
        "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'pg_canon%' AND datname = current_database()";
    wait_until(|| number(client, sql).is_ok_and(|n| n > 0))
}

#[test]
fn a_row_is_written_for_a_lease_and_not_for_a_request() -> Result<()> {
    let (_cluster, db) = private(&[])?;
    let mut client = db.connect()?;
    assert!(worker_runs(&mut client));
    let written = "SELECT n_tup_ins + n_tup_upd FROM pg_stat_user_tables WHERE relname = 'rate_limit_lease'";
    let before = number(&mut client, written)?;
    assert_eq!(sum(&hammer(&db, 8, 500, &call("k", 100_000))?), 4_000);
    let ahead = granted(&mut client, "k")? - 4_000;
    assert!((0..=1_000).contains(&ahead), "a lease of 1 percent, not {ahead}");
    assert_eq!(left(&mut client, "k", 100_000)?, 96_000);
    client.batch_execute("SELECT pg_stat_force_next_flush()")?;
    let mut rows = 0;
    assert!(wait_until(|| {
        rows = number(&mut client, written).unwrap_or(0) - before;
        rows > 0
    }));
    assert!(rows <= 10, "{rows} rows for 4,000 requests");
    let inspect = "SELECT used FROM canon.rate_limit_inspect('k') WHERE tier = 'leased' AND algorithm = 'fixed_window'";
    assert_eq!(number(&mut client, inspect)?, 4_000);
    Ok(())
}

/// Units that memory held come back with it.
#[test]
fn a_clean_restart_loses_nothing() -> Result<()> {
    let (cluster, db) = private(&[("canon.rate_limit_lease_percent", "20")])?;
    let mut admitted = 0;
    for _ in 0..3 {
        admitted += sum(&hammer(&db, 8, 7, &call("k", 500))?);
        cluster.restart()?;
        assert_eq!(left(&mut db.connect()?, "k", 500)?, 500 - admitted);
    }
    admitted += sum(&hammer(&db, 8, 100, &call("k", 500))?);
    assert_eq!(admitted, 500);
    Ok(())
}

/// Kills the server in the middle of requests from eight connections, again and again: never more than
/// the limit is admitted, and a crash costs no more than a lease, and the answers that were on their way.
#[test]
fn a_crash_loses_at_most_a_lease_and_admits_nothing_twice() -> Result<()> {
    // Commits that do not wait for the disk: those of the worker must all the same.
    for (limit, percent, commit) in [(20_000, 5, "on"), (20_000, 5, "off")] {
        let percent_text = percent.to_string();
        let settings = [
            ("canon.rate_limit_lease_percent", percent_text.as_str()),
            ("canon.rate_limit_snapshot_interval", "20"),
            ("synchronous_commit", commit),
        ];
        let (cluster, db) = private(&settings)?;
        let (clients, crashes) = (8, 3);
        let (admitted, ended) = (AtomicUsize::new(0), AtomicBool::new(false));
        for crash in 0..crashes {
            let crashed = thread::scope(|scope| {
                for _ in 0..clients {
                    scope.spawn(|| until_it_fails(&db, &call("k", limit), &admitted, &ended));
                }
                // Each time in another phase of a lease, and always below the limit.
                let enough = admitted.load(Ordering::Relaxed) + 90 + crash * 370;
                let crashed = crash_at(&cluster, &db, crash == 1, || admitted.load(Ordering::Relaxed) >= enough);
                ended.store(crashed.is_err(), Ordering::Relaxed);
                crashed
            });
            crashed?;
            if crash != 1 {
                cluster.start()?;
            }
            assert!(worker_runs(&mut db.connect()?));
        }
        let rest = hammer(&db, clients, 3_000, &call("k", limit))?;
        let total = admitted.load(Ordering::Relaxed) as i64 + sum(&rest);
        let lost = (limit * percent / 100 + clients as i64) * crashes as i64;
        assert!(total <= limit, "{total} of {limit}, synchronous_commit {commit}");
        assert!(total >= limit - lost, "{total} of {limit}, {lost} may be lost");
    }
    Ok(())
}

/// Kills the server, or one session of it, which is a crash of all.
fn crash_at(cluster: &PrivateCluster, db: &Database, session: bool, is_time: impl Fn() -> bool) -> Result<()> {
    let mut client = db.connect()?;
    let pid: i32 = client.query_one("SELECT pg_backend_pid()", &[])?.get(0);
    ensure!(worker_runs(&mut client) && wait_until(is_time), "{}", cluster.log_tail(20));
    if session { cluster.kill_backend(pid) } else { cluster.kill_postmaster() }
}

fn until_it_fails(db: &Database, sql: &str, admitted: &AtomicUsize, ended: &AtomicBool) {
    let Ok(mut client) = db.connect() else { return };
    while let (false, Ok(row)) = (ended.load(Ordering::Relaxed), client.query_one(sql, &[])) {
        admitted.fetch_add(usize::from(row.get::<_, bool>(0)), Ordering::Relaxed);
        thread::sleep(Duration::from_millis(5));
    }
}

/// A rollback gives back what was spent with `refund`, and nothing else; so do savepoints and prepared
/// transactions.
#[test]
fn transactions_keep_or_refund() -> Result<()> {
    let (_cluster, db) = private(&[("max_prepared_transactions", "5")])?;
    let mut client = db.connect()?;
    assert!(worker_runs(&mut client));
    let spend = |cost: i64, on_abort: &str| {
        format!("SELECT canon.rate_limit('k', 100, {WINDOW}, cost => {cost}, on_abort => '{on_abort}');")
    };
    let used = |client: &mut Client| left(client, "k", 100).map(|left| 100 - left);
    client.batch_execute(&format!("BEGIN; {} {} ROLLBACK", spend(3, "keep"), spend(4, "refund")))?;
    assert_eq!(used(&mut client)?, 3);
    client.batch_execute(&format!(
        "BEGIN; SAVEPOINT a; {} ROLLBACK TO a; {} COMMIT",
        spend(4, "refund"),
        spend(2, "refund")
    ))?;
    assert_eq!(used(&mut client)?, 5);
    for (gid, end, then) in [("p", "COMMIT", 15), ("q", "ROLLBACK", 15)] {
        client.batch_execute(&format!("BEGIN; {} PREPARE TRANSACTION '{gid}'", spend(10, "refund")))?;
        client.batch_execute(&format!("{end} PREPARED '{gid}'"))?;
        assert!(wait_until(|| used(&mut client).is_ok_and(|used| used == then)), "{gid}");
    }
    assert_eq!(sum(&hammer(&db, 8, 30, &call("k", 100))?), 85);
    Ok(())
}

/// Where the worker does not grant in time, the row is as good, and part of the transaction.
#[test]
fn without_a_worker_in_time_the_row_decides() -> Result<()> {
    let (_cluster, db) = private(&[("canon.rate_limit_lease_timeout", "0"), ("max_prepared_transactions", "5")])?;
    let mut client = db.connect()?;
    client.batch_execute(&format!("BEGIN; {}; ROLLBACK", call("k", 100)))?;
    assert_eq!(granted(&mut client, "k")?, 0);
    client.batch_execute(&format!("BEGIN; {}; PREPARE TRANSACTION 'p'", call("k", 100)))?;
    // Whoever prepared it still holds the key.
    client.batch_execute("SET lock_timeout = '50 ms'")?;
    refused(&mut client, &call("k", 100), &SqlState::LOCK_NOT_AVAILABLE)?;
    assert!(yes(&mut client, &call("another", 100))?);
    client.batch_execute("SET lock_timeout = 0")?;
    client.batch_execute("COMMIT PREPARED 'p'")?;
    assert_eq!(granted(&mut client, "k")?, 1);
    assert_eq!(sum(&hammer(&db, 8, 30, &call("k", 100))?), 99);
    assert_eq!(left(&mut client, "k", 100)?, 0);
    let levels = "SELECT canon.rate_limit_all(ARRAY['a {}', 'org'], ARRAY[20, 50], ARRAY[interval '100 years', interval '100 years'],
                      algorithm => 'fixed_window', tier => 'leased')";
    let levels = levels.replace("SELECT canon", "SELECT allowed FROM canon");
    assert_eq!(sum(&hammer(&db, 8, 30, &levels)?), 50);
    Ok(())
}

/// Some requests are granted units by the worker and some take them from the row: together exactly the
/// limit.
#[test]
fn leases_and_rows_together_are_exact() -> Result<()> {
    let (cluster, db) = private(&[("canon.rate_limit_lease_percent", "7")])?;
    assert!(worker_runs(&mut db.connect()?));
    let hasty = format!("SET canon.rate_limit_lease_timeout = 0; {}", call("k", 700));
    let one_by_one = || -> Result<i64> {
        let mut client = db.connect()?;
        let mut admitted = 0;
        for _ in 0..100 {
            // A failure would be that of a session which waits for another for ever.
            let rows = client.simple_query(&hasty)?;
            let allowed = rows.iter().any(|row| matches!(row, SimpleQueryMessage::Row(row) if row.get(0) == Some("t")));
            admitted += i64::from(allowed);
        }
        Ok(admitted)
    };
    let total = thread::scope(|scope| {
        let patient = scope.spawn(|| hammer(&db, 8, 100, &call("k", 700)));
        let hasty: Vec<_> = (0..4).map(|_| scope.spawn(one_by_one)).collect();
        let hasty = hasty.into_iter().map(|side| side.join().expect("a client panicked")).sum::<Result<i64>>()?;
        Ok::<_, anyhow::Error>(sum(&patient.join().expect("a client panicked")?) + hasty)
    })?;
    assert_eq!(total, 700, "{}", cluster.log_tail(5));
    Ok(())
}

/// After a reset all of the quota is there again, to the unit, also while requests come in.
#[test]
fn a_reset_is_exact() -> Result<()> {
    // On a busy machine too every request waits for the worker: the row, asked instead, knows nothing
    // of what is left of a lease that has just been granted.
    let (_cluster, db) =
        private(&[("canon.rate_limit_lease_percent", "10"), ("canon.rate_limit_lease_timeout", "10s")])?;
    let mut client = db.connect()?;
    assert!(worker_runs(&mut client));
    for round in 0..5 {
        let admitted = thread::scope(|scope| {
            let requests = scope.spawn(|| hammer(&db, 8, 60, &call("k", 200)));
            thread::sleep(Duration::from_millis(5 * round));
            client.batch_execute("SELECT canon.rate_limit_reset('k')")?;
            requests.join().expect("a client panicked")
        })?;
        let admitted = sum(&admitted);
        // On a machine too busy even for that, what is left of one lease is lost.
        assert!((180..=400).contains(&admitted), "{admitted}");
        client.batch_execute("SELECT canon.rate_limit_reset('k')")?;
        assert_eq!(sum(&hammer(&db, 8, 40, &call("k", 200))?), 200);
        assert!(yes(&mut client, "SELECT canon.rate_limit_refund('k', 7)")?);
        assert_eq!(sum(&hammer(&db, 2, 20, &call("k", 200))?), 7);
        client.batch_execute("SELECT canon.rate_limit_reset('k')")?;
    }
    Ok(())
}

#[test]
fn without_preloading_and_without_room_the_row_decides() -> Result<()> {
    let (_cluster, db) = private(&[("shared_preload_libraries", "")])?;
    assert_eq!(sum(&hammer(&db, 8, 20, &call("k", 100))?), 100);
    assert_eq!(granted(&mut db.connect()?, "k")?, 100);
    assert_eq!(number(&mut db.connect()?, "SELECT used FROM canon.rate_limit_inspect('k')")?, 100);

    let (_cluster, db) = private(&[("canon.rate_limit_max_keys", "1000"), ("canon.rate_limit_on_full", "allow")])?;
    let fill =
        "SELECT count(*) FROM generate_series(1, 4000) AS k WHERE canon.rate_allow('key ' || k, 1, interval '1 year')";
    number(&mut db.connect()?, fill)?;
    assert_eq!(sum(&hammer(&db, 8, 20, &call("k", 100))?), 100, "never uncounted");
    Ok(())
}

/// A standby shows what is left, and refuses to spend; promoted, it knows what was granted.
#[test]
fn a_standby_refuses_and_takes_over() -> Result<()> {
    let (primary, db) = private(&[])?;
    let standby = PrivateCluster::stopped(&server())?;
    let mut backup = standby.server_program("pg_basebackup")?;
    backup.args(["--checkpoint=fast", "--write-recovery-conf", "--dbname", &primary.server().url("postgres")]);
    capture(backup.arg("--pgdata").arg(&standby.data))?;
    standby.configure(&[("fsync", "off"), ("shared_preload_libraries", "pg_canon")])?;
    standby.start()?;
    assert_eq!(sum(&hammer(&db, 4, 25, &call("k", 1_000))?), 100);
    let mut client = standby.server().connect(db.name(), "postgres")?;
    let known = |client: &mut Client| left(client, "k", 1_000).is_ok_and(|left| (890..=900).contains(&left));
    assert!(wait_until(|| known(&mut client)), "{}", left(&mut client, "k", 1_000)?);
    let refusal = refused(&mut client, &call("k", 1_000), &SqlState::READ_ONLY_SQL_TRANSACTION)?;
    assert_eq!(refusal.message(), "units cannot be leased on a standby");
    drop(primary);
    client.batch_execute("SELECT pg_promote()")?;
    let mut admitted = 0;
    while yes(&mut client, &call("k", 1_000))? {
        admitted += 1;
    }
    assert!((890..=900).contains(&admitted), "{admitted}");
    Ok(())
}

/// An application needs no right on the rows, and cannot get at them.
#[test]
fn a_plain_role_can_spend() -> Result<()> {
    let (cluster, db) = private(&[])?;
    let app = cluster.server().role("app")?;
    db.connect()?.batch_execute(&format!("GRANT EXECUTE ON FUNCTION canon.rate_limit TO {app}"))?;
    let mut client = cluster.server().connect(db.name(), app.name())?;
    assert!(worker_runs(&mut db.connect()?));
    assert!(yes(&mut client, &call("k", 10))?);
    client.batch_execute("BEGIN READ ONLY")?;
    assert!(yes(&mut client, &call("k", 10))?, "the worker writes");
    client.batch_execute("COMMIT")?;
    for forbidden in ["TABLE canon.rate_limit_lease", "UPDATE canon.rate_limit_lease SET granted = 0"] {
        refused(&mut client, forbidden, &SqlState::INSUFFICIENT_PRIVILEGE)?;
    }
    Ok(())
}
