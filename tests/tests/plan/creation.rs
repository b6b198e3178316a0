//! What a call makes, from what, and when it refuses.

use anyhow::Result;
use canon_tests::{Database, PrivateCluster, quote_ident, refused, server};
use postgres::Client;
use postgres::error::SqlState;
use serde_json::{Value, json};

use crate::execution::text;
use crate::{CUTOVER, DR, RUN, TEMPLATE, WEEKEND, count, weekend};

/// The report of a call.
pub(crate) fn report(client: &mut Client, template: &str, run: &str, options: &Value) -> Result<Value> {
    let sql = format!("SELECT canon.plan_instantiate('{template}', '{run}', '{options}')::text");
    Ok(serde_json::from_str(&text(client, &sql)?)?)
}

/// The steps of an instance with what each waits for, by name.
fn waits(client: &mut Client, instance: &Value) -> Result<String> {
    let sql = format!(
        "SELECT string_agg(s.sti_name || ' < ' || coalesce(b.sti_name, '-'), ', ' ORDER BY s.sti_name)
         FROM cutover.steps_instance_sti s JOIN cutover.phases_instance_phi USING (phi_id)
         JOIN cutover.sequences_instance_sqi q USING (sqi_id)
         LEFT JOIN cutover.steps_instance_sti b ON b.sti_id = s.sti_id_predecessor WHERE q.pli_id = {}",
        literal(instance)
    );
    text(client, &sql)
}

fn literal(id: &Value) -> String {
    format!("'{}'", id.as_str().unwrap_or_default())
}

fn start(name: &str) -> Result<(Database, Client)> {
    let db = weekend(name)?;
    let client = db.connect()?;
    Ok((db, client))
}

