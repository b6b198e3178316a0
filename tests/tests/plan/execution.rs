//! A plan on its way: what may start, who refuses what, statuses of groups, decisions.

use anyhow::Result;
use canon_tests::{Database, refused};
use postgres::Client;
use postgres::error::SqlState;

use crate::{CUTOVER, DR, RUN, TEMPLATE, instantiate, weekend};

/// A client with the small template, instantiated for a run, as `pg_temp.i()`.
pub(crate) fn instance_of(db: &Database, run: &str) -> Result<Client> {
    let mut client = db.connect()?;
    let (id, _) = instantiate(&mut client, TEMPLATE, run)?;
    client.batch_execute(&format!(
        "CREATE FUNCTION pg_temp.i() RETURNS uuid LANGUAGE sql IMMUTABLE AS $$SELECT '{id}'::uuid$$;
         CREATE FUNCTION pg_temp.step(name text) RETURNS uuid LANGUAGE sql STABLE AS $$
             SELECT sti_id FROM cutover.steps_instance_sti JOIN cutover.phases_instance_phi USING (phi_id)
             JOIN cutover.sequences_instance_sqi USING (sqi_id) WHERE pli_id = '{id}' AND sti_name = name $$"
    ))?;
    Ok(client)
}

pub(crate) fn text(client: &mut Client, sql: &str) -> Result<String> {
    Ok(client.query_one(sql, &[])?.get::<_, Option<String>>(0).unwrap_or_default())
}

pub(crate) fn set(name: &str, status: i32) -> String {
    format!("UPDATE cutover.steps_instance_sti SET sti_status = {status} WHERE sti_id = pg_temp.step('{name}')")
}

/// Completes a step with its instructions.
pub(crate) fn finish(client: &mut Client, name: &str) -> Result<()> {
    client.batch_execute(&format!(
        "{}; UPDATE cutover.instructions_instance_ini SET ini_is_completed = true WHERE sti_id = pg_temp.step('{name}');
         {}",
        set(name, 23),
        set(name, 24)
    ))?;
    Ok(())
}

pub(crate) const READY: &str = "SELECT string_agg(label, ', ' ORDER BY label) FROM canon.plan_ready(pg_temp.i())";
const ROLL_UP: &str = "
    SELECT string_agg(level || ' ' || label || ' ' || after, ', ' ORDER BY n)
    FROM canon.plan_roll_up(pg_temp.i()) WITH ORDINALITY AS r (level, node, label, before, after, n)";
/// Groups that are no longer as they were made.
pub(crate) const GROUPS: &str = "
    SELECT string_agg(level || ' ' || label || ' ' || status, ', ' ORDER BY depth, label)
    FROM canon.plan_progress(pg_temp.i()) WHERE level <> 'step' AND status <> 'PLANNING'";
const STATUSES: &str = "
    SELECT string_agg(label || ' ' || status, ', ' ORDER BY depth, label) FROM canon.plan_progress(pg_temp.i())";

