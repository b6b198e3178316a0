//! Instances of plans against INSERT ... SELECT written by hand and against a loop in the client;
//! and the schedule alone.

use std::rc::Rc;
use std::time::Instant;

use anyhow::{Result, ensure};
use canon_core::plan::{Dependency, Frame, Graph, Task, schedule};
use postgres::{Client, GenericClient};
use xtask::{Database, Server};

use crate::case::{Benchmark, Case, Round};
use crate::{Measurement, Unit, plot};

/// Copies of templates, and schedules.
pub(crate) const PLAN: Benchmark =
    Benchmark { name: "plan", about: "plans against INSERT ... SELECT by hand and a loop in the client", cases };

/// A template's size: sequences, phases in each, steps in each, instructions in each, controls of each
/// phase.
#[derive(Clone, Copy)]
struct Size {
    sequences: i32,
    phases: i32,
    steps: i32,
    instructions: i32,
    controls: i32,
}

/// The largest runbook that the origin had.
const REAL: Size = Size { sequences: 3, phases: 3, steps: 9, instructions: 5, controls: 1 };
const LARGE: Size = Size { sequences: 10, phases: 10, steps: 100, instructions: 10, controls: 5 };

impl Size {
    fn rows(self) -> i64 {
        let (s, p) = (i64::from(self.sequences), i64::from(self.sequences * self.phases));
        let steps = p * i64::from(self.steps);
        1 + s + p + p * i64::from(self.controls) + steps + steps * i64::from(self.instructions)
    }
}

const TEMPLATE: &str = "b0000000-0000-0000-0000-000000000000";
const RUN: &str = "c0000000-0000-0000-0000-000000000000";

/// A chain of steps in every phase, of phases in every sequence, and of sequences.
fn prepare(server: &Server, name: &str, size: Size) -> Result<Database> {
    let db = server.database(name)?;
    let Size { sequences, phases, steps, instructions, controls } = size;
    db.connect()?.batch_execute(&format!(
        "CREATE EXTENSION pg_canon;
         SELECT canon.install('cutover');
         SET search_path = cutover;
         INSERT INTO teams_tms (tms_id, tms_name) VALUES (1, 'Team');
         INSERT INTO users_usr (usr_id, usr_code, usr_first_name, usr_last_name, usr_email, rls_id)
         VALUES (1, 'ADA', 'Ada', 'Byron', 'a@example.com', 3);
         INSERT INTO migrations_mig (mig_id, usr_id_owner, mig_name, mig_type, mig_status)
         VALUES ('{RUN}', 1, 'Migration', 'EXTERNAL', 1);
         INSERT INTO plans_master_plm (plm_id, tms_id, plm_name, plm_status) VALUES ('{TEMPLATE}', 1, 'Plan', 5);
         INSERT INTO iterations_ite (ite_id, mig_id, plm_id, itt_code, ite_name, ite_status)
         VALUES ('{RUN}', '{RUN}', '{TEMPLATE}', 'RUN', 'Run', 9);
         INSERT INTO sequences_master_sqm (sqm_id, plm_id, sqm_order, sqm_name, predecessor_sqm_id)
         SELECT md5('q' || n)::uuid, '{TEMPLATE}', n, 'Sequence ' || n, CASE WHEN n > 0 THEN md5('q' || n - 1)::uuid END
         FROM generate_series(0, {sequences} - 1) n;
         INSERT INTO phases_master_phm (phm_id, sqm_id, phm_order, phm_name, predecessor_phm_id)
         SELECT md5('p' || n)::uuid, md5('q' || n / {phases})::uuid, n, 'Phase ' || n,
             CASE WHEN n % {phases} > 0 THEN md5('p' || n - 1)::uuid END
         FROM generate_series(0, {sequences} * {phases} - 1) n;
         INSERT INTO controls_master_ctm (ctm_id, phm_id, ctm_code, ctm_order, ctm_name)
         SELECT md5('c' || n || '/' || c)::uuid, md5('p' || n)::uuid, 'C' || n || '-' || c, c, 'Control'
         FROM generate_series(0, {sequences} * {phases} - 1) n, generate_series(1, {controls}) c;
         INSERT INTO steps_master_stm (stm_id, phm_id, tms_id_owner, stt_code, stm_number, stm_code, stm_name, stm_description,
             stm_duration_minutes, stm_id_predecessor)
         SELECT md5('s' || n)::uuid, md5('p' || n / {steps})::uuid, 1, 'SYS', n, 'SYS-' || n, 'Step ' || n, 'What to do', 5,
             CASE WHEN n % {steps} > 0 THEN md5('s' || n - 1)::uuid END
         FROM generate_series(0, {sequences} * {phases} * {steps} - 1) n;
         INSERT INTO instructions_master_inm (inm_id, stm_id, inm_order, inm_body, inm_duration_minutes, ctm_id)
         SELECT md5('i' || n || '/' || i)::uuid, md5('s' || n)::uuid, i, 'Instruction ' || i, 1,
             CASE WHEN i = 1 THEN md5('c' || n / {steps} || '/1')::uuid END
         FROM generate_series(0, {sequences} * {phases} * {steps} - 1) n, generate_series(1, {instructions}) i;"
    ))?;
    db.connect()?.batch_execute("VACUUM ANALYZE")?;
    Ok(db)
}

