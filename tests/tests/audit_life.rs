//! What happens to a ledger in its life, none of which is an alarm: settings, changes of tables,
//! dumps, erasures, savepoints, prepared transactions, load. And the death of its server.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use canon_tests::{Database, PrivateCluster, canon_database, database, refused, server, wait_until};
use postgres::Client;
use postgres::error::SqlState;

fn verify(client: &mut Client) -> Result<(bool, i64, Option<i64>, String)> {
    client.query_one("SELECT canon.audit_seal()", &[])?;
    let sql = "SELECT ok, entries, first_bad, COALESCE(problem, '') FROM canon.audit_verify(live => true)";
    let row = client.query_one(sql, &[])?;
    Ok((row.get(0), row.get(1), row.get(2), row.get(3)))
}

fn assert_good(client: &mut Client, after: &str) -> Result<i64> {
    let (ok, entries, first_bad, problem) = verify(client)?;
    ensure!(ok, "after {after}: entry {first_bad:?}: {problem}");
    Ok(entries)
}

/// Every type whose text or comparison depends on something, and awkward values of it.
const TYPES: &str = "CREATE TYPE mood AS ENUM ('calm', 'glad');
    CREATE DOMAIN cents AS numeric(12, 2);
    CREATE TABLE kinds (id int PRIMARY KEY, b bool, i2 int2, i8 int8, f4 float4, f8 float8, n numeric, c cents, t text,
        v varchar(9), ch char(5), by bytea, u uuid, tz timestamptz, ts timestamp, d date, ti time, tt timetz, iv interval,
        j json, jb jsonb, a int[], ta timestamptz[], m mood, r tstzrange, ip inet, big text, mon money, x xml,
        g int GENERATED ALWAYS AS (id * 2) STORED);
    SELECT canon.audit_enable('kinds');
    INSERT INTO kinds VALUES (1, true, -3, 9007199254740993, 0.1, 1e300, 12345.6780, -0.05, E'tab\\tquote''', 'Zoë', 'ab',
        '\\x00ff', '11111111-1111-1111-1111-111111111111', '2024-02-29 23:59:59.999999+05', '2024-02-29 12:00', '0044-03-15 BC',
        '23:59:59.5', '12:00:00-08', '1 year 2 mons -3 days 04:05:06.7', '{\"a\":  1}', '{\"b\": 1.10, \"a\": [1]}', '{1,NULL}',
        '{2024-01-01 00:00+00}', 'glad', '[2024-01-01 00:00+00,)', '10.0.0.1/8', repeat('toast ', 20000), 12.5, '<a/>'),
        (2, NULL, NULL, NULL, 'NaN', '-Infinity', 'NaN', NULL, '', NULL, NULL, NULL, NULL, 'infinity', '-infinity', 'infinity',
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)";

#[test]
fn settings_change_no_verdict() -> Result<()> {
    let db = canon_database("audit_settings")?;
    let mut client = db.connect()?;
    client.batch_execute(TYPES)?;
    assert_good(&mut client, "recording")?;
    for setting in [
        "TimeZone = 'Asia/Kolkata'",
        "DateStyle = 'SQL, DMY'",
        "IntervalStyle = 'iso_8601'",
        "extra_float_digits = -5",
        "bytea_output = 'escape'",
        "lc_monetary = 'C'",
        "xmlbinary = 'hex'",
        "standard_conforming_strings = off",
        "quote_all_identifiers = on",
        "search_path = ''",
        "client_encoding = 'LATIN1'",
        "xmloption = 'document'",
        "lc_numeric = 'C'",
        "lc_time = 'C'",
        "array_nulls = off",
        "escape_string_warning = off",
        "backslash_quote = off",
        "default_toast_compression = 'pglz'",
        "timezone_abbreviations = 'India'",
        "enable_seqscan = off",
        "default_transaction_isolation = 'serializable'",
    ] {
        client.batch_execute(&format!("SET {setting}"))?;
        // A serializable transaction may have to be repeated, as the worker seals meanwhile.
        let refused_by_the_worker = |error: &anyhow::Error| {
            error.downcast_ref().and_then(postgres::Error::code) == Some(&SqlState::T_R_SERIALIZATION_FAILURE)
        };
        while let Err(error) = client
            .batch_execute("UPDATE public.kinds SET big = big || 'x', iv = iv + interval '1 s' WHERE id = 1")
            .map_err(anyhow::Error::from)
            .and_then(|()| assert_good(&mut client, setting))
        {
            ensure!(refused_by_the_worker(&error), "{error:#}");
        }
    }
    Ok(())
}

