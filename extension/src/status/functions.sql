CREATE FUNCTION canon.status_enforce() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'status_enforce';
COMMENT ON FUNCTION canon.status_enforce() IS
    'BEFORE row trigger that canon.status_guard() creates: refuses what the machine does not allow, sets what it says';
CREATE FUNCTION canon.status_settle() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'status_settle';
COMMENT ON FUNCTION canon.status_settle() IS
    'Deferred constraint trigger that canon.status_guard() creates: asks the guards at the end of the transaction';
CREATE FUNCTION canon.status_record() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'status_record';
COMMENT ON FUNCTION canon.status_record() IS
    'AFTER trigger that canon.status_guard() creates, for rows and for statements: writes the history';

CREATE FUNCTION canon.status_guards(
    OUT relation regclass, OUT column_name text, OUT machine text, OUT version integer, OUT history text,
    OUT deferred boolean, OUT label_column text, OUT version_column text, OUT enabled boolean
) RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT t.tgrelid::regclass, s.setup ->> 'column', s.setup ->> 'machine', (s.setup ->> 'version')::integer,
           s.setup ->> 'history', coalesce((s.setup ->> 'deferred')::boolean, false), s.setup ->> 'label_column',
           s.setup ->> 'version_column', t.tgenabled IN ('O', 'A')
    FROM pg_trigger t
    CROSS JOIN LATERAL (
        SELECT convert_from(substring(t.tgargs FROM 1 FOR length(t.tgargs) - 1), getdatabaseencoding())::jsonb AS setup
    ) s
    WHERE t.tgfoid = 'canon.status_enforce()'::regprocedure AND t.tgparentid = 0 AND t.tgnargs = 1
    ORDER BY t.tgrelid::regclass::text COLLATE "C", s.setup ->> 'column'
$$;
COMMENT ON FUNCTION canon.status_guards() IS 'Guarded columns: machine, history, and whether the trigger is enabled';

CREATE FUNCTION canon.status_machines(
    OUT name text, OUT version integer, OUT latest boolean, OUT states integer, OUT transitions integer,
    OUT columns integer, OUT owner name, OUT description text, OUT defined_at timestamptz
) RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT m.name, m.version, m.version = max(m.version) OVER (PARTITION BY m.name),
           jsonb_array_length(m.definition -> 'states'),
           (SELECT sum(jsonb_array_length(t -> 'from'))::integer FROM jsonb_array_elements(m.definition -> 'transitions') AS t),
           (SELECT count(*)::integer FROM canon.status_guards() AS g WHERE g.machine = m.name),
           m.owner, coalesce(m.definition ->> 'description', ''), m.defined_at
    FROM canon.status_machine AS m
    ORDER BY m.name COLLATE "C", m.version
$$;
