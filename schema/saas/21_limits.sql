-- Rate limits and quotas.
--
-- Two models live side by side (D4.9). Model A: api_rate_limits, quota_policies, organization_quota_overrides,
-- quota_alerts, api_usage_statistics. Model B: rate_limit_config, rate_limit_tracking, rate_limit_quota_usage.
-- canon-ignore-file L14: nullability is that of the source, see DEVIATIONS.md

CREATE TABLE saas.api_rate_limits (
    id                      bigserial NOT NULL,
    organization_id         uuid NOT NULL,
    user_id                 uuid,
    endpoint                text NOT NULL,
    request_count           integer NOT NULL DEFAULT 1,
    window_start            timestamptz NOT NULL DEFAULT now(),
    window_duration_minutes integer NOT NULL DEFAULT 60,
    -- D4.1: interval arithmetic on timestamptz is only STABLE; fixing the zone to UTC makes it IMMUTABLE
    window_end              timestamptz GENERATED ALWAYS AS (
        ((window_start AT TIME ZONE 'UTC' + make_interval(mins => window_duration_minutes)) AT TIME ZONE 'UTC')
    ) STORED,
    created_at              timestamptz NOT NULL DEFAULT now(),
    updated_at              timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_api_rate_limits PRIMARY KEY (id)
);
COMMENT ON TABLE saas.api_rate_limits IS
    'Request counters of model A: one row for a caller, an endpoint and a time window.';
COMMENT ON COLUMN saas.api_rate_limits.id IS 'Key of the counter, from a sequence.';
COMMENT ON COLUMN saas.api_rate_limits.organization_id IS
    'Points at organizations.id: the tenant whose requests are counted.';
COMMENT ON COLUMN saas.api_rate_limits.user_id IS
    'Points at auth.users.id; NULL where the counter is for the whole organisation.';
COMMENT ON COLUMN saas.api_rate_limits.endpoint IS 'Path of the endpoint the requests went to.';
COMMENT ON COLUMN saas.api_rate_limits.request_count IS 'Requests seen in the window so far.';
COMMENT ON COLUMN saas.api_rate_limits.window_start IS 'First instant of the window.';
COMMENT ON COLUMN saas.api_rate_limits.window_duration_minutes IS 'Length of the window in minutes.';
COMMENT ON COLUMN saas.api_rate_limits.window_end IS 'First instant after the window; computed, never written.';
COMMENT ON COLUMN saas.api_rate_limits.created_at IS 'When the counter was opened.';
COMMENT ON COLUMN saas.api_rate_limits.updated_at IS 'Last change of the row; kept by a trigger.';

CREATE TABLE saas.quota_policies (
    id                     uuid NOT NULL DEFAULT gen_random_uuid(),  -- D4.7: default added
    policy_name            text NOT NULL,
    description            text,
    endpoint_pattern       text NOT NULL,
    max_requests_per_hour  integer NOT NULL DEFAULT 1000,
    max_requests_per_day   integer NOT NULL DEFAULT 10000,
    max_requests_per_month integer NOT NULL DEFAULT 100000,
    is_active              boolean NOT NULL DEFAULT true,
    applies_to_role        text,
    created_at             timestamptz NOT NULL DEFAULT now(),
    updated_at             timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_quota_policies PRIMARY KEY (id),
    CONSTRAINT uq_quota_policies_policy_name UNIQUE (policy_name)
);
COMMENT ON TABLE saas.quota_policies IS 'Request quotas for a group of endpoints, optionally for one role only.';
COMMENT ON COLUMN saas.quota_policies.id IS 'Key of the policy.';
COMMENT ON COLUMN saas.quota_policies.policy_name IS 'Unique short name; quota_alerts quotes it.';
COMMENT ON COLUMN saas.quota_policies.description IS 'What the policy protects.';
COMMENT ON COLUMN saas.quota_policies.endpoint_pattern IS 'LIKE pattern the path of a request is compared with.';
COMMENT ON COLUMN saas.quota_policies.max_requests_per_hour IS 'Requests allowed in an hour.';
COMMENT ON COLUMN saas.quota_policies.max_requests_per_day IS 'Requests allowed in a day.';
COMMENT ON COLUMN saas.quota_policies.max_requests_per_month IS 'Requests allowed in a month.';
COMMENT ON COLUMN saas.quota_policies.is_active IS 'Whether the policy is applied.';
COMMENT ON COLUMN saas.quota_policies.applies_to_role IS
    'Role in profiles.role the policy is for; NULL means everyone.';
