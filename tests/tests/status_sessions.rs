//! Status machines across sessions, versions, crashes and dumps.

use std::sync::Barrier;

use anyhow::{Result, ensure};
use canon_tests::{Database, PrivateCluster, canon_database, capture, database, refused, server, wait_until};
use postgres::Client;
use postgres::error::SqlState;

const TICKET: &str = r#"
name = "ticket"
states = ["open", "doing", "done", "dropped"]
initial = ["open"]
terminal = ["done", "dropped"]
transitions = [
    { event = "start", from = "open", to = "doing" },
    { event = "finish", from = "doing", to = "done" },
    { event = "drop", from = ["open", "doing"], to = "dropped" },
    { event = "reopen", from = "done", to = "open", reopen = true },
]
"#;

fn tickets(name: &str, more: &str) -> Result<(Database, Client)> {
    let db = canon_database(name)?;
    let mut client = db.connect()?;
    client.batch_execute(
        "CREATE TABLE public.ticket (id int PRIMARY KEY, status text DEFAULT 'open', version int, parent int)",
    )?;
    client.execute("SELECT canon.status_define($1)", &[&TICKET])?;
    client.batch_execute(&format!("SELECT canon.status_guard('public.ticket', 'status', 'ticket'{more})"))?;
    Ok((db, client))
}

fn define(client: &mut Client, replace: &str, by: &str) -> Result<String> {
    assert!(TICKET.contains(replace));
    let text = TICKET.replace(replace, by);
    let row = client.query_one("SELECT version || ' ' || action FROM canon.status_define($1)", &[&text])?;
    Ok(row.get(0))
}

fn strings(client: &mut Client, sql: &str) -> Result<Vec<String>> {
    Ok(client.query(sql, &[])?.iter().map(|row| row.get(0)).collect())
}

