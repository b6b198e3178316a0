-- Indexes that no constraint makes. An index without a mark is one of the source document.
-- D1.5 marks an index for a foreign key that the source leaves without one.
-- D1.4: idx_organizations_slug, idx_users_email, idx_access_control_user_id, idx_projects_organization_id and
-- idx_builds_project_id are left out: a unique constraint already begins with their column.
-- An index of the source that a wider one replaces is named at the wider one.

-- organizations
CREATE INDEX idx_organizations_status ON agentops.organizations (status);
CREATE INDEX idx_organizations_created_at ON agentops.organizations (created_at DESC);
-- D1.5
CREATE INDEX idx_organizations_created_by ON agentops.organizations (created_by);

-- users
CREATE INDEX idx_users_organization_id ON agentops.users (organization_id);
CREATE INDEX idx_users_status ON agentops.users (status);
CREATE INDEX idx_users_created_at ON agentops.users (created_at DESC);
-- D1.6: the accounts that count against the seats of an organisation
CREATE INDEX idx_users_organization_id_active ON agentops.users (organization_id)
    WHERE status = 'active' AND deleted_at IS NULL;

-- access_control
CREATE INDEX idx_access_control_resource ON agentops.access_control (resource_type, resource_id);
CREATE INDEX idx_access_control_permission ON agentops.access_control (permission);
-- D1.5
CREATE INDEX idx_access_control_granted_by ON agentops.access_control (granted_by);

-- projects
CREATE INDEX idx_projects_owner_id ON agentops.projects (owner_id);
CREATE INDEX idx_projects_status ON agentops.projects (status);
CREATE INDEX idx_projects_created_at ON agentops.projects (created_at DESC);
-- D1.6: the running projects of an organisation, newest first
CREATE INDEX idx_projects_organization_id_active ON agentops.projects (organization_id, created_at DESC)
    WHERE status = 'active' AND deleted_at IS NULL;

-- requirements
-- idx_requirements_project_id is left out: uq_requirements_project_id_id begins with its column
CREATE INDEX idx_requirements_status ON agentops.requirements (status);
CREATE INDEX idx_requirements_priority ON agentops.requirements (priority);
CREATE INDEX idx_requirements_assigned_to ON agentops.requirements (assigned_to);
CREATE INDEX idx_requirements_target_date ON agentops.requirements (target_date);
-- D1.5
CREATE INDEX idx_requirements_created_by ON agentops.requirements (created_by);
-- D1.6: full text; a query has to repeat the indexed expression
CREATE INDEX idx_requirements_description_fts ON agentops.requirements
    USING gin (pg_catalog.to_tsvector('pg_catalog.english'::regconfig, coalesce(description, '')));

-- features
CREATE INDEX idx_features_developer_id ON agentops.features (developer_id);
CREATE INDEX idx_features_status ON agentops.features (implementation_status);
CREATE INDEX idx_features_created_at ON agentops.features (created_at DESC);
-- D1.6: replaces idx_features_project_id
CREATE INDEX idx_features_project_id_implementation_status
    ON agentops.features (project_id, implementation_status);
-- D1.15: serves the composite key and replaces idx_features_requirement_id
CREATE INDEX idx_features_requirement_id_project_id ON agentops.features (requirement_id, project_id);
-- D1.6: full text; a query has to repeat the indexed expression
CREATE INDEX idx_features_name_description_fts ON agentops.features
    USING gin (pg_catalog.to_tsvector('pg_catalog.english'::regconfig, name || ' ' || coalesce(description, '')));

-- test_cases
CREATE INDEX idx_test_cases_project_id ON agentops.test_cases (project_id);
CREATE INDEX idx_test_cases_type ON agentops.test_cases (test_type);
CREATE INDEX idx_test_cases_status ON agentops.test_cases (status);
-- D1.5
CREATE INDEX idx_test_cases_created_by ON agentops.test_cases (created_by);
-- D1.15: serves the composite key and replaces idx_test_cases_feature_id
CREATE INDEX idx_test_cases_feature_id_project_id ON agentops.test_cases (feature_id, project_id);

-- test_results
CREATE INDEX idx_test_results_status ON agentops.test_results (status);
CREATE INDEX idx_test_results_build_id ON agentops.test_results (build_id);
-- D1.3: without the predicate of the source, whose CURRENT_TIMESTAMP is not immutable; being a plain index now,
-- it also replaces idx_test_results_executed_at
CREATE INDEX idx_test_results_coverage ON agentops.test_results (executed_at DESC, status)
    INCLUDE (code_coverage_percent, duration_ms);
