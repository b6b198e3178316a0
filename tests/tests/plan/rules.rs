//! What happens to a plan once it is made: differences from the template, times, order, statuses,
//! pictures.

use anyhow::Result;
use canon_tests::refused;
use postgres::Client;
use postgres::error::SqlState;
use serde_json::json;

use crate::creation::report;
use crate::execution::{GROUPS, READY, finish, instance_of, set, text};
use crate::{CUTOVER, DR, RUN, TEMPLATE, count, weekend};

const DRIFT: &str = "
    SELECT string_agg(concat_ws(' ', level, kind, field, template_value, instance_value, base_value,
        CASE WHEN overridden THEN 'overridden' END, CASE WHEN started THEN 'started' END), E'\n'
        ORDER BY level, kind, field, template_value)
    FROM canon.plan_drift(pg_temp.i())";

#[test]
fn drift_names_what_was_added_removed_changed_reordered_and_relinked() -> Result<()> {
    let db = weekend("plan_drift_kinds")?;
    let mut client = instance_of(&db, DR)?;
    client.batch_execute(&set("Dump", 23))?;
    client.batch_execute(
        "UPDATE cutover.steps_master_stm SET stm_name = 'Load all' WHERE stm_code = 'S4';
         UPDATE cutover.steps_master_stm SET stm_duration_minutes = 31 WHERE stm_code = 'S1';
         UPDATE cutover.steps_master_stm SET stm_id_predecessor = NULL WHERE stm_code = 'S5';
         UPDATE cutover.phases_master_phm SET phm_order = 7 WHERE phm_name = 'Load';
         INSERT INTO cutover.steps_master_stm_x_iteration_types_itt
         SELECT stm_id, 'RUN' FROM cutover.steps_master_stm WHERE stm_code = 'S3';
         INSERT INTO cutover.steps_master_stm (stm_id, phm_id, tms_id_owner, stt_code, stm_number, stm_name)
         VALUES ('00000000-0000-0000-0000-000000000106', '00000000-0000-0000-0000-0000000000e2', 1, 'SYS', 9, 'New')",
    )?;
    let before = text(&mut client, "SELECT pg_temp.step('Load')::text")?;
    assert_eq!(
        text(&mut client, DRIFT)?,
        format!(
            "phase reordered phi_order 7 1 1\n\
             step added New\n\
             step changed sti_duration_minutes 31 30 30 started\n\
             step changed sti_name Load all Load Load\n\
             step relinked sti_id_predecessor {before} {before}\n\
             step removed Stop jobs"
        )
    );
    Ok(())
}

#[test]
fn a_resync_follows_what_has_not_begun_keeps_decisions_and_cancels_what_is_gone() -> Result<()> {
    let db = weekend("plan_resync_rules")?;
    let mut client = instance_of(&db, DR)?;
    client.batch_execute(&set("Dump", 23))?;
    client.batch_execute(
        "UPDATE cutover.steps_master_stm SET stm_duration_minutes = 31 WHERE stm_code = 'S1';
         UPDATE cutover.steps_master_stm SET stm_duration_minutes = 90, stm_name = 'Load all' WHERE stm_code = 'S4';
         INSERT INTO cutover.steps_master_stm_x_iteration_types_itt
         SELECT stm_id, 'RUN' FROM cutover.steps_master_stm WHERE stm_code = 'S3'",
    )?;
    // A person has changed the same field of the same row, before the start.
    client.batch_execute(
        "SET session_replication_role = replica;
         UPDATE cutover.steps_instance_sti SET sti_name = 'Load some' WHERE sti_name = 'Load';
         RESET session_replication_role",
    )?;
    let outcomes = |mode: &str, force: bool| {
        format!(
            "SELECT string_agg(concat_ws(' ', kind, field, outcome), ', ' ORDER BY kind, field, template_value)
             FROM canon.plan_resync(pg_temp.i(), '{mode}', {force})"
        )
    };
    let expected = "changed sti_duration_minutes started, changed sti_duration_minutes follow, \
                    changed sti_name conflict, removed follow";
    let drift = text(&mut client, DRIFT)?;
    assert_eq!(text(&mut client, &outcomes("preview", false))?, expected);
    assert_eq!(text(&mut client, DRIFT)?, drift, "a preview has changed something");
    refused(&mut client, &outcomes("apply", false), &SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE)?;
    assert_eq!(text(&mut client, DRIFT)?, drift, "a refused resync has changed something");
    assert_eq!(text(&mut client, &outcomes("apply", true))?, expected);
    let steps = "SELECT string_agg(concat_ws(' ', sti_name, sti_duration_minutes, sts_name), ', ' ORDER BY sti_name)
                 FROM cutover.steps_instance_sti JOIN cutover.status_sts ON sts_id = sti_status";
    assert_eq!(
        text(&mut client, steps)?,
        "Dump 30 IN_PROGRESS, Go PENDING, Load some 90 PENDING, Rehearse restore 45 PENDING, Stop jobs 10 CANCELLED"
    );
    Ok(())
}

