//! The import from the staging tables.

use anyhow::Result;
use canon_tests::{Database, refused};
use postgres::Client;
use postgres::error::SqlState;

use crate::{TEMPLATE, count, instantiate, weekend};

const BATCH: &str = "00000000-0000-0000-0000-00000000ba7c";
const PHASE: &str = "00000000-0000-0000-0000-0000000000e1";

/// The small template, with a label, an application and an environment to name.
fn staging(name: &str) -> Result<(Database, Client)> {
    let db = weekend(name)?;
    let mut client = db.connect()?;
    client.batch_execute(
        "INSERT INTO cutover.labels_lbl (mig_id, lbl_name) SELECT mig_id, 'night shift' FROM cutover.migrations_mig",
    )?;
    Ok((db, client))
}

/// One staged step; `columns` and `values` beside the key, the phase and the batch.
fn stage(client: &mut Client, step: &str, columns: &str, values: &str) -> Result<()> {
    let (columns, values) = match columns {
        "" => (String::new(), String::new()),
        _ => (format!(", {columns}"), format!(", {values}")),
    };
    let phase = if columns.contains("phase_id") { "" } else { ", phase_id" };
    let phase_value = if phase.is_empty() { String::new() } else { format!(", '{PHASE}'") };
    client.batch_execute(&format!(
        "INSERT INTO cutover.stg_steps (step_id, import_batch_id{phase}{columns})
         VALUES ('{step}', '{BATCH}'{phase_value}{values})"
    ))?;
    Ok(())
}

fn instruct(client: &mut Client, id: &str, step: &str, columns: &str, values: &str) -> Result<()> {
    client.batch_execute(&format!(
        "INSERT INTO cutover.stg_step_instructions (instruction_id, step_id, import_batch_id, {columns})
         VALUES ('{id}', '{step}', '{BATCH}', {values})"
    ))?;
    Ok(())
}

fn report(client: &mut Client, partial: bool) -> Result<serde_json::Value> {
    let row = client.query_one(&format!("SELECT canon.plan_import('{BATCH}', {partial})::text"), &[])?;
    Ok(serde_json::from_str(row.get(0))?)
}

#[test]
fn every_bad_row_of_an_import_is_named_and_nothing_goes_in() -> Result<()> {
    let (_db, mut client) = staging("plan_import_bad")?;
    let good = "description, owner_team_id";
    let rows: &[(&str, &str, &str, Option<&str>)] = &[
        ("SYS-11", good, "'fine', 1", None),
        ("nameless", "description", "'x'", Some("step_type")),
        ("ZZZ-12", "description", "'x'", Some("step_type")),
        ("SYS-13", "description, phase_id", "'x', 'nowhere'", Some("phase_id")),
        ("SYS-14", "description", "'  '", Some("description")),
        ("SYS-15", "description, duration_minutes", "'x', -1", Some("duration_minutes")),
        ("SYS-16", "description, owner_team_id", "'x', 99", Some("owner_team_id")),
        ("SYS-17", "description, environment_id", "'x', 99", Some("environment_id")),
        ("SYS-18", "description, environments", "'x', 'MOON'", Some("environments")),
        ("SYS-19", "description, app_id", "'x', 99", Some("app_id")),
        ("SYS-20", "description, applications", "'x', 'NONE'", Some("applications")),
        ("SYS-21", "description, teams_impacted", "'x', 'DB team, Nobody'", Some("teams_impacted")),
        ("SYS-22", "description, iteration_types", "'x', 'DR, PARTY'", Some("iteration_types")),
        ("SYS-23", "description, labels", "'x', 'day shift'", Some("labels")),
        ("SYS-24", "description, predecessor_step_id", "'x', 'SYS-99'", Some("predecessor_step_id")),
        ("SYS-25", "description, predecessor_step_id", "'x', 'SYS-26'", Some("predecessor_step_id")),
        ("SYS-26", "description, predecessor_step_id", "'x', 'SYS-25'", Some("predecessor_step_id")),
        ("twin a", "description, step_type, order_number", "'x', 'SYS', 30", Some("order_number")),
        ("twin b", "description, step_type, order_number", "'x', 'SYS', 30", Some("order_number")),
    ];
    for (step, columns, values, _) in rows {
        stage(&mut client, step, columns, values)?;
    }
    instruct(&mut client, "1", "SYS-11", "instruction_text, control_code", "'check', 'C9'")?;
    instruct(&mut client, "2", "SYS-14", "instruction_text", "NULL")?;
    let mut expected: Vec<(String, String)> =
        rows.iter().filter_map(|(step, _, _, column)| Some(((*step).to_owned(), (*column)?.to_owned()))).collect();
    expected.push(("SYS-11/1".to_owned(), "control_code".to_owned()));
    expected.push(("SYS-14/2".to_owned(), "instruction_text".to_owned()));
    expected.push(("nameless".to_owned(), "order_number".to_owned()));
    expected.sort();
    let found = client.query(
        &format!(
            "SELECT DISTINCT row_key, column_name FROM canon.plan_import_problems('{BATCH}') WHERE severity = 'error'"
        ),
        &[],
    )?;
    let mut found: Vec<(String, String)> = found.iter().map(|r| (r.get(0), r.get(1))).collect();
    found.sort();
    assert_eq!(found, expected);

    let before = count(&mut client, "SELECT count(*) FROM cutover.steps_master_stm")?;
    let refusal = refused(&mut client, &format!("SELECT canon.plan_import('{BATCH}')"), &SqlState::CHECK_VIOLATION)?;
    assert!(refusal.message().contains("errors; nothing was imported"), "{refusal:?}");
    assert!(refusal.hint().is_some_and(|h| h.contains("plan_import_problems")), "{refusal:?}");
    assert_eq!(count(&mut client, "SELECT count(*) FROM cutover.steps_master_stm")?, before);
    let unknown = "SELECT canon.plan_import('00000000-0000-0000-0000-00000000dead')";
    refused(&mut client, unknown, &SqlState::NO_DATA_FOUND)?;
    Ok(())
}