const NO_DROP: (&str, &str) = (r#"from = ["open", "doing"], to"#, r#"from = "doing", to"#);

/// In autocommit, inside a transaction of any level, with a prepared statement: the next statement.
#[test]
fn a_new_definition_governs_the_next_statement() -> Result<()> {
    let (db, mut client) = tickets("status_redefined", "")?;
    client.batch_execute("INSERT INTO ticket SELECT n FROM generate_series(1, 9) n")?;
    for (begin, level) in
        [("", ""), ("BEGIN", "READ COMMITTED"), ("BEGIN", "REPEATABLE READ"), ("BEGIN", "SERIALIZABLE")]
    {
        let mut other = db.connect()?;
        if !begin.is_empty() {
            other.batch_execute(&format!("BEGIN ISOLATION LEVEL {level}"))?;
        }
        let update = other.prepare("UPDATE ticket SET status = 'dropped' WHERE id = $1")?;
        let free = |client: &mut Client| client.query_one("SELECT min(id) FROM ticket WHERE status = 'open'", &[]);
        let id: i32 = free(&mut other)?.get(0);
        other.execute(&update, &[&id])?;
        let version = define(&mut client, NO_DROP.0, NO_DROP.1)?;
        assert!(version.ends_with("redefined"), "{version}");
        let id: i32 = free(&mut other)?.get(0);
        let error = other.execute(&update, &[&id]).unwrap_err();
        assert_eq!(error.code(), Some(&SqlState::CHECK_VIOLATION), "{level}: {error:?}");
        if !begin.is_empty() {
            other.batch_execute("ROLLBACK")?;
        }
        define(&mut client, "ticket", "ticket")?;
    }
    assert_eq!(define(&mut client, "ticket", "ticket")?, "9 unchanged");
    Ok(())
}

/// A definition that is rolled back, wholly or to a savepoint, has never been.
#[test]
fn a_definition_that_is_rolled_back_is_forgotten() -> Result<()> {
    let (_db, mut client) = tickets("status_rolled_back", "")?;
    client.batch_execute("INSERT INTO ticket VALUES (1), (2)")?;
    client.batch_execute("BEGIN; SAVEPOINT s")?;
    define(&mut client, NO_DROP.0, NO_DROP.1)?;
    client.batch_execute("SAVEPOINT t")?;
    refused(&mut client, "UPDATE ticket SET status = 'dropped' WHERE id = 1", &SqlState::CHECK_VIOLATION)?;
    client.batch_execute("ROLLBACK TO t; ROLLBACK TO s; UPDATE ticket SET status = 'dropped' WHERE id = 1; COMMIT")?;
    // What a savepoint takes back is not in the history either.
    client.batch_execute(
        "BEGIN; SAVEPOINT s; UPDATE ticket SET status = 'doing' WHERE id = 2; ROLLBACK TO s;
         UPDATE ticket SET status = 'dropped' WHERE id = 2; COMMIT;
         DO $$ BEGIN INSERT INTO ticket VALUES (3); RAISE 'no'; EXCEPTION WHEN OTHERS THEN NULL; END $$;",
    )?;
    let history = strings(&mut client, "SELECT key || to_state FROM canon.status_history('ticket') ORDER BY id")?;
    assert_eq!(history, ["1open", "2open", "1dropped", "2dropped"]);
    Ok(())
}

/// 32 clients on one row: every recorded change is legal and begins where the one before ended.
#[test]
fn racing_clients_leave_a_legal_history() -> Result<()> {
    let (db, mut client) = tickets("status_race", "")?;
    client.batch_execute("INSERT INTO ticket VALUES (1)")?;
    let line = Barrier::new(32);
    let events = ["start", "finish", "reopen"];
    let won: Result<Vec<usize>> = std::thread::scope(|scope| {
        let race = |number: usize| -> Result<usize> {
            let mut client = db.connect()?;
            line.wait();
            let mut won = 0;
            for turn in 0..12 {
                let event = events[(number + turn) % 3];
                match client.query("SELECT canon.status_fire('ticket', '1', $1)", &[&event]) {
                    Ok(_) => won += 1,
                    Err(error) => {
                        // The loser is told the state it met.
                        let told = error.as_db_error().map(|e| (e.code().clone(), e.message().to_owned()));
                        let told = told.filter(|(code, text)| {
                            *code == SqlState::CHECK_VIOLATION && text.contains("which is in \"")
                        });
                        anyhow::ensure!(told.is_some(), "{error:?}");
                    }
                }
            }
            Ok(won)
        };
        let clients: Vec<_> = (0..32).map(|number| scope.spawn(move || race(number))).collect();
        clients.into_iter().map(|client| client.join().expect("no panic")).collect()
    });
    let won: usize = won?.iter().sum();
    let changes =
        client.query("SELECT from_state, to_state, event FROM canon.status_history('ticket', '1') ORDER BY id", &[])?;
    assert_eq!(changes.len(), won + 1);
    let mut state = "open".to_owned();
    for change in &changes[1..] {
        let (from, to, event): (String, String, String) = (change.get(0), change.get(1), change.get(2));
        assert_eq!(from, state);
        assert!(
            [("start", "open", "doing"), ("finish", "doing", "done"), ("reopen", "done", "open")]
                .contains(&(&event, &from, &to))
        );
        state = to;
    }
    assert_eq!(strings(&mut client, "SELECT status FROM ticket")?, [state]);
    // Of many that want the same at once, exactly one gets it.
    client.batch_execute("INSERT INTO ticket VALUES (2)")?;
    let line = Barrier::new(8);
    let wins: usize = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = db.connect().expect("a connection");
                    line.wait();
                    usize::from(client.query("SELECT canon.status_fire('ticket', '2', 'start')", &[]).is_ok())
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().expect("no panic")).sum()
    });
    assert_eq!(wins, 1);
    Ok(())
}

/// With plain updates the loser is refused for the state that it meets after waiting.
#[test]
fn a_waiting_update_meets_the_new_state() -> Result<()> {
    let (db, mut client) = tickets("status_waiting", "")?;
    client.batch_execute("INSERT INTO ticket VALUES (1)")?;
    client.batch_execute("BEGIN; UPDATE ticket SET status = 'dropped'")?;
    let mut other = db.connect()?;
    let waiting = std::thread::spawn(move || {
        refused(&mut other, "UPDATE ticket SET status = 'doing'", &SqlState::CHECK_VIOLATION)
    });
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let mut watch = db.connect()?;
    assert!(wait_until(|| watch.query_one(waits, &[]).is_ok_and(|row| row.get::<_, i64>(0) > 0)));
    client.batch_execute("COMMIT")?;
    let refusal = waiting.join().expect("no panic")?;
    assert_eq!(refusal.message(), "status of public.ticket cannot change from \"dropped\" to \"doing\"");
    Ok(())
}

