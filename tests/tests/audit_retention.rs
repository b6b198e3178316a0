//! Old entries that are removed, what the packs hand to the ledger, and what is handed out of it.

use anyhow::{Context, Result, ensure};
use canon_tests::{Database, PrivateCluster, canon, canon_database, capture, refused, repo_root, server};
use postgres::Client;
use postgres::error::SqlState;

/// Ok, entries, removed, first bad entry and problem.
type Verdict = (bool, i64, i64, Option<i64>, String);

fn verify(client: &mut Client) -> Result<Verdict> {
    let sql = "SELECT ok, entries, removed, first_bad, COALESCE(problem, '') FROM canon.audit_verify(live => true)";
    let row = client.query_one(sql, &[])?;
    Ok((row.get(0), row.get(1), row.get(2), row.get(3), row.get(4)))
}

fn seal(client: &mut Client) -> Result<()> {
    client.query_one("SELECT canon.audit_seal()", &[])?;
    Ok(())
}

fn good(entries: i64, removed: i64) -> Verdict {
    (true, entries, removed, None, String::new())
}

/// A ledger of 30 entries in three blocks with a chain for each group, and a strict table of which
/// some of them are.
fn three_blocks(name: &str) -> Result<(PrivateCluster, Database, Client)> {
    // No worker: these tests decide what is sealed when.
    let cluster = PrivateCluster::start_new(&server(), &[("shared_preload_libraries", "")])?;
    let db = cluster.server().database(name)?;
    let mut client = db.connect()?;
    client.batch_execute(
        "CREATE EXTENSION pg_canon;
         CREATE TABLE t (id int PRIMARY KEY, part int); CREATE TABLE s (id int PRIMARY KEY);
         SELECT canon.audit_enable('t', chain_by => 'part'), canon.audit_enable('s', mode => 'strict')",
    )?;
    for from in [3, 11, 21] {
        let to = from / 10 * 10 + 9;
        client.execute("INSERT INTO t SELECT g, g % 3 FROM generate_series($1::int, $2) g", &[&from, &to])?;
        client.execute("INSERT INTO s VALUES ($1)", &[&from])?;
        seal(&mut client)?;
    }
    Ok((cluster, db, client))
}

/// As `canon verify` sees a dump and an export.
fn offline(db: &Database) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let (dump, lines) = (folder.path().join("dump.sql"), folder.path().join("ledger.jsonl"));
    std::fs::write(&dump, capture(&mut db.program("pg_dump"))?)?;
    std::fs::write(&lines, db.psql("SELECT canon.audit_export()")?)?;
    let path = |path: &std::path::Path| path.to_str().map(str::to_owned).context("a path that is no text");
    let ran = canon(&repo_root()?, &["verify", "--without-key", &path(&dump)?, &path(&lines)?], &[])?;
    let text = ran.out + &ran.err;
    Ok(text.replace(&format!("{}/", folder.path().display()), ""))
}

fn cut_before(client: &mut Client, entry: i64) -> Result<i64> {
    let sql = "SELECT canon.audit_retain((SELECT recorded_at FROM canon.audit_entry WHERE id = $1), 'two years')";
    Ok(client.query_one(sql, &[&entry])?.get(0))
}

