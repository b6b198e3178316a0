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