COMMENT ON COLUMN saas.quota_policies.created_at IS 'When the policy was made.';
COMMENT ON COLUMN saas.quota_policies.updated_at IS 'Last change of the row; kept by a trigger.';

CREATE TABLE saas.organization_quota_overrides (
    id                     uuid NOT NULL DEFAULT gen_random_uuid(),  -- D4.7: default added
    organization_id        uuid NOT NULL,
    policy_id              uuid NOT NULL,
    max_requests_per_hour  integer,
    max_requests_per_day   integer,
    max_requests_per_month integer,
    reason                 text,
    created_by             uuid,
    created_at             timestamptz NOT NULL DEFAULT now(),
    expires_at             timestamptz,
    CONSTRAINT pk_organization_quota_overrides PRIMARY KEY (id),
    CONSTRAINT uq_organization_quota_overrides_organization_id_policy_id UNIQUE (organization_id, policy_id)
);
COMMENT ON TABLE saas.organization_quota_overrides IS 'Other limits than the policy''s own, for one organisation.';
COMMENT ON COLUMN saas.organization_quota_overrides.id IS 'Key of the override.';
COMMENT ON COLUMN saas.organization_quota_overrides.organization_id IS
    'Points at organizations.id: the tenant with the special limits.';
COMMENT ON COLUMN saas.organization_quota_overrides.policy_id IS
    'Points at quota_policies.id: the policy whose limits are replaced.';
COMMENT ON COLUMN saas.organization_quota_overrides.max_requests_per_hour IS
    'Replaces the hourly limit; NULL keeps that of the policy.';
COMMENT ON COLUMN saas.organization_quota_overrides.max_requests_per_day IS
    'Replaces the daily limit; NULL keeps that of the policy.';
COMMENT ON COLUMN saas.organization_quota_overrides.max_requests_per_month IS
    'Replaces the monthly limit; NULL keeps that of the policy.';
COMMENT ON COLUMN saas.organization_quota_overrides.reason IS 'Why the organisation was given other limits.';
COMMENT ON COLUMN saas.organization_quota_overrides.created_by IS
    'Points at auth.users.id: the person who granted the override.';
COMMENT ON COLUMN saas.organization_quota_overrides.created_at IS 'When the override was granted.';
COMMENT ON COLUMN saas.organization_quota_overrides.expires_at IS 'When the override ends; NULL means it does not.';

CREATE TABLE saas.quota_alerts (
    id              bigserial NOT NULL,
    organization_id uuid NOT NULL,
    user_id         uuid,
    alert_type      text NOT NULL,
    policy_name     text NOT NULL,
    current_usage   integer NOT NULL,
    limit_value     integer NOT NULL,
    -- D4.11: numeric(5,2) overflows above 999.99 percent
    percentage_used numeric(9,2),
    message         text NOT NULL,
    is_acknowledged boolean NOT NULL DEFAULT false,
    acknowledged_by uuid,
    acknowledged_at timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_quota_alerts PRIMARY KEY (id),
    CONSTRAINT ck_quota_alerts_alert_type CHECK (alert_type IN ('warning', 'critical', 'exceeded'))
);
COMMENT ON TABLE saas.quota_alerts IS 'Notice that an organisation came close to a quota or went past it.';
COMMENT ON COLUMN saas.quota_alerts.id IS 'Key of the notice, from a sequence.';
COMMENT ON COLUMN saas.quota_alerts.organization_id IS 'Points at organizations.id: the tenant whose usage rose.';
COMMENT ON COLUMN saas.quota_alerts.user_id IS 'Points at auth.users.id: the caller, where one person caused it.';
COMMENT ON COLUMN saas.quota_alerts.alert_type IS 'How far usage went: warning, critical or exceeded.';
COMMENT ON COLUMN saas.quota_alerts.policy_name IS
    'Name of the policy at the time; no foreign key, so that the notice outlives the policy.';
COMMENT ON COLUMN saas.quota_alerts.current_usage IS 'Requests counted when the notice was written.';
COMMENT ON COLUMN saas.quota_alerts.limit_value IS 'Limit in force when the notice was written.';
COMMENT ON COLUMN saas.quota_alerts.percentage_used IS
    'Usage as a percentage of the limit; above 100 once the limit is passed.';
