-- Every foreign key, by table, after all tables exist.
--
-- D4.7: the source gives no delete action. The rule here:
--   organisation   CASCADE; RESTRICT for audit, security evidence and credits
--   login          SET NULL where nullable; CASCADE where the row is the person's own; RESTRICT in superadmin_logs
--   parent         CASCADE where the child means nothing alone; else SET NULL where nullable, NO ACTION where not
-- Of schema auth only auth.users (id) is relied on.

-- profiles
ALTER TABLE saas.profiles ADD CONSTRAINT fk_profiles_id
    FOREIGN KEY (id) REFERENCES auth.users (id) ON DELETE CASCADE;
ALTER TABLE saas.profiles ADD CONSTRAINT fk_profiles_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE CASCADE;

-- contacts
ALTER TABLE saas.contacts ADD CONSTRAINT fk_contacts_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE CASCADE;

-- opportunities
ALTER TABLE saas.opportunities ADD CONSTRAINT fk_opportunities_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE CASCADE;
-- canon-ignore L20: the source links by id alone; comparing the tenants is left to the application
ALTER TABLE saas.opportunities ADD CONSTRAINT fk_opportunities_contact_id
    FOREIGN KEY (contact_id) REFERENCES saas.contacts (id) ON DELETE SET NULL;

-- forms
ALTER TABLE saas.forms ADD CONSTRAINT fk_forms_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE CASCADE;

-- google_credentials
ALTER TABLE saas.google_credentials ADD CONSTRAINT fk_google_credentials_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE CASCADE;

-- organization_settings
ALTER TABLE saas.organization_settings ADD CONSTRAINT fk_organization_settings_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE CASCADE;

-- organization_subscriptions
ALTER TABLE saas.organization_subscriptions ADD CONSTRAINT fk_organization_subscriptions_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE CASCADE;

-- credit_ledger
ALTER TABLE saas.credit_ledger ADD CONSTRAINT fk_credit_ledger_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE RESTRICT;

-- automations
ALTER TABLE saas.automations ADD CONSTRAINT fk_automations_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE CASCADE;

-- api_rate_limits
ALTER TABLE saas.api_rate_limits ADD CONSTRAINT fk_api_rate_limits_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE CASCADE;
ALTER TABLE saas.api_rate_limits ADD CONSTRAINT fk_api_rate_limits_user_id
    FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE SET NULL;

-- organization_quota_overrides
ALTER TABLE saas.organization_quota_overrides ADD CONSTRAINT fk_organization_quota_overrides_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE CASCADE;
ALTER TABLE saas.organization_quota_overrides ADD CONSTRAINT fk_organization_quota_overrides_policy_id
    FOREIGN KEY (policy_id) REFERENCES saas.quota_policies (id) ON DELETE CASCADE;
ALTER TABLE saas.organization_quota_overrides ADD CONSTRAINT fk_organization_quota_overrides_created_by
    FOREIGN KEY (created_by) REFERENCES auth.users (id) ON DELETE SET NULL;

-- quota_alerts
ALTER TABLE saas.quota_alerts ADD CONSTRAINT fk_quota_alerts_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE CASCADE;
ALTER TABLE saas.quota_alerts ADD CONSTRAINT fk_quota_alerts_user_id
    FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE SET NULL;
ALTER TABLE saas.quota_alerts ADD CONSTRAINT fk_quota_alerts_acknowledged_by
    FOREIGN KEY (acknowledged_by) REFERENCES auth.users (id) ON DELETE SET NULL;

-- api_usage_statistics
ALTER TABLE saas.api_usage_statistics ADD CONSTRAINT fk_api_usage_statistics_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE CASCADE;
ALTER TABLE saas.api_usage_statistics ADD CONSTRAINT fk_api_usage_statistics_user_id
    FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE SET NULL;

-- rate_limit_config
ALTER TABLE saas.rate_limit_config ADD CONSTRAINT fk_rate_limit_config_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE CASCADE;

-- rate_limit_tracking
ALTER TABLE saas.rate_limit_tracking ADD CONSTRAINT fk_rate_limit_tracking_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE CASCADE;
ALTER TABLE saas.rate_limit_tracking ADD CONSTRAINT fk_rate_limit_tracking_user_id
    FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE SET NULL;

-- rate_limit_quota_usage
ALTER TABLE saas.rate_limit_quota_usage ADD CONSTRAINT fk_rate_limit_quota_usage_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE CASCADE;

