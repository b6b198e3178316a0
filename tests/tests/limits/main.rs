//! Rate limits as clients see them: exact under concurrency, across rollbacks, restarts and crashes,
//! in every tier; and what happens to bad input.

mod limit_bad_input;
mod limit_concurrency;
mod limit_durability;
mod limit_full;
mod limit_gateway;
mod limit_leases;
mod limit_policies;
mod limit_rights;
mod limit_tiers;
mod limit_transactions;

use std::thread;

use anyhow::Result;
use canon_tests::{Database, PrivateCluster, server};
use postgres::Client;

/// No unit comes back while a test runs: limits are for this time, and count down by one in days.
const LONG: &str = "interval '50 years'";

/// Runs `sql`, which returns one boolean, `times` on each of `clients` connections at once, and
/// returns how often it was true for each. `{}` in it is the number of the client.
fn hammer(db: &Database, clients: usize, times: usize, sql: &str) -> Result<Vec<usize>> {
    thread::scope(|scope| {
        let one = |number: usize| -> Result<usize> {
            let mut client = db.connect()?;
            let statement = client.prepare(&sql.replace("{}", &number.to_string()))?;
            let mut allowed = 0;
            for _ in 0..times {
                allowed += usize::from(client.query_one(&statement, &[])?.get::<_, bool>(0));
            }
            Ok(allowed)
        };
        let running: Vec<_> = (0..clients).map(|number| scope.spawn(move || one(number))).collect();
        running.into_iter().map(|client| client.join().expect("a client panicked")).collect()
    })
}

fn yes(client: &mut Client, sql: &str) -> Result<bool> {
    Ok(client.query_one(sql, &[])?.get(0))
}

fn number(client: &mut Client, sql: &str) -> Result<i64> {
    Ok(client.query_one(sql, &[])?.get(0))
}

/// Units left of `limit` for a key, in the memory tier.
fn left(client: &mut Client, key: &str, limit: i64) -> Result<i64> {
    number(client, &format!("SELECT remaining FROM canon.rate_limit_peek('{key}', {limit}, {LONG})"))
}

/// A server of its own, and a database with the extension in it.
fn private(settings: &[(&str, &str)]) -> Result<(PrivateCluster, Database)> {
    let cluster = PrivateCluster::start_new(&server(), settings)?;
    let db = cluster.server().database("limits")?;
    db.connect()?.batch_execute("CREATE EXTENSION pg_canon")?;
    Ok((cluster, db))
}
