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

COMMENT ON FUNCTION cutover.staging_problems IS
    'Lists every reference in stg_steps that leads nowhere; no rows means that the references are sound.';

-- D0.14: the checks of the source, over the system catalogue and limited to this schema.
CREATE FUNCTION cutover.status_columns()
RETURNS TABLE (table_name text, column_name text, data_type text, nullable boolean)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull
    FROM pg_catalog.pg_attribute AS a
    JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = 'cutover'
        AND c.relkind IN ('r', 'p')
        AND a.attnum > 0
        AND NOT a.attisdropped
        AND right(a.attname::text, 7) = '_status'
    ORDER BY c.relname, a.attname
$$;

COMMENT ON FUNCTION cutover.status_columns IS
    'Lists the columns that hold a status; each should be an integer that must not be NULL.';

CREATE FUNCTION cutover.status_foreign_keys()
RETURNS TABLE (table_name text, constraint_name text, columns text[], target_columns text[])
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        c.relname::text,
        k.conname::text,
        (
            SELECT array_agg(a.attname::text ORDER BY u.place)
            FROM unnest(k.conkey) WITH ORDINALITY AS u (attnum, place)
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.attnum
        ),
        (
            SELECT array_agg(a.attname::text ORDER BY u.place)
            FROM unnest(k.confkey) WITH ORDINALITY AS u (attnum, place)
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.attnum
        )
    FROM pg_catalog.pg_constraint AS k
    JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_class AS t ON t.oid = k.confrelid
    WHERE k.contype = 'f'
        AND n.nspname = 'cutover'
        AND t.relnamespace = n.oid
        AND t.relname = 'status_sts'
    ORDER BY c.relname, k.conname
$$;

COMMENT ON FUNCTION cutover.status_foreign_keys IS
    'Lists the foreign keys that point at status_sts, with their columns in order.';

CREATE FUNCTION cutover.table_count()
RETURNS bigint
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT count(*)
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = 'cutover' AND c.relkind IN ('r', 'p')
$$;

COMMENT ON FUNCTION cutover.table_count IS
    'Counts the tables of this schema and of no other; 42 as delivered.';