-- workflow_definitions
ALTER TABLE saas.workflow_definitions ADD CONSTRAINT fk_workflow_definitions_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE CASCADE;
ALTER TABLE saas.workflow_definitions ADD CONSTRAINT fk_workflow_definitions_created_by
    FOREIGN KEY (created_by) REFERENCES auth.users (id) ON DELETE SET NULL;

-- workflow_execution_logs
-- canon-ignore L20: the source links by id alone; comparing the tenants is left to the application
ALTER TABLE saas.workflow_execution_logs ADD CONSTRAINT fk_workflow_execution_logs_workflow_id
    FOREIGN KEY (workflow_id) REFERENCES saas.workflow_definitions (id) ON DELETE CASCADE;
ALTER TABLE saas.workflow_execution_logs ADD CONSTRAINT fk_workflow_execution_logs_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE CASCADE;

-- workflow_templates
ALTER TABLE saas.workflow_templates ADD CONSTRAINT fk_workflow_templates_created_by
    FOREIGN KEY (created_by) REFERENCES auth.users (id) ON DELETE SET NULL;

-- workflow_conditions
ALTER TABLE saas.workflow_conditions ADD CONSTRAINT fk_workflow_conditions_workflow_id
    FOREIGN KEY (workflow_id) REFERENCES saas.workflow_definitions (id) ON DELETE CASCADE;

-- workflow_actions
ALTER TABLE saas.workflow_actions ADD CONSTRAINT fk_workflow_actions_workflow_id
    FOREIGN KEY (workflow_id) REFERENCES saas.workflow_definitions (id) ON DELETE CASCADE;

-- workflow_triggers
ALTER TABLE saas.workflow_triggers ADD CONSTRAINT fk_workflow_triggers_workflow_id
    FOREIGN KEY (workflow_id) REFERENCES saas.workflow_definitions (id) ON DELETE CASCADE;

-- workflow_versions
ALTER TABLE saas.workflow_versions ADD CONSTRAINT fk_workflow_versions_workflow_id
    FOREIGN KEY (workflow_id) REFERENCES saas.workflow_definitions (id) ON DELETE CASCADE;
ALTER TABLE saas.workflow_versions ADD CONSTRAINT fk_workflow_versions_created_by
    FOREIGN KEY (created_by) REFERENCES auth.users (id) ON DELETE SET NULL;

-- workflow_execution_steps
ALTER TABLE saas.workflow_execution_steps ADD CONSTRAINT fk_workflow_execution_steps_execution_log_id
    FOREIGN KEY (execution_log_id) REFERENCES saas.workflow_execution_logs (id) ON DELETE CASCADE;

-- workflow_variables
ALTER TABLE saas.workflow_variables ADD CONSTRAINT fk_workflow_variables_workflow_id
    FOREIGN KEY (workflow_id) REFERENCES saas.workflow_definitions (id) ON DELETE CASCADE;

-- agent_execution_logs
ALTER TABLE saas.agent_execution_logs ADD CONSTRAINT fk_agent_execution_logs_agent_id
    FOREIGN KEY (agent_id) REFERENCES saas.automation_agents (id) ON DELETE CASCADE;

-- integrations
ALTER TABLE saas.integrations ADD CONSTRAINT fk_integrations_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE CASCADE;

-- api_integrations
ALTER TABLE saas.api_integrations ADD CONSTRAINT fk_api_integrations_created_by
    FOREIGN KEY (created_by) REFERENCES auth.users (id) ON DELETE SET NULL;

-- integration_usage_logs
ALTER TABLE saas.integration_usage_logs ADD CONSTRAINT fk_integration_usage_logs_integration_id
    FOREIGN KEY (integration_id) REFERENCES saas.api_integrations (id) ON DELETE SET NULL;

-- audit_logs
ALTER TABLE saas.audit_logs ADD CONSTRAINT fk_audit_logs_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE RESTRICT;
ALTER TABLE saas.audit_logs ADD CONSTRAINT fk_audit_logs_user_id
    FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE SET NULL;

-- audit_logs_enhanced
ALTER TABLE saas.audit_logs_enhanced ADD CONSTRAINT fk_audit_logs_enhanced_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE RESTRICT;
ALTER TABLE saas.audit_logs_enhanced ADD CONSTRAINT fk_audit_logs_enhanced_user_id
    FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE SET NULL;

