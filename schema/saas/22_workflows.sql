-- Workflows: definitions, their parts and versions, and the record of their runs.
-- canon-ignore-file L14: nullability is that of the source, see DEVIATIONS.md

CREATE TABLE saas.workflow_definitions (
    id              uuid NOT NULL DEFAULT gen_random_uuid(),  -- D4.7: default added
    organization_id uuid NOT NULL,
    name            text NOT NULL,
    description     text,
    trigger_type    text NOT NULL,
    trigger_config  jsonb DEFAULT '{}',
    steps           jsonb NOT NULL,
    is_active       boolean DEFAULT false,
    created_by      uuid,
    last_run_at     timestamptz,
    run_count       integer DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_workflow_definitions PRIMARY KEY (id)
);
COMMENT ON TABLE saas.workflow_definitions IS 'An automated workflow of an organisation.';
COMMENT ON COLUMN saas.workflow_definitions.id IS 'Key of the workflow.';
COMMENT ON COLUMN saas.workflow_definitions.organization_id IS
    'Points at organizations.id: the tenant the workflow runs for.';
COMMENT ON COLUMN saas.workflow_definitions.name IS 'Title of the workflow.';
COMMENT ON COLUMN saas.workflow_definitions.description IS 'What the workflow is for.';
COMMENT ON COLUMN saas.workflow_definitions.trigger_type IS
    'What starts it; an open list, unlike workflow_triggers.trigger_type.';
COMMENT ON COLUMN saas.workflow_definitions.trigger_config IS 'Object with the details of the start condition.';
COMMENT ON COLUMN saas.workflow_definitions.steps IS 'The definition itself: the ordered steps.';
COMMENT ON COLUMN saas.workflow_definitions.is_active IS 'Whether the workflow may start.';
COMMENT ON COLUMN saas.workflow_definitions.created_by IS 'Points at auth.users.id: the author.';
COMMENT ON COLUMN saas.workflow_definitions.last_run_at IS 'Start of the latest run.';
COMMENT ON COLUMN saas.workflow_definitions.run_count IS 'Number of runs so far.';
COMMENT ON COLUMN saas.workflow_definitions.created_at IS 'When the workflow was made.';
COMMENT ON COLUMN saas.workflow_definitions.updated_at IS 'Last change of the row; kept by a trigger.';

CREATE TABLE saas.workflow_execution_logs (
    id              bigserial NOT NULL,
    workflow_id     uuid NOT NULL,
    organization_id uuid,
    execution_start timestamptz NOT NULL DEFAULT now(),
    execution_end   timestamptz,
    status          text NOT NULL,
    result_summary  jsonb,
    error_details   text,
    trigger_data    jsonb,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_workflow_execution_logs PRIMARY KEY (id),
    -- addition: the source names no values
    CONSTRAINT ck_workflow_execution_logs_status CHECK (status IN ('running', 'success', 'error', 'partial'))
);
COMMENT ON TABLE saas.workflow_execution_logs IS 'One run of a workflow.';
COMMENT ON COLUMN saas.workflow_execution_logs.id IS 'Key of the run, from a sequence.';
COMMENT ON COLUMN saas.workflow_execution_logs.workflow_id IS
    'Points at workflow_definitions.id: the workflow that ran.';
COMMENT ON COLUMN saas.workflow_execution_logs.organization_id IS
    'Points at organizations.id: copied from the workflow; NULL in rows older than the column.';
COMMENT ON COLUMN saas.workflow_execution_logs.execution_start IS 'When the run began.';
COMMENT ON COLUMN saas.workflow_execution_logs.execution_end IS 'When the run ended; NULL while it runs.';
COMMENT ON COLUMN saas.workflow_execution_logs.status IS 'State of the run: running, then success, error or partial.';
COMMENT ON COLUMN saas.workflow_execution_logs.result_summary IS 'What the run achieved.';
COMMENT ON COLUMN saas.workflow_execution_logs.error_details IS 'Why the run failed.';
COMMENT ON COLUMN saas.workflow_execution_logs.trigger_data IS 'Data the run was started with.';
COMMENT ON COLUMN saas.workflow_execution_logs.created_at IS 'When the row was written.';

