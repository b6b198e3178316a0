//! Status machines and input that makes no sense, or means harm.

use anyhow::Result;
use canon_tests::{canon_database, refused, server};
use postgres::Client;
use postgres::error::{DbError, SqlState};

const MACHINE: &str = "name = 'm'\nstates = ['a', 'b']\ninitial = ['a']\nterminal = ['b']\n\
                       transitions = [{ event = 'go', from = 'a', to = 'b' }]";

fn define(client: &mut Client, text: &str) -> Result<Result<String, DbError>> {
    match client.query_one("SELECT machine || version || action FROM canon.status_define($1)", &[&text]) {
        Ok(row) => Ok(Ok(row.get(0))),
        Err(error) => match error.as_db_error() {
            Some(refusal) => Ok(Err(refusal.clone())),
            None => Err(error.into()),
        },
    }
}

#[test]
fn definitions_that_make_no_sense() -> Result<()> {
    let db = canon_database("status_definitions")?;
    let mut client = db.connect()?;
    assert_eq!(define(&mut client, MACHINE)?.as_deref(), Ok("m1defined"));
    assert_eq!(define(&mut client, MACHINE)?.as_deref(), Ok("m1unchanged"));
    let version = |n| format!("version = {n}\n{MACHINE}");
    assert_eq!(define(&mut client, &version(1))?.as_deref(), Ok("m1unchanged"));
    let changed = |n: i32| version(n).replace("'go'", &format!("'go{n}'"));
    for (text, code, detail) in [
        ("name = ", SqlState::INVALID_TEXT_REPRESENTATION, "TOML parse error at line 1"),
        (
            "{\"name\": 5}",
            SqlState::INVALID_TEXT_REPRESENTATION,
            "invalid type: integer `5`, expected a string at line 1",
        ),
        (&MACHINE.replace("terminal = ['b']\n", ""), SqlState::INVALID_OBJECT_DEFINITION, "state \"b\" is a dead end"),
        (
            &MACHINE.replace("to = 'b'", "to = 'c'"),
            SqlState::INVALID_OBJECT_DEFINITION,
            "state \"c\" of \"go\" is not in",
        ),
        (&changed(1), SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "says otherwise"),
        ("machine = []", SqlState::INVALID_PARAMETER_VALUE, ""),
    ] {
        let refusal = define(&mut client, text)?.expect_err(text);
        assert_eq!(refusal.code(), &code, "{refusal:?}");
        assert!(refusal.detail().unwrap_or_default().contains(detail), "{refusal:?}");
    }
    assert_eq!(define(&mut client, &changed(7))?.as_deref(), Ok("m7redefined"));
    Ok(())
}

