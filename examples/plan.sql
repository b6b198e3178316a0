-- One migration from its runbook to the night itself, in psql: import, check, instantiate, rehearse, execute, compare.
--     psql -d canon -v svg=/tmp/plan.svg -f examples/plan.sql
-- It can be run again and again: everything but the picture is rolled back. What it prints is in plan.out,
-- the picture in plan.svg.

\set ON_ERROR_STOP on
\set VERBOSITY terse
\pset pager off
\if :{?svg}
\else
    \set svg plan.svg
\endif
SET TimeZone = 'UTC';
SET client_min_messages = warning;
BEGIN;
SELECT action FROM canon.install('cutover') \gset
SET LOCAL search_path = cutover, pg_catalog;

\echo '== Who takes part, and three occasions: two rehearsals and the night'
INSERT INTO teams_tms (tms_id, tms_name, tms_email) VALUES
    (101, 'Databases', 'databases@example.com'), (102, 'Applications', 'applications@example.com'),
    (103, 'Business', 'business@example.com'), (104, 'Cutover office', 'office@example.com');
INSERT INTO users_usr (usr_id, usr_code, usr_first_name, usr_last_name, usr_email, rls_id) VALUES
    (101, 'ADA', 'Ada', 'Byron', 'ada.story@example.com', 3), (102, 'JOH', 'John', 'Couch', 'john.story@example.com', 3);
INSERT INTO migrations_mig (mig_id, usr_id_owner, mig_name, mig_type, mig_status)
VALUES ('a0000000-0000-0000-0000-00000000000a', 101, 'Core banking to the new platform', 'EXTERNAL', 1);
INSERT INTO plans_master_plm (plm_id, tms_id, plm_name, plm_status)
VALUES ('b0000000-0000-0000-0000-00000000000b', 104, 'Weekend runbook', 5);
\set plan b0000000-0000-0000-0000-00000000000b
INSERT INTO iterations_ite (ite_id, mig_id, plm_id, itt_code, ite_name, ite_status, ite_start_date) VALUES
    ('c0000000-0000-0000-0000-000000000001', 'a0000000-0000-0000-0000-00000000000a', :'plan', 'RUN', 'Run 1', 9, '2026-02-07'),
    ('c0000000-0000-0000-0000-000000000002', 'a0000000-0000-0000-0000-00000000000a', :'plan', 'DR', 'Dress rehearsal', 9, '2026-02-21'),
    ('c0000000-0000-0000-0000-000000000003', 'a0000000-0000-0000-0000-00000000000a', :'plan', 'CUTOVER', 'The night', 9, '2026-03-14');
INSERT INTO sequences_master_sqm (sqm_id, plm_id, sqm_order, sqm_name) VALUES
    ('d0000000-0000-0000-0000-000000000001', :'plan', 1, 'Prepare'),
    ('d0000000-0000-0000-0000-000000000002', :'plan', 2, 'Switch'),
    ('d0000000-0000-0000-0000-000000000003', :'plan', 3, 'Reopen');
INSERT INTO phases_master_phm (phm_id, sqm_id, phm_order, phm_name, predecessor_phm_id) VALUES
    ('e0000000-0000-0000-0000-000000000001', 'd0000000-0000-0000-0000-000000000001', 1, 'Freeze', NULL),
    ('e0000000-0000-0000-0000-000000000002', 'd0000000-0000-0000-0000-000000000001', 2, 'Back up',
     'e0000000-0000-0000-0000-000000000001'),
    ('e0000000-0000-0000-0000-000000000003', 'd0000000-0000-0000-0000-000000000002', 1, 'Load', NULL),
    ('e0000000-0000-0000-0000-000000000004', 'd0000000-0000-0000-0000-000000000002', 2, 'Verify',
     'e0000000-0000-0000-0000-000000000003'),
    ('e0000000-0000-0000-0000-000000000005', 'd0000000-0000-0000-0000-000000000003', 1, 'Go live', NULL);
INSERT INTO controls_master_ctm (phm_id, ctm_code, ctm_order, ctm_name, ctm_is_critical) VALUES
    ('e0000000-0000-0000-0000-000000000002', 'BACKUP', 1, 'The backup can be read', true),
    ('e0000000-0000-0000-0000-000000000004', 'SUMS', 1, 'Balances agree to the cent', true);

\echo '== The steps come from a spreadsheet; one row is wrong, and nothing is imported'
\set batch f0000000-0000-0000-0000-00000000000f
INSERT INTO stg_steps (step_id, phase_id, owner_team_id, duration_minutes, description, predecessor_step_id,
    iteration_types, teams_impacted, import_batch_id)