#[test]
fn a_plan_runs_to_its_end_and_what_comes_too_early_is_refused() -> Result<()> {
    let db = weekend("plan_run")?;
    let mut client = instance_of(&db, RUN)?;
    let no = |client: &mut Client, sql: &str, why: &str| -> Result<()> {
        let refusal = refused(client, sql, &SqlState::CHECK_VIOLATION)?;
        assert!(refusal.message().contains(why), "{sql}: {refusal:?}");
        Ok(())
    };
    assert_eq!(text(&mut client, READY)?, "Dump");
    no(&mut client, &set("Load", 23), "BR104")?;
    no(&mut client, &set("Stop jobs", 22), "the step before it")?;
    client.batch_execute(&set("Dump", 23))?;
    let begun = "plan Weekend IN_PROGRESS, sequence Prepare IN_PROGRESS, phase Backups IN_PROGRESS";
    assert_eq!(text(&mut client, GROUPS)?, begun);
    assert_eq!(text(&mut client, ROLL_UP)?, "");
    no(&mut client, &set("Dump", 24), "BR107")?;

    // What the plan is made of is frozen.
    for sql in [
        "UPDATE cutover.steps_instance_sti SET sti_duration_minutes = 1",
        "UPDATE cutover.steps_instance_sti SET sti_id_predecessor = NULL",
        "DELETE FROM cutover.instructions_instance_ini",
        "INSERT INTO cutover.phases_instance_phi (sqi_id, phm_id, phi_status)
         SELECT sqi_id, phm_id, 17 FROM cutover.phases_instance_phi LIMIT 1",
        "UPDATE cutover.sequences_instance_sqi SET sqi_order = 9",
    ] {
        let refusal = refused(&mut client, sql, &SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE)?;
        assert!(refusal.message().contains("has begun"), "{sql}: {refusal:?}");
    }
    // Written again as it was, as clients do that write whole rows, it is not changed.
    client.batch_execute("UPDATE cutover.steps_instance_sti SET sti_name = sti_name, phi_id = phi_id")?;
    let elsewhere = "UPDATE cutover.plans_instance_pli SET ite_id = (
        SELECT ite_id FROM cutover.iterations_ite WHERE itt_code = 'DR') WHERE pli_id = pg_temp.i()";
    let refusal = refused(&mut client, elsewhere, &SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE)?;
    assert!(refusal.message().contains("its template and its run stay"), "{refusal:?}");

    finish(&mut client, "Dump")?;
    finish(&mut client, "Rehearse restore")?;
    finish(&mut client, "Stop jobs")?;
    // The control is open, and then fails.
    assert_eq!(text(&mut client, GROUPS)?, begun);
    assert_eq!(text(&mut client, READY)?, "");
    let control = "SELECT cti_id::text FROM cutover.controls_instance_cti";
    let control = text(&mut client, control)?;
    client.batch_execute(
        "SET canon.status_reason = 'checksum'; UPDATE cutover.controls_instance_cti SET cti_status = 30; RESET canon.status_reason",
    )?;
    no(&mut client, &set("Load", 23), "BR104")?;
    let override_gate = format!("SELECT canon.plan_override_gate('{control}', 'the vendor has checked')");
    no(&mut client, &override_gate, "validator")?;
    client
        .batch_execute("UPDATE cutover.controls_instance_cti SET usr_id_it_validator = 1, usr_id_biz_validator = 1")?;
    client.batch_execute(&override_gate)?;
    let record = "SELECT action || ': ' || reason || ', ' || acted_by || ', ' || (detail->>'status') FROM cutover_plan.plan_action";
    let user = text(&mut client, "SELECT current_user::text")?;
    assert_eq!(text(&mut client, record)?, format!("override gate: the vendor has checked, {user}, FAILED"));
    let first_over = "plan Weekend IN_PROGRESS, sequence Prepare COMPLETED, phase Backups COMPLETED";
    assert_eq!(text(&mut client, GROUPS)?, first_over);

    assert_eq!(text(&mut client, READY)?, "Load");
    finish(&mut client, "Load")?;
    assert_eq!(
        text(&mut client, GROUPS)?,
        "plan Weekend IN_PROGRESS, sequence Prepare COMPLETED, sequence Switch IN_PROGRESS, \
         phase Backups COMPLETED, phase Load IN_PROGRESS"
    );
    finish(&mut client, "Go")?;
    assert_eq!(
        text(&mut client, GROUPS)?,
        "plan Weekend COMPLETED, sequence Prepare COMPLETED, sequence Switch COMPLETED, \
         phase Backups COMPLETED, phase Load COMPLETED"
    );
    assert_eq!(text(&mut client, ROLL_UP)?, "");
    assert_eq!(text(&mut client, READY)?, "");
    let stamps = "
        SELECT (pli_start_time = (SELECT min(sti_start_time) FROM cutover.steps_instance_sti))::text || ' ' ||
            (pli_end_time >= (SELECT max(sti_end_time) FROM cutover.steps_instance_sti))::text
        FROM cutover.plans_instance_pli";
    assert_eq!(text(&mut client, stamps)?, "true true");
    Ok(())
}