#[test]
fn rows_are_pinned_and_migrated() -> Result<()> {
    let (_db, mut client) = tickets("status_versions", ", version_column => 'version'")?;
    client.batch_execute("INSERT INTO ticket (id) VALUES (1), (2)")?;
    // Version 2 has no "doing".
    let second = TICKET
        .replace("\"open\", \"doing\", \"done\"", "\"open\", \"done\"")
        .replace("    { event = \"start\", from = \"open\", to = \"doing\" },\n", "")
        .replace("from = \"doing\", to = \"done\"", "from = \"open\", to = \"done\"")
        .replace("[\"open\", \"doing\"], to", "\"open\", to");
    client.execute("SELECT canon.status_define($1)", &[&second])?;
    client.batch_execute(
        "UPDATE ticket SET status = 'doing' WHERE id = 1; INSERT INTO ticket (id, version) VALUES (3, 1);",
    )?;
    assert_eq!(strings(&mut client, "SELECT id || ':' || version FROM ticket ORDER BY id")?, ["1:1", "2:1", "3:2"]);
    refused(&mut client, "UPDATE ticket SET status = 'doing' WHERE id = 3", &SqlState::CHECK_VIOLATION)?;
    let repin = refused(&mut client, "UPDATE ticket SET version = 2 WHERE id = 2", &SqlState::CHECK_VIOLATION)?;
    assert_eq!(repin.hint(), Some("SELECT canon.status_migrate('public.ticket', 'status');"));
    // Row 1 is in a state that version 2 does not know: it needs a mapping. Nothing is half done.
    refused(&mut client, repin.hint().unwrap_or_default(), &SqlState::CHECK_VIOLATION)?;
    let check = "SELECT coalesce(value, 'NULL') || ' ' || rows || ' ' || problem FROM canon.status_check('ticket', 'status', 'ticket'";
    assert_eq!(strings(&mut client, &format!("{check})"))?, ["doing 1 machine \"ticket\" has no such state"]);
    assert_eq!(strings(&mut client, &format!("{check}, '{{\"doing\": \"open\"}}')"))?, [] as [&str; 0]);
    let moved =
        "SELECT canon.status_migrate('ticket', mapping => '{\"doing\": \"open\"}', reason => 'new process')::text";
    assert_eq!(strings(&mut client, moved)?, ["2"]);
    assert_eq!(strings(&mut client, moved)?, ["0"]);
    assert_eq!(
        strings(&mut client, "SELECT id || status || version FROM ticket ORDER BY id")?,
        ["1open2", "2open2", "3open2"]
    );
    let history = "SELECT key || from_state || to_state || event || reason FROM canon.status_history('ticket') WHERE event = 'migrate'";
    assert_eq!(strings(&mut client, history)?, ["1doingopenmigratenew process"]);
    let wrong = "SELECT canon.status_migrate('ticket', mapping => '{\"open\": \"lost\"}')";
    refused(&mut client, wrong, &SqlState::UNDEFINED_OBJECT)?;
    Ok(())
}

/// Deferred: children may be finished after their parent, as long as all are at the end.
#[test]
fn deferred_guards_look_at_the_end() -> Result<()> {
    let (_db, mut client) = tickets("status_deferred", "")?;
    client.batch_execute(
        "CREATE FUNCTION public.children_done(t public.ticket) RETURNS text LANGUAGE sql STABLE AS $$
             SELECT count(*) || ' unfinished' FROM public.ticket c WHERE c.parent = t.id AND c.status <> 'done' HAVING count(*) > 0 $$;
         INSERT INTO ticket (id, parent) VALUES (1, NULL), (2, 1); UPDATE ticket SET status = 'doing';",
    )?;
    define(
        &mut client,
        "from = \"doing\", to = \"done\" }",
        "from = \"doing\", to = \"done\", guards = \"public.children_done\" }",
    )?;
    let parent = "UPDATE ticket SET status = 'done' WHERE id = 1";
    let refusal = refused(&mut client, parent, &SqlState::CHECK_VIOLATION)?;
    assert!(refusal.message().ends_with(": 1 unfinished"), "{refusal}");
    client.batch_execute("SELECT canon.status_guard('ticket', 'status', 'ticket', deferred => true)")?;
    let refusal = refused(&mut client, &format!("BEGIN; {parent}; COMMIT"), &SqlState::CHECK_VIOLATION)?;
    assert!(refusal.message().ends_with(": 1 unfinished"), "{refusal}");
    client.batch_execute("ROLLBACK")?;
    // What needs no guard is refused at once, as ever.
    refused(&mut client, "BEGIN; UPDATE ticket SET status = 'open' WHERE id = 1", &SqlState::CHECK_VIOLATION)?;
    client.batch_execute("ROLLBACK")?;
    client.batch_execute(&format!("BEGIN; {parent}; UPDATE ticket SET status = 'done' WHERE id = 2; COMMIT"))?;
    Ok(())
}