#[test]
fn a_partial_import_leaves_behind_what_is_wrong_and_what_waits_for_it() -> Result<()> {
    let (_db, mut client) = staging("plan_import_partial")?;
    stage(&mut client, "SYS-11", "description, owner_team_id", "'first', 1")?;
    stage(&mut client, "SYS-12", "description, owner_team_id, predecessor_step_id", "'second', 99, 'SYS-11'")?;
    stage(&mut client, "SYS-13", "description, owner_team_id, predecessor_step_id", "'third', 1, 'SYS-12'")?;
    stage(&mut client, "SYS-14", "description, owner_team_id, predecessor_step_id", "'fourth', 1, 'SYS-13'")?;
    stage(&mut client, "SYS-15", "description, owner_team_id, predecessor_step_id", "'fifth', 1, 'DUM-1'")?;
    let report = report(&mut client, true)?;
    assert_eq!(report["steps"], 2, "{report}");
    let mut behind: Vec<&str> =
        report["left_behind"].as_array().into_iter().flatten().filter_map(|v| v.as_str()).collect();
    behind.sort_unstable();
    assert_eq!(behind, ["SYS-12", "SYS-13", "SYS-14"]);
    // A step that the plan already has can be waited for by its type and number.
    let before = "SELECT b.stm_code FROM cutover.steps_master_stm s JOIN cutover.steps_master_stm b
                  ON b.stm_id = s.stm_id_predecessor WHERE s.stm_code = 'SYS-15'";
    assert_eq!(client.query_one(before, &[])?.get::<_, String>(0), "S1");
    Ok(())
}

/// All columns arrive, a second import of the same batch changes nothing, and the plan that is made
/// of it has them.
#[test]
fn an_import_can_be_repeated_and_instantiated() -> Result<()> {
    let (_db, mut client) = staging("plan_import_again")?;
    stage(
        &mut client,
        "SYS-11",
        "description, owner_team_id, duration_minutes, teams_impacted, iteration_types, labels",
        "E'Stop everything\\nand check', 1, 20, 'app TEAM', 'DR,CUTOVER', 'night shift'",
    )?;
    stage(&mut client, "SYS-12", "description, owner_team_id, predecessor_step_id", "'Wait', 2, 'SYS-11'")?;
    instruct(&mut client, "1", "SYS-11", "instruction_text, order_number, control_code", "'Look', 1, 'C1'")?;
    let first = report(&mut client, false)?;
    for (what, number) in [
        ("steps", 2),
        ("predecessors", 1),
        ("instructions", 1),
        ("impacted_teams", 1),
        ("iteration_types", 2),
        ("labels", 1),
    ] {
        assert_eq!(first[what], number, "{what}: {first}");
    }
    let content = "
        SELECT string_agg(concat_ws('|', s.stm_id, s.stm_name, s.stm_description, s.stm_duration_minutes, s.stm_id_predecessor,
            (SELECT string_agg(i.inm_id || i.inm_body || i.ctm_id, ',') FROM cutover.instructions_master_inm i
             WHERE i.stm_id = s.stm_id)), E'\\n' ORDER BY s.stm_id)
        FROM cutover.steps_master_stm s";
    let before: String = client.query_one(content, &[])?.get(0);
    let again = report(&mut client, false)?;
    assert_eq!(client.query_one(content, &[])?.get::<_, String>(0), before);
    assert_eq!((&again["impacted_teams"], &again["labels"]), (&0.into(), &0.into()), "{again}");
    let (_, created) = instantiate(&mut client, TEMPLATE, crate::RUN)?;
    // Without the step for DR and CUTOVER: 1 plan, 2 sequences, 2 phases, 1 control, 6 steps, 3 instructions.
    assert_eq!(created, 15);
    Ok(())
}