#[test]
fn what_cannot_be_guarded() -> Result<()> {
    let db = canon_database("status_unguardable")?;
    let mut client = db.connect()?;
    define(&mut client, MACHINE)?.expect("a machine");
    let hinted = MACHINE
        .replace("to = 'b' }", "to = 'b', guards = 'public.agrees', set = { at = 'now', n = 'increment' } }")
        .replace("'m'", "'g'");
    define(&mut client, &hinted)?.expect("a machine");
    client.batch_execute(
        "CREATE TABLE t (id int PRIMARY KEY, s text, at text, n int); INSERT INTO t VALUES (1, 'a'), (2, 'lost'), (3, 'lost'), (4, NULL);
         CREATE TABLE no_key (s text); CREATE VIEW v AS SELECT * FROM t; CREATE TABLE parts (s text) PARTITION BY LIST (s);",
    )?;
    for (call, code, message) in [
        ("'t', 's', 'nope'", SqlState::UNDEFINED_OBJECT, "there is no status machine called \"nope\""),
        ("'t', 's', 'm', version => 3", SqlState::UNDEFINED_OBJECT, "status machine \"m\" has no version 3"),
        ("'t', 'nope', 'm'", SqlState::UNDEFINED_COLUMN, "column \"nope\" of table public.t does not exist"),
        (
            "'t', 'n', 'm'",
            SqlState::INVALID_TEXT_REPRESENTATION,
            "type integer has no value \"a\", which a state of the machine stands for",
        ),
        (
            "'t', 's', 'm', version_column => 's'",
            SqlState::DATATYPE_MISMATCH,
            "column \"s\" of table public.t holds no version: its type must be integer",
        ),
        (
            "'t', 's', 'm', label_column => 'x'",
            SqlState::UNDEFINED_COLUMN,
            "column \"s\" of table public.t refers to no table with a column \"x\"",
        ),
        ("'t', 's', 'm', history_table => 'x'", SqlState::INVALID_NAME, "x must be written schema.table"),
        ("'t', 's', 'g'", SqlState::DATATYPE_MISMATCH, "column \"at\" of table public.t cannot be set to \"now\""),
        ("'t', 's', 'm'", SqlState::CHECK_VIOLATION, "rows of public.t have a status that machine \"m\" does not know"),
        (
            "'no_key', 's', 'm'",
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            "table public.no_key has no primary key, by which its history would name the rows",
        ),
        ("'v', 's', 'm'", SqlState::WRONG_OBJECT_TYPE, "public.v cannot be guarded"),
        ("'parts', 's', 'm'", SqlState::WRONG_OBJECT_TYPE, "public.parts cannot be guarded"),
    ] {
        let refusal = refused(&mut client, &format!("SELECT canon.status_guard({call})"), &code)?;
        assert_eq!(refusal.message(), message);
    }
    // Nothing is half done: no trigger, no history.
    for sql in [
        "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = 't'::regclass",
        "SELECT count(*) FROM pg_class WHERE relname = 'status_history'",
    ] {
        assert_eq!(client.query_one(sql, &[])?.get::<_, i64>(0), 0, "{sql}");
    }
    let check: Vec<String> = client
        .query("SELECT coalesce(value, '-') || rows FROM canon.status_check('t', 's', 'm')", &[])?
        .iter()
        .map(|r| r.get(0))
        .collect();
    assert_eq!(check, ["lost2", "-1"]);
    client.batch_execute("DROP VIEW v; DELETE FROM t WHERE id > 1; ALTER TABLE t ALTER at TYPE date USING NULL")?;
    let refusal = refused(&mut client, "SELECT canon.status_guard('t', 's', 'g')", &SqlState::UNDEFINED_FUNCTION)?;
    // The hint makes a function that the guard accepts.
    client.batch_execute(refusal.hint().unwrap_or_default())?;
    client.batch_execute(
        "SELECT canon.status_guard('t', 's', 'g'); SELECT canon.status_guard('no_key', 's', 'm', history => false)",
    )?;
    client.batch_execute("UPDATE t SET s = 'b'; INSERT INTO no_key VALUES ('a')")?;
    let refusal = refused(&mut client, "UPDATE no_key SET s = 'c'", &SqlState::CHECK_VIOLATION)?;
    client.batch_execute(refusal.hint().unwrap_or_default())?;
    refused(&mut client, "SELECT canon.status_drop('g')", &SqlState::DEPENDENT_OBJECTS_STILL_EXIST)?;
    client.batch_execute(
        "SELECT canon.status_unguard('t'); SELECT canon.status_drop('g'); UPDATE t SET s = 'anything'",
    )?;
    Ok(())
}

/// A definition that does not fit a column which it governs is refused as a whole.
#[test]
fn a_redefinition_must_fit() -> Result<()> {
    let db = canon_database("status_fit")?;
    let mut client = db.connect()?;
    define(&mut client, MACHINE)?.expect("a machine");
    client.batch_execute("CREATE TABLE t (id int PRIMARY KEY, s text); SELECT canon.status_guard('t', 's', 'm')")?;
    let set = MACHINE.replace("to = 'b' }", "to = 'b', set = { done_at = 'now' } }");
    assert_eq!(
        define(&mut client, &set)?.unwrap_err().message(),
        "column \"done_at\" of table public.t does not exist"
    );
    client.batch_execute("INSERT INTO t VALUES (1, 'a'); UPDATE t SET s = 'b'")?;
    Ok(())
}

