//! Every status machine of every pack, every pair of its states, on the pack's own tables.

use std::fs;

use anyhow::{Context, Result, ensure};
use canon_codegen::project::Project;
use canon_codegen::sample;
use canon_core::schema::{Model, Table};
use canon_core::status::{Document, GuardedColumn, Machine};
use canon_tests::{canon_database, refused, repo_root};
use canon_types as types;
use postgres::Client;
use postgres::error::{DbError, SqlState};
use serde_json::{Map, Value};

const PACKS: [&str; 4] = ["agentops", "core", "cutover", "saas"];

fn document(pack: &str) -> Result<Document> {
    let path = repo_root()?.join("schema").join(pack).join("status.toml");
    Ok(Document::read(&fs::read_to_string(&path).with_context(|| path.display().to_string())?)?)
}

/// A guarded column with what is needed to write rows of its table.
struct Subject<'a> {
    column: &'a GuardedColumn,
    machine: &'a Machine,
    table: &'a Table,
}

impl Subject<'_> {
    fn value(&self, state: &str) -> Value {
        let text = self.machine.value(state);
        serde_json::from_str::<Value>(text).unwrap_or_else(|_| Value::from(text))
    }

    /// A row in a state, with everything that a transition could require.
    fn row(&self, state: &str, n: u32) -> Map<String, Value> {
        let mut row = sample::row(self.table, n);
        row.insert(self.column.column.clone(), self.value(state));
        // Facts that the guards of the packs look at in the row itself.
        for (column, value) in [
            ("is_active", Value::from(true)),
            ("retry_count", Value::from(0)),
            ("step_config", Value::from(Map::new())),
            ("cti_is_critical", Value::from(false)),
        ] {
            if row.contains_key(column) {
                row.insert(column.to_owned(), value);
            }
        }
        row
    }

    fn insert(&self, client: &mut Client, row: &Map<String, Value>) -> Result<(), postgres::Error> {
        let names: Vec<String> = row.keys().map(|name| format!("\"{name}\"")).collect();
        let table = &self.column.table;
        let sql = format!(
            "INSERT INTO {table} ({0}) SELECT {0} FROM jsonb_populate_record(NULL::{table}, $1)",
            names.join(", ")
        );
        client.execute(&sql, &[&Value::Object(row.clone())]).map(|_| ())
    }
}

/// Other statuses of the same table must not stand in the way.
fn only(client: &mut Client, subject: &Subject<'_>) -> Result<()> {
    let table = &subject.column.table;
    let triggers = client.query(
        "SELECT quote_ident(tgname) FROM pg_trigger WHERE tgrelid = ($1::text)::regclass
         AND tgfoid = ANY (ARRAY['canon.status_enforce', 'canon.status_record']::regproc[])
         AND convert_from(substring(tgargs FROM 1 FOR length(tgargs) - 1), 'UTF8')::jsonb ->> 'column' = $2",
        &[table, &subject.column.column],
    )?;
    client.batch_execute(&format!("ALTER TABLE {table} DISABLE TRIGGER ALL"))?;
    for trigger in triggers {
        client.batch_execute(&format!("ALTER TABLE {table} ENABLE TRIGGER {}", trigger.get::<_, String>(0)))?;
    }
    Ok(())
}

fn check_refusal(client: &mut Client, error: &DbError, context: &str) -> Result<()> {
    ensure!(*error.code() == SqlState::CHECK_VIOLATION, "{context}: {error:?}");
    let hint = error.hint().with_context(|| format!("{context}: no hint"))?;
    // What a hint creates or sets is taken back.
    client.batch_execute("BEGIN")?;
    client.batch_execute(hint).with_context(|| format!("{context}: {hint}"))?;
    client.batch_execute("ROLLBACK")?;
    Ok(())
}

/// What is allowed, as DETAIL lists it.
fn allowed<'a>(machine: &'a Machine, from: &'a str) -> impl Iterator<Item = &'a str> {
    machine.changes().filter(move |(f, ..)| *f == from).map(|(_, to, _)| to)
}