CREATE TABLE saas.workflow_templates (
    id            uuid NOT NULL DEFAULT gen_random_uuid(),  -- D4.7: default added
    name          text NOT NULL,
    description   text,
    category      text NOT NULL,
    icon          text,
    template_json jsonb NOT NULL,
    variables     jsonb DEFAULT '{}',
    is_public     boolean DEFAULT true,
    use_count     integer DEFAULT 0,
    created_by    uuid,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_workflow_templates PRIMARY KEY (id),
    CONSTRAINT ck_workflow_templates_category CHECK (category IN (
        'customer_engagement', 'lead_management', 'support', 'marketing', 'custom'
    ))
);
COMMENT ON TABLE saas.workflow_templates IS 'A ready-made workflow to copy from.';
COMMENT ON COLUMN saas.workflow_templates.id IS 'Key of the template.';
COMMENT ON COLUMN saas.workflow_templates.name IS 'Title of the template.';
COMMENT ON COLUMN saas.workflow_templates.description IS 'What a workflow made from it does.';
COMMENT ON COLUMN saas.workflow_templates.category IS
    'Subject group: customer_engagement, lead_management, support, marketing or custom.';
COMMENT ON COLUMN saas.workflow_templates.icon IS 'Name of the picture shown beside the title.';
COMMENT ON COLUMN saas.workflow_templates.template_json IS 'Content copied into the new workflow.';
COMMENT ON COLUMN saas.workflow_templates.variables IS 'Object of placeholders the user fills in when copying.';
COMMENT ON COLUMN saas.workflow_templates.is_public IS 'Whether all organisations see the template.';
COMMENT ON COLUMN saas.workflow_templates.use_count IS 'How often the template was copied.';
COMMENT ON COLUMN saas.workflow_templates.created_by IS 'Points at auth.users.id: the author; NULL for built-in ones.';
COMMENT ON COLUMN saas.workflow_templates.created_at IS 'When the template was made.';
COMMENT ON COLUMN saas.workflow_templates.updated_at IS 'Last change of the row; kept by a trigger.';

-- canon-ignore L19: the source gives the column to some tables only; policies will go by the parent row (D4.5)
CREATE TABLE saas.workflow_conditions (
    id                 uuid NOT NULL DEFAULT gen_random_uuid(),  -- D4.7: default added
    workflow_id        uuid,
    step_index         integer NOT NULL,
    condition_type     text NOT NULL,
    field_name         text,
    operator           text,
    value              jsonb,
    next_step_on_true  integer,
    next_step_on_false integer,
    created_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_workflow_conditions PRIMARY KEY (id),
    CONSTRAINT ck_workflow_conditions_condition_type CHECK (condition_type IN (
        'field_equals', 'field_contains', 'field_greater_than', 'field_less_than', 'custom_logic'
    ))
);
COMMENT ON TABLE saas.workflow_conditions IS 'A branch in a workflow: which step follows when a test holds or fails.';
COMMENT ON COLUMN saas.workflow_conditions.id IS 'Key of the condition.';
COMMENT ON COLUMN saas.workflow_conditions.workflow_id IS
    'Points at workflow_definitions.id: the workflow that branches.';
COMMENT ON COLUMN saas.workflow_conditions.step_index IS 'Place of the step that branches.';
COMMENT ON COLUMN saas.workflow_conditions.condition_type IS
    'Kind of test: one of the field comparisons or custom_logic.';
COMMENT ON COLUMN saas.workflow_conditions.field_name IS 'Field that is tested.';
COMMENT ON COLUMN saas.workflow_conditions.operator IS 'Comparison used, where the kind of test leaves it open.';
COMMENT ON COLUMN saas.workflow_conditions.value IS 'Value compared with.';
COMMENT ON COLUMN saas.workflow_conditions.next_step_on_true IS 'Place of the step that follows when the test holds.';
COMMENT ON COLUMN saas.workflow_conditions.next_step_on_false IS 'Place of the step that follows when the test fails.';
COMMENT ON COLUMN saas.workflow_conditions.created_at IS 'When the condition was made.';

-- canon-ignore L19: the source gives the column to some tables only; policies will go by the parent row (D4.5)
CREATE TABLE saas.workflow_actions (
    id              uuid NOT NULL DEFAULT gen_random_uuid(),  -- D4.7: default added
    workflow_id     uuid,
    step_index      integer NOT NULL,
    action_type     text NOT NULL,
    action_config   jsonb NOT NULL DEFAULT '{}',
    retry_config    jsonb DEFAULT '{"max_retries": 3, "retry_delay_seconds": 60}',
    timeout_seconds integer DEFAULT 300,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_workflow_actions PRIMARY KEY (id),
    CONSTRAINT ck_workflow_actions_action_type CHECK (action_type IN (
        'send_email', 'send_sms', 'send_whatsapp', 'create_task', 'update_contact', 'ai_generate', 'webhook',
        'delay', 'condition'
    ))
);
COMMENT ON TABLE saas.workflow_actions IS 'What one step of a workflow does.';
COMMENT ON COLUMN saas.workflow_actions.id IS 'Key of the action.';
COMMENT ON COLUMN saas.workflow_actions.workflow_id IS
    'Points at workflow_definitions.id: the workflow the step belongs to.';
