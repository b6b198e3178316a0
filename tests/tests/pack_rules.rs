//! What the packs themselves promise, tried from outside.

use anyhow::Result;
use canon_tests::{Database, canon_database, database, refused};
use postgres::Client;
use postgres::error::SqlState;

fn with_pack(pack: &str) -> Result<(Database, Client)> {
    let db = canon_database(pack)?;
    let mut client = db.connect()?;
    client.batch_execute(&format!("SELECT canon.install('{pack}')"))?;
    Ok((db, client))
}

fn one<T: for<'a> postgres::types::FromSql<'a>>(client: &mut Client, sql: &str) -> Result<T> {
    Ok(client.query_one(sql, &[])?.get(0))
}

/// Every foreign key of every pack has an index that begins with its columns, no index repeats
/// another, and everything is named and described. The catalogue answers.
#[test]
fn keys_are_indexed_named_and_described() -> Result<()> {
    let db = canon_database("conventions")?;
    let mut client = db.connect()?;
    client.batch_execute("SELECT canon.install('all')")?;
    let schemas = "('agentops', 'auth', 'core', 'cutover', 'saas')";
    for (what, sql) in [
        (
            "foreign keys without an index",
            "SELECT c.conrelid::regclass::text || '.' || c.conname FROM pg_constraint c
             JOIN pg_namespace n ON n.oid = c.connamespace
             WHERE c.contype = 'f' AND n.nspname IN SCHEMAS AND NOT EXISTS (
                 SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indpred IS NULL
                 AND (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey)",
        ),
        (
            "indexes that repeat the beginning of another",
            "SELECT a.indexrelid::regclass::text FROM pg_index a JOIN pg_index b ON a.indrelid = b.indrelid
             AND a.indexrelid <> b.indexrelid AND a.indpred IS NULL AND b.indpred IS NULL
             AND a.indexprs IS NULL AND b.indexprs IS NULL
             JOIN pg_class ca ON ca.oid = a.indexrelid JOIN pg_class cb ON cb.oid = b.indexrelid
             JOIN pg_namespace n ON n.oid = ca.relnamespace
             WHERE n.nspname IN SCHEMAS AND ca.relam = cb.relam AND NOT a.indisunique
             AND (b.indkey::text || ' ') LIKE (a.indkey::text || ' %')
             AND (b.indoption::text || ' ') LIKE (a.indoption::text || ' %')",
        ),
        (
            "constraints with a name the server chose",
            "SELECT conname::text FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
             WHERE n.nspname IN SCHEMAS AND conname ~ '_(pkey|fkey|key|check)[0-9]*$'
             AND conname NOT IN ('roles_rls_rls_code_key', 'environment_roles_enr_enr_name_key', 'users_usr_usr_code_key',
                 'users_usr_usr_email_key', 'applications_app_app_code_key', 'environments_env_env_code_key',
                 'email_templates_emt_emt_name_key', 'steps_master_stm_phm_id_stt_code_stm_number_key')",
        ),
        (
            "tables and columns without a description",
            "SELECT a.attrelid::regclass::text || '.' || a.attname FROM pg_attribute a
             JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname IN SCHEMAS AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
             AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid, 'pg_class') IS NULL)",
        ),
        (
            "updated_at columns without a trigger",
            "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'updated_at'
             WHERE n.nspname IN SCHEMAS AND c.relkind = 'r' AND NOT EXISTS (
                 SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgfoid = 'canon.touch_updated_at'::regproc)",
        ),
        (
            "sequences without an owner",
            "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname IN SCHEMAS AND c.relkind = 'S' AND NOT EXISTS (
                 SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0)",
        ),
    ] {
        let found: Vec<String> =
            client.query(&sql.replace("SCHEMAS", schemas), &[])?.iter().map(|row| row.get(0)).collect();
        assert_eq!(found, Vec::<String>::new(), "{what}");
    }
    Ok(())
}