SELECT v.id, format('e0000000-0000-0000-0000-00000000000%s', v.phase), v.team, v.minutes, v.what, v.after, v.kinds, v.impacted, :'batch'
FROM (VALUES
    ('BUS-1', 1, 103, 10, 'Close the branches', NULL, 'CUTOVER', 'Applications'),
    ('SYS-2', 1, 102, 15, 'Stop the batch jobs', 'BUS-1', NULL, NULL),
    ('SYS-3', 1, 102, 5, 'Block logins', 'SYS-2', NULL, NULL),
    ('DUM-1', 2, 101, 60, 'Dump the old database', NULL, NULL, NULL),
    ('CHK-2', 2, 101, 40, 'Rehearse the restore', 'DUM-1', 'RUN,DR', NULL),
    ('DUM-3', 2, 101, 20, 'Copy the dump off site', 'CHK-2', NULL, NULL),
    ('TRT-1', 3, 101, 90, 'Load customers', NULL, NULL, NULL),
    ('TRT-2', 3, 101, 120, 'Load accounts', 'TRT-1', NULL, NULL),
    ('AUT-3', 3, 102, 45, 'Convert documents', NULL, NULL, NULL),
    ('CHK-1', 4, 101, 30, 'Compare balances', NULL, NULL, 'Busines'),
    ('VAL-2', 4, 103, 30, 'Sample by the business', 'CHK-1', NULL, NULL),
    ('GON-1', 5, 103, NULL, 'Go or no-go', NULL, NULL, NULL),
    ('SYS-2b', 5, 102, 10, 'Open logins', 'GON-1', NULL, NULL)
) AS v (id, phase, team, minutes, what, after, kinds, impacted);
UPDATE stg_steps SET step_type = 'SYS', order_number = 2 WHERE step_id = 'SYS-2b';
INSERT INTO stg_step_instructions (instruction_id, step_id, instruction_text, order_number, duration_minutes, control_code, import_batch_id)
VALUES ('1', 'DUM-1', 'Check free space', 1, NULL, NULL, :'batch'), ('2', 'DUM-1', 'Run pg_dump', 2, NULL, 'BACKUP', :'batch'),
    ('1', 'GON-1', 'Read out the results', 1, 5, NULL, :'batch'), ('2', 'GON-1', 'Vote', 2, 10, NULL, :'batch');
SAVEPOINT wrong;
\set ON_ERROR_STOP off
SELECT canon.plan_import(:'batch');
\set ON_ERROR_STOP on
ROLLBACK TO wrong;
SELECT row_key, column_name, value, problem FROM canon.plan_import_problems(:'batch') WHERE severity = 'error';
UPDATE stg_steps SET teams_impacted = 'Business' WHERE step_id = 'CHK-1';
SELECT canon.plan_import(:'batch') - 'problems' AS imported;

\echo '== Check: one step has no team any more, and a circle cannot be committed'
UPDATE steps_master_stm SET tms_id_owner = NULL WHERE stm_code = 'AUT-3';
SELECT severity, problem, label, detail FROM canon.plan_check(:'plan');
UPDATE steps_master_stm SET tms_id_owner = 102 WHERE stm_code = 'AUT-3';
SAVEPOINT wrong;
\set ON_ERROR_STOP off
UPDATE steps_master_stm SET stm_id_predecessor = (SELECT stm_id FROM steps_master_stm WHERE stm_code = 'GON-1')
WHERE stm_code = 'DUM-1';
SET CONSTRAINTS ALL IMMEDIATE;
\set ON_ERROR_STOP on
ROLLBACK TO wrong;

\echo '== One template, three plans; the step for rehearsals is not part of the night'
SELECT r->>'instance' AS run1, r->'created' AS created, r->'left_out'->>'step' AS left_out
FROM canon.plan_instantiate(:'plan', 'c0000000-0000-0000-0000-000000000001') AS r \gset
\echo RUN: :created, left out: :left_out
SELECT r->>'instance' AS dr, r->'created' AS created, r->'left_out'->>'step' AS left_out
FROM canon.plan_instantiate(:'plan', 'c0000000-0000-0000-0000-000000000002') AS r \gset
\echo DR: :created, left out: :left_out
\set options '{"overrides": [{"level": "plan", "template": "b0000000-0000-0000-0000-00000000000b", "set": {"pli_name": "The night"}}, {"level": "step", "code": "TRT-2", "set": {"sti_duration_minutes": 110}}]}'
SELECT r->>'instance' AS night, r->'created' AS created, r->'left_out'->>'step' AS left_out
FROM canon.plan_instantiate(:'plan', 'c0000000-0000-0000-0000-000000000003', :'options') AS r \gset
\echo CUTOVER: :created, left out: :left_out
\echo '== Asked again: the same plan, nothing created'
SELECT r->>'instance' = :'night' AS same, r->'created' AS created
FROM canon.plan_instantiate(:'plan', 'c0000000-0000-0000-0000-000000000003', :'options') AS r;