/// Minutes between the start of "Load" and the start of "Go", which takes 5 by its instruction.
#[test]
fn each_kind_of_link_binds_as_it_says() -> Result<()> {
    let db = weekend("plan_links")?;
    db.connect()?
        .batch_execute("UPDATE cutover.steps_master_stm SET stm_id_predecessor = NULL WHERE stm_code = 'S5'")?;
    let mut client = instance_of(&db, DR)?;
    let gap = "SELECT (extract(epoch FROM g.early_start - l.early_start) / 60)::int8
               FROM canon.plan_schedule(pg_temp.i()) g, canon.plan_schedule(pg_temp.i()) l
               WHERE g.label = 'Go' AND l.label = 'Load' AND l.level = 'step'";
    assert_eq!(count(&mut client, gap)?, 0);
    // Load takes 60 minutes.
    for (link, lag, minutes) in [("FS", 10, 70), ("SS", 10, 10), ("FF", 10, 65), ("SF", 10, 5), ("FS", -15, 45)] {
        client.batch_execute(&format!(
            "DELETE FROM cutover_plan.plan_dependency;
             INSERT INTO cutover_plan.plan_dependency VALUES ('cutover', '{TEMPLATE}',
                 'step', '00000000-0000-0000-0000-000000000104', 'step', '00000000-0000-0000-0000-000000000105', '{link}', {lag})"
        ))?;
        assert_eq!(count(&mut client, gap)?, minutes, "{link} {lag}");
    }
    Ok(())
}

#[test]
fn phases_follow_their_order_where_that_is_asked_for() -> Result<()> {
    let db = weekend("plan_ordered")?;
    db.connect()?.batch_execute(
        "INSERT INTO cutover.phases_master_phm (phm_id, sqm_id, phm_order, phm_name)
         VALUES ('00000000-0000-0000-0000-0000000000e5', '00000000-0000-0000-0000-0000000000d1', 2, 'Lights');
         INSERT INTO cutover.steps_master_stm (phm_id, tms_id_owner, stt_code, stm_number, stm_name, stm_duration_minutes)
         VALUES ('00000000-0000-0000-0000-0000000000e5', 1, 'SYS', 1, 'Off', 1)",
    )?;
    let mut client = instance_of(&db, DR)?;
    let start = |ordered: bool| {
        format!(
            "SELECT to_char(early_start, 'HH24:MI') FROM canon.plan_schedule(pg_temp.i(),
                 '{{\"start\": \"2026-03-01 00:00\", \"ordered\": {ordered}}}') WHERE label = 'Off'"
        )
    };
    assert_eq!(text(&mut client, &start(false))?, "00:00");
    // After 30, 45 and 10 minutes of the first phase.
    assert_eq!(text(&mut client, &start(true))?, "01:25");
    Ok(())
}