/// Their transactions leave nothing behind; the worker writes them down all the same, for those who
/// may read the table.
#[test]
fn refused_attempts_are_recorded() -> Result<()> {
    let (db, mut client) = tickets("status_refusals", "")?;
    client.batch_execute("INSERT INTO ticket VALUES (1), (2); SET canon.actor = 'ada'")?;
    for _ in 0..3 {
        refused(&mut client, "UPDATE ticket SET status = 'done' WHERE id = 1", &SqlState::CHECK_VIOLATION)?;
    }
    client.batch_execute("BEGIN")?;
    refused(&mut client, "INSERT INTO ticket VALUES (3, 'nowhere')", &SqlState::CHECK_VIOLATION)?;
    client.batch_execute("ROLLBACK")?;
    refused(&mut client, "SELECT canon.status_fire('ticket', '2', 'reopen')", &SqlState::CHECK_VIOLATION)?;
    // A change of something else, a step that is allowed and an error of another kind are no refusals.
    client.batch_execute("UPDATE ticket SET parent = 1; UPDATE ticket SET status = 'doing' WHERE id = 2")?;
    refused(&mut client, "UPDATE ticket SET id = 1 WHERE id = 2", &SqlState::UNIQUE_VIOLATION)?;
    let found = "SELECT concat_ws(' ', key, coalesce(from_state, '-'), coalesce(to_state, '-'), actor, sum(attempts))
                 FROM canon.status_refusals WHERE relation = 'public.ticket'::regclass AND column_name = 'status'
                 GROUP BY key, from_state, to_state, actor ORDER BY 1";
    let expected = ["1 open done ada 3", "2 open - ada 1", "3 - nowhere ada 1"];
    let recorded = wait_until(|| strings(&mut client, found).is_ok_and(|rows| rows == expected));
    assert!(recorded, "{:?}", strings(&mut client, found)?);
    let why = strings(&mut client, "SELECT DISTINCT why FROM canon.status_refusals WHERE key = '1'")?;
    assert_eq!(why, ["status of public.ticket cannot change from \"open\" to \"done\""]);

    let stranger = server().role("status_refusals_stranger")?;
    client.batch_execute(&format!("SET ROLE {stranger}"))?;
    assert_eq!(strings(&mut client, found)?, Vec::<String>::new());
    refused(&mut client, "SELECT canon.status_refusals_flush()", &SqlState::INSUFFICIENT_PRIVILEGE)?;
    client.batch_execute("RESET ROLE; DROP TABLE ticket")?;
    assert_eq!(client.query("SELECT FROM canon.status_refusals", &[])?.len(), 0);
    drop(db);
    Ok(())
}

