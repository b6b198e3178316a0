-- Default rows. Keys are fixed, so that every installation gives a row the same id.

-- D4.10: the source leaves out the patterns, although the column is NOT NULL.
-- D4.19: super_admin is the only spelling of the administrator role.
INSERT INTO saas.quota_policies (
    id, policy_name, description, endpoint_pattern,
    max_requests_per_hour, max_requests_per_day, max_requests_per_month, applies_to_role
) VALUES
    ('5aa50001-0000-4000-8000-000000000001', 'ai_generation_default', 'Text generation is dear; keeps it scarce.',
        '/generate-%', 100, 1000, 10000, 'user'),
    ('5aa50001-0000-4000-8000-000000000002', 'calendar_operations', 'Calls that change the connected calendar.',
        '/%-google-event', 200, 2000, 20000, 'user'),
    ('5aa50001-0000-4000-8000-000000000003', 'email_sending', 'Outgoing mail, held low against abuse.',
        '/send-email%', 50, 500, 5000, 'user'),
    ('5aa50001-0000-4000-8000-000000000004', 'superadmin_operations', 'Calls of platform administrators.',
        '/superadmin-%', 500, 5000, 50000, 'super_admin'),
    ('5aa50001-0000-4000-8000-000000000005', 'public_api_default', 'Every other call, whatever the role.',
        '/%', 1000, 10000, 100000, NULL);

INSERT INTO saas.credit_actions (action_type, credits_cost, description) VALUES
    ('create_crm_event', 1, 'Enter an appointment in the CRM calendar.'),
    ('schedule_reminder_email', 1, 'Plan a reminder by mail.'),
    ('schedule_reminder_whatsapp', 2, 'Plan a reminder by WhatsApp.'),
    ('send_email', 1, 'Send one mail.'),
    ('send_whatsapp', 2, 'Send one WhatsApp message.'),
    ('ai_lead_scoring', 5, 'Rate a lead by a language model.'),
    ('ai_email_generation', 3, 'Draft a mail by a language model.');

-- addition: the source promises alert rules and lists none
INSERT INTO saas.alert_rules (
    id, rule_name, description, metric_name, condition, threshold, severity,
    evaluation_window_minutes, notification_channels
) VALUES
    ('5aa50002-0000-4000-8000-000000000001', 'high_response_time', 'The API answers slower than 2 seconds.',
        'api_response_time_ms', 'greater_than', 2000, 'warning', 5, ARRAY['system']),
    ('5aa50002-0000-4000-8000-000000000002', 'critical_response_time', 'The API answers slower than 5 seconds.',
        'api_response_time_ms', 'greater_than', 5000, 'critical', 5, ARRAY['system', 'email']),
    ('5aa50002-0000-4000-8000-000000000003', 'high_error_rate', 'More than one call in twenty fails.',
        'error_rate_percent', 'greater_than', 5, 'warning', 5, ARRAY['system']),
    ('5aa50002-0000-4000-8000-000000000004', 'db_connection_pool_high', 'Database connections are running out.',
        'db_connection_pool_percent', 'greater_than', 80, 'warning', 5, ARRAY['system']);

-- addition: the source promises notification rules and lists none
-- D4.16: the incident types are those of incidents.incident_type. The addresses are placeholders to be replaced.
INSERT INTO saas.notification_rules (
    id, name, description, trigger_conditions, notification_channels, recipients
) VALUES
    ('5aa50003-0000-4000-8000-000000000001', 'Critical Incidents', 'Outages, breaches and database failures.',
        '{"severities": ["critical"], "incident_types": ["service_outage", "security_breach", "database_error"]}',
        ARRAY['email', 'slack'],
        '{"emails": ["admin@example.com"], "slack_channels": ["#incidents-critical"]}'),
    ('5aa50003-0000-4000-8000-000000000002', 'High Priority Incidents', 'Rising errors and slow answers.',
        '{"severities": ["high"], "incident_types": ["api_error", "performance_degradation"]}',
        ARRAY['email', 'slack'],
        '{"emails": ["admin@example.com"], "slack_channels": ["#incidents"]}');
