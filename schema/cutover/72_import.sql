-- From the staging tables into a master plan: everything is checked first, then all of it happens or nothing.

CREATE FUNCTION cutover.text_list(list text)
RETURNS text[]
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE(array_agg(DISTINCT trim(part) ORDER BY trim(part)), '{}')
    FROM unnest(string_to_array(list, ',')) AS part
    WHERE trim(part) <> ''
$$;

COMMENT ON FUNCTION cutover.text_list(text) IS
    'Splits a comma-separated list of a staging table: trimmed, without blanks and repetitions; none for NULL.';

-- One row a staged step with what its columns mean; the views of a batch that the functions below share.
CREATE FUNCTION cutover.staged_steps(batch uuid)
RETURNS TABLE (
    step_id text, stt_code text, stm_number integer, phm_id uuid, plm_id uuid, predecessor text, row_data cutover.stg_steps
)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        s.step_id,
        COALESCE(NULLIF(trim(s.step_type), ''), substring(s.step_id FROM '^([A-Z]{3})-[0-9]+$')),
        COALESCE(s.order_number, substring(s.step_id FROM '^[A-Z]{3}-([0-9]{1,9})$')::integer),
        p.phm_id,
        q.plm_id,
        NULLIF(trim(s.predecessor_step_id), ''),
        s
    FROM cutover.stg_steps AS s
    LEFT JOIN cutover.phases_master_phm AS p ON p.phm_id::text = lower(trim(s.phase_id))
    LEFT JOIN cutover.sequences_master_sqm AS q ON q.sqm_id = p.sqm_id
    WHERE s.import_batch_id IS NOT DISTINCT FROM batch
$$;

COMMENT ON FUNCTION cutover.staged_steps(uuid) IS
    'Staged steps of a batch with the type, number, phase and plan that their columns name; NULL is the batch without an id.';