/// A status of another kind of entity is refused for every one of the eight status columns, and a
/// status in use cannot change its kind.
#[test]
fn cutover_statuses_belong_to_their_entity() -> Result<()> {
    let (_db, mut client) = with_pack("cutover")?;
    let columns = client.query(
        "SELECT conrelid::regclass::text, a.attname::text FROM pg_constraint c
         JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
         WHERE c.contype = 'f' AND c.confrelid = 'cutover.status_sts'::regclass ORDER BY 1",
        &[],
    )?;
    assert_eq!(columns.len(), 8);
    client.batch_execute(
        "INSERT INTO cutover.teams_tms (tms_id, tms_name) VALUES (1, 'T');
         INSERT INTO cutover.users_usr (usr_id, usr_code, usr_first_name, usr_last_name, usr_email)
             VALUES (1, 'ABC', 'A', 'B', 'a@example.com');
         INSERT INTO cutover.migrations_mig (usr_id_owner, mig_name, mig_type, mig_status) VALUES (1, 'M', 'X', 1);
         INSERT INTO cutover.plans_master_plm (tms_id, plm_name, plm_status) VALUES (1, 'P', 5);
         INSERT INTO cutover.iterations_ite (mig_id, plm_id, itt_code, ite_name, ite_status)
             SELECT mig_id, plm_id, 'RUN', 'I', 9 FROM cutover.migrations_mig, cutover.plans_master_plm;
         INSERT INTO cutover.plans_instance_pli (plm_id, ite_id, pli_status)
             SELECT plm_id, ite_id, 5 FROM cutover.iterations_ite;
         INSERT INTO cutover.sequences_master_sqm (plm_id, sqm_name) SELECT plm_id, 'S' FROM cutover.plans_master_plm;
         INSERT INTO cutover.sequences_instance_sqi (pli_id, sqm_id, sqi_status)
             SELECT pli_id, sqm_id, 13 FROM cutover.plans_instance_pli, cutover.sequences_master_sqm;
         INSERT INTO cutover.phases_master_phm (sqm_id, phm_name) SELECT sqm_id, 'H' FROM cutover.sequences_master_sqm;
         INSERT INTO cutover.phases_instance_phi (sqi_id, phm_id, phi_status)
             SELECT sqi_id, phm_id, 17 FROM cutover.sequences_instance_sqi, cutover.phases_master_phm;
         INSERT INTO cutover.steps_master_stm (phm_id, stm_name) SELECT phm_id, 'T' FROM cutover.phases_master_phm;
         INSERT INTO cutover.steps_instance_sti (phi_id, stm_id, sti_status)
             SELECT phi_id, stm_id, 21 FROM cutover.phases_instance_phi, cutover.steps_master_stm;
         INSERT INTO cutover.controls_master_ctm (phm_id, ctm_code) SELECT phm_id, 'C' FROM cutover.phases_master_phm;
         INSERT INTO cutover.controls_instance_cti (phi_id, ctm_id, cti_status)
             SELECT phi_id, ctm_id, 28 FROM cutover.phases_instance_phi, cutover.controls_master_ctm;",
    )?;
    // Here it is the keys that are tried, not the order of the statuses.
    client.batch_execute("SELECT canon.status_unguard(relation) FROM canon.status_guards()")?;
    for row in &columns {
        let (table, column): (String, String) = (row.get(0), row.get(1));
        let own: i32 = one(&mut client, &format!("SELECT {column} FROM {table}"))?;
        let kind: String = one(&mut client, &format!("SELECT sts_type FROM cutover.status_sts WHERE sts_id = {own}"))?;
        for status in 1..=31 {
            let fits: bool = one(
                &mut client,
                &format!("SELECT sts_type = '{kind}' FROM cutover.status_sts WHERE sts_id = {status}"),
            )?;
            let sql = format!("UPDATE {table} SET {column} = {status}");
            if fits {
                client.batch_execute(&sql)?;
            } else {
                refused(&mut client, &sql, &SqlState::FOREIGN_KEY_VIOLATION)?;
            }
        }
    }
    let retype = "UPDATE cutover.status_sts SET sts_type = 'Step', sts_name = 'OTHER' WHERE sts_id = 4";
    refused(&mut client, retype, &SqlState::FOREIGN_KEY_VIOLATION)?;
    Ok(())
}