COMMENT ON COLUMN saas.quota_alerts.message IS 'Text shown to people.';
COMMENT ON COLUMN saas.quota_alerts.is_acknowledged IS 'Whether somebody has taken note.';
COMMENT ON COLUMN saas.quota_alerts.acknowledged_by IS 'Points at auth.users.id: the person who took note.';
COMMENT ON COLUMN saas.quota_alerts.acknowledged_at IS 'When note was taken.';
COMMENT ON COLUMN saas.quota_alerts.created_at IS 'When the notice was written.';

-- D4.8: one row a day, not one a request; canon.record_api_usage() and the background worker fill it.
CREATE TABLE saas.api_usage_statistics (
    id                       bigserial NOT NULL,
    organization_id          uuid NOT NULL,
    user_id                  uuid,
    endpoint                 text NOT NULL,
    date                     date NOT NULL,
    total_requests           integer NOT NULL DEFAULT 0,
    successful_requests      integer NOT NULL DEFAULT 0,
    failed_requests          integer NOT NULL DEFAULT 0,
    average_response_time_ms numeric(10,2),
    p95_response_time_ms     numeric(10,2),
    p99_response_time_ms     numeric(10,2),
    created_at               timestamptz NOT NULL DEFAULT now(),
    updated_at               timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_api_usage_statistics PRIMARY KEY (id)
);
COMMENT ON TABLE saas.api_usage_statistics IS 'API calls of a caller to an endpoint, summed up by day.';
COMMENT ON COLUMN saas.api_usage_statistics.id IS 'Key of the daily row, from a sequence.';
COMMENT ON COLUMN saas.api_usage_statistics.organization_id IS 'Points at organizations.id: the tenant that called.';
COMMENT ON COLUMN saas.api_usage_statistics.user_id IS 'Points at auth.users.id: the caller; NULL where unknown.';
COMMENT ON COLUMN saas.api_usage_statistics.endpoint IS 'Path of the endpoint called.';
COMMENT ON COLUMN saas.api_usage_statistics.date IS 'Calendar day the figures belong to.';
COMMENT ON COLUMN saas.api_usage_statistics.total_requests IS 'Calls of the day.';
COMMENT ON COLUMN saas.api_usage_statistics.successful_requests IS 'Calls answered without an error.';
COMMENT ON COLUMN saas.api_usage_statistics.failed_requests IS 'Calls answered with an error (status 400 or above).';
COMMENT ON COLUMN saas.api_usage_statistics.average_response_time_ms IS 'Mean answer time in milliseconds.';
COMMENT ON COLUMN saas.api_usage_statistics.p95_response_time_ms IS
    '95th percentile of the answer time in milliseconds.';
COMMENT ON COLUMN saas.api_usage_statistics.p99_response_time_ms IS
    '99th percentile of the answer time in milliseconds.';
COMMENT ON COLUMN saas.api_usage_statistics.created_at IS 'When the first call of the day was counted.';
COMMENT ON COLUMN saas.api_usage_statistics.updated_at IS 'Last change of the row; kept by a trigger.';

CREATE TABLE saas.rate_limit_config (
    id               uuid NOT NULL DEFAULT gen_random_uuid(),  -- D4.7: default added
    organization_id  uuid NOT NULL,
    resource_type    text NOT NULL,
    endpoint_pattern text,
    max_requests     integer NOT NULL DEFAULT 1000,
    window_seconds   integer NOT NULL DEFAULT 3600,
    quota_monthly    integer,
    enabled          boolean DEFAULT true,
    created_at       timestamptz DEFAULT now(),
    updated_at       timestamptz DEFAULT now(),
    CONSTRAINT pk_rate_limit_config PRIMARY KEY (id),
    -- D4.12: a NULL pattern counts as equal, else duplicates pass and ON CONFLICT never fires
    CONSTRAINT uq_rl_config_organization_id_resource_type_endpoint_pattern
        UNIQUE NULLS NOT DISTINCT (organization_id, resource_type, endpoint_pattern)
);
COMMENT ON TABLE saas.rate_limit_config IS 'Limits of model B: what one organisation may do with a kind of resource.';
COMMENT ON COLUMN saas.rate_limit_config.id IS 'Key of the configuration.';
COMMENT ON COLUMN saas.rate_limit_config.organization_id IS 'Points at organizations.id: the tenant the limit is for.';
COMMENT ON COLUMN saas.rate_limit_config.resource_type IS
    'Kind of resource limited, for example api_call; an open list.';
COMMENT ON COLUMN saas.rate_limit_config.endpoint_pattern IS
    'Pattern of the endpoints concerned; NULL means all of the resource type.';