#[test]
fn a_circle_through_levels_is_refused_with_its_path_and_found_by_a_check() -> Result<()> {
    let db = weekend("plan_circle")?;
    let mut client = db.connect()?;
    // The second sequence waits for the first, and a step of the first for one of the second.
    let circle = "UPDATE cutover.steps_master_stm SET stm_id_predecessor = '00000000-0000-0000-0000-000000000104'
                  WHERE stm_code = 'S1'";
    let refusal = refused(&mut client, circle, &SqlState::CHECK_VIOLATION)?;
    for part in ["sequence \"Prepare\"", "sequence \"Switch\"", "step \"Load\"", "step \"Dump\""] {
        assert!(refusal.message().contains(part), "{refusal:?}");
    }
    // Two statements of one transaction may pass through a circle.
    client.batch_execute(&format!(
        "BEGIN; {circle};
         UPDATE cutover.steps_master_stm SET stm_id_predecessor = NULL WHERE stm_code = 'S1'; COMMIT"
    ))?;
    client
        .batch_execute(&format!("SET session_replication_role = replica; {circle}; RESET session_replication_role"))?;
    let found = format!(
        "SELECT string_agg(DISTINCT problem, ' ' ORDER BY problem) || ' ' || bool_and(detail LIKE '%\"Dump\"%')
         FROM canon.plan_check('{TEMPLATE}') WHERE severity = 'error'"
    );
    assert_eq!(text(&mut client, &found)?, "cycle unreachable true");
    let call = format!("SELECT canon.plan_instantiate('{TEMPLATE}', '{DR}')");
    refused(&mut client, &call, &SqlState::CHECK_VIOLATION)?;
    Ok(())
}

/// Early start and finish of a step, in the session's time zone.
fn times(client: &mut Client, step: &str, options: &str) -> Result<String> {
    text(
        client,
        &format!(
            "SELECT to_char(early_start, 'HH24:MI') || '-' || to_char(early_finish, 'HH24:MI')
             FROM canon.plan_schedule(pg_temp.i(), '{options}') WHERE label = '{step}' AND level = 'step'"
        ),
    )
}

#[test]
fn what_has_happened_pins_the_schedule() -> Result<()> {
    let db = weekend("plan_pinned")?;
    let mut client = instance_of(&db, RUN)?;
    client.batch_execute("SET TimeZone = 'UTC'")?;
    // Dump took 50 minutes instead of 30; the rehearsal of 45 began late and still runs.
    client.batch_execute(
        "UPDATE cutover.steps_instance_sti SET sti_start_time = '2026-03-01 08:00' WHERE sti_name = 'Dump'",
    )?;
    finish(&mut client, "Dump")?;
    client.batch_execute(&format!(
        "UPDATE cutover.steps_instance_sti SET sti_end_time = '2026-03-01 08:50' WHERE sti_name = 'Dump';
         UPDATE cutover.steps_instance_sti SET sti_start_time = '2026-03-01 09:00' WHERE sti_name = 'Rehearse restore';
         {}",
        set("Rehearse restore", 23)
    ))?;
    assert_eq!(times(&mut client, "Dump", "{}")?, "08:00-08:50");
    assert_eq!(times(&mut client, "Rehearse restore", "{}")?, "09:00-09:45");
    assert_eq!(times(&mut client, "Stop jobs", "{}")?, "09:45-09:55");
    // At ten it still runs: it cannot have finished, and nothing open can be in the past.
    let at_ten = "{\"now\": \"2026-03-01 10:00\"}";
    assert_eq!(times(&mut client, "Rehearse restore", at_ten)?, "09:00-10:00");
    assert_eq!(times(&mut client, "Stop jobs", at_ten)?, "10:00-10:10");
    assert_eq!(times(&mut client, "Load", at_ten)?, "10:10-11:10");
    Ok(())
}

#[test]
fn a_schedule_begins_at_midnight_of_the_session_and_what_if_changes_nothing() -> Result<()> {
    let db = weekend("plan_what_if")?;
    let mut client = instance_of(&db, CUTOVER)?;
    let start = "SELECT (min(early_start) AT TIME ZONE 'UTC')::text FROM canon.plan_schedule(pg_temp.i())";
    client.batch_execute("SET TimeZone = 'Asia/Tokyo'")?;
    assert_eq!(text(&mut client, start)?, "2026-02-28 15:00:00");
    client.batch_execute("SET TimeZone = 'UTC'")?;
    assert_eq!(text(&mut client, start)?, "2026-03-01 00:00:00");
    // "Go" has no duration of its own: the 5 minutes of its instruction count.
    assert_eq!(times(&mut client, "Go", "{}")?, "01:40-01:45");
    let longer = "{\"durations\": {\"00000000-0000-0000-0000-000000000104\": 120}}";
    assert_eq!(times(&mut client, "Go", longer)?, "02:40-02:45");
    assert_eq!(times(&mut client, "Go", "{}")?, "01:40-01:45");
    let path = "SELECT string_agg(label, ', ' ORDER BY position) FROM canon.plan_critical_path(pg_temp.i())";
    assert_eq!(text(&mut client, path)?, "Dump, Stop jobs, Load, Go");
    Ok(())
}