#[test]
fn changes_of_a_table_are_no_alarm() -> Result<()> {
    let db = canon_database("audit_ddl")?;
    let mut client = db.connect()?;
    client.batch_execute(TYPES)?;
    for ddl in [
        "ALTER TABLE kinds ADD COLUMN later int",
        "UPDATE kinds SET later = 7",
        "ALTER TABLE kinds ADD COLUMN constant int DEFAULT 3",
        "ALTER TABLE kinds DROP COLUMN t",
        "ALTER TABLE kinds RENAME COLUMN v TO renamed",
        "VACUUM FULL kinds",
        "VACUUM FULL canon.audit_entry",
        "CLUSTER canon.audit_position USING pk_audit_position",
        "REINDEX TABLE canon.audit_position",
        "ALTER TABLE kinds RENAME TO kinds2",
        "INSERT INTO kinds2 (id, i8) VALUES (3, 3)",
        "CREATE SCHEMA elsewhere",
        "ALTER TABLE kinds2 SET SCHEMA elsewhere",
        "DELETE FROM elsewhere.kinds2 WHERE id = 3",
    ] {
        client.batch_execute(ddl).context(ddl)?;
        client.query_one("SELECT canon.audit_seal()", &[])?;
        let row = client.query_one("SELECT ok, COALESCE(problem, '') FROM canon.audit_verify()", &[])?;
        ensure!(row.get::<_, bool>(0), "after {ddl}: {}", row.get::<_, String>(1));
    }
    let commands: i64 = client.query_one("SELECT count(*) FROM canon.audit_entry WHERE operation = 'DDL'", &[])?.get(0);
    assert!(commands >= 6, "{commands} changes of definitions recorded");
    client.batch_execute("DROP TABLE elsewhere.kinds2")?;
    assert_good(&mut client, "DROP TABLE")?;
    Ok(())
}

#[test]
fn a_dump_restored_elsewhere_verifies_and_goes_on() -> Result<()> {
    let db = canon_database("audit_dumped")?;
    let mut client = db.connect()?;
    client.batch_execute(TYPES)?;
    let sealed = assert_good(&mut client, "recording")?;
    client.batch_execute("UPDATE kinds SET i8 = 1")?; // may or may not be sealed when it is dumped
    let dump = db.program("pg_dump").output()?;
    ensure!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    let copy = database("audit_restored")?;
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), &dump.stdout)?;
    let mut psql = copy.program("psql");
    psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--output=/dev/null"])
        .stdin(std::fs::File::open(file.path())?);
    canon_tests::capture(&mut psql)?;
    let mut client = copy.connect()?;
    let entries = assert_good(&mut client, "restore")?;
    assert!(entries > sealed, "{entries} entries after the restore, {sealed} before the dump");
    client.batch_execute("UPDATE kinds SET i8 = 2")?;
    assert_good(&mut client, "a change after the restore")?;
    let incarnations =
        client.query_one("SELECT count(DISTINCT incarnation), max(incarnation) FROM canon.audit_block", &[])?;
    assert_eq!((incarnations.get::<_, i64>(0), incarnations.get::<_, i32>(1)), (2, 2));
    let restores: i64 =
        client.query_one("SELECT count(*) FROM canon.audit_entry WHERE operation = 'RESTORE'", &[])?.get(0);
    assert_eq!(restores, 1);
    Ok(())
}

