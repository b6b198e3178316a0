//! A table of keys in which there is no room: nothing is silently forgotten.

use anyhow::Result;
use canon_tests::wait_until;

use super::{hammer, number, private};

/// Fills the room for about 1,000 keys with 4,000, each with one unit, and asks for each twice.
const ASK: &str = "SELECT count(*) FILTER (WHERE canon.rate_allow('key ' || k, 1, interval '1 year'))
                   FROM generate_series(1, 4000) AS k";

#[test]
fn what_has_no_room_is_denied_allowed_or_spilt() -> Result<()> {
    let (_cluster, db) = private(&[("canon.rate_limit_max_keys", "1000")])?;
    let mut client = db.connect()?;
    client.batch_execute("SET canon.rate_limit_on_full = deny")?;
    let fitted = number(&mut client, ASK)?;
    let capacity = number(&mut client, "SELECT capacity FROM canon.rate_limit_statistics")?;
    assert!((1000..=capacity).contains(&fitted), "{fitted} of {capacity}");
    assert_eq!(number(&mut client, ASK)?, 0, "nothing live was forgotten");
    let reasons =
        "SELECT count(*) FROM generate_series(1, 4000) AS k, canon.rate_limit('key ' || k, 1, interval '1 year') AS d
                   WHERE d.reason = 'memory_full' AND NOT d.allowed AND d.retry_after > '0'";
    assert_eq!(number(&mut client, reasons)?, 4000 - fitted);

    client.batch_execute("SET canon.rate_limit_on_full = allow")?;
    assert_eq!(number(&mut client, ASK)?, 4000 - fitted);
    assert_eq!(number(&mut client, ASK)?, 4000 - fitted, "allowed without being counted");

    client.batch_execute("SET canon.rate_limit_on_full = spill")?;
    assert_eq!(number(&mut client, ASK)?, 4000 - fitted);
    assert_eq!(number(&mut client, ASK)?, 0, "counted in the table");
    assert_eq!(number(&mut client, "SELECT count(*) FROM canon.rate_limit_state")?, 4000 - fitted);
    assert!(number(&mut client, "SELECT spilled FROM canon.rate_limit_statistics")? >= 4000 - fitted);

    // Room again: keys that were spilt are still counted where they are.
    let gone = "SELECT count(*) FILTER (WHERE canon.rate_limit_reset('key ' || k)) FROM generate_series(1, 400) AS k";
    assert_eq!(number(&mut client, gone)?, 400);
    assert_eq!(number(&mut client, ASK)?, 400, "those that were reset, and no other");
    assert_eq!(number(&mut client, "SELECT used FROM canon.rate_limit_inspect('key 4000')")?, 1);
    Ok(())
}

#[test]
fn spilt_keys_are_exact_under_concurrency() -> Result<()> {
    let (_cluster, db) = private(&[("canon.rate_limit_max_keys", "1000")])?;
    number(&mut db.connect()?, ASK)?;
    let ask = "SELECT canon.rate_allow('hot', 100, interval '1 year')";
    assert_eq!(hammer(&db, 8, 30, ask)?.iter().sum::<usize>(), 100);
    // One level in memory, one in the table.
    let both = "SELECT canon.rate_allow_all(ARRAY['key 1', 'warm'], ARRAY[51, 1000], ARRAY[interval '1 year', interval '1 year'])";
    assert_eq!(hammer(&db, 8, 20, both)?.iter().sum::<usize>(), 50, "one of the 51 was spent before");
    let left = "SELECT remaining FROM canon.rate_limit_peek('warm', 1000, interval '1 year')";
    assert_eq!(number(&mut db.connect()?, left)?, 950, "what a denied request spent in the table came back");
    Ok(())
}

/// A million live keys, in no more than 64 MB by the server's own account, and across a clean restart.
#[test]
fn a_million_keys_fit_into_64_megabytes() -> Result<()> {
    let (cluster, db) =
        private(&[("canon.rate_limit_max_keys", "1000000"), ("canon.rate_limit_snapshot_interval", "0")])?;
    let ask = "SELECT count(*) FILTER (WHERE canon.rate_allow('user:' || k, 1, interval '1 year'))
               FROM generate_series(1, 1000000) AS k";
    let mut client = db.connect()?;
    let bytes = "SELECT allocated_size FROM pg_shmem_allocations WHERE name = 'pg_canon limits'";
    let bytes = number(&mut client, bytes)?;
    assert!(bytes <= 64 << 20, "{bytes} bytes");
    assert_eq!(number(&mut client, ask)?, 1_000_000);
    // Once in 27,000 runs some keys find their partition full and are counted in the table.
    assert_eq!(number(&mut client, "SELECT keys + spilled FROM canon.rate_limit_statistics")?, 1_000_000);
    drop(client);
    cluster.restart()?;
    let mut client = db.connect()?;
    assert_eq!(number(&mut client, ask)?, 0, "all are remembered");
    Ok(())
}

/// Cells whose time is over make room by themselves.
#[test]
fn expired_keys_make_room() -> Result<()> {
    let (cluster, db) = private(&[("canon.rate_limit_max_keys", "1000"), ("canon.rate_limit_on_full", "deny")])?;
    let mut client = db.connect()?;
    for round in 0..20 {
        let ask = format!(
            "SELECT count(*) FILTER (WHERE canon.rate_allow('{round} ' || k, 1, interval '1 ms'))
             FROM generate_series(1, 900) AS k"
        );
        assert_eq!(number(&mut client, &ask)?, 900, "{round}");
        client.batch_execute("SELECT pg_sleep(0.003)")?;
    }
    assert!(number(&mut client, "SELECT evicted FROM canon.rate_limit_statistics")? >= 10_000);

    // In the table the worker removes them, or anybody by hand.
    let table = "SELECT count(*) FROM generate_series(1, 10) AS k, canon.rate_limit('t' || k, 1, interval '1 ms', tier => 'table')";
    number(&mut client, table)?;
    client.batch_execute("SELECT pg_sleep(0.01)")?;
    let rows = "SELECT count(*) FROM canon.rate_limit_state";
    number(&mut client, "SELECT canon.rate_limit_cleanup()")?;
    assert!(wait_until(|| number(&mut client, rows).is_ok_and(|n| n == 0)), "{}", cluster.log_tail(10));
    Ok(())
}