#[test]
fn a_step_without_a_team_is_not_ready_and_a_team_sees_its_own() -> Result<()> {
    let db = weekend("plan_teams")?;
    db.connect()?.batch_execute(
        "UPDATE cutover.steps_master_stm SET stm_id_predecessor = NULL;
         UPDATE cutover.steps_master_stm SET tms_id_owner = NULL WHERE stm_code = 'S2'",
    )?;
    let mut client = instance_of(&db, RUN)?;
    assert_eq!(text(&mut client, READY)?, "Dump, Stop jobs");
    let own = "SELECT string_agg(label, ', ') FROM canon.plan_ready(pg_temp.i(), '2')";
    assert_eq!(text(&mut client, own)?, "Stop jobs");
    Ok(())
}

#[test]
fn groups_follow_as_far_as_the_mapping_lets_them() -> Result<()> {
    let db = weekend("plan_follow")?;
    let mut client = instance_of(&db, DR)?;
    client.batch_execute("UPDATE canon.plan SET roll_up = 'manual'")?;
    client.batch_execute(&set("Dump", 23))?;
    assert_eq!(text(&mut client, GROUPS)?, "");
    client.batch_execute("SELECT canon.plan_roll_up(pg_temp.i())")?;
    let begun = "plan Weekend IN_PROGRESS, sequence Prepare IN_PROGRESS, phase Backups IN_PROGRESS";
    assert_eq!(text(&mut client, GROUPS)?, begun);

    client.batch_execute(
        "UPDATE canon.plan SET roll_up = 'begin';
         UPDATE cutover.controls_instance_cti SET cti_status = 31 WHERE set_config('canon.status_reason', 'n/a', false) <> ''",
    )?;
    client.batch_execute("UPDATE cutover.instructions_instance_ini SET ini_is_completed = true")?;
    client.batch_execute(&set("Dump", 24))?;
    finish(&mut client, "Rehearse restore")?;
    finish(&mut client, "Stop jobs")?;
    assert_eq!(text(&mut client, GROUPS)?, begun);

    // A step that is blocked before anybody has begun begins nothing.
    let mut client = instance_of(&db, RUN)?;
    client.batch_execute("UPDATE canon.plan SET roll_up = 'complete'; SET canon.status_reason = 'No licence'")?;
    client.batch_execute(&set("Load", 26))?;
    assert_eq!(text(&mut client, GROUPS)?, "");
    // One statement for the steps of two plans.
    client.batch_execute("UPDATE cutover.steps_instance_sti SET sti_status = 27 WHERE sti_status NOT IN (24, 27)")?;
    let plans = "SELECT string_agg(pli_status::text, ' ' ORDER BY pli_status) FROM cutover.plans_instance_pli";
    assert_eq!(text(&mut client, plans)?, "7 8");
    Ok(())
}

#[test]
fn a_reopened_step_loses_its_end_and_keeps_its_start_and_history() -> Result<()> {
    let db = weekend("plan_reopen")?;
    let mut client = instance_of(&db, RUN)?;
    client.batch_execute(&format!(
        "UPDATE cutover.steps_instance_sti SET sti_start_time = '2026-03-01 08:00' WHERE sti_name = 'Dump'; {}",
        set("Dump", 23)
    ))?;
    let stamps = "SELECT (sti_start_time = '2026-03-01 08:00') || ' ' || (sti_end_time IS NOT NULL)
                  FROM cutover.steps_instance_sti WHERE sti_name = 'Dump'";
    assert_eq!(text(&mut client, stamps)?, "true false");
    client.batch_execute("UPDATE cutover.instructions_instance_ini SET ini_is_completed = true")?;
    client.batch_execute(&set("Dump", 24))?;
    assert_eq!(text(&mut client, stamps)?, "true true");
    refused(&mut client, &set("Dump", 23), &SqlState::CHECK_VIOLATION)?;
    client.batch_execute(&format!("SET canon.status_reason = 'dump is empty'; {}", set("Dump", 23)))?;
    assert_eq!(text(&mut client, stamps)?, "true false");
    let history = "SELECT string_agg(h.to_state, ' ' ORDER BY h.id) FROM cutover.status_history h
                   WHERE h.key = pg_temp.step('Dump')::text";
    assert_eq!(text(&mut client, history)?, "PENDING IN_PROGRESS COMPLETED IN_PROGRESS");
    Ok(())
}

