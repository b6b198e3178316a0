-- Automation agents and connections to other systems.
-- canon-ignore-file L14: nullability is that of the source, see DEVIATIONS.md

CREATE TABLE saas.automation_agents (
    id            uuid NOT NULL DEFAULT gen_random_uuid(),  -- D4.7: default added
    name          text NOT NULL,
    type          text NOT NULL,
    description   text NOT NULL,
    is_active     boolean NOT NULL DEFAULT false,
    configuration jsonb NOT NULL DEFAULT '{}',
    status        text NOT NULL DEFAULT 'idle',
    last_run_at   timestamptz,
    last_error    text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_automation_agents PRIMARY KEY (id),
    CONSTRAINT ck_automation_agents_type CHECK (type IN (
        'health_monitor', 'payment_revenue', 'support_ticket', 'user_engagement', 'security_watcher'
    )),
    -- addition: the source names only the default
    CONSTRAINT ck_automation_agents_status CHECK (status IN ('idle', 'running', 'error'))
);
COMMENT ON TABLE saas.automation_agents IS 'A background worker of the platform that watches or tidies one area.';
COMMENT ON COLUMN saas.automation_agents.id IS 'Key of the worker.';
COMMENT ON COLUMN saas.automation_agents.name IS 'Display name.';
COMMENT ON COLUMN saas.automation_agents.type IS
    'Area the worker looks after, such as health_monitor or security_watcher.';
COMMENT ON COLUMN saas.automation_agents.description IS 'What the worker does, for people.';
COMMENT ON COLUMN saas.automation_agents.is_active IS 'Whether the worker may run.';
COMMENT ON COLUMN saas.automation_agents.configuration IS 'Object with the settings of the worker.';
COMMENT ON COLUMN saas.automation_agents.status IS 'What it is doing: idle, running or error.';
COMMENT ON COLUMN saas.automation_agents.last_run_at IS 'Start of its latest run.';
COMMENT ON COLUMN saas.automation_agents.last_error IS 'Message of its latest failure.';
COMMENT ON COLUMN saas.automation_agents.created_at IS 'When the worker was set up.';
COMMENT ON COLUMN saas.automation_agents.updated_at IS 'Last change of the row; kept by a trigger.';

CREATE TABLE saas.agent_execution_logs (
    id              bigserial NOT NULL,
    agent_id        uuid NOT NULL,
    execution_start timestamptz NOT NULL DEFAULT now(),
    execution_end   timestamptz,
    status          text NOT NULL,
    result_summary  jsonb,
    error_details   text,
    actions_taken   jsonb DEFAULT '[]',
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_agent_execution_logs PRIMARY KEY (id),
    -- addition: the source names no values
    CONSTRAINT ck_agent_execution_logs_status CHECK (status IN ('running', 'success', 'error', 'partial'))
);
COMMENT ON TABLE saas.agent_execution_logs IS 'One run of an automation agent.';
COMMENT ON COLUMN saas.agent_execution_logs.id IS 'Key of the run, from a sequence.';
COMMENT ON COLUMN saas.agent_execution_logs.agent_id IS 'Points at automation_agents.id: the worker that ran.';
COMMENT ON COLUMN saas.agent_execution_logs.execution_start IS 'When the run began.';
COMMENT ON COLUMN saas.agent_execution_logs.execution_end IS 'When the run ended; NULL while it runs.';
COMMENT ON COLUMN saas.agent_execution_logs.status IS 'State of the run: running, then success, error or partial.';
COMMENT ON COLUMN saas.agent_execution_logs.result_summary IS 'What the run found or did.';
COMMENT ON COLUMN saas.agent_execution_logs.error_details IS 'Why the run failed.';
COMMENT ON COLUMN saas.agent_execution_logs.actions_taken IS 'Array of the single actions of the run.';
COMMENT ON COLUMN saas.agent_execution_logs.created_at IS 'When the row was written.';

CREATE TABLE saas.integrations (
    id              uuid NOT NULL DEFAULT gen_random_uuid(),  -- D4.7: default added
    organization_id uuid NOT NULL,
    name            text NOT NULL,
    type            text NOT NULL,
    status          text NOT NULL DEFAULT 'active',
    configuration   jsonb DEFAULT '{}',
    credentials     jsonb DEFAULT '{}',
    last_sync_at    timestamptz,
    last_error      text,
    is_active       boolean DEFAULT true,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_integrations PRIMARY KEY (id),
    CONSTRAINT ck_integrations_type CHECK (type IN (
        'email', 'calendar', 'crm', 'payment', 'messaging', 'analytics', 'custom'
    )),
    -- addition: the source names only the default
    CONSTRAINT ck_integrations_status CHECK (status IN ('active', 'inactive', 'error', 'rate_limited'))
);
COMMENT ON TABLE saas.integrations IS 'A connection of one organisation to an outside service.';
COMMENT ON COLUMN saas.integrations.id IS 'Key of the connection.';
COMMENT ON COLUMN saas.integrations.organization_id IS 'Points at organizations.id: the tenant that is connected.';
COMMENT ON COLUMN saas.integrations.name IS 'Display name.';
COMMENT ON COLUMN saas.integrations.type IS 'Kind of service, such as calendar, payment or messaging.';
COMMENT ON COLUMN saas.integrations.status IS 'Condition of the connection: active, inactive, error or rate_limited.';
COMMENT ON COLUMN saas.integrations.configuration IS 'Object with settings that are not secret.';
COMMENT ON COLUMN saas.integrations.credentials IS 'Object with secrets; the application should store them encrypted.';
COMMENT ON COLUMN saas.integrations.last_sync_at IS 'When data was last exchanged.';
COMMENT ON COLUMN saas.integrations.last_error IS 'Message of the latest failure.';
COMMENT ON COLUMN saas.integrations.is_active IS 'Whether the organisation wants the connection in use.';
COMMENT ON COLUMN saas.integrations.created_at IS 'When the connection was set up.';
COMMENT ON COLUMN saas.integrations.updated_at IS 'Last change of the row; kept by a trigger.';

