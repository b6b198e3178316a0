-- Plain SQL functions that work without the extension.

-- D0.5: the staging tables have no foreign keys to the rest of the schema; this function finds what they would refuse.
CREATE FUNCTION cutover.staging_problems()
RETURNS TABLE (source text, row_key text, column_name text, value text, problem text)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT p.source, p.row_key, p.column_name, p.value, p.problem
    FROM (
        SELECT
            'stg_steps'::text AS source,
            s.step_id::text AS row_key,
            'owner_team_id'::text AS column_name,
            s.owner_team_id::text AS value,
            'no team has this number'::text AS problem
        FROM cutover.stg_steps AS s
        WHERE s.owner_team_id IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM cutover.teams_tms AS t WHERE t.tms_id = s.owner_team_id)
        UNION ALL
        SELECT 'stg_steps', s.step_id, 'environment_id', s.environment_id::text, 'no environment has this number'
        FROM cutover.stg_steps AS s
        WHERE s.environment_id IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM cutover.environments_env AS e WHERE e.env_id = s.environment_id)
        UNION ALL
        SELECT 'stg_steps', s.step_id, 'app_id', s.app_id::text, 'no application has this number'
        FROM cutover.stg_steps AS s
        WHERE s.app_id IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM cutover.applications_app AS a WHERE a.app_id = s.app_id)
        UNION ALL
        -- compared as text, so that a value that is no uuid at all is reported instead of raising an error
        SELECT
            'stg_steps',
            s.step_id,
            'phase_id',
            s.phase_id,
            CASE
                WHEN lower(s.phase_id) ~ '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$'
                    THEN 'no master phase has this uuid'
                ELSE 'not a uuid in hyphenated form'
            END
        FROM cutover.stg_steps AS s
        WHERE s.phase_id IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM cutover.phases_master_phm AS m WHERE m.phm_id::text = lower(s.phase_id))
    ) AS p
    ORDER BY p.row_key COLLATE pg_catalog."C", p.column_name COLLATE pg_catalog."C"
$$;

COMMENT ON FUNCTION cutover.staging_problems() IS
    'Lists every reference in stg_steps that leads nowhere; no rows means that the references are sound.';
