//! Requests that make no sense, hierarchies of other shapes, plain roles.

use anyhow::Result;
use canon_tests::{canon_database, refused, server};
use postgres::Client;
use postgres::error::SqlState;

use crate::{CUTOVER, DR, TEMPLATE, count, instantiate, weekend};

#[test]
fn bad_requests_for_a_plan_say_what_is_wrong_and_create_nothing() -> Result<()> {
    let db = weekend("plan_bad")?;
    let mut client = db.connect()?;
    let call = |options: &str| format!("SELECT canon.plan_instantiate('{TEMPLATE}', '{DR}', '{options}')");
    let cases = [
        (format!("SELECT canon.plan_instantiate('{DR}', '{DR}')"), SqlState::NO_DATA_FOUND, "no registered plan"),
        (format!("SELECT canon.plan_instantiate('{TEMPLATE}', '{TEMPLATE}')"), SqlState::NO_DATA_FOUND, "has no row"),
        (call(r#"{"colour": 1}"#), SqlState::INVALID_PARAMETER_VALUE, "unknown field `colour`"),
        (call(r#"{"empty": "burn"}"#), SqlState::INVALID_PARAMETER_VALUE, "unknown variant"),
        (call("[]"), SqlState::INVALID_PARAMETER_VALUE, "wrong options"),
        (
            call(r#"{"overrides": [{"level": "step", "code": "S1", "set": {"sti_id": "x"}}]}"#),
            SqlState::INVALID_PARAMETER_VALUE,
            "cannot be set",
        ),
        (
            call(r#"{"overrides": [{"level": "stepp", "code": "S1", "set": {}}]}"#),
            SqlState::INVALID_PARAMETER_VALUE,
            "there is no level",
        ),
        (
            call(r#"{"overrides": [{"level": "step", "code": "S99", "set": {"sti_name": "x"}}]}"#),
            SqlState::INVALID_PARAMETER_VALUE,
            "has the code",
        ),
        (
            call(r#"{"overrides": [{"level": "step", "code": "S1", "set": {"sti_duration_minutes": "soon"}}]}"#),
            SqlState::INVALID_TEXT_REPRESENTATION,
            "integer",
        ),
        (call(r#"{"plan": "nothing"}"#), SqlState::UNDEFINED_OBJECT, "no plan called"),
        (
            call(&format!(r#"{{"idempotency_key": "{}"}}"#, "x".repeat(501))),
            SqlState::INVALID_PARAMETER_VALUE,
            "longer than 500 bytes",
        ),
        (
            "SELECT canon.plan_instantiate(NULL::text, 'x')".into(),
            SqlState::NULL_VALUE_NOT_ALLOWED,
            "template must not",
        ),
        ("SELECT canon.plan_skip(gen_random_uuid(), NULL)".into(), SqlState::NULL_VALUE_NOT_ALLOWED, "reason must not"),
        ("SELECT canon.plan_ready(NULL)".into(), SqlState::NULL_VALUE_NOT_ALLOWED, "instance must not"),
        ("SELECT canon.plan_promote(NULL, NULL)".into(), SqlState::NULL_VALUE_NOT_ALLOWED, "instance must not"),
        ("SELECT canon.plan_import(NULL)".into(), SqlState::NULL_VALUE_NOT_ALLOWED, "batch must not"),
        (format!("SELECT canon.plan_clone('{TEMPLATE}', ' ')"), SqlState::INVALID_PARAMETER_VALUE, "needs a name"),
        ("SELECT canon.plan_register(' ', '{}')".into(), SqlState::INVALID_PARAMETER_VALUE, "needs a name"),
        ("SELECT canon.plan_register('x', '[]')".into(), SqlState::INVALID_PARAMETER_VALUE, "no JSON object"),
        (format!("SELECT canon.plan_store('{}')", "x".repeat(64)), SqlState::INVALID_PARAMETER_VALUE, "longer than 63"),
    ];
    for (sql, code, text) in &cases {
        let refusal = refused(&mut client, sql, code)?;
        assert!(refusal.message().contains(text), "{sql}: {refusal:?}");
    }
    // The preconditions.
    let setups = [
        (
            "SET LOCAL canon.status_reason = 'never used'; UPDATE cutover.plans_master_plm SET plm_status = 8",
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            "retired",
        ),
        (
            "UPDATE cutover.plans_master_plm SET plm_status = 6; UPDATE cutover.plans_master_plm SET plm_status = 7",
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            "retired",
        ),
        (
            "INSERT INTO cutover.plans_master_plm (plm_id, tms_id, plm_name, plm_status)
             VALUES ('00000000-0000-0000-0000-0000000000b2', 1, 'Other', 5);
             UPDATE cutover.iterations_ite SET plm_id = '00000000-0000-0000-0000-0000000000b2'",
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            "is meant for template",
        ),
        (
            "ALTER TABLE cutover.status_sts DISABLE TRIGGER USER;
             UPDATE cutover.status_sts SET sts_name = 'WAITING' WHERE sts_id = 21",
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            "does not exist",
        ),
        (
            "UPDATE cutover.steps_master_stm SET stm_id_predecessor = '00000000-0000-0000-0000-000000000103'
             WHERE stm_code = 'S1'",
            SqlState::CHECK_VIOLATION,
            "waits for itself: step \"Dump\"",
        ),
    ];
    for (setup, code, text) in &setups {
        client.batch_execute("BEGIN")?;
        client.batch_execute(setup)?;
        let refusal = refused(&mut client, &call("{}"), code)?;
        assert!(refusal.message().contains(text), "{setup}: {refusal:?}");
        client.batch_execute("ROLLBACK")?;
    }
    assert_eq!(count(&mut client, "SELECT count(*) FROM cutover.plans_instance_pli")?, 0);
    assert_eq!(count(&mut client, "SELECT count(*) FROM cutover_plan.plan_run")?, 0);

    // The same key with other options.
    client.batch_execute(&call("{}"))?;
    let refusal = refused(&mut client, &call(r#"{"empty": "prune"}"#), &SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE)?;
    assert!(refusal.detail().is_some_and(|d| d.contains("prune")), "{refusal:?}");
    client.batch_execute(&call(r#"{"empty": "prune", "idempotency_key": "second"}"#))?;
    Ok(())
}

/// A second hierarchy, with other names, integer keys in the template and statuses in plain text.
#[test]
fn any_hierarchy_can_be_a_plan() -> Result<()> {
    let db = canon_database("plan_course")?;
    let mut client = db.connect()?;
    client.batch_execute(include_str!("course.sql"))?;
    // Each level three against changes of what is at work, the root one; two against circles and one
    // in the store; lessons are followed.
    assert_eq!(count(&mut client, "SELECT canon.plan_protect('course')::int8")?, 1 + 2 * 3 + 3 + 1);
    let (instance, created) = instantiate(&mut client, "1", "7")?;
    assert_eq!(created, 1 + 2 + 4);
    let lessons = "SELECT string_agg(l.title || ':' || coalesce(p.title, '-') || ':' || l.state, ' ' ORDER BY l.title)
                   FROM \"Class room\".lesson l LEFT JOIN \"Class room\".lesson p ON p.id = l.after_id";
    let found: String = client.query_one(lessons, &[])?.get(0);
    assert_eq!(found, "A1:-:todo A2:A1:todo B1:-:todo B2:B1:todo");
    let ready = format!("SELECT string_agg(label, ' ' ORDER BY label) FROM canon.plan_ready('{instance}')");
    assert_eq!(client.query_one(&ready, &[])?.get::<_, String>(0), "A1");
    client.batch_execute("UPDATE \"Class room\".lesson SET state = 'held' WHERE title = 'A1'")?;
    let circle = "UPDATE \"Class room\".\"lesson plan\" SET after = 2 WHERE number = 1";
    let refusal = refused(&mut client, circle, &SqlState::CHECK_VIOLATION)?;
    assert!(refusal.message().contains("lesson \"A1\" -> lesson \"A2\" -> lesson \"A1\""), "{refusal:?}");
    Ok(())
}

/// Names of tables, columns, levels, statuses and keys with quotes of all kinds, and renamed while a
/// session knows them.
#[test]
fn names_in_a_plan_can_be_anything() -> Result<()> {
    let db = canon_database("plan_names")?;
    let mut client = db.connect()?;
    client.batch_execute(include_str!("names.sql"))?;
    // The plan one, tasks three against changes, one against circles and one to follow, the store one.
    assert_eq!(count(&mut client, "SELECT canon.plan_protect('pl''an\"x')::int8")?, 7);
    assert_eq!(count(&mut client, "SELECT canon.plan_protect('pl''an\"x')::int8")?, 0);
    let (instance, created) = instantiate(&mut client, "it''s \"a\" $key$ \\", "r''1\"")?;
    assert_eq!(created, 1 + 3);
    let statuses = format!("SELECT string_agg(status, ' ' ORDER BY label) FROM canon.plan_progress('{instance}')");
    let status = |client: &mut Client| -> Result<String> { Ok(client.query_one(&statuses, &[])?.get(0)) };
    assert_eq!(status(&mut client)?, "o'pen o'pen o'pen o'pen");
    client.batch_execute("UPDATE \"i'ts\" SET st = 'r\"un', s = now() WHERE \"na me\" = 'T1'")?;
    assert_eq!(status(&mut client)?, "r\"un r\"un o'pen o'pen");
    for change in [
        "UPDATE \"i'ts\" SET \"na me\" = 'x' WHERE \"na me\" = 'T2'",
        "DELETE FROM \"i'ts\" WHERE \"na me\" = 'T3'",
        "INSERT INTO \"i'ts\" (id, up) SELECT gen_random_uuid(), up FROM \"i'ts\" LIMIT 1",
    ] {
        refused(&mut client, change, &SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE)?;
    }
    client.batch_execute(
        "ALTER TABLE \"i'ts\" RENAME TO renamed; ALTER SCHEMA \"sch\"\"ema; DROP\" RENAME TO other; SET search_path = other",
    )?;
    assert_eq!(status(&mut client)?, "r\"un r\"un o'pen o'pen");
    client.batch_execute("UPDATE renamed SET st = 'd''one\\', f = now()")?;
    assert_eq!(status(&mut client)?, "d'one\\ d'one\\ d'one\\ d'one\\");
    let circle = "UPDATE tt SET \"aft'er\" = 'k''3\"' WHERE \"k\"\"ey\" = 'k''1\"'";
    refused(&mut client, circle, &SqlState::CHECK_VIOLATION)?;
    Ok(())
}

#[test]
fn a_wrong_plan_mapping_is_refused_with_its_place() -> Result<()> {
    let db = weekend("plan_mapping")?;
    let mut client = db.connect()?;
    let with = |path: &str, value: &str| {
        format!(
            "SELECT canon.plan_register('x', jsonb_set((
                 SELECT jsonb_build_object('store', p.store, 'run', p.run, 'levels', (
                     SELECT jsonb_agg(jsonb_strip_nulls(to_jsonb(m) - 'plan' - 'position') ORDER BY position)
                     FROM canon.plan_mapping m WHERE m.plan = p.plan)) FROM canon.plan p WHERE p.plan = 'cutover'), '{path}', '{value}'))"
        )
    };
    client.batch_execute(&with("{store}", "\"cutover_plan\""))?;
    for (path, value, text) in [
        ("{levels,0,kind}", "\"task\"", "must be of kind plan"),
        ("{levels,1,parent}", "\"phase\"", "no level before it"),
        ("{levels,1,template}", "\"nowhere.at_all\"", "table nowhere.at_all does not exist"),
        ("{levels,1,template_order}", "\"no_such\"", "has no column \"no_such\""),
        ("{levels,1,instance_key}", "\"sqi_name\"", "must be of type uuid"),
        ("{levels,1,surprise}", "1", "unknown field `surprise`"),
        ("{levels}", "[]", "there are no levels"),
        ("{run,key}", "\"no_such\"", "has no column \"no_such\""),
    ] {
        let refusal = refused(&mut client, &with(path, value), &SqlState::INVALID_PARAMETER_VALUE)?;
        assert!(refusal.message().contains(text), "{path}: {refusal:?}");
    }
    let refusal = refused(&mut client, &with("{store}", "\"public\""), &SqlState::INVALID_PARAMETER_VALUE)?;
    assert_eq!(refusal.hint(), Some("SELECT canon.plan_store('public');"));
    Ok(())
}

/// A role with rights on the tables and no others; a schema of traps first in its path.
#[test]
fn a_plain_role_with_a_hijacked_path_can_plan() -> Result<()> {
    let role = server().role("planner")?;
    let db = weekend("plan_role")?;
    db.connect()?.batch_execute(&format!(
        "GRANT USAGE ON SCHEMA cutover, cutover_plan TO {role};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA cutover, cutover_plan TO {role};
         GRANT USAGE ON ALL SEQUENCES IN SCHEMA cutover TO {role};
         CREATE SCHEMA trap AUTHORIZATION {role};",
        role = canon_tests::quote_ident(role.name())
    ))?;
    let mut client = db.connect_as(role.name())?;
    client.batch_execute(
        "CREATE FUNCTION trap.unnest(anyarray) RETURNS SETOF anyelement LANGUAGE plpgsql AS $$BEGIN RAISE 'trap'; END$$;
         CREATE FUNCTION trap.eq(text, text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE 'trap'; END$$;
         CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.eq);
         SET search_path = trap, pg_catalog, cutover",
    )?;
    let (instance, created) = instantiate(&mut client, TEMPLATE, CUTOVER)?;
    assert!(created > 0);
    client.batch_execute(&format!(
        "SELECT canon.plan_schedule('{instance}'); SELECT canon.plan_drift('{instance}');
         SELECT canon.plan_resync('{instance}', 'apply'); SELECT canon.plan_gantt('{instance}')"
    ))?;
    let refusal = refused(&mut client, "SELECT canon.plan_unregister('cutover')", &SqlState::INSUFFICIENT_PRIVILEGE)?;
    assert!(refusal.message().contains("was registered by"), "{refusal:?}");
    Ok(())
}

/// A plan of somebody else's tables neither gets in the way of a user who may not read them, nor takes
/// the place of the user's own.
#[test]
fn plans_of_others_do_not_come_between() -> Result<()> {
    let (stranger, user) = (server().role("plan_stranger")?, server().role("plan_user")?);
    let db = canon_database("plan_others")?;
    let mut client = db.connect()?;
    client.batch_execute(include_str!("course.sql"))?;
    client.batch_execute(&format!(
        "CREATE SCHEMA AUTHORIZATION {stranger};
         GRANT USAGE ON SCHEMA \"Class room\", \"Course store\" TO {user};
         GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA \"Class room\", \"Course store\" TO {user}"
    ))?;
    let mut theirs = db.connect_as(stranger.name())?;
    theirs.batch_execute(
        "CREATE TABLE syllabus (number integer PRIMARY KEY, title text);
         CREATE TABLE course (id uuid PRIMARY KEY, class bigint, syllabus integer, title text);
         CREATE TABLE lesson_plan (number integer PRIMARY KEY, syllabus integer, title text);
         CREATE TABLE lesson (id uuid PRIMARY KEY, course uuid, plan integer, title text);
         CREATE TABLE class (id bigint PRIMARY KEY); INSERT INTO class VALUES (7); INSERT INTO syllabus VALUES (1, 'Mine')",
    )?;
    let name = stranger.name();
    let register = format!(
        "SELECT canon.plan_register('a course', '{{\"store\": \"{name}_store\",
            \"run\": {{\"table\": \"{name}.class\", \"key\": \"id\", \"instance\": \"class\"}}, \"levels\": [
            {{\"level\": \"course\", \"kind\": \"plan\", \"template\": \"{name}.syllabus\", \"template_key\": \"number\",
              \"instance\": \"{name}.course\", \"instance_key\": \"id\", \"instance_template\": \"syllabus\"}},
            {{\"level\": \"lesson\", \"kind\": \"task\", \"parent\": \"course\", \"template\": \"{name}.lesson_plan\",
              \"template_key\": \"number\", \"template_parent\": \"syllabus\", \"instance\": \"{name}.lesson\",
              \"instance_key\": \"id\", \"instance_parent\": \"course\", \"instance_template\": \"plan\"}}]}}')"
    );
    let refusal = refused(&mut theirs, &register, &SqlState::INSUFFICIENT_PRIVILEGE)?;
    client.batch_execute(refusal.hint().unwrap_or_default())?;
    theirs.batch_execute(&format!("SELECT canon.plan_store('{name}_store')"))?;
    theirs.batch_execute(&register)?;

    // What the user cannot read is passed over, though its name comes first.
    let mut mine = db.connect_as(user.name())?;
    let (_, created) = instantiate(&mut mine, "1", "7")?;
    assert_eq!(created, 1 + 2 + 4);
    // What can be read is not taken for the user's own.
    theirs.batch_execute(&format!(
        "GRANT USAGE ON SCHEMA {stranger} TO {user}; GRANT ALL ON ALL TABLES IN SCHEMA {stranger} TO {user}"
    ))?;
    let call = "SELECT canon.plan_instantiate('1', '7', '{\"idempotency_key\": \"again\"}')";
    let refusal = refused(&mut mine, call, &SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE)?;
    assert!(refusal.message().contains("a course"), "{refusal:?}");
    mine.batch_execute(
        "SELECT canon.plan_instantiate('1', '7', '{\"idempotency_key\": \"again\", \"plan\": \"course\"}')",
    )?;
    assert_eq!(count(&mut client, &format!("SELECT count(*) FROM {stranger}.course"))?, 0);
    Ok(())
}