/// `n` tells the rows of all subjects apart.
fn try_subject(client: &mut Client, subject: &Subject<'_>, n: &mut u32) -> Result<usize> {
    let (machine, table) = (subject.machine, &subject.column.table);
    let column = &subject.column.column;
    only(client, subject)?;
    let mut tried = 0;
    for from in &machine.states {
        // INSERT, and COPY of the same row.
        let initial = machine.initial.contains(from);
        let row = subject.row(from, *n);
        *n += 1;
        let context = format!("{table}.{column}: a new row in {from}");
        match subject.insert(client, &row) {
            Ok(()) => ensure!(initial, "{context} is accepted"),
            Err(error) => {
                let error = error.as_db_error().context("no refusal")?.clone();
                ensure!(!initial, "{context} is refused: {error:?}");
                check_refusal(client, &error, &context)?;
                let detail = error.detail().unwrap_or_default();
                ensure!(machine.initial.iter().all(|s| detail.contains(&format!("\"{s}\""))), "{context}: {detail}");
            }
        }
        copy(client, subject, from, *n, initial)?;
        *n += 1;
        for to in &machine.states {
            // The row is put into its state past the triggers.
            let row = subject.row(from, *n);
            *n += 1;
            client.batch_execute("SET session_replication_role = replica")?;
            subject.insert(client, &row).with_context(|| format!("{table}: {row:?}"))?;
            client.batch_execute("SET session_replication_role = origin")?;
            let key = subject.table.primary_key().first().context("no key")?;
            let update = format!(
                "UPDATE {table} SET {column} = '{}' WHERE {key}::text = '{}'",
                subject.value(to).to_string().trim_matches('"'),
                row.get(key).map(|v| v.to_string().trim_matches('"').to_owned()).unwrap_or_default()
            );
            let expected = from == to || allowed(machine, from).any(|state| state == to);
            let context = format!("{table}.{column}: {from} -> {to}");
            match client.execute(&update, &[]) {
                Ok(changed) => ensure!(expected && changed == 1, "{context}: {changed} rows accepted"),
                Err(error) => {
                    let error = error.as_db_error().context("no refusal")?.clone();
                    ensure!(!expected, "{context} is refused: {error:?}");
                    check_refusal(client, &error, &context)?;
                    let detail = error.detail().unwrap_or_default();
                    for state in allowed(machine, from) {
                        ensure!(detail.contains(&format!("\"{state}\"")), "{context}: {state} is not in: {detail}");
                    }
                }
            }
            tried += 1;
        }
    }
    Ok(tried)
}

/// COPY of one row.
fn copy(client: &mut Client, subject: &Subject<'_>, state: &str, n: u32, initial: bool) -> Result<()> {
    use std::io::Write as _;
    let row = subject.row(state, n);
    let names: Vec<String> = row.keys().map(|name| format!("\"{name}\"")).collect();
    let table = &subject.column.table;
    let text = client.query_one(
        &format!(
            "SELECT concat_ws(E'\\t', {}) FROM jsonb_populate_record(NULL::{table}, $1)",
            names
                .iter()
                .map(|n| format!("coalesce(replace({n}::text, E'\\\\', E'\\\\\\\\'), '\\N')"))
                .collect::<Vec<_>>()
                .join(", ")
        ),
        &[&Value::Object(row)],
    )?;
    let mut writer = client.copy_in(&format!("COPY {table} ({}) FROM STDIN", names.join(", ")))?;
    writeln!(writer, "{}", text.get::<_, String>(0))?;
    let done = writer.finish();
    match done {
        Ok(_) => ensure!(initial, "{table}: COPY of a row in {state} is accepted"),
        Err(error) => {
            let code = error.code().cloned();
            ensure!(
                !initial && code == Some(SqlState::CHECK_VIOLATION),
                "{table}: COPY of a row in {state}: {error:?}"
            );
        }
    }
    Ok(())
}