fn simple(name: &str) -> Result<(Database, Client)> {
    let db = canon_database(name)?;
    let mut client = db.connect()?;
    client.batch_execute("CREATE TABLE t (id int PRIMARY KEY, v text); SELECT canon.audit_enable('t')")?;
    Ok((db, client))
}

fn recorded_keys(client: &mut Client) -> Result<Vec<String>> {
    let sql =
        "SELECT row_key FROM canon.audit_log WHERE operation = 'INSERT' AND position IS NOT NULL ORDER BY row_key::int";
    Ok(client.query(sql, &[])?.iter().map(|row| row.get(0)).collect())
}

#[test]
fn savepoints_and_open_transactions_neither_lose_nor_hold_up() -> Result<()> {
    let (db, mut client) = simple("audit_savepoints")?;
    let mut slow = db.connect()?;
    slow.batch_execute(
        "BEGIN; INSERT INTO t VALUES (1, 'slow'); SAVEPOINT s; INSERT INTO t VALUES (2, 'gone'); ROLLBACK TO s;
        SAVEPOINT s2; INSERT INTO t VALUES (3, 'kept'); RELEASE s2",
    )?;
    client.batch_execute("INSERT INTO t VALUES (4, 'quick')")?;
    assert_good(&mut client, "an open transaction")?;
    assert_eq!(recorded_keys(&mut client)?, ["4"], "the open transaction holds up its own entries only");
    slow.batch_execute("COMMIT")?;
    assert_good(&mut client, "its commit")?;
    assert_eq!(recorded_keys(&mut client)?, ["1", "3", "4"]);
    slow.batch_execute("BEGIN; INSERT INTO t VALUES (5, 'x'); ROLLBACK")?;
    assert_good(&mut client, "a rollback")?;
    assert_eq!(recorded_keys(&mut client)?.len(), 3);
    Ok(())
}

#[test]
fn prepared_transactions_are_sealed_when_they_are_committed() -> Result<()> {
    let cluster = PrivateCluster::start_new(&server(), &[("max_prepared_transactions", "4")])?;
    let db = cluster.server().database("prepared")?;
    let mut client = db.connect()?;
    client.batch_execute(
        "CREATE EXTENSION pg_canon; CREATE TABLE t (id int PRIMARY KEY, v text); SELECT canon.audit_enable('t')",
    )?;
    client.batch_execute("BEGIN; INSERT INTO t VALUES (1, 'a'); PREPARE TRANSACTION 'one'")?;
    client.batch_execute("BEGIN; INSERT INTO t VALUES (2, 'b'); PREPARE TRANSACTION 'two'")?;
    client.batch_execute("INSERT INTO t VALUES (3, 'c')")?;
    assert_good(&mut client, "PREPARE")?;
    // The worker may have been sealing an older snapshot just then.
    client.query_one("SELECT canon.audit_await_seal()", &[])?;
    assert_eq!(recorded_keys(&mut client)?, ["3"]);
    cluster.kill_postmaster()?;
    cluster.start()?;
    let mut client = db.connect()?;
    client.batch_execute("COMMIT PREPARED 'one'")?;
    client.batch_execute("ROLLBACK PREPARED 'two'")?;
    assert_good(&mut client, "COMMIT PREPARED")?;
    client.query_one("SELECT canon.audit_await_seal()", &[])?;
    assert_eq!(recorded_keys(&mut client)?, ["1", "3"]);
    Ok(())
}