COMMENT ON COLUMN saas.workflow_actions.step_index IS 'Place of the step.';
COMMENT ON COLUMN saas.workflow_actions.action_type IS 'Kind of action, such as send_email, webhook or delay.';
COMMENT ON COLUMN saas.workflow_actions.action_config IS 'Object with the parameters of the action.';
COMMENT ON COLUMN saas.workflow_actions.retry_config IS
    'Object: max_retries, and retry_delay_seconds between two tries.';
COMMENT ON COLUMN saas.workflow_actions.timeout_seconds IS 'Seconds after which the action counts as failed.';
COMMENT ON COLUMN saas.workflow_actions.created_at IS 'When the action was made.';
COMMENT ON COLUMN saas.workflow_actions.updated_at IS 'Last change of the row; kept by a trigger.';

-- canon-ignore L19: the source gives the column to some tables only; policies will go by the parent row (D4.5)
CREATE TABLE saas.workflow_triggers (
    id                uuid NOT NULL DEFAULT gen_random_uuid(),  -- D4.7: default added
    workflow_id       uuid,
    trigger_type      text NOT NULL,
    trigger_config    jsonb NOT NULL DEFAULT '{}',
    webhook_url       text,
    webhook_secret    text,
    schedule_cron     text,
    event_name        text,
    is_active         boolean DEFAULT true,
    last_triggered_at timestamptz,
    trigger_count     integer DEFAULT 0,
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_workflow_triggers PRIMARY KEY (id),
    CONSTRAINT ck_workflow_triggers_trigger_type CHECK (trigger_type IN (
        'webhook', 'schedule', 'event', 'manual', 'api_call'
    ))
);
COMMENT ON TABLE saas.workflow_triggers IS 'A way to start a workflow.';
COMMENT ON COLUMN saas.workflow_triggers.id IS 'Key of the trigger.';
COMMENT ON COLUMN saas.workflow_triggers.workflow_id IS
    'Points at workflow_definitions.id: the workflow that is started.';
COMMENT ON COLUMN saas.workflow_triggers.trigger_type IS 'Kind of start: webhook, schedule, event, manual or api_call.';
COMMENT ON COLUMN saas.workflow_triggers.trigger_config IS 'Object with the details of the start condition.';
COMMENT ON COLUMN saas.workflow_triggers.webhook_url IS 'Address that is called from outside, for kind webhook.';
COMMENT ON COLUMN saas.workflow_triggers.webhook_secret IS 'Shared secret that proves the call; store it encrypted.';
COMMENT ON COLUMN saas.workflow_triggers.schedule_cron IS 'Cron expression, for kind schedule.';
COMMENT ON COLUMN saas.workflow_triggers.event_name IS 'Name of the event waited for, for kind event.';
COMMENT ON COLUMN saas.workflow_triggers.is_active IS 'Whether the trigger is armed.';
COMMENT ON COLUMN saas.workflow_triggers.last_triggered_at IS 'When it last started the workflow.';
COMMENT ON COLUMN saas.workflow_triggers.trigger_count IS 'How often it has started the workflow.';
COMMENT ON COLUMN saas.workflow_triggers.created_at IS 'When the trigger was made.';
COMMENT ON COLUMN saas.workflow_triggers.updated_at IS 'Last change of the row; kept by a trigger.';

-- canon-ignore L19: the source gives the column to some tables only; policies will go by the parent row (D4.5)
CREATE TABLE saas.workflow_versions (
    id             uuid NOT NULL DEFAULT gen_random_uuid(),  -- D4.7: default added
    workflow_id    uuid,
    version_number integer NOT NULL,
    workflow_json  jsonb NOT NULL,
    change_summary text,
    created_by     uuid,
    created_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_workflow_versions PRIMARY KEY (id),
    -- canon-ignore L15: the source leaves the workflow optional inside this key, see DEVIATIONS.md
    CONSTRAINT uq_workflow_versions_workflow_id_version_number UNIQUE (workflow_id, version_number)
);
COMMENT ON TABLE saas.workflow_versions IS 'An earlier or present content of a workflow, numbered.';
COMMENT ON COLUMN saas.workflow_versions.id IS 'Key of the version.';
COMMENT ON COLUMN saas.workflow_versions.workflow_id IS
    'Points at workflow_definitions.id: the workflow whose content is kept.';
