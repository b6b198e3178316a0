-- Foreign keys, added after all tables because organizations and users point at each other and test_results at builds.
--
-- D1.7: every key carries ON UPDATE CASCADE. A dependent row goes with its parent (CASCADE). A row that only names
-- an acting user or a build holds it back from deletion (NO ACTION).
--
-- D1.2, D1.7: every NO ACTION key is DEFERRABLE INITIALLY DEFERRED. A cascade works level by level: when an
-- organisation is deleted, its users go on the first level, but test_results only on the third. A check made in
-- between still finds rows that are about to vanish and stops the deletion; RESTRICT and an immediate NO ACTION do
-- that alike. The order inside a level follows the order in which the keys were made, which a dump and restore
-- changes, so only the check at the end of the transaction is reliable.
--
-- D1.8: audit_logs has no key here, so deleting an organisation or a user leaves the trail as it is.
-- D1.11: projects.team_id and access_control.resource_id have no table to point at.
-- D1.15: a key over two columns takes the place of the single-column key of the source and forces the repeated
-- feature_id or project_id to agree with the parent row.

-- D1.2: closes the cycle with users; both rows are inserted in one transaction
ALTER TABLE agentops.organizations ADD CONSTRAINT fk_organizations_created_by
    FOREIGN KEY (created_by) REFERENCES agentops.users (id)
    ON DELETE NO ACTION ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE agentops.users ADD CONSTRAINT fk_users_organization_id
    FOREIGN KEY (organization_id) REFERENCES agentops.organizations (id)
    ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE agentops.access_control ADD CONSTRAINT fk_access_control_user_id
    FOREIGN KEY (user_id) REFERENCES agentops.users (id)
    ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE agentops.access_control ADD CONSTRAINT fk_access_control_granted_by
    FOREIGN KEY (granted_by) REFERENCES agentops.users (id)
    ON DELETE NO ACTION ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE agentops.projects ADD CONSTRAINT fk_projects_organization_id
    FOREIGN KEY (organization_id) REFERENCES agentops.organizations (id)
    ON DELETE CASCADE ON UPDATE CASCADE;
-- canon-ignore L20: the source links by id alone
ALTER TABLE agentops.projects ADD CONSTRAINT fk_projects_owner_id
    FOREIGN KEY (owner_id) REFERENCES agentops.users (id)
    ON DELETE NO ACTION ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE agentops.requirements ADD CONSTRAINT fk_requirements_project_id
    FOREIGN KEY (project_id) REFERENCES agentops.projects (id)
    ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE agentops.requirements ADD CONSTRAINT fk_requirements_created_by
    FOREIGN KEY (created_by) REFERENCES agentops.users (id)
    ON DELETE NO ACTION ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE agentops.requirements ADD CONSTRAINT fk_requirements_assigned_to
    FOREIGN KEY (assigned_to) REFERENCES agentops.users (id)
    ON DELETE NO ACTION ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;

-- D1.15: instead of (requirement_id) alone
ALTER TABLE agentops.features ADD CONSTRAINT fk_features_requirement_id_project_id
    FOREIGN KEY (requirement_id, project_id) REFERENCES agentops.requirements (id, project_id)
    ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE agentops.features ADD CONSTRAINT fk_features_project_id
    FOREIGN KEY (project_id) REFERENCES agentops.projects (id)
    ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE agentops.features ADD CONSTRAINT fk_features_developer_id
    FOREIGN KEY (developer_id) REFERENCES agentops.users (id)
    ON DELETE NO ACTION ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;

-- D1.15: instead of (feature_id) alone
ALTER TABLE agentops.test_cases ADD CONSTRAINT fk_test_cases_feature_id_project_id
    FOREIGN KEY (feature_id, project_id) REFERENCES agentops.features (id, project_id)
    ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE agentops.test_cases ADD CONSTRAINT fk_test_cases_project_id
    FOREIGN KEY (project_id) REFERENCES agentops.projects (id)
    ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE agentops.test_cases ADD CONSTRAINT fk_test_cases_created_by
    FOREIGN KEY (created_by) REFERENCES agentops.users (id)
    ON DELETE NO ACTION ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;