/// Two sealers and many writers with rollbacks: everything committed is sealed, once.
#[test]
fn load_with_rollbacks_and_two_sealers_is_sealed_once_and_whole() -> Result<()> {
    const WRITERS: i32 = 32;
    const EACH: i32 = 40;
    let cluster = PrivateCluster::start_new(&server(), &[("canon.audit_seal_interval", "10ms")])?;
    let db = cluster.server().database("load")?;
    let mut client = db.connect()?;
    client.batch_execute("CREATE EXTENSION pg_canon; CREATE TABLE t (id int PRIMARY KEY, v text);
        CREATE TABLE strict (id int PRIMARY KEY); CREATE TABLE lanes (id int PRIMARY KEY);
        SELECT canon.audit_enable('t'); SELECT canon.audit_enable('strict', mode => 'strict'); SELECT canon.audit_enable('lanes', mode => 'lanes')")?;
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| -> Result<()> {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let db = &db;
                scope.spawn(move || -> Result<()> {
                    let mut client = db.connect()?;
                    for k in 0..EACH {
                        let id = writer * EACH + k;
                        let end = if k % 10 == 9 { "ROLLBACK" } else { "COMMIT" };
                        let table = match k % 8 {
                            0 => "strict",
                            1 => "lanes",
                            _ => "t",
                        };
                        let columns = if table == "t" { "(id, v)" } else { "(id)" };
                        let values = if table == "t" { format!("({id}, 'v')") } else { format!("({id})") };
                        client
                            .batch_execute(&format!("BEGIN; INSERT INTO {table} {columns} VALUES {values}; {end}"))?;
                    }
                    Ok(())
                })
            })
            .collect();
        let sealer = scope.spawn(|| -> Result<()> {
            let mut client = db.connect()?;
            while !done.load(Ordering::Relaxed) {
                client.query_one("SELECT canon.audit_seal()", &[])?;
                std::thread::sleep(Duration::from_millis(3));
            }
            Ok(())
        });
        let results: Vec<_> = writers.into_iter().map(|writer| writer.join().expect("a writer panicked")).collect();
        done.store(true, Ordering::Relaxed);
        sealer.join().expect("the sealer panicked")?;
        results.into_iter().collect()
    })?;
    client.query_one("SELECT canon.audit_await_seal()", &[])?;
    assert_good(&mut client, "load")?;
    let counts = client.query_one(
        "SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM strict) + (SELECT count(*) FROM lanes),
             count(*) FILTER (WHERE operation = 'INSERT'), count(DISTINCT position), max(position) + 1, count(*)
         FROM canon.audit_log",
        &[],
    )?;
    let rows: i64 = counts.get(0);
    assert_eq!(rows, i64::from(WRITERS * EACH / 10 * 9));
    assert_eq!(counts.get::<_, i64>(1), rows);
    assert_eq!(
        (counts.get::<_, i64>(2), counts.get::<_, i64>(3)),
        (counts.get(4), counts.get(4)),
        "positions are dense"
    );
    Ok(())
}

/// SIGKILL of the server, or of its worker, at random times under load.
#[test]
fn nothing_committed_is_lost_or_sealed_twice_when_processes_die() -> Result<()> {
    let times: u32 = std::env::var("PG_CANON_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(8);
    let cluster = PrivateCluster::start_new(&server(), &[("canon.audit_seal_interval", "10ms")])?;
    let db = cluster.server().database("killed")?;
    db.connect()?.batch_execute(
        "CREATE EXTENSION pg_canon; CREATE TABLE t (id serial PRIMARY KEY, v text); SELECT canon.audit_enable('t')",
    )?;
    let mut committed: i64 = 0;
    for round in 0..times {
        let stop = AtomicBool::new(false);
        committed += std::thread::scope(|scope| -> Result<i64> {
            let writers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let mut count = 0;
                        let Ok(mut client) = db.connect() else { return 0 };
                        while !stop.load(Ordering::Relaxed)
                            && client.batch_execute("INSERT INTO t (v) VALUES ('x')").is_ok()
                        {
                            count += 1;
                        }
                        count
                    })
                })
                .collect();
            // Times that are spread over the work of a sealing run.
            std::thread::sleep(Duration::from_millis(60 + u64::from(round * 37 % 91)));
            let worker: Option<i32> = cluster
                .server()
                .admin()?
                .query_opt(
                    "SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_canon worker' AND datname = $1",
                    &[&db.name()],
                )?
                .map(|row| row.get(0));
            match worker {
                Some(pid) if round % 2 == 0 => cluster.kill_backend(pid)?,
                _ => {
                    cluster.kill_postmaster()?;
                    cluster.start()?;
                }
            }
            stop.store(true, Ordering::Relaxed);
            Ok(writers.into_iter().map(|writer| writer.join().unwrap_or(0)).sum())
        })?;
        let ready = wait_until(|| db.connect().is_ok());
        ensure!(ready, "{}", cluster.log_tail(30));
    }
    let mut client = db.connect()?;
    client.query_one("SELECT canon.audit_await_seal(60000)", &[])?;
    assert_good(&mut client, "kills")?;
    let row = client.query_one("SELECT (SELECT count(*) FROM t), count(*) FROM canon.audit_log WHERE operation = 'INSERT' AND position IS NOT NULL", &[])?;
    let (rows, entries): (i64, i64) = (row.get(0), row.get(1));
    assert_eq!(rows, entries);
    assert!(rows >= committed && committed > 0, "{committed} commits were confirmed, {rows} rows are there");
    Ok(())
}