-- D1.5
CREATE INDEX idx_test_results_executed_by ON agentops.test_results (executed_by);
-- D1.6: replaces idx_test_results_feature_id
CREATE INDEX idx_test_results_feature_id_status_created_at
    ON agentops.test_results (feature_id, status, created_at);
-- D1.15: serves the composite key and replaces idx_test_results_test_case_id
CREATE INDEX idx_test_results_test_case_id_feature_id ON agentops.test_results (test_case_id, feature_id);

-- defects
CREATE INDEX idx_defects_project_id ON agentops.defects (project_id);
CREATE INDEX idx_defects_status ON agentops.defects (status);
CREATE INDEX idx_defects_severity ON agentops.defects (severity);
CREATE INDEX idx_defects_assigned_to ON agentops.defects (assigned_to);
CREATE INDEX idx_defects_created_at ON agentops.defects (created_at DESC);
-- D1.5
CREATE INDEX idx_defects_feature_id ON agentops.defects (feature_id);
-- D1.5
CREATE INDEX idx_defects_test_result_id ON agentops.defects (test_result_id);
-- D1.5
CREATE INDEX idx_defects_reported_by ON agentops.defects (reported_by);
-- D1.5
CREATE INDEX idx_defects_verified_by ON agentops.defects (verified_by);
-- D1.6: full text; a query has to repeat the indexed expression
CREATE INDEX idx_defects_title_description_fts ON agentops.defects
    USING gin (pg_catalog.to_tsvector('pg_catalog.english'::regconfig, title || ' ' || description));

-- builds
CREATE INDEX idx_builds_status ON agentops.builds (status);
CREATE INDEX idx_builds_git_commit ON agentops.builds (git_commit_hash);
CREATE INDEX idx_builds_created_at ON agentops.builds (created_at DESC);
CREATE INDEX idx_builds_version ON agentops.builds (version_tag);
-- D1.5
CREATE INDEX idx_builds_feature_id ON agentops.builds (feature_id);
-- D1.5
CREATE INDEX idx_builds_triggered_by ON agentops.builds (triggered_by);

-- deployments
CREATE INDEX idx_deployments_build_id ON agentops.deployments (build_id);
CREATE INDEX idx_deployments_project_id ON agentops.deployments (project_id);
CREATE INDEX idx_deployments_environment ON agentops.deployments (environment);
CREATE INDEX idx_deployments_status ON agentops.deployments (status);
CREATE INDEX idx_deployments_created_at ON agentops.deployments (created_at DESC);
-- D1.5
CREATE INDEX idx_deployments_deployed_by ON agentops.deployments (deployed_by);
-- D1.5
CREATE INDEX idx_deployments_approved_by ON agentops.deployments (approved_by);
-- D1.5
CREATE INDEX idx_deployments_rolled_back_to_build_id ON agentops.deployments (rolled_back_to_build_id);

-- audit_logs
CREATE INDEX idx_audit_logs_user_id ON agentops.audit_logs (user_id);
CREATE INDEX idx_audit_logs_resource ON agentops.audit_logs (resource_type, resource_id);
CREATE INDEX idx_audit_logs_action ON agentops.audit_logs (action);
CREATE INDEX idx_audit_logs_created_at ON agentops.audit_logs (created_at DESC);
-- D1.6: replaces idx_audit_logs_organization_id
CREATE INDEX idx_audit_logs_organization_id_created_at ON agentops.audit_logs (organization_id, created_at);

-- security_events
CREATE INDEX idx_security_events_organization_id ON agentops.security_events (organization_id);
CREATE INDEX idx_security_events_severity ON agentops.security_events (severity);
CREATE INDEX idx_security_events_resolved ON agentops.security_events (resolved);
CREATE INDEX idx_security_events_created_at ON agentops.security_events (created_at DESC);
-- D1.5
CREATE INDEX idx_security_events_user_id ON agentops.security_events (user_id);
-- D1.5
CREATE INDEX idx_security_events_resolved_by ON agentops.security_events (resolved_by);

-- vulnerabilities
CREATE INDEX idx_vulnerabilities_project_id ON agentops.vulnerabilities (project_id);
CREATE INDEX idx_vulnerabilities_severity ON agentops.vulnerabilities (severity);
CREATE INDEX idx_vulnerabilities_status ON agentops.vulnerabilities (status);
CREATE INDEX idx_vulnerabilities_cve_id ON agentops.vulnerabilities (cve_id);
-- D1.5
CREATE INDEX idx_vulnerabilities_assigned_to ON agentops.vulnerabilities (assigned_to);
