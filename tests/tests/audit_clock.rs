//! The ledger under a clock of the machine that steps forth and back.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use canon_tests::{Database, PrivateCluster, StopMode, capture, server, wait_until};

/// The library of the Debian package libfaketime.
fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten();
    folders.map(|folder| folder.path().join("faketime/libfaketime.so.1")).find(|path| path.is_file())
}

/// A server whose time of day is that of the machine, moved by what the file says. Clocks that only run
/// forward, which the server waits by, are left alone.
struct Moved {
    cluster: PrivateCluster,
    file: PathBuf,
}

impl Moved {
    fn start(library: &PathBuf) -> Result<Self> {
        let cluster = PrivateCluster::start_new(&server(), &[("canon.audit_seal_interval", "20ms")])?;
        cluster.stop(StopMode::Fast)?;
        let file = cluster.dir().join("clock");
        let moved = Self { cluster, file };
        moved.by("+0")?;
        let mut start = moved.cluster.server_program("pg_ctl")?;
        start.args(["start", "--wait", "--pgdata"]).arg(&moved.cluster.data).arg("--log").arg(&moved.cluster.log);
        start.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", &moved.file);
        start.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1");
        capture(&mut start)?;
        Ok(moved)
    }

    /// Replaced as a whole: a reader never sees half of it.
    fn by(&self, offset: &str) -> Result<()> {
        let new = self.file.with_extension("new");
        std::fs::write(&new, offset)?;
        Ok(std::fs::rename(&new, &self.file)?)
    }
}

/// Inserts until told to stop; returns how many were committed.
fn write(db: &Database, stop: &AtomicBool) -> Result<i64> {
    let mut client = db.connect()?;
    let mut committed = 0;
    while !stop.load(Ordering::Relaxed) {
        client.batch_execute("INSERT INTO t (v) VALUES ('a')")?;
        committed += 1;
    }
    Ok(committed)
}

#[test]
fn a_clock_that_steps_loses_nothing_and_fools_no_retention() -> Result<()> {
    let Some(library) = library() else {
        eprintln!("skipped: install the Debian package libfaketime");
        return Ok(());
    };
    let moved = Moved::start(&library)?;
    let db = moved.cluster.server().database("clock")?;
    let mut client = db.connect()?;
    client.batch_execute(
        "CREATE EXTENSION pg_canon; CREATE TABLE t (id bigserial PRIMARY KEY, v text); SELECT canon.audit_enable('t')",
    )?;
    let days = "SELECT round(extract(epoch FROM clock_timestamp() - $1::timestamptz) / 86400)::int";
    let begun: std::time::SystemTime = client.query_one("SELECT clock_timestamp()", &[])?.get(0);
    let stop = AtomicBool::new(false);
    // Days from the right time. Months ahead partitions are there, years ahead they are not.
    let steps = [0, 1, -1, 40, -40, 0, 400, -800, 3, 0];
    let committed = std::thread::scope(|scope| -> Result<i64> {
        let writers: Vec<_> = (0..3).map(|_| scope.spawn(|| write(&db, &stop))).collect();
        let mut walk = || -> Result<()> {
            for step in steps {
                moved.by(&format!("{step:+}d"))?;
                let there =
                    wait_until(|| client.query_one(days, &[&begun]).is_ok_and(|row| row.get::<_, i32>(0) == step));
                ensure!(there, "the clock did not move by {step} days: {}", moved.cluster.log_tail(20));
                // Sealing goes on by itself at every time.
                client.query_one("SELECT canon.audit_await_seal(30000)", &[]).with_context(|| format!("{step}"))?;
                std::thread::sleep(Duration::from_millis(60));
            }
            Ok(())
        };
        let walked = walk();
        stop.store(true, Ordering::Relaxed);
        let counts: Vec<_> = writers.into_iter().map(|writer| writer.join().expect("a writer panicked")).collect();
        walked?;
        counts.into_iter().sum()
    })?;
    client.query_one("SELECT canon.audit_await_seal(30000)", &[])?;

    let row = client.query_one(
        "SELECT (SELECT count(*) FROM t), count(*) FILTER (WHERE operation = 'INSERT'), count(*), count(DISTINCT position),
             min(position), max(position) + 1, count(*) FILTER (WHERE recorded_at > clock_timestamp() + interval '300 days'),
             count(*) FILTER (WHERE recorded_at < clock_timestamp() - interval '300 days')
         FROM canon.audit_log",
        &[],
    )?;
    let count = |at: usize| row.get::<_, i64>(at);
    assert_eq!((count(0), count(1)), (committed, committed), "rows and their entries");
    assert_eq!((count(3), count(4), count(5)), (count(2), 0, count(2)), "positions are dense");
    assert!(count(6) > 0 && count(7) > 0, "entries of the wrong times: {}, {}", count(6), count(7));
    let verdict = "SELECT ok, entries, COALESCE(problem, '') FROM canon.audit_verify(live => true)";
    let verified = client.query_one(verdict, &[])?;
    assert!(verified.get::<_, bool>(0), "{}", verified.get::<_, &str>(2));
    assert_eq!(verified.get::<_, i64>(1), count(2));

    // A month that the clock was right in has a partition of its own, whatever was recorded in between.
    let months: i64 = client
        .query_one(
            "SELECT count(*) FROM generate_series(0, 2) AS m WHERE to_regclass('canon.audit_entry_' ||
                 to_char(timezone('UTC', $1::timestamptz) + make_interval(months => m), 'YYYY_MM')) IS NOT NULL",
            &[&begun],
        )?
        .get(0);
    assert_eq!(months, 3);

    // Entries that only claim to be old follow younger ones, and are not removed as old.
    let removed: i64 = client
        .query_one("SELECT canon.audit_retain($1::timestamptz - interval '1 hour', 'older than the test')", &[&begun])?
        .get(0);
    assert_eq!(removed, 0);
    let kept: i64 = client.query_one("SELECT count(*) FROM canon.audit_entry WHERE operation = 'INSERT'", &[])?.get(0);
    assert_eq!(kept, committed);
    Ok(())
}