#[test]
fn erased_content_is_gone_and_verifies() -> Result<()> {
    let (_db, mut client) = simple("audit_redact")?;
    client.batch_execute("INSERT INTO t VALUES (1, 'personal'), (2, 'other')")?;
    client.query_one("SELECT canon.audit_seal()", &[])?;
    let entry: i64 = client.query_one("SELECT id FROM canon.audit_entry WHERE row_key = '1'", &[])?.get(0);
    let by: i64 =
        client.query_one("SELECT canon.audit_redact(ARRAY[$1::bigint], 'erasure request')", &[&entry])?.get(0);
    client.query_one("SELECT canon.audit_seal()", &[])?;
    let row = client.query_one("SELECT ok, redacted FROM canon.audit_verify()", &[])?;
    assert_eq!((row.get::<_, bool>(0), row.get::<_, i64>(1)), (true, 1));
    let left: i64 = client
        .query_one(
            "SELECT count(*) FROM canon.audit_entry WHERE encode(new_row, 'escape') LIKE '%personal%' OR row_key = '1'",
            &[],
        )?
        .get(0);
    assert_eq!(left, 0);
    assert!(by > entry);
    let refusal =
        refused(&mut client, "SELECT canon.audit_redact(ARRAY[99999]::bigint[], 'x')", &SqlState::NO_DATA_FOUND)?;
    assert_eq!(refusal.message(), "there is no entry 99999 in the audit ledger");
    Ok(())
}

#[test]
fn history_tells_what_a_row_was_and_undoes_a_change() -> Result<()> {
    let (_db, mut client) = simple("audit_history")?;
    client.batch_execute("INSERT INTO t VALUES (1, 'a')")?;
    let before: std::time::SystemTime = client.query_one("SELECT clock_timestamp()", &[])?.get(0);
    client.batch_execute("UPDATE t SET v = 'b''c' WHERE id = 1")?;
    client.batch_execute("UPDATE t SET v = NULL WHERE id = 1")?;
    let now: std::time::SystemTime = client.query_one("SELECT clock_timestamp()", &[])?.get(0);
    let text =
        |client: &mut Client, sql: &str| -> Result<String> { Ok(client.query_one(sql, &[&before, &now])?.get(0)) };
    assert_eq!(
        text(&mut client, "SELECT canon.audit_row_at('t', '1', $1)::text || canon.audit_row_at('t', '1', $2)::text")?,
        "{\"v\": \"a\", \"id\": 1}{\"id\": 1}"
    );
    assert_eq!(
        text(
            &mut client,
            "SELECT string_agg(\"column\" || before::text || COALESCE(after::text, '-'), ',') FROM canon.audit_diff('t', '1', $1, $2)"
        )?,
        "v\"a\"-"
    );
    let history: i64 = client.query_one("SELECT count(*) FROM canon.audit_history('t', '1')", &[])?.get(0);
    assert_eq!(history, 3);
    // Undone from the last change to the first, the table is as it was.
    client.batch_execute("DELETE FROM t")?;
    let entries = client.query("SELECT id FROM canon.audit_entry WHERE row_key = '1' ORDER BY id DESC", &[])?;
    for entry in &entries {
        let undo: String = client.query_one("SELECT canon.audit_undo($1)", &[&entry.get::<_, i64>(0)])?.get(0);
        client.batch_execute(&undo).with_context(|| undo.clone())?;
    }
    let left: i64 = client.query_one("SELECT count(*) FROM t", &[])?.get(0);
    assert_eq!(left, 0);
    assert_good(&mut client, "undoing")?;
    Ok(())
}

