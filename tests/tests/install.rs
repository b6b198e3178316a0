//! `canon.install`, `validate` and `uninstall`, in every situation they may meet.

use std::thread;

use anyhow::{Context, Result};
use canon_tests::{PrivateCluster, canon_database, capture, database, refused, server, wait_until};
use postgres::Client;
use postgres::error::SqlState;

const TABLES: [(&str, i32); 4] = [("agentops", 14), ("core", 13), ("cutover", 42), ("saas", 63)];

fn actions(client: &mut Client, sql: &str) -> Result<Vec<(String, String)>> {
    Ok(client.query(sql, &[])?.iter().map(|row| (row.get("pack"), row.get("action"))).collect())
}

fn wrong(client: &mut Client) -> Result<Vec<String>> {
    let sql = "SELECT kind || ' ' || object || ': ' || found FROM canon.validate() WHERE NOT ok ORDER BY 1";
    Ok(client.query(sql, &[])?.iter().map(|row| row.get(0)).collect())
}

#[test]
fn all_packs_arrive_and_are_as_declared() -> Result<()> {
    let db = canon_database("install_all")?;
    let mut client = db.connect()?;
    let installed = actions(&mut client, "SELECT * FROM canon.install('all')")?;
    assert_eq!(installed, TABLES.map(|(pack, _)| (pack.to_owned(), "installed".to_owned())));
    let packs = client.query("SELECT name, tables, installed_version = version FROM canon.packs()", &[])?;
    let packs: Vec<(String, i32, Option<bool>)> = packs.iter().map(|r| (r.get(0), r.get(1), r.get(2))).collect();
    assert_eq!(packs, TABLES.map(|(pack, tables)| (pack.to_owned(), tables, Some(true))));
    // The catalogue counts the same tables.
    for (schema, tables) in TABLES {
        let count: i64 = client
            .query_one(
                "SELECT count(*) FROM pg_tables WHERE schemaname = $1 AND tablename <> 'status_history'",
                &[&schema],
            )?
            .get(0);
        assert_eq!(count, i64::from(tables), "{schema}");
    }
    assert_eq!(wrong(&mut client)?, Vec::<String>::new());

    let again = actions(&mut client, "SELECT * FROM canon.install('all')")?;
    assert!(again.iter().all(|(_, action)| action == "already installed"), "{again:?}");
    Ok(())
}

/// Pack tables belong to the role that installed them, not to the extension.
#[test]
fn a_plain_role_installs_and_owns() -> Result<()> {
    let role = server().role("plain")?;
    let db = canon_database("plain")?;
    let mut client = db.connect_as(role.name())?;
    let refusal = refused(&mut client, "SELECT canon.install('core')", &SqlState::INSUFFICIENT_PRIVILEGE)?;
    let hint = refusal.hint().context("no hint")?.to_owned();
    assert!(refusal.detail().is_some_and(|d| d.contains(role.name())), "{refusal:?}");

    db.connect()?.batch_execute(&hint).context("the hint does not run")?;
    client.batch_execute("SELECT canon.install('core')")?;
    let owners = client.query("SELECT DISTINCT tableowner::text FROM pg_tables WHERE schemaname = 'core'", &[])?;
    assert_eq!(owners.iter().map(|r| r.get::<_, String>(0)).collect::<Vec<_>>(), [role.name()]);
    let members = "SELECT count(*) FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
                   WHERE d.deptype = 'e' AND c.relnamespace = 'core'::regnamespace";
    assert_eq!(client.query_one(members, &[])?.get::<_, i64>(0), 0);
    assert_eq!(wrong(&mut client)?, Vec::<String>::new());
    client.batch_execute("SELECT canon.uninstall('core')")?;
    Ok(())
}

/// Nobody writes the record of installations by hand, and nobody removes another's pack.
#[test]
fn a_plain_role_cannot_pretend_or_remove() -> Result<()> {
    let role = server().role("stranger")?;
    let db = canon_database("stranger")?;
    db.connect()?.batch_execute("SELECT canon.install('core')")?;
    let mut client = db.connect_as(role.name())?;
    for sql in [
        "INSERT INTO canon.installed_pack VALUES ('x', '1', '{}', '{}', now(), 'me')",
        "UPDATE canon.installed_pack SET version = '9'",
        "DELETE FROM canon.installed_pack",
        "SELECT canon.uninstall('core', force => true)",
    ] {
        refused(&mut client, sql, &SqlState::INSUFFICIENT_PRIVILEGE)?;
    }
    assert_eq!(wrong(&mut client)?, Vec::<String>::new());
    Ok(())
}