\echo '== How long is the night, and what if the dump took two hours?'
SELECT label, start, finish FROM canon.plan_critical_path(:'night', '{"start": "2026-03-14 20:00"}');
SELECT stm_id AS dump FROM steps_master_stm WHERE stm_code = 'DUM-1' \gset
SELECT min(early_start) AS start, max(early_finish) AS finish FROM canon.plan_schedule(:'night',
    jsonb_build_object('start', '2026-03-14 20:00', 'durations', jsonb_build_object(:'dump', 120)));

\echo '== Run 1 is rehearsed: whatever is ready is done, a little slower than planned'
CREATE FUNCTION pg_temp.do_step(step uuid, minutes numeric, at timestamptz) RETURNS void LANGUAGE sql AS $$
    UPDATE cutover.steps_instance_sti SET sti_status = 23, sti_start_time = at WHERE sti_id = step;
    UPDATE cutover.instructions_instance_ini SET ini_is_completed = true WHERE sti_id = step;
    UPDATE cutover.steps_instance_sti SET sti_status = 24 WHERE sti_id = step;
    -- The machine has stamped the end with the time of the story.
    UPDATE cutover.steps_instance_sti SET sti_end_time = at + make_interval(mins => minutes::integer) WHERE sti_id = step;
$$;
CREATE FUNCTION pg_temp.step(plan uuid, code text) RETURNS uuid LANGUAGE sql AS $$
    SELECT i.sti_id FROM cutover.steps_instance_sti i JOIN cutover.steps_master_stm m USING (stm_id)
    JOIN cutover.phases_instance_phi USING (phi_id) JOIN cutover.sequences_instance_sqi q USING (sqi_id)
    WHERE q.pli_id = plan AND m.stm_code = code
$$;
CREATE FUNCTION pg_temp.rehearse(plan uuid, slower numeric) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    done integer := 0;
    step record;
BEGIN
    LOOP
        SELECT r.node, r.minutes, s.early_start INTO step
        FROM canon.plan_ready(plan) r JOIN canon.plan_schedule(plan) s USING (node)
        ORDER BY s.early_start, r.label LIMIT 1;
        EXIT WHEN NOT FOUND;
        PERFORM pg_temp.do_step(step.node, step.minutes * slower, step.early_start);
        UPDATE cutover.controls_instance_cti c SET cti_status = 29, usr_id_it_validator = 101, usr_id_biz_validator = 102
        WHERE c.cti_status = 28 AND c.phi_id IN (SELECT node FROM canon.plan_progress(plan) WHERE open + running + held = 0);
        done := done + 1;
    END LOOP;
    RETURN done;
END $$;
SELECT pg_temp.rehearse(:'run1', 1.3) AS steps_done;
SELECT level, label, status, tasks, done, percent_by_duration AS percent
FROM canon.plan_progress(:'run1') WHERE depth < 2;

\echo '== Between rehearsal and night the template learns: the dump takes longer. Plans not begun can follow'
UPDATE steps_master_stm SET stm_duration_minutes = 75 WHERE stm_code = 'DUM-1';
SELECT level, kind, field, base_value, template_value, instance_value, overridden FROM canon.plan_drift(:'night');
SELECT outcome, count(*) FROM canon.plan_resync(:'night', 'apply') GROUP BY outcome;

\echo '== The night. What comes too early is refused'
SELECT label, team, minutes FROM canon.plan_ready(:'night');
SAVEPOINT wrong;
\set ON_ERROR_STOP off
UPDATE steps_instance_sti SET sti_status = 23 WHERE sti_id = pg_temp.step(:'night', 'TRT-1');
\set ON_ERROR_STOP on
ROLLBACK TO wrong;
SELECT pg_temp.do_step(pg_temp.step(:'night', 'BUS-1'), 12, '2026-03-14 20:00') \gset
SELECT pg_temp.do_step(pg_temp.step(:'night', 'SYS-2'), 15, '2026-03-14 20:12') \gset
SELECT pg_temp.do_step(pg_temp.step(:'night', 'SYS-3'), 5, '2026-03-14 20:27') \gset
SELECT level, label, status FROM canon.plan_progress(:'night') WHERE depth < 3 AND status <> 'PLANNING';