/// A log table with hash columns of its own, a chain for each tenant.
#[test]
fn a_log_table_becomes_tamper_evident() -> Result<()> {
    let db = canon_database("audit_log_table")?;
    let mut client = db.connect()?;
    client.batch_execute("CREATE TABLE log (id bigserial PRIMARY KEY, tenant int, what text, previous_hash text, audit_chain_hash text, verified boolean DEFAULT false);
        INSERT INTO log (tenant, what) VALUES (1, 'before')")?;
    client.batch_execute("SELECT canon.audit_seal_table('log', chain_by => 'tenant')")?;
    client
        .batch_execute("INSERT INTO log (tenant, what) SELECT 1 + g % 2, 'row ' || g FROM generate_series(1, 6) g")?;
    assert_good(&mut client, "sealing")?;
    let rows = client.query("SELECT tenant, previous_hash, audit_chain_hash, verified FROM log ORDER BY id", &[])?;
    assert_eq!(rows.len(), 7);
    for tenant in [1, 2] {
        let chain: Vec<_> = rows.iter().filter(|row| row.get::<_, i32>(0) == tenant).collect();
        assert!(chain.windows(2).all(|pair| pair[0].get::<_, &str>(2) == pair[1].get::<_, &str>(1)), "tenant {tenant}");
    }
    assert!(rows.iter().all(|row| row.get::<_, bool>(3)), "verified");
    refused(&mut client, "UPDATE log SET what = 'x' WHERE id = 3", &SqlState::INSUFFICIENT_PRIVILEGE)?;
    refused(&mut client, "DELETE FROM log WHERE id = 3", &SqlState::INSUFFICIENT_PRIVILEGE)?;
    refused(&mut client, "TRUNCATE log", &SqlState::INSUFFICIENT_PRIVILEGE)?;
    for (change, expected) in [
        ("UPDATE log SET what = 'x' WHERE id = 3", "column what of row 3 of public.log is not as recorded"),
        ("UPDATE log SET tenant = 2 WHERE id = 1", "column tenant of row 1 of public.log is not as recorded"),
        (
            "UPDATE log SET audit_chain_hash = md5('x') WHERE id = 4",
            "the hashes of row 4 of public.log are not those of the ledger",
        ),
        ("DELETE FROM log WHERE id = 5", "row 5 of public.log is missing"),
    ] {
        client.batch_execute("BEGIN; SET LOCAL session_replication_role = replica")?;
        client.batch_execute(change)?;
        let row = client.query_one("SELECT ok, COALESCE(problem, '') FROM canon.audit_verify()", &[])?;
        assert!(!row.get::<_, bool>(0) && row.get::<_, &str>(1) == expected, "{change}: {}", row.get::<_, &str>(1));
        client.batch_execute("ROLLBACK")?;
    }
    Ok(())
}

#[test]
fn what_cannot_be_recorded_is_refused_with_the_reason() -> Result<()> {
    let (db, mut client) = simple("audit_refusals")?;
    client
        .batch_execute("CREATE VIEW v AS SELECT 1 AS id; CREATE TEMP TABLE tmp (id int); CREATE TABLE bare (a int)")?;
    for (sql, code, message) in [
        ("SELECT canon.audit_enable('v')", &SqlState::WRONG_OBJECT_TYPE, "public.v cannot be recorded: it is a view"),
        (
            "SELECT canon.audit_enable('canon.audit_entry')",
            &SqlState::WRONG_OBJECT_TYPE,
            "canon.audit_entry cannot be recorded: it is a table of the system or of the ledger",
        ),
        (
            "SELECT canon.audit_enable('t', mode => 'fast')",
            &SqlState::INVALID_PARAMETER_VALUE,
            "mode cannot be \"fast\"",
        ),
        (
            "SELECT canon.audit_enable('t', exclude_columns => '{nope}')",
            &SqlState::UNDEFINED_COLUMN,
            "table public.t has no column \"nope\"",
        ),
        (
            "SELECT canon.audit_enable('t', redacted_columns => '{id}')",
            &SqlState::INVALID_PARAMETER_VALUE,
            "redacted_columns cannot be \"id\"",
        ),
        (
            "SELECT canon.audit_disable('bare')",
            &SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            "table public.bare is not recorded",
        ),
        ("SELECT canon.audit_prove(12345)", &SqlState::NO_DATA_FOUND, "there is no entry 12345 in the audit ledger"),
    ] {
        let refusal = refused(&mut client, sql, code)?;
        assert_eq!(refusal.message(), message, "{sql}");
    }
    assert!(
        refused(&mut client, "SELECT canon.audit_enable('tmp')", &SqlState::WRONG_OBJECT_TYPE)?
            .message()
            .ends_with("it is a temporary table")
    );
    client.batch_execute("SELECT canon.audit_enable('bare'); INSERT INTO bare VALUES (1); UPDATE bare SET a = 2")?;
    // A role without rights on the ledger writes to a recorded table, and to nothing of the ledger.
    let role = db.server().role("writer")?;
    client.batch_execute(&format!("GRANT INSERT, UPDATE ON t TO {role}"))?;
    let mut writer = db.connect_as(role.name())?;
    writer.batch_execute("INSERT INTO t VALUES (7, 'by a writer')")?;
    for sql in [
        "SELECT * FROM canon.audit_entry",
        "SELECT * FROM canon.audit_verify()",
        "SELECT canon.audit_disable('t')",
        "SELECT canon.audit_redact('{1}', 'x')",
        "SELECT canon.audit_export()",
    ] {
        refused(&mut writer, sql, &SqlState::INSUFFICIENT_PRIVILEGE)?;
    }
    let actor: String = client.query_one("SELECT actor FROM canon.audit_entry WHERE row_key = '7'", &[])?.get(0);
    assert_eq!(actor, role.name());
    assert_good(&mut client, "a writer")?;
    client.batch_execute(&format!("REVOKE ALL ON t FROM {role}"))?;
    Ok(())
}

/// Partitions, COPY, masked and excluded columns, replication roles.
#[test]
fn every_way_to_change_a_table_is_recorded() -> Result<()> {
    let db = canon_database("audit_ways")?;
    let mut client = db.connect()?;
    client.batch_execute(
        "CREATE TABLE p (id int, k int, secret text, noise text, PRIMARY KEY (id, k)) PARTITION BY RANGE (k);
        CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)",
    )?;
    client.batch_execute("SELECT canon.audit_enable('p', redacted_columns => '{secret}', exclude_columns => '{noise}', enable_always => true)")?;
    client.batch_execute("CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20)")?;
    client.batch_execute("INSERT INTO p VALUES (1, 1, 'hidden', 'n'), (2, 11, 'hidden', 'n'); UPDATE p SET noise = 'm'; UPDATE p SET k = 12 WHERE id = 1")?;
    db.psql("COPY p FROM PROGRAM 'printf ''3\\t3\\thidden\\tn\\n'''")?;
    client.batch_execute("SET session_replication_role = replica; DELETE FROM p WHERE id = 2; RESET session_replication_role; TRUNCATE p1")?;
    let found: Vec<String> = client
        .query("SELECT operation || ' ' || COALESCE(row_key, '') FROM canon.audit_log WHERE operation <> 'ENABLE' AND operation <> 'DDL' ORDER BY id", &[])?
        .iter().map(|row| row.get(0)).collect();
    assert_eq!(
        found,
        [
            "INSERT [\"1\",\"1\"]",
            "INSERT [\"2\",\"11\"]",
            "DELETE [\"1\",\"1\"]",
            "INSERT [\"1\",\"12\"]",
            "INSERT [\"3\",\"3\"]",
            "DELETE [\"2\",\"11\"]",
            "TRUNCATE "
        ]
    );
    let hidden: i64 = client.query_one("SELECT count(*) FROM canon.audit_entry WHERE encode(COALESCE(new_row, old_row), 'escape') ~ 'hidden|noise' AND operation IN ('INSERT', 'UPDATE', 'DELETE')", &[])?.get(0);
    assert_eq!(hidden, 0);
    let masked: i64 =
        client.query_one("SELECT count(*) FROM canon.audit_log WHERE new_row->>'secret' = '(masked)'", &[])?.get(0);
    assert_eq!(masked, 4);
    client.query_one("SELECT canon.audit_seal()", &[])?;
    assert!(client.query_one("SELECT ok FROM canon.audit_verify()", &[])?.get::<_, bool>(0));
    Ok(())
}

