-- Health checks, metrics, and alerts on metrics.
-- canon-ignore-file L14: nullability is that of the source, see DEVIATIONS.md

CREATE TABLE saas.system_health_checks (
    id               uuid NOT NULL DEFAULT gen_random_uuid(),  -- D4.7: default added
    check_name       text NOT NULL,
    check_type       text NOT NULL,
    status           text NOT NULL,
    response_time_ms integer,
    details          jsonb,
    created_at       timestamptz DEFAULT now(),
    CONSTRAINT pk_system_health_checks PRIMARY KEY (id),
    CONSTRAINT ck_system_health_checks_check_type CHECK (check_type IN (
        'database', 'api', 'integration', 'storage', 'queue'
    )),
    CONSTRAINT ck_system_health_checks_status CHECK (status IN ('healthy', 'degraded', 'unhealthy'))
);
COMMENT ON TABLE saas.system_health_checks IS 'Result of one probe of a part of the system.';
COMMENT ON COLUMN saas.system_health_checks.id IS 'Key of the result.';
COMMENT ON COLUMN saas.system_health_checks.check_name IS 'Name of the probe.';
COMMENT ON COLUMN saas.system_health_checks.check_type IS 'Part probed: database, api, integration, storage or queue.';
COMMENT ON COLUMN saas.system_health_checks.status IS
    'Finding: healthy, degraded or unhealthy; never changed afterwards.';
COMMENT ON COLUMN saas.system_health_checks.response_time_ms IS 'Time until the answer, in milliseconds.';
COMMENT ON COLUMN saas.system_health_checks.details IS 'What else the probe saw.';
COMMENT ON COLUMN saas.system_health_checks.created_at IS 'When the probe was made.';

CREATE TABLE saas.system_metrics (
    id           bigserial NOT NULL,
    metric_name  text NOT NULL,
    metric_value numeric NOT NULL,
    unit         text,
    tags         jsonb DEFAULT '{}',
    created_at   timestamptz DEFAULT now(),
    CONSTRAINT pk_system_metrics PRIMARY KEY (id)
);
COMMENT ON TABLE saas.system_metrics IS 'One measured value of a metric.';
COMMENT ON COLUMN saas.system_metrics.id IS 'Key of the measurement, from a sequence.';
COMMENT ON COLUMN saas.system_metrics.metric_name IS 'Name of the metric; alert_rules refer to it.';
COMMENT ON COLUMN saas.system_metrics.metric_value IS 'The value measured.';
COMMENT ON COLUMN saas.system_metrics.unit IS 'Unit of the value, such as ms or percent.';
COMMENT ON COLUMN saas.system_metrics.tags IS 'Object of labels that tell series of one metric apart.';
COMMENT ON COLUMN saas.system_metrics.created_at IS 'When it was measured.';

-- D4.3: the source refers to columns it never lists; these are the ones such a rule needs.
CREATE TABLE saas.alert_rules (
    id                        uuid NOT NULL DEFAULT gen_random_uuid(),
    rule_name                 text NOT NULL,
    description               text,
    metric_name               text NOT NULL,
    condition                 text NOT NULL,
    threshold                 numeric NOT NULL,
    severity                  text NOT NULL,
    evaluation_window_minutes integer DEFAULT 5,
    cooldown_minutes          integer DEFAULT 15,
    is_active                 boolean DEFAULT true,
    notification_channels     text[] DEFAULT '{system}',
    metadata                  jsonb DEFAULT '{}',
    created_at                timestamptz DEFAULT now(),
    updated_at                timestamptz DEFAULT now(),
    CONSTRAINT pk_alert_rules PRIMARY KEY (id),
    CONSTRAINT uq_alert_rules_rule_name UNIQUE (rule_name),
    CONSTRAINT ck_alert_rules_condition CHECK (condition IN ('greater_than', 'less_than', 'equal', 'not_equal')),
    CONSTRAINT ck_alert_rules_severity CHECK (severity IN ('info', 'warning', 'critical')),
    CONSTRAINT ck_alert_rules_notification_channels
        CHECK (notification_channels <@ ARRAY['email', 'slack', 'webhook', 'system'])
);
COMMENT ON TABLE saas.alert_rules IS 'Threshold on a metric, and how alarm is given when it is crossed.';
COMMENT ON COLUMN saas.alert_rules.id IS 'Key of the rule.';
COMMENT ON COLUMN saas.alert_rules.rule_name IS 'Unique short name.';
COMMENT ON COLUMN saas.alert_rules.description IS 'What crossing the threshold means.';
COMMENT ON COLUMN saas.alert_rules.metric_name IS 'Metric watched, as in system_metrics.metric_name.';
COMMENT ON COLUMN saas.alert_rules.condition IS
    'How value and threshold compare: greater_than, less_than, equal or not_equal.';