#[test]
fn cutover_comes_with_its_reference_rows() -> Result<()> {
    let (_db, mut client) = with_pack("cutover")?;
    for (sql, expected) in [
        (
            "SELECT string_agg(sts_name, ',' ORDER BY sts_id) FROM cutover.status_sts WHERE sts_type = 'Step'",
            "PENDING,TODO,IN_PROGRESS,COMPLETED,FAILED,BLOCKED,CANCELLED",
        ),
        (
            "SELECT string_agg(sts_id || sts_color, ',' ORDER BY sts_id) FROM cutover.status_sts WHERE sts_id IN (1, 10, 21, 31)",
            "1#FFA500,10#0066CC,21#DDDDDD,31#CC0000",
        ),
        ("SELECT string_agg(itt_code, ',' ORDER BY itt_code) FROM cutover.iteration_types_itt", "CUTOVER,DR,RUN"),
        (
            "SELECT string_agg(enr_id || enr_name, ',' ORDER BY enr_id) FROM cutover.environment_roles_enr",
            "1PROD,2TEST,3BACKUP",
        ),
        ("SELECT string_agg(rls_code, ',' ORDER BY rls_id) FROM cutover.roles_rls", "ADMIN,NORMAL,PILOT"),
        ("SELECT count(*)::text FROM cutover.step_types_stt", "13"),
        // The next status of the user's own gets the next number.
        (
            "INSERT INTO cutover.status_sts (sts_name, sts_color, sts_type) VALUES ('PAUSED', '#ABCDEF', 'Step') RETURNING sts_id::text",
            "32",
        ),
    ] {
        assert_eq!(one::<String>(&mut client, sql)?, expected, "{sql}");
    }
    Ok(())
}

#[test]
fn updated_at_is_kept_by_the_database() -> Result<()> {
    let (_db, mut client) = with_pack("cutover")?;
    client.batch_execute(
        "INSERT INTO cutover.teams_tms (tms_name, updated_at) VALUES ('T', '2000-01-01');
         UPDATE cutover.teams_tms SET tms_name = 'U', updated_at = '2000-01-01';
         UPDATE cutover.status_sts SET updated_at = '2000-01-01', updated_date = '2000-01-01' WHERE sts_id = 1;",
    )?;
    assert!(one::<bool>(&mut client, "SELECT updated_at > now() - interval '1 minute' FROM cutover.teams_tms")?);
    let both =
        "SELECT updated_at = updated_date AND updated_at > '2020-01-01' FROM cutover.status_sts WHERE sts_id = 1";
    assert!(one::<bool>(&mut client, both)?);
    Ok(())
}

#[test]
fn agentops_audit_rows_survive_their_organisation() -> Result<()> {
    let (_db, mut client) = with_pack("agentops")?;
    client.batch_execute(
        "SELECT agentops.create_organization('Labs', 'labs', 'startup', 'a@example.com', 'x', 'A', 'B');
         INSERT INTO agentops.projects (organization_id, owner_id, name, slug)
             SELECT organization_id, id, 'Project', 'project' FROM agentops.users;
         INSERT INTO agentops.audit_logs (organization_id, user_id, action, resource_type)
             SELECT organization_id, id, 'create', 'project' FROM agentops.users;
         INSERT INTO agentops.security_events (organization_id, event_type, severity, description)
             SELECT organization_id, 'failed_login', 'low', 'x' FROM agentops.users;",
    )?;
    let organization: String = one(&mut client, "SELECT organization_id::text FROM agentops.audit_logs")?;
    client.batch_execute("DELETE FROM agentops.organizations")?;
    assert_eq!(one::<i64>(&mut client, "SELECT count(*) FROM agentops.users")?, 0);
    assert_eq!(one::<i64>(&mut client, "SELECT count(*) FROM agentops.security_events")?, 0);
    assert_eq!(one::<String>(&mut client, "SELECT organization_id::text FROM agentops.audit_logs")?, organization);
    Ok(())
}

