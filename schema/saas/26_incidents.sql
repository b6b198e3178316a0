-- Incidents: the record, who is told, who is called next, and how a change is taken back.
-- canon-ignore-file L14: nullability is that of the source, see DEVIATIONS.md

CREATE TABLE saas.incidents (
    id               uuid NOT NULL DEFAULT gen_random_uuid(),  -- D4.7: default added
    incident_type    text NOT NULL,
    severity         text NOT NULL,
    status           text NOT NULL DEFAULT 'open',
    title            text NOT NULL,
    description      text,
    affected_service text,
    organization_id  uuid,
    user_id          uuid,
    detected_at      timestamptz NOT NULL DEFAULT now(),
    resolved_at      timestamptz,
    metadata         jsonb DEFAULT '{}',
    error_details    jsonb,
    stack_trace      text,
    auto_created     boolean DEFAULT true,
    assigned_to      uuid,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_incidents PRIMARY KEY (id),
    -- D4.16: the values of the source stand, in all three lists
    CONSTRAINT ck_incidents_incident_type CHECK (incident_type IN (
        'api_error', 'database_error', 'security_breach', 'performance_degradation', 'service_outage'
    )),
    CONSTRAINT ck_incidents_severity CHECK (severity IN ('low', 'medium', 'high', 'critical')),
    CONSTRAINT ck_incidents_status CHECK (status IN ('open', 'investigating', 'resolved', 'closed'))
);
COMMENT ON TABLE saas.incidents IS 'A disturbance of the platform or of one tenant.';
COMMENT ON COLUMN saas.incidents.id IS 'Key of the incident.';
COMMENT ON COLUMN saas.incidents.incident_type IS 'What is disturbed, such as database_error or service_outage.';
COMMENT ON COLUMN saas.incidents.severity IS 'Weight, rising: low, medium, high, critical.';
COMMENT ON COLUMN saas.incidents.status IS 'State of the work: open, investigating, resolved or closed.';
COMMENT ON COLUMN saas.incidents.title IS 'Headline.';
COMMENT ON COLUMN saas.incidents.description IS 'What is known, for people.';
COMMENT ON COLUMN saas.incidents.affected_service IS 'Service that suffers; an open list.';
COMMENT ON COLUMN saas.incidents.organization_id IS
    'Points at organizations.id: the tenant concerned; NULL for the platform.';
COMMENT ON COLUMN saas.incidents.user_id IS 'Points at auth.users.id: the person concerned or who reported it.';
COMMENT ON COLUMN saas.incidents.detected_at IS 'When the disturbance was noticed.';
COMMENT ON COLUMN saas.incidents.resolved_at IS 'When it was over; set on entering resolved or closed.';
COMMENT ON COLUMN saas.incidents.metadata IS 'Further facts, as an object.';
COMMENT ON COLUMN saas.incidents.error_details IS 'The error as the program reported it.';
COMMENT ON COLUMN saas.incidents.stack_trace IS 'Call stack at the error.';
COMMENT ON COLUMN saas.incidents.auto_created IS 'Whether a program opened it; false where a person did.';
COMMENT ON COLUMN saas.incidents.assigned_to IS 'Points at auth.users.id: the person at work on it.';
COMMENT ON COLUMN saas.incidents.created_at IS 'When the incident was recorded.';
COMMENT ON COLUMN saas.incidents.updated_at IS 'Last change of the row; kept by a trigger.';