#[test]
fn a_comparison_marks_what_took_a_fifth_or_runs_half_as_long_again() -> Result<()> {
    let db = weekend("plan_bottleneck")?;
    let mut client = instance_of(&db, RUN)?;
    let other: String =
        report(&mut client, TEMPLATE, DR, &json!({}))?["instance"].as_str().unwrap_or_default().to_owned();
    let slow = format!(
        "SELECT first_bottleneck || ' ' || first_actual FROM canon.plan_compare(pg_temp.i(), '{other}') WHERE label = 'Dump'"
    );
    client.batch_execute(&set("Dump", 23))?;
    let mut with = |column: &str, value: &str| -> Result<String> {
        client.batch_execute("BEGIN")?;
        client.batch_execute(&format!(
            "UPDATE cutover.steps_instance_sti SET {column} = {value} WHERE sti_name = 'Dump'"
        ))?;
        let found = text(&mut client, &slow)?;
        client.batch_execute("COMMIT")?;
        Ok(found)
    };
    // Planned are 30 minutes.
    assert_eq!(with("sti_start_time", "now() - interval '45 minutes'")?, "false 45");
    assert_eq!(with("sti_start_time", "now() - interval '46 minutes'")?, "true 46");
    with("sti_start_time", "'2026-03-01 08:00'")?;
    client.batch_execute("UPDATE cutover.instructions_instance_ini SET ini_is_completed = true")?;
    client.batch_execute(&set("Dump", 24))?;
    let mut with = |minutes: i32| -> Result<String> {
        client.batch_execute(&format!(
            "UPDATE cutover.steps_instance_sti SET sti_end_time = sti_start_time + make_interval(mins => {minutes})
             WHERE sti_name = 'Dump' AND sti_status = 24"
        ))?;
        text(&mut client, &slow)
    };
    assert_eq!(with(36)?, "false 36");
    assert_eq!(with(37)?, "true 37");
    Ok(())
}

/// Names that mean something in SVG, in Mermaid and in JSON.
#[test]
fn a_chart_shows_hostile_names_as_text() -> Result<()> {
    let db = weekend("plan_names")?;
    let mut client = instance_of(&db, RUN)?;
    client.batch_execute(
        r#"UPDATE cutover.steps_instance_sti SET sti_name = E'<script>alert(1)</script> & "x"\u0007' WHERE sti_name = 'Dump';
           UPDATE cutover.steps_instance_sti SET sti_name = E'a : b ; c, d # e\n    section Evil\n%% 🚀' WHERE sti_name = 'Load';
           UPDATE cutover.steps_instance_sti SET sti_name = '' WHERE sti_name = 'Go'"#,
    )?;
    let svg = text(&mut client, "SELECT canon.plan_gantt(pg_temp.i())")?;
    // The server's own parser.
    client.execute("SELECT xmlparse(DOCUMENT $1::text)", &[&svg])?;
    assert!(svg.contains("&lt;script>") || svg.contains("&lt;script&gt;"), "{svg}");
    assert!(!svg.contains("<script") && svg.contains('🚀'), "{svg}");
    let mermaid = text(&mut client, "SELECT canon.plan_gantt(pg_temp.i(), 'mermaid')")?;
    let tasks = mermaid.lines().filter(|l| l.contains(" :")).count();
    let sections = mermaid.lines().filter(|l| l.trim_start().starts_with("section ")).count();
    assert_eq!((tasks, sections), (5, 5), "{mermaid}");
    let rows = text(&mut client, "SELECT jsonb_array_length(canon.plan_gantt(pg_temp.i(), 'json')::jsonb)::text")?;
    assert_eq!(rows, "10");
    Ok(())
}