#[test]
fn what_is_left_after_a_removal_verifies_and_says_so() -> Result<()> {
    let (_cluster, db, mut client) = three_blocks("retain")?;
    assert_eq!(verify(&mut client)?, good(30, 0));
    // Entry 15 lies in the second block: the first one goes.
    assert_eq!(cut_before(&mut client, 15)?, 10);
    assert_eq!(verify(&mut client)?, good(20, 10), "before the entry that announces it is sealed");
    seal(&mut client)?;
    assert_eq!(verify(&mut client)?, good(21, 10));
    let said = client.query_one(
        "SELECT new_row->>'reason', (new_row->>'entries')::bigint FROM canon.audit_log WHERE operation = 'RETAIN'",
        &[],
    )?;
    assert_eq!((said.get::<_, &str>(0), said.get::<_, i64>(1)), ("two years", 10));
    let text = offline(&db)?;
    assert_eq!(
        text,
        "dump.sql: ok: 21 entries, 0 signed checkpoints, 0 erased, 10 removed, size 31\n\
                      ledger.jsonl: ok: 21 entries, 0 signed checkpoints, 0 erased, 10 removed, size 31\n"
    );
    // Proofs reach over the removed part; later entries and another removal too.
    let receipt: i64 =
        client.query_one("SELECT jsonb_array_length(canon.audit_prove(25) -> 'path')::bigint", &[])?.get(0);
    assert_eq!(receipt, 5);
    client.batch_execute("UPDATE t SET part = 7 WHERE id = 4; INSERT INTO s VALUES (99)")?;
    seal(&mut client)?;
    assert_eq!(verify(&mut client)?, good(23, 10));
    assert_eq!(cut_before(&mut client, 31)?, 20);
    seal(&mut client)?;
    assert_eq!(verify(&mut client)?, good(4, 30));
    assert!(client.query_one("SELECT ok FROM canon.audit_verify(incremental => true)", &[])?.get::<_, bool>(0));
    assert!(client.query_one("SELECT ok FROM canon.audit_verify(from_block => 1)", &[])?.get::<_, bool>(0));
    assert_eq!(cut_before(&mut client, 31)?, 0, "nothing is left of that time");
    Ok(())
}

/// Whoever removes entries without a word, or more than the word says, is found out.
#[test]
fn a_removal_that_nobody_announced_is_found() -> Result<()> {
    let (_cluster, db, mut client) = three_blocks("retain_silent")?;
    cut_before(&mut client, 15)?;
    seal(&mut client)?;
    for (change, expected) in [
        (
            "DELETE FROM canon.audit_entry WHERE operation = 'RETAIN'; DELETE FROM canon.audit_position WHERE position = 30;
             DELETE FROM canon.audit_block WHERE size = 31; UPDATE canon.audit_tile SET hashes = substr(hashes, 1, 960) WHERE level = 0",
            "the first 10 entries are gone, and no sealed entry says that they were removed",
        ),
        ("DELETE FROM canon.audit_block WHERE block = 1", "block 1, at which the removed entries end, is missing"),
        ("UPDATE canon.audit_block SET sealed_at = now() WHERE block = 1", "what is left does not begin where block 1 ends"),
        (
            "UPDATE canon.audit_ledger SET anchor = jsonb_set(anchor::jsonb, '{block_hash}', to_jsonb(repeat('0', 64)))",
            "what is left does not begin where block 1 ends",
        ),
        ("DELETE FROM canon.audit_lane_link WHERE seq = 2", "link 3 of lane 0 does not follow from the one before"),
    ] {
        client.batch_execute(&format!("BEGIN; SET LOCAL session_replication_role = replica; {change}"))?;
        let (ok, _, _, _, problem) = verify(&mut client)?;
        client.batch_execute("ROLLBACK")?;
        assert!(!ok && problem == expected, "{change}: {problem}");
    }
    client.batch_execute("SET session_replication_role = replica; DELETE FROM canon.audit_block WHERE block = 1")?;
    let text = offline(&db)?;
    assert_eq!(text.matches("BAD").count(), 2, "{text}");
    Ok(())
}

#[test]
fn what_does_not_verify_is_not_removed() -> Result<()> {
    let (_cluster, _db, mut client) = three_blocks("retain_bad")?;
    client.batch_execute(
        "SET session_replication_role = replica; UPDATE canon.audit_entry SET actor = 'eve' WHERE id = 5;
         RESET session_replication_role",
    )?;
    let sql = "SELECT canon.audit_retain(now(), 'x')";
    let refusal = refused(&mut client, sql, &SqlState::DATA_CORRUPTED)?;
    assert_eq!(refusal.detail(), Some("The first bad entry is 5."));
    let left: i64 = client.query_one("SELECT count(*) FROM canon.audit_entry", &[])?.get(0);
    assert_eq!(left, 30);
    Ok(())
}