CREATE FUNCTION cutover.import_problems(batch uuid)
RETURNS TABLE (severity text, source text, row_key text, column_name text, value text, problem text)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE staged AS (
        SELECT * FROM cutover.staged_steps(batch)
    ),
    instructions AS (
        SELECT i.* FROM cutover.stg_step_instructions AS i JOIN staged AS s ON s.step_id = i.step_id
    ),
    -- Steps that can be reached from one that waits for none of the batch; the others wait for a circle.
    reached AS (
        SELECT s.step_id FROM staged AS s LEFT JOIN staged AS o ON o.step_id = s.predecessor WHERE o.step_id IS NULL
        UNION ALL
        SELECT s.step_id FROM reached AS r JOIN staged AS s ON s.predecessor = r.step_id
    ),
    known_before AS (
        SELECT s.step_id AS origin
        FROM staged AS s
        JOIN cutover.sequences_master_sqm AS q ON q.plm_id = s.plm_id
        JOIN cutover.phases_master_phm AS p ON p.sqm_id = q.sqm_id
        JOIN cutover.steps_master_stm AS m ON m.phm_id = p.phm_id
            AND m.stt_code || '-' || m.stm_number = s.predecessor
    ),
    found AS (
        SELECT 'error' AS severity, 'stg_steps' AS source, s.step_id AS row_key, 'step_type' AS column_name,
            (s.row_data).step_type::text AS value, 'no step type: give one, or write step_id as TYPE-NUMBER' AS problem
        FROM staged AS s WHERE s.stt_code IS NULL
        UNION ALL
        SELECT 'error', 'stg_steps', s.step_id, 'step_type', s.stt_code, 'no step type has this code'
        FROM staged AS s
        WHERE s.stt_code IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM cutover.step_types_stt AS t WHERE t.stt_code = s.stt_code)
        UNION ALL
        SELECT 'error', 'stg_steps', s.step_id, 'order_number', NULL, 'no number: give one, or write step_id as TYPE-NUMBER'
        FROM staged AS s WHERE s.stm_number IS NULL
        UNION ALL
        SELECT 'error', 'stg_steps', s.step_id, 'phase_id', (s.row_data).phase_id,
            CASE WHEN (s.row_data).phase_id IS NULL THEN 'a step needs a phase' ELSE 'no master phase has this id' END
        FROM staged AS s WHERE s.phm_id IS NULL
        UNION ALL
        SELECT 'error', 'stg_steps', s.step_id, 'order_number', s.stt_code || '-' || s.stm_number,
            'another step of this batch has the same phase, type and number'
        FROM staged AS s
        WHERE EXISTS (
            SELECT 1 FROM staged AS o
            WHERE o.step_id <> s.step_id AND o.phm_id = s.phm_id AND o.stt_code = s.stt_code
                AND o.stm_number = s.stm_number
        )
        UNION ALL
        SELECT 'error', 'stg_steps', s.step_id, 'description', NULL, 'a step needs a description'
        FROM staged AS s WHERE NULLIF(trim((s.row_data).description), '') IS NULL
        UNION ALL
        SELECT 'error', 'stg_steps', s.step_id, 'duration_minutes', (s.row_data).duration_minutes::text, 'a duration is 0 or more'
        FROM staged AS s WHERE (s.row_data).duration_minutes < 0
        UNION ALL
        SELECT 'error', 'stg_steps', s.step_id, 'owner_team_id', (s.row_data).owner_team_id::text, 'no team has this number'
        FROM staged AS s
        WHERE (s.row_data).owner_team_id IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM cutover.teams_tms AS t WHERE t.tms_id = (s.row_data).owner_team_id)
        UNION ALL
        SELECT 'warning', 'stg_steps', s.step_id, 'owner_team_id', NULL, 'no team is told to do this step'
        FROM staged AS s WHERE (s.row_data).owner_team_id IS NULL
        UNION ALL
        SELECT 'error', 'stg_steps', s.step_id, 'environment_id', (s.row_data).environment_id::text,
            'no environment has this number'
        FROM staged AS s
        WHERE (s.row_data).environment_id IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM cutover.environments_env AS e WHERE e.env_id = (s.row_data).environment_id)
        UNION ALL
        SELECT 'error', 'stg_steps', s.step_id, 'environments', part, 'no environment role has this name'
        FROM staged AS s, unnest(cutover.text_list((s.row_data).environments)) AS part
        WHERE NOT EXISTS (SELECT 1 FROM cutover.environment_roles_enr AS r WHERE r.enr_name = part)
        UNION ALL
        SELECT 'error', 'stg_steps', s.step_id, 'environments', (s.row_data).environments, 'a step has one environment role'
        FROM staged AS s WHERE cardinality(cutover.text_list((s.row_data).environments)) > 1
        UNION ALL
        SELECT 'error', 'stg_steps', s.step_id, 'app_id', (s.row_data).app_id::text, 'no application has this number'
        FROM staged AS s
        WHERE (s.row_data).app_id IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM cutover.applications_app AS a WHERE a.app_id = (s.row_data).app_id)
        UNION ALL
        SELECT 'error', 'stg_steps', s.step_id, 'applications', part, 'no application has this code'
        FROM staged AS s, unnest(cutover.text_list((s.row_data).applications)) AS part
        WHERE NOT EXISTS (SELECT 1 FROM cutover.applications_app AS a WHERE a.app_code = part)
        UNION ALL
        SELECT 'error', 'stg_steps', s.step_id, 'teams_impacted', part,
            CASE WHEN n.teams = 0 THEN 'no team has this name' ELSE 'several teams have this name' END
        FROM staged AS s, unnest(cutover.text_list((s.row_data).teams_impacted)) AS part,
            LATERAL (SELECT count(*) AS teams FROM cutover.teams_tms AS t WHERE upper(t.tms_name) = upper(part)) AS n
        WHERE n.teams <> 1
        UNION ALL
        SELECT 'error', 'stg_steps', s.step_id, 'iteration_types', part, 'no iteration type has this code'
        FROM staged AS s, unnest(cutover.text_list((s.row_data).iteration_types)) AS part
        WHERE NOT EXISTS (SELECT 1 FROM cutover.iteration_types_itt AS t WHERE t.itt_code = part)
        UNION ALL
        SELECT 'error', 'stg_steps', s.step_id, 'labels', part,
            CASE WHEN n.labels = 0 THEN 'no migration of this plan has this label'
                ELSE 'several migrations of this plan have this label' END
        FROM staged AS s, unnest(cutover.text_list((s.row_data).labels)) AS part,
            LATERAL (
                SELECT count(*) AS labels FROM cutover.labels_lbl AS l
                WHERE l.lbl_name = part
                    AND l.mig_id IN (SELECT i.mig_id FROM cutover.iterations_ite AS i WHERE i.plm_id = s.plm_id)
            ) AS n
        WHERE n.labels <> 1 AND s.plm_id IS NOT NULL
        UNION ALL
        SELECT 'error', 'stg_steps', s.step_id, 'predecessor_step_id', s.predecessor,
            'neither this batch nor the plan has a step of this name'
        FROM staged AS s
        WHERE s.predecessor IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM staged AS o WHERE o.step_id = s.predecessor)
            AND NOT EXISTS (SELECT 1 FROM known_before AS k WHERE k.origin = s.step_id)
        UNION ALL
        SELECT 'error', 'stg_steps', s.step_id, 'predecessor_step_id', s.predecessor, 'the step waits for itself, or for one that does'
        FROM staged AS s WHERE NOT EXISTS (SELECT 1 FROM reached AS r WHERE r.step_id = s.step_id)
        UNION ALL
        SELECT 'warning', 'stg_steps', s.step_id, NULL, NULL, 'the step has no instructions'
        FROM staged AS s WHERE NOT EXISTS (SELECT 1 FROM instructions AS i WHERE i.step_id = s.step_id)
        UNION ALL
        SELECT 'error', 'stg_step_instructions', i.step_id || '/' || i.instruction_id, 'instruction_text', NULL,
            'an instruction needs a text'
        FROM instructions AS i WHERE NULLIF(trim(i.instruction_text), '') IS NULL
        UNION ALL
        SELECT 'error', 'stg_step_instructions', i.step_id || '/' || i.instruction_id, 'duration_minutes',
            i.duration_minutes::text, 'a duration is 0 or more'
        FROM instructions AS i WHERE i.duration_minutes < 0
        UNION ALL
        SELECT 'error', 'stg_step_instructions', i.step_id || '/' || i.instruction_id, 'order_number', i.order_number::text,
            'another instruction of this step has the same number'
        FROM instructions AS i
        WHERE EXISTS (
            SELECT 1 FROM instructions AS o
            WHERE o.step_id = i.step_id AND o.instruction_id <> i.instruction_id AND o.order_number = i.order_number
        )
        UNION ALL
        SELECT 'error', 'stg_step_instructions', i.step_id || '/' || i.instruction_id, 'control_code', i.control_code,
            'no control of the phase has this code'
        FROM instructions AS i JOIN staged AS s ON s.step_id = i.step_id
        WHERE NULLIF(trim(i.control_code), '') IS NOT NULL AND s.phm_id IS NOT NULL
            AND NOT EXISTS (
                SELECT 1 FROM cutover.controls_master_ctm AS c
                WHERE c.phm_id = s.phm_id AND c.ctm_code = trim(i.control_code)
            )
    )
    SELECT f.severity, f.source, f.row_key, f.column_name, f.value, f.problem
    FROM found AS f
    ORDER BY f.severity COLLATE "C", f.row_key COLLATE "C", f.column_name COLLATE "C", f.value COLLATE "C"
