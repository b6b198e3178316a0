//! Status machines on tables of all kinds, tried from outside.

use anyhow::Result;
use canon_tests::{Database, canon_database, refused};
use postgres::Client;
use postgres::error::{DbError, SqlState};

const ORDER: &str = r#"
name = "shop.order"
states = ["new", "paid", "shipped", "cancelled"]
initial = ["new"]
terminal = ["shipped", "cancelled"]
bypass = ["status_test_bypass"]
transitions = [
    { event = "pay", from = "new", to = "paid", set = { paid_at = "now_once", payments = "increment" } },
    { event = "refund", from = "paid", to = "new", set = { paid_at = "clear" } },
    { event = "ship", from = "paid", to = "shipped", requires = "parcel", guards = "shop.in_stock" },
    { event = "cancel", from = ["new", "paid"], to = "cancelled", requires_reason = true, set = { note = "reason" } },
    { event = "revive", from = "cancelled", to = "new", reopen = true, roles = "status_test_chief" },
]
"#;

/// A database with the table `shop.orders`, guarded.
fn shop(name: &str) -> Result<(Database, Client)> {
    let db = canon_database(name)?;
    let mut client = db.connect()?;
    client.batch_execute(
        "CREATE SCHEMA shop;
         CREATE TABLE shop.orders (id int PRIMARY KEY, status text NOT NULL DEFAULT 'new', parcel text, note varchar(20),
             paid_at timestamptz, payments int, stock int DEFAULT 1);
         CREATE FUNCTION shop.in_stock(o shop.orders) RETURNS text LANGUAGE sql STABLE
             RETURN CASE WHEN o.stock < 1 THEN 'sold out' WHEN 1 / o.stock IS NULL THEN NULL END;",
    )?;
    client.execute("SELECT canon.status_define($1)", &[&ORDER])?;
    client.batch_execute("SELECT canon.status_guard('shop.orders', 'status', 'shop.order')")?;
    Ok((db, client))
}

fn one<T: for<'a> postgres::types::FromSql<'a>>(client: &mut Client, sql: &str) -> Result<T> {
    Ok(client.query_one(sql, &[])?.get(0))
}

fn strings(client: &mut Client, sql: &str) -> Result<Vec<String>> {
    Ok(client.query(sql, &[])?.iter().map(|row| row.get(0)).collect())
}

/// The hint of a refusal is SQL that runs.
fn hint_runs(client: &mut Client, refusal: &DbError) -> Result<()> {
    let hint = refusal.hint().unwrap_or_default();
    assert!(!hint.is_empty(), "no hint: {refusal}");
    client.batch_execute(hint)?;
    Ok(())
}

fn violates(client: &mut Client, sql: &str) -> Result<DbError> {
    let refusal = refused(client, sql, &SqlState::CHECK_VIOLATION)?;
    hint_runs(client, &refusal)?;
    Ok(refusal)
}

