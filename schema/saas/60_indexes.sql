-- Every index that no constraint makes.

-- 1. Indexes named in the source, under the names it gives them.

-- contacts
CREATE INDEX idx_contacts_org_name ON saas.contacts (organization_id, name);

-- api_rate_limits
CREATE INDEX idx_api_rate_limits_org_endpoint ON saas.api_rate_limits (organization_id, endpoint, window_start);
CREATE INDEX idx_rate_limits_org_endpoint ON saas.api_rate_limits (organization_id, endpoint, window_end DESC);
CREATE INDEX idx_api_rate_limits_user_endpoint ON saas.api_rate_limits (user_id, endpoint, window_start);
CREATE INDEX idx_api_rate_limits_window_start ON saas.api_rate_limits (window_start);
-- D4.6: no predicate with now(); neither VOLATILE nor STABLE functions are allowed there
CREATE INDEX idx_rate_limits_cleanup ON saas.api_rate_limits (window_end);

-- quota_alerts
CREATE INDEX idx_quota_alerts_org ON saas.quota_alerts (organization_id, created_at DESC);
CREATE INDEX idx_quota_alerts_unacknowledged
    ON saas.quota_alerts (is_acknowledged, created_at DESC) WHERE is_acknowledged = false;

-- rate_limit_tracking
CREATE INDEX idx_rate_limit_tracking_org_id ON saas.rate_limit_tracking (organization_id);
CREATE INDEX idx_rate_limit_tracking_timestamp ON saas.rate_limit_tracking (request_timestamp DESC);
CREATE INDEX idx_rate_limit_tracking_resource ON saas.rate_limit_tracking (resource_type);
CREATE INDEX idx_rate_limit_tracking_endpoint ON saas.rate_limit_tracking (endpoint);
CREATE INDEX idx_rate_limit_tracking_rate_limited ON saas.rate_limit_tracking (rate_limited) WHERE rate_limited = true;

-- workflow_definitions
CREATE INDEX idx_workflows_org_active ON saas.workflow_definitions (organization_id, is_active);

-- integrations
CREATE INDEX idx_integrations_org_id ON saas.integrations (organization_id);
CREATE INDEX idx_integrations_type ON saas.integrations (type);
CREATE INDEX idx_integrations_status ON saas.integrations (status);
CREATE INDEX idx_active_integrations ON saas.integrations (organization_id, is_active) WHERE is_active = true;

-- incidents
-- addition: the source gives name and predicate, no columns
CREATE INDEX idx_incidents_open ON saas.incidents (status, severity) WHERE status IN ('open', 'investigating');

-- 2. addition: indexes of the tables whose columns the source leaves out (D4.3).

-- notification_rules
CREATE INDEX idx_notification_rules_is_active ON saas.notification_rules (is_active);

-- alert_rules
CREATE INDEX idx_alert_rules_is_active_metric_name ON saas.alert_rules (is_active, metric_name) WHERE is_active = true;

-- alert_history
CREATE INDEX idx_alert_history_triggered_at ON saas.alert_history (triggered_at DESC);
CREATE INDEX idx_alert_history_status_triggered_at
    ON saas.alert_history (status, triggered_at DESC) WHERE status <> 'resolved';
CREATE INDEX idx_alert_history_alert_rule_id_triggered_at ON saas.alert_history (alert_rule_id, triggered_at DESC);

-- 3. addition: an index for every foreign key that no key, and no index above, leads with.

-- profiles
CREATE INDEX idx_profiles_organization_id ON saas.profiles (organization_id);

-- opportunities
CREATE INDEX idx_opportunities_organization_id ON saas.opportunities (organization_id);
CREATE INDEX idx_opportunities_contact_id ON saas.opportunities (contact_id);

-- forms
CREATE INDEX idx_forms_organization_id ON saas.forms (organization_id);

-- google_credentials
CREATE INDEX idx_google_credentials_organization_id ON saas.google_credentials (organization_id);

-- organization_subscriptions
CREATE INDEX idx_organization_subscriptions_organization_id ON saas.organization_subscriptions (organization_id);