/// Rows that leave with their partition are not missing, and those of other partitions stay known.
#[test]
fn partitions_come_and_go() -> Result<()> {
    let (_db, mut client) = simple("audit_partitions")?;
    client.batch_execute(
        "CREATE TABLE log (id int PRIMARY KEY, what text) PARTITION BY RANGE (id);
         CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (0) TO (10);
         CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (id);
         CREATE TABLE log_2a PARTITION OF log_2 FOR VALUES FROM (10) TO (15);
         CREATE TABLE log_2b PARTITION OF log_2 FOR VALUES FROM (15) TO (20);
         CREATE TABLE \"lo'g 3\" PARTITION OF log FOR VALUES FROM (20) TO (30);
         SELECT canon.audit_enable('log')",
    )?;
    for step in [
        "INSERT INTO log SELECT n, 'x' FROM generate_series(1, 29) n",
        "TRUNCATE log_1",
        "INSERT INTO log VALUES (1, 'again'), (2, 'again')",
        "TRUNCATE log_2",
        "INSERT INTO log VALUES (11, 'a'), (12, 'a'), (16, 'b'), (17, 'b')",
        "ALTER TABLE log_2a RENAME TO log_2x; TRUNCATE log_2x",
        "UPDATE log SET id = 13 WHERE id = 16",
        "ALTER TABLE log_2 DETACH PARTITION log_2x; DELETE FROM log_2x",
        "INSERT INTO log_2x VALUES (14, 'outside'); ALTER TABLE log_2 ATTACH PARTITION log_2x FOR VALUES FROM (10) TO (15)",
        "UPDATE log SET what = 'inside' WHERE id = 14",
        "ALTER TABLE log RENAME TO trail; ALTER TABLE log_1 RENAME TO trail_1",
        "TRUNCATE trail_1; INSERT INTO trail VALUES (3, 'more')",
        "DROP TABLE \"lo'g 3\"",
        "TRUNCATE trail",
        "INSERT INTO trail VALUES (4, 'last'), (18, 'last')",
        "DROP TABLE log_2",
    ] {
        client.batch_execute(step)?;
        assert_good(&mut client, step)?;
    }
    // It still sees what happens past the trigger.
    client.batch_execute("SET session_replication_role = replica; DELETE FROM trail WHERE id = 4")?;
    let (ok, _, _, problem) = verify(&mut client)?;
    assert!(!ok && problem == "row 4 of public.trail is missing", "{problem}");
    Ok(())
}
