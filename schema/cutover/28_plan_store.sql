-- What the plan engine keeps about instances: the template they were made from, values that were meant to differ,
-- decisions, and notices to send. canon.plan_store() creates the same tables for other hierarchies.

CREATE SCHEMA cutover_plan;

COMMENT ON SCHEMA cutover_plan IS
    'Lineage, overrides, decisions and notices of plan instances.';

CREATE TABLE cutover_plan.template_version (
    plan text NOT NULL,
    template text NOT NULL,
    version integer NOT NULL,
    hash bytea NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT pk_template_version PRIMARY KEY (plan, template, version),
    CONSTRAINT uq_template_version_hash UNIQUE (plan, template, hash),
    CONSTRAINT ck_template_version_version CHECK (version > 0),
    CONSTRAINT ck_template_version_hash CHECK (octet_length(hash) = 32)
);

COMMENT ON TABLE cutover_plan.template_version IS
    'States of a template that instances were made from.';
COMMENT ON COLUMN cutover_plan.template_version.plan IS
    'Hierarchy, as registered with canon.plan_register().';
COMMENT ON COLUMN cutover_plan.template_version.template IS
    'Key of the template, as text.';
COMMENT ON COLUMN cutover_plan.template_version.version IS
    'Counts the states of one template from 1.';
COMMENT ON COLUMN cutover_plan.template_version.hash IS
    'SHA-256 over the content of all levels.';
COMMENT ON COLUMN cutover_plan.template_version.recorded_at IS
    'Time of the first instance of this state.';

CREATE TABLE cutover_plan.template_version_level (
    plan text NOT NULL,
    template text NOT NULL,
    version integer NOT NULL,
    level text NOT NULL,
    -- canon-ignore L21: its bytes are hashed and compared; nobody looks inside with SQL
    content text NOT NULL,
    CONSTRAINT pk_template_version_level PRIMARY KEY (plan, template, version, level)
);

COMMENT ON TABLE cutover_plan.template_version_level IS
    'What a template held: the base of three-way comparisons.';
COMMENT ON COLUMN cutover_plan.template_version_level.plan IS
    'Hierarchy.';
COMMENT ON COLUMN cutover_plan.template_version_level.template IS
    'Key of the template, as text.';
COMMENT ON COLUMN cutover_plan.template_version_level.version IS
    'State of the template.';
COMMENT ON COLUMN cutover_plan.template_version_level.level IS
    'Level of the hierarchy.';
COMMENT ON COLUMN cutover_plan.template_version_level.content IS
    'JSON list with one entry a row: key, parent, predecessor, copied values.';

CREATE TABLE cutover_plan.plan_run (
    -- canon-ignore L9: the key of an instance follows from the request
    instance uuid NOT NULL,
    plan text NOT NULL,
    template text NOT NULL,
    run text NOT NULL,
    idempotency_key text NOT NULL,
    version integer NOT NULL,
    options jsonb NOT NULL,
    report jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    created_by text NOT NULL DEFAULT CURRENT_USER,
    CONSTRAINT pk_plan_run PRIMARY KEY (instance),
    CONSTRAINT uq_plan_run_request UNIQUE (plan, template, run, idempotency_key)
);

COMMENT ON TABLE cutover_plan.plan_run IS
    'Instances that canon.plan_instantiate() has made, with the request that made them.';
COMMENT ON COLUMN cutover_plan.plan_run.instance IS
    'Key of the instance.';
COMMENT ON COLUMN cutover_plan.plan_run.plan IS
    'Hierarchy.';
COMMENT ON COLUMN cutover_plan.plan_run.template IS
    'Key of the template, as text.';
COMMENT ON COLUMN cutover_plan.plan_run.run IS
    'Key of the run, as text.';
COMMENT ON COLUMN cutover_plan.plan_run.idempotency_key IS
    'Tells several instances of one template in one run apart; empty for the only one.';
COMMENT ON COLUMN cutover_plan.plan_run.version IS
    'State of the template that the instance follows; a resync moves it.';
COMMENT ON COLUMN cutover_plan.plan_run.options IS
    'Options of the request; a repeated request must have the same.';
COMMENT ON COLUMN cutover_plan.plan_run.report IS
    'What was created, left out and remarked.';
COMMENT ON COLUMN cutover_plan.plan_run.created_at IS
    'Time of the request.';
COMMENT ON COLUMN cutover_plan.plan_run.created_by IS
    'Role that made the request.';

CREATE TABLE cutover_plan.plan_override (
    instance uuid NOT NULL,
    level text NOT NULL,
    node uuid NOT NULL,
    field text NOT NULL,
    value text,
    set_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    set_by text NOT NULL DEFAULT CURRENT_USER,
    CONSTRAINT pk_plan_override PRIMARY KEY (instance, node, field)
);

COMMENT ON TABLE cutover_plan.plan_override IS
    'Values of instance rows that are meant to differ from the template; a resync keeps them.';
COMMENT ON COLUMN cutover_plan.plan_override.instance IS
    'Instance that the row belongs to.';