-- canon-ignore L19: the source gives the column to some tables only; policies will go by the parent row (D4.5)
CREATE TABLE saas.incident_actions (
    id          bigserial NOT NULL,
    incident_id uuid NOT NULL,
    action_type text NOT NULL,
    actor_id    uuid,
    actor_type  text DEFAULT 'system',
    description text NOT NULL,
    metadata    jsonb DEFAULT '{}',
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_incident_actions PRIMARY KEY (id),
    CONSTRAINT ck_incident_actions_action_type CHECK (action_type IN (
        'notification_sent', 'escalated', 'assigned', 'status_changed', 'comment_added', 'rollback_triggered'
    ))
);
COMMENT ON TABLE saas.incident_actions IS 'What was done about an incident, in order.';
COMMENT ON COLUMN saas.incident_actions.id IS 'Key of the action, from a sequence.';
COMMENT ON COLUMN saas.incident_actions.incident_id IS 'Points at incidents.id: the incident acted on.';
COMMENT ON COLUMN saas.incident_actions.action_type IS 'Kind of action, such as escalated or status_changed.';
COMMENT ON COLUMN saas.incident_actions.actor_id IS 'Points at auth.users.id: the person who acted; NULL for programs.';
COMMENT ON COLUMN saas.incident_actions.actor_type IS 'What acted, a person or a program; an open list.';
COMMENT ON COLUMN saas.incident_actions.description IS 'The action in a sentence, for people.';
COMMENT ON COLUMN saas.incident_actions.metadata IS 'Further facts, as an object.';
COMMENT ON COLUMN saas.incident_actions.created_at IS 'When the action was taken.';

-- D4.3: the source refers to columns it never lists; these are the ones such a rule needs.
CREATE TABLE saas.notification_rules (
    id                    uuid NOT NULL DEFAULT gen_random_uuid(),
    name                  text NOT NULL,
    description           text,
    is_active             boolean DEFAULT true,
    trigger_conditions    jsonb NOT NULL,
    notification_channels text[] NOT NULL,
    recipients            jsonb NOT NULL,
    delay_seconds         integer DEFAULT 0,
    cooldown_minutes      integer DEFAULT 60,
    organization_id       uuid,
    created_by            uuid,
    created_at            timestamptz NOT NULL DEFAULT now(),
    updated_at            timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_notification_rules PRIMARY KEY (id),
    CONSTRAINT ck_notification_rules_trigger_conditions CHECK (jsonb_typeof(trigger_conditions) = 'object'),
    CONSTRAINT ck_notification_rules_notification_channels
        CHECK (notification_channels <@ ARRAY['email', 'slack', 'telegram', 'webhook', 'in_app']),
    CONSTRAINT ck_notification_rules_recipients CHECK (jsonb_typeof(recipients) = 'object')
);
COMMENT ON TABLE saas.notification_rules IS 'Which incidents are reported to whom, and by which channel.';
COMMENT ON COLUMN saas.notification_rules.id IS 'Key of the rule.';
COMMENT ON COLUMN saas.notification_rules.name IS 'Title of the rule.';
COMMENT ON COLUMN saas.notification_rules.description IS 'What the rule is for.';
COMMENT ON COLUMN saas.notification_rules.is_active IS 'Whether the rule is applied.';
COMMENT ON COLUMN saas.notification_rules.trigger_conditions IS
    'Object of arrays: incident_types, severities, affected_services.';
COMMENT ON COLUMN saas.notification_rules.notification_channels IS
    'Ways to report: email, slack, telegram, webhook, in_app.';
COMMENT ON COLUMN saas.notification_rules.recipients IS
    'Object of arrays: emails, slack_channels, telegram_chats, webhooks.';
COMMENT ON COLUMN saas.notification_rules.delay_seconds IS 'Seconds to wait before the first report.';
COMMENT ON COLUMN saas.notification_rules.cooldown_minutes IS
    'Minutes without a second report for the same type of incident.';
COMMENT ON COLUMN saas.notification_rules.organization_id IS
    'Points at organizations.id: the tenant the rule is for; NULL for the platform.';
COMMENT ON COLUMN saas.notification_rules.created_by IS 'Points at auth.users.id: the author; NULL for default rules.';
COMMENT ON COLUMN saas.notification_rules.created_at IS 'When the rule was made.';
COMMENT ON COLUMN saas.notification_rules.updated_at IS 'Last change of the row; kept by a trigger.';

