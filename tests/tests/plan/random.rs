//! Random templates: what is copied, what is scheduled, what a resync follows.

use std::collections::HashMap;

use anyhow::Result;
use postgres::Client;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use uuid::Uuid;

use crate::{count, instantiate, weekend};

/// A step of a random template: its phase, an earlier step to wait for, whether RUN includes it.
type Step = (usize, Option<prop::sample::Index>, bool);

fn templates() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec((0..4usize, any::<Option<prop::sample::Index>>(), any::<bool>()), 1..25)
}

fn key(kind: u8, number: usize) -> Uuid {
    Uuid::from_u128((u128::from(kind) << 64) | number as u128)
}

/// Minutes of the step with that number.
fn minutes(number: usize) -> i64 {
    (number as i64 * 7) % 11
}

/// Two sequences with two phases each; the second sequence waits for the first, and the second
/// phase for the first. A step waits for one with a lower number, never for one of a later phase.
fn create(client: &mut Client, steps: &[Step]) -> Result<HashMap<Uuid, Option<Uuid>>> {
    let plan = key(1, 0);
    client.batch_execute(&format!(
        "INSERT INTO cutover.plans_master_plm (plm_id, tms_id, plm_name, plm_status) VALUES ('{plan}', 1, 'Random', 5);
         INSERT INTO cutover.iterations_ite (ite_id, mig_id, itt_code, ite_name, ite_status)
         SELECT '{}', mig_id, 'RUN', 'Random', 9 FROM cutover.migrations_mig;",
        key(5, 0)
    ))?;
    for sequence in 0..2 {
        let before = (sequence > 0).then(|| key(2, sequence - 1));
        client.execute(
            "INSERT INTO cutover.sequences_master_sqm (sqm_id, plm_id, sqm_order, sqm_name, predecessor_sqm_id)
             VALUES ($1, $2, $3, 'S', $4)",
            &[&key(2, sequence), &plan, &(sequence as i32), &before],
        )?;
    }
    for phase in 0..4 {
        let before = (phase == 1).then(|| key(3, 0));
        client.execute(
            "INSERT INTO cutover.phases_master_phm (phm_id, sqm_id, phm_order, phm_name, predecessor_phm_id)
             VALUES ($1, $2, $3, 'P', $4)",
            &[&key(3, phase), &key(2, phase / 2), &(phase as i32), &before],
        )?;
        client.execute(
            "INSERT INTO cutover.controls_master_ctm (ctm_id, phm_id, ctm_code, ctm_order, ctm_name)
             VALUES ($1, $2, $3, 1, 'C')",
            &[&key(6, phase), &key(3, phase), &format!("R{phase}")],
        )?;
    }
    let mut predecessors = HashMap::new();
    for (number, (phase, before, in_run)) in steps.iter().enumerate() {
        let earlier: Vec<usize> = (0..number).filter(|n| steps[*n].0 <= *phase).collect();
        let before = before.filter(|_| !earlier.is_empty()).map(|i| key(4, earlier[i.index(earlier.len())]));
        client.execute(
            "INSERT INTO cutover.steps_master_stm
                 (stm_id, phm_id, tms_id_owner, stt_code, stm_number, stm_name, stm_duration_minutes, stm_id_predecessor)
             VALUES ($1, $2, 1, 'SYS', $3, 'Step', $5, $4)",
            &[&key(4, number), &key(3, *phase), &(number as i32), &before, &(minutes(number) as i32)],
        )?;
        client.execute(
            "INSERT INTO cutover.instructions_master_inm (stm_id, inm_order, inm_body, ctm_id) VALUES ($1, 1, 'Do it', $2)",
            &[&key(4, number), &key(6, *phase)],
        )?;
        let kind = if *in_run { "RUN" } else { "DR" };
        if number % 3 > 0 || !in_run {
            client.execute(
                "INSERT INTO cutover.steps_master_stm_x_iteration_types_itt VALUES ($1, $2)",
                &[&key(4, number), &kind],
            )?;
        }
        predecessors.insert(key(4, number), before);
    }
    Ok(predecessors)
}

/// The step of the instance of each template step, and the template step that it waits for.
const COPIES: &str = "
    SELECT s.stm_id, p.stm_id FROM cutover.steps_instance_sti s
    JOIN cutover.phases_instance_phi USING (phi_id) JOIN cutover.sequences_instance_sqi q USING (sqi_id)
    LEFT JOIN cutover.steps_instance_sti p ON p.sti_id = s.sti_id_predecessor
    WHERE q.pli_id = $1";

/// The schedule of an instance, in minutes from its start.
const SCHEDULE: &str = "
    WITH rows AS (SELECT * FROM canon.plan_schedule($1, '{\"start\": \"2026-01-01 00:00+00\"}') WHERE level = 'step')
    SELECT template,
        (extract(epoch FROM early_start - '2026-01-01 00:00+00') / 60)::int8,
        (extract(epoch FROM early_finish - '2026-01-01 00:00+00') / 60)::int8,
        (extract(epoch FROM late_start - '2026-01-01 00:00+00') / 60)::int8,
        (extract(epoch FROM total_slack) / 60)::int8,
        (extract(epoch FROM free_slack) / 60)::int8
    FROM rows";

