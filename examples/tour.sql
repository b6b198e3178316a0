-- A tour of pg_canon in psql. It can be run again and again: all of its rows are rolled back.

\pset border 2
\echo '== The library and its packs'
SELECT canon.version();
SELECT name, installed_version, tables, description FROM canon.packs();

\echo '== A pack is installed once; a second call changes nothing'
SELECT * FROM canon.install('all');

BEGIN;

\echo '== cutover: a runbook for one weekend, in statuses that PostgreSQL keeps honest'
INSERT INTO cutover.teams_tms (tms_name) VALUES ('Database team') RETURNING tms_id, tms_name \gset
INSERT INTO cutover.users_usr (usr_code, usr_first_name, usr_last_name, usr_email, rls_id)
VALUES ('ADA', 'Ada', 'Byron', 'ada@example.com', 3) RETURNING usr_id \gset
INSERT INTO cutover.migrations_mig (usr_id_owner, mig_name, mig_type, mig_status)
VALUES (:usr_id, 'Core banking to the new platform', 'EXTERNAL', 1) RETURNING mig_id \gset
INSERT INTO cutover.plans_master_plm (tms_id, plm_name, plm_status)
VALUES (:tms_id, 'Weekend runbook', 5) RETURNING plm_id \gset
INSERT INTO cutover.iterations_ite (mig_id, plm_id, itt_code, ite_name, ite_status)
VALUES (:'mig_id', :'plm_id', 'DR', 'Dress rehearsal 1', 9);
SELECT m.mig_name, s.sts_name AS status, s.sts_color, i.ite_name, t.itt_name
FROM cutover.migrations_mig m
JOIN cutover.status_sts s ON s.sts_id = m.mig_status
JOIN cutover.iterations_ite i USING (mig_id)
JOIN cutover.iteration_types_itt t USING (itt_code);

\echo '== Status 23 is a status of steps; a migration cannot have it'
SAVEPOINT wrong;
\set ON_ERROR_STOP off
UPDATE cutover.migrations_mig SET mig_status = 23;
\set ON_ERROR_STOP on
ROLLBACK TO wrong;

\echo '== agentops: organisation and owner point at each other and arrive together'
SELECT organization_id, owner_id FROM agentops.create_organization(
    organization_name => 'Example Labs', organization_slug => 'example-labs', organization_type => 'startup',
    owner_email => 'grace@example.com', owner_password_hash => 'not a hash',
    owner_first_name => 'Grace', owner_last_name => 'Hopper') \gset
INSERT INTO agentops.projects (organization_id, owner_id, name, slug)
VALUES (:'organization_id', :'owner_id', 'Compiler', 'compiler');
SELECT o.name AS organization, u.email AS owner, p.name AS project, p.status, p.visibility
FROM agentops.organizations o
JOIN agentops.users u ON u.id = o.created_by
JOIN agentops.projects p ON p.organization_id = o.id;

\echo '== core: a link into another tenant is refused by the key itself'
INSERT INTO core.tenants (id, name, slug) VALUES
    ('11111111-1111-1111-1111-111111111111', 'North', 'north'),
    ('22222222-2222-2222-2222-222222222222', 'South', 'south');
INSERT INTO core.roles (code, name, category, level) VALUES ('OWNER', 'Owner', 'SYSTEM', 'L9_OWNER') RETURNING id AS role_id \gset
INSERT INTO core.users (id, tenant_id, email, password_hash, first_name, last_name, role_id) VALUES
    ('aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaa001', '11111111-1111-1111-1111-111111111111', 'n@example.com', 'not a hash', 'Nora', 'North', :'role_id'),
    ('aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaa002', '22222222-2222-2222-2222-222222222222', 's@example.com', 'not a hash', 'Sam', 'South', :'role_id');