COMMENT ON COLUMN saas.workflow_versions.version_number IS 'Counts up from 1 within the workflow.';
COMMENT ON COLUMN saas.workflow_versions.workflow_json IS 'The content as it was.';
COMMENT ON COLUMN saas.workflow_versions.change_summary IS 'What changed against the version before.';
COMMENT ON COLUMN saas.workflow_versions.created_by IS 'Points at auth.users.id: the person who made the change.';
COMMENT ON COLUMN saas.workflow_versions.created_at IS 'When the version was kept.';

-- canon-ignore L19: the source gives the column to some tables only; policies will go by the parent row (D4.5)
CREATE TABLE saas.workflow_execution_steps (
    id               bigserial NOT NULL,
    execution_log_id bigint,
    step_index       integer NOT NULL,
    step_type        text NOT NULL,
    step_config      jsonb,
    execution_start  timestamptz NOT NULL DEFAULT now(),
    execution_end    timestamptz,
    status           text NOT NULL,
    result           jsonb,
    error_message    text,
    retry_count      integer DEFAULT 0,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_workflow_execution_steps PRIMARY KEY (id),
    -- addition: the source names no values
    CONSTRAINT ck_workflow_execution_steps_status CHECK (status IN (
        'pending', 'running', 'success', 'failed', 'skipped', 'timeout'
    ))
);
COMMENT ON TABLE saas.workflow_execution_steps IS 'One step within a run of a workflow.';
COMMENT ON COLUMN saas.workflow_execution_steps.id IS 'Key of the executed step, from a sequence.';
COMMENT ON COLUMN saas.workflow_execution_steps.execution_log_id IS
    'Points at workflow_execution_logs.id: the run the step is part of.';
COMMENT ON COLUMN saas.workflow_execution_steps.step_index IS 'Place of the step in the workflow.';
COMMENT ON COLUMN saas.workflow_execution_steps.step_type IS 'Kind of step; an open list.';
COMMENT ON COLUMN saas.workflow_execution_steps.step_config IS 'Parameters the step ran with.';
COMMENT ON COLUMN saas.workflow_execution_steps.execution_start IS 'When the step began.';
COMMENT ON COLUMN saas.workflow_execution_steps.execution_end IS 'When the step ended; NULL before that.';
COMMENT ON COLUMN saas.workflow_execution_steps.status IS 'State of the step, from pending to one of the end states.';
COMMENT ON COLUMN saas.workflow_execution_steps.result IS 'What the step returned.';
COMMENT ON COLUMN saas.workflow_execution_steps.error_message IS 'Why the step failed.';
COMMENT ON COLUMN saas.workflow_execution_steps.retry_count IS 'Tries after the first one.';
COMMENT ON COLUMN saas.workflow_execution_steps.created_at IS 'When the row was written.';
COMMENT ON COLUMN saas.workflow_execution_steps.updated_at IS 'Last change of the row; kept by a trigger.';

-- canon-ignore L19: the source gives the column to some tables only; policies will go by the parent row (D4.5)
CREATE TABLE saas.workflow_variables (
    id            uuid NOT NULL DEFAULT gen_random_uuid(),  -- D4.7: default added
    workflow_id   uuid,
    variable_name text NOT NULL,
    variable_type text NOT NULL,
    default_value jsonb,
    is_required   boolean DEFAULT false,
    description   text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_workflow_variables PRIMARY KEY (id),
    CONSTRAINT ck_workflow_variables_variable_type CHECK (variable_type IN (
        'string', 'number', 'boolean', 'json', 'secret'
    ))
);
COMMENT ON TABLE saas.workflow_variables IS 'A variable a workflow works with.';
COMMENT ON COLUMN saas.workflow_variables.id IS 'Key of the variable.';
COMMENT ON COLUMN saas.workflow_variables.workflow_id IS
    'Points at workflow_definitions.id: the workflow that uses the variable.';
COMMENT ON COLUMN saas.workflow_variables.variable_name IS 'Name by which steps refer to it.';
COMMENT ON COLUMN saas.workflow_variables.variable_type IS
    'Type of the value: string, number, boolean, json or secret.';
COMMENT ON COLUMN saas.workflow_variables.default_value IS 'Value used when a run sets none.';
COMMENT ON COLUMN saas.workflow_variables.is_required IS 'Whether a run must set a value.';
COMMENT ON COLUMN saas.workflow_variables.description IS 'What the variable is for.';
COMMENT ON COLUMN saas.workflow_variables.created_at IS 'When the variable was made.';