#[test]
fn unknown_rows_columns_and_events() -> Result<()> {
    let db = canon_database("status_unknown")?;
    let mut client = db.connect()?;
    define(&mut client, MACHINE)?.expect("a machine");
    client.batch_execute(
        "CREATE TABLE t (id int PRIMARY KEY, s text, s2 text); SELECT canon.status_guard('t', 's', 'm'), canon.status_guard('t', 's2', 'm');
         INSERT INTO t VALUES (1, 'a', 'a'); CREATE TABLE free (id int PRIMARY KEY)",
    )?;
    for (sql, code, message) in [
        (
            "SELECT canon.status_fire('t', '1', 'go')",
            SqlState::AMBIGUOUS_PARAMETER,
            "table public.t has 2 guarded columns: name one",
        ),
        (
            "SELECT canon.status_fire('t', '1', 'fly', column_name => 's')",
            SqlState::UNDEFINED_OBJECT,
            "status machine \"m\" has no event \"fly\"",
        ),
        (
            "SELECT canon.status_fire('t', '7', 'go', column_name => 's')",
            SqlState::NO_DATA_FOUND,
            "there is no row 7 in public.t",
        ),
        (
            "SELECT canon.status_fire('t', 'x', 'go', column_name => 's')",
            SqlState::INVALID_TEXT_REPRESENTATION,
            "invalid input syntax for type integer: \"x\"",
        ),
        (
            "SELECT canon.status_fire('free', '1', 'go')",
            SqlState::UNDEFINED_OBJECT,
            "no status machine guards table public.free",
        ),
        (
            "SELECT * FROM canon.status_permitted('t', '1', 'id')",
            SqlState::UNDEFINED_OBJECT,
            "no status machine guards column \"id\" of table public.t",
        ),
        ("SELECT canon.status_graph('m', 'png')", SqlState::INVALID_PARAMETER_VALUE, "there is no format \"png\""),
        (
            "SELECT * FROM canon.status_states('nope')",
            SqlState::UNDEFINED_OBJECT,
            "there is no status machine called \"nope\"",
        ),
        ("SELECT canon.status_drop('nope')", SqlState::UNDEFINED_OBJECT, "there is no status machine called \"nope\""),
        (
            "SELECT canon.status_enforce()",
            SqlState::E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
            "canon.status_enforce() must be called as a trigger",
        ),
    ] {
        let error = client.batch_execute(sql).expect_err(sql);
        let refusal = error.as_db_error().expect("an error of the server");
        assert_eq!(refusal.message(), message);
        assert_eq!(*refusal.code(), code, "{sql}");
    }
    assert_eq!(
        client.query_one("SELECT canon.status_fire('t', '1', 'go', column_name => 's2')", &[])?.get::<_, String>(0),
        "b"
    );
    let rows = client.query("SELECT column_name || allowed FROM canon.status_permitted('t', '1')", &[])?;
    assert_eq!(rows.iter().map(|r| r.get(0)).collect::<Vec<String>>(), ["strue", "s2false"]);
    Ok(())
}

/// A guard that fails says so with its own SQLSTATE, and the change does not happen.
#[test]
fn a_guard_that_raises() -> Result<()> {
    let db = canon_database("status_raises")?;
    let mut client = db.connect()?;
    client.batch_execute(
        "CREATE TABLE t (id int PRIMARY KEY, s text, n int);
         CREATE FUNCTION public.divides(t) RETURNS text LANGUAGE sql RETURN CASE WHEN 1 / $1.n > 0 THEN NULL ELSE 'too much' END;",
    )?;
    define(&mut client, &MACHINE.replace("to = 'b' }", "to = 'b', guards = ['public.divides'] }"))?.expect("a machine");
    client.batch_execute(
        "SELECT canon.status_guard('t', 's', 'm'); INSERT INTO t VALUES (1, 'a', 0), (2, 'a', 1), (3, 'a', 2)",
    )?;
    let refusal = refused(&mut client, "UPDATE t SET s = 'b' WHERE id = 1", &SqlState::DIVISION_BY_ZERO)?;
    assert_eq!(refusal.message(), "guard public.divides raised an error: division by zero");
    refused(&mut client, "UPDATE t SET s = 'b' WHERE id = 3", &SqlState::CHECK_VIOLATION)?;
    client.batch_execute("UPDATE t SET s = 'b' WHERE id = 2")?;
    client.batch_execute("DROP FUNCTION public.divides")?;
    refused(&mut client, "UPDATE t SET s = 'b' WHERE id = 3", &SqlState::UNDEFINED_FUNCTION)?;
    Ok(())
}