#[test]
fn bad_requests_are_refused_with_help() -> Result<()> {
    let db = canon_database("bad_requests")?;
    let mut client = db.connect()?;
    let unknown = refused(&mut client, "SELECT canon.install('nope')", &SqlState::UNDEFINED_OBJECT)?;
    assert_eq!(unknown.detail(), Some("Packs: agentops, core, cutover, saas, or all."));
    client.batch_execute(unknown.hint().context("no hint")?)?;
    refused(&mut client, "SELECT canon.validate('core')", &SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE)?;

    client.batch_execute("CREATE SCHEMA cutover")?;
    let taken = refused(&mut client, "SELECT canon.install('all')", &SqlState::DUPLICATE_SCHEMA)?;
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname IN ('agentops', 'core', 'saas', 'auth')";
    assert_eq!(client.query_one(schemas, &[])?.get::<_, i64>(0), 0, "the packs before it were undone");
    client.batch_execute(taken.hint().context("no hint")?)?;
    client.batch_execute("SELECT canon.install('cutover')")?;

    client.batch_execute("UPDATE canon.installed_pack SET version = '0.0.9'")?;
    let other = refused(&mut client, "SELECT canon.install('cutover')", &SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE)?;
    assert!(other.message().contains("0.0.9"), "{other:?}");
    client.batch_execute(other.hint().context("no hint")?)?;
    assert_eq!(wrong(&mut client)?, Vec::<String>::new());
    Ok(())
}