/// Runs `work` on an empty set of instances; its time in milliseconds, with the commit. All rows
/// have to be there afterwards. Small work is done twice in the session, and the second time
/// counts: reading the catalogue would be most of the first.
///
/// `guards`: whether to `ENABLE` the triggers that keep rows out of plans at work. They look for the
/// plan that a statement adds to; no peer has to pay for that.
fn timed(db: &Database, size: Size, guards: &str, work: impl Fn(&mut Client) -> Result<()>) -> Result<f64> {
    let mut client = db.connect()?;
    for table in [
        "sequences_instance_sqi",
        "phases_instance_phi",
        "controls_instance_cti",
        "steps_instance_sti",
        "instructions_instance_ini",
    ] {
        client.batch_execute(&format!("ALTER TABLE cutover.{table} {guards} TRIGGER plan_frozen_insert"))?;
    }
    let mut took = 0.0;
    for _ in 0..if size.rows() < 10_000 { 2 } else { 1 } {
        client.batch_execute(
            "TRUNCATE cutover.plans_instance_pli, cutover.status_history, cutover_plan.template_version CASCADE; CHECKPOINT",
        )?;
        let start = Instant::now();
        work(&mut client)?;
        took = start.elapsed().as_secs_f64() * 1e3;
    }
    let rows: i64 = client
        .query_one(
            "SELECT (SELECT count(*) FROM cutover.plans_instance_pli) + (SELECT count(*) FROM cutover.sequences_instance_sqi)
                + (SELECT count(*) FROM cutover.phases_instance_phi) + (SELECT count(*) FROM cutover.controls_instance_cti)
                + (SELECT count(*) FROM cutover.steps_instance_sti) + (SELECT count(*) FROM cutover.instructions_instance_ini)",
            &[],
        )?
        .get(0);
    ensure!(rows == size.rows(), "{rows} rows instead of {}", size.rows());
    Ok(took)
}