#[test]
fn hostile_names() -> Result<()> {
    let db = canon_database("status_hostile")?;
    let mut client = db.connect()?;
    let evil = "x'; DROP TABLE canon.status_machine; --\\\" $$ %I";
    let quoted = format!("\"{}\"", evil.replace('"', "\"\""));
    let toml = |text: &str| serde_json::to_string(text);
    let machine = format!(
        "name = {name}\nstates = [{name}, 'b']\ninitial = [{name}]\nterminal = ['b']\ntransitions = [{{ event = {name}, from = {name}, to = 'b' }}]",
        name = toml(evil)?
    );
    assert!(define(&mut client, &machine)?.is_ok());
    client.batch_execute(&format!(
        "CREATE SCHEMA {quoted}; CREATE TABLE {quoted}.{quoted} ({quoted} text PRIMARY KEY, \"{}\" text)",
        "s".repeat(63)
    ))?;
    let table = format!("{quoted}.{quoted}");
    for column in [evil.to_owned(), "s".repeat(63)] {
        client.execute("SELECT canon.status_guard(($1::text)::regclass, $2, $3)", &[&table, &column, &evil])?;
    }
    client.execute(&format!("INSERT INTO {table} VALUES ($1, $1)"), &[&evil])?;
    let refusal = client.execute(&format!("UPDATE {table} SET {quoted} = 'c'"), &[]).unwrap_err();
    client.batch_execute(refusal.as_db_error().and_then(DbError::hint).unwrap_or_default())?;
    let column = "s".repeat(63);
    client.query_one(
        "SELECT canon.status_fire(($1::text)::regclass, $2, $2, column_name => $3)",
        &[&table, &evil, &column],
    )?;
    let history = client.query("SELECT key FROM canon.status_history(($1::text)::regclass)", &[&table])?;
    assert_eq!(history.len(), 3);
    client.batch_execute(&format!("UPDATE {table} SET {quoted} = 'b'"))?;
    client.query_one("SELECT canon.status_graph($1), canon.status_graph($1, 'dot')", &[&evil])?;
    client.execute("SELECT canon.status_unguard(($1::text)::regclass)", &[&table])?;
    Ok(())
}

/// A role cannot have others write into a history, or run functions, that it prepares for them.
#[test]
fn a_forged_trigger_writes_in_no_other_name() -> Result<()> {
    let db = canon_database("status_forged")?;
    let mut client = db.connect()?;
    let mallory = server().role("status_mallory")?;
    define(&mut client, MACHINE)?.expect("a machine");
    client.batch_execute(&format!(
        "CREATE TABLE t (id int PRIMARY KEY, s text); SELECT canon.status_guard('t', 's', 'm');
         CREATE SCHEMA den AUTHORIZATION {mallory};"
    ))?;
    let mut work = db.connect_as(mallory.name())?;
    work.batch_execute(
        "CREATE TABLE den.t (id int PRIMARY KEY, s text);
         CREATE TRIGGER forged AFTER INSERT ON den.t FOR EACH ROW
             EXECUTE FUNCTION canon.status_record('{\"column\": \"s\", \"machine\": \"m\", \"history\": \"public.status_history\"}');",
    )?;
    refused(&mut work, "INSERT INTO den.t VALUES (1, 'a')", &SqlState::INSUFFICIENT_PRIVILEGE)?;
    refused(&mut work, "SELECT canon.status_guard('public.t', 's', 'm')", &SqlState::INSUFFICIENT_PRIVILEGE)?;
    for sql in [
        "SELECT canon.status_migrate('public.t', 's')",
        "SELECT * FROM canon.status_history('public.t')",
        "SELECT canon.status_drop('m')",
    ] {
        refused(&mut work, sql, &SqlState::INSUFFICIENT_PRIVILEGE)?;
    }
    // A superuser guards a table in a schema whose history is somebody else's.
    work.batch_execute("DROP TRIGGER forged ON den.t; SELECT canon.status_guard('den.t', 's', 'm')")?;
    client.batch_execute("CREATE TABLE den.ours (id int PRIMARY KEY, s text)")?;
    refused(&mut client, "SELECT canon.status_guard('den.ours', 's', 'm')", &SqlState::INSUFFICIENT_PRIVILEGE)?;
    client.batch_execute("SELECT canon.status_guard('den.ours', 's', 'm', history_table => 'den.our_history'); INSERT INTO den.ours VALUES (1, 'a')")?;
    Ok(())
}