-- D1.15: instead of (test_case_id) alone
ALTER TABLE agentops.test_results ADD CONSTRAINT fk_test_results_test_case_id_feature_id
    FOREIGN KEY (test_case_id, feature_id) REFERENCES agentops.test_cases (id, feature_id)
    ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE agentops.test_results ADD CONSTRAINT fk_test_results_feature_id
    FOREIGN KEY (feature_id) REFERENCES agentops.features (id)
    ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE agentops.test_results ADD CONSTRAINT fk_test_results_build_id
    FOREIGN KEY (build_id) REFERENCES agentops.builds (id)
    ON DELETE NO ACTION ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE agentops.test_results ADD CONSTRAINT fk_test_results_executed_by
    FOREIGN KEY (executed_by) REFERENCES agentops.users (id)
    ON DELETE NO ACTION ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE agentops.defects ADD CONSTRAINT fk_defects_project_id
    FOREIGN KEY (project_id) REFERENCES agentops.projects (id)
    ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE agentops.defects ADD CONSTRAINT fk_defects_feature_id
    FOREIGN KEY (feature_id) REFERENCES agentops.features (id)
    ON DELETE SET NULL ON UPDATE CASCADE;
ALTER TABLE agentops.defects ADD CONSTRAINT fk_defects_test_result_id
    FOREIGN KEY (test_result_id) REFERENCES agentops.test_results (id)
    ON DELETE SET NULL ON UPDATE CASCADE;
ALTER TABLE agentops.defects ADD CONSTRAINT fk_defects_assigned_to
    FOREIGN KEY (assigned_to) REFERENCES agentops.users (id)
    ON DELETE NO ACTION ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE agentops.defects ADD CONSTRAINT fk_defects_reported_by
    FOREIGN KEY (reported_by) REFERENCES agentops.users (id)
    ON DELETE NO ACTION ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE agentops.defects ADD CONSTRAINT fk_defects_verified_by
    FOREIGN KEY (verified_by) REFERENCES agentops.users (id)
    ON DELETE NO ACTION ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE agentops.builds ADD CONSTRAINT fk_builds_project_id
    FOREIGN KEY (project_id) REFERENCES agentops.projects (id)
    ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE agentops.builds ADD CONSTRAINT fk_builds_feature_id
    FOREIGN KEY (feature_id) REFERENCES agentops.features (id)
    ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE agentops.builds ADD CONSTRAINT fk_builds_triggered_by
    FOREIGN KEY (triggered_by) REFERENCES agentops.users (id)
    ON DELETE NO ACTION ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE agentops.deployments ADD CONSTRAINT fk_deployments_build_id
    FOREIGN KEY (build_id) REFERENCES agentops.builds (id)
    ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE agentops.deployments ADD CONSTRAINT fk_deployments_project_id
    FOREIGN KEY (project_id) REFERENCES agentops.projects (id)
    ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE agentops.deployments ADD CONSTRAINT fk_deployments_deployed_by
    FOREIGN KEY (deployed_by) REFERENCES agentops.users (id)
    ON DELETE NO ACTION ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE agentops.deployments ADD CONSTRAINT fk_deployments_approved_by
    FOREIGN KEY (approved_by) REFERENCES agentops.users (id)
    ON DELETE NO ACTION ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE agentops.deployments ADD CONSTRAINT fk_deployments_rolled_back_to_build_id
    FOREIGN KEY (rolled_back_to_build_id) REFERENCES agentops.builds (id)
    ON DELETE NO ACTION ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE agentops.security_events ADD CONSTRAINT fk_security_events_organization_id
    FOREIGN KEY (organization_id) REFERENCES agentops.organizations (id)
    ON DELETE CASCADE ON UPDATE CASCADE;
-- canon-ignore L20: the source links by id alone
ALTER TABLE agentops.security_events ADD CONSTRAINT fk_security_events_user_id
    FOREIGN KEY (user_id) REFERENCES agentops.users (id)
    ON DELETE NO ACTION ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;
-- canon-ignore L20: the source links by id alone
ALTER TABLE agentops.security_events ADD CONSTRAINT fk_security_events_resolved_by
    FOREIGN KEY (resolved_by) REFERENCES agentops.users (id)
    ON DELETE NO ACTION ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE agentops.vulnerabilities ADD CONSTRAINT fk_vulnerabilities_project_id
    FOREIGN KEY (project_id) REFERENCES agentops.projects (id)
    ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE agentops.vulnerabilities ADD CONSTRAINT fk_vulnerabilities_assigned_to
    FOREIGN KEY (assigned_to) REFERENCES agentops.users (id)
    ON DELETE NO ACTION ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;