-- credit_ledger
CREATE INDEX idx_credit_ledger_organization_id ON saas.credit_ledger (organization_id);

-- automations
CREATE INDEX idx_automations_organization_id ON saas.automations (organization_id);

-- organization_quota_overrides
CREATE INDEX idx_organization_quota_overrides_policy_id ON saas.organization_quota_overrides (policy_id);
CREATE INDEX idx_organization_quota_overrides_created_by ON saas.organization_quota_overrides (created_by);

-- quota_alerts
CREATE INDEX idx_quota_alerts_user_id ON saas.quota_alerts (user_id);
CREATE INDEX idx_quota_alerts_acknowledged_by ON saas.quota_alerts (acknowledged_by);

-- api_usage_statistics
CREATE INDEX idx_api_usage_statistics_organization_id ON saas.api_usage_statistics (organization_id);
CREATE INDEX idx_api_usage_statistics_user_id ON saas.api_usage_statistics (user_id);

-- rate_limit_tracking
CREATE INDEX idx_rate_limit_tracking_user_id ON saas.rate_limit_tracking (user_id);

-- workflow_definitions
CREATE INDEX idx_workflow_definitions_created_by ON saas.workflow_definitions (created_by);

-- workflow_execution_logs
CREATE INDEX idx_workflow_execution_logs_workflow_id ON saas.workflow_execution_logs (workflow_id);
CREATE INDEX idx_workflow_execution_logs_organization_id ON saas.workflow_execution_logs (organization_id);

-- workflow_templates
CREATE INDEX idx_workflow_templates_created_by ON saas.workflow_templates (created_by);

-- workflow_conditions
CREATE INDEX idx_workflow_conditions_workflow_id ON saas.workflow_conditions (workflow_id);

-- workflow_actions
CREATE INDEX idx_workflow_actions_workflow_id ON saas.workflow_actions (workflow_id);

-- workflow_triggers
CREATE INDEX idx_workflow_triggers_workflow_id ON saas.workflow_triggers (workflow_id);

-- workflow_versions
CREATE INDEX idx_workflow_versions_created_by ON saas.workflow_versions (created_by);

-- workflow_execution_steps
CREATE INDEX idx_workflow_execution_steps_execution_log_id ON saas.workflow_execution_steps (execution_log_id);

-- workflow_variables
CREATE INDEX idx_workflow_variables_workflow_id ON saas.workflow_variables (workflow_id);

-- agent_execution_logs
CREATE INDEX idx_agent_execution_logs_agent_id ON saas.agent_execution_logs (agent_id);

-- api_integrations
CREATE INDEX idx_api_integrations_created_by ON saas.api_integrations (created_by);

-- integration_usage_logs
CREATE INDEX idx_integration_usage_logs_integration_id ON saas.integration_usage_logs (integration_id);

-- audit_logs
CREATE INDEX idx_audit_logs_organization_id ON saas.audit_logs (organization_id);
CREATE INDEX idx_audit_logs_user_id ON saas.audit_logs (user_id);

-- audit_logs_enhanced
CREATE INDEX idx_audit_logs_enhanced_organization_id ON saas.audit_logs_enhanced (organization_id);
CREATE INDEX idx_audit_logs_enhanced_user_id ON saas.audit_logs_enhanced (user_id);

-- audit_log_exports
CREATE INDEX idx_audit_log_exports_organization_id ON saas.audit_log_exports (organization_id);
CREATE INDEX idx_audit_log_exports_requested_by ON saas.audit_log_exports (requested_by);

-- security_events
CREATE INDEX idx_security_events_organization_id ON saas.security_events (organization_id);
CREATE INDEX idx_security_events_user_id ON saas.security_events (user_id);
CREATE INDEX idx_security_events_investigated_by ON saas.security_events (investigated_by);

-- security_alerts
CREATE INDEX idx_security_alerts_user_id ON saas.security_alerts (user_id);
CREATE INDEX idx_security_alerts_acknowledged_by ON saas.security_alerts (acknowledged_by);

