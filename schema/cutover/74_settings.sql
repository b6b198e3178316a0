-- Settings by environment, labels and comments: typed reads, checked writes.

CREATE FUNCTION cutover.setting_problem(value text, data_type text, pattern text)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF value IS NULL THEN
        RETURN NULL;
    END IF;
    BEGIN
        CASE data_type
            WHEN 'NUMBER' THEN
                IF value::numeric IN ('NaN', 'Infinity', '-Infinity') THEN
                    RETURN 'is no number';
                END IF;
            WHEN 'BOOLEAN' THEN PERFORM value::boolean;
            WHEN 'JSON' THEN PERFORM value::jsonb;
            ELSE NULL;
        END CASE;
    EXCEPTION WHEN data_exception THEN
        RETURN CASE data_type
            WHEN 'NUMBER' THEN 'is no number'
            WHEN 'BOOLEAN' THEN 'is neither true nor false'
            ELSE 'is no JSON'
        END;
    END;
    -- The whole value has to match, as in a form.
    IF pattern IS NOT NULL AND value !~ ('^(?:' || pattern || ')$') THEN
        RETURN 'does not match the pattern ' || pattern;
    END IF;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION cutover.setting_problem(text, text, text) IS
    'What is wrong with the value of a setting of that data type and pattern; NULL where nothing is.';

CREATE FUNCTION cutover.check_setting()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    problem text;
BEGIN
    BEGIN
        problem := cutover.setting_problem(NEW.scf_value, NEW.scf_data_type, NEW.scf_validation_pattern);
    EXCEPTION WHEN invalid_regular_expression THEN
        RAISE EXCEPTION 'the pattern of setting "%" is no regular expression', NEW.scf_key
            USING ERRCODE = 'invalid_regular_expression', DETAIL = SQLERRM, COLUMN = 'scf_validation_pattern';
    END;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'the value of setting "%" %', NEW.scf_key, problem
            USING ERRCODE = 'check_violation', DETAIL = format('Value: %s. Data type: %s.', NEW.scf_value, NEW.scf_data_type),
            COLUMN = 'scf_value', TABLE = 'system_configuration_scf', SCHEMA = 'cutover';
    END IF;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION cutover.check_setting() IS
    'Row trigger of system_configuration_scf: the value has to fit the data type and the pattern of its row.';

CREATE TRIGGER trg_system_configuration_scf_check BEFORE INSERT OR UPDATE OF scf_value, scf_data_type, scf_validation_pattern
    ON cutover.system_configuration_scf
    FOR EACH ROW EXECUTE FUNCTION cutover.check_setting();

