-- Guards of the status machines in status.toml: each takes the row as it would be and returns NULL, or why the change
-- has to wait. Plain SQL functions that work without the extension.

CREATE FUNCTION saas.retry_is_left(step saas.workflow_execution_steps)
RETURNS text
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    -- The counter already includes the attempt that is about to begin.
    SELECT 'no retry is left'
    WHERE coalesce(step.retry_count, 0) > coalesce(
        CASE
            WHEN jsonb_typeof(step.step_config -> 'retry_config' -> 'max_retries') = 'number'
                THEN (step.step_config -> 'retry_config' ->> 'max_retries')::numeric
        END,
        3
    )
$$;

COMMENT ON FUNCTION saas.retry_is_left(saas.workflow_execution_steps) IS
    'Why the step cannot be tried again, or NULL. retry_config.max_retries of step_config, 3 where it says nothing.';

CREATE FUNCTION saas.agent_is_active(agent saas.automation_agents)
RETURNS text
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'the agent is not active' WHERE NOT agent.is_active
$$;

COMMENT ON FUNCTION saas.agent_is_active(saas.automation_agents) IS 'Why the agent cannot run, or NULL.';

CREATE FUNCTION saas.rollback_is_approved(execution saas.rollback_executions)
RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'the procedure requires approval: approved_by and approved_at'
    FROM saas.rollback_procedures AS p
    WHERE p.id = execution.procedure_id AND p.requires_approval
        AND (execution.approved_by IS NULL OR execution.approved_at IS NULL)
$$;

COMMENT ON FUNCTION saas.rollback_is_approved(saas.rollback_executions) IS
    'Why the rollback cannot start, or NULL.';
