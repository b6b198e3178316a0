-- Business rules as guards of the status machines in status.toml: each takes the row as it would be and returns NULL,
-- or why the change has to wait. Plain SQL functions that work without the extension.

CREATE FUNCTION cutover.br101_has_iteration(migration cutover.migrations_mig)
RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'BR101: a migration needs an iteration before it starts'
    WHERE NOT EXISTS (SELECT 1 FROM cutover.iterations_ite AS i WHERE i.mig_id = migration.mig_id)
$$;

COMMENT ON FUNCTION cutover.br101_has_iteration(cutover.migrations_mig) IS
    'BR101: why the migration cannot start, or NULL.';

CREATE FUNCTION cutover.iterations_resolved(migration cutover.migrations_mig)
RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT count(*) || ' of its iterations are neither completed nor cancelled'
    FROM cutover.iterations_ite AS i
    WHERE i.mig_id = migration.mig_id AND i.ite_status NOT IN (11, 12)
    HAVING count(*) > 0
$$;

COMMENT ON FUNCTION cutover.iterations_resolved(cutover.migrations_mig) IS
    'Why the migration cannot complete, or NULL.';

CREATE FUNCTION cutover.br102_has_plan(iteration cutover.iterations_ite)
RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'BR102: an iteration needs a plan instance before it starts'
    WHERE NOT EXISTS (SELECT 1 FROM cutover.plans_instance_pli AS p WHERE p.ite_id = iteration.ite_id)
$$;

COMMENT ON FUNCTION cutover.br102_has_plan(cutover.iterations_ite) IS
    'BR102: why the iteration cannot start, or NULL.';

CREATE FUNCTION cutover.plans_resolved(iteration cutover.iterations_ite)
RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT count(*) || ' of its plans are neither completed nor cancelled'
    FROM cutover.plans_instance_pli AS p
    WHERE p.ite_id = iteration.ite_id AND p.pli_status NOT IN (7, 8)
    HAVING count(*) > 0
$$;

COMMENT ON FUNCTION cutover.plans_resolved(cutover.iterations_ite) IS
    'Why the iteration cannot complete, or NULL.';

CREATE FUNCTION cutover.sequences_resolved(plan cutover.plans_instance_pli)
RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT count(*) || ' of its sequences are neither completed nor cancelled'
    FROM cutover.sequences_instance_sqi AS s
    WHERE s.pli_id = plan.pli_id AND s.sqi_status NOT IN (15, 16)
    HAVING count(*) > 0
$$;

COMMENT ON FUNCTION cutover.sequences_resolved(cutover.plans_instance_pli) IS
    'Why the plan cannot complete, or NULL.';

CREATE FUNCTION cutover.br104_in_order(sequence cutover.sequences_instance_sqi)
RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'BR104: ' || count(*) || ' earlier sequences are neither completed nor cancelled'
    FROM cutover.sequences_instance_sqi AS s
    WHERE s.pli_id = sequence.pli_id
        AND (s.sqi_order < sequence.sqi_order OR s.sqi_id = sequence.predecessor_sqi_id)
        AND s.sqi_status NOT IN (15, 16)
    HAVING count(*) > 0
$$;

COMMENT ON FUNCTION cutover.br104_in_order(cutover.sequences_instance_sqi) IS
    'BR104: why the sequence cannot start, or NULL. Sequences of a plan run in their order.';

CREATE FUNCTION cutover.phases_resolved(sequence cutover.sequences_instance_sqi)
RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT count(*) || ' of its phases are neither completed nor cancelled'
    FROM cutover.phases_instance_phi AS p
    WHERE p.sqi_id = sequence.sqi_id AND p.phi_status NOT IN (19, 20)
    HAVING count(*) > 0
$$;

COMMENT ON FUNCTION cutover.phases_resolved(cutover.sequences_instance_sqi) IS
    'Why the sequence cannot complete, or NULL.';

CREATE FUNCTION cutover.br106_phase_may_start(phase cutover.phases_instance_phi)
RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN before.phi_status NOT IN (19, 20) THEN 'the phase before it is neither completed nor cancelled'
        WHEN EXISTS (
            SELECT 1 FROM cutover.controls_instance_cti AS c WHERE c.phi_id = before.phi_id AND c.cti_status = 30
        ) THEN 'BR001, BR106: a control of the phase before it has failed'
    END
    FROM cutover.phases_instance_phi AS before
    WHERE before.phi_id = phase.predecessor_phi_id
$$;

COMMENT ON FUNCTION cutover.br106_phase_may_start(cutover.phases_instance_phi) IS
    'BR001, BR106: why the phase cannot start, or NULL.';

CREATE FUNCTION cutover.br105_steps_resolved(phase cutover.phases_instance_phi)
RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'BR105: ' || count(*) || ' of its steps are neither completed nor cancelled'
    FROM cutover.steps_instance_sti AS s
    WHERE s.phi_id = phase.phi_id AND s.sti_status NOT IN (24, 27)
    HAVING count(*) > 0
$$;

COMMENT ON FUNCTION cutover.br105_steps_resolved(cutover.phases_instance_phi) IS
    'BR105: why the phase cannot complete, or NULL.';

CREATE FUNCTION cutover.br106_controls_passed(phase cutover.phases_instance_phi)
RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'BR001, BR106: ' || count(*) || ' of its controls are neither passed nor cancelled'
    FROM cutover.controls_instance_cti AS c
    WHERE c.phi_id = phase.phi_id AND c.cti_status NOT IN (29, 31)
    HAVING count(*) > 0
$$;