-- audit_log_exports
ALTER TABLE saas.audit_log_exports ADD CONSTRAINT fk_audit_log_exports_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE RESTRICT;
ALTER TABLE saas.audit_log_exports ADD CONSTRAINT fk_audit_log_exports_requested_by
    FOREIGN KEY (requested_by) REFERENCES auth.users (id) ON DELETE SET NULL;

-- security_events
ALTER TABLE saas.security_events ADD CONSTRAINT fk_security_events_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE RESTRICT;
ALTER TABLE saas.security_events ADD CONSTRAINT fk_security_events_user_id
    FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE SET NULL;
ALTER TABLE saas.security_events ADD CONSTRAINT fk_security_events_investigated_by
    FOREIGN KEY (investigated_by) REFERENCES auth.users (id) ON DELETE SET NULL;

-- security_alerts
ALTER TABLE saas.security_alerts ADD CONSTRAINT fk_security_alerts_user_id
    FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE CASCADE;
ALTER TABLE saas.security_alerts ADD CONSTRAINT fk_security_alerts_acknowledged_by
    FOREIGN KEY (acknowledged_by) REFERENCES auth.users (id) ON DELETE SET NULL;

-- superadmin_logs
ALTER TABLE saas.superadmin_logs ADD CONSTRAINT fk_superadmin_logs_admin_user_id
    FOREIGN KEY (admin_user_id) REFERENCES auth.users (id) ON DELETE RESTRICT;

-- data_sensitivity_classifications
ALTER TABLE saas.data_sensitivity_classifications ADD CONSTRAINT fk_data_sensitivity_classifications_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE CASCADE;

-- ip_whitelist
ALTER TABLE saas.ip_whitelist ADD CONSTRAINT fk_ip_whitelist_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE CASCADE;
ALTER TABLE saas.ip_whitelist ADD CONSTRAINT fk_ip_whitelist_created_by
    FOREIGN KEY (created_by) REFERENCES auth.users (id) ON DELETE SET NULL;
ALTER TABLE saas.ip_whitelist ADD CONSTRAINT fk_ip_whitelist_approved_by
    FOREIGN KEY (approved_by) REFERENCES auth.users (id) ON DELETE SET NULL;

-- user_2fa_settings
ALTER TABLE saas.user_2fa_settings ADD CONSTRAINT fk_user_2fa_settings_user_id
    FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE CASCADE;

-- user_2fa_attempts
ALTER TABLE saas.user_2fa_attempts ADD CONSTRAINT fk_user_2fa_attempts_user_id
    FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE CASCADE;

-- login_attempts
ALTER TABLE saas.login_attempts ADD CONSTRAINT fk_login_attempts_user_id
    FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE SET NULL;

-- trusted_devices
ALTER TABLE saas.trusted_devices ADD CONSTRAINT fk_trusted_devices_user_id
    FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE CASCADE;

-- ip_access_log
ALTER TABLE saas.ip_access_log ADD CONSTRAINT fk_ip_access_log_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE RESTRICT;
ALTER TABLE saas.ip_access_log ADD CONSTRAINT fk_ip_access_log_user_id
    FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE SET NULL;
-- canon-ignore L20: the source links by id alone; comparing the tenants is left to the application
ALTER TABLE saas.ip_access_log ADD CONSTRAINT fk_ip_access_log_whitelist_rule_id
    FOREIGN KEY (whitelist_rule_id) REFERENCES saas.ip_whitelist (id) ON DELETE SET NULL;

-- geo_restrictions
ALTER TABLE saas.geo_restrictions ADD CONSTRAINT fk_geo_restrictions_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE CASCADE;
ALTER TABLE saas.geo_restrictions ADD CONSTRAINT fk_geo_restrictions_created_by
    FOREIGN KEY (created_by) REFERENCES auth.users (id) ON DELETE SET NULL;

-- incidents
ALTER TABLE saas.incidents ADD CONSTRAINT fk_incidents_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE CASCADE;
ALTER TABLE saas.incidents ADD CONSTRAINT fk_incidents_user_id
    FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE SET NULL;
ALTER TABLE saas.incidents ADD CONSTRAINT fk_incidents_assigned_to
    FOREIGN KEY (assigned_to) REFERENCES auth.users (id) ON DELETE SET NULL;

-- incident_actions
ALTER TABLE saas.incident_actions ADD CONSTRAINT fk_incident_actions_incident_id
    FOREIGN KEY (incident_id) REFERENCES saas.incidents (id) ON DELETE CASCADE;
ALTER TABLE saas.incident_actions ADD CONSTRAINT fk_incident_actions_actor_id
    FOREIGN KEY (actor_id) REFERENCES auth.users (id) ON DELETE SET NULL;

