//! Status machines against no trigger and triggers written by hand.

use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use xtask::{Database, Server};

use crate::case::{Benchmark, Case, Round};
use crate::{Unit, throughput};

/// Bulk updates and single updates of guarded columns.
pub(crate) const STATUS: Benchmark =
    Benchmark { name: "status", about: "status machines against triggers written by hand", cases };

const ROWS: u32 = 100_000;
const MANY_ROWS: u32 = 1_000_000;

/// Tables of the same rows: their only difference is what watches over the status.
const SETUP: &str = r#"
CREATE EXTENSION pg_canon;
SELECT canon.status_define('{"name": "m", "states": ["a", "b", "c"], "initial": ["a"], "terminal": ["c"], "transitions": [
    {"event": "go", "from": "a", "to": "b"}, {"event": "back", "from": "b", "to": "a"}, {"event": "end", "from": "b", "to": "c"}]}');
CREATE TABLE rule (from_status text, to_status text, PRIMARY KEY (from_status, to_status));
INSERT INTO rule VALUES ('a', 'b'), ('b', 'a'), ('b', 'c');
CREATE FUNCTION hard_coded() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.status IS DISTINCT FROM OLD.status AND NOT (
        (OLD.status = 'a' AND NEW.status = 'b') OR (OLD.status = 'b' AND NEW.status IN ('a', 'c'))) THEN
        RAISE EXCEPTION 'from % to %', OLD.status, NEW.status USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION looked_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.status IS DISTINCT FROM OLD.status
        AND NOT EXISTS (SELECT FROM rule WHERE from_status = OLD.status AND to_status = NEW.status) THEN
        RAISE EXCEPTION 'from % to %', OLD.status, NEW.status USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
"#;

fn prepare(server: &Server) -> Result<Database> {
    let db = server.database("bench_status")?;
    let mut client = db.connect()?;
    client.batch_execute(SETUP)?;
    let small = ["free", "ours", "kept", "hard", "looked"].map(|table| (table, ROWS));
    let large = ["many_free", "many_ours", "many_hard", "many_kept", "many_after"].map(|table| (table, MANY_ROWS));
    for (table, rows) in small.into_iter().chain(large) {
        client.batch_execute(&format!(
            "CREATE UNLOGGED TABLE {table} (id int PRIMARY KEY, status text NOT NULL) WITH (fillfactor = 40, autovacuum_enabled = off);
             INSERT INTO {table} SELECT n, 'a' FROM generate_series(1, {rows}) n;"
        ))?;
    }
    client.batch_execute(
        "SELECT canon.status_guard('ours', 'status', 'm', history => false), canon.status_guard('kept', 'status', 'm');
         SELECT canon.status_guard('many_ours', 'status', 'm', history => false), canon.status_guard('many_kept', 'status', 'm');
         CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
         CREATE TRIGGER hard BEFORE UPDATE ON many_after FOR EACH ROW EXECUTE FUNCTION hard_coded();
         CREATE TRIGGER after AFTER UPDATE ON many_after FOR EACH ROW EXECUTE FUNCTION nothing();
         CREATE TRIGGER hard BEFORE UPDATE ON hard FOR EACH ROW EXECUTE FUNCTION hard_coded();
         CREATE TRIGGER hard BEFORE UPDATE ON many_hard FOR EACH ROW EXECUTE FUNCTION hard_coded();
         CREATE TRIGGER looked BEFORE UPDATE ON looked FOR EACH ROW EXECUTE FUNCTION looked_up();
         CREATE TABLE by_hand (LIKE status_history INCLUDING ALL);",
    )?;
    client.batch_execute("VACUUM")?;
    Ok(db)
}

/// Milliseconds of one UPDATE of all rows; `more` runs in the same transaction and counts too.
fn bulk(db: &Rc<Database>, table: &'static str, more: &'static str) -> impl FnMut(Round) -> Result<f64> + use<> {
    let db = Rc::clone(db);
    move |_| {
        let mut client = db.connect()?;
        client.batch_execute(&format!("VACUUM {table}"))?;
        client.batch_execute("TRUNCATE status_history, by_hand")?;
        let start = Instant::now();
        let update = format!("UPDATE {table} SET status = CASE status WHEN 'a' THEN 'b' ELSE 'a' END");
        client.batch_execute(&format!("BEGIN; {update}; {more}; COMMIT"))?;
        Ok(start.elapsed().as_secs_f64() * 1e3)
    }
}