COMMENT ON COLUMN cutover_plan.plan_override.level IS
    'Level of the row.';
COMMENT ON COLUMN cutover_plan.plan_override.node IS
    'Key of the row.';
COMMENT ON COLUMN cutover_plan.plan_override.field IS
    'Column of the row.';
COMMENT ON COLUMN cutover_plan.plan_override.value IS
    'The value asked for, as text; NULL where it was cleared.';
COMMENT ON COLUMN cutover_plan.plan_override.set_at IS
    'Time of the request.';
COMMENT ON COLUMN cutover_plan.plan_override.set_by IS
    'Role that asked for it.';

CREATE TABLE cutover_plan.plan_dependency (
    plan text NOT NULL,
    template text NOT NULL,
    predecessor_level text NOT NULL,
    predecessor text NOT NULL,
    successor_level text NOT NULL,
    successor text NOT NULL,
    link text NOT NULL DEFAULT 'FS',
    lag_minutes integer NOT NULL DEFAULT 0,
    CONSTRAINT pk_plan_dependency
        PRIMARY KEY (plan, template, predecessor_level, predecessor, successor_level, successor, link),
    CONSTRAINT ck_plan_dependency_link CHECK (link IN ('FS', 'SS', 'FF', 'SF'))
);

COMMENT ON TABLE cutover_plan.plan_dependency IS
    'Dependencies between rows of a template beyond the one predecessor that a row itself can name.';
COMMENT ON COLUMN cutover_plan.plan_dependency.plan IS
    'Hierarchy.';
COMMENT ON COLUMN cutover_plan.plan_dependency.template IS
    'Key of the template, as text.';
COMMENT ON COLUMN cutover_plan.plan_dependency.predecessor_level IS
    'Level of the row to wait for.';
COMMENT ON COLUMN cutover_plan.plan_dependency.predecessor IS
    'Key of the template row to wait for, as text.';
COMMENT ON COLUMN cutover_plan.plan_dependency.successor_level IS
    'Level of the row that waits.';
COMMENT ON COLUMN cutover_plan.plan_dependency.successor IS
    'Key of the template row that waits, as text.';
COMMENT ON COLUMN cutover_plan.plan_dependency.link IS
    'FS: start after finish; SS: start after start; FF: finish after finish; SF: finish after start.';
COMMENT ON COLUMN cutover_plan.plan_dependency.lag_minutes IS
    'Minutes to let pass; negative is a lead.';

CREATE TABLE cutover_plan.plan_action (
    action_id bigint GENERATED ALWAYS AS IDENTITY,
    instance uuid NOT NULL,
    level text NOT NULL,
    node uuid NOT NULL,
    action text NOT NULL,
    reason text,
    detail jsonb NOT NULL DEFAULT '{}',
    acted_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    acted_by text NOT NULL DEFAULT CURRENT_USER,
    CONSTRAINT pk_plan_action PRIMARY KEY (action_id),
    CONSTRAINT ck_plan_action_action CHECK (action IN ('cancel', 'skip', 'override gate', 'resync', 'promote'))
);

CREATE INDEX idx_plan_action_instance ON cutover_plan.plan_action (instance, acted_at);

COMMENT ON TABLE cutover_plan.plan_action IS
    'Decisions about instances that need a reason or a name.';
COMMENT ON COLUMN cutover_plan.plan_action.action_id IS
    'Number of the decision.';
COMMENT ON COLUMN cutover_plan.plan_action.instance IS
    'Instance concerned.';
COMMENT ON COLUMN cutover_plan.plan_action.level IS
    'Level of the row concerned.';
COMMENT ON COLUMN cutover_plan.plan_action.node IS
    'Key of the row concerned.';
COMMENT ON COLUMN cutover_plan.plan_action.action IS
    'What was decided.';
COMMENT ON COLUMN cutover_plan.plan_action.reason IS
    'Why.';
COMMENT ON COLUMN cutover_plan.plan_action.detail IS
    'Numbers and rows that belong to it.';
COMMENT ON COLUMN cutover_plan.plan_action.acted_at IS
    'Time of the decision.';
COMMENT ON COLUMN cutover_plan.plan_action.acted_by IS
    'Role that decided.';

ALTER TABLE cutover_plan.template_version_level
    ADD CONSTRAINT fk_template_version_level_version
    FOREIGN KEY (plan, template, version) REFERENCES cutover_plan.template_version (plan, template, version)
    ON DELETE CASCADE;
ALTER TABLE cutover_plan.plan_run
    ADD CONSTRAINT fk_plan_run_version
    FOREIGN KEY (plan, template, version) REFERENCES cutover_plan.template_version (plan, template, version);
ALTER TABLE cutover_plan.plan_override
    ADD CONSTRAINT fk_plan_override_instance
    FOREIGN KEY (instance) REFERENCES cutover_plan.plan_run (instance) ON DELETE CASCADE;

CREATE INDEX idx_plan_run_version ON cutover_plan.plan_run (plan, template, version);