/// References of any level that lead from one instance into another, or into a template. Every
/// foreign key between instance tables is asked for, as the catalogue lists them.
fn strays(client: &mut Client) -> Result<i64> {
    let owner = "
        CREATE OR REPLACE TEMP VIEW owner AS
        SELECT pli_id AS id, pli_id FROM cutover.plans_instance_pli
        UNION ALL SELECT sqi_id, pli_id FROM cutover.sequences_instance_sqi
        UNION ALL SELECT phi_id, pli_id FROM cutover.phases_instance_phi JOIN cutover.sequences_instance_sqi USING (sqi_id)
        UNION ALL SELECT cti_id, pli_id FROM cutover.controls_instance_cti
            JOIN cutover.phases_instance_phi USING (phi_id) JOIN cutover.sequences_instance_sqi USING (sqi_id)
        UNION ALL SELECT sti_id, pli_id FROM cutover.steps_instance_sti
            JOIN cutover.phases_instance_phi USING (phi_id) JOIN cutover.sequences_instance_sqi USING (sqi_id)
        UNION ALL SELECT ini_id, pli_id FROM cutover.instructions_instance_ini JOIN cutover.steps_instance_sti USING (sti_id)
            JOIN cutover.phases_instance_phi USING (phi_id) JOIN cutover.sequences_instance_sqi USING (sqi_id)";
    client.batch_execute(owner)?;
    let keys = client.query(
        "SELECT c.conrelid::regclass::text, a.attname::text, k.attname::text
         FROM pg_constraint c
         JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
         JOIN pg_index x ON x.indrelid = c.conrelid AND x.indisprimary
         JOIN pg_attribute k ON k.attrelid = c.conrelid AND k.attnum = x.indkey[0]
         WHERE c.contype = 'f' AND c.conrelid::regclass::text ~ '^cutover.*_instance_(pli|sqi|phi|cti|sti|ini)$'
             AND c.confrelid::regclass::text ~ '_instance_'",
        &[],
    )?;
    anyhow::ensure!(keys.len() >= 9, "found only {} references between instances", keys.len());
    let mut found = 0;
    for row in keys {
        let (table, column, key): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        found += count(
            client,
            &format!(
                "SELECT count(*) FROM {table} t JOIN owner own ON own.id = t.{key}
                 LEFT JOIN owner other ON other.id = t.{column}
                 WHERE t.{column} IS NOT NULL AND other.pli_id IS DISTINCT FROM own.pli_id"
            ),
        )?;
    }
    Ok(found)
}

/// A task's times, in minutes from the start of the plan: earliest start and finish, latest start,
/// total slack, free slack.
type Times = (i64, i64, i64, i64, i64);

/// The critical path method by its definition, until nothing changes any more: a task waits for
/// its predecessor, for the tasks of phase 0 where it is in phase 1, and for those of phases 0 and
/// 1 where it is in phase 2 or 3.
fn times(steps: &[(Uuid, usize, Option<Uuid>, i64)]) -> HashMap<Uuid, Times> {
    let waits = |of: &(Uuid, usize, Option<Uuid>, i64), on: &(Uuid, usize, Option<Uuid>, i64)| {
        of.2 == Some(on.0) || (of.1 == 1 && on.1 == 0) || (of.1 >= 2 && on.1 <= 1)
    };
    let mut start: Vec<i64> = vec![0; steps.len()];
    for _ in 0..=steps.len() {
        for (at, of) in steps.iter().enumerate() {
            let bounds = steps.iter().enumerate().filter(|(_, on)| waits(of, on)).map(|(n, on)| start[n] + on.3);
            start[at] = bounds.max().unwrap_or(0);
        }
    }
    let end = steps.iter().zip(&start).map(|(s, at)| at + s.3).max().unwrap_or(0);
    let mut late: Vec<i64> = steps.iter().map(|s| end - s.3).collect();
    for _ in 0..=steps.len() {
        for (at, on) in steps.iter().enumerate() {
            let bounds = steps.iter().enumerate().filter(|(_, of)| waits(of, on)).map(|(n, _)| late[n] - on.3);
            late[at] = bounds.min().unwrap_or(end - on.3);
        }
    }
    let free = |at: usize| {
        let next = steps.iter().enumerate().filter(|(_, of)| waits(of, &steps[at])).map(|(n, _)| start[n]);
        next.min().unwrap_or(end) - start[at] - steps[at].3
    };
    let times = |at: usize| (start[at], start[at] + steps[at].3, late[at], late[at] - start[at], free(at));
    (0..steps.len()).map(|at| (steps[at].0, times(at))).collect()
}