-- superadmin_logs
CREATE INDEX idx_superadmin_logs_admin_user_id ON saas.superadmin_logs (admin_user_id);

-- ip_whitelist
CREATE INDEX idx_ip_whitelist_organization_id ON saas.ip_whitelist (organization_id);
CREATE INDEX idx_ip_whitelist_created_by ON saas.ip_whitelist (created_by);
CREATE INDEX idx_ip_whitelist_approved_by ON saas.ip_whitelist (approved_by);

-- user_2fa_settings
CREATE INDEX idx_user_2fa_settings_user_id ON saas.user_2fa_settings (user_id);

-- user_2fa_attempts
CREATE INDEX idx_user_2fa_attempts_user_id ON saas.user_2fa_attempts (user_id);

-- login_attempts
CREATE INDEX idx_login_attempts_user_id ON saas.login_attempts (user_id);

-- ip_access_log
CREATE INDEX idx_ip_access_log_organization_id ON saas.ip_access_log (organization_id);
CREATE INDEX idx_ip_access_log_user_id ON saas.ip_access_log (user_id);
CREATE INDEX idx_ip_access_log_whitelist_rule_id ON saas.ip_access_log (whitelist_rule_id);

-- geo_restrictions
CREATE INDEX idx_geo_restrictions_organization_id ON saas.geo_restrictions (organization_id);
CREATE INDEX idx_geo_restrictions_created_by ON saas.geo_restrictions (created_by);

-- incidents
CREATE INDEX idx_incidents_organization_id ON saas.incidents (organization_id);
CREATE INDEX idx_incidents_user_id ON saas.incidents (user_id);
CREATE INDEX idx_incidents_assigned_to ON saas.incidents (assigned_to);

-- incident_actions
CREATE INDEX idx_incident_actions_incident_id ON saas.incident_actions (incident_id);
CREATE INDEX idx_incident_actions_actor_id ON saas.incident_actions (actor_id);

-- notification_rules
CREATE INDEX idx_notification_rules_organization_id ON saas.notification_rules (organization_id);
CREATE INDEX idx_notification_rules_created_by ON saas.notification_rules (created_by);

-- notification_logs
CREATE INDEX idx_notification_logs_incident_id ON saas.notification_logs (incident_id);
CREATE INDEX idx_notification_logs_rule_id ON saas.notification_logs (rule_id);

-- escalation_rules
CREATE INDEX idx_escalation_rules_organization_id ON saas.escalation_rules (organization_id);

-- rollback_procedures
CREATE INDEX idx_rollback_procedures_created_by ON saas.rollback_procedures (created_by);

-- rollback_executions
CREATE INDEX idx_rollback_executions_procedure_id ON saas.rollback_executions (procedure_id);
CREATE INDEX idx_rollback_executions_incident_id ON saas.rollback_executions (incident_id);
CREATE INDEX idx_rollback_executions_approved_by ON saas.rollback_executions (approved_by);

-- alert_history
CREATE INDEX idx_alert_history_acknowledged_by ON saas.alert_history (acknowledged_by);

-- credit_consumption_logs
CREATE INDEX idx_credit_consumption_logs_organization_id ON saas.credit_consumption_logs (organization_id);
CREATE INDEX idx_credit_consumption_logs_action_type ON saas.credit_consumption_logs (action_type);

-- crm_events
CREATE INDEX idx_crm_events_organization_id ON saas.crm_events (organization_id);
CREATE INDEX idx_crm_events_contact_id ON saas.crm_events (contact_id);

-- event_reminders
CREATE INDEX idx_event_reminders_organization_id ON saas.event_reminders (organization_id);
CREATE INDEX idx_event_reminders_crm_event_id ON saas.event_reminders (crm_event_id);
CREATE INDEX idx_event_reminders_contact_id ON saas.event_reminders (contact_id);

-- debug_logs
CREATE INDEX idx_debug_logs_user_id ON saas.debug_logs (user_id);
CREATE INDEX idx_debug_logs_organization_id ON saas.debug_logs (organization_id);