/// The packs are read from the library: nothing a caller has put on the search path takes part.
#[test]
fn a_hijacked_search_path_changes_nothing() -> Result<()> {
    let db = canon_database("hijack")?;
    let mut client = db.connect()?;
    client.batch_execute(
        "CREATE SCHEMA evil;
         CREATE TABLE evil.pg_class (relname text);
         CREATE TABLE evil.pg_namespace (nspname text);
         CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE 'hijacked'; END $$;
         CREATE FUNCTION evil.gen_random_uuid() RETURNS uuid LANGUAGE plpgsql AS $$ BEGIN RAISE 'hijacked'; END $$;
         CREATE FUNCTION evil.length(text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE 'hijacked'; END $$;
         CREATE FUNCTION evil.eq(text, text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE 'hijacked'; END $$;
         CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.eq);
         CREATE DOMAIN evil.text AS pg_catalog.int4;
         SET search_path = evil, pg_catalog;
         SET standard_conforming_strings = off;
         SET quote_all_identifiers = on;",
    )?;
    client.batch_execute("SELECT canon.install('all')")?;
    assert!(client.query_one("SELECT bool_and(ok) FROM canon.validate()", &[])?.get::<_, bool>(0));
    client.batch_execute("SELECT canon.uninstall('all')")?;
    let path: String = client.query_one("SHOW search_path", &[])?.get(0);
    assert_eq!(path, "evil, pg_catalog", "settings come back");
    Ok(())
}

#[test]
fn two_clients_at_once_install_once() -> Result<()> {
    let db = canon_database("race")?;
    let (mut first, mut second) = (db.connect()?, db.connect()?);
    first.batch_execute("BEGIN")?;
    let done = actions(&mut first, "SELECT * FROM canon.install('core')")?;
    assert_eq!(done[0].1, "installed");
    let waiting = thread::spawn(move || actions(&mut second, "SELECT * FROM canon.install('core')"));
    let mut watcher = db.connect()?;
    let blocked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%install%'
                   AND datname = current_database() AND pid <> pg_backend_pid()";
    assert!(wait_until(|| watcher.query_one(blocked, &[]).is_ok_and(|row| row.get::<_, i64>(0) == 1)), "nobody waits");
    first.batch_execute("COMMIT")?;
    let second = waiting.join().map_err(|_| anyhow::anyhow!("the second client panicked"))??;
    assert_eq!(second[0].1, "already installed");
    Ok(())
}

/// SIGKILL to everything in the middle of an installation: after recovery there is nothing of it.
#[test]
fn an_installation_that_was_killed_leaves_nothing() -> Result<()> {
    let cluster = PrivateCluster::start_new(&server(), &[])?;
    let db = cluster.server().database("killed")?;
    let mut client = db.connect()?;
    client.batch_execute("CREATE EXTENSION pg_canon")?;
    client.batch_execute("BEGIN; SELECT canon.install('all')")?;
    cluster.kill_postmaster()?;
    cluster.start()?;
    let left = "SELECT count(*) FROM pg_namespace WHERE nspname IN ('agentops', 'core', 'cutover', 'saas', 'auth')";
    assert_eq!(db.psql(left)?, "0\n");
    assert_eq!(db.psql("SELECT count(*) FROM canon.installed_pack")?, "0\n");
    db.psql("SELECT canon.install('all')")?;
    assert_eq!(db.psql("SELECT bool_and(ok) FROM canon.validate()")?, "t\n");
    Ok(())
}

#[test]
fn what_was_changed_by_hand_is_named() -> Result<()> {
    let db = canon_database("altered_pack")?;
    let mut client = db.connect()?;
    client.batch_execute("SELECT canon.install('all')")?;
    for (change, expected) in [
        ("DROP TABLE cutover.databasechangelog", "table cutover.databasechangelog: missing"),
        ("ALTER TABLE core.users ALTER email TYPE text", "column core.users.email: type text"),
        ("ALTER TABLE core.users ALTER last_name DROP NOT NULL", "column core.users.last_name: not null no"),
        ("ALTER TABLE core.users DROP COLUMN title", "column core.users.title: missing"),
        (
            "ALTER TABLE core.tenants DROP CONSTRAINT ck_tenants_status,
             ADD CONSTRAINT ck_tenants_status CHECK (status IN ('ACTIVE'))",
            "check core.tenants: ck_tenants_status: expression ((status)::text = 'ACTIVE'::text)",
        ),
        (
            "ALTER TABLE agentops.users ALTER role SET DEFAULT 'owner'",
            "column agentops.users.role: default 'owner'::text",
        ),
        ("DROP INDEX saas.idx_incidents_open", "index saas.incidents: idx_incidents_open: missing"),
        (
            "DROP INDEX saas.idx_incidents_open; CREATE INDEX idx_incidents_open ON saas.incidents (status, severity)",
            "index saas.incidents: idx_incidents_open: predicate none",
        ),
        (
            "ALTER TABLE agentops.users DISABLE TRIGGER trg_users_updated_at",
            "trigger agentops.users: trg_users_updated_at: enabled disabled",
        ),
        (
            "ALTER TABLE cutover.migrations_mig DROP CONSTRAINT fk_mig_sts_mig_status",
            "status column cutover.migrations_mig.mig_status: no rule",
        ),
        (
            "ALTER SEQUENCE cutover.teams_tms_tms_id_seq INCREMENT 2",
            "sequence cutover.teams_tms_tms_id_seq: increment 2",
        ),
        (
            "CREATE OR REPLACE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT NULL::uuid'",
            "function auth.uid(): settings ()",
        ),
    ] {
        client.batch_execute(&format!("BEGIN; {change}"))?;
        let named = wrong(&mut client)?;
        client.batch_execute("ROLLBACK")?;
        assert!(named.iter().any(|line| line == expected), "{change}: {named:?}");
    }
    // What people add is theirs.
    client.batch_execute("ALTER TABLE core.users ADD nickname text; CREATE TABLE core.mine (i int)")?;
    assert_eq!(wrong(&mut client)?, Vec::<String>::new());
    Ok(())
}

/// An expression that calls a function of the table's owner never runs it with the caller's rights.
#[test]
fn validate_does_not_run_code_of_others_as_the_caller() -> Result<()> {
    let role = server().role("owner")?;
    let db = canon_database("owner_code")?;
    let mut admin = db.connect()?;
    admin.batch_execute(&format!("GRANT CREATE ON DATABASE {} TO {role}", canon_tests::quote_ident(db.name())))?;
    let mut owner = db.connect_as(role.name())?;
    owner.batch_execute(
        "SELECT canon.install('core');
         CREATE FUNCTION core.spy(text) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS
             $$ BEGIN RAISE WARNING 'ran as %', CURRENT_USER; PERFORM 1 FROM pg_authid; RETURN true; END $$;
         ALTER TABLE core.tenants DROP CONSTRAINT ck_tenants_status,
             ADD CONSTRAINT ck_tenants_status CHECK (core.spy('constant')) NOT VALID;",
    )?;
    // As superuser: the function would be able to read pg_authid if it ran with these rights.
    let named = wrong(&mut admin)?;
    assert!(named.iter().any(|line| line.contains("ck_tenants_status")), "{named:?}");
    let output = capture(db.program("psql").args(["-X", "-c", "SELECT count(*) FROM canon.validate()"]))?;
    assert!(!output.contains("ran as postgres"), "{output}");
    Ok(())
}

#[test]
fn uninstall_keeps_what_is_yours() -> Result<()> {
    let db = canon_database("uninstall")?;
    let mut client = db.connect()?;
    // What was recorded would stay, and keep the extension.
    client.batch_execute("SET canon.audit_packs = off; SELECT canon.install('all')")?;
    let in_use = SqlState::DEPENDENT_OBJECTS_STILL_EXIST;
    for (change, detail) in [
        ("INSERT INTO cutover.teams_tms (tms_name) VALUES ('mine')", "cutover.teams_tms: 1 row"),
        ("UPDATE cutover.status_sts SET sts_color = '#000000' WHERE sts_id = 1", "cutover.status_sts: 31 row"),
        ("DELETE FROM cutover.step_types_stt WHERE stt_code <> 'TRT'", "cutover.step_types_stt: 1 row"),
        ("CREATE VIEW public.v AS SELECT sts_id FROM cutover.status_sts", "view public.v"),
        ("CREATE TABLE cutover.mine (i int)", "table cutover.mine depends on schema cutover"),
        ("CREATE TABLE public.t (id int REFERENCES cutover.status_sts)", "constraint t_id_fkey on table public.t"),
    ] {
        client.batch_execute(&format!("BEGIN; {change}; SAVEPOINT s"))?;
        let refusal = refused(&mut client, "SELECT canon.uninstall('cutover')", &in_use)?;
        assert!(refusal.detail().is_some_and(|d| d.contains(detail)), "{change}: {refusal:?}");
        client.batch_execute("ROLLBACK TO s")?;
        client.batch_execute(refusal.hint().context("no hint")?)?;
        client.batch_execute("ROLLBACK")?;
    }
    let removed = actions(&mut client, "SELECT * FROM canon.uninstall('all')")?;
    assert!(removed.iter().all(|(_, action)| action == "removed"), "{removed:?}");
    let again = actions(&mut client, "SELECT * FROM canon.uninstall('all')")?;
    assert!(again.iter().all(|(_, action)| action == "not installed"), "{again:?}");
    client.batch_execute("DROP EXTENSION pg_canon")?;
    Ok(())
}

#[test]
fn dump_and_restore_keep_packs_and_rows() -> Result<()> {
    let from = canon_database("pack_dump_from")?;
    let mut client = from.connect()?;
    client.batch_execute(
        "SET canon.audit_packs = off; -- A ledger goes on when it is restored, and has tests of its own.
         SELECT canon.install('all');
         INSERT INTO cutover.teams_tms (tms_name) VALUES ('mine');
         INSERT INTO core.tenants (name, slug, settings) VALUES ('T', 't', '{\"a\": [1]}');
         UPDATE cutover.status_sts SET sts_color = '#123456' WHERE sts_id = 31;",
    )?;
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("dump.sql");
    capture(from.program("pg_dump").arg("--file").arg(&file))?;
    let to = database("pack_dump_to")?;
    capture(to.program("psql").args(["-X", "-q", "--set=ON_ERROR_STOP=1", "--file"]).arg(&file))?;
    let mut restored = to.connect()?;
    assert_eq!(wrong(&mut restored)?, Vec::<String>::new());
    for schema in ["agentops", "auth", "core", "cutover", "saas", "canon"] {
        let (before, after) = (rows(&mut client, schema)?, rows(&mut restored, schema)?);
        assert_eq!(before, after, "{schema}");
    }
    refused(&mut restored, "DROP EXTENSION pg_canon", &SqlState::DEPENDENT_OBJECTS_STILL_EXIST)?;
    assert_eq!(rows(&mut client, "cutover")?, rows(&mut restored, "cutover")?, "no row was removed");
    // The restored database knows which rows are the pack's own.
    restored.batch_execute("SELECT canon.uninstall('agentops')")?;
    refused(&mut restored, "SELECT canon.uninstall('core')", &SqlState::DEPENDENT_OBJECTS_STILL_EXIST)?;
    Ok(())
}

/// The rows of every table of a schema, as one text.
fn rows(client: &mut Client, schema: &str) -> Result<String> {
    let sql = "SELECT schema_to_xml($1::name, true, false, '')::text";
    Ok(client.query_one(sql, &[&schema])?.get(0))
}