/// What a person would write for this one plan: the same rows and predecessors, keys that follow from
/// the template's, no filter, no lineage.
const BY_HAND: &[&str] = &[
    "INSERT INTO cutover.plans_instance_pli (pli_id, plm_id, ite_id, pli_name, pli_description, pli_status, created_by, updated_by)
     SELECT $1, plm_id, 'c0000000-0000-0000-0000-000000000000'::uuid, plm_name, plm_description, 5, SESSION_USER, SESSION_USER
     FROM cutover.plans_master_plm WHERE plm_id = 'b0000000-0000-0000-0000-000000000000'",
    "INSERT INTO cutover.sequences_instance_sqi (sqi_id, pli_id, sqm_id, predecessor_sqi_id, sqi_name, sqi_description, sqi_order,
         sqi_status, created_by, updated_by)
     SELECT md5($1::text || sqm_id)::uuid, $1, sqm_id, md5($1::text || predecessor_sqm_id)::uuid, sqm_name, sqm_description,
         sqm_order, 13, SESSION_USER, SESSION_USER
     FROM cutover.sequences_master_sqm WHERE plm_id = 'b0000000-0000-0000-0000-000000000000'",
    "INSERT INTO cutover.phases_instance_phi (phi_id, sqi_id, phm_id, predecessor_phi_id, phi_name, phi_description, phi_order,
         phi_status, created_by, updated_by)
     SELECT md5($1::text || phm_id)::uuid, md5($1::text || sqm_id)::uuid, phm_id, md5($1::text || predecessor_phm_id)::uuid,
         phm_name, phm_description, phm_order, 17, SESSION_USER, SESSION_USER
     FROM cutover.phases_master_phm JOIN cutover.sequences_master_sqm USING (sqm_id)
     WHERE plm_id = 'b0000000-0000-0000-0000-000000000000'",
    "INSERT INTO cutover.controls_instance_cti (cti_id, phi_id, ctm_id, cti_name, cti_description, cti_order, cti_type,
         cti_is_critical, cti_code, cti_status, created_by, updated_by)
     SELECT md5($1::text || ctm_id)::uuid, md5($1::text || phm_id)::uuid, ctm_id, ctm_name, ctm_description, ctm_order, ctm_type,
         ctm_is_critical, ctm_code, 28, SESSION_USER, SESSION_USER
     FROM cutover.controls_master_ctm JOIN cutover.phases_master_phm USING (phm_id)
     JOIN cutover.sequences_master_sqm USING (sqm_id) WHERE plm_id = 'b0000000-0000-0000-0000-000000000000'",
    "INSERT INTO cutover.steps_instance_sti (sti_id, phi_id, stm_id, sti_id_predecessor, sti_name, sti_description,
         sti_duration_minutes, enr_id, sti_status, created_by, updated_by)
     SELECT md5($1::text || stm_id)::uuid, md5($1::text || phm_id)::uuid, stm_id, md5($1::text || stm_id_predecessor)::uuid,
         stm_name, stm_description, stm_duration_minutes, enr_id, 21, SESSION_USER, SESSION_USER
     FROM cutover.steps_master_stm JOIN cutover.phases_master_phm USING (phm_id)
     JOIN cutover.sequences_master_sqm USING (sqm_id) WHERE plm_id = 'b0000000-0000-0000-0000-000000000000'",
    "INSERT INTO cutover.instructions_instance_ini (ini_id, sti_id, inm_id, cti_id, ini_body, ini_duration_minutes, ini_order, tms_id,
         ini_is_completed, created_by, updated_by)
     SELECT md5($1::text || inm_id)::uuid, md5($1::text || stm_id)::uuid, inm_id, md5($1::text || ctm_id)::uuid, inm_body,
         inm_duration_minutes, inm_order, i.tms_id, false, SESSION_USER, SESSION_USER
     FROM cutover.instructions_master_inm i JOIN cutover.steps_master_stm USING (stm_id)
     JOIN cutover.phases_master_phm USING (phm_id) JOIN cutover.sequences_master_sqm USING (sqm_id)
     WHERE plm_id = 'b0000000-0000-0000-0000-000000000000'",
];

fn by_hand(db: &Rc<Database>, size: Size) -> impl FnMut(Round) -> Result<f64> + use<> {
    let db = Rc::clone(db);
    move |_| {
        timed(&db, size, "DISABLE", |client| {
            let mut transaction = client.transaction()?;
            for sql in BY_HAND {
                let id = "'d0000000-0000-0000-0000-000000000000'::uuid";
                transaction.batch_execute(&sql.replace("$1", id))?;
            }
            Ok(transaction.commit()?)
        })
    }
}

fn ours(db: &Rc<Database>, size: Size) -> impl FnMut(Round) -> Result<f64> + use<> {
    let db = Rc::clone(db);
    move |_| {
        timed(&db, size, "ENABLE", |client| {
            Ok(client.batch_execute(&format!("SELECT canon.plan_instantiate('{TEMPLATE}', '{RUN}')"))?)
        })
    }
}

/// What the rows of each statement above are read in the order of: no row waits for a later one.
const ORDER: &[&str] = &["plm_id", "sqm_order", "phm_order", "ctm_order", "stm_number", "inm_order"];

/// How a client that inserts row by row commits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Commit {
    /// Once, at the end.
    AtTheEnd,
    /// After every row: the origin did so, which made each row by a call of its own. The server syncs
    /// each to disk.
    EveryRow,
}

/// As an application would: read the rows of a level, insert each with a prepared statement. No row
/// is read twice, and the client computes keys at no cost, which is kind to it.
fn client_loop(db: &Rc<Database>, size: Size, commit: Commit) -> impl FnMut(Round) -> Result<f64> + use<> {
    let db = Rc::clone(db);
    move |_| {
        timed(&db, size, "DISABLE", |client| {
            if commit == Commit::EveryRow {
                return row_by_row(client);
            }
            let mut transaction = client.transaction()?;
            row_by_row(&mut transaction)?;
            Ok(transaction.commit()?)
        })
    }
}

