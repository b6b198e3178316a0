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