/// The partition of a past month goes as a whole; where somebody is reading the ledger it is emptied.
#[test]
fn a_past_partition_is_dropped_or_emptied() -> Result<()> {
    for busy in [false, true] {
        let (_cluster, db, mut client) = three_blocks("retain_partition")?;
        // The month of the entries becomes a past one: its partition is called so.
        client.batch_execute(
            "DO $$ BEGIN EXECUTE format('ALTER TABLE canon.audit_entry_%s RENAME TO audit_entry_2001_01',
                 to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM')); END $$",
        )?;
        let mut reader = db.connect()?;
        if busy {
            reader.batch_execute("BEGIN; SELECT count(*) FROM canon.audit_entry WHERE recorded_at < '2000-01-01'")?;
        }
        assert_eq!(client.query_one("SELECT canon.audit_retain(now(), 'x')", &[])?.get::<_, i64>(0), 30);
        let there: bool = client.query_one("SELECT to_regclass('canon.audit_entry_2001_01') IS NOT NULL", &[])?.get(0);
        assert_eq!(there, busy);
        drop(reader);
        seal(&mut client)?;
        assert_eq!(verify(&mut client)?, good(1, 30));
    }
    Ok(())
}

#[test]
fn a_transaction_is_awaited_by_its_number() -> Result<()> {
    let (_cluster, _db, mut client) = three_blocks("await_xid")?;
    let xid: String = client.query_one("SELECT pg_current_xact_id()::text FROM canon.audit_entry LIMIT 1", &[])?.get(0);
    let receipts = |client: &mut Client, xid: &str| -> Result<i64> {
        let sql = "SELECT count(*) FROM canon.audit_await_seal($1::text::xid8, 30000)";
        Ok(client.query_one(sql, &[&xid])?.get(0))
    };
    assert_eq!(receipts(&mut client, &xid)?, 0, "a transaction without entries");
    client.batch_execute("BEGIN")?;
    client.batch_execute("INSERT INTO t VALUES (500, 1), (501, 2)")?;
    let xid: String = client.query_one("SELECT pg_current_xact_id()::text", &[])?.get(0);
    let own = format!("SELECT canon.audit_await_seal('{xid}'::xid8)");
    client.batch_execute("SAVEPOINT s")?;
    refused(&mut client, &own, &SqlState::INVALID_PARAMETER_VALUE)?;
    client.batch_execute("ROLLBACK TO s; COMMIT")?;
    // With or without a worker: somebody seals.
    seal(&mut client)?;
    assert_eq!(receipts(&mut client, &xid)?, 2);
    client.batch_execute("BEGIN; INSERT INTO t VALUES (600, 1)")?;
    let xid: String = client.query_one("SELECT pg_current_xact_id()::text", &[])?.get(0);
    client.batch_execute("ROLLBACK")?;
    let refusal = refused(
        &mut client,
        &format!("SELECT canon.audit_await_seal('{xid}'::xid8)"),
        &SqlState::INVALID_PARAMETER_VALUE,
    )?;
    assert!(refusal.message().contains("rolled back"), "{}", refusal.message());
    Ok(())
}

/// A change that cannot be recorded fails, unless the administrator wants it otherwise.
#[test]
fn a_failing_record_fails_the_change_or_warns() -> Result<()> {
    let (_cluster, _db, mut client) = three_blocks("audit_policy")?;
    client.batch_execute("ALTER TABLE canon.audit_entry ADD CONSTRAINT no_room CHECK (row_key <> '13000')")?;
    refused(&mut client, "INSERT INTO t VALUES (13000, 1)", &SqlState::CHECK_VIOLATION)?;
    let rows = |client: &mut Client| -> Result<i64> {
        Ok(client.query_one("SELECT count(*) FROM t WHERE id >= 13000", &[])?.get(0))
    };
    assert_eq!(rows(&mut client)?, 0);
    client.batch_execute("SET canon.audit_on_failure = 'warning'")?;
    client.batch_execute("BEGIN; INSERT INTO t VALUES (13001, 1), (13000, 1), (13002, 2); COMMIT")?;
    assert_eq!(rows(&mut client)?, 3);
    let recorded: i64 = client.query_one("SELECT count(*) FROM canon.audit_entry WHERE row_key ~ '^1300'", &[])?.get(0);
    assert_eq!(recorded, 2, "the others of the same statement are recorded");
    client.batch_execute("ALTER TABLE canon.audit_entry DROP CONSTRAINT no_room")?;
    seal(&mut client)?;
    assert!(verify(&mut client)?.0);
    let role = client.query_one("SELECT context FROM pg_settings WHERE name = 'canon.audit_on_failure'", &[])?;
    assert_eq!(role.get::<_, &str>(0), "superuser", "nobody else may choose to go unrecorded");
    Ok(())
}