/// Writing them down in a savepoint that is rolled back does not make them disappear.
#[test]
fn refused_attempts_survive_a_savepoint() -> Result<()> {
    let (_db, mut client) = tickets("status_refusals_savepoint", "")?;
    client.batch_execute("INSERT INTO ticket VALUES (1)")?;
    let flush = "SELECT canon.status_refusals_flush()";
    let mut transaction = client.transaction()?;
    // Keeps the worker from being faster.
    transaction.batch_execute("LOCK TABLE canon.status_refusal IN SHARE ROW EXCLUSIVE MODE")?;
    let refuse = |transaction: &mut postgres::Transaction<'_>| -> Result<()> {
        let mut savepoint = transaction.transaction()?;
        ensure!(savepoint.execute("UPDATE ticket SET status = 'done'", &[]).is_err());
        Ok(savepoint.rollback()?)
    };
    refuse(&mut transaction)?;
    let mut savepoint = transaction.transaction()?;
    assert_eq!(savepoint.query_one(flush, &[])?.get::<_, i64>(0), 1);
    savepoint.rollback()?;
    let mut savepoint = transaction.transaction()?;
    assert_eq!(savepoint.query_one(flush, &[])?.get::<_, i64>(0), 1);
    savepoint.commit()?;
    refuse(&mut transaction)?;
    assert_eq!(transaction.query_one(flush, &[])?.get::<_, i64>(0), 1);
    transaction.commit()?;
    assert_eq!(client.query_one(flush, &[])?.get::<_, i64>(0), 0);
    assert_eq!(strings(&mut client, "SELECT sum(attempts)::text FROM canon.status_refusals")?, ["2"]);
    Ok(())
}

#[test]
fn a_dump_keeps_machines_guards_and_history() -> Result<()> {
    let (from, mut client) = tickets("status_dump_from", "")?;
    define(&mut client, NO_DROP.0, NO_DROP.1)?;
    client.batch_execute("INSERT INTO ticket (id) VALUES (1), (2); UPDATE ticket SET status = 'doing' WHERE id = 1; UPDATE ticket SET status = 'done' WHERE id = 1;")?;
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("dump");
    capture(from.program("pg_dump").args(["--format", "custom", "--file"]).arg(&file))?;
    let to = database("status_dump_to")?;
    capture(to.program("pg_restore").args(["--exit-on-error", "--dbname", to.name()]).arg(&file))?;
    let mut restored = to.connect()?;
    for sql in [
        "SELECT t::text FROM ticket t ORDER BY id",
        "SELECT concat_ws(',', name, version, definition, owner) FROM canon.status_machine ORDER BY version",
        "SELECT g::text FROM canon.status_guards() g",
        "SELECT concat_ws(',', id, key, from_state, to_state, event, changed_at, time_in_state) FROM canon.status_history('ticket')",
    ] {
        let expected = strings(&mut client, sql)?;
        assert!(!expected.is_empty());
        assert_eq!(strings(&mut restored, sql)?, expected, "{sql}");
    }
    refused(&mut restored, "UPDATE ticket SET status = 'dropped' WHERE id = 2", &SqlState::CHECK_VIOLATION)?;
    restored.batch_execute("UPDATE ticket SET status = 'doing' WHERE id = 2")?;
    assert_eq!(strings(&mut restored, "SELECT max(id)::text FROM public.status_history")?, ["5"]);
    Ok(())
}

/// A crash in the middle leaves neither a change without its history nor a history without change.
#[test]
fn a_crash_leaves_both_or_none() -> Result<()> {
    let cluster = PrivateCluster::start_new(&server(), &[])?;
    let db = cluster.server().database("status_crash")?;
    let mut client = db.connect()?;
    client.batch_execute(
        "CREATE EXTENSION pg_canon; CREATE TABLE public.ticket (id int PRIMARY KEY, status text DEFAULT 'open')",
    )?;
    client.execute("SELECT canon.status_define($1)", &[&TICKET])?;
    client.batch_execute(
        "SELECT canon.status_guard('ticket', 'status', 'ticket'); INSERT INTO ticket SELECT n FROM generate_series(1, 2000) n;
         UPDATE ticket SET status = 'doing' WHERE id <= 1500",
    )?;
    client.batch_execute("BEGIN; UPDATE ticket SET status = 'dropped'")?;
    cluster.kill_postmaster()?;
    cluster.start()?;
    let mut client = db.connect()?;
    let counts = strings(&mut client, "SELECT status || count(*) FROM ticket GROUP BY status ORDER BY 1")?;
    assert_eq!(counts, ["doing1500", "open500"]);
    let history = "SELECT to_state || count(*) FROM canon.status_history('ticket') GROUP BY to_state ORDER BY 1";
    assert_eq!(strings(&mut client, history)?, ["doing1500", "open2000"]);
    refused(&mut client, "UPDATE ticket SET status = 'done' WHERE id = 2000", &SqlState::CHECK_VIOLATION)?;
    Ok(())
}