#[test]
fn a_plan_is_the_template_after_filter_and_bridging() -> Result<()> {
    let db = weekend("plan_random")?;
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let client = std::cell::RefCell::new(db.connect()?);
    runner.run(&templates(), |steps| {
        let mut client = client.borrow_mut();
        client.batch_execute("BEGIN").unwrap();
        let predecessors = create(&mut client, &steps).unwrap();
        let (template, run) = (key(1, 0).to_string(), key(5, 0).to_string());
        let (instance, created) = instantiate(&mut client, &template, &run).unwrap();
        prop_assert!(created > 0);

        let stays: Vec<Uuid> = (0..steps.len()).filter(|n| steps[*n].2).map(|n| key(4, n)).collect();
        let nearest = |step: &Uuid| {
            let mut before = predecessors[step];
            while let Some(found) = before.filter(|b| !stays.contains(b)) {
                before = predecessors[&found];
            }
            before
        };
        let copies: HashMap<Uuid, Option<Uuid>> =
            client.query(COPIES, &[&instance]).unwrap().iter().map(|r| (r.get(0), r.get(1))).collect();
        let expected: HashMap<Uuid, Option<Uuid>> = stays.iter().map(|s| (*s, nearest(s))).collect();
        prop_assert_eq!(&copies, &expected);
        prop_assert_eq!(strays(&mut client).unwrap(), 0);
        let scheduled: Vec<(Uuid, usize, Option<Uuid>, i64)> = (0..steps.len())
            .filter(|n| steps[*n].2)
            .map(|n| (key(4, n), steps[n].0, expected[&key(4, n)], minutes(n)))
            .collect();
        let found: HashMap<Uuid, Times> = client
            .query(SCHEDULE, &[&instance])
            .unwrap()
            .iter()
            .map(|r| (r.get::<_, String>(0).parse().unwrap(), (r.get(1), r.get(2), r.get(3), r.get(4), r.get(5))))
            .collect();
        prop_assert_eq!(found, times(&scheduled));
        prop_assert_eq!(instantiate(&mut client, &template, &run).unwrap(), (instance, 0));
        let drift = format!("SELECT count(*) FROM canon.plan_drift('{instance}')");
        prop_assert_eq!(count(&mut client, &drift).unwrap(), 0);
        client.batch_execute("SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK").unwrap();
        Ok(())
    })?;
    Ok(())
}

/// After random edits of the template and of the instance, one resync leaves only what people have
/// decided, and a second one finds nothing to follow.
#[test]
fn resync_of_a_plan_converges_and_keeps_overrides() -> Result<()> {
    let db = weekend("plan_resync")?;
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let client = std::cell::RefCell::new(db.connect()?);
    let edits = prop::collection::vec((any::<prop::sample::Index>(), 0..6u8), 1..8);
    runner.run(&(templates(), edits), |(steps, edits)| {
        let mut client = client.borrow_mut();
        client.batch_execute("BEGIN").unwrap();
        create(&mut client, &steps).unwrap();
        let sql = format!(
            "SELECT (canon.plan_instantiate('{}', '{}', jsonb_build_object('overrides', jsonb_build_array(
                 jsonb_build_object('level', 'plan', 'template', '{}', 'set', '{{\"pli_name\": \"Ours\"}}'::jsonb))
             ))->>'instance')::uuid",
            key(1, 0), key(5, 0), key(1, 0)
        );
        let instance: Uuid = client.query_one(&sql, &[]).unwrap().get(0);
        client.execute("UPDATE cutover.plans_master_plm SET plm_name = 'Theirs' WHERE plm_id = $1", &[&key(1, 0)]).unwrap();
        for (index, edit) in edits {
            let step = key(4, index.index(steps.len()));
            let sql = match edit {
                0 => "UPDATE cutover.steps_master_stm SET stm_name = stm_name || '!' WHERE stm_id = $1",
                1 => "UPDATE cutover.steps_master_stm SET stm_id_predecessor = NULL WHERE stm_id = $1",
                2 => "UPDATE cutover.steps_instance_sti SET sti_name = 'Local' WHERE stm_id = $1",
                3 => "DELETE FROM cutover.steps_master_stm_x_iteration_types_itt WHERE stm_id = $1",
                4 => "INSERT INTO cutover.steps_master_stm_x_iteration_types_itt VALUES ($1, 'DR') ON CONFLICT DO NOTHING",
                _ => "INSERT INTO cutover.instructions_master_inm (stm_id, inm_order, inm_body) VALUES ($1, 2, 'More')",
            };
            client.execute(sql, &[&step]).unwrap();
        }
        let outcomes = |client: &mut Client, mode: &str| -> Vec<String> {
            let sql = format!("SELECT outcome FROM canon.plan_resync('{instance}', '{mode}')");
            client.query(&sql, &[]).unwrap().iter().map(|r| r.get(0)).collect()
        };
        let preview = outcomes(&mut client, "preview");
        prop_assert_eq!(&preview, &outcomes(&mut client, "apply"));
        let again = outcomes(&mut client, "apply");
        prop_assert!(again.iter().all(|o| o == "keep"), "{again:?} after {preview:?}");
        let name: String = client
            .query_one("SELECT pli_name FROM cutover.plans_instance_pli WHERE pli_id = $1", &[&instance])
            .unwrap()
            .get(0);
        prop_assert_eq!(name, "Ours");
        client.batch_execute("SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK").unwrap();
        Ok(())
    })?;
    Ok(())
}
