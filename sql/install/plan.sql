-- Configuration of the plan engine. Rows come from canon.plan_register(); they are part of a dump.
CREATE TABLE canon.plan (
    plan          text        NOT NULL,
    store         name        NOT NULL,
    run           jsonb       NOT NULL,
    roll_up       text        NOT NULL DEFAULT 'complete',
    registered_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    registered_by name        NOT NULL DEFAULT CURRENT_USER,
    CONSTRAINT pk_plan PRIMARY KEY (plan),
    CONSTRAINT ck_plan_roll_up CHECK (roll_up IN ('complete', 'begin', 'manual'))
);
COMMENT ON TABLE canon.plan IS 'Hierarchies that canon.plan_instantiate() can copy, see canon.plan_register()';
COMMENT ON COLUMN canon.plan.plan IS 'Name of the hierarchy';
COMMENT ON COLUMN canon.plan.store IS 'Schema that keeps lineage, overrides and notices of its instances';
COMMENT ON COLUMN canon.plan.run IS 'The table whose rows a template is instantiated for, and its columns';
COMMENT ON COLUMN canon.plan.roll_up IS
    'Whether statuses of groups follow those of their tasks: complete, begin (people complete them), manual';
COMMENT ON COLUMN canon.plan.registered_at IS 'Time of the registration';
COMMENT ON COLUMN canon.plan.registered_by IS 'Role that registered it, and may replace it';

CREATE TABLE canon.plan_mapping (
    plan                 text     NOT NULL,
    level                text     NOT NULL,
    position             smallint NOT NULL,
    kind                 text     NOT NULL,
    parent               text,
    template             regclass NOT NULL,
    template_key         name     NOT NULL,
    template_parent      name,
    template_order       name,
    ordered              boolean  NOT NULL DEFAULT false,
    template_predecessor name,
    instance             regclass NOT NULL,
    instance_key         name     NOT NULL,
    instance_parent      name,
    instance_template    name     NOT NULL,
    instance_predecessor name,
    label                name,
    code                 name,
    duration_minutes     name,
    started_at           name,
    finished_at          name,
    completed            name,
    critical             name,
    team                 name,
    copies               jsonb    NOT NULL DEFAULT '{}',
    defaults             jsonb    NOT NULL DEFAULT '{}',
    status               jsonb,
    filter               jsonb,
    refs                 jsonb    NOT NULL DEFAULT '[]',
    CONSTRAINT pk_plan_mapping PRIMARY KEY (plan, level),
    CONSTRAINT plan_mapping_plan_position_key UNIQUE (plan, position),
    CONSTRAINT fk_plan_mapping_plan FOREIGN KEY (plan) REFERENCES canon.plan (plan) ON DELETE CASCADE,
    CONSTRAINT ck_plan_mapping_kind CHECK (kind IN ('plan', 'group', 'task', 'item', 'gate')),
    CONSTRAINT ck_plan_mapping_root CHECK (
        (kind OPERATOR(pg_catalog.=) 'plan') OPERATOR(pg_catalog.=) (parent IS NULL)
    )
);
COMMENT ON TABLE canon.plan_mapping IS
    'Levels of each hierarchy: which template table is copied into which instance table, and how';
COMMENT ON COLUMN canon.plan_mapping.plan IS 'The hierarchy';
COMMENT ON COLUMN canon.plan_mapping.level IS 'Name of the level, for example step';
COMMENT ON COLUMN canon.plan_mapping.position IS 'From 0; parents stand before their children';
COMMENT ON COLUMN canon.plan_mapping.kind IS
    'plan: the root; group: holds groups or tasks; task: is scheduled; item: part of a task; gate: check of a group';
COMMENT ON COLUMN canon.plan_mapping.parent IS 'Level that rows of this one belong to';
COMMENT ON COLUMN canon.plan_mapping.template IS 'Table of the template';
COMMENT ON COLUMN canon.plan_mapping.template_key IS 'Its key, one column of any type';
COMMENT ON COLUMN canon.plan_mapping.template_parent IS 'Its column that holds the key of the parent level';
COMMENT ON COLUMN canon.plan_mapping.template_order IS 'Its column that orders rows below one parent';
COMMENT ON COLUMN canon.plan_mapping.ordered IS 'Whether rows below one parent wait for those with a lower order';
COMMENT ON COLUMN canon.plan_mapping.template_predecessor IS 'Its column with the row of the same table to wait for';
COMMENT ON COLUMN canon.plan_mapping.instance IS 'Table of the instance';
COMMENT ON COLUMN canon.plan_mapping.instance_key IS 'Its key, of type uuid';
COMMENT ON COLUMN canon.plan_mapping.instance_parent IS 'Its column that holds the key of the parent level';
COMMENT ON COLUMN canon.plan_mapping.instance_template IS 'Its column with the key of the template row';
COMMENT ON COLUMN canon.plan_mapping.instance_predecessor IS 'Its column with the row of the same table to wait for';
COMMENT ON COLUMN canon.plan_mapping.label IS 'Column of the instance that people know a row by';
COMMENT ON COLUMN canon.plan_mapping.code IS 'Column of the template with a short code';
COMMENT ON COLUMN canon.plan_mapping.duration_minutes IS 'Column of the instance with the planned minutes';
COMMENT ON COLUMN canon.plan_mapping.started_at IS 'Column of the instance with the actual start';
COMMENT ON COLUMN canon.plan_mapping.finished_at IS 'Column of the instance with the actual finish';
COMMENT ON COLUMN canon.plan_mapping.completed IS 'Column of an item that is true when it is done';
COMMENT ON COLUMN canon.plan_mapping.critical IS 'Column of a gate that is true where its failure stops the plan';
COMMENT ON COLUMN canon.plan_mapping.team IS 'Column of the template of a task with the team that does it';
COMMENT ON COLUMN canon.plan_mapping.copies IS 'Columns of the instance with the column of the template each is copied from';
COMMENT ON COLUMN canon.plan_mapping.defaults IS 'Columns of the instance with the value each starts with';
COMMENT ON COLUMN canon.plan_mapping.status IS 'Column with the status of an instance row, and what its values mean';
COMMENT ON COLUMN canon.plan_mapping.filter IS 'Link table that restricts template rows to kinds of runs';
COMMENT ON COLUMN canon.plan_mapping.refs IS 'Columns of the instance that point at rows of another level of the same instance';
GRANT SELECT ON canon.plan, canon.plan_mapping TO PUBLIC;
GRANT INSERT, UPDATE, DELETE ON canon.plan, canon.plan_mapping TO @extowner@;
SELECT pg_catalog.pg_extension_config_dump('canon.plan', '');
SELECT pg_catalog.pg_extension_config_dump('canon.plan_mapping', '');
CREATE TRIGGER configuration_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON canon.plan
    FOR EACH STATEMENT EXECUTE FUNCTION canon.configuration_changed();
CREATE TRIGGER configuration_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON canon.plan_mapping
    FOR EACH STATEMENT EXECUTE FUNCTION canon.configuration_changed();