/// Everything done by hand before anybody rolls up: one call settles all groups, in an order that
/// their own guards accept.
#[test]
fn one_roll_up_settles_everything_below() -> Result<()> {
    let db = weekend("plan_roll_up")?;
    let mut client = instance_of(&db, RUN)?;
    client.batch_execute(
        "SET session_replication_role = replica;
         UPDATE cutover.steps_instance_sti SET sti_status = 24, sti_start_time = '2026-03-01', sti_end_time = '2026-03-02';
         UPDATE cutover.controls_instance_cti SET cti_status = 29;
         RESET session_replication_role",
    )?;
    let begun =
        "SELECT count(*)::text FROM canon.plan_roll_up(pg_temp.i(), complete => false) WHERE after = 'IN_PROGRESS'";
    client.batch_execute("BEGIN")?;
    // The second sequence cannot begin before the first is completed, which is left to people.
    refused(&mut client, begun, &SqlState::CHECK_VIOLATION)?;
    client.batch_execute("ROLLBACK")?;
    text(&mut client, ROLL_UP)?;
    let statuses = text(&mut client, STATUSES)?;
    assert!(
        statuses.starts_with("Weekend COMPLETED, Prepare COMPLETED, Switch COMPLETED, Backups COMPLETED"),
        "{statuses}"
    );
    Ok(())
}

#[test]
fn a_group_without_tasks_holds_nobody_up() -> Result<()> {
    let db = weekend("plan_empty_group")?;
    db.connect()?.batch_execute(
        "INSERT INTO cutover.phases_master_phm (phm_id, sqm_id, phm_order, phm_name)
         VALUES ('00000000-0000-0000-0000-0000000000e0', '00000000-0000-0000-0000-0000000000d1', 0, 'Nothing');
         UPDATE cutover.phases_master_phm SET predecessor_phm_id = '00000000-0000-0000-0000-0000000000e0'
         WHERE phm_name = 'Backups'",
    )?;
    let mut client = instance_of(&db, RUN)?;
    let warnings =
        "SELECT string_agg(w, '; ') FROM cutover_plan.plan_run, jsonb_array_elements_text(report->'warnings') w";
    assert!(text(&mut client, warnings)?.contains("1 rows of level \"phase\" have no task"));
    assert_eq!(text(&mut client, READY)?, "");
    refused(&mut client, &set("Dump", 23), &SqlState::CHECK_VIOLATION)?;
    assert_eq!(text(&mut client, ROLL_UP)?, "phase Nothing IN_PROGRESS, phase Nothing COMPLETED");
    assert_eq!(text(&mut client, READY)?, "Dump");
    client.batch_execute(&set("Dump", 23))?;
    Ok(())
}

