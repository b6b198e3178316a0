CREATE SCHEMA canon;
COMMENT ON SCHEMA canon IS 'pg_canon: functions, trigger functions and configuration of the extension';
GRANT USAGE ON SCHEMA canon TO PUBLIC;

-- Needed by the configuration tables that come next.
CREATE FUNCTION canon.configuration_changed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'configuration_changed_wrapper';