/// Bytes that the memory of a server process grows by at most while it updates all of many rows in
/// one statement, for each row. Shared memory does not count.
fn memory(db: &Rc<Database>, table: &'static str) -> impl FnMut(Round) -> Result<f64> + use<> {
    let db = Rc::clone(db);
    move |_| {
        let mut client = db.connect()?;
        client.batch_execute(&format!("VACUUM {table}"))?;
        client.batch_execute("TRUNCATE status_history")?;
        let update = format!("UPDATE {table} SET status = CASE status WHEN 'a' THEN 'b' ELSE 'a' END");
        client.batch_execute(&format!("{update} WHERE id = 1"))?;
        let process: i32 = client.query_one("SELECT pg_catalog.pg_backend_pid()", &[])?.get(0);
        let before = private_memory(process)?;
        let done = AtomicBool::new(false);
        let most = std::thread::scope(|scope| {
            let watch = scope.spawn(|| -> Result<u64> {
                let mut most = before;
                while !done.load(Ordering::Relaxed) {
                    most = most.max(private_memory(process)?);
                    std::thread::sleep(Duration::from_millis(5));
                }
                Ok(most)
            });
            let updated = client.batch_execute(&update);
            done.store(true, Ordering::Relaxed);
            updated?;
            watch.join().expect("watching does not panic")
        })?;
        Ok((most - before) as f64 / f64::from(MANY_ROWS))
    }
}

/// Bytes of memory of a process that it shares with no other.
fn private_memory(process: i32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("no RssAnon")?;
    let kilobytes: u64 = line.trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes * 1024)
}

/// Updates of single rows in a second, each client in rows of its own.
fn single(db: &Rc<Database>, table: &'static str) -> impl FnMut(Round) -> Result<f64> + use<> {
    let db = Rc::clone(db);
    move |round| {
        let db: &Database = &db;
        throughput(round, |number| {
            let mut client = db.connect()?;
            let update = client.prepare(&format!(
                "UPDATE {table} SET status = CASE status WHEN 'a' THEN 'b' ELSE 'a' END WHERE id = $1"
            ))?;
            let mut id = 0;
            Ok(move || {
                id = id % 1000 + 1;
                let row = i32::try_from(number * 1000 + id)?;
                client.execute(&update, &[&row])?;
                Ok(())
            })
        })
    }
}

fn cases(server: &Server) -> Result<Vec<Case>> {
    let db = Rc::new(prepare(server)?);
    // The same rows as the history gets, in one INSERT: what recording costs at the least.
    let insert = "INSERT INTO by_hand (relation, column_name, key, version, from_state, to_state, event, bypassed, changed_by, session_by, changed_at)
        SELECT 'free'::regclass, 'status', id::text, 1, CASE status WHEN 'a' THEN 'b' ELSE 'a' END, status, 'go', false,
            current_user, session_user, clock_timestamp() FROM free";
    Ok(vec![
        Case::new("100,000 rows, no history", 1, Unit::Milliseconds, bulk(&db, "ours", ""))
            .against("no trigger", bulk(&db, "free", ""))
            .against("PL/pgSQL, hard-coded", bulk(&db, "hard", ""))
            .against("PL/pgSQL, looked up in a table", bulk(&db, "looked", ""))
            .keeping(Rc::clone(&db)),
        Case::new("100,000 rows with history", 1, Unit::Milliseconds, bulk(&db, "kept", ""))
            .against("no trigger, and a bare INSERT of the history", bulk(&db, "free", insert))
            .keeping(Rc::clone(&db)),
        Case::new("1,000,000 rows, memory a row", 1, Unit::Bytes, memory(&db, "many_ours"))
            .against("no trigger", memory(&db, "many_free"))
            .against("PL/pgSQL, hard-coded", memory(&db, "many_hard"))
            .keeping(Rc::clone(&db)),
        Case::new("1,000,000 rows with history, memory a row", 1, Unit::Bytes, memory(&db, "many_kept"))
            .against("PL/pgSQL, the same kinds of triggers", memory(&db, "many_after"))
            .keeping(Rc::clone(&db)),
        Case::new("single rows", 8, Unit::OpsPerSecond, single(&db, "ours"))
            .against("no trigger", single(&db, "free"))
            .against("PL/pgSQL, hard-coded", single(&db, "hard"))
            .against("PL/pgSQL, looked up in a table", single(&db, "looked"))
            .keeping(db),
    ])
}
