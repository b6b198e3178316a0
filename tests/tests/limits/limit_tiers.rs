//! What the answers say; and the table tier where the library is not preloaded.

use std::sync::{Arc, Mutex};

use anyhow::Result;
use canon_tests::canon_database;
use postgres::NoTls;

use super::{LONG, hammer, number, private, yes};

#[test]
fn an_answer_says_when_to_come_back() -> Result<()> {
    let db = canon_database("answers")?;
    let mut client = db.connect()?;
    for tier in ["memory", "table"] {
        for algorithm in ["gcra", "sliding_window", "fixed_window", "calendar"] {
            let ask = format!(
                "WITH d AS (SELECT * FROM canon.rate_limit('{algorithm}', 3, interval '1 day', algorithm => '{algorithm}', tier => '{tier}'))
                 SELECT allowed, \"limit\", remaining, reason, retry_after = '0' AS at_once,
                        extract(epoch FROM retry_after)::float8 AS wait, reset_at > clock_timestamp() AS later,
                        reset_at < clock_timestamp() + interval '2 days' AS in_time FROM d"
            );
            for k in 1..=4_i64 {
                let row = client.query_one(&ask, &[])?;
                let what = format!("{algorithm} {tier} {k}");
                assert_eq!(row.get::<_, bool>("allowed"), k <= 3, "{what}");
                assert_eq!(row.get::<_, i64>("limit"), 3, "{what}");
                assert_eq!(row.get::<_, i64>("remaining"), (3 - k).max(0), "{what}");
                assert_eq!(row.get::<_, String>("reason"), if k <= 3 { "allowed" } else { "limit_exceeded" }, "{what}");
                assert_eq!(row.get::<_, bool>("at_once"), k <= 3, "{what}");
                assert!(row.get::<_, bool>("later") && row.get::<_, bool>("in_time"), "{what}");
                if k == 4 && algorithm == "gcra" {
                    let wait: f64 = row.get("wait");
                    assert!((28_000.0..=28_800.0).contains(&wait), "a third of a day, not {wait}");
                }
            }
            let never = format!(
                "SELECT * FROM canon.rate_limit('{algorithm}', 3, interval '1 day', 4, algorithm => '{algorithm}', tier => '{tier}')"
            );
            let row =
                client.query_one(&format!("SELECT allowed, retry_after IS NULL, reason FROM ({never}) AS d"), &[])?;
            assert_eq!((row.get(0), row.get(1), row.get(2)), (false, true, "cost_exceeds_limit"));
        }
    }
    Ok(())
}

/// PostgreSQL's own calendar is the judge.
#[test]
fn calendar_windows_end_when_the_calendar_says() -> Result<()> {
    let db = canon_database("calendar")?;
    let mut client = db.connect()?;
    for zone in ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"] {
        for (unit, per) in [
            ("minute", "1 minute"),
            ("hour", "1 hour"),
            ("day", "1 day"),
            ("week", "7 days"),
            ("month", "1 month"),
            ("quarter", "3 months"),
            ("year", "1 year"),
        ] {
            let sql = format!(
                "SELECT d.reset_at - (date_trunc('{unit}', now(), '{zone}') AT TIME ZONE '{zone}' + interval '{per}') AT TIME ZONE '{zone}' < interval '100 ms'
                    AND d.reset_at - (date_trunc('{unit}', now(), '{zone}') AT TIME ZONE '{zone}' + interval '{per}') AT TIME ZONE '{zone}' > interval '-100 ms'
                 FROM canon.rate_limit('{zone} {unit}', 3, interval '{per}', algorithm => 'calendar', time_zone => '{zone}') AS d"
            );
            if unit == "hour" && zone == "Australia/Lord_Howe" {
                continue; // Half of its year is off by half an hour; an hour of the limiter never is.
            }
            assert!(yes(&mut client, &sql)?, "{zone} {unit}");
        }
    }
    // Billed on the 31st: the last day of a shorter month.
    let sql = "WITH d AS (SELECT * FROM canon.rate_limit('bill', 3, interval '1 month', algorithm => 'calendar', anchor => timestamp '2024-01-31 12:00'))
               SELECT extract(hour FROM reset_at AT TIME ZONE 'UTC') IN (11, 12)
                  AND (reset_at + interval '1 second') AT TIME ZONE 'UTC' >= date_trunc('month', reset_at AT TIME ZONE 'UTC') + interval '1 month' - interval '1 day'
               FROM d";
    let day = number(
        &mut client,
        "SELECT extract(day FROM date_trunc('month', now()) + interval '1 month' - interval '1 day')::bigint",
    )?;
    assert!(day <= 31 && yes(&mut client, sql)?);
    Ok(())
}

