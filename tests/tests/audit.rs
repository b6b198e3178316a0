//! The audit ledger: what is recorded, sealed and proven, through real connections.

use anyhow::Result;
use canon_tests::{Database, canon_database, refused};
use postgres::Client;
use postgres::error::SqlState;

/// A database with a recorded table.
fn recorded(name: &str) -> Result<(Database, Client)> {
    let db = canon_database(name)?;
    let mut client = db.connect()?;
    client.batch_execute(
        "CREATE TABLE orders (id int PRIMARY KEY, customer text, amount numeric(12, 2), note text);
         SELECT canon.audit_enable('orders')",
    )?;
    Ok((db, client))
}

/// Seals everything and returns what verification says: ok, entries, first bad entry, problem.
fn verify(client: &mut Client) -> Result<(bool, i64, Option<i64>, String)> {
    client.query_one("SELECT canon.audit_seal()", &[])?;
    verify_only(client)
}

fn verify_only(client: &mut Client) -> Result<(bool, i64, Option<i64>, String)> {
    let row =
        client.query_one("SELECT ok, entries, first_bad, COALESCE(problem, '') FROM canon.audit_verify()", &[])?;
    Ok((row.get(0), row.get(1), row.get(2), row.get(3)))
}

#[test]
fn changes_are_recorded_sealed_and_verified() -> Result<()> {
    let (_db, mut client) = recorded("audit_basic")?;
    client.batch_execute(
        "SET canon.audit_request_id = 'r-7'; SET canon.audit_reason = 'test';
         INSERT INTO orders VALUES (1, 'Ada', 12.50, NULL), (2, 'Bob', 1, 'x');
         UPDATE orders SET amount = 13 WHERE id = 1;
         UPDATE orders SET amount = amount;
         DELETE FROM orders WHERE id = 2;
         TRUNCATE orders",
    )?;
    let rows = client.query(
        "SELECT operation, row_key, old_row::text, new_row::text, context->>'request_id', actor
         FROM canon.audit_log ORDER BY id",
        &[],
    )?;
    /// Operation, key, old row, new row.
    type Entry = (String, Option<String>, Option<String>, Option<String>);
    let found: Vec<Entry> = rows.iter().map(|r| (r.get(0), r.get(1), r.get(2), r.get(3))).collect();
    let text = |s: &str| Some(s.to_owned());
    assert_eq!(found[0].0, "ENABLE");
    assert_eq!(
        found[1..],
        [
            ("INSERT".into(), text("1"), None, text(r#"{"id": 1, "amount": "12.50", "customer": "Ada"}"#)),
            ("INSERT".into(), text("2"), None, text(r#"{"id": 2, "note": "x", "amount": "1.00", "customer": "Bob"}"#)),
            (
                "UPDATE".into(),
                text("1"),
                text(r#"{"id": 1, "amount": "12.50"}"#),
                text(r#"{"id": 1, "amount": "13.00"}"#)
            ),
            ("DELETE".into(), text("2"), text(r#"{"id": 2, "note": "x", "amount": "1.00", "customer": "Bob"}"#), None),
            ("TRUNCATE".into(), None, None, None),
        ]
    );
    assert!(rows[1..].iter().all(|r| r.get::<_, Option<&str>>(4) == Some("r-7") && r.get::<_, &str>(5) == "postgres"));
    assert_eq!(verify(&mut client)?, (true, 6, None, String::new()));
    let chain = client.query("SELECT previous_hash, audit_chain_hash FROM canon.audit_log ORDER BY position", &[])?;
    for pair in chain.windows(2) {
        assert_eq!(pair[0].get::<_, &str>(1), pair[1].get::<_, &str>(0));
    }
    Ok(())
}

#[test]
fn the_ledger_is_append_only() -> Result<()> {
    let (_db, mut client) = recorded("audit_guard")?;
    client.batch_execute("INSERT INTO orders VALUES (1, 'Ada', 12.50, NULL); SELECT canon.audit_seal()")?;
    for table in ["entry", "position", "tile", "block", "ledger", "table"] {
        for sql in ["DELETE FROM canon.audit_", "TRUNCATE canon.audit_"] {
            refused(&mut client, &format!("{sql}{table}"), &SqlState::INSUFFICIENT_PRIVILEGE)?;
        }
    }
    refused(&mut client, "UPDATE canon.audit_entry SET actor = 'eve'", &SqlState::INSUFFICIENT_PRIVILEGE)?;
    assert!(verify(&mut client)?.0);
    Ok(())
}

/// Names of every kind of character, in the table and in its columns, through everything that takes them.
#[test]
fn names_may_hold_anything() -> Result<()> {
    let db = canon_database("audit_names")?;
    let mut client = db.connect()?;
    let table = r#""od""d s'chema"."ta'b""le; --\""#;
    client.batch_execute(&format!(
        r#"CREATE SCHEMA "od""d s'chema"; CREATE TABLE {table} ("i d" int, "ключ" text, "co""l'um\" text, "geheim$" text,
               PRIMARY KEY ("i d", "ключ"))"#
    ))?;
    let oid: u32 = client.query_one("SELECT $1::text::regclass::oid", &[&table])?.get(0);
    client.execute("SELECT canon.audit_enable($1::oid::regclass, redacted_columns => '{geheim$}')", &[&oid])?;
    client.batch_execute(&format!(
        r#"INSERT INTO {table} VALUES (1, 'k"\', 'x''y', 'z'); UPDATE {table} SET "co""l'um\" = E'\\ ''';"#
    ))?;
    assert_eq!(verify(&mut client)?, (true, 3, None, String::new()));
    let key = r#"["1","k\"\\"]"#;
    let history = client
        .query("SELECT entry, operation FROM canon.audit_history($1::oid::regclass, $2) ORDER BY 1", &[&oid, &key])?;
    assert_eq!(history.iter().map(|row| row.get(1)).collect::<Vec<&str>>(), ["INSERT", "UPDATE"]);
    let live: bool = client.query_one("SELECT ok FROM canon.audit_verify(live => true)", &[])?.get(0);
    assert!(live);
    let undo: String = client.query_one("SELECT canon.audit_undo($1)", &[&history[1].get::<_, i64>(0)])?.get(0);
    client.batch_execute(&undo)?;
    let value: String = client.query_one(&format!(r#"SELECT "co""l'um\" FROM {table}"#), &[])?.get(0);
    assert_eq!(value, "x'y");
    // A second call changes the settings of the same table, and the last one ends recording.
    client.execute("SELECT canon.audit_enable($1::oid::regclass, full_images => true)", &[&oid])?;
    client.execute("SELECT canon.audit_disable($1::oid::regclass)", &[&oid])?;
    let tables: i64 = client.query_one("SELECT count(*) FROM canon.audit_table", &[])?.get(0);
    assert_eq!(tables, 1);
    let statement = format!("SELECT canon.audit_disable({oid}::oid::regclass)");
    let refusal = refused(&mut client, &statement, &SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE)?;
    client.batch_execute(refusal.hint().unwrap_or_default())?;
    assert!(verify(&mut client)?.0);
    Ok(())
}

/// The first and the last that PostgreSQL knows, and infinity.
#[test]
fn extreme_times_are_recorded_as_they_are() -> Result<()> {
    let db = canon_database("audit_times")?;
    let mut client = db.connect()?;
    client.batch_execute("SET TimeZone = 'UTC'; CREATE TABLE times (id int PRIMARY KEY, tz timestamptz, ts timestamp, d date); SELECT canon.audit_enable('times')")?;
    let days = [
        ("294276-12-31 23:59:59.999999", "5874897-12-31"),
        ("294247-01-10 04:00:54.775806", "294247-01-10"),
        ("294247-01-10 04:00:54.775809", "294247-01-11"),
        ("4714-11-24 00:00:00 BC", "4714-11-24 BC"),
        ("infinity", "infinity"),
        ("-infinity", "-infinity"),
    ];
    for (k, (time, date)) in (0_i32..).zip(days) {
        client.execute(
            "INSERT INTO times VALUES ($1, $2::text::timestamptz, $2::text::timestamp, $3::text::date)",
            &[&k, &time, &date],
        )?;
    }
    let wrong: i64 = client
        .query_one(
            "SELECT count(*) FROM times AS t JOIN canon.audit_log AS l ON l.row_key = t.id::text
             WHERE (l.new_row->>'tz')::timestamptz <> t.tz OR (l.new_row->>'ts')::timestamp <> t.ts
                OR (l.new_row->>'d')::date <> t.d",
            &[],
        )?
        .get(0);
    assert_eq!(wrong, 0);
    assert_eq!(verify(&mut client)?, (true, 7, None, String::new()));
    Ok(())
}