#[test]
fn every_pair_of_states_of_every_machine() -> Result<()> {
    let db = canon_database("status_pairs")?;
    let mut client = db.connect()?;
    client.batch_execute("SELECT canon.install('all')")?;
    let roles = ["agentops_admin", "core_admin", "cutover_admin"];
    for role in roles {
        client.batch_execute(&format!(
            "DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN NULL; END $$; GRANT {role} TO CURRENT_USER"
        ))?;
    }
    client.batch_execute("SET canon.status_reason = 'because'")?;
    // What the guards of the packs look at elsewhere: a migration with an iteration, and so on.
    client.batch_execute(
        "CREATE OR REPLACE FUNCTION cutover.br101_has_iteration(migration cutover.migrations_mig) RETURNS text LANGUAGE sql RETURN NULL;
         CREATE OR REPLACE FUNCTION cutover.br102_has_plan(iteration cutover.iterations_ite) RETURNS text LANGUAGE sql RETURN NULL;
         CREATE OR REPLACE FUNCTION agentops.deployment_may_start(deployment agentops.deployments) RETURNS text LANGUAGE sql RETURN NULL;",
    )?;
    let project = Project::open(&repo_root()?.join("canon.toml"))?;
    let (mut tried, mut n) = (0, 5000);
    for pack in PACKS {
        let document = document(pack)?;
        let model: &Model = &project.sources.iter().find(|s| s.name == pack).context("no such source")?.loaded.model;
        for column in &document.columns {
            let machine = document.machine(&column.machine).context("no such machine")?;
            let table = model.tables.iter().find(|t| t.name.to_string() == column.table).context("no such table")?;
            tried += try_subject(&mut client, &Subject { column, machine, table }, &mut n)?;
        }
    }
    // Squares of the numbers of states, column by column: 237 of agentops, 182 of core, 165 of cutover, 212 of saas.
    assert_eq!(tried, 237 + 182 + 165 + 212);
    Ok(())
}

/// The machines in the database are those of the files, and the guards are in place.
#[test]
fn the_database_has_the_machines_of_the_files() -> Result<()> {
    let db = canon_database("status_files")?;
    let mut client = db.connect()?;
    client.batch_execute("SELECT canon.install('all')")?;
    let mut guarded = 0;
    for pack in PACKS {
        let document = document(pack)?;
        for machine in &document.machines {
            let row = client
                .query_one("SELECT definition, version FROM canon.status_machine WHERE name = $1", &[&machine.name])?;
            assert_eq!(serde_json::from_value::<Machine>(row.get(0))?, *machine);
            assert_eq!(row.get::<_, i32>(1), 1);
        }
        for column in &document.columns {
            let sql = "SELECT machine FROM canon.status_guards() WHERE relation = ($1::text)::regclass AND column_name = $2 AND enabled";
            assert_eq!(client.query_one(sql, &[&column.table, &column.column])?.get::<_, String>(0), column.machine);
            guarded += 1;
        }
        // Again, and nothing changes.
        let text = fs::read_to_string(repo_root()?.join("schema").join(pack).join("status.toml"))?;
        let again = client.query("SELECT DISTINCT action FROM canon.status_apply($1) ORDER BY 1", &[&text])?;
        assert_eq!(again.iter().map(|r| r.get(0)).collect::<Vec<String>>(), ["already guarded", "unchanged"]);
    }
    assert_eq!(client.query_one("SELECT count(*) FROM canon.status_guards()", &[])?.get::<_, i64>(0), guarded);
    client.batch_execute("SELECT canon.uninstall('all')")?;
    assert_eq!(client.query_one("SELECT count(*) FROM canon.status_machine", &[])?.get::<_, i64>(0), 0);
    Ok(())
}

