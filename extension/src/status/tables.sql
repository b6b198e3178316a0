CREATE TABLE canon.status_machine (
    name       text        NOT NULL,
    version    integer     NOT NULL,
    definition jsonb       NOT NULL,
    owner      name        NOT NULL,
    defined_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    defined_by name        NOT NULL,
    CONSTRAINT pk_status_machine PRIMARY KEY (name, version),
    CONSTRAINT ck_status_machine_version CHECK (version OPERATOR(pg_catalog.>) 0)
);
COMMENT ON TABLE canon.status_machine IS 'Every version of every status machine that canon.status_define() has stored';
COMMENT ON COLUMN canon.status_machine.name IS 'Name of the machine';
COMMENT ON COLUMN canon.status_machine.version IS 'Version; the highest one governs columns and rows that are not pinned to another';
COMMENT ON COLUMN canon.status_machine.definition IS 'States and transitions, as canon.status_define() reads them';
COMMENT ON COLUMN canon.status_machine.owner IS 'Role whose members may define further versions and drop the machine';
COMMENT ON COLUMN canon.status_machine.defined_at IS 'Time of the definition';
COMMENT ON COLUMN canon.status_machine.defined_by IS 'Role that defined the version';
GRANT SELECT ON canon.status_machine TO PUBLIC;
-- A restore by the owner of the extension, who need not be a superuser, writes the rows back.
GRANT INSERT, UPDATE, DELETE ON canon.status_machine TO @extowner@;
SELECT pg_catalog.pg_extension_config_dump('canon.status_machine', '');
CREATE TRIGGER configuration_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON canon.status_machine
    FOR EACH STATEMENT EXECUTE FUNCTION canon.configuration_changed();

CREATE TABLE canon.status_refusal (
    relation    regclass    NOT NULL,
    column_name text        NOT NULL,
    key         text,
    version     integer     NOT NULL,
    from_state  text,
    to_state    text,
    why         text        NOT NULL,
    refused_to  text        NOT NULL,
    session_by  text        NOT NULL,
    actor       text,
    attempts    bigint      NOT NULL,
    first_at    timestamptz NOT NULL,
    last_at     timestamptz NOT NULL
);
COMMENT ON TABLE canon.status_refusal IS 'Changes of status that were refused; read canon.status_refusals';
CREATE INDEX ix_status_refusal_last_at ON canon.status_refusal (last_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON canon.status_refusal TO @extowner@;
SELECT pg_catalog.pg_extension_config_dump('canon.status_refusal', '');

CREATE VIEW canon.status_refusals WITH (security_barrier) AS
SELECT r.relation, r.column_name, r.key, r.version, r.from_state, r.to_state, r.why, r.refused_to, r.session_by, r.actor,
       r.attempts, r.first_at, r.last_at
FROM canon.status_refusal AS r
WHERE pg_catalog.has_table_privilege(r.relation, 'SELECT');
COMMENT ON VIEW canon.status_refusals IS
    'Changes of status that were refused, of the tables that the user may read; recorded where pg_canon is preloaded';
COMMENT ON COLUMN canon.status_refusals.relation IS 'Table of the row';
COMMENT ON COLUMN canon.status_refusals.column_name IS 'Column that holds the status';
COMMENT ON COLUMN canon.status_refusals.key IS 'Primary key of the row as text, cut off after 128 bytes';
COMMENT ON COLUMN canon.status_refusals.version IS 'Version of the machine that refused';
COMMENT ON COLUMN canon.status_refusals.from_state IS 'State of the row; NULL where the row was new';
COMMENT ON COLUMN canon.status_refusals.to_state IS 'State or value that was tried; NULL where an event was';
COMMENT ON COLUMN canon.status_refusals.why IS 'Message of the error, cut off after 256 bytes';
COMMENT ON COLUMN canon.status_refusals.refused_to IS 'Role that tried: current_user';
COMMENT ON COLUMN canon.status_refusals.session_by IS 'Role that opened the session: session_user';
COMMENT ON COLUMN canon.status_refusals.actor IS 'User of the application, from the setting canon.actor';
COMMENT ON COLUMN canon.status_refusals.attempts IS 'How often the same was tried within about a second';
COMMENT ON COLUMN canon.status_refusals.first_at IS 'Time of the first of these attempts';
COMMENT ON COLUMN canon.status_refusals.last_at IS 'Time of the last of them';
GRANT SELECT ON canon.status_refusals TO PUBLIC;