/// A row whose key changes is compared under its new key.
#[test]
fn a_changed_key_is_no_alarm() -> Result<()> {
    let (_cluster, _db, mut client) = three_blocks("audit_moved")?;
    client.batch_execute(
        "UPDATE t SET id = 1000 WHERE id = 4; UPDATE t SET part = 2 WHERE id = 1000; INSERT INTO t VALUES (4, 0)",
    )?;
    seal(&mut client)?;
    assert!(verify(&mut client)?.0);
    client.batch_execute("SET session_replication_role = replica; UPDATE t SET part = 3 WHERE id = 1000")?;
    let (ok, .., problem) = verify(&mut client)?;
    assert!(!ok && problem == "column part of row 1000 of public.t is not as recorded", "{problem}");
    Ok(())
}

#[test]
fn the_important_tables_of_packs_are_recorded_unless_switched_off() -> Result<()> {
    let db = canon_database("audit_packs")?;
    let mut client = db.connect()?;
    client.batch_execute("SET canon.audit_packs = off; SELECT FROM canon.install('core')")?;
    let listed = "SELECT count(*) FILTER (WHERE recording), count(*) FROM canon.audit_status()";
    assert_eq!(client.query_one(listed, &[])?.get::<_, i64>(1), 0);
    client.batch_execute("SET canon.audit_packs = on; SELECT FROM canon.install('all')")?;
    let row = client.query_one(listed, &[])?;
    let (recording, all): (i64, i64) = (row.get(0), row.get(1));
    ensure!(recording == all && all >= 30, "{recording} of {all}");
    client.batch_execute(
        "SELECT FROM agentops.create_organization('North', 'north', 'startup', 'a@example.org', 'not for the ledger')",
    )?;
    let leaked: i64 = client
        .query_one(
            "SELECT count(*) FROM canon.audit_entry WHERE encode(new_row, 'escape') ~ 'not for the ledger'",
            &[],
        )?
        .get(0);
    assert_eq!(leaked, 0);
    client.batch_execute("SELECT canon.audit_disable('cutover.users_usr')")?;
    let one: Option<bool> = client
        .query_one("SELECT bool_or(recording) FROM canon.audit_status() WHERE relation = 'cutover.users_usr'", &[])?
        .get(0);
    assert_eq!(one, Some(false));
    seal(&mut client)?;
    assert!(verify(&mut client)?.0);
    client.batch_execute("SELECT FROM canon.uninstall('all', force => true)")?;
    seal(&mut client)?;
    let verdict = verify(&mut client)?;
    assert!(verdict.0, "{verdict:?}");
    Ok(())
}