COMMENT ON COLUMN saas.rate_limit_config.max_requests IS 'Requests allowed in one window.';
COMMENT ON COLUMN saas.rate_limit_config.window_seconds IS 'Length of the sliding window in seconds.';
COMMENT ON COLUMN saas.rate_limit_config.quota_monthly IS
    'Requests allowed in a calendar month; NULL means no monthly quota.';
COMMENT ON COLUMN saas.rate_limit_config.enabled IS 'Whether the limit is applied.';
COMMENT ON COLUMN saas.rate_limit_config.created_at IS 'When the limit was set up.';
COMMENT ON COLUMN saas.rate_limit_config.updated_at IS 'Last change of the row; kept by a trigger.';

CREATE TABLE saas.rate_limit_tracking (
    id                bigserial NOT NULL,
    organization_id   uuid NOT NULL,
    user_id           uuid,
    resource_type     text NOT NULL,
    endpoint          text NOT NULL,
    request_timestamp timestamptz DEFAULT now(),
    response_status   integer,
    rate_limited      boolean DEFAULT false,
    metadata          jsonb DEFAULT '{}',
    created_at        timestamptz DEFAULT now(),
    CONSTRAINT pk_rate_limit_tracking PRIMARY KEY (id)
);
COMMENT ON TABLE saas.rate_limit_tracking IS 'Requests seen by model B, one row each; the sliding window counts them.';
COMMENT ON COLUMN saas.rate_limit_tracking.id IS 'Key of the request, from a sequence.';
COMMENT ON COLUMN saas.rate_limit_tracking.organization_id IS 'Points at organizations.id: the tenant that asked.';
COMMENT ON COLUMN saas.rate_limit_tracking.user_id IS 'Points at auth.users.id: the caller; NULL where unknown.';
COMMENT ON COLUMN saas.rate_limit_tracking.resource_type IS
    'Kind of resource asked for; matches rate_limit_config.resource_type.';
COMMENT ON COLUMN saas.rate_limit_tracking.endpoint IS 'Path of the endpoint asked for.';
COMMENT ON COLUMN saas.rate_limit_tracking.request_timestamp IS
    'When the request came in; the sliding window goes by this time.';
COMMENT ON COLUMN saas.rate_limit_tracking.response_status IS 'HTTP status of the answer.';
COMMENT ON COLUMN saas.rate_limit_tracking.rate_limited IS 'Whether the request was turned away by a limit.';
COMMENT ON COLUMN saas.rate_limit_tracking.metadata IS 'Further facts about the request, as an object.';
COMMENT ON COLUMN saas.rate_limit_tracking.created_at IS 'When the row was written.';

-- canon-ignore L11: the columns are those of the source
CREATE TABLE saas.rate_limit_quota_usage (
    id                 uuid NOT NULL DEFAULT gen_random_uuid(),  -- D4.7: default added
    organization_id    uuid NOT NULL,
    resource_type      text NOT NULL,
    year               integer NOT NULL,
    month              integer NOT NULL,
    request_count      integer DEFAULT 0,
    rate_limited_count integer DEFAULT 0,
    last_updated       timestamptz DEFAULT now(),
    CONSTRAINT pk_rate_limit_quota_usage PRIMARY KEY (id),
    CONSTRAINT uq_rl_quota_usage_organization_id_resource_type_year_month
        UNIQUE (organization_id, resource_type, year, month)
);
COMMENT ON TABLE saas.rate_limit_quota_usage IS 'Monthly counters of model B for a kind of resource.';
COMMENT ON COLUMN saas.rate_limit_quota_usage.id IS 'Key of the counter.';
COMMENT ON COLUMN saas.rate_limit_quota_usage.organization_id IS 'Points at organizations.id: the tenant counted.';
COMMENT ON COLUMN saas.rate_limit_quota_usage.resource_type IS
    'Kind of resource counted; matches rate_limit_config.resource_type.';
COMMENT ON COLUMN saas.rate_limit_quota_usage.year IS 'Calendar year, four digits.';
COMMENT ON COLUMN saas.rate_limit_quota_usage.month IS 'Calendar month, 1 to 12.';
COMMENT ON COLUMN saas.rate_limit_quota_usage.request_count IS 'Requests of the month, refused ones included.';
COMMENT ON COLUMN saas.rate_limit_quota_usage.rate_limited_count IS 'Requests of the month that were turned away.';
COMMENT ON COLUMN saas.rate_limit_quota_usage.last_updated IS 'Last change of the counter; kept by a trigger.';
