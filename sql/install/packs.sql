CREATE TABLE canon.installed_pack (
    pack         text        NOT NULL,
    version      text        NOT NULL,
    schemas      text[]      NOT NULL,
    default_rows jsonb       NOT NULL,
    installed_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    installed_by name        NOT NULL,
    CONSTRAINT pk_installed_pack PRIMARY KEY (pack)
);
COMMENT ON TABLE canon.installed_pack IS 'Schema packs that canon.install() has put into this database';
COMMENT ON COLUMN canon.installed_pack.pack IS 'Name of the pack';
COMMENT ON COLUMN canon.installed_pack.version IS 'Version that was installed';
COMMENT ON COLUMN canon.installed_pack.schemas IS 'Schemas that the installation created';
COMMENT ON COLUMN canon.installed_pack.default_rows IS
    'Number and digest of the rows each table was delivered with, so that canon.uninstall() can tell them from yours';
COMMENT ON COLUMN canon.installed_pack.installed_at IS 'Time of the installation';
COMMENT ON COLUMN canon.installed_pack.installed_by IS 'Role that installed the pack and owns its objects';
GRANT SELECT ON canon.installed_pack TO PUBLIC;
-- A restore by the owner of the extension, who need not be a superuser, writes the rows back.
GRANT INSERT, UPDATE, DELETE ON canon.installed_pack TO @extowner@;
SELECT pg_catalog.pg_extension_config_dump('canon.installed_pack', '');
