//! ROLLBACK, savepoints and two-phase commit, with units that are kept and units that are given back.

use anyhow::Result;
use canon_tests::{Database, PrivateCluster, canon_database, server};
use postgres::Client;

use super::{LONG, hammer, left};

const LIMIT: i64 = 100;

fn spend(client: &mut Client, key: &str, cost: i64, on_abort: &str) -> Result<()> {
    let sql = format!(
        "SELECT allowed FROM canon.rate_limit('{key}', {LIMIT}, {LONG}, cost => {cost}, on_abort => '{on_abort}')"
    );
    assert!(client.query_one(&sql, &[])?.get::<_, bool>(0), "{key}");
    Ok(())
}

fn used(client: &mut Client, key: &str) -> Result<i64> {
    Ok(LIMIT - left(client, key, LIMIT)?)
}

#[test]
fn a_rollback_keeps_or_refunds() -> Result<()> {
    let db = canon_database("rollback")?;
    let mut client = db.connect()?;
    client.batch_execute("BEGIN")?;
    spend(&mut client, "keep", 10, "keep")?;
    spend(&mut client, "refund", 10, "refund")?;
    client.batch_execute("ROLLBACK")?;
    assert_eq!(used(&mut client, "keep")?, 10);
    assert_eq!(used(&mut client, "refund")?, 0);

    // An error is a rollback too, and so is the end of a session.
    assert!(
        client
            .batch_execute(&format!("SELECT canon.rate_limit('refund', 100, {LONG}, 7, on_abort => 'refund'), 1 / 0"))
            .is_err()
    );
    assert_eq!(used(&mut client, "refund")?, 0);
    let mut leaver = db.connect()?;
    leaver.batch_execute("BEGIN")?;
    spend(&mut leaver, "refund", 7, "refund")?;
    drop(leaver);
    assert!(canon_tests::wait_until(|| used(&mut client, "refund").is_ok_and(|used| used == 0)));

    client.batch_execute("BEGIN")?;
    spend(&mut client, "refund", 10, "refund")?;
    client.batch_execute("COMMIT; BEGIN; ROLLBACK")?;
    assert_eq!(used(&mut client, "refund")?, 10, "committed units stay spent");
    Ok(())
}

#[test]
fn savepoints_refund_what_was_spent_within() -> Result<()> {
    let db = canon_database("savepoints")?;
    let mut client = db.connect()?;
    client.batch_execute("BEGIN")?;
    spend(&mut client, "k", 1, "refund")?;
    client.batch_execute("SAVEPOINT a")?;
    spend(&mut client, "k", 2, "refund")?;
    client.batch_execute("SAVEPOINT b")?;
    spend(&mut client, "k", 4, "refund")?;
    client.batch_execute("RELEASE b")?;
    assert_eq!(used(&mut client, "k")?, 7);
    // What was spent within b belongs to a now.
    client.batch_execute("ROLLBACK TO a")?;
    assert_eq!(used(&mut client, "k")?, 1);
    spend(&mut client, "k", 8, "refund")?;
    client.batch_execute("RELEASE a; SAVEPOINT c")?;
    spend(&mut client, "k", 16, "refund")?;
    client.batch_execute("ROLLBACK TO c")?;
    assert_eq!(used(&mut client, "k")?, 9);
    client.batch_execute("COMMIT")?;
    assert_eq!(used(&mut client, "k")?, 9);

    // A caught exception is a savepoint.
    client.batch_execute(&format!(
        "DO $$ BEGIN
             PERFORM canon.rate_limit('k', 100, {LONG}, 32, on_abort => 'refund');
             RAISE division_by_zero;
         EXCEPTION WHEN division_by_zero THEN NULL; END $$"
    ))?;
    assert_eq!(used(&mut client, "k")?, 9);
    Ok(())
}

#[test]
fn prepared_transactions_decide_later() -> Result<()> {
    let db = canon_database("prepared")?;
    let mut client = db.connect()?;
    let gid = |name: &str| format!("'{name} {}'", db.name());
    for name in ["kept", "undone"] {
        client.batch_execute("BEGIN")?;
        spend(&mut client, name, 10, "refund")?;
        client.batch_execute(&format!("PREPARE TRANSACTION {}", gid(name)))?;
        // The next transaction of the session has nothing to do with it.
        client.batch_execute("BEGIN; SELECT 1; ROLLBACK")?;
        assert_eq!(used(&mut client, name)?, 10);
    }
    let mut other = db.connect()?;
    other.batch_execute(&format!("COMMIT PREPARED {}", gid("kept")))?;
    other.batch_execute(&format!("ROLLBACK PREPARED {}", gid("undone")))?;
    // Ninety are left without the refund; the request that needs more looks for it.
    assert_eq!(
        hammer(&db, 4, 40, &format!("SELECT canon.rate_allow('undone', {LIMIT}, {LONG})"))?.iter().sum::<usize>(),
        100
    );
    assert_eq!(
        hammer(&db, 4, 40, &format!("SELECT canon.rate_allow('kept', {LIMIT}, {LONG})"))?.iter().sum::<usize>(),
        90
    );
    Ok(())
}