-- notification_rules
ALTER TABLE saas.notification_rules ADD CONSTRAINT fk_notification_rules_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE CASCADE;
ALTER TABLE saas.notification_rules ADD CONSTRAINT fk_notification_rules_created_by
    FOREIGN KEY (created_by) REFERENCES auth.users (id) ON DELETE SET NULL;

-- notification_logs
ALTER TABLE saas.notification_logs ADD CONSTRAINT fk_notification_logs_incident_id
    FOREIGN KEY (incident_id) REFERENCES saas.incidents (id) ON DELETE CASCADE;
ALTER TABLE saas.notification_logs ADD CONSTRAINT fk_notification_logs_rule_id
    FOREIGN KEY (rule_id) REFERENCES saas.notification_rules (id) ON DELETE SET NULL;

-- escalation_rules
ALTER TABLE saas.escalation_rules ADD CONSTRAINT fk_escalation_rules_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE CASCADE;

-- rollback_procedures
ALTER TABLE saas.rollback_procedures ADD CONSTRAINT fk_rollback_procedures_created_by
    FOREIGN KEY (created_by) REFERENCES auth.users (id) ON DELETE SET NULL;

-- rollback_executions
ALTER TABLE saas.rollback_executions ADD CONSTRAINT fk_rollback_executions_procedure_id
    FOREIGN KEY (procedure_id) REFERENCES saas.rollback_procedures (id) ON DELETE NO ACTION;
ALTER TABLE saas.rollback_executions ADD CONSTRAINT fk_rollback_executions_incident_id
    FOREIGN KEY (incident_id) REFERENCES saas.incidents (id) ON DELETE CASCADE;
ALTER TABLE saas.rollback_executions ADD CONSTRAINT fk_rollback_executions_approved_by
    FOREIGN KEY (approved_by) REFERENCES auth.users (id) ON DELETE SET NULL;

-- alert_history
ALTER TABLE saas.alert_history ADD CONSTRAINT fk_alert_history_alert_rule_id
    FOREIGN KEY (alert_rule_id) REFERENCES saas.alert_rules (id) ON DELETE CASCADE;
ALTER TABLE saas.alert_history ADD CONSTRAINT fk_alert_history_acknowledged_by
    FOREIGN KEY (acknowledged_by) REFERENCES auth.users (id) ON DELETE SET NULL;

-- organization_credits
ALTER TABLE saas.organization_credits ADD CONSTRAINT fk_organization_credits_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE RESTRICT;

-- credit_consumption_logs
ALTER TABLE saas.credit_consumption_logs ADD CONSTRAINT fk_credit_consumption_logs_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE RESTRICT;
ALTER TABLE saas.credit_consumption_logs ADD CONSTRAINT fk_credit_consumption_logs_action_type
    FOREIGN KEY (action_type) REFERENCES saas.credit_actions (action_type) ON DELETE NO ACTION;

-- crm_events
ALTER TABLE saas.crm_events ADD CONSTRAINT fk_crm_events_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE CASCADE;
-- canon-ignore L20: the source links by id alone; comparing the tenants is left to the application
ALTER TABLE saas.crm_events ADD CONSTRAINT fk_crm_events_contact_id
    FOREIGN KEY (contact_id) REFERENCES saas.contacts (id) ON DELETE CASCADE;

-- event_reminders
ALTER TABLE saas.event_reminders ADD CONSTRAINT fk_event_reminders_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE CASCADE;
-- canon-ignore L20: the source links by id alone; comparing the tenants is left to the application
ALTER TABLE saas.event_reminders ADD CONSTRAINT fk_event_reminders_crm_event_id
    FOREIGN KEY (crm_event_id) REFERENCES saas.crm_events (id) ON DELETE CASCADE;
-- canon-ignore L20: the source links by id alone; comparing the tenants is left to the application
ALTER TABLE saas.event_reminders ADD CONSTRAINT fk_event_reminders_contact_id
    FOREIGN KEY (contact_id) REFERENCES saas.contacts (id) ON DELETE CASCADE;

-- debug_logs
ALTER TABLE saas.debug_logs ADD CONSTRAINT fk_debug_logs_user_id
    FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE SET NULL;
ALTER TABLE saas.debug_logs ADD CONSTRAINT fk_debug_logs_organization_id
    FOREIGN KEY (organization_id) REFERENCES saas.organizations (id) ON DELETE CASCADE;