#[test]
fn a_call_reports_rows_by_level_and_what_it_left_out_bridged_and_remarked() -> Result<()> {
    let (_db, mut client) = start("plan_report")?;
    let report = report(&mut client, TEMPLATE, CUTOVER, &json!({}))?;
    let made = json!({"plan": 1, "sequence": 2, "phase": 2, "control": 1, "step": 4, "instruction": 3});
    assert_eq!(report["created"], made, "{report}");
    assert_eq!(report["left_out"], json!({"plan": 0, "sequence": 0, "phase": 0, "step": 1}), "{report}");
    // "Stop jobs" waited for the step that is left out, and that for "Dump".
    assert_eq!((&report["bridged"], &report["dropped"]), (&json!(1), &json!(0)), "{report}");
    let warnings: Vec<&str> = report["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    assert_eq!(warnings.len(), 2, "{report}");
    assert!(warnings.iter().any(|w| w.contains("\"instruction\" point at a row of another group")), "{warnings:?}");
    assert!(warnings.iter().any(|w| w.contains("\"step\" have no duration")), "{warnings:?}");
    assert!(report["milliseconds"].is_u64(), "{report}");
    let plan = "SELECT pli_id::text FROM cutover.plans_instance_pli";
    assert_eq!(report["instance"], text(&mut client, plan)?);
    Ok(())
}

#[test]
fn a_run_of_another_template_needs_force() -> Result<()> {
    let (_db, mut client) = start("plan_force")?;
    client.batch_execute(
        "INSERT INTO cutover.plans_master_plm (plm_id, tms_id, plm_name, plm_status)
         VALUES ('00000000-0000-0000-0000-0000000000b2', 1, 'Other', 5);
         UPDATE cutover.iterations_ite SET plm_id = '00000000-0000-0000-0000-0000000000b2' WHERE itt_code = 'DR';
         UPDATE cutover.iterations_ite SET plm_id = NULL WHERE itt_code = 'RUN'",
    )?;
    let call = format!("SELECT canon.plan_instantiate('{TEMPLATE}', '{DR}')");
    refused(&mut client, &call, &SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE)?;
    assert_eq!(count(&mut client, "SELECT count(*) FROM cutover.plans_instance_pli")?, 0);
    report(&mut client, TEMPLATE, DR, &json!({"force": true}))?;
    // A run that names no template takes any.
    report(&mut client, TEMPLATE, RUN, &json!({}))?;
    assert_eq!(count(&mut client, "SELECT count(*) FROM cutover.plans_instance_pli")?, 2);
    Ok(())
}

#[test]
fn a_role_that_may_only_read_makes_nothing() -> Result<()> {
    let role = server().role("reader")?;
    let db = weekend("plan_reader")?;
    db.connect()?.batch_execute(&format!(
        "GRANT USAGE ON SCHEMA cutover, cutover_plan TO {role};
         GRANT SELECT ON ALL TABLES IN SCHEMA cutover, cutover_plan TO {role}",
        role = quote_ident(role.name())
    ))?;
    let mut client = db.connect_as(role.name())?;
    let call = format!("SELECT canon.plan_instantiate('{TEMPLATE}', '{DR}')");
    refused(&mut client, &call, &SqlState::INSUFFICIENT_PRIVILEGE)?;
    assert_eq!(count(&mut client, "SELECT count(*) FROM cutover.plans_instance_pli")?, 0);
    assert_eq!(count(&mut client, "SELECT count(*) FROM cutover_plan.template_version")?, 0);
    Ok(())
}

#[test]
fn a_copy_has_every_attribute_and_names_the_row_it_was_made_from() -> Result<()> {
    let (_db, mut client) = start("plan_copy")?;
    client.batch_execute(
        "UPDATE cutover.plans_master_plm SET plm_description = 'Two days';
         UPDATE cutover.sequences_master_sqm SET sqm_description = 'Sequence ' || sqm_order;
         UPDATE cutover.phases_master_phm SET phm_description = 'Phase ' || phm_order;
         UPDATE cutover.controls_master_ctm SET ctm_description = 'Look', ctm_type = 'BUSINESS';
         UPDATE cutover.steps_master_stm SET stm_description = 'Step ' || stm_number;
         UPDATE cutover.instructions_master_inm SET tms_id = 2",
    )?;
    report(&mut client, TEMPLATE, RUN, &json!({}))?;
    // Every level: the attributes of the template beside those of the instance.
    for (instance, template, key, attributes, rows) in [
        ("plans_instance_pli", "plans_master_plm", "plm_id", "pli_name=plm_name pli_description=plm_description", 1),
        (
            "sequences_instance_sqi",
            "sequences_master_sqm",
            "sqm_id",
            "sqi_name=sqm_name sqi_description=sqm_description sqi_order=sqm_order",
            2,
        ),
        (
            "phases_instance_phi",
            "phases_master_phm",
            "phm_id",
            "phi_name=phm_name phi_description=phm_description phi_order=phm_order",
            2,
        ),
        (
            "controls_instance_cti",
            "controls_master_ctm",
            "ctm_id",
            "cti_name=ctm_name cti_description=ctm_description cti_order=ctm_order cti_type=ctm_type \
             cti_is_critical=ctm_is_critical cti_code=ctm_code",
            1,
        ),
        (
            "steps_instance_sti",
            "steps_master_stm",
            "stm_id",
            "sti_name=stm_name sti_description=stm_description sti_duration_minutes=stm_duration_minutes",
            5,
        ),
        (
            "instructions_instance_ini",
            "instructions_master_inm",
            "inm_id",
            "ini_body=inm_body ini_duration_minutes=inm_duration_minutes ini_order=inm_order i.tms_id=t.tms_id",
            3,
        ),
    ] {
        let equal = |pair: &str| pair.replace('=', " IS NOT DISTINCT FROM ");
        let same: Vec<String> = attributes.split_whitespace().map(equal).collect();
        let sql = format!(
            "SELECT count(*) FROM cutover.{instance} i JOIN cutover.{template} t USING ({key}) WHERE {}",
            same.join(" AND ")
        );
        assert_eq!(count(&mut client, &sql)?, rows, "{instance}");
    }
    // The control of an instruction is the one of its own phase; "vote" names one of another phase.
    let controls = "SELECT string_agg(ini_body || ' ' || coalesce(cti_code, '-'), ', ' ORDER BY ini_body)
                    FROM cutover.instructions_instance_ini LEFT JOIN cutover.controls_instance_cti USING (cti_id)";
    assert_eq!(text(&mut client, controls)?, "copy C1, pg_dump -, vote -");
    Ok(())
}

#[test]
fn a_step_without_kinds_belongs_to_every_run_or_to_none() -> Result<()> {
    let (_db, mut client) = start("plan_kinds")?;
    let steps = |report: &Value| (report["created"]["step"].clone(), report["left_out"]["step"].clone());
    let all = report(&mut client, TEMPLATE, DR, &json!({}))?;
    assert_eq!(steps(&all), (json!(5), json!(0)), "{all}");
    let strict = report(&mut client, TEMPLATE, DR, &json!({"unscoped": "skip", "idempotency_key": "strict"}))?;
    assert_eq!(steps(&strict), (json!(1), json!(4)), "{strict}");
    assert_eq!(waits(&mut client, &strict["instance"])?, "Rehearse restore < -");
    Ok(())
}

#[test]
fn groups_that_the_filter_empties_are_kept_or_pruned() -> Result<()> {
    let (_db, mut client) = start("plan_empty")?;
    client.batch_execute(
        "INSERT INTO cutover.steps_master_stm_x_iteration_types_itt
         SELECT stm_id, 'DR' FROM cutover.steps_master_stm WHERE stm_code IN ('S4', 'S5')",
    )?;
    let kept = report(&mut client, TEMPLATE, CUTOVER, &json!({}))?;
    let groups = |report: &Value| (report["created"]["sequence"].clone(), report["created"]["phase"].clone());
    assert_eq!(groups(&kept), (json!(2), json!(2)), "{kept}");
    assert!(kept["warnings"].to_string().contains("1 rows of level \\\"phase\\\" have no task"), "{kept}");
    let pruned = report(&mut client, TEMPLATE, CUTOVER, &json!({"empty": "prune", "idempotency_key": "pruned"}))?;
    assert_eq!(groups(&pruned), (json!(1), json!(1)), "{pruned}");
    assert_eq!(pruned["left_out"], json!({"plan": 0, "sequence": 1, "phase": 1, "step": 3}), "{pruned}");
    Ok(())
}

#[test]
fn a_predecessor_that_is_left_out_is_bridged_dropped_or_an_error() -> Result<()> {
    let (_db, mut client) = start("plan_outside")?;
    for (outside, expected, bridged, dropped) in [
        ("bridge", "Dump < -, Go < Load, Load < -, Stop jobs < Dump", 1, 0),
        ("drop", "Dump < -, Go < Load, Load < -, Stop jobs < -", 0, 1),
    ] {
        let made = report(&mut client, TEMPLATE, CUTOVER, &json!({"outside": outside, "idempotency_key": outside}))?;
        assert_eq!(waits(&mut client, &made["instance"])?, expected, "{outside}");
        assert_eq!((&made["bridged"], &made["dropped"]), (&json!(bridged), &json!(dropped)), "{made}");
    }
    let call = format!("SELECT canon.plan_instantiate('{TEMPLATE}', '{CUTOVER}', '{{\"outside\": \"error\"}}')");
    let refusal = refused(&mut client, &call, &SqlState::CHECK_VIOLATION)?;
    assert!(refusal.message().contains("00000000-0000-0000-0000-000000000102, which is left out"), "{refusal:?}");
    Ok(())
}

#[test]
fn a_predecessor_in_another_plan_is_its_row_in_the_same_run() -> Result<()> {
    let (_db, mut client) = start("plan_elsewhere")?;
    client.batch_execute(
        "UPDATE cutover.iterations_ite SET plm_id = NULL;
         INSERT INTO cutover.plans_master_plm (plm_id, tms_id, plm_name, plm_status)
         VALUES ('00000000-0000-0000-0000-0000000000b2', 1, 'Network', 5);
         INSERT INTO cutover.sequences_master_sqm (sqm_id, plm_id, sqm_order, sqm_name)
         VALUES ('00000000-0000-0000-0000-0000000000d9', '00000000-0000-0000-0000-0000000000b2', 1, 'Network');
         INSERT INTO cutover.phases_master_phm (phm_id, sqm_id, phm_order, phm_name)
         VALUES ('00000000-0000-0000-0000-0000000000e9', '00000000-0000-0000-0000-0000000000d9', 1, 'Network');
         INSERT INTO cutover.steps_master_stm (phm_id, tms_id_owner, stt_code, stm_number, stm_name, stm_id_predecessor)
         VALUES ('00000000-0000-0000-0000-0000000000e9', 1, 'SYS', 1, 'Close ports', '00000000-0000-0000-0000-000000000101')",
    )?;
    let network = "00000000-0000-0000-0000-0000000000b2";
    let alone = report(&mut client, network, DR, &json!({}))?;
    assert_eq!(waits(&mut client, &alone["instance"])?, "Close ports < -");
    assert!(alone["warnings"].to_string().contains("has no instance in this run"), "{alone}");
    assert_eq!(alone["dropped"], 1, "{alone}");

    // An instance of the other plan in another run is none of its business.
    report(&mut client, TEMPLATE, RUN, &json!({}))?;
    let weekend = report(&mut client, TEMPLATE, CUTOVER, &json!({}))?;
    let after = report(&mut client, network, CUTOVER, &json!({}))?;
    assert_eq!(waits(&mut client, &after["instance"])?, "Close ports < Dump");
    let owner = "SELECT q.pli_id::text FROM cutover.steps_instance_sti s
         JOIN cutover.steps_instance_sti b ON b.sti_id = s.sti_id_predecessor
         JOIN cutover.phases_instance_phi p ON p.phi_id = b.phi_id JOIN cutover.sequences_instance_sqi q USING (sqi_id)
         WHERE s.sti_name = 'Close ports'";
    assert_eq!(text(&mut client, owner)?, weekend["instance"]);
    Ok(())
}

#[test]
fn an_override_clears_with_null_and_sets_empty_text_and_false() -> Result<()> {
    let (_db, mut client) = start("plan_override")?;
    let options = json!({"overrides": [
        {"level": "step", "code": "S1", "set": {"sti_name": "", "sti_duration_minutes": null}},
        {"level": "control", "template": "00000000-0000-0000-0000-0000000000f1", "set": {"cti_is_critical": false}},
        {"level": "plan", "template": TEMPLATE, "set": {"pli_name": "Ours"}},
    ]});
    report(&mut client, TEMPLATE, DR, &options)?;
    let step = "SELECT '[' || sti_name || '] ' || coalesce(sti_duration_minutes::text, 'NULL') || ' '
                    || coalesce(sti_description, 'NULL')
                FROM cutover.steps_instance_sti JOIN cutover.steps_master_stm USING (stm_id) WHERE stm_code = 'S1'";
    assert_eq!(text(&mut client, step)?, "[] NULL NULL");
    assert_eq!(text(&mut client, "SELECT cti_is_critical::text FROM cutover.controls_instance_cti")?, "false");
    assert_eq!(text(&mut client, "SELECT pli_name FROM cutover.plans_instance_pli")?, "Ours");
    let provenance =
        "SELECT string_agg(level || '.' || field || '=' || coalesce(value, 'NULL'), ', ' ORDER BY level, field)
                      FROM cutover_plan.plan_override WHERE set_by = CURRENT_USER";
    assert_eq!(
        text(&mut client, provenance)?,
        "control.cti_is_critical=false, plan.pli_name=Ours, step.sti_duration_minutes=NULL, step.sti_name="
    );
    Ok(())
}

#[test]
fn new_rows_start_in_the_default_status_of_their_level() -> Result<()> {
    let (_db, mut client) = start("plan_defaults")?;
    report(&mut client, TEMPLATE, RUN, &json!({}))?;
    for (table, column, status, rows) in [
        ("plans_instance_pli", "pli_status", "Plan PLANNING", 1),
        ("sequences_instance_sqi", "sqi_status", "Sequence PLANNING", 2),
        ("phases_instance_phi", "phi_status", "Phase PLANNING", 2),
        ("controls_instance_cti", "cti_status", "Control TODO", 1),
        ("steps_instance_sti", "sti_status", "Step PENDING", 5),
    ] {
        let sql = format!(
            "SELECT count(*) FROM cutover.{table} JOIN cutover.status_sts ON sts_id = {column}
             WHERE sts_type || ' ' || sts_name = '{status}'"
        );
        assert_eq!(count(&mut client, &sql)?, rows, "{table}");
    }
    let open = "SELECT count(*) FROM cutover.instructions_instance_ini WHERE ini_is_completed IS FALSE";
    assert_eq!(count(&mut client, open)?, 3);
    Ok(())
}

#[test]
fn an_instance_knows_the_content_of_its_template_and_who_made_it() -> Result<()> {
    let (_db, mut client) = start("plan_lineage")?;
    let rename =
        |name: &str| format!("UPDATE cutover.instructions_master_inm SET inm_body = '{name}' WHERE inm_order = 2");
    let version = |client: &mut Client, run: &str| -> Result<Value> {
        Ok(report(client, TEMPLATE, run, &json!({"created_by": "ADA"}))?["version"].clone())
    };
    assert_eq!(version(&mut client, RUN)?, 1);
    client.batch_execute(&rename("copy twice"))?;
    assert_eq!(version(&mut client, DR)?, 2);
    // The same content is the same version.
    client.batch_execute(&rename("copy"))?;
    assert_eq!(version(&mut client, CUTOVER)?, 1);
    let states = "SELECT string_agg(DISTINCT version || ':' || octet_length(hash), ' ') || ' ' || count(DISTINCT hash)
                  FROM cutover_plan.template_version";
    assert_eq!(text(&mut client, states)?, "1:32 2:32 2");
    let authors = "SELECT string_agg(DISTINCT created_by, ' ') FROM cutover.steps_instance_sti";
    assert_eq!(text(&mut client, authors)?, "ADA");
    report(&mut client, TEMPLATE, RUN, &json!({"idempotency_key": "mine"}))?;
    let mine = "SELECT count(*) FROM cutover.steps_instance_sti WHERE created_by = SESSION_USER";
    assert_eq!(count(&mut client, mine)?, 5);
    Ok(())
}

#[test]
fn keys_follow_from_the_request_alone() -> Result<()> {
    let every = "SELECT string_agg(id::text, ' ' ORDER BY id) FROM (
        SELECT pli_id AS id FROM cutover.plans_instance_pli UNION ALL SELECT sqi_id FROM cutover.sequences_instance_sqi
        UNION ALL SELECT phi_id FROM cutover.phases_instance_phi UNION ALL SELECT cti_id FROM cutover.controls_instance_cti
        UNION ALL SELECT sti_id FROM cutover.steps_instance_sti UNION ALL SELECT ini_id FROM cutover.instructions_instance_ini) i";
    let (_first, mut client) = start("plan_keys_a")?;
    // Keys of the instructions are not part of the fixture.
    let fix = "UPDATE cutover.instructions_master_inm SET inm_id = md5(inm_body)::uuid";
    client.batch_execute(fix)?;
    report(&mut client, TEMPLATE, RUN, &json!({}))?;
    let keys = text(&mut client, every)?;
    assert!(keys.split(' ').all(|id| id.as_bytes()[14] == b'5'), "not version 5: {keys}");
    assert_eq!(keys.split(' ').count(), 1 + 2 + 2 + 1 + 5 + 3);
    let again = report(&mut client, TEMPLATE, RUN, &json!({}))?;
    assert!(again["created"].as_object().is_some_and(|c| c.values().all(|n| *n == 0)), "{again}");
    assert_eq!(text(&mut client, every)?, keys);
    let other = report(&mut client, TEMPLATE, RUN, &json!({"idempotency_key": "second"}))?;
    assert_ne!(other["instance"], again["instance"]);

    let (_second, mut client) = start("plan_keys_b")?;
    client.batch_execute(fix)?;
    report(&mut client, TEMPLATE, RUN, &json!({}))?;
    assert_eq!(text(&mut client, every)?, keys);
    Ok(())
}

