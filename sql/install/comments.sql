COMMENT ON FUNCTION canon.version() IS 'Version of the loaded pg_canon library';
COMMENT ON FUNCTION canon.is_json(text) IS 'Whether the text is valid JSON, exactly as jsonb judges it; NULL for NULL';
COMMENT ON FUNCTION canon.touch_updated_at() IS
    'BEFORE UPDATE row trigger: sets updated_at, or the columns named as its arguments, to the time of the transaction';
COMMENT ON FUNCTION canon.configuration_changed() IS
    'AFTER statement trigger of a table that holds configuration: makes every session read it anew at its next statement';
COMMENT ON FUNCTION canon.packs() IS 'Schema packs this library holds, with the version installed in this database';
COMMENT ON FUNCTION canon.install(text) IS
    'Installs a schema pack, or all of them, as the calling role: wholly or not at all; a second call changes nothing';
COMMENT ON FUNCTION canon.uninstall(text, boolean) IS
    'Removes a schema pack; refuses while its tables hold rows of yours or other objects depend on it, unless forced';
COMMENT ON FUNCTION canon.validate(text) IS
    'Compares an installed pack with what it declares: a line for each kind of object and status column, then each object that is missing, altered or added';
