CREATE SCHEMA canon;
COMMENT ON SCHEMA canon IS 'pg_canon: functions, trigger functions and configuration of the extension';
GRANT USAGE ON SCHEMA canon TO PUBLIC;