#[test]
fn a_plain_update_follows_the_machine() -> Result<()> {
    let (_db, mut client) = shop("status_plain")?;
    client.batch_execute("INSERT INTO shop.orders (id) VALUES (1), (2)")?;
    let refusal = violates(&mut client, "UPDATE shop.orders SET status = 'shipped' WHERE id = 1")?;
    assert_eq!(refusal.message(), "status of shop.orders cannot change from \"new\" to \"shipped\"");
    assert_eq!(
        refusal.detail(),
        Some(
            "Row 1 is in \"new\" of machine \"shop.order\" (version 1). Allowed from there: \"paid\" (pay), \"cancelled\" (cancel, needs a reason)."
        )
    );
    assert_eq!(refusal.hint(), Some("SELECT * FROM canon.status_permitted('shop.orders', '1', 'status');"));

    // Stamps, once and counted; the same state again is no change.
    client.batch_execute("UPDATE shop.orders SET status = 'paid', payments = 77 WHERE id = 1")?;
    client.batch_execute("UPDATE shop.orders SET status = 'paid'  WHERE id = 1")?;
    assert!(one::<bool>(
        &mut client,
        "SELECT paid_at = (SELECT max(paid_at) FROM shop.orders) AND payments = 1 FROM shop.orders WHERE id = 1"
    )?);
    client.batch_execute(
        "UPDATE shop.orders SET status = 'new' WHERE id = 1; UPDATE shop.orders SET status = 'paid' WHERE id = 1",
    )?;
    assert!(one::<bool>(&mut client, "SELECT payments = 2 AND paid_at IS NOT NULL FROM shop.orders WHERE id = 1")?);

    // Conditions, in their order.
    let refusal = violates(&mut client, "UPDATE shop.orders SET status = 'shipped' WHERE id = 1")?;
    assert!(refusal.message().ends_with(": needs a value in parcel"), "{refusal}");
    let refusal = violates(&mut client, "UPDATE shop.orders SET status = 'shipped', parcel = '  ' WHERE id = 1")?;
    assert!(refusal.message().ends_with(": needs a value in parcel"), "{refusal}");
    let refusal =
        violates(&mut client, "UPDATE shop.orders SET status = 'shipped', parcel = 'P', stock = -1 WHERE id = 1")?;
    assert!(refusal.message().ends_with(": sold out"), "{refusal}");
    client.batch_execute("UPDATE shop.orders SET status = 'shipped', parcel = 'P' WHERE id = 1")?;
    let refusal = violates(&mut client, "UPDATE shop.orders SET status = 'new' WHERE id = 1")?;
    assert!(refusal.detail().unwrap_or_default().contains("Allowed from there: nothing, it is terminal."), "{refusal}");

    // A reason from the session, or in the column that is stamped with it.
    let refusal = violates(&mut client, "UPDATE shop.orders SET status = 'cancelled' WHERE id = 2")?;
    assert!(refusal.message().ends_with(": needs a reason"), "{refusal}");
    client.batch_execute(
        "RESET canon.status_reason; UPDATE shop.orders SET status = 'cancelled', note = 'by phone' WHERE id = 2",
    )?;
    assert_eq!(
        strings(
            &mut client,
            "SELECT coalesce(event, '-') || ':' || coalesce(reason, '') FROM canon.status_history('shop.orders', '2')"
        )?,
        ["-:", "cancel:by phone"]
    );
    let too_long = "SET canon.status_reason = 'a reason that is far too long for its column'";
    client.batch_execute(&format!("{too_long}; INSERT INTO shop.orders (id) VALUES (3)"))?;
    let cancel = "UPDATE shop.orders SET status = 'cancelled' WHERE id = 3";
    refused(&mut client, cancel, &SqlState::STRING_DATA_RIGHT_TRUNCATION)?;
    client.batch_execute(&format!("SET canon.status_reason = ' late '; {cancel}"))?;
    assert_eq!(one::<String>(&mut client, "SELECT note FROM shop.orders WHERE id = 3")?, "late");
    Ok(())
}

#[test]
fn a_new_row_begins_at_the_beginning() -> Result<()> {
    let (_db, mut client) = shop("status_insert")?;
    let refusal = violates(&mut client, "INSERT INTO shop.orders (id, status) VALUES (1, 'paid')")?;
    assert_eq!(refusal.message(), "a row of shop.orders cannot begin with status \"paid\"");
    assert_eq!(refusal.detail(), Some("Machine \"shop.order\" (version 1) begins with \"new\"."));
    let refusal = violates(&mut client, "INSERT INTO shop.orders (id, status) VALUES (1, 'lost')")?;
    assert_eq!(refusal.message(), "status of shop.orders cannot be \"lost\": it is no state");
    let refusal = violates(&mut client, "INSERT INTO shop.orders (id, status) VALUES (1, NULL)")?;
    assert_eq!(refusal.message(), "status of shop.orders cannot be NULL");
    // Nothing is left of a refused statement, whatever part of it was right.
    violates(&mut client, "INSERT INTO shop.orders (id, status) VALUES (1, 'new'), (2, 'paid')")?;
    assert_eq!(one::<i64>(&mut client, "SELECT count(*) FROM shop.orders")?, 0);
    assert_eq!(one::<i64>(&mut client, "SELECT count(*) FROM shop.status_history")?, 0);
    // ON CONFLICT is an update.
    client.batch_execute("INSERT INTO shop.orders (id) VALUES (1)")?;
    let upsert = "INSERT INTO shop.orders (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET status = ";
    violates(&mut client, &format!("{upsert} 'shipped'"))?;
    client.batch_execute(&format!("{upsert} 'paid'"))?;
    assert_eq!(strings(&mut client, "SELECT to_state FROM canon.status_history('shop.orders')")?, ["new", "paid"]);
    Ok(())
}