CREATE FUNCTION cutover.setting(environment text, key text, fallback jsonb DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    stored record;
BEGIN
    SELECT s.scf_value AS value, s.scf_data_type AS data_type INTO stored
    FROM cutover.system_configuration_scf AS s
    JOIN cutover.environments_env AS e ON e.env_id = s.env_id
    WHERE e.env_code = setting.environment AND s.scf_key = setting.key AND s.scf_is_active;
    IF NOT FOUND OR stored.value IS NULL THEN
        RETURN fallback;
    END IF;
    RETURN CASE stored.data_type
        WHEN 'NUMBER' THEN to_jsonb(stored.value::numeric)
        WHEN 'BOOLEAN' THEN to_jsonb(stored.value::boolean)
        WHEN 'JSON' THEN stored.value::jsonb
        ELSE to_jsonb(stored.value)
    END;
END
$$;

COMMENT ON FUNCTION cutover.setting(text, text, jsonb) IS
    'The active setting of an environment as a JSON value of its data type; the fallback where there is none.';

CREATE FUNCTION cutover.set_setting(environment text, key text, value jsonb)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted text := value #>> '{}';
    kind text := CASE jsonb_typeof(value)
        WHEN 'number' THEN 'NUMBER' WHEN 'boolean' THEN 'BOOLEAN' WHEN 'string' THEN 'STRING' WHEN 'null' THEN NULL
        ELSE 'JSON' END;
    env integer;
    managed boolean;
BEGIN
    SELECT e.env_id INTO env FROM cutover.environments_env AS e WHERE e.env_code = environment;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no environment "%"', environment
            USING ERRCODE = 'no_data_found', HINT = 'SELECT env_code FROM cutover.environments_env;';
    END IF;
    SELECT s.scf_is_system_managed INTO managed FROM cutover.system_configuration_scf AS s
    WHERE s.env_id = env AND s.scf_key = set_setting.key FOR UPDATE;
    IF managed THEN
        RAISE EXCEPTION 'setting "%" is managed by the system', key
            USING ERRCODE = 'insufficient_privilege',
            DETAIL = 'Its row says scf_is_system_managed.';
    END IF;
    INSERT INTO cutover.system_configuration_scf AS s (env_id, scf_key, scf_value, scf_data_type, created_by, updated_by)
    VALUES (env, set_setting.key, wanted, COALESCE(kind, 'STRING'), SESSION_USER, SESSION_USER)
    ON CONFLICT ON CONSTRAINT unique_scf_key_per_env DO UPDATE SET
        -- The data type of a setting stays: a value of another type is refused by the trigger.
        scf_value = excluded.scf_value,
        updated_by = excluded.updated_by;
    RETURN cutover.setting(environment, key);
END
$$;

COMMENT ON FUNCTION cutover.set_setting(text, text, jsonb) IS
    'Sets a setting of an environment; data type and pattern of an existing one are kept and checked.';

CREATE FUNCTION cutover.attach_label(migration uuid, label text, step uuid DEFAULT NULL, control uuid DEFAULT NULL, application integer DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    id integer;
BEGIN
    IF num_nonnulls(step, control, application) <> 1 THEN
        RAISE EXCEPTION 'a label is attached to one thing'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass one of step =>, control =>, application =>.';
    END IF;
    IF NULLIF(trim(label), '') IS NULL THEN
        RAISE EXCEPTION 'a label needs a name' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO cutover.labels_lbl AS l (mig_id, lbl_name) VALUES (migration, trim(label))
    ON CONFLICT ON CONSTRAINT uq_labels_lbl_mig_id_lbl_name DO UPDATE SET lbl_name = excluded.lbl_name
    RETURNING l.lbl_id INTO id;
    INSERT INTO cutover.labels_lbl_x_steps_master_stm (lbl_id, stm_id, created_by)
    SELECT id, step, SESSION_USER WHERE step IS NOT NULL ON CONFLICT DO NOTHING;
    INSERT INTO cutover.labels_lbl_x_controls_master_ctm (lbl_id, ctm_id, created_by)
    SELECT id, control, SESSION_USER WHERE control IS NOT NULL ON CONFLICT DO NOTHING;
    INSERT INTO cutover.labels_lbl_x_applications_app (lbl_id, app_id, created_by)
    SELECT id, application, SESSION_USER WHERE application IS NOT NULL ON CONFLICT DO NOTHING;
    RETURN id;
END
$$;

COMMENT ON FUNCTION cutover.attach_label(uuid, text, uuid, uuid, integer) IS
    'Attaches a label of a migration to a master step, a master control or an application; makes the label where it is new.';

CREATE FUNCTION cutover.comment_on_step(step uuid, body text, author text)
RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    id integer;
    who integer;
BEGIN
    IF NULLIF(trim(body), '') IS NULL THEN
        RAISE EXCEPTION 'a comment needs a text' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT u.usr_id INTO who FROM cutover.users_usr AS u WHERE u.usr_code = author AND u.usr_active;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no active user "%"', author
            USING ERRCODE = 'no_data_found', HINT = 'SELECT usr_code FROM cutover.users_usr WHERE usr_active;';
    END IF;
    INSERT INTO cutover.step_instance_comments_sic (sti_id, comment_body, created_by)
    VALUES (step, trim(body), who) RETURNING sic_id INTO id;
    RETURN id;
END
$$;

COMMENT ON FUNCTION cutover.comment_on_step(uuid, text, text) IS
    'Adds a comment to a step instance in the name of an active user, known by the three-letter code.';