COMMENT ON FUNCTION cutover.br106_controls_passed(cutover.phases_instance_phi) IS
    'BR001, BR106: why the phase cannot complete, or NULL.';

CREATE FUNCTION cutover.br106_step_is_ready(step cutover.steps_instance_sti)
RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN EXISTS (
            SELECT 1 FROM cutover.steps_instance_sti AS s
            WHERE s.sti_id = step.sti_id_predecessor AND s.sti_status NOT IN (24, 27)
        ) THEN 'the step before it is neither completed nor cancelled'
        WHEN EXISTS (
            SELECT 1
            FROM cutover.phases_instance_phi AS p
            JOIN cutover.phases_instance_phi AS before ON before.phi_id = p.predecessor_phi_id
            WHERE p.phi_id = step.phi_id AND before.phi_status NOT IN (19, 20)
        ) THEN 'the phase before its phase is neither completed nor cancelled'
        WHEN EXISTS (
            SELECT 1
            FROM cutover.phases_instance_phi AS p
            JOIN cutover.sequences_instance_sqi AS own ON own.sqi_id = p.sqi_id
            JOIN cutover.sequences_instance_sqi AS before ON before.pli_id = own.pli_id
            WHERE p.phi_id = step.phi_id
                AND (before.sqi_order < own.sqi_order OR before.sqi_id = own.predecessor_sqi_id)
                AND before.sqi_status NOT IN (15, 16)
        ) THEN 'BR104: a sequence before its sequence is neither completed nor cancelled'
        WHEN EXISTS (
            SELECT 1
            FROM cutover.phases_instance_phi AS p
            JOIN cutover.controls_instance_cti AS c ON c.phi_id = p.predecessor_phi_id
            WHERE p.phi_id = step.phi_id AND c.cti_status = 30
        ) THEN 'BR001, BR106: a control of the phase before its phase has failed'
    END
$$;

COMMENT ON FUNCTION cutover.br106_step_is_ready(cutover.steps_instance_sti) IS
    'BR001, BR104, BR106: why the step cannot begin, or NULL.';

CREATE FUNCTION cutover.step_has_team(step cutover.steps_instance_sti)
RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'no team owns the step'
    FROM cutover.steps_master_stm AS m
    WHERE m.stm_id = step.stm_id AND m.tms_id_owner IS NULL
$$;

COMMENT ON FUNCTION cutover.step_has_team(cutover.steps_instance_sti) IS
    'Why the step cannot start, or NULL. The team is that of the master step.';

CREATE FUNCTION cutover.br107_instructions_completed(step cutover.steps_instance_sti)
RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'BR005, BR107: ' || count(*) || ' of its instructions are open'
    FROM cutover.instructions_instance_ini AS i
    WHERE i.sti_id = step.sti_id AND i.ini_is_completed IS NOT TRUE
    HAVING count(*) > 0
$$;

COMMENT ON FUNCTION cutover.br107_instructions_completed(cutover.steps_instance_sti) IS
    'BR005, BR107: why the step cannot complete, or NULL. The source marks no instruction as optional.';

CREATE FUNCTION cutover.critical_control_has_validators(control cutover.controls_instance_cti)
RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'a critical control needs both an IT and a business validator'
    WHERE control.cti_is_critical
        AND (control.usr_id_it_validator IS NULL OR control.usr_id_biz_validator IS NULL)
$$;

COMMENT ON FUNCTION cutover.critical_control_has_validators(cutover.controls_instance_cti) IS
    'Why the control cannot pass, or NULL.';

-- BR002, BR010: who acts is the user of the application whose code the setting canon.actor holds. Where it holds none of
-- this table, the privileges of the database alone decide.
CREATE FUNCTION cutover.br002_is_pilot(step cutover.steps_instance_sti)
RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'BR002: only a PILOT or an ADMIN changes the status of a step, and ' || u.usr_code || ' is neither'
    FROM cutover.users_usr AS u
    LEFT JOIN cutover.roles_rls AS r ON r.rls_id = u.rls_id
    WHERE u.usr_code = current_setting('canon.actor', true) AND coalesce(r.rls_code NOT IN ('ADMIN', 'PILOT'), true)
$$;

COMMENT ON FUNCTION cutover.br002_is_pilot(cutover.steps_instance_sti) IS
    'BR002: why the acting user may not change the status of the step, or NULL.';

CREATE FUNCTION cutover.br010_may_evaluate(control cutover.controls_instance_cti)
RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'BR010: only a validator of the control or an ADMIN evaluates it, and ' || u.usr_code || ' is neither'
    FROM cutover.users_usr AS u
    LEFT JOIN cutover.roles_rls AS r ON r.rls_id = u.rls_id
    WHERE u.usr_code = current_setting('canon.actor', true)
        AND coalesce(r.rls_code <> 'ADMIN', true)
        AND u.usr_id IS DISTINCT FROM control.usr_id_it_validator
        AND u.usr_id IS DISTINCT FROM control.usr_id_biz_validator
$$;

COMMENT ON FUNCTION cutover.br010_may_evaluate(cutover.controls_instance_cti) IS
    'BR010: why the acting user may not evaluate the control, or NULL.';

-- BR108 is derived, not guarded: there is no column in which an instruction could say otherwise.
CREATE FUNCTION cutover.br108_environment_role(instruction cutover.instructions_instance_ini)
RETURNS integer
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.enr_id FROM cutover.steps_instance_sti AS s WHERE s.sti_id = instruction.sti_id
$$;

COMMENT ON FUNCTION cutover.br108_environment_role(cutover.instructions_instance_ini) IS
    'BR108: the environment role of an instruction, which is that of its step.';