COMMENT ON COLUMN saas.alert_rules.threshold IS 'Limit, in the unit of the metric.';
COMMENT ON COLUMN saas.alert_rules.severity IS 'Weight of the alarm: info, warning or critical.';
COMMENT ON COLUMN saas.alert_rules.evaluation_window_minutes IS 'Minutes of measurements looked at.';
COMMENT ON COLUMN saas.alert_rules.cooldown_minutes IS 'Minutes without a second alarm from the same rule.';
COMMENT ON COLUMN saas.alert_rules.is_active IS 'Whether the rule is evaluated.';
COMMENT ON COLUMN saas.alert_rules.notification_channels IS 'Ways to give alarm: email, slack, webhook, system.';
COMMENT ON COLUMN saas.alert_rules.metadata IS 'Further facts, as an object.';
COMMENT ON COLUMN saas.alert_rules.created_at IS 'When the rule was made.';
COMMENT ON COLUMN saas.alert_rules.updated_at IS 'Last change of the row; kept by a trigger.';

-- D4.3: the source refers to columns it never lists; these are the ones such a record needs.
-- canon-ignore L11: the columns are those of the source
CREATE TABLE saas.alert_history (
    id              uuid NOT NULL DEFAULT gen_random_uuid(),
    alert_rule_id   uuid,
    alert_message   text NOT NULL,
    severity        text NOT NULL,
    metric_value    numeric,
    threshold       numeric,
    status          text DEFAULT 'triggered',
    acknowledged_by uuid,
    acknowledged_at timestamptz,
    resolved_at     timestamptz,
    triggered_at    timestamptz DEFAULT now(),
    metadata        jsonb DEFAULT '{}',
    CONSTRAINT pk_alert_history PRIMARY KEY (id),
    CONSTRAINT ck_alert_history_status CHECK (status IN ('triggered', 'acknowledged', 'resolved'))
);
COMMENT ON TABLE saas.alert_history IS 'One alarm given by an alert rule, and what became of it.';
COMMENT ON COLUMN saas.alert_history.id IS 'Key of the alarm.';
COMMENT ON COLUMN saas.alert_history.alert_rule_id IS 'Points at alert_rules.id: the rule that gave alarm.';
COMMENT ON COLUMN saas.alert_history.alert_message IS 'Text shown to people.';
COMMENT ON COLUMN saas.alert_history.severity IS 'Weight, copied from the rule when the alarm was given.';
COMMENT ON COLUMN saas.alert_history.metric_value IS 'Value that crossed the threshold.';
COMMENT ON COLUMN saas.alert_history.threshold IS 'Threshold in force at the time.';
COMMENT ON COLUMN saas.alert_history.status IS 'State of the alarm: triggered, acknowledged or resolved.';
COMMENT ON COLUMN saas.alert_history.acknowledged_by IS 'Points at auth.users.id: the person who took note.';
COMMENT ON COLUMN saas.alert_history.acknowledged_at IS 'When note was taken.';
COMMENT ON COLUMN saas.alert_history.resolved_at IS 'When the alarm was over.';
COMMENT ON COLUMN saas.alert_history.triggered_at IS 'When alarm was given.';
COMMENT ON COLUMN saas.alert_history.metadata IS 'Further facts, as an object.';