/// A refund that waits for ROLLBACK PREPARED survives a clean restart.
#[test]
fn prepared_transactions_survive_a_restart() -> Result<()> {
    let cluster = PrivateCluster::start_new(&server(), &[("max_prepared_transactions", "5")])?;
    let db: Database = cluster.server().database("prepared")?;
    let mut client = db.connect()?;
    client.batch_execute("CREATE EXTENSION pg_canon")?;
    client.batch_execute("BEGIN")?;
    spend(&mut client, "k", 10, "refund")?;
    client.batch_execute("PREPARE TRANSACTION 'p'")?;
    drop(client);
    cluster.restart()?;
    let mut client = db.connect()?;
    assert_eq!(used(&mut client, "k")?, 10);
    client.batch_execute("ROLLBACK PREPARED 'p'")?;
    assert_eq!(
        hammer(&db, 4, 40, &format!("SELECT canon.rate_allow('k', {LIMIT}, {LONG})"))?.iter().sum::<usize>(),
        100
    );
    Ok(())
}

/// 24 connections, half of whose transactions are rolled back: the units of the others are the limit.
#[test]
fn refunds_under_concurrency_never_admit_more() -> Result<()> {
    let db = canon_database("refunds")?;
    let committed: usize = std::thread::scope(|scope| {
        let one = |number: usize| -> Result<usize> {
            let mut client = db.connect()?;
            let mut committed = 0;
            for k in 0..60 {
                let sql = format!("SELECT allowed FROM canon.rate_limit('k', {LIMIT}, {LONG}, on_abort => 'refund')");
                client.batch_execute("BEGIN")?;
                let allowed: bool = client.query_one(&sql, &[])?.get(0);
                let keep = (number + k).is_multiple_of(2);
                client.batch_execute(if keep { "COMMIT" } else { "ROLLBACK" })?;
                committed += usize::from(allowed && keep);
            }
            Ok(committed)
        };
        let running: Vec<_> = (0..24).map(|number| scope.spawn(move || one(number))).collect();
        running.into_iter().map(|client| client.join().expect("a client panicked")).sum::<Result<usize>>()
    })?;
    let rest = hammer(&db, 1, 120, &format!("SELECT canon.rate_allow('k', {LIMIT}, {LONG})"))?[0];
    // Refunds that overlap each lose the sliver that time restored meanwhile: never one too many.
    assert!((99..=100).contains(&(committed + rest)), "{committed} + {rest}");
    Ok(())
}

/// In the table tier savepoints and prepared transactions undo the count, as everything else they do.
#[test]
fn the_table_tier_follows_savepoints_and_prepared_transactions() -> Result<()> {
    let db = canon_database("table_nested")?;
    let mut client = db.connect()?;
    let spend = |cost: i64| format!("SELECT canon.rate_limit('k', {LIMIT}, {LONG}, {cost}, tier => 'table');");
    let used = |client: &mut Client| -> Result<i64> {
        let peek = format!("SELECT remaining FROM canon.rate_limit_peek('k', {LIMIT}, {LONG}, tier => 'table')");
        Ok(LIMIT - client.query_one(&peek, &[])?.get::<_, i64>(0))
    };
    client.batch_execute(&format!(
        "BEGIN; {} SAVEPOINT a; {} SAVEPOINT b; {} RELEASE b; ROLLBACK TO a; {} COMMIT",
        spend(1),
        spend(2),
        spend(4),
        spend(8)
    ))?;
    assert_eq!(used(&mut client)?, 9);
    for (end, then) in [("ROLLBACK", 9), ("COMMIT", 25)] {
        let gid = format!("'{end} {}'", db.name());
        client.batch_execute(&format!("BEGIN; {} PREPARE TRANSACTION {gid}", spend(16)))?;
        assert_eq!(used(&mut client)?, 9, "nobody sees it yet");
        client.batch_execute(&format!("{end} PREPARED {gid}"))?;
        assert_eq!(used(&mut client)?, then);
    }
    let call = format!("SELECT allowed FROM canon.rate_limit('k', {LIMIT}, {LONG}, tier => 'table')");
    assert_eq!(hammer(&db, 8, 30, &call)?.iter().sum::<usize>(), 75);
    Ok(())
}

/// The table tier is part of the transaction: a rollback undoes the count, which is its second trap.
#[test]
fn a_rollback_undoes_the_table_tier() -> Result<()> {
    let db = canon_database("table_rollback")?;
    let mut client = db.connect()?;
    let call = format!("SELECT canon.rate_limit('k', {LIMIT}, {LONG}, 10, tier => 'table')");
    client.batch_execute(&format!("BEGIN; {call}; ROLLBACK"))?;
    let peek = format!("SELECT remaining FROM canon.rate_limit_peek('k', {LIMIT}, {LONG}, tier => 'table')");
    assert_eq!(client.query_one(&peek, &[])?.get::<_, i64>(0), 100);
    client.batch_execute(&call)?;
    assert_eq!(client.query_one(&peek, &[])?.get::<_, i64>(0), 90);
    Ok(())
}
