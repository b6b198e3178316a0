//! Entries say which table they are about; nobody can have them say another one.

use anyhow::{Result, ensure};
use canon_tests::{Database, canon_database, refused};
use postgres::Client;
use postgres::error::SqlState;

/// A recorded table of somebody else, and a session of a role with a table of its own whose trigger
/// claims to be that table's.
fn forger(name: &str) -> Result<(Database, Client, Client)> {
    let db = canon_database(name)?;
    let mut owner = db.connect()?;
    owner.batch_execute(
        "CREATE TABLE payroll (id int PRIMARY KEY, amount int); SELECT canon.audit_enable('payroll');
         INSERT INTO payroll VALUES (1, 100)",
    )?;
    let role = db.server().role(&format!("{name}_mallory"))?;
    owner.batch_execute(&format!("CREATE SCHEMA AUTHORIZATION {role}"))?;
    let arguments: String = owner
        .query_one("SELECT encode(tgargs, 'escape') FROM pg_trigger WHERE tgname = 'canon_audit_row'", &[])?
        .get(0);
    let arguments = arguments.trim_end_matches("\\000").replace('\'', "''");
    let mut mallory = db.connect_as(role.name())?;
    mallory.batch_execute(&format!(
        "CREATE TABLE fake (id int PRIMARY KEY, amount int);
         CREATE TRIGGER canon_audit_row AFTER INSERT OR UPDATE OR DELETE ON fake
             FOR EACH ROW EXECUTE FUNCTION canon.audit_capture('{arguments}')"
    ))?;
    Ok((db, owner, mallory))
}

fn ledger_of_payroll(client: &mut Client) -> Result<String> {
    let sql = "SELECT json_agg(concat_ws(' ', e.operation, e.relation, e.row_key, t.relation, t.enabled) ORDER BY e.id)::text
               FROM canon.audit_entry e JOIN canon.audit_table t ON t.id = e.table_id
               WHERE e.table_id = (SELECT table_id FROM canon.audit_entry WHERE operation = 'INSERT' ORDER BY id LIMIT 1)";
    Ok(client.query_one(sql, &[])?.get(0))
}

#[test]
fn a_trigger_with_the_identifier_of_another_table_records_nothing() -> Result<()> {
    let (_db, mut owner, mut mallory) = forger("audit_forged")?;
    let before = ledger_of_payroll(&mut owner)?;
    for sql in ["INSERT INTO fake VALUES (1, 1000000)", "SELECT canon.audit_disable('fake')"] {
        assert!(mallory.batch_execute(sql).is_err(), "{sql}");
    }
    let refusal =
        refused(&mut mallory, "INSERT INTO fake VALUES (1, 1000000)", &SqlState::E_R_I_E_TRIGGER_PROTOCOL_VIOLATED)?;
    assert!(refusal.message().contains("audit_forged_mallory"), "{refusal}");
    // Changes of the definition are noted for recorded tables only.
    mallory.batch_execute("ALTER TABLE fake ADD COLUMN more int; DROP TABLE fake")?;
    assert_eq!(ledger_of_payroll(&mut owner)?, before);
    Ok(())
}

/// The hint works: the table is then recorded as itself.
#[test]
fn a_forged_trigger_can_be_replaced_by_a_true_one() -> Result<()> {
    let (_db, mut owner, mut mallory) = forger("audit_reformed")?;
    let before = ledger_of_payroll(&mut owner)?;
    let refusal =
        refused(&mut mallory, "INSERT INTO fake VALUES (1, 2)", &SqlState::E_R_I_E_TRIGGER_PROTOCOL_VIOLATED)?;
    mallory.batch_execute(refusal.hint().unwrap_or_default())?;
    mallory.batch_execute("INSERT INTO fake VALUES (1, 2)")?;
    let of_fake = "SELECT count(*) FROM canon.audit_entry WHERE relation LIKE '%fake' AND operation = 'INSERT'";
    assert_eq!(owner.query_one(of_fake, &[])?.get::<_, i64>(0), 1);
    assert_eq!(ledger_of_payroll(&mut owner)?, before);
    Ok(())
}

/// A table keeps its identifier through what its owner does with it.
#[test]
fn renamed_and_moved_tables_are_recorded_on() -> Result<()> {
    let db = canon_database("audit_moved")?;
    let mut client = db.connect()?;
    client.batch_execute(
        "CREATE TABLE part (id int PRIMARY KEY) PARTITION BY RANGE (id);
         CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (id);
         CREATE TABLE part_1_1 PARTITION OF part_1 FOR VALUES FROM (0) TO (10);
         CREATE TABLE \"odd 'name\" (id int PRIMARY KEY);
         SELECT canon.audit_enable('part'), canon.audit_enable('\"odd ''name\"')",
    )?;
    let mut entries = |sql: &str| -> Result<i64> {
        let count = "SELECT count(*) FROM canon.audit_entry WHERE operation IN ('INSERT', 'TRUNCATE')";
        let before: i64 = client.query_one(count, &[])?.get(0);
        client.batch_execute(sql)?;
        Ok(client.query_one(count, &[])?.get::<_, i64>(0) - before)
    };
    for (sql, expected) in [
        ("INSERT INTO part VALUES (1)", 1),
        ("INSERT INTO part_1_1 VALUES (2)", 1),
        ("ALTER TABLE part RENAME TO whole; INSERT INTO part_1 VALUES (3); TRUNCATE part_1_1", 2),
        ("INSERT INTO \"odd 'name\" VALUES (1)", 1),
        (
            "CREATE SCHEMA \"S\"; ALTER TABLE \"odd 'name\" SET SCHEMA \"S\"; INSERT INTO \"S\".\"odd 'name\" VALUES (2)",
            1,
        ),
        ("ALTER SCHEMA \"S\" RENAME TO t; INSERT INTO t.\"odd 'name\" VALUES (3)", 1),
        (
            "SET session_replication_role = replica; ALTER TABLE whole RENAME TO part; RESET session_replication_role;
             INSERT INTO part VALUES (4); ALTER TABLE part RENAME TO whole; ALTER TABLE whole RENAME TO part",
            1,
        ),
        ("ALTER TABLE part_1 DETACH PARTITION part_1_1; TRUNCATE part_1_1", 1),
        ("BEGIN; CREATE TABLE n (id int); SELECT canon.audit_enable('n'); INSERT INTO n VALUES (1); COMMIT", 1),
        ("DO $$ BEGIN CREATE TABLE o (id int); PERFORM canon.audit_enable('o'); INSERT INTO o VALUES (1); END $$", 1),
    ] {
        let found = entries(sql)?;
        ensure!(found == expected, "{sql}: {found} entries");
    }
    client.query_one("SELECT canon.audit_seal()", &[])?;
    let verdict = client.query_one("SELECT ok, problem FROM canon.audit_verify()", &[])?;
    assert!(verdict.get::<_, bool>(0), "{:?}", verdict.get::<_, Option<String>>(1));
    Ok(())
}