$$;

COMMENT ON FUNCTION cutover.import_problems(uuid) IS
    'Everything that is wrong with a batch in the staging tables, row by row with the reason; errors keep rows from being imported.';

CREATE FUNCTION cutover.import_steps(batch uuid, partial boolean DEFAULT false)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    bad text[];
    grown text[];
    problems text;
    counted bigint;
    report jsonb := '{}';
BEGIN
    IF NOT EXISTS (SELECT 1 FROM cutover.staged_steps(batch)) THEN
        RAISE EXCEPTION 'the staging tables hold no step of batch %', COALESCE(batch::text, 'NULL')
            USING ERRCODE = 'no_data_found', HINT = 'SELECT DISTINCT import_batch_id FROM cutover.stg_steps;';
    END IF;
    SELECT COALESCE(array_agg(DISTINCT split_part(p.row_key, '/', 1)), '{}'), count(*),
        string_agg(p.row_key || ' ' || COALESCE(p.column_name, '') || ': ' || p.problem, '; ' ORDER BY p.row_key COLLATE "C")
            FILTER (WHERE p.number <= 20)
    INTO bad, counted, problems
    FROM (
        SELECT f.*, row_number() OVER (ORDER BY f.row_key COLLATE "C") AS number
        FROM cutover.import_problems(batch) AS f WHERE f.severity = 'error'
    ) AS p;
    IF counted > 0 AND NOT partial THEN
        RAISE EXCEPTION 'batch % has % %; nothing was imported', COALESCE(batch::text, 'NULL'), counted,
            CASE WHEN counted = 1 THEN 'error' ELSE 'errors' END
            USING ERRCODE = 'check_violation', DETAIL = problems,
            HINT = format('SELECT * FROM canon.plan_import_problems(%L);', batch);
    END IF;
    -- What waits for a row that stays behind stays behind too.
    LOOP
        SELECT array_agg(s.step_id) INTO grown
        FROM cutover.staged_steps(batch) AS s
        WHERE s.predecessor = ANY (bad) AND s.step_id <> ALL (bad);
        EXIT WHEN grown IS NULL;
        bad := bad || grown;
    END LOOP;

    INSERT INTO cutover.steps_master_stm AS m (
        phm_id, stt_code, stm_number, stm_code, stm_name, stm_description, stm_duration_minutes, tms_id_owner,
        enr_id_target, enr_id, created_by, updated_by
    )
    SELECT s.phm_id, s.stt_code, s.stm_number, left(s.step_id, 50),
        left(split_part((s.row_data).description, E'\n', 1), 255), (s.row_data).description,
        (s.row_data).duration_minutes, (s.row_data).owner_team_id, r.enr_id, r.enr_id, SESSION_USER, SESSION_USER
    FROM cutover.staged_steps(batch) AS s
    LEFT JOIN cutover.environment_roles_enr AS r ON r.enr_name = ANY (cutover.text_list((s.row_data).environments))
    WHERE s.step_id <> ALL (bad)
    ON CONFLICT ON CONSTRAINT steps_master_stm_phm_id_stt_code_stm_number_key DO UPDATE SET
        stm_code = excluded.stm_code,
        stm_name = excluded.stm_name,
        stm_description = excluded.stm_description,
        stm_duration_minutes = excluded.stm_duration_minutes,
        tms_id_owner = excluded.tms_id_owner,
        enr_id_target = excluded.enr_id_target,
        enr_id = excluded.enr_id,
        updated_by = excluded.updated_by;
    GET DIAGNOSTICS counted = ROW_COUNT;
    report := report || jsonb_build_object('steps', counted);

    UPDATE cutover.steps_master_stm AS m
    SET stm_id_predecessor = b.stm_id
    FROM cutover.staged_steps(batch) AS s
    LEFT JOIN cutover.staged_steps(batch) AS o ON o.step_id = s.predecessor
    LEFT JOIN LATERAL (
        SELECT x.stm_id
        FROM cutover.steps_master_stm AS x
        JOIN cutover.phases_master_phm AS p ON p.phm_id = x.phm_id
        JOIN cutover.sequences_master_sqm AS q ON q.sqm_id = p.sqm_id
        WHERE q.plm_id = s.plm_id
            AND CASE WHEN o.step_id IS NOT NULL
                THEN x.phm_id = o.phm_id AND x.stt_code = o.stt_code AND x.stm_number = o.stm_number
                ELSE x.stt_code || '-' || x.stm_number = s.predecessor END
        ORDER BY x.phm_id = s.phm_id DESC, x.stm_id
        LIMIT 1
    ) AS b ON true
    WHERE s.step_id <> ALL (bad) AND m.phm_id = s.phm_id AND m.stt_code = s.stt_code AND m.stm_number = s.stm_number
        AND m.stm_id_predecessor IS DISTINCT FROM b.stm_id;
    GET DIAGNOSTICS counted = ROW_COUNT;
    report := report || jsonb_build_object('predecessors', counted);

    -- Instructions are matched by their number within the step: those that instances were made from keep their id.
    WITH wanted AS (
        SELECT m.stm_id, m.phm_id, i.instruction_text, i.duration_minutes, trim(i.control_code) AS control_code,
            COALESCE(i.order_number, row_number() OVER (
                PARTITION BY i.step_id ORDER BY i.order_number NULLS LAST, i.instruction_id COLLATE "C"
            )::integer) AS inm_order
        FROM cutover.stg_step_instructions AS i
        JOIN cutover.staged_steps(batch) AS s ON s.step_id = i.step_id
        JOIN cutover.steps_master_stm AS m
            ON m.phm_id = s.phm_id AND m.stt_code = s.stt_code AND m.stm_number = s.stm_number
        WHERE s.step_id <> ALL (bad)
    ),
    changed AS (
        UPDATE cutover.instructions_master_inm AS n
        SET inm_body = w.instruction_text, inm_duration_minutes = w.duration_minutes,
            ctm_id = (
                SELECT c.ctm_id FROM cutover.controls_master_ctm AS c
                WHERE c.phm_id = w.phm_id AND c.ctm_code = w.control_code
            ),
            updated_by = SESSION_USER
        FROM wanted AS w
        WHERE n.stm_id = w.stm_id AND n.inm_order = w.inm_order
        RETURNING n.stm_id, n.inm_order
    ),
    surplus AS (
        DELETE FROM cutover.instructions_master_inm AS n
        USING wanted AS any_wanted
        WHERE n.stm_id = any_wanted.stm_id
            AND NOT EXISTS (SELECT 1 FROM wanted AS w WHERE w.stm_id = n.stm_id AND w.inm_order = n.inm_order)
            AND NOT EXISTS (SELECT 1 FROM cutover.instructions_instance_ini AS x WHERE x.inm_id = n.inm_id)
        RETURNING n.inm_id
    ),
    added AS (
        INSERT INTO cutover.instructions_master_inm
            (stm_id, inm_order, inm_body, inm_duration_minutes, ctm_id, created_by, updated_by)
        SELECT w.stm_id, w.inm_order, w.instruction_text, w.duration_minutes, c.ctm_id, SESSION_USER, SESSION_USER
        FROM wanted AS w
        LEFT JOIN cutover.controls_master_ctm AS c ON c.phm_id = w.phm_id AND c.ctm_code = w.control_code
        WHERE NOT EXISTS (SELECT 1 FROM changed AS d WHERE d.stm_id = w.stm_id AND d.inm_order = w.inm_order)
        RETURNING inm_id
    )
    SELECT (SELECT count(*) FROM changed) + (SELECT count(*) FROM added) INTO counted;
    report := report || jsonb_build_object('instructions', counted);

    WITH steps AS (
        SELECT m.stm_id, s.row_data, s.plm_id
        FROM cutover.staged_steps(batch) AS s
        JOIN cutover.steps_master_stm AS m
            ON m.phm_id = s.phm_id AND m.stt_code = s.stt_code AND m.stm_number = s.stm_number
        WHERE s.step_id <> ALL (bad)
    ),
    old_teams AS (
        DELETE FROM cutover.steps_master_stm_x_teams_tms_impacted AS x USING steps AS s
        WHERE x.stm_id = s.stm_id AND NOT EXISTS (
            SELECT 1 FROM unnest(cutover.text_list((s.row_data).teams_impacted)) AS part
            JOIN cutover.teams_tms AS t ON upper(t.tms_name) = upper(part) WHERE t.tms_id = x.tms_id
        )
    ),
    new_teams AS (
        INSERT INTO cutover.steps_master_stm_x_teams_tms_impacted (stm_id, tms_id)
        SELECT s.stm_id, t.tms_id
        FROM steps AS s, unnest(cutover.text_list((s.row_data).teams_impacted)) AS part
        JOIN cutover.teams_tms AS t ON upper(t.tms_name) = upper(part)
        ON CONFLICT DO NOTHING
        RETURNING 1
    ),
    old_types AS (
        DELETE FROM cutover.steps_master_stm_x_iteration_types_itt AS x USING steps AS s
        WHERE x.stm_id = s.stm_id AND x.itt_code <> ALL (cutover.text_list((s.row_data).iteration_types))
    ),
    new_types AS (
        INSERT INTO cutover.steps_master_stm_x_iteration_types_itt (stm_id, itt_code)
        SELECT s.stm_id, part FROM steps AS s, unnest(cutover.text_list((s.row_data).iteration_types)) AS part
        ON CONFLICT DO NOTHING
        RETURNING 1
    ),
    new_labels AS (
        INSERT INTO cutover.labels_lbl_x_steps_master_stm (lbl_id, stm_id, created_by)
        SELECT l.lbl_id, s.stm_id, SESSION_USER
        FROM steps AS s, unnest(cutover.text_list((s.row_data).labels)) AS part
        JOIN cutover.labels_lbl AS l ON l.lbl_name = part
        WHERE l.mig_id IN (SELECT i.mig_id FROM cutover.iterations_ite AS i WHERE i.plm_id = s.plm_id)
        ON CONFLICT DO NOTHING
        RETURNING 1
    )
    SELECT report || jsonb_build_object(
        'impacted_teams', (SELECT count(*) FROM new_teams),
        'iteration_types', (SELECT count(*) FROM new_types),
        'labels', (SELECT count(*) FROM new_labels)
    ) INTO report;

    RETURN report || jsonb_build_object(
        'left_behind', to_jsonb(bad),
        'problems', (
            SELECT COALESCE(jsonb_agg(to_jsonb(p)), '[]') FROM cutover.import_problems(batch) AS p
        )
    );
END
$$;

COMMENT ON FUNCTION cutover.import_steps(uuid, boolean) IS
    'Imports a batch into the master plans: all of it or, with an error in it, nothing; partial leaves behind what is wrong and what waits for it.';