/// What the three policies mean for the steps behind a skipped one.
#[test]
fn a_skipped_step_lets_go_holds_or_takes_along() -> Result<()> {
    let db = weekend("plan_skip")?;
    let skip = |policy: &str| format!("SELECT canon.plan_skip(pg_temp.step('Dump'), 'no space', '{policy}')");
    let steps = "SELECT string_agg(label || ' ' || status, ', ' ORDER BY label)
                 FROM canon.plan_progress(pg_temp.i()) WHERE level = 'step'";

    let mut client = instance_of(&db, RUN)?;
    client.batch_execute(&skip("continue"))?;
    assert_eq!(text(&mut client, READY)?, "Rehearse restore");

    let mut client = instance_of(&db, DR)?;
    client.batch_execute(&skip("stop"))?;
    assert_eq!(
        text(&mut client, steps)?,
        "Dump CANCELLED, Go PENDING, Load PENDING, Rehearse restore BLOCKED, Stop jobs PENDING"
    );
    assert_eq!(text(&mut client, READY)?, "");
    let at_risk = "SELECT string_agg(label || ' because of ' || cause_label, ', ' ORDER BY label)
                   FROM canon.plan_at_risk(pg_temp.i())";
    assert_eq!(
        text(&mut client, at_risk)?,
        "Go because of Rehearse restore, Load because of Rehearse restore, Stop jobs because of Rehearse restore"
    );
    client.batch_execute(&set("Rehearse restore", 22))?;
    assert_eq!(text(&mut client, READY)?, "Rehearse restore");
    assert_eq!(text(&mut client, at_risk)?, "");

    let mut client = instance_of(&db, CUTOVER)?;
    client.batch_execute(&skip("skip-cascade"))?;
    assert_eq!(text(&mut client, steps)?, "Dump CANCELLED, Go PENDING, Load PENDING, Stop jobs CANCELLED");

    for (sql, why) in [
        (skip("maybe"), "no policy"),
        ("SELECT canon.plan_skip(pg_temp.step('Go'), '  ')".to_owned(), "a reason is required"),
        ("SELECT canon.plan_skip(pg_temp.step('Dump'), 'again')".to_owned(), "has the status CANCELLED"),
        ("SELECT canon.plan_skip(pg_temp.i(), 'all')".to_owned(), "is no task"),
        ("SELECT canon.plan_override_gate(pg_temp.i(), 'all')".to_owned(), "is no gate"),
    ] {
        let refusal = refused(&mut client, &sql, &SqlState::INVALID_PARAMETER_VALUE)?;
        assert!(refusal.message().contains(why), "{sql}: {refusal:?}");
    }
    let record = "SELECT string_agg(detail->>'policy', ' ' ORDER BY action_id) FROM cutover_plan.plan_action";
    assert_eq!(text(&mut client, record)?, "continue stop skip-cascade");
    let history = "SELECT string_agg(DISTINCT reason, ', ') FROM canon.status_history('cutover.steps_instance_sti')";
    assert_eq!(text(&mut client, history)?, "no space");
    Ok(())
}

#[test]
fn a_cancelled_row_takes_along_what_is_below_and_not_over() -> Result<()> {
    let db = weekend("plan_cancel")?;
    let mut client = instance_of(&db, RUN)?;
    finish(&mut client, "Dump")?;
    client.batch_execute("SELECT canon.plan_cancel(pg_temp.i(), 'storm')")?;
    assert_eq!(
        text(&mut client, STATUSES)?,
        "Weekend CANCELLED, Prepare CANCELLED, Switch CANCELLED, Backups CANCELLED, Load CANCELLED, \
         Dump COMPLETED, Go CANCELLED, Load CANCELLED, Rehearse restore CANCELLED, Stop jobs CANCELLED"
    );
    assert_eq!(text(&mut client, "SELECT string_agg(cti_status::text, '') FROM cutover.controls_instance_cti")?, "31");

    let mut client = instance_of(&db, DR)?;
    let phase = "SELECT canon.plan_cancel(phi_id, 'no load') FROM cutover.phases_instance_phi
                 JOIN cutover.sequences_instance_sqi USING (sqi_id) WHERE phi_name = 'Load' AND pli_id = pg_temp.i()";
    client.batch_execute(phase)?;
    assert_eq!(text(&mut client, GROUPS)?, "sequence Switch CANCELLED, phase Load CANCELLED");
    Ok(())
}

/// A change of the instance becomes the template's, and other instances follow it.
#[test]
fn what_an_instance_has_learnt_goes_back_to_the_template() -> Result<()> {
    let db = weekend("plan_promote")?;
    let mut rehearsal = instance_of(&db, DR)?;
    let mut night = instance_of(&db, CUTOVER)?;
    rehearsal.batch_execute(
        "UPDATE cutover.steps_instance_sti SET sti_duration_minutes = 50 WHERE sti_id = pg_temp.step('Dump')",
    )?;
    let promote = |mode: &str| {
        format!(
            "SELECT string_agg(field || ' ' || template_value || ' ' || instance_value, ', ')
             FROM canon.plan_promote(pg_temp.i(), pg_temp.step('Dump'), '{mode}', 'measured')"
        )
    };
    assert_eq!(text(&mut rehearsal, &promote("preview"))?, "stm_duration_minutes 30 50");
    assert_eq!(text(&mut rehearsal, "SELECT count(*)::text FROM cutover_plan.template_version")?, "1");
    assert_eq!(text(&mut rehearsal, &promote("apply"))?, "stm_duration_minutes 30 50");
    assert_eq!(text(&mut rehearsal, "SELECT count(*)::text FROM cutover_plan.template_version")?, "2");
    assert_eq!(text(&mut rehearsal, "SELECT count(*)::text FROM canon.plan_drift(pg_temp.i())")?, "0");
    let drift = "SELECT string_agg(field || ' ' || template_value || ' ' || instance_value, ', ') FROM canon.plan_drift(pg_temp.i())";
    assert_eq!(text(&mut night, drift)?, "sti_duration_minutes 50 30");
    Ok(())
}