/// The generated Rust says for every pair of states and every event what the database says.
#[test]
fn the_types_have_the_machines_of_the_database() -> Result<()> {
    let db = canon_database("status_enums")?;
    let mut client = db.connect()?;
    client.batch_execute("SELECT canon.install('all')")?;
    let mut seen = std::collections::BTreeSet::new();
    macro_rules! compare {
        ($($ty:path => $machine:literal,)*) => { $(
            let rows = client.query(
                "SELECT f.value, t.value, event FROM canon.status_transitions($1) JOIN canon.status_states($1) f ON f.state = from_state
                 JOIN canon.status_states($1) t ON t.state = to_state", &[&$machine])?;
            let stored: Vec<(String, String, String)> = rows.iter().map(|r| (r.get(0), r.get(1), r.get(2))).collect();
            let rows = client.query("SELECT value, initial, terminal FROM canon.status_states($1)", &[&$machine])?;
            let held = |state: $ty| state.held();
            assert_eq!(<$ty>::ALL.len(), rows.len());
            for from in <$ty>::ALL {
                let row = rows.iter().find(|row| row.get::<_, String>(0) == held(from)).context("no such state")?;
                assert_eq!(<$ty>::INITIAL.contains(&from), row.get::<_, bool>(1));
                assert_eq!(<$ty>::TERMINAL.contains(&from), row.get::<_, bool>(2));
                for to in <$ty>::ALL {
                    let found = stored.iter().find(|(f, t, _)| *f == held(from) && *t == held(to));
                    assert_eq!(from.can_transition_to(to), found.is_some(), "{}: {from:?} -> {to:?}", $machine);
                    let event = from.events().iter().find(|(_, target)| *target == to).map(|(event, _)| (*event).to_owned());
                    assert_eq!(event, found.map(|(.., event)| event.clone()));
                }
            }
            seen.insert($machine);
        )* };
    }
    compare! {
        types::agentops::OrganizationsStatus => "agentops.organization",
        types::agentops::UsersStatus => "agentops.user",
        types::agentops::ProjectsStatus => "agentops.project",
        types::agentops::RequirementsStatus => "agentops.requirement",
        types::agentops::FeaturesImplementationStatus => "agentops.feature",
        types::agentops::FeaturesCodeReviewStatus => "agentops.code_review",
        types::agentops::TestCasesStatus => "agentops.test_case",
        types::agentops::DefectsStatus => "agentops.defect",
        types::agentops::BuildsStatus => "agentops.build",
        types::agentops::BuildsSecurityScanStatus => "agentops.security_scan",
        types::agentops::DeploymentsStatus => "agentops.deployment",
        types::agentops::VulnerabilitiesStatus => "agentops.vulnerability",
        types::agentops::SecurityEventState => "agentops.security_event",
        types::core::HypothesesStatus => "core.hypothesis",
        types::core::DecisionsStatus => "core.decision",
        types::core::OutcomesStatus => "core.outcome",
        types::core::TenantsStatus => "core.tenant",
        types::cutover::MigrationState => "cutover.migration",
        types::cutover::IterationState => "cutover.iteration",
        types::cutover::PlanTemplateState => "cutover.plan_template",
        types::cutover::PlanState => "cutover.plan",
        types::cutover::SequenceState => "cutover.sequence",
        types::cutover::PhaseState => "cutover.phase",
        types::cutover::StepState => "cutover.step",
        types::cutover::ControlState => "cutover.control",
        types::cutover::InstructionState => "cutover.instruction",
        types::saas::IncidentsStatus => "saas.incident",
        types::saas::AlertHistoryStatus => "saas.alert",
        types::saas::WorkflowExecutionLogsStatus => "saas.workflow_execution",
        types::saas::AgentExecutionLogsStatus => "saas.agent_execution",
        types::saas::WorkflowExecutionStepsStatus => "saas.workflow_step",
        types::saas::AutomationAgentsStatus => "saas.automation_agent",
        types::saas::IntegrationsStatus => "saas.integration",
        types::saas::ApiIntegrationsStatus => "saas.api_integration",
        types::saas::AuditLogExportsStatus => "saas.audit_log_export",
        types::saas::NotificationLogsStatus => "saas.notification",
        types::saas::RollbackExecutionsStatus => "saas.rollback_execution",
        types::saas::CrmEventsStatus => "saas.crm_event",
        types::saas::EventRemindersStatus => "saas.event_reminder",
        types::saas::AcknowledgementState => "saas.acknowledgement",
    }
    assert_eq!(seen.len(), client.query("SELECT FROM canon.status_machines()", &[])?.len());
    Ok(())
}

/// What the column holds in a state: an enum of its own says so itself, one of a value list is spelt so.
trait Held: Copy {
    fn held(self) -> String;
}

macro_rules! held {
    ($($ty:path),* $(,)? ; $($own:path),* $(,)?) => {
        $(impl Held for $ty { fn held(self) -> String { self.as_str().to_owned() } })*
        $(impl Held for $own { fn held(self) -> String { self.value().to_string() } })*
    };
}

held! {
    types::agentops::BuildsSecurityScanStatus, types::agentops::BuildsStatus, types::agentops::DefectsStatus, types::agentops::DeploymentsStatus, types::agentops::FeaturesCodeReviewStatus, types::agentops::FeaturesImplementationStatus, types::agentops::OrganizationsStatus, types::agentops::ProjectsStatus, types::agentops::RequirementsStatus, types::agentops::TestCasesStatus, types::agentops::UsersStatus, types::agentops::VulnerabilitiesStatus, types::core::DecisionsStatus, types::core::HypothesesStatus, types::core::OutcomesStatus, types::core::TenantsStatus, types::saas::AgentExecutionLogsStatus, types::saas::AlertHistoryStatus, types::saas::ApiIntegrationsStatus, types::saas::AuditLogExportsStatus, types::saas::AutomationAgentsStatus, types::saas::CrmEventsStatus, types::saas::EventRemindersStatus, types::saas::IncidentsStatus, types::saas::IntegrationsStatus, types::saas::NotificationLogsStatus, types::saas::RollbackExecutionsStatus, types::saas::WorkflowExecutionLogsStatus, types::saas::WorkflowExecutionStepsStatus;
    types::agentops::SecurityEventState, types::cutover::MigrationState, types::cutover::IterationState, types::cutover::PlanTemplateState, types::cutover::PlanState, types::cutover::SequenceState, types::cutover::PhaseState, types::cutover::StepState, types::cutover::ControlState, types::cutover::InstructionState, types::saas::AcknowledgementState
}

/// BR101 to BR107, BR001 and BR005, on a plan of one of everything.
#[test]
fn business_rules_of_cutover() -> Result<()> {
    let db = canon_database("status_rules")?;
    let mut client = db.connect()?;
    client.batch_execute(
        "SELECT canon.install('cutover');
         INSERT INTO cutover.teams_tms (tms_id, tms_name) VALUES (1, 'T');
         INSERT INTO cutover.users_usr (usr_id, usr_code, usr_first_name, usr_last_name, usr_email) VALUES (1, 'ABC', 'A', 'B', 'a@example.com');
         INSERT INTO cutover.migrations_mig (usr_id_owner, mig_name, mig_type, mig_status) VALUES (1, 'M', 'X', 1);
         INSERT INTO cutover.plans_master_plm (tms_id, plm_name, plm_status) VALUES (1, 'P', 5);",
    )?;
    let refuse = |client: &mut Client, sql: &str, says: &str| -> Result<()> {
        let refusal = refused(client, sql, &SqlState::CHECK_VIOLATION)?;
        ensure!(refusal.message().ends_with(says), "{refusal}");
        Ok(())
    };
    let start_migration = "UPDATE cutover.migrations_mig SET mig_status = 2";
    refuse(&mut client, start_migration, "BR101: a migration needs an iteration before it starts")?;
    client.batch_execute(
        "INSERT INTO cutover.iterations_ite (mig_id, plm_id, itt_code, ite_name, ite_status)
             SELECT mig_id, plm_id, 'RUN', 'I', 9 FROM cutover.migrations_mig, cutover.plans_master_plm;",
    )?;
    client.batch_execute(start_migration)?;
    let start_iteration = "UPDATE cutover.iterations_ite SET ite_status = 10";
    refuse(&mut client, start_iteration, "BR102: an iteration needs a plan instance before it starts")?;
    client.batch_execute(
        "INSERT INTO cutover.plans_instance_pli (plm_id, ite_id, pli_status) SELECT plm_id, ite_id, 5 FROM cutover.iterations_ite;
         INSERT INTO cutover.sequences_master_sqm (plm_id, sqm_name) SELECT plm_id, 'S' FROM cutover.plans_master_plm;
         INSERT INTO cutover.sequences_instance_sqi (pli_id, sqm_id, sqi_status, sqi_order)
             SELECT pli_id, sqm_id, 13, n FROM cutover.plans_instance_pli, cutover.sequences_master_sqm, generate_series(1, 2) n;
         INSERT INTO cutover.phases_master_phm (sqm_id, phm_name) SELECT sqm_id, 'H' FROM cutover.sequences_master_sqm;
         INSERT INTO cutover.phases_instance_phi (sqi_id, phm_id, phi_status, phi_order)
             SELECT sqi_id, phm_id, 17, 1 FROM cutover.sequences_instance_sqi, cutover.phases_master_phm WHERE sqi_order = 1;
         INSERT INTO cutover.phases_instance_phi (sqi_id, phm_id, phi_status, phi_order, predecessor_phi_id)
             SELECT sqi_id, phm_id, 17, 2, phi_id FROM cutover.phases_instance_phi;
         INSERT INTO cutover.steps_master_stm (phm_id, stm_name, tms_id_owner) SELECT phm_id, 'T', 1 FROM cutover.phases_master_phm;
         INSERT INTO cutover.steps_instance_sti (phi_id, stm_id, sti_status)
             SELECT phi_id, stm_id, 21 FROM cutover.phases_instance_phi, cutover.steps_master_stm;
         INSERT INTO cutover.instructions_master_inm (stm_id, inm_order) SELECT stm_id, 1 FROM cutover.steps_master_stm;
         INSERT INTO cutover.instructions_instance_ini (sti_id, inm_id)
             SELECT sti_id, inm_id FROM cutover.steps_instance_sti, cutover.instructions_master_inm;
         INSERT INTO cutover.controls_master_ctm (phm_id, ctm_code) SELECT phm_id, 'C' FROM cutover.phases_master_phm;
         INSERT INTO cutover.controls_instance_cti (phi_id, ctm_id, cti_status, cti_is_critical)
             SELECT phi_id, ctm_id, 28, true FROM cutover.phases_instance_phi, cutover.controls_master_ctm WHERE phi_order = 1;",
    )?;
    client.batch_execute(&format!("{start_iteration}; UPDATE cutover.plans_instance_pli SET pli_status = 6"))?;
    let moved = "WITH other AS (INSERT INTO cutover.iterations_ite (mig_id, plm_id, itt_code, ite_name, ite_status)
            SELECT mig_id, plm_id, itt_code, 'Another', 9 FROM cutover.iterations_ite RETURNING ite_id)
        UPDATE cutover.plans_instance_pli SET ite_id = other.ite_id FROM other";
    let refusal = refused(&mut client, moved, &SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE)?;
    assert!(refusal.message().ends_with("its template and its run stay"), "{refusal}");
    let sequence = |n: u32, status: u32| {
        format!("UPDATE cutover.sequences_instance_sqi SET sqi_status = {status} WHERE sqi_order = {n}")
    };
    let phase = |n: u32, status: u32| {
        format!("UPDATE cutover.phases_instance_phi SET phi_status = {status} WHERE phi_order = {n}")
    };
    let of_phase = |n: u32| format!("phi_id = (SELECT phi_id FROM cutover.phases_instance_phi WHERE phi_order = {n})");
    let step = |n: u32, status: u32| {
        format!("UPDATE cutover.steps_instance_sti SET sti_status = {status} WHERE {}", of_phase(n))
    };
    refuse(&mut client, &sequence(2, 14), "BR104: 1 earlier sequences are neither completed nor cancelled")?;
    client.batch_execute(&sequence(1, 14))?;
    refuse(&mut client, &phase(2, 18), "the phase before it is neither completed nor cancelled")?;
    refuse(&mut client, &step(2, 22), "the phase before its phase is neither completed nor cancelled")?;
    client.batch_execute(&phase(1, 18))?;
    client.batch_execute(
        "INSERT INTO cutover.users_usr (usr_id, usr_code, usr_first_name, usr_last_name, usr_email, rls_id)
         VALUES (2, 'NRM', 'N', 'M', 'n@example.com', 2), (3, 'PLT', 'P', 'T', 'p@example.com', 3);
         SET canon.actor = 'NRM'",
    )?;
    refuse(
        &mut client,
        &step(1, 22),
        "BR002: only a PILOT or an ADMIN changes the status of a step, and NRM is neither",
    )?;
    client.batch_execute(&format!("SET canon.actor = 'PLT'; {}; RESET canon.actor; {}", step(1, 22), step(1, 23)))?;
    refuse(&mut client, &step(1, 24), "BR005, BR107: 1 of its instructions are open")?;
    refuse(&mut client, &phase(1, 19), "BR105: 1 of its steps are neither completed nor cancelled")?;
    client.batch_execute(&format!(
        "UPDATE cutover.instructions_instance_ini SET ini_is_completed = true; {}",
        step(1, 24)
    ))?;
    refuse(&mut client, &phase(1, 19), "BR001, BR106: 1 of its controls are neither passed nor cancelled")?;
    let control = |status: u32| format!("UPDATE cutover.controls_instance_cti SET cti_status = {status}");
    refuse(&mut client, &control(29), "a critical control needs both an IT and a business validator")?;
    client
        .batch_execute("UPDATE cutover.controls_instance_cti SET usr_id_it_validator = 1, usr_id_biz_validator = 1")?;
    client.batch_execute("SET canon.status_reason = 'broken'; SET canon.actor = 'PLT'")?;
    refuse(
        &mut client,
        &control(30),
        "BR010: only a validator of the control or an ADMIN evaluates it, and PLT is neither",
    )?;
    client.batch_execute(&format!("SET canon.actor = 'ABC'; {}; RESET canon.actor", control(30)))?;
    refuse(&mut client, &phase(1, 19), "BR001, BR106: 1 of its controls are neither passed nor cancelled")?;
    client.batch_execute(&format!("{}; {}", phase(1, 20), "RESET canon.status_reason"))?;
    // The phase is over, cancelled; its failed control still blocks what comes after it.
    refuse(&mut client, &phase(2, 18), "BR001, BR106: a control of the phase before it has failed")?;
    refuse(&mut client, &step(2, 23), "BR001, BR106: a control of the phase before its phase has failed")?;
    client.batch_execute(&format!(
        "SET canon.status_reason = 'seen'; {}; {}; {}",
        control(29),
        phase(2, 18),
        step(2, 23)
    ))?;
    let stamps = "SELECT bool_and(ini_completed_at IS NOT NULL) AND (SELECT bool_and(sti_start_time IS NOT NULL) FROM cutover.steps_instance_sti)
                  AND (SELECT bool_and(cti_validated_at IS NOT NULL) FROM cutover.controls_instance_cti) FROM cutover.instructions_instance_ini";
    assert!(client.query_one(stamps, &[])?.get::<_, bool>(0));
    Ok(())
}