#[test]
fn agentops_test_results_keep_the_tally() -> Result<()> {
    let (_db, mut client) = with_pack("agentops")?;
    client.batch_execute(
        "SELECT agentops.create_organization('Labs', 'labs', 'startup', 'a@example.com', 'x', 'A', 'B');
         INSERT INTO agentops.projects (organization_id, owner_id, name, slug)
             SELECT organization_id, id, 'Project', 'project' FROM agentops.users;
         INSERT INTO agentops.requirements (project_id, title, created_by) SELECT id, 'Req', owner_id FROM agentops.projects;
         INSERT INTO agentops.features (requirement_id, project_id, name) SELECT id, project_id, 'Feat' FROM agentops.requirements;
         INSERT INTO agentops.test_cases (feature_id, project_id, name, test_type, created_by)
             SELECT f.id, f.project_id, 'Case', 'unit', u.id FROM agentops.features f, agentops.users u;
         INSERT INTO agentops.test_results (test_case_id, feature_id, status, executed_at)
             SELECT c.id, c.feature_id, s.status, s.at FROM agentops.test_cases c,
             (VALUES ('passed', timestamptz '2025-01-01'), ('failed', '2025-01-02'), ('error', '2025-01-03')) s (status, at);",
    )?;
    let tally =
        "SELECT format('%s %s %s %s', run_count, pass_count, fail_count, last_run_status) FROM agentops.test_cases";
    assert_eq!(one::<String>(&mut client, tally)?, "3 1 1 error");
    Ok(())
}

#[test]
fn core_json_columns_refuse_what_is_not_json() -> Result<()> {
    let (_db, mut client) = with_pack("core")?;
    let checks: i64 = one(
        &mut client,
        "SELECT count(*) FROM pg_constraint WHERE conname LIKE 'ck\\_%\\_json' AND connamespace = 'core'::regnamespace",
    )?;
    assert_eq!(checks, 19);
    client.batch_execute("INSERT INTO core.tenants (name, slug) VALUES ('T', 't')")?;
    for text in ["", "{", "{a: 1}", "[1,]", "\"\\u0000\"", "nul"] {
        let sql = format!("UPDATE core.tenants SET settings = '{text}'");
        let refusal = refused(&mut client, &sql, &SqlState::CHECK_VIOLATION)?;
        assert_eq!(refusal.constraint(), Some("ck_tenants_settings_json"), "{text}");
    }
    for text in ["'{\"a\": [1, null, true]}'", "'1'", "'\"text\"'", "NULL", "'  [ ]  '"] {
        client.batch_execute(&format!("UPDATE core.tenants SET settings = {text}"))?;
        client.batch_execute("SELECT settings::jsonb FROM core.tenants")?;
    }
    Ok(())
}

#[test]
fn core_tenants_do_not_mix() -> Result<()> {
    let (_db, mut client) = with_pack("core")?;
    client.batch_execute(
        "INSERT INTO core.tenants (id, name, slug) VALUES
             ('11111111-1111-1111-1111-111111111111', 'A', 'a'), ('22222222-2222-2222-2222-222222222222', 'B', 'b');
         INSERT INTO core.roles (id, tenant_id, code, name, category, level) VALUES
             ('00000000-0000-0000-0000-000000000001', NULL, 'OWNER', 'Owner', 'SYSTEM', 'L9_OWNER'),
             ('00000000-0000-0000-0000-000000000002', '22222222-2222-2222-2222-222222222222', 'X', 'X', 'CUSTOM', 'L1_INDIVIDUAL');
         INSERT INTO core.users (id, tenant_id, email, password_hash, first_name, last_name, role_id) VALUES
             ('aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaa001', '11111111-1111-1111-1111-111111111111', 'a@x', '-', 'A', 'A', '00000000-0000-0000-0000-000000000001'),
             ('aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaa002', '22222222-2222-2222-2222-222222222222', 'b@x', '-', 'B', 'B', '00000000-0000-0000-0000-000000000002');",
    )?;
    let tenant = "'11111111-1111-1111-1111-111111111111'";
    let stranger = "'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaa002'";
    for (sql, code) in [
        (
            format!("INSERT INTO core.teams (tenant_id, name, slug, lead_id) VALUES ({tenant}, 'T', 't', {stranger})"),
            SqlState::FOREIGN_KEY_VIOLATION,
        ),
        (
            format!(
                "INSERT INTO core.outcomes (tenant_id, title, priority, owner_id) VALUES ({tenant}, 'O', 'LOW', {stranger})"
            ),
            SqlState::FOREIGN_KEY_VIOLATION,
        ),
        (
            format!("UPDATE core.users SET manager_id = {stranger} WHERE tenant_id = {tenant}"),
            SqlState::FOREIGN_KEY_VIOLATION,
        ),
        (
            format!(
                "UPDATE core.users SET role_id = '00000000-0000-0000-0000-000000000002' WHERE tenant_id = {tenant}"
            ),
            SqlState::CHECK_VIOLATION,
        ),
        (
            "INSERT INTO core.roles (code, name, category, level) VALUES ('OWNER', 'Again', 'SYSTEM', 'L9_OWNER')"
                .to_owned(),
            SqlState::UNIQUE_VIOLATION,
        ),
    ] {
        refused(&mut client, &sql, &code)?;
    }
    Ok(())
}