-- canon-ignore L19: the source gives the column to some tables only; policies will go by the parent row (D4.5)
CREATE TABLE saas.notification_logs (
    id            bigserial NOT NULL,
    incident_id   uuid NOT NULL,
    rule_id       uuid,
    channel       text NOT NULL,
    recipient     text NOT NULL,
    status        text NOT NULL DEFAULT 'pending',
    message       text NOT NULL,
    sent_at       timestamptz,
    error_message text,
    retry_count   integer DEFAULT 0,
    created_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_notification_logs PRIMARY KEY (id),
    -- addition: the source names only the default
    CONSTRAINT ck_notification_logs_status CHECK (status IN ('pending', 'sent', 'failed', 'delivered'))
);
COMMENT ON TABLE saas.notification_logs IS 'One report sent, or to be sent, about an incident.';
COMMENT ON COLUMN saas.notification_logs.id IS 'Key of the report, from a sequence.';
COMMENT ON COLUMN saas.notification_logs.incident_id IS 'Points at incidents.id: the incident reported.';
COMMENT ON COLUMN saas.notification_logs.rule_id IS
    'Points at notification_rules.id: the rule that asked for it; emptied when the rule is removed.';
COMMENT ON COLUMN saas.notification_logs.channel IS 'Way it is sent; normally one of the channels of the rule.';
COMMENT ON COLUMN saas.notification_logs.recipient IS 'Address, channel or chat it goes to.';
COMMENT ON COLUMN saas.notification_logs.status IS 'State of the report: pending, sent, delivered or failed.';
COMMENT ON COLUMN saas.notification_logs.message IS 'Text that is sent.';
COMMENT ON COLUMN saas.notification_logs.sent_at IS 'When it was handed over to the channel.';
COMMENT ON COLUMN saas.notification_logs.error_message IS 'Why sending failed.';
COMMENT ON COLUMN saas.notification_logs.retry_count IS 'Tries after the first one.';
COMMENT ON COLUMN saas.notification_logs.created_at IS 'When the report was queued.';

CREATE TABLE saas.escalation_rules (
    id                       uuid NOT NULL DEFAULT gen_random_uuid(),  -- D4.7: default added
    name                     text NOT NULL,
    description              text,
    is_active                boolean DEFAULT true,
    trigger_conditions       jsonb NOT NULL,
    escalation_delay_minutes integer NOT NULL DEFAULT 30,
    escalate_to_role         text,
    escalate_to_users        uuid[],
    notification_channels    text[],
    organization_id          uuid,
    created_at               timestamptz NOT NULL DEFAULT now(),
    updated_at               timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_escalation_rules PRIMARY KEY (id)
);
COMMENT ON TABLE saas.escalation_rules IS 'When and to whom an incident is passed on if nobody deals with it.';
COMMENT ON COLUMN saas.escalation_rules.id IS 'Key of the rule.';
COMMENT ON COLUMN saas.escalation_rules.name IS 'Title of the rule.';
COMMENT ON COLUMN saas.escalation_rules.description IS 'What the rule is for.';
COMMENT ON COLUMN saas.escalation_rules.is_active IS 'Whether the rule is applied.';
COMMENT ON COLUMN saas.escalation_rules.trigger_conditions IS 'Object that says which incidents the rule covers.';
COMMENT ON COLUMN saas.escalation_rules.escalation_delay_minutes IS
    'Minutes after detection before the incident is passed on.';
COMMENT ON COLUMN saas.escalation_rules.escalate_to_role IS 'Role in profiles.role that takes over.';
COMMENT ON COLUMN saas.escalation_rules.escalate_to_users IS
    'Logins that take over, as ids of auth.users; not checked.';
COMMENT ON COLUMN saas.escalation_rules.notification_channels IS 'Ways to tell them; an open list.';
COMMENT ON COLUMN saas.escalation_rules.organization_id IS
    'Points at organizations.id: the tenant the rule is for; NULL for the platform.';
COMMENT ON COLUMN saas.escalation_rules.created_at IS 'When the rule was made.';
COMMENT ON COLUMN saas.escalation_rules.updated_at IS 'Last change of the row; kept by a trigger.';