/// The trail of saas is sealed for each organisation, lets go of deleted logins, and is handed out.
#[test]
fn the_trail_of_saas_is_sealed_and_exported() -> Result<()> {
    let db = canon_database("audit_saas")?;
    let mut client = db.connect()?;
    client.batch_execute("SELECT FROM canon.install('saas')")?;
    client.batch_execute(
        "INSERT INTO auth.users (id, email) VALUES ('00000000-0000-0000-0000-00000000000a', 'a@example.org');
         INSERT INTO saas.organizations (name) VALUES ('North'), ('South');
         INSERT INTO saas.audit_logs_enhanced (organization_id, user_id, action_type)
         SELECT o.id, '00000000-0000-0000-0000-00000000000a', 'say \"' || g || '\"'
         FROM generate_series(1, 3) g CROSS JOIN saas.organizations o ORDER BY o.name, g",
    )?;
    seal(&mut client)?;
    assert!(verify(&mut client)?.0);
    let row = client.query_one(
        "SELECT count(*) FILTER (WHERE verified), count(*),
             count(*) FILTER (WHERE EXISTS (SELECT FROM saas.audit_logs_enhanced b
                 WHERE b.audit_chain_hash = a.previous_hash AND b.organization_id = a.organization_id))
         FROM saas.audit_logs_enhanced a",
        &[],
    )?;
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1), row.get::<_, i64>(2)), (6, 6, 4));

    let by_hand = "UPDATE saas.audit_logs_enhanced SET user_id = NULL";
    refused(&mut client, by_hand, &SqlState::INSUFFICIENT_PRIVILEGE)?;
    client.batch_execute("DELETE FROM auth.users")?;
    let emptied: i64 = client
        .query_one(
            "SELECT count(*) FROM canon.audit_log WHERE operation = 'UPDATE' AND relation = 'saas.audit_logs_enhanced'
             AND NOT new_row ? 'user_id'",
            &[],
        )?
        .get(0);
    assert_eq!(emptied, 6);
    seal(&mut client)?;
    let verdict = verify(&mut client)?;
    ensure!(verdict.0, "{verdict:?}");

    let export = client.query_one(
        "INSERT INTO saas.audit_log_exports (organization_id, export_type, filters)
         SELECT id, 'csv', '{\"from\": \"2001-01-01\"}' FROM saas.organizations WHERE name = 'South' RETURNING id::text",
        &[],
    )?;
    let id: String = export.get(0);
    let lines = client.query("SELECT saas.run_audit_log_export($1::text::uuid, 's3://x/south.csv')", &[&id])?;
    let lines: Vec<String> = lines.iter().map(|row| row.get(0)).collect();
    assert_eq!(lines.len(), 4);
    assert!(
        lines[0].starts_with("id,created_at,organization_id,") && lines[1].contains(",\"say \"\"1\"\"\","),
        "{lines:?}"
    );
    let noted = client.query_one(
        "SELECT status, record_count, file_size_bytes, file_path FROM saas.audit_log_exports WHERE completed_at IS NOT NULL",
        &[],
    )?;
    let bytes: usize = lines.iter().map(|line| line.len() + 1).sum();
    assert_eq!((noted.get::<_, &str>(0), noted.get::<_, i32>(1)), ("completed", 3));
    assert_eq!((noted.get::<_, i64>(2), noted.get::<_, &str>(3)), (i64::try_from(bytes)?, "s3://x/south.csv"));
    for (set, code) in [
        ("export_type = 'pdf'", &SqlState::FEATURE_NOT_SUPPORTED),
        ("filters = '{\"form\": \"x\"}'", &SqlState::INVALID_PARAMETER_VALUE),
    ] {
        client.batch_execute("BEGIN")?;
        let again = client
            .query_one("INSERT INTO saas.audit_log_exports (export_type) VALUES ('json') RETURNING id::text", &[])?;
        let again: String = again.get(0);
        client.batch_execute(&format!("UPDATE saas.audit_log_exports SET {set} WHERE id = '{again}'"))?;
        refused(&mut client, &format!("SELECT saas.run_audit_log_export('{again}', 'f')"), code)?;
        client.batch_execute("ROLLBACK")?;
    }
    let json =
        client.query_one("INSERT INTO saas.audit_log_exports (export_type) VALUES ('json') RETURNING id::text", &[])?;
    let json: String = json.get(0);
    let first: String = client
        .query_one(
            "SELECT l::jsonb ->> 'action_type' FROM saas.run_audit_log_export($1::text::uuid, 'f') AS l LIMIT 1",
            &[&json],
        )
        .context("a JSON object on each line")?
        .get(0);
    assert_eq!(first, "say \"1\"");
    Ok(())
}