fn row_by_row(client: &mut impl GenericClient) -> Result<()> {
    for (sql, order) in BY_HAND.iter().zip(ORDER) {
        let (insert, select) = sql.split_once("SELECT").unwrap_or((sql, ""));
        let values =
            format!("SELECT{} ORDER BY {order}", select.replace("$1", "'d0000000-0000-0000-0000-000000000000'::uuid"));
        let columns = insert.split_once('(').map_or("", |(_, c)| c).trim().trim_end_matches(')');
        let names: Vec<&str> = columns.split(',').map(str::trim).collect();
        let types = client.prepare(&values)?;
        let aliases: Vec<String> = (0..names.len()).map(|n| format!("c{n}")).collect();
        let texts: Vec<String> = aliases.iter().map(|a| format!("{a}::text")).collect();
        let rows =
            client.query(&format!("SELECT {} FROM ({values}) AS v ({})", texts.join(", "), aliases.join(", ")), &[])?;
        let holders: Vec<String> = types
            .columns()
            .iter()
            .enumerate()
            .map(|(n, column)| format!("${}::text::{}", n + 1, column.type_().name()))
            .collect();
        let one = client.prepare(&format!("{insert} VALUES ({})", holders.join(", ")))?;
        for row in &rows {
            let values: Vec<Option<String>> = (0..names.len()).map(|n| row.get(n)).collect();
            let values: Vec<&(dyn postgres::types::ToSql + Sync)> =
                values.iter().map(|v| v as &(dyn postgres::types::ToSql + Sync)).collect();
            client.execute(&one, &values)?;
        }
    }
    Ok(())
}

/// Milliseconds for the graph and the schedule of so many nodes: groups of a hundred tasks, each of
/// which waits for one before it, and each group for the one before it.
fn core_schedule(nodes: u32) -> impl FnMut(Round) -> Result<f64> {
    let groups = nodes / 101;
    let mut parents = Vec::new();
    let mut dependencies = Vec::new();
    for group in 0..groups {
        let head = parents.len() as u32;
        parents.push(None);
        if group > 0 {
            dependencies.push(Dependency::finish_to_start(head - 101, head));
        }
        for task in 0..100 {
            let node = parents.len() as u32;
            parents.push(Some(head));
            if task > 0 {
                // Scattered, and the same every time.
                let before = node.wrapping_mul(2_654_435_761).rotate_left(15) % task;
                dependencies.push(Dependency::finish_to_start(head + 1 + before, node));
            }
        }
    }
    let tasks = vec![Task { duration_us: 300_000_000, ..Task::default() }; parents.len()];
    move |_| {
        let start = Instant::now();
        let graph = Graph::new(&parents, &dependencies)?;
        let found = schedule(&graph, &tasks, Frame { start_us: 0, now_us: None });
        ensure!(found.finish_us > 0);
        Ok(start.elapsed().as_secs_f64() * 1e3)
    }
}

/// Sizes of the graphs that are scheduled.
const NODES: &[u32] = &[1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000];

fn cases(server: &Server) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for (database, size) in [("bench_plan_real", REAL), ("bench_plan_large", LARGE)] {
        let db = Rc::new(prepare(server, database, size)?);
        let steps = size.sequences * size.phases * size.steps;
        let name = format!("instantiate {steps} steps, {} instructions", steps * size.instructions);
        let case = Case::new(name, 1, Unit::Milliseconds, ours(&db, size))
            .against("INSERT ... SELECT by hand", by_hand(&db, size))
            .against("loop, one transaction", client_loop(&db, size, Commit::AtTheEnd))
            .against("loop, a transaction for each row", client_loop(&db, size, Commit::EveryRow));
        cases.push(case.keeping(db));
    }
    for nodes in NODES {
        cases.push(Case::new(schedule_case(*nodes), 1, Unit::Milliseconds, core_schedule(*nodes)));
    }
    Ok(cases)
}

fn schedule_case(nodes: u32) -> String {
    format!("graph and schedule of {nodes} nodes")
}

/// The measured schedules as a picture; none where some were not measured.
pub(crate) fn picture(results: &[Measurement]) -> Option<Result<String>> {
    let milliseconds = |nodes: &u32| {
        let case = schedule_case(*nodes);
        let found = results.iter().find(|r| r.case == case)?;
        Some((f64::from(*nodes), found.ours))
    };
    let points: Vec<(f64, f64)> = NODES.iter().map(milliseconds).collect::<Option<_>>()?;
    Some(plot::growth("Graph and schedule of a plan", "nodes", "milliseconds", &points))
}
