-- Functions and the one trigger that work without the extension.

-- D1.2: both rows in one statement. The ids are drawn first, so each row can name the other, and the foreign keys
-- are satisfied whether they are checked at the end of the statement or of the transaction.
CREATE FUNCTION agentops.create_organization(
    organization_name text,
    organization_slug text,
    organization_type text,
    owner_email text,
    owner_password_hash text,
    owner_first_name text DEFAULT NULL,
    owner_last_name text DEFAULT NULL,
    organization_plan text DEFAULT 'free'
)
RETURNS TABLE (organization_id uuid, owner_id uuid)
LANGUAGE sql
VOLATILE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH ids AS MATERIALIZED (
        SELECT
            pg_catalog.gen_random_uuid() AS new_organization_id,
            pg_catalog.gen_random_uuid() AS new_owner_id
    ),
    new_organization AS (
        INSERT INTO agentops.organizations (id, name, slug, type, plan, created_by)
        SELECT
            ids.new_organization_id,
            create_organization.organization_name,
            create_organization.organization_slug,
            create_organization.organization_type,
            create_organization.organization_plan,
            ids.new_owner_id
        FROM ids
        RETURNING id
    ),
    new_owner AS (
        INSERT INTO agentops.users (id, email, first_name, last_name, organization_id, role, password_hash)
        SELECT
            ids.new_owner_id,
            create_organization.owner_email,
            create_organization.owner_first_name,
            create_organization.owner_last_name,
            ids.new_organization_id,
            'owner',
            create_organization.owner_password_hash
        FROM ids
        RETURNING id
    )
    SELECT new_organization.id, new_owner.id
    FROM new_organization
    CROSS JOIN new_owner
$$;

COMMENT ON FUNCTION agentops.create_organization IS
    'Inserts an organisation and its first user, who gets the role owner, and returns both keys.';

-- D1.11: only the kind "project" has a table to check against.
CREATE FUNCTION agentops.access_problems()
RETURNS SETOF agentops.access_control
LANGUAGE sql
STABLE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ac.*
    FROM agentops.access_control AS ac
    WHERE ac.resource_type = 'project'
        AND NOT EXISTS (SELECT 1 FROM agentops.projects AS p WHERE p.id = ac.resource_id)
$$;

COMMENT ON FUNCTION agentops.access_problems IS
    'Rights on projects that do not exist; an empty result means that all is well.';

-- D1.16: a function and not a table, so that the pack keeps the tables of the source.
CREATE FUNCTION agentops.masked_columns()
RETURNS TABLE (table_name text, column_name text, class text)
LANGUAGE sql
IMMUTABLE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    VALUES
        ('users', 'password_hash', 'PASSWORD'),
        ('users', 'mfa_secret', 'PASSWORD'),
        ('users', 'email', 'PII'),
        ('users', 'phone_number', 'PII'),
        ('organizations', 'billing_email', 'PII'),
        ('projects', 'budget_allocated_cents', 'FINANCIAL')
$$;

COMMENT ON FUNCTION agentops.masked_columns IS
    'Columns of this schema to be masked in logs and exports, with their class: PASSWORD, PII or FINANCIAL.';

-- D1.15: adds a batch of new results to the tally of their test cases, in one pass per statement.
-- Both statements go through EXECUTE so that they are planned for the size of each batch: with a plan kept from a
-- bulk load, every single result that followed in the session read all of test_cases (112 ms instead of 0.6 ms at
-- 300 000 rows).
CREATE FUNCTION agentops.tally_test_results()
RETURNS trigger
LANGUAGE plpgsql
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- One locking order for everybody: runs that report on the same test cases queue up. Without it eight of them
    -- in parallel deadlocked in nearly half of their transactions.
    EXECUTE '
        SELECT 1
        FROM agentops.test_cases AS tc
        WHERE tc.id IN (SELECT r.test_case_id FROM new_results AS r)
        ORDER BY tc.id
        FOR NO KEY UPDATE';

    -- An older result that is delivered late counts, but does not become the last run. Of several results with the
    -- same time the worst one is shown.
    EXECUTE '
        UPDATE agentops.test_cases AS tc
        SET run_count = coalesce(tc.run_count, 0) + batch.runs,
            pass_count = coalesce(tc.pass_count, 0) + batch.passes,
            fail_count = coalesce(tc.fail_count, 0) + batch.failures,
            last_run_at = greatest(tc.last_run_at, batch.last_at),
            last_run_status = CASE
                WHEN tc.last_run_at > batch.last_at THEN tc.last_run_status
                ELSE batch.last_status
            END
        FROM (
            SELECT
                r.test_case_id,
                count(*) AS runs,
                count(*) FILTER (WHERE r.status = ''passed'') AS passes,
                count(*) FILTER (WHERE r.status = ''failed'') AS failures,
                max(coalesce(r.executed_at, r.created_at, now())) AS last_at,
                (array_agg(r.status ORDER BY
                    coalesce(r.executed_at, r.created_at, now()) DESC,
                    array_position(ARRAY[''error'', ''failed'', ''passed'', ''skipped''], r.status)
                ))[1] AS last_status
            FROM new_results AS r
            GROUP BY r.test_case_id
        ) AS batch
        WHERE tc.id = batch.test_case_id';

    RETURN NULL;
END
$$;

COMMENT ON FUNCTION agentops.tally_test_results IS
    'Trigger function of test_results: keeps the run counters and the last run of test_cases.';

CREATE TRIGGER trg_test_results_tally
    AFTER INSERT ON agentops.test_results
    REFERENCING NEW TABLE AS new_results
    FOR EACH STATEMENT EXECUTE FUNCTION agentops.tally_test_results();