SAVEPOINT wrong;
\set ON_ERROR_STOP off
INSERT INTO core.teams (tenant_id, name, slug, lead_id)
VALUES ('11111111-1111-1111-1111-111111111111', 'Pilots', 'pilots', 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaa002');
\set ON_ERROR_STOP on
ROLLBACK TO wrong;

\echo '== core: JSON in a text column is JSON'
SAVEPOINT wrong;
\set ON_ERROR_STOP off
UPDATE core.tenants SET settings = '{"theme": dark}' WHERE slug = 'north';
\set ON_ERROR_STOP on
ROLLBACK TO wrong;

\echo '== status machines: what a migration may become, and why not; a plain UPDATE cannot break it'
SELECT to_state, event, allowed, why_not FROM canon.status_permitted('cutover.migrations_mig', :'mig_id');
SELECT canon.status_fire('cutover.migrations_mig', :'mig_id', 'start');
SAVEPOINT wrong;
\set ON_ERROR_STOP off
UPDATE cutover.migrations_mig SET mig_status = 1 WHERE mig_id = :'mig_id';
\set ON_ERROR_STOP on
ROLLBACK TO wrong;
SELECT from_state, to_state, event FROM canon.status_history('cutover.migrations_mig', :'mig_id');

\echo '== plans: a runbook becomes a plan of its own; asked again, nothing is created. The whole story: examples/plan.sql'
INSERT INTO cutover.sequences_master_sqm (plm_id, sqm_order, sqm_name) VALUES (:'plm_id', 1, 'Switch') RETURNING sqm_id \gset
INSERT INTO cutover.phases_master_phm (sqm_id, phm_order, phm_name) VALUES (:'sqm_id', 1, 'Load') RETURNING phm_id \gset
INSERT INTO cutover.steps_master_stm (phm_id, tms_id_owner, stt_code, stm_number, stm_name, stm_duration_minutes)
VALUES (:'phm_id', :tms_id, 'DUM', 1, 'Dump', 60) RETURNING stm_id AS dump \gset
INSERT INTO cutover.steps_master_stm
    (phm_id, tms_id_owner, stt_code, stm_number, stm_name, stm_duration_minutes, stm_id_predecessor) VALUES
    (:'phm_id', :tms_id, 'TRT', 2, 'Load', 90, :'dump'), (:'phm_id', :tms_id, 'CHK', 3, 'Read the dump', 20, :'dump');
SELECT ite_id FROM cutover.iterations_ite WHERE plm_id = :'plm_id' \gset
SELECT canon.plan_instantiate(:'plm_id', :'ite_id')->>'instance' AS plan \gset
SELECT canon.plan_instantiate(:'plm_id', :'ite_id')->'created' AS created;
SELECT level, label, early_finish - early_start AS takes, total_slack, critical FROM canon.plan_schedule(:'plan');
SELECT label, minutes FROM canon.plan_ready(:'plan');
SELECT canon.plan_gantt(:'plan', 'mermaid');

\echo '== saas: the end of a window is computed, the default policies are there'
INSERT INTO saas.organizations (name) VALUES ('Example Shop') RETURNING id AS org_id \gset
INSERT INTO saas.api_rate_limits (organization_id, endpoint, window_start, window_duration_minutes)
VALUES (:'org_id', '/generate-text', '2025-03-30 00:30+00', 90) RETURNING window_start, window_end;
SELECT policy_name, endpoint_pattern, max_requests_per_hour AS per_hour, applies_to_role
FROM saas.quota_policies ORDER BY max_requests_per_hour;

\echo '== limits: three a minute, decided in shared memory'
SELECT canon.rate_limit_reset('tour:login') AS was_counted;
SELECT k AS request, canon.rate_allow('tour:login', 3, interval '1 minute') AS allowed FROM generate_series(1, 4) AS k;
SELECT allowed, remaining, reason, retry_after FROM canon.rate_limit_peek('tour:login', 3, interval '1 minute');

\echo '== limits: an organisation and a user at once, all or none; the level that decides has a name'
SELECT allowed, level, remaining, reason FROM canon.rate_limit_all(
    ARRAY['tour:org', 'tour:user'], ARRAY[1000, 5], ARRAY['1 hour', '1 minute']::interval[]);

\echo '== limits: the quota policies of saas; an organisation of their own gets other limits'
SELECT allowed, level, "limit", remaining FROM canon.check_quota(:'org_id', NULL, '/generate-text');
INSERT INTO saas.organization_quota_overrides (organization_id, policy_id, max_requests_per_hour, reason)
SELECT :'org_id', id, 5000, 'Paid for more' FROM saas.quota_policies WHERE policy_name = 'ai_generation_default';
SELECT allowed, level, "limit", remaining FROM canon.check_quota(:'org_id', NULL, '/generate-text');

ROLLBACK;

\echo '== audit: the important tables of the packs are recorded; sealed, chained, provable'
SELECT count(*) AS tables, bool_and(recording) AS recording FROM canon.audit_status();
SELECT canon.audit_seal() IS NOT NULL AS sealed;
SELECT position, operation, relation, left(previous_hash, 12) AS previous_hash, left(audit_chain_hash, 12) AS audit_chain_hash
FROM canon.audit_log WHERE chain IS NULL ORDER BY position LIMIT 3;
SELECT jsonb_array_length(canon.audit_prove(1) -> 'path') AS hashes_of_the_proof;
SELECT ok, first_bad, problem FROM canon.audit_verify();

\echo '== audit: somebody with every right changes an entry'
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE canon.audit_entry SET actor = 'somebody_else' WHERE id = 3;
SELECT ok, first_bad, problem FROM canon.audit_verify();
ROLLBACK;

\echo '== validate: every pack is in the database as it declares'
SELECT pack, kind, expected, found FROM canon.validate()
WHERE kind IN ('tables', 'columns', 'foreign keys', 'checks', 'indexes') ORDER BY pack, kind;
SELECT pack, bool_and(ok) AS as_declared, count(*) AS lines FROM canon.validate() GROUP BY pack ORDER BY pack;

\echo '== validate names what somebody changed by hand'
BEGIN;
ALTER TABLE cutover.teams_tms ALTER COLUMN tms_name TYPE text;
DROP TABLE saas.debug_logs;
SELECT pack, kind, object, expected, found FROM canon.validate() WHERE NOT ok ORDER BY pack, kind, object;
ROLLBACK;
