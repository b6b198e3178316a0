-- Stamps updated_at through the extension.

CREATE TRIGGER trg_organizations_updated_at BEFORE UPDATE ON agentops.organizations
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_users_updated_at BEFORE UPDATE ON agentops.users
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_projects_updated_at BEFORE UPDATE ON agentops.projects
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_requirements_updated_at BEFORE UPDATE ON agentops.requirements
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_features_updated_at BEFORE UPDATE ON agentops.features
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_test_cases_updated_at BEFORE UPDATE ON agentops.test_cases
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_defects_updated_at BEFORE UPDATE ON agentops.defects
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_deployments_updated_at BEFORE UPDATE ON agentops.deployments
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_security_events_updated_at BEFORE UPDATE ON agentops.security_events
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_vulnerabilities_updated_at BEFORE UPDATE ON agentops.vulnerabilities
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
