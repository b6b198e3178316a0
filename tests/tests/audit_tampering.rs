//! Every way to change a ledger behind its back, done as a superuser who knows how, and found by
//! verification inside the database or outside it.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use canon_core::ledger::hash::Hash;
use canon_core::ledger::note::Signer;
use canon_core::ledger::tree::Edge;
use canon_tests::{Database, PrivateCluster, canon, repo_root, server};
use postgres::Client;

/// A server that signs checkpoints and writes them to a file.
struct Signed {
    cluster: PrivateCluster,
    key: String,
    checkpoints: PathBuf,
}

impl Signed {
    fn start() -> Result<Self> {
        let signer = Signer::new("test", [7; 32])?;
        // The server's user must be able to read and write them: they lie in its own directory.
        let cluster = PrivateCluster::start_new(&server(), &[])?;
        let (secret, checkpoints) = (cluster.data.join("canon.key"), cluster.data.join("checkpoints"));
        let mut admin = cluster.server().admin()?;
        admin.batch_execute(&format!("COPY (SELECT '{}') TO '{}'", signer.secret(), secret.display()))?;
        for (name, value) in [("audit_key_file", secret.display()), ("audit_checkpoint_file", checkpoints.display())] {
            admin.batch_execute(&format!("ALTER SYSTEM SET canon.{name} = '{value}'"))?;
        }
        // The worker keeps away: these tests decide what is sealed when.
        admin.batch_execute("ALTER SYSTEM SET canon.audit_seal_interval = '60s'")?;
        cluster.restart()?;
        Ok(Self { cluster, key: signer.verifier().to_string(), checkpoints })
    }

    /// A database with 30 entries in three blocks: entry 1 is the beginning of the recording.
    fn ledger(&self) -> Result<(Database, Client)> {
        let db = self.cluster.server().database("tampered")?;
        let mut client = db.connect()?;
        client.batch_execute("CREATE EXTENSION pg_canon; CREATE TABLE t (id int PRIMARY KEY, v text)")?;
        client.query_one("SELECT canon.audit_enable('t')", &[])?;
        for from in [2, 11, 21] {
            client.execute(
                "INSERT INTO t SELECT g, 'v' || g FROM generate_series($1::int, $2) g",
                &[&from, &(from / 10 * 10 + 10)],
            )?;
            client.query_one("SELECT canon.audit_seal()", &[])?;
        }
        // The last checkpoint is handed out by the run after the one that signed it.
        client.query_one("SELECT canon.audit_seal()", &[])?;
        Ok((db, client))
    }
}

fn verify(client: &mut Client) -> Result<(bool, Option<i64>, String)> {
    let row = client.query_one("SELECT ok, first_bad, COALESCE(problem, '') FROM canon.audit_verify()", &[])?;
    Ok((row.get(0), row.get(1), row.get(2)))
}

const SEAL: &str = "SELECT canon.audit_seal()";

/// Each statement in a transaction of its own.
fn each(client: &mut Client, statements: &[&str]) -> Result<()> {
    statements.iter().try_for_each(|sql| client.batch_execute(sql).with_context(|| (*sql).to_owned()))
}

/// Runs `sql` with every guard and trigger off.
fn tamper(client: &mut Client, sql: &str) -> Result<()> {
    client.batch_execute(&format!("SET session_replication_role = replica; {sql}; RESET session_replication_role"))?;
    Ok(())
}

/// `canon verify` on a dump of the database: what it prints, and whether all is well.
fn offline(signed: &Signed, db: &Database, checkpoints: bool) -> Result<(bool, String)> {
    let file = tempfile::NamedTempFile::new()?;
    let dump = db.program("pg_dump").output()?;
    ensure!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    std::fs::write(file.path(), dump.stdout)?;
    let file = file.path().to_str().context("a path that is no text")?;
    let mut arguments = vec!["verify", file, "--key", &signed.key];
    if checkpoints {
        arguments.extend(["--checkpoints", signed.checkpoints.to_str().context("a path that is no text")?]);
    }
    let ran = canon(&repo_root()?, &arguments, &[])?;
    Ok((ran.code == 0, ran.out + &ran.err))
}