#[test]
fn saas_windows_end_where_they_should() -> Result<()> {
    let (_db, mut client) = with_pack("saas")?;
    client.batch_execute(
        "SET TimeZone = 'Europe/Berlin';
         INSERT INTO saas.organizations (name) VALUES ('O');
         INSERT INTO saas.api_rate_limits (organization_id, endpoint, window_start, window_duration_minutes)
             SELECT id, '/x', '2025-03-30 01:30+01', 60 FROM saas.organizations;",
    )?;
    let end = "SELECT (window_end = timestamptz '2025-03-30 01:30:00+00')::text FROM saas.api_rate_limits";
    assert_eq!(one::<String>(&mut client, end)?, "true", "the hour that the clocks skip counts");
    for (sql, expected) in [
        ("SELECT count(*)::text FROM saas.quota_policies", "5"),
        (
            "SELECT string_agg(action_type || credits_cost, ',' ORDER BY action_type COLLATE \"C\") FROM saas.credit_actions",
            "ai_email_generation3,ai_lead_scoring5,create_crm_event1,schedule_reminder_email1,schedule_reminder_whatsapp2,send_email1,send_whatsapp2",
        ),
        ("SELECT count(*)::text FROM saas.alert_rules", "4"),
        ("SELECT count(*)::text FROM saas.notification_rules", "2"),
    ] {
        assert_eq!(one::<String>(&mut client, sql)?, expected, "{sql}");
    }
    Ok(())
}

#[test]
fn saas_reads_the_login_from_the_request() -> Result<()> {
    let (_db, mut client) = with_pack("saas")?;
    let uid = "SELECT coalesce(auth.uid()::text, 'nobody') || ' ' || coalesce(auth.role(), 'none')";
    assert_eq!(one::<String>(&mut client, uid)?, "nobody none");
    client.batch_execute(
        "SET request.jwt.claims = '{\"sub\": \"aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaa001\", \"role\": \"authenticated\"}'",
    )?;
    assert_eq!(one::<String>(&mut client, uid)?, "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaa001 authenticated");
    Ok(())
}

/// Where a platform brings its own `auth`, it is used and left alone.
#[test]
fn saas_leaves_an_existing_auth_schema_alone() -> Result<()> {
    let db = database("own_auth")?;
    let mut client = db.connect()?;
    client.batch_execute(
        "CREATE EXTENSION pg_canon; CREATE SCHEMA auth; CREATE TABLE auth.users (id uuid PRIMARY KEY, theirs text);
         SELECT canon.install('saas')",
    )?;
    assert!(one::<bool>(&mut client, "SELECT bool_and(ok) FROM canon.validate('saas')")?);
    assert_eq!(one::<i64>(&mut client, "SELECT count(*) FROM pg_proc WHERE pronamespace = 'auth'::regnamespace")?, 0);
    client.batch_execute("SELECT canon.uninstall('saas')")?;
    assert_eq!(one::<i64>(&mut client, "SELECT count(*) FROM pg_tables WHERE schemaname = 'auth'")?, 1);
    Ok(())
}