/// Statements that one call runs, whatever runs them, without the server's own checks of foreign
/// keys.
#[test]
fn a_larger_template_takes_no_more_statements() -> Result<()> {
    let settings = [("shared_preload_libraries", "pg_canon,pg_stat_statements"), ("pg_stat_statements.track", "all")];
    let cluster = PrivateCluster::start_new(&server(), &settings)?;
    let db = cluster.server().database("plan_statements")?;
    let mut client = db.connect()?;
    client.batch_execute(
        "CREATE EXTENSION pg_canon; CREATE EXTENSION pg_stat_statements; SELECT canon.install('cutover')",
    )?;
    client.batch_execute(WEEKEND)?;
    let statements = |client: &mut Client, key: &str| -> Result<(i64, i64)> {
        client.batch_execute("SELECT pg_stat_statements_reset()")?;
        let made = report(client, TEMPLATE, RUN, &json!({"idempotency_key": key}))?;
        let instance = literal(&made["instance"]);
        client.batch_execute(&format!(
            "SELECT canon.plan_schedule({instance}); SELECT canon.plan_ready({instance});
             SELECT canon.plan_drift({instance}); SELECT canon.plan_resync({instance}, 'apply')"
        ))?;
        let calls = "SELECT sum(calls)::int8 FROM pg_stat_statements WHERE query NOT LIKE '% FOR KEY SHARE OF x'";
        Ok((made["created"]["step"].as_i64().unwrap_or_default(), count(client, calls)?))
    };
    // Twice, for the first call reads more.
    statements(&mut client, "first")?;
    let (few, small) = statements(&mut client, "small")?;
    client.batch_execute(
        "INSERT INTO cutover.steps_master_stm
             (phm_id, tms_id_owner, stt_code, stm_number, stm_name, stm_duration_minutes, stm_id_predecessor)
         SELECT '00000000-0000-0000-0000-0000000000e1', 1, 'SYS', n, 'More', 5, '00000000-0000-0000-0000-000000000101'
         FROM generate_series(100, 1099) n;
         INSERT INTO cutover.instructions_master_inm (stm_id, inm_order, inm_body)
         SELECT stm_id, 1, 'Do it' FROM cutover.steps_master_stm WHERE stm_name = 'More';
         INSERT INTO cutover.phases_master_phm (sqm_id, phm_order, phm_name)
         SELECT '00000000-0000-0000-0000-0000000000d2', n, 'Phase' FROM generate_series(10, 200) n",
    )?;
    statements(&mut client, "second")?;
    let (many, large) = statements(&mut client, "large")?;
    assert_eq!((few, many), (5, 1005));
    // A history is written in batches of a thousand rows, and changed statistics are a reason to read
    // definitions again.
    assert!(large <= small + 30, "{small} statements for {few} steps, {large} for {many}");
    Ok(())
}