/// What is changed, and the first bad entry.
const CHANGES: &[(&str, &str, i64)] = &[
    ("id", "UPDATE canon.audit_entry SET id = 1000 WHERE id = 7", 7),
    ("time", "UPDATE canon.audit_entry SET recorded_at = recorded_at + '1 us' WHERE id = 7", 7),
    ("transaction", "UPDATE canon.audit_entry SET xid = '3' WHERE id = 7", 7),
    ("operation", "UPDATE canon.audit_entry SET operation = 'DELETE' WHERE id = 7", 7),
    ("table", "UPDATE canon.audit_entry SET table_id = gen_random_uuid() WHERE id = 7", 7),
    ("relation", "UPDATE canon.audit_entry SET relation = 'public.u' WHERE id = 7", 7),
    ("key", "UPDATE canon.audit_entry SET row_key = '8' WHERE id = 7", 7),
    ("new row", "UPDATE canon.audit_entry SET new_row = set_byte(new_row, length(new_row) - 1, 33) WHERE id = 7", 7),
    ("new row gone", "UPDATE canon.audit_entry SET new_row = NULL WHERE id = 7", 7),
    ("old row", "UPDATE canon.audit_entry SET old_row = new_row WHERE id = 7", 7),
    ("actor", "UPDATE canon.audit_entry SET actor = 'eve' WHERE id = 7", 7),
    ("context", "UPDATE canon.audit_entry SET context = '{}' WHERE id = 7", 7),
    ("salt", "UPDATE canon.audit_entry SET salt = set_byte(salt, 0, 255 - get_byte(salt, 0)) WHERE id = 7", 7),
    ("salt gone", "UPDATE canon.audit_entry SET salt = NULL WHERE id = 7", 7),
    ("commitment", "UPDATE canon.audit_entry SET commitment = leaf WHERE id = 7", 7),
    ("leaf", "UPDATE canon.audit_entry SET leaf = sha256(leaf) WHERE id = 7", 7),
    ("first deleted", "DELETE FROM canon.audit_entry WHERE id = 1", 1),
    ("middle deleted", "DELETE FROM canon.audit_entry WHERE id = 17", 17),
    ("last deleted", "DELETE FROM canon.audit_entry WHERE id = 30", 30),
    ("all deleted", "DELETE FROM canon.audit_entry", 1),
    ("entry and position deleted", "DELETE FROM canon.audit_entry WHERE id = 17; DELETE FROM canon.audit_position WHERE entry_id = 17", 17),
    ("contents swapped",
     "UPDATE canon.audit_entry e SET new_row = o.new_row, salt = o.salt, leaf = o.leaf, row_key = o.row_key
      FROM canon.audit_entry o WHERE (e.id, o.id) IN ((12, 13), (13, 12))", 12),
    ("positions swapped",
     "UPDATE canon.audit_position SET entry_id = -entry_id WHERE entry_id IN (12, 13);
      UPDATE canon.audit_position SET entry_id = 25 + entry_id WHERE entry_id < 0", 13,),
    ("previous hash", "UPDATE canon.audit_position SET previous_hash = sha256(previous_hash) WHERE entry_id = 15", 15),
    ("chain hash", "UPDATE canon.audit_position SET audit_chain_hash = sha256(audit_chain_hash) WHERE entry_id = 15", 15),
    ("chain name", "UPDATE canon.audit_position SET chain = 'other' WHERE entry_id = 15", 15),
    ("tile truncated", "UPDATE canon.audit_tile SET hashes = substr(hashes, 1, 320) WHERE level = 0", 11),
    ("tile changed", "UPDATE canon.audit_tile SET hashes = set_byte(hashes, 32 * 4, 255 - get_byte(hashes, 32 * 4)) WHERE level = 0", 5),
    ("block deleted", "DELETE FROM canon.audit_block WHERE block = 2", 11),
    ("block rewritten", "UPDATE canon.audit_block SET sealed_at = sealed_at - interval '1 day' WHERE block = 2", 11),
    ("root", "UPDATE canon.audit_block SET root = sha256(root) WHERE block = 3", 21),
    ("checkpoint gone", "UPDATE canon.audit_block SET checkpoint = NULL WHERE block = 2", 11),
    ("checkpoint of another block", "UPDATE canon.audit_block b SET checkpoint = o.checkpoint FROM canon.audit_block o WHERE b.block = 2 AND o.block = 1", 11),
    ("erased without a word",
     "UPDATE canon.audit_entry e SET relation = NULL, row_key = NULL, old_row = NULL, new_row = NULL, actor = NULL, context = NULL,
          salt = NULL, commitment = (SELECT sha256(e.salt || string_agg(CASE WHEN p IS NULL THEN '\\x0000000000' ELSE '\\x01'::bytea || int4send(length(p)) || p END, '' ORDER BY k))
              FROM unnest(ARRAY[convert_to(e.relation, 'UTF8'), convert_to(e.row_key, 'UTF8'), e.old_row, e.new_row, convert_to(e.actor, 'UTF8'), convert_to(e.context::text, 'UTF8')]) WITH ORDINALITY AS u (p, k))
      WHERE id = 7", 7),
    ("inserted",
     "INSERT INTO canon.audit_entry SELECT 500, recorded_at, xid, operation, table_id, relation, row_key, old_row, new_row,
          actor, context, salt, commitment, leaf FROM canon.audit_entry WHERE id = 9", 500),
    ("duplicated",
     "INSERT INTO canon.audit_entry SELECT id, recorded_at + interval '1 s', xid, operation, table_id, relation, row_key,
          old_row, new_row, actor, context, salt, commitment, leaf FROM canon.audit_entry WHERE id = 9", 9),
];

#[test]
fn every_change_is_found_and_blamed_on_the_right_entry() -> Result<()> {
    let signed = Signed::start()?;
    let (db, mut client) = signed.ledger()?;
    assert_eq!(verify(&mut client)?, (true, None, String::new()));
    let (good, text) = offline(&signed, &db, true)?;
    assert!(good, "{text}");
    for (what, sql, first_bad) in CHANGES {
        client.batch_execute("BEGIN")?;
        tamper(&mut client, sql).with_context(|| (*what).to_owned())?;
        let (ok, found, problem) = verify(&mut client)?;
        assert!(!ok, "{what} passed");
        assert_eq!(found, Some(*first_bad), "{what}: {problem}");
        client.batch_execute("ROLLBACK")?;
    }
    assert_eq!(verify(&mut client)?, (true, None, String::new()));
    Ok(())
}

/// The same outside the database, for changes that a dump shows.
#[test]
fn changes_are_found_in_a_dump_with_nothing_but_the_public_key() -> Result<()> {
    let signed = Signed::start()?;
    let (db, mut client) = signed.ledger()?;
    // The tree is computed anew from the leaves there; what was never sealed is for the database to know.
    let elsewhere = ["tile truncated", "tile changed", "inserted", "duplicated"];
    for (what, sql, first_bad) in CHANGES.iter().filter(|(what, ..)| !elsewhere.contains(what)) {
        client.batch_execute("CREATE SCHEMA kept")?;
        for table in ["entry", "position", "block"] {
            client.batch_execute(&format!("CREATE TABLE kept.{table} AS TABLE canon.audit_{table}"))?;
        }
        tamper(&mut client, sql)?;
        let (good, text) = offline(&signed, &db, false)?;
        assert!(!good, "{what} passed: {text}");
        assert!(text.contains(&format!("entry {first_bad},")), "{what}: {text}");
        for table in ["entry", "position", "block"] {
            tamper(
                &mut client,
                &format!("DELETE FROM canon.audit_{table}; INSERT INTO canon.audit_{table} TABLE kept.{table}"),
            )?;
        }
        client.batch_execute("DROP SCHEMA kept CASCADE")?;
    }
    let (good, text) = offline(&signed, &db, true)?;
    assert!(good, "{text}");
    Ok(())
}

/// The end of the ledger, removed without a trace inside: only what left the database tells.
#[test]
fn a_missing_end_is_found_by_the_exported_checkpoints() -> Result<()> {
    let signed = Signed::start()?;
    let (db, mut client) = signed.ledger()?;
    // The state of 20 entries, as an old backup has it.
    let forget = "DELETE FROM canon.audit_entry WHERE id > 20; DELETE FROM canon.audit_position WHERE entry_id > 20;
         DELETE FROM canon.audit_block WHERE block > 2; UPDATE canon.audit_tile SET hashes = substr(hashes, 1, 640)";
    tamper(&mut client, forget)?;
    let (ok, first_bad, problem) = verify(&mut client)?;
    assert_eq!((ok, first_bad), (false, Some(21)), "{problem}");
    assert!(problem.contains("the end is missing"), "{problem}");
    assert!(offline(&signed, &db, false)?.0, "without the checkpoints nobody can know");
    let (good, text) = offline(&signed, &db, true)?;
    assert!(!good && text.contains("entry 21,"), "{text}");
    Ok(())
}

/// An old backup that is continued, by somebody who has the key: another ledger of the same size.
#[test]
fn a_continued_backup_contradicts_the_exported_checkpoints() -> Result<()> {
    let signed = Signed::start()?;
    let (db, mut client) = signed.ledger()?;
    client.batch_execute("CREATE SCHEMA kept")?;
    let tables = ["entry", "position", "block", "tile", "ledger"];
    for table in tables {
        client.batch_execute(&format!("CREATE TABLE kept.{table} AS TABLE canon.audit_{table}"))?;
    }
    each(&mut client, &["INSERT INTO t VALUES (100, 'a'), (101, 'b')", SEAL, SEAL])?;
    assert!(verify(&mut client)?.0);
    for table in tables {
        tamper(
            &mut client,
            &format!("DELETE FROM canon.audit_{table}; INSERT INTO canon.audit_{table} TABLE kept.{table}"),
        )?;
    }
    let (ok, _, problem) = verify(&mut client)?;
    assert!(!ok && problem.contains("the end is missing"), "{problem}");
    each(&mut client, &["INSERT INTO t VALUES (200, 'c'), (201, 'd')", SEAL])?;
    let (ok, first_bad, problem) = verify(&mut client)?;
    assert!(!ok && problem.contains("is not the one of checkpoint"), "{problem}");
    let expected: i64 =
        client.query_one("SELECT min(entry_id) FROM canon.audit_position WHERE position >= 30", &[])?.get(0);
    assert_eq!(first_bad, Some(expected));
    let (good, text) = offline(&signed, &db, true)?;
    assert!(!good && text.contains(&format!("entry {expected},")), "{text}");
    assert!(offline(&signed, &db, false)?.0, "without the checkpoints nobody can know");
    Ok(())
}

/// Recording that is switched off for a while.
#[test]
fn a_window_without_recording_is_found() -> Result<()> {
    let signed = Signed::start()?;
    let (_db, mut client) = signed.ledger()?;
    client.batch_execute("ALTER TABLE t DISABLE TRIGGER canon_audit_row")?;
    let (ok, _, problem) = verify(&mut client)?;
    assert!(!ok && problem.contains("its trigger is disabled"), "{problem}");
    each(
        &mut client,
        &["UPDATE t SET v = 'secret' WHERE id = 3", "ALTER TABLE t ENABLE TRIGGER canon_audit_row", SEAL],
    )?;
    let (ok, first_bad, problem) = verify(&mut client)?;
    let expected: i64 = client.query_one("SELECT min(id) FROM canon.audit_entry WHERE operation = 'DDL'", &[])?.get(0);
    assert_eq!((ok, first_bad), (false, Some(expected)), "{problem}");
    // Begun anew, with the gap in the ledger for ever.
    each(&mut client, &["SELECT canon.audit_disable('t')", "SELECT canon.audit_enable('t')", SEAL])?;
    assert_eq!(verify(&mut client)?, (true, None, String::new()));
    Ok(())
}

#[test]
fn a_lost_guard_and_a_grant_too_many_are_found() -> Result<()> {
    let signed = Signed::start()?;
    let (_db, mut client) = signed.ledger()?;
    for (sql, expected) in [
        (
            "ALTER TABLE canon.audit_block DISABLE TRIGGER canon_audit_guard",
            "table canon.audit_block has lost its guard",
        ),
        ("DROP TRIGGER canon_audit_guard ON canon.audit_entry", "has lost its guard"),
        ("GRANT UPDATE ON canon.audit_entry TO PUBLIC", "may write canon.audit_entry"),
        (
            "ALTER TABLE canon.audit_position DROP CONSTRAINT uq_audit_position_entry_id",
            "uq_audit_position_entry_id of the ledger is gone",
        ),
        (
            "ALTER TABLE t DROP COLUMN id CASCADE; DROP TRIGGER canon_audit_row ON t",
            "recording of public.t was switched off",
        ),
    ] {
        client.batch_execute(&format!("BEGIN; {sql}"))?;
        let (ok, _, problem) = verify(&mut client)?;
        assert!(!ok && problem.contains(expected), "{sql}: {problem}");
        client.batch_execute("ROLLBACK")?;
    }
    Ok(())
}

/// Bytes changed in the file of the table while the server is down. Checksums are off, or the server
/// itself would refuse to read the page.
#[test]
fn bytes_changed_on_disk_are_found() -> Result<()> {
    let signed = Signed::start()?;
    let (db, mut client) = signed.ledger()?;
    client.batch_execute("INSERT INTO t VALUES (77, 'a value that is easy to find')")?;
    client.batch_execute("SELECT canon.audit_seal()")?;
    let bad: i64 = client.query_one("SELECT max(id) FROM canon.audit_entry", &[])?.get(0);
    let path: String = client
        .query_one("SELECT pg_relation_filepath(tableoid::regclass) FROM canon.audit_entry WHERE id = $1", &[&bad])?
        .get(0);
    drop(client);
    signed.cluster.stop(canon_tests::StopMode::Fast)?;
    let mut checksums = signed.cluster.server_program("pg_checksums")?;
    canon_tests::capture(checksums.args(["--disable", "--pgdata"]).arg(&signed.cluster.data))?;
    let file = signed.cluster.data.join(path);
    let mut bytes = std::fs::read(&file)?;
    let needle = b"easy to find";
    let at = bytes.windows(needle.len()).position(|w| w == needle).context("the row is not in the file")?;
    bytes[at] = b'E';
    std::fs::write(&file, bytes)?;
    signed.cluster.start()?;
    let (ok, first_bad, problem) = verify(&mut db.connect()?)?;
    assert_eq!((ok, first_bad), (false, Some(bad)), "{problem}");
    let (good, text) = offline(&signed, &db, false)?;
    assert!(!good && text.contains(&format!("entry {bad},")), "{text}");
    Ok(())
}

/// A consistent end of another content, made by somebody who owns everything but the key: what
/// a recomputed suffix is.
#[test]
fn a_recomputed_end_is_found_by_key_and_by_witness() -> Result<()> {
    let signed = Signed::start()?;
    let (db, mut client) = signed.ledger()?;
    // Entries from 21 on go, and the state is that of block 2.
    let forget = "DELETE FROM canon.audit_entry WHERE id > 20; DELETE FROM canon.audit_position WHERE entry_id > 20;
         DELETE FROM canon.audit_block WHERE block > 2; UPDATE canon.audit_tile SET hashes = substr(hashes, 1, 640);
         UPDATE canon.audit_ledger l SET size = 20, block = 2, block_hash = b.block_hash, snapshot = b.snapshot_to::pg_snapshot,
             edge = NULL_EDGE, head = (SELECT audit_chain_hash FROM canon.audit_position WHERE position = 19), verified = NULL
         FROM canon.audit_block b WHERE b.block = 2";
    // Twenty leaves: a subtree of sixteen and one of four, both from the tile.
    let node = |from: usize, count: usize| -> Result<Vec<u8>> {
        let row = db.connect()?.query_one("SELECT hashes FROM canon.audit_tile WHERE level = 0", &[])?;
        let hashes: Vec<u8> = row.get(0);
        let leaves = hashes.chunks_exact(32).skip(from).take(count).filter_map(Hash::from_slice);
        let mut edge = Edge::default();
        leaves.for_each(|leaf| edge.append(leaf, |_, _, _| {}));
        Ok(edge.root().0.to_vec())
    };
    let edge = [node(0, 16)?, node(16, 4)?].concat();
    let edge = format!("'\\x{}'::bytea", canon_core::ledger::hash::to_hex(&edge));
    tamper(&mut client, &forget.replace("NULL_EDGE", &edge))?;
    let other = Signer::new("test", [8; 32])?;
    let secret = signed.cluster.data.join("other.key");
    client.batch_execute(&format!("COPY (SELECT '{}') TO '{}'", other.secret(), secret.display()))?;
    client.batch_execute(&format!("ALTER SYSTEM SET canon.audit_key_file = '{}'", secret.display()))?;
    client.batch_execute("ALTER SYSTEM SET canon.audit_checkpoint_file = ''")?;
    signed.cluster.restart()?;
    let mut client = db.connect()?;
    each(&mut client, &["INSERT INTO t SELECT g, 'forged' FROM generate_series(121, 130) g", SEAL])?;
    // Told nothing from outside, the database finds the other key in the blocks before.
    let (ok, first_bad, problem) = verify(&mut client)?;
    assert_eq!((ok, first_bad), (false, Some(1)), "{problem}");
    let forged: i64 =
        client.query_one("SELECT min(entry_id) FROM canon.audit_position WHERE position >= 20", &[])?.get(0);
    // Whoever holds the public key, or a checkpoint that left the database, finds the first forged entry.
    let (good, text) = offline(&signed, &db, false)?;
    assert!(!good && text.contains(&format!("entry {forged},")) && text.contains("signature"), "{text}");
    client.batch_execute("ALTER SYSTEM SET canon.audit_key_file = ''")?;
    client
        .batch_execute(&format!("ALTER SYSTEM SET canon.audit_checkpoint_file = '{}'", signed.checkpoints.display()))?;
    signed.cluster.restart()?;
    let (ok, first_bad, problem) = verify(&mut db.connect()?)?;
    assert_eq!((ok, first_bad), (false, Some(forged)), "{problem}");
    assert!(problem.contains("is not the one of checkpoint"), "{problem}");
    Ok(())
}

/// While the worker of a server that has just started looks at the ledger, others leave it to him.
fn sealing_refused(client: &mut Client) -> Result<postgres::error::DbError> {
    let code = &postgres::error::SqlState::CONFIG_FILE_ERROR;
    let mut refusal = canon_tests::refused(client, SEAL, code);
    for _ in 0..100 {
        if refusal.is_ok() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
        refusal = canon_tests::refused(client, SEAL, code);
    }
    refusal
}

/// A key that is lost stops sealing, not recording; a full disk under the checkpoints likewise.
#[test]
fn a_lost_key_and_a_full_disk_delay_sealing_and_lose_nothing() -> Result<()> {
    let signed = Signed::start()?;
    let (db, mut client) = signed.ledger()?;
    let secret = signed.cluster.data.join("canon.key");
    let away = signed.cluster.data.join("away.key");
    std::fs::rename(&secret, &away)?;
    client.batch_execute("INSERT INTO t VALUES (200, 'without a key')")?;
    let refusal = sealing_refused(&mut client)?;
    assert!(refusal.message().contains("canon.key"), "{}", refusal.message());
    let sealed = |client: &mut Client| -> Result<i64> {
        Ok(client.query_one("SELECT count(*) FROM canon.audit_position", &[])?.get(0))
    };
    assert_eq!(sealed(&mut client)?, 30);
    std::fs::rename(&away, &secret)?;
    each(&mut client, &[SEAL, SEAL])?;
    assert_eq!(sealed(&mut client)?, 31);
    assert_eq!(verify(&mut client)?, (true, None, String::new()));

    client.batch_execute("ALTER SYSTEM SET canon.audit_checkpoint_file = '/dev/full'")?;
    signed.cluster.restart()?;
    let mut client = db.connect()?;
    each(&mut client, &["INSERT INTO t VALUES (201, 'on a full disk')", SEAL])?;
    // The run after the one that signed it hands the checkpoint out, and cannot.
    client.batch_execute("INSERT INTO t VALUES (202, 'still recorded')")?;
    let refusal = sealing_refused(&mut client)?;
    assert!(refusal.message().contains("/dev/full"), "{}", refusal.message());
    client
        .batch_execute(&format!("ALTER SYSTEM SET canon.audit_checkpoint_file = '{}'", signed.checkpoints.display()))?;
    signed.cluster.restart()?;
    let mut client = db.connect()?;
    each(&mut client, &[SEAL, SEAL])?;
    assert_eq!(sealed(&mut client)?, 33);
    assert_eq!(verify(&mut client)?, (true, None, String::new()));
    let (good, text) = offline(&signed, &db, true)?;
    assert!(good, "{text}");
    Ok(())
}