/// What another trigger writes is checked as well.
#[test]
fn other_triggers_cannot_break_it() -> Result<()> {
    let (_db, mut client) = shop("status_triggers")?;
    client.batch_execute(
        "CREATE FUNCTION shop.meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.status := 'shipped'; RETURN NEW; END $$;
         INSERT INTO shop.orders (id) VALUES (1);
         CREATE TRIGGER meddle BEFORE UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.meddle();",
    )?;
    violates(&mut client, "UPDATE shop.orders SET stock = 3")?;
    Ok(())
}

#[test]
fn roles_and_bypass() -> Result<()> {
    let (db, mut client) = shop("status_roles")?;
    let server = canon_tests::server();
    let clerk = server.role("status_clerk")?;
    client.batch_execute(&format!(
        "DROP ROLE IF EXISTS status_test_chief; DROP ROLE IF EXISTS status_test_bypass; CREATE ROLE status_test_bypass;
         INSERT INTO shop.orders (id) VALUES (1), (2);
         GRANT USAGE ON SCHEMA shop TO {clerk}; GRANT SELECT, INSERT, UPDATE ON shop.orders TO {clerk};"
    ))?;
    let mut work = db.connect_as(clerk.name())?;
    work.batch_execute("SET canon.status_reason = 'x'; UPDATE shop.orders SET status = 'cancelled' WHERE id = 1")?;
    let revive = "UPDATE shop.orders SET status = 'new' WHERE id = 1";
    let refusal = refused(&mut work, revive, &SqlState::CHECK_VIOLATION)?;
    assert!(refusal.message().ends_with(": only for members of status_test_chief"), "{refusal}");
    // The role does not exist yet: the hint makes it, by somebody who may.
    hint_runs(&mut client, &refusal)?;
    work.batch_execute(revive)?;

    // Asking for a bypass is not having it, not even where the change would be legal.
    work.batch_execute("SET canon.status_bypass = on")?;
    for state in ["shipped", "paid"] {
        let jump = format!("UPDATE shop.orders SET status = '{state}' WHERE id = 2");
        refused(&mut work, &jump, &SqlState::INSUFFICIENT_PRIVILEGE)?;
    }
    client.batch_execute(&format!("GRANT status_test_bypass TO {clerk}"))?;
    work.batch_execute("UPDATE shop.orders SET status = 'shipped' WHERE id = 2; INSERT INTO shop.orders (id, status) VALUES (3, 'paid')")?;
    let (lost, null) = ("UPDATE shop.orders SET status = 'lost'", "UPDATE shop.orders SET status = NULL");
    refused(&mut work, lost, &SqlState::CHECK_VIOLATION)?;
    refused(&mut work, null, &SqlState::CHECK_VIOLATION)?;
    work.batch_execute("SET canon.status_bypass = off")?;
    refused(&mut work, "UPDATE shop.orders SET status = 'new' WHERE id = 2", &SqlState::CHECK_VIOLATION)?;
    let recorded = strings(
        &mut client,
        "SELECT key || ' ' || to_state || ' ' || (changed_by = session_by) FROM canon.status_history('shop.orders')
         WHERE bypassed AND changed_by LIKE '%clerk%' ORDER BY id",
    )?;
    assert_eq!(recorded, ["2 shipped true", "3 paid true"]);

    // Who may change the table may not write its history or its machine.
    for sql in [
        "DELETE FROM shop.status_history",
        "UPDATE canon.status_machine SET version = 9",
        "SELECT canon.status_unguard('shop.orders')",
    ] {
        refused(&mut work, sql, &SqlState::INSUFFICIENT_PRIVILEGE)?;
    }
    let define = work.execute("SELECT canon.status_define($1)", &[&ORDER.replace("\"pay\"", "\"settle\"")]);
    assert_eq!(define.unwrap_err().code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
    client.batch_execute("DROP ROLE status_test_chief; DROP ROLE status_test_bypass")?;
    Ok(())
}

/// Text, varchar, char, enum, boolean, smallint, bigint, uuid, a domain: the same machine.
#[test]
fn columns_of_every_type() -> Result<()> {
    let db = canon_database("status_types")?;
    let mut client = db.connect()?;
    client.batch_execute("CREATE TYPE stage AS ENUM ('b', 'a'); CREATE DOMAIN code AS smallint CHECK (VALUE > 0)")?;
    let uuid = "11111111-1111-1111-1111-11111111111";
    for (number, (ty, a, b)) in [
        ("text", "a", "b"),
        ("varchar(5)", "a", "b"),
        ("char(7)", "a", "b"),
        ("stage", "a", "b"),
        ("boolean", "false", "true"),
        ("smallint", "7", "8"),
        ("bigint", "5000000000", "-1"),
        ("code", "3", "4"),
        ("uuid", &format!("{uuid}1"), &format!("{uuid}2")),
        ("name", "a", "b"),
    ]
    .into_iter()
    .enumerate()
    {
        let machine = format!(
            "name = 'm{number}'\nstates = ['A', 'B']\ninitial = ['A']\nterminal = ['B']\nvalues = {{ A = '{a}', B = '{b}' }}\n\
             transitions = [{{ event = 'go', from = 'A', to = 'B' }}]"
        );
        client.execute("SELECT canon.status_define($1)", &[&machine])?;
        client.batch_execute(&format!(
            "CREATE TABLE t{number} (id int, part text, s {ty}, PRIMARY KEY (part, id));
             INSERT INTO t{number} VALUES (1, 'x', '{a}');
             SELECT canon.status_guard('t{number}', 's', 'm{number}');"
        ))?;
        violates(&mut client, &format!("INSERT INTO t{number} VALUES (2, 'y', '{b}')"))?;
        client.batch_execute(&format!("UPDATE t{number} SET s = '{b}'"))?;
        let refusal = violates(&mut client, &format!("UPDATE t{number} SET s = '{a}'"))?;
        assert!(refusal.detail().unwrap_or_default().contains("Row [\"x\",\"1\"] is in \"B\""), "{ty}: {refusal}");
        let history = strings(
            &mut client,
            &format!("SELECT key || from_state || to_state FROM canon.status_history('t{number}')"),
        )?;
        assert_eq!(history, ["[\"x\",\"1\"]AB"], "{ty}");
        let permitted = format!("SELECT why_not FROM canon.status_permitted('t{number}', '[\"x\", 1]')");
        assert_eq!(one::<String>(&mut client, &permitted)?, "no transition leads there", "{ty}");
    }
    Ok(())
}

/// A column that refers to a table of statuses, by the names in that table.
#[test]
fn a_table_of_statuses() -> Result<()> {
    let db = canon_database("status_labels")?;
    let (mut client, mut other) = (db.connect()?, db.connect()?);
    client.batch_execute(
        "CREATE TABLE status (id serial PRIMARY KEY, label text);
         INSERT INTO status (id, label) VALUES (10, 'paid'), (20, 'new'), (30, 'shipped'), (40, 'cancelled');
         CREATE TABLE o (id int PRIMARY KEY, status_id int REFERENCES status);
         INSERT INTO o VALUES (1, 20), (2, 20);",
    )?;
    let plain = ORDER.lines().map(|line| match line.trim().split_once(", set") {
        Some((start, _)) if start.starts_with('{') => format!("{start} }},"),
        _ => line.replace(", requires = \"parcel\", guards = \"shop.in_stock\"", ""),
    });
    let plain = plain.collect::<Vec<_>>().join("\n");
    client.execute("SELECT canon.status_define($1)", &[&plain])?;
    client.batch_execute("SELECT canon.status_guard('o', 'status_id', 'shop.order', label_column => 'label')")?;
    let refusal = violates(&mut other, "UPDATE o SET status_id = 30 WHERE id = 1")?;
    assert!(refusal.message().ends_with("from \"new\" to \"shipped\""), "{refusal}");
    other.batch_execute("UPDATE o SET status_id = 10 WHERE id = 1")?;
    // Another row takes the name: the next statement of the other session knows.
    client.batch_execute(
        "UPDATE status SET label = 'old' WHERE id = 10; INSERT INTO status (id, label) VALUES (50, 'paid')",
    )?;
    other.batch_execute("UPDATE o SET status_id = 50 WHERE id = 2")?;
    let refusal = violates(&mut other, "UPDATE o SET status_id = 30 WHERE id = 1")?;
    assert!(refusal.message().contains("is in status \"10\", which is no state"), "{refusal}");
    Ok(())
}
