//! Plans: random templates copied, compared and followed; clients at once, crashes; execution.

use anyhow::Result;
use canon_tests::{Database, canon_database};
use postgres::Client;
use uuid::Uuid;

mod crowds;
mod execution;
mod import;
mod random;
mod requests;

const WEEKEND: &str = include_str!("weekend.sql");
const TEMPLATE: &str = "00000000-0000-0000-0000-0000000000b1";
const RUN: &str = "00000000-0000-0000-0000-0000000000c1";
const DR: &str = "00000000-0000-0000-0000-0000000000c2";
const CUTOVER: &str = "00000000-0000-0000-0000-0000000000c3";

/// A database with the pack and one small template.
fn weekend(name: &str) -> Result<Database> {
    let db = canon_database(name)?;
    let mut client = db.connect()?;
    client.batch_execute("SELECT canon.install('cutover')")?;
    client.batch_execute(WEEKEND)?;
    Ok(db)
}

fn instantiate(client: &mut Client, template: &str, run: &str) -> Result<(Uuid, i64)> {
    let sql = format!(
        "SELECT (r->>'instance')::uuid, (SELECT sum(value::int8)::int8 FROM jsonb_each_text(r->'created'))
         FROM canon.plan_instantiate('{template}', '{run}') r"
    );
    let row = client.query_one(&sql, &[])?;
    Ok((row.get(0), row.get(1)))
}

fn count(client: &mut Client, sql: &str) -> Result<i64> {
    Ok(client.query_one(sql, &[])?.get(0))
}
