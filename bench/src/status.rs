//! Status machines against no trigger and triggers written by hand.

use std::rc::Rc;
use std::time::Instant;

use anyhow::Result;
use xtask::{Database, Server};

use crate::case::{Benchmark, Case, Round};
use crate::{Unit, throughput};

/// Bulk updates and single updates of guarded columns.
pub(crate) const STATUS: Benchmark =
    Benchmark { name: "status", about: "status machines against triggers written by hand", cases };

const ROWS: u32 = 100_000;

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
    for table in ["free", "ours", "kept", "hard", "looked"] {
        client.batch_execute(&format!(
            "CREATE UNLOGGED TABLE {table} (id int PRIMARY KEY, status text NOT NULL) WITH (fillfactor = 40, autovacuum_enabled = off);
             INSERT INTO {table} SELECT n, 'a' FROM generate_series(1, {ROWS}) n;"
        ))?;
    }
    client.batch_execute(
        "SELECT canon.status_guard('ours', 'status', 'm', history => false), canon.status_guard('kept', 'status', 'm');
         CREATE TRIGGER hard BEFORE UPDATE ON hard FOR EACH ROW EXECUTE FUNCTION hard_coded();
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
        Case::new("single rows", 8, Unit::OpsPerSecond, single(&db, "ours"))
            .against("no trigger", single(&db, "free"))
            .against("PL/pgSQL, hard-coded", single(&db, "hard"))
            .against("PL/pgSQL, looked up in a table", single(&db, "looked"))
            .keeping(db),
    ])
}