CREATE TABLE saas.api_integrations (
    id            uuid NOT NULL DEFAULT gen_random_uuid(),  -- D4.7: default added
    provider_name text NOT NULL,
    provider_type text NOT NULL,
    display_name  text NOT NULL,
    is_active     boolean NOT NULL DEFAULT false,
    credentials   jsonb NOT NULL DEFAULT '{}',
    configuration jsonb NOT NULL DEFAULT '{}',
    status        text NOT NULL DEFAULT 'disconnected',
    last_ping_at  timestamptz,
    last_error    text,
    created_by    uuid,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_api_integrations PRIMARY KEY (id),
    CONSTRAINT ck_api_integrations_provider_type CHECK (provider_type IN (
        'messaging', 'email', 'ai', 'push', 'custom'
    )),
    -- addition: the source names only the default
    CONSTRAINT ck_api_integrations_status CHECK (status IN ('connected', 'disconnected', 'error', 'rate_limited'))
);
COMMENT ON TABLE saas.api_integrations IS 'Access of the platform as a whole to an API provider.';
COMMENT ON COLUMN saas.api_integrations.id IS 'Key of the access.';
COMMENT ON COLUMN saas.api_integrations.provider_name IS 'Technical name of the provider; not unique.';
COMMENT ON COLUMN saas.api_integrations.provider_type IS 'Kind of provider: messaging, email, ai, push or custom.';
COMMENT ON COLUMN saas.api_integrations.display_name IS 'Name shown to people.';
COMMENT ON COLUMN saas.api_integrations.is_active IS 'Whether the platform uses the provider.';
COMMENT ON COLUMN saas.api_integrations.credentials IS
    'Object with secrets; the application should store them encrypted.';
COMMENT ON COLUMN saas.api_integrations.configuration IS 'Object with settings that are not secret.';
COMMENT ON COLUMN saas.api_integrations.status IS
    'Condition of the access: connected, disconnected, error or rate_limited.';
COMMENT ON COLUMN saas.api_integrations.last_ping_at IS 'When the provider last answered a probe.';
COMMENT ON COLUMN saas.api_integrations.last_error IS 'Message of the latest failure.';
COMMENT ON COLUMN saas.api_integrations.created_by IS 'Points at auth.users.id: the person who set it up.';
COMMENT ON COLUMN saas.api_integrations.created_at IS 'When the access was set up.';
COMMENT ON COLUMN saas.api_integrations.updated_at IS 'Last change of the row; kept by a trigger.';

CREATE TABLE saas.integration_usage_logs (
    id             bigserial NOT NULL,
    integration_id uuid,
    operation_type text NOT NULL,
    request_data   jsonb,
    response_data  jsonb,
    status_code    integer,
    success        boolean NOT NULL,
    error_message  text,
    duration_ms    integer,
    created_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_integration_usage_logs PRIMARY KEY (id)
);
COMMENT ON TABLE saas.integration_usage_logs IS 'One call to an API provider.';
COMMENT ON COLUMN saas.integration_usage_logs.id IS 'Key of the call, from a sequence.';
COMMENT ON COLUMN saas.integration_usage_logs.integration_id IS
    'Points at api_integrations.id: the provider called; emptied when the access is removed.';
COMMENT ON COLUMN saas.integration_usage_logs.operation_type IS 'What was asked of the provider; an open list.';
COMMENT ON COLUMN saas.integration_usage_logs.request_data IS 'What was sent.';
COMMENT ON COLUMN saas.integration_usage_logs.response_data IS 'What came back.';
COMMENT ON COLUMN saas.integration_usage_logs.status_code IS 'HTTP status of the answer.';
COMMENT ON COLUMN saas.integration_usage_logs.success IS 'Whether the call did what it should.';
COMMENT ON COLUMN saas.integration_usage_logs.error_message IS 'Why the call failed.';
COMMENT ON COLUMN saas.integration_usage_logs.duration_ms IS 'Time until the answer, in milliseconds.';
COMMENT ON COLUMN saas.integration_usage_logs.created_at IS 'When the call was made.';
