-- Triggers that call the extension: they keep the time of the last change.

-- tables of 20_tenants.sql
CREATE TRIGGER trg_organizations_updated_at
    BEFORE UPDATE ON saas.organizations
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_profiles_updated_at
    BEFORE UPDATE ON saas.profiles
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_contacts_updated_at
    BEFORE UPDATE ON saas.contacts
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_opportunities_updated_at
    BEFORE UPDATE ON saas.opportunities
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_forms_updated_at
    BEFORE UPDATE ON saas.forms
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_google_credentials_updated_at
    BEFORE UPDATE ON saas.google_credentials
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_organization_settings_updated_at
    BEFORE UPDATE ON saas.organization_settings
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_organization_subscriptions_updated_at
    BEFORE UPDATE ON saas.organization_subscriptions
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_credit_ledger_updated_at
    BEFORE UPDATE ON saas.credit_ledger
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_automations_updated_at
    BEFORE UPDATE ON saas.automations
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

-- tables of 21_limits.sql
CREATE TRIGGER trg_api_rate_limits_updated_at
    BEFORE UPDATE ON saas.api_rate_limits
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_quota_policies_updated_at
    BEFORE UPDATE ON saas.quota_policies
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_api_usage_statistics_updated_at
    BEFORE UPDATE ON saas.api_usage_statistics
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_rate_limit_config_updated_at
    BEFORE UPDATE ON saas.rate_limit_config
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_rate_limit_quota_usage_last_updated
    BEFORE UPDATE ON saas.rate_limit_quota_usage
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at('last_updated');

-- tables of 22_workflows.sql
CREATE TRIGGER trg_workflow_definitions_updated_at
    BEFORE UPDATE ON saas.workflow_definitions
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_workflow_templates_updated_at
    BEFORE UPDATE ON saas.workflow_templates
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_workflow_actions_updated_at
    BEFORE UPDATE ON saas.workflow_actions
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_workflow_triggers_updated_at
    BEFORE UPDATE ON saas.workflow_triggers
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_workflow_execution_steps_updated_at
    BEFORE UPDATE ON saas.workflow_execution_steps
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

-- tables of 23_integrations.sql
CREATE TRIGGER trg_automation_agents_updated_at
    BEFORE UPDATE ON saas.automation_agents
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_integrations_updated_at
    BEFORE UPDATE ON saas.integrations
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_api_integrations_updated_at
    BEFORE UPDATE ON saas.api_integrations
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

-- tables of 24_audit.sql
CREATE TRIGGER trg_security_events_updated_at
    BEFORE UPDATE ON saas.security_events
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_ip_whitelist_updated_at
    BEFORE UPDATE ON saas.ip_whitelist
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

-- tables of 25_access.sql
CREATE TRIGGER trg_user_2fa_settings_updated_at
    BEFORE UPDATE ON saas.user_2fa_settings
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_geo_restrictions_updated_at
    BEFORE UPDATE ON saas.geo_restrictions
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

-- tables of 26_incidents.sql
CREATE TRIGGER trg_incidents_updated_at
    BEFORE UPDATE ON saas.incidents
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_notification_rules_updated_at
    BEFORE UPDATE ON saas.notification_rules
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_escalation_rules_updated_at
    BEFORE UPDATE ON saas.escalation_rules
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_rollback_procedures_updated_at
    BEFORE UPDATE ON saas.rollback_procedures
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

-- tables of 27_health.sql
CREATE TRIGGER trg_alert_rules_updated_at
    BEFORE UPDATE ON saas.alert_rules
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

-- tables of 28_credits.sql
CREATE TRIGGER trg_organization_credits_updated_at
    BEFORE UPDATE ON saas.organization_credits
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

-- Sessions keep policies in memory; these tell them to read again.
CREATE TRIGGER trg_quota_policies_configuration_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON saas.quota_policies
    FOR EACH STATEMENT EXECUTE FUNCTION canon.configuration_changed();
CREATE TRIGGER trg_organization_quota_overrides_configuration_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON saas.organization_quota_overrides
    FOR EACH STATEMENT EXECUTE FUNCTION canon.configuration_changed();
CREATE TRIGGER trg_rate_limit_config_configuration_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON saas.rate_limit_config
    FOR EACH STATEMENT EXECUTE FUNCTION canon.configuration_changed();
