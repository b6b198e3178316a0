//! Clients at once, clients that vanish, servers that crash, templates that change meanwhile.

use std::thread;
use std::time::Duration;

use anyhow::Result;
use canon_tests::{Database, PrivateCluster, capture, refused, server};
use postgres::Client;
use postgres::error::SqlState;
use uuid::Uuid;

use crate::execution::{GROUPS, finish, instance_of, set, text};
use crate::{CUTOVER, DR, RUN, TEMPLATE, WEEKEND, count, instantiate, weekend};

#[test]
fn clients_at_once_get_one_plan() -> Result<()> {
    let db = weekend("plan_race")?;
    let mut answers = Vec::new();
    for isolation in ["READ COMMITTED", "SERIALIZABLE"] {
        db.connect()?.batch_execute("DELETE FROM cutover_plan.plan_run")?;
        let ask = |client: Result<Client>| -> Result<(Uuid, i64)> {
            let mut client = client?;
            client.batch_execute(&format!("SET default_transaction_isolation = '{isolation}'"))?;
            loop {
                match instantiate(&mut client, TEMPLATE, if isolation == "SERIALIZABLE" { DR } else { CUTOVER }) {
                    Err(error) if is_retryable(&error) => {}
                    answer => return answer,
                }
            }
        };
        let clients: Vec<Result<Client>> = (0..8).map(|_| db.connect()).collect();
        let found: Vec<Result<(Uuid, i64)>> = thread::scope(|scope| {
            let threads: Vec<_> = clients.into_iter().map(|c| scope.spawn(|| ask(c))).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        let found = found.into_iter().collect::<Result<Vec<_>>>()?;
        assert!(found.iter().all(|(id, _)| *id == found[0].0), "{found:?}");
        assert_eq!(found.iter().filter(|(_, created)| *created > 0).count(), 1, "{found:?}");
        answers.push(found[0].0);
    }
    assert_ne!(answers[0], answers[1]);
    assert_eq!(count(&mut db.connect()?, "SELECT count(*) FROM cutover.plans_instance_pli")?, 2);
    Ok(())
}

/// Two clients finish the last two steps of a phase at once. Neither sees the other's step before the
/// other commits, and still the phase is completed.
#[test]
fn the_last_steps_of_a_plan_can_be_finished_at_once() -> Result<()> {
    let db = weekend("plan_last_steps")?;
    db.connect()?.batch_execute("UPDATE cutover.steps_master_stm SET stm_id_predecessor = NULL")?;
    for (run, second) in [
        (DR, "UPDATE cutover.steps_instance_sti SET sti_status = 24 WHERE sti_id = pg_temp.step('Stop jobs')"),
        (RUN, "SELECT canon.plan_skip(pg_temp.step('Stop jobs'), 'no jobs')"),
    ] {
        let mut first = instance_of(&db, run)?;
        first.batch_execute(
            "SET canon.status_reason = 'checked';
             UPDATE cutover.controls_instance_cti SET cti_status = 31 WHERE cti_status = 28;
             UPDATE cutover.instructions_instance_ini SET ini_is_completed = true",
        )?;
        finish(&mut first, "Rehearse restore")?;
        first.batch_execute(&set("Dump", 23))?;
        if second.starts_with("UPDATE") {
            first.batch_execute(&set("Stop jobs", 23))?;
        }
        let mut other = instance_of(&db, run)?;
        let pid = count(&mut other, "SELECT pg_backend_pid()::int8")?;
        first.batch_execute("BEGIN")?;
        first.batch_execute(&set("Dump", 24))?;
        let second = thread::spawn(move || other.batch_execute(second));
        let waits = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND wait_event_type = 'Lock'");
        let mut observer = db.connect()?;
        while count(&mut observer, &waits)? == 0 && !second.is_finished() {
            thread::sleep(Duration::from_millis(5));
        }
        first.batch_execute("COMMIT")?;
        second.join().map_err(|_| anyhow::anyhow!("the second client panicked"))??;
        let groups = text(&mut first, GROUPS)?;
        assert!(groups.contains("sequence Prepare COMPLETED, phase Backups COMPLETED"), "{run}: {groups}");
    }
    Ok(())
}

fn is_retryable(error: &anyhow::Error) -> bool {
    let code = error.downcast_ref::<postgres::Error>().and_then(|e| e.code());
    code == Some(&SqlState::T_R_SERIALIZATION_FAILURE) || code == Some(&SqlState::UNIQUE_VIOLATION)
}

/// A server killed in the middle has made nothing; dumped and restored in the middle of an
/// execution, the plan goes on.
#[test]
fn half_a_plan_never_exists_and_a_restored_one_goes_on() -> Result<()> {
    let cluster = PrivateCluster::start_new(&server(), &[])?;
    let db = cluster.server().database("plan_crash")?;
    let mut client = db.connect()?;
    client.batch_execute("CREATE EXTENSION pg_canon; SELECT canon.install('cutover')")?;
    client.batch_execute(WEEKEND)?;
    client.batch_execute("BEGIN")?;
    instantiate(&mut client, TEMPLATE, RUN)?;
    cluster.kill_postmaster()?;
    cluster.start()?;
    let mut client = db.connect()?;
    for table in ["cutover.plans_instance_pli", "cutover.steps_instance_sti", "cutover_plan.plan_run"] {
        assert_eq!(count(&mut client, &format!("SELECT count(*) FROM {table}"))?, 0, "{table}");
    }
    let (instance, created) = instantiate(&mut client, TEMPLATE, RUN)?;
    assert!(created > 0);
    client.batch_execute(&format!(
        "UPDATE cutover.steps_instance_sti SET sti_status = 23, sti_start_time = now() WHERE sti_name = 'Dump';
         SELECT canon.plan_roll_up('{instance}')"
    ))?;
    let progress = format!("SELECT string_agg(p::text, E'\\n') FROM canon.plan_progress('{instance}') p");
    let before: String = client.query_one(&progress, &[])?.get(0);

    let file = tempfile::NamedTempFile::new()?;
    capture(db.program("pg_dump").arg("--file").arg(file.path()))?;
    let restored = cluster.server().database("plan_restored")?;
    capture(restored.program("psql").args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f"]).arg(file.path()))?;
    let mut copy = restored.connect()?;
    assert_eq!(copy.query_one(&progress, &[])?.get::<_, String>(0), before);
    assert_eq!(instantiate(&mut copy, TEMPLATE, RUN)?, (instance, 0));
    assert_eq!(count(&mut copy, &format!("SELECT count(*) FROM canon.plan_drift('{instance}')"))?, 0);
    let complete = "UPDATE cutover.steps_instance_sti SET sti_status = 24 WHERE sti_name = 'Dump'";
    let refusal = refused(&mut copy, complete, &SqlState::CHECK_VIOLATION)?;
    assert!(refusal.message().contains("BR107"), "{refusal:?}");
    copy.batch_execute(&format!(
        "UPDATE cutover.instructions_instance_ini SET ini_is_completed = true WHERE sti_id IN (
             SELECT sti_id FROM cutover.steps_instance_sti WHERE sti_name = 'Dump');
         {complete}"
    ))?;
    assert_eq!(count(&mut copy, &format!("SELECT count(*) FROM canon.plan_ready('{instance}')"))?, 1);
    Ok(())
}

/// A template with so many steps, in 10 sequences of 10 phases, and as many instructions each.
fn large(db: &Database, steps: i32, instructions: i32) -> Result<()> {
    db.connect()?.batch_execute(&format!(
        "INSERT INTO cutover.plans_master_plm (plm_id, tms_id, plm_name, plm_status) VALUES ('{LARGE}', 1, 'v0', 5);
         INSERT INTO cutover.iterations_ite (ite_id, mig_id, itt_code, ite_name, ite_status)
         SELECT '{LARGE}', mig_id, 'RUN', 'Large', 9 FROM cutover.migrations_mig;
         INSERT INTO cutover.sequences_master_sqm (sqm_id, plm_id, sqm_order, sqm_name)
         SELECT md5('q' || n)::uuid, '{LARGE}', n, 'v0' FROM generate_series(0, 9) n;
         INSERT INTO cutover.phases_master_phm (phm_id, sqm_id, phm_order, phm_name)
         SELECT md5('p' || n)::uuid, md5('q' || n / 10)::uuid, n, 'v0' FROM generate_series(0, 99) n;
         INSERT INTO cutover.steps_master_stm
             (stm_id, phm_id, tms_id_owner, stt_code, stm_number, stm_name, stm_duration_minutes, stm_id_predecessor)
         SELECT md5('s' || n)::uuid, md5('p' || n % 100)::uuid, 1, 'SYS', n, 'v0', 5,
             CASE WHEN n > 100 THEN md5('s' || n - 100)::uuid END
         FROM generate_series(1, {steps}) n;
         INSERT INTO cutover.instructions_master_inm (stm_id, inm_order, inm_body)
         SELECT md5('s' || n)::uuid, i, 'v0' FROM generate_series(1, {steps}) n, generate_series(1, {instructions}) i;
         ANALYZE"
    ))?;
    Ok(())
}

const LARGE: &str = "11111111-0000-0000-0000-000000000000";

/// Tables that an instance is made of.
const MADE: &str = "
    SELECT (SELECT count(*) FROM cutover.plans_instance_pli) + (SELECT count(*) FROM cutover.steps_instance_sti)
        + (SELECT count(*) FROM cutover.instructions_instance_ini) + (SELECT count(*) FROM cutover_plan.plan_run)
        + (SELECT count(*) FROM cutover_plan.template_version)";

/// Cancelled at every stage, and with its connection cut off, a call leaves nothing behind, and the
/// same session can try again.
#[test]
fn a_cancelled_plan_leaves_nothing() -> Result<()> {
    let db = weekend("plan_cancelled")?;
    large(&db, 3_000, 4)?;
    let mut observer = db.connect()?;
    let mut cancelled = 0;
    for delay in [5, 20, 50, 100, 200, 400, 800] {
        let mut client = db.connect()?;
        let token = client.cancel_token();
        let pid = count(&mut client, "SELECT pg_backend_pid()::int8")?;
        let call = thread::spawn(move || {
            let made = instantiate(&mut client, LARGE, LARGE);
            (client, made)
        });
        // The delay counts from when the server is at work.
        let at_work = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND state = 'active'");
        while count(&mut observer, &at_work)? == 0 && !call.is_finished() {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_millis(delay));
        if delay % 100 > 0 {
            token.cancel_query(postgres::NoTls)?;
        } else {
            count(&mut observer, &format!("SELECT pg_terminate_backend({pid}::int4)::int4::int8"))?;
        }
        let (_, made) = call.join().map_err(|_| anyhow::anyhow!("the client panicked"))?;
        if made.is_ok() {
            break;
        }
        cancelled += 1;
        assert_eq!(count(&mut observer, MADE)?, 0, "after {delay} ms");
    }
    assert!(cancelled > 0, "every call was faster than its cancellation");
    instantiate(&mut observer, LARGE, LARGE)?;
    // The plan, its steps and instructions, the record of the request, the state of the template.
    assert_eq!(count(&mut observer, MADE)?, 1 + 3_000 + 12_000 + 1 + 1);
    Ok(())
}

/// One client renames every row of the template in one transaction, again and again. Every
/// instance is made of one state.
#[test]
fn a_template_that_changes_meanwhile_is_copied_as_it_was_at_one_time() -> Result<()> {
    let db = weekend("plan_changed")?;
    large(&db, 300, 2)?;
    let stop = std::sync::atomic::AtomicBool::new(false);
    let (done, changes) = thread::scope(|scope| -> Result<(usize, u32)> {
        let writer = scope.spawn(|| -> Result<u32> {
            let mut client = db.connect()?;
            let mut version = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                version += 1;
                client.batch_execute(&format!(
                    "BEGIN;
                     UPDATE cutover.instructions_master_inm SET inm_body = 'v{version}';
                     UPDATE cutover.steps_master_stm SET stm_name = 'v{version}';
                     UPDATE cutover.phases_master_phm SET phm_name = 'v{version}';
                     UPDATE cutover.sequences_master_sqm SET sqm_name = 'v{version}';
                     UPDATE cutover.plans_master_plm SET plm_name = 'v{version}';
                     COMMIT"
                ))?;
            }
            Ok(version)
        });
        let mut client = db.connect()?;
        let calls = (0..12).try_for_each(|n| {
            let options = format!(r#"{{"idempotency_key": "{n}"}}"#);
            client.batch_execute(&format!("SELECT canon.plan_instantiate('{LARGE}', '{LARGE}', '{options}')"))
        });
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        let changes = writer.join().map_err(|_| anyhow::anyhow!("the writer panicked"))??;
        calls?;
        Ok((12, changes))
    })?;
    assert!(changes > 1, "the template did not change");
    let mut client = db.connect()?;
    let mixed = "
        SELECT count(*) FROM (
            SELECT pli_id FROM cutover.plans_instance_pli JOIN cutover.sequences_instance_sqi USING (pli_id)
            JOIN cutover.phases_instance_phi USING (sqi_id) JOIN cutover.steps_instance_sti USING (phi_id)
            JOIN cutover.instructions_instance_ini USING (sti_id)
            GROUP BY pli_id
            HAVING count(*) <> 600 OR bool_or((pli_name, sqi_name, phi_name, sti_name) IS DISTINCT FROM
                (ini_body, ini_body, ini_body, ini_body)) OR min(ini_body) <> max(ini_body)
        ) x";
    assert_eq!(count(&mut client, mixed)?, 0);
    assert_eq!(count(&mut client, "SELECT count(*) FROM cutover.plans_instance_pli")?, done as i64);
    Ok(())
}

/// Far beyond any real plan, everything still works on the whole.
#[test]
fn a_plan_of_a_hundred_thousand_steps() -> Result<()> {
    let db = weekend("plan_huge")?;
    large(&db, 100_000, 0)?;
    let mut client = db.connect()?;
    let (instance, created) = instantiate(&mut client, LARGE, LARGE)?;
    assert_eq!(created, 1 + 10 + 100 + 100_000);
    assert_eq!(instantiate(&mut client, LARGE, LARGE)?, (instance, 0));
    assert_eq!(count(&mut client, &format!("SELECT count(*) FROM canon.plan_drift('{instance}')"))?, 0);
    // Ten sequences after each other; in each, ten chains of a thousand steps of five minutes.
    let finish = count(
        &mut client,
        &format!(
            "SELECT (extract(epoch FROM max(early_finish) - min(early_start)) / 60)::int8
             FROM canon.plan_schedule('{instance}')"
        ),
    )?;
    assert_eq!(finish, 10 * 1_000 * 5);
    let ready = format!("SELECT count(*) FROM canon.plan_ready('{instance}')");
    assert_eq!(count(&mut client, &ready)?, 10);
    let circle = "UPDATE cutover.steps_master_stm SET stm_id_predecessor = md5('s100000')::uuid WHERE stm_id = md5('s100')::uuid";
    refused(&mut client, circle, &SqlState::CHECK_VIOLATION)?;
    Ok(())
}