\echo '== A step cannot be closed over open instructions, and the make-up of a plan at work is frozen'
UPDATE steps_instance_sti SET sti_status = 23, sti_start_time = '2026-03-14 20:32' WHERE sti_id = pg_temp.step(:'night', 'DUM-1');
SAVEPOINT wrong;
\set ON_ERROR_STOP off
UPDATE steps_instance_sti SET sti_status = 24 WHERE sti_id = pg_temp.step(:'night', 'DUM-1');
ROLLBACK TO wrong;
UPDATE steps_instance_sti SET sti_duration_minutes = 1 WHERE sti_id = pg_temp.step(:'night', 'DUM-1');
ROLLBACK TO wrong;
\set ON_ERROR_STOP on
UPDATE instructions_instance_ini SET ini_is_completed = true WHERE sti_id = pg_temp.step(:'night', 'DUM-1');
UPDATE steps_instance_sti SET sti_status = 24 WHERE sti_id = pg_temp.step(:'night', 'DUM-1');
UPDATE steps_instance_sti SET sti_end_time = '2026-03-14 22:22' WHERE sti_id = pg_temp.step(:'night', 'DUM-1');
SELECT label, before, after FROM canon.plan_skip(pg_temp.step(:'night', 'DUM-3'), 'The line to the other site is down', 'continue');

\echo '== The control fails: the plan stands still until somebody answers for it'
SELECT cti_id AS control FROM controls_instance_cti WHERE cti_code LIKE 'BACKUP%' AND cti_id IN (
    SELECT c.cti_id FROM controls_instance_cti c JOIN phases_instance_phi USING (phi_id)
    JOIN sequences_instance_sqi USING (sqi_id) WHERE pli_id = :'night') \gset
SET LOCAL canon.status_reason = 'Checksum of one file differs';
UPDATE controls_instance_cti SET cti_status = 30 WHERE cti_id = :'control';
SET LOCAL canon.status_reason = '';
SELECT level, label, status FROM canon.plan_progress(:'night') WHERE label IN ('Back up', 'Prepare');
SELECT count(*) AS ready FROM canon.plan_ready(:'night');
UPDATE controls_instance_cti SET usr_id_it_validator = 101, usr_id_biz_validator = 102 WHERE cti_id = :'control';
SELECT label, before, after FROM canon.plan_override_gate(:'control', 'File restored from the copy of Friday, ticket 4711');
SELECT level, label, status FROM canon.plan_progress(:'night') WHERE label IN ('Back up', 'Prepare');
SELECT label, team FROM canon.plan_ready(:'night');

\echo '== Loading; one conversion is blocked, and what waits for it is at risk'
SELECT pg_temp.do_step(pg_temp.step(:'night', 'TRT-1'), 95, '2026-03-14 22:25') \gset
UPDATE steps_instance_sti SET sti_status = 23, sti_start_time = '2026-03-14 22:25' WHERE sti_id = pg_temp.step(:'night', 'AUT-3');
SET LOCAL canon.status_reason = 'Licence expired';
UPDATE steps_instance_sti SET sti_status = 26 WHERE sti_id = pg_temp.step(:'night', 'AUT-3');
SET LOCAL canon.status_reason = '';
SELECT label, cause_label, cause_status FROM canon.plan_at_risk(:'night');
SELECT label, tasks, done, running, held, cancelled, percent_by_count AS percent FROM canon.plan_progress(:'night') WHERE depth < 2;

\echo '== The rehearsal beside the night'
SELECT label, first_planned AS run1, first_actual AS took, first_bottleneck AS slow,
    second_planned AS night, second_actual AS took, second_bottleneck AS slow
FROM canon.plan_compare(:'run1', :'night') WHERE second_status IS NULL OR second_status NOT IN ('PENDING', 'BLOCKED');

\echo '== What was decided, and why'
SELECT level, action, reason FROM cutover_plan.plan_action WHERE instance = :'night' ORDER BY action_id;

\echo '== The picture of the night'
SELECT canon.plan_gantt(:'night', 'mermaid', '{"now": "2026-03-15 00:00"}');
\pset format unaligned
\pset tuples_only on
\o :svg
SELECT canon.plan_gantt(:'night', 'svg', '{"now": "2026-03-15 00:00"}');
\o
ROLLBACK;
\echo '== Open the picture with a browser'