#[test]
fn refund_and_reset_give_back() -> Result<()> {
    let db = canon_database("refund")?;
    let mut client = db.connect()?;
    for tier in ["memory", "table"] {
        let spend = format!("SELECT remaining FROM canon.rate_limit('{tier}', 10, {LONG}, 4, tier => '{tier}')");
        let peek = format!("SELECT remaining FROM canon.rate_limit_peek('{tier}', 10, {LONG}, tier => '{tier}')");
        assert!(!yes(&mut client, &format!("SELECT canon.rate_limit_refund('{tier}', 1)"))?);
        assert_eq!(number(&mut client, &spend)?, 6);
        assert_eq!(number(&mut client, &peek)?, 6);
        assert!(yes(&mut client, &format!("SELECT canon.rate_limit_refund('{tier}', 3)"))?);
        assert_eq!(number(&mut client, &peek)?, 9);
        assert!(yes(&mut client, &format!("SELECT canon.rate_limit_refund('{tier}', 1000)"))?);
        assert_eq!(number(&mut client, &peek)?, 10, "no more than was spent");
        number(&mut client, &spend)?;
        assert_eq!(
            number(&mut client, &format!("SELECT used FROM canon.rate_limit_inspect('{tier}') WHERE tier = '{tier}'"))?,
            4
        );
        assert!(yes(&mut client, &format!("SELECT canon.rate_limit_reset('{tier}')"))?);
        assert_eq!(number(&mut client, &peek)?, 10);
    }
    Ok(())
}

/// The same calls without preloading: counted in the table, one WARNING a session.
#[test]
fn without_preloading_the_table_counts_and_a_session_is_warned_once() -> Result<()> {
    let (cluster, db) = private(&[("shared_preload_libraries", "")])?;
    let warnings = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&warnings);
    let at = cluster.server();
    let mut config = postgres::Config::new();
    config.host_path(&at.host).port(at.port).user("postgres").dbname(db.name());
    config.notice_callback(move |notice| heard.lock().expect("poisoned").push(notice.message().to_owned()));
    let mut client = config.connect(NoTls)?;
    for _ in 0..3 {
        assert!(yes(&mut client, "SELECT canon.rate_allow('k', 3, interval '1 year')")?);
    }
    assert!(!yes(&mut client, "SELECT canon.rate_allow('k', 3, interval '1 year')")?);
    assert_eq!(*warnings.lock().expect("poisoned"), ["rate limits are counted in a table: pg_canon is not preloaded"]);
    assert_eq!(number(&mut client, "SELECT count(*) FROM canon.rate_limit_statistics")?, 0);
    assert_eq!(number(&mut client, "SELECT used FROM canon.rate_limit_inspect('k')")?, 3);

    let admitted = hammer(&db, 8, 20, "SELECT canon.rate_allow('hot', 100, interval '1 year')")?;
    assert_eq!(admitted.iter().sum::<usize>(), 100);
    let levels = "SELECT canon.rate_allow_all(ARRAY['org', 'user {}'], ARRAY[50, 10], ARRAY[interval '1 year', interval '1 year'])";
    assert_eq!(hammer(&db, 8, 12, levels)?.iter().sum::<usize>(), 50);
    Ok(())
}

#[test]
fn nothing_is_written_to_the_log_for_a_check_in_memory() -> Result<()> {
    let (_cluster, db) = private(&[("autovacuum", "off"), ("canon.rate_limit_snapshot_interval", "0")])?;
    let mut client = db.connect()?;
    let call = "SELECT count(*) FROM generate_series(1, 10000) AS k WHERE canon.rate_allow('k' || k % 100, 50, interval '1 h')";
    number(&mut client, call)?;
    // The server itself writes now and then; checks that wrote would do so every time.
    let position = "SELECT pg_current_wal_insert_lsn()::text";
    let mut least = i64::MAX;
    for _ in 0..20 {
        let before: String = client.query_one(position, &[])?.get(0);
        number(&mut client, call)?;
        let sql = format!("SELECT (pg_current_wal_insert_lsn() - '{before}'::pg_lsn)::bigint");
        least = least.min(number(&mut client, &sql)?);
    }
    assert_eq!(least, 0, "bytes for 10,000 checks");
    Ok(())
}