/// A copy of a template is a template of its own, with controls of its own.
#[test]
fn a_cloned_template_makes_an_instance_like_the_first() -> Result<()> {
    let db = weekend("plan_clone")?;
    let mut client = instance_of(&db, DR)?;
    let clone = text(&mut client, &format!("SELECT canon.plan_clone('{TEMPLATE}', 'Next weekend')"))?;
    client
        .batch_execute(&format!("UPDATE cutover.iterations_ite SET plm_id = '{clone}' WHERE ite_id = '{CUTOVER}'"))?;
    let first = "SELECT sum(value::int8)::text FROM cutover_plan.plan_run, jsonb_each_text(report->'created')";
    let first: i64 = text(&mut client, first)?.parse()?;
    let (_, created) = instantiate(&mut client, &clone, CUTOVER)?;
    // One step is for rehearsals only.
    assert_eq!(created, first - 1);
    // The origin keeps codes of controls unique in all templates together.
    let codes = "SELECT string_agg(ctm_code, ' ' ORDER BY ctm_code) FROM cutover.controls_master_ctm";
    assert_eq!(text(&mut client, codes)?, "C1 C1-2");
    client.batch_execute(&format!("SELECT canon.plan_clone('{clone}', 'And again')"))?;
    assert_eq!(text(&mut client, codes)?, "C1 C1-2 C1-3");
    let pointing = "SELECT count(*)::text FROM cutover.instructions_master_inm
         JOIN cutover.controls_master_ctm USING (ctm_id) WHERE ctm_code = 'C1-2'";
    assert_eq!(text(&mut client, pointing)?, "2");
    let shared = format!(
        "SELECT count(*)::text FROM cutover.steps_master_stm s JOIN cutover.phases_master_phm USING (phm_id)
         JOIN cutover.sequences_master_sqm q USING (sqm_id)
         JOIN cutover.steps_master_stm b ON b.stm_id = s.stm_id_predecessor
         JOIN cutover.phases_master_phm bp ON bp.phm_id = b.phm_id JOIN cutover.sequences_master_sqm bq ON bq.sqm_id = bp.sqm_id
         WHERE q.plm_id = '{clone}' AND bq.plm_id <> q.plm_id"
    );
    assert_eq!(text(&mut client, &shared)?, "0");
    Ok(())
}

/// Further dependencies count in the schedule, and cannot close a circle either.
#[test]
fn a_dependency_with_a_lag_moves_the_schedule() -> Result<()> {
    let db = weekend("plan_dependency")?;
    let mut client = instance_of(&db, DR)?;
    let declare = |from: &str, to: &str, link: &str, lag: i32| {
        format!(
            "INSERT INTO cutover_plan.plan_dependency VALUES ('cutover', '{TEMPLATE}', 'step',
                 '00000000-0000-0000-0000-000000000{from}', 'step', '00000000-0000-0000-0000-000000000{to}', '{link}', {lag})"
        )
    };
    let length = "SELECT (max(early_finish) - min(early_start))::text FROM canon.plan_schedule(pg_temp.i())";
    // Dump 30, rehearse 45, stop 10; load 60, go 5 by its instruction.
    assert_eq!(text(&mut client, length)?, "02:30:00");
    client.batch_execute(&declare("104", "105", "SS", 200))?;
    assert_eq!(text(&mut client, length)?, "04:50:00");
    let refusal = refused(&mut client, &declare("105", "101", "FS", 0), &SqlState::CHECK_VIOLATION)?;
    assert!(refusal.message().contains("waits for itself"), "{refusal:?}");
    Ok(())
}