/// A reopened decision has its time to answer anew; a closed one is not escalated.
#[test]
fn decisions_of_core() -> Result<()> {
    let db = canon_database("status_decisions")?;
    let mut client = db.connect()?;
    client.batch_execute(
        "SELECT canon.install('core');
         INSERT INTO core.tenants (id, name, slug) VALUES ('11111111-1111-1111-1111-111111111111', 'N', 'n');
         INSERT INTO core.decisions (tenant_id, title, priority, sla_hours, escalation_level)
             VALUES ('11111111-1111-1111-1111-111111111111', 'D', 'HIGH', 48, 2);
         SET canon.status_reason = 'later';
         UPDATE core.decisions SET status = 'DEFERRED';",
    )?;
    refused(&mut client, "UPDATE core.decisions SET escalation_level = 3", &SqlState::CHECK_VIOLATION)?;
    refused(&mut client, "UPDATE core.decisions SET status = 'DECIDED'", &SqlState::CHECK_VIOLATION)?;
    client.batch_execute("UPDATE core.decisions SET status = 'NEEDS_INPUT'")?;
    let reopened = "SELECT due_at = updated_at + interval '48 hours' AND escalation_level = 0 AND decision_rationale IS NULL FROM core.decisions";
    assert!(client.query_one(reopened, &[])?.get::<_, bool>(0));
    client.batch_execute("UPDATE core.decisions SET escalation_level = 1")?;
    Ok(())
}