CREATE TABLE saas.rollback_procedures (
    id                     uuid NOT NULL DEFAULT gen_random_uuid(),  -- D4.7: default added
    name                   text NOT NULL,
    description            text,
    trigger_incident_types text[],
    rollback_steps         jsonb NOT NULL,
    requires_approval      boolean DEFAULT true,
    is_active              boolean DEFAULT true,
    last_tested_at         timestamptz,
    test_success           boolean,
    created_by             uuid,
    created_at             timestamptz NOT NULL DEFAULT now(),
    updated_at             timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_rollback_procedures PRIMARY KEY (id)
);
COMMENT ON TABLE saas.rollback_procedures IS 'A prepared way to take a change back when an incident calls for it.';
COMMENT ON COLUMN saas.rollback_procedures.id IS 'Key of the procedure.';
COMMENT ON COLUMN saas.rollback_procedures.name IS 'Title of the procedure.';
COMMENT ON COLUMN saas.rollback_procedures.description IS 'What it restores.';
COMMENT ON COLUMN saas.rollback_procedures.trigger_incident_types IS
    'Values of incidents.incident_type it is meant for; not checked.';
COMMENT ON COLUMN saas.rollback_procedures.rollback_steps IS 'The ordered steps.';
COMMENT ON COLUMN saas.rollback_procedures.requires_approval IS 'Whether a person must approve before it runs.';
COMMENT ON COLUMN saas.rollback_procedures.is_active IS 'Whether it may be used.';
COMMENT ON COLUMN saas.rollback_procedures.last_tested_at IS 'When it was last rehearsed.';
COMMENT ON COLUMN saas.rollback_procedures.test_success IS 'Whether the rehearsal worked; NULL before the first one.';
COMMENT ON COLUMN saas.rollback_procedures.created_by IS 'Points at auth.users.id: the author.';
COMMENT ON COLUMN saas.rollback_procedures.created_at IS 'When the procedure was written.';
COMMENT ON COLUMN saas.rollback_procedures.updated_at IS 'Last change of the row; kept by a trigger.';

-- canon-ignore L19: the source gives the column to some tables only; policies will go by the parent row (D4.5)
CREATE TABLE saas.rollback_executions (
    id             uuid NOT NULL DEFAULT gen_random_uuid(),  -- D4.7: default added
    procedure_id   uuid NOT NULL,
    incident_id    uuid NOT NULL,
    status         text NOT NULL DEFAULT 'pending',
    approved_by    uuid,
    approved_at    timestamptz,
    started_at     timestamptz,
    completed_at   timestamptz,
    result_summary jsonb,
    error_message  text,
    created_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_rollback_executions PRIMARY KEY (id),
    -- addition: the source names only the default
    CONSTRAINT ck_rollback_executions_status CHECK (status IN (
        'pending', 'executing', 'success', 'failed', 'rolled_back'
    ))
);
COMMENT ON TABLE saas.rollback_executions IS 'One use of a rollback procedure on an incident.';
COMMENT ON COLUMN saas.rollback_executions.id IS 'Key of the use.';
COMMENT ON COLUMN saas.rollback_executions.procedure_id IS
    'Points at rollback_procedures.id: what is run; a used procedure cannot be deleted.';
COMMENT ON COLUMN saas.rollback_executions.incident_id IS 'Points at incidents.id: the incident that called for it.';
COMMENT ON COLUMN saas.rollback_executions.status IS
    'State of the use: pending, executing, success, failed or rolled_back.';
COMMENT ON COLUMN saas.rollback_executions.approved_by IS 'Points at auth.users.id: the person who approved it.';
COMMENT ON COLUMN saas.rollback_executions.approved_at IS 'When it was approved.';
COMMENT ON COLUMN saas.rollback_executions.started_at IS 'When the first step began.';
COMMENT ON COLUMN saas.rollback_executions.completed_at IS 'When the last step ended.';
COMMENT ON COLUMN saas.rollback_executions.result_summary IS 'What came of it.';
COMMENT ON COLUMN saas.rollback_executions.error_message IS 'Why it failed or was refused.';
COMMENT ON COLUMN saas.rollback_executions.created_at IS 'When the use was proposed.';
