-- Guards of the status machines in status.toml: each takes the row as it would be and returns NULL, or why the change
-- has to wait. Plain SQL functions that work without the extension.

CREATE FUNCTION agentops.features_completed(requirement agentops.requirements)
RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT count(*) || ' of its features are not completed'
    FROM agentops.features AS f
    WHERE f.requirement_id = requirement.id AND f.implementation_status IS DISTINCT FROM 'completed'
    HAVING count(*) > 0
$$;

COMMENT ON FUNCTION agentops.features_completed(agentops.requirements) IS
    'Why the requirement cannot complete, or NULL.';

CREATE FUNCTION agentops.verifier_is_another(defect agentops.defects)
RETURNS text
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'who resolved a defect cannot verify it' WHERE defect.verified_by = defect.assigned_to
$$;

COMMENT ON FUNCTION agentops.verifier_is_another(agentops.defects) IS
    'Why the defect cannot be verified, or NULL. The assignee counts as the resolver.';

CREATE FUNCTION agentops.deployment_may_start(deployment agentops.deployments)
RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN NOT EXISTS (
            SELECT 1 FROM agentops.builds AS b WHERE b.id = deployment.build_id AND b.status = 'success'
        ) THEN 'its build has not succeeded'
        WHEN deployment.environment <> 'production' THEN NULL
        WHEN deployment.approved_by IS NULL THEN 'a deployment to production needs approved_by'
        WHEN deployment.approved_by = deployment.deployed_by THEN 'who deploys to production cannot approve it'
    END
$$;

COMMENT ON FUNCTION agentops.deployment_may_start(agentops.deployments) IS
    'Why the deployment cannot start, or NULL.';
