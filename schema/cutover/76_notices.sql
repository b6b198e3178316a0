-- Mail about the execution: written in the transaction that it is about, sent by a program outside the database.
-- A failure to write a notice undoes nothing: see the exception handler.

CREATE TABLE cutover_plan.notice (
    notice_id bigint GENERATED ALWAYS AS IDENTITY,
    event text NOT NULL,
    -- canon-ignore L8: a notice outlives what it was about
    sti_id uuid NOT NULL,
    -- canon-ignore L8: a notice outlives what it was about
    ini_id uuid,
    recipients text[] NOT NULL,
    subject text NOT NULL,
    body_html text,
    body_text text,
    created_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    sent_at timestamptz,
    failure text,
    CONSTRAINT pk_notice PRIMARY KEY (notice_id),
    CONSTRAINT ck_notice_event CHECK (
        event IN ('STEP_OPENED', 'STEP_STATUS_CHANGED', 'INSTRUCTION_COMPLETED', 'INSTRUCTION_UNCOMPLETED')
    )
);

CREATE INDEX idx_notice_unsent ON cutover_plan.notice (notice_id) WHERE sent_at IS NULL;
CREATE INDEX idx_notice_sti_id ON cutover_plan.notice (sti_id);

COMMENT ON TABLE cutover_plan.notice IS
    'Mail to be sent about steps and instructions, with its recipients and its text.';
COMMENT ON COLUMN cutover_plan.notice.notice_id IS
    'Number of the notice, in the order of writing.';
COMMENT ON COLUMN cutover_plan.notice.event IS
    'What it is about; names the mail template.';
COMMENT ON COLUMN cutover_plan.notice.sti_id IS
    'Step instance it is about.';
COMMENT ON COLUMN cutover_plan.notice.ini_id IS
    'Instruction instance, where it is about one.';
COMMENT ON COLUMN cutover_plan.notice.recipients IS
    'Mail addresses, each once.';
COMMENT ON COLUMN cutover_plan.notice.subject IS
    'Subject with its placeholders filled.';
COMMENT ON COLUMN cutover_plan.notice.body_html IS
    'Body as HTML; filled values are escaped.';
COMMENT ON COLUMN cutover_plan.notice.body_text IS
    'Body as plain text.';
COMMENT ON COLUMN cutover_plan.notice.created_at IS
    'Time of the event.';
COMMENT ON COLUMN cutover_plan.notice.sent_at IS
    'Time of sending, set by the program that sends.';
COMMENT ON COLUMN cutover_plan.notice.failure IS
    'Why sending failed, set by the program that sends.';

CREATE FUNCTION cutover.fill_template(template text, fields jsonb, html boolean)
RETURNS text
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    -- Split at placeholders and put together again, so that a value that looks like one stays a value.
    SELECT string_agg(
        CASE
            WHEN part.number % 2 = 1 THEN part.piece
            WHEN html THEN replace(replace(replace(replace(COALESCE(fields ->> part.piece, ''),
                '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;')
            ELSE COALESCE(fields ->> part.piece, '')
        END, '' ORDER BY part.number)
    FROM regexp_split_to_table(
        regexp_replace(template, '\{\{\s*([a-z_]+)\s*\}\}', E'\x01\\1\x01', 'g'), E'\x01'
    ) WITH ORDINALITY AS part (piece, number)
$$;

COMMENT ON FUNCTION cutover.fill_template(text, jsonb, boolean) IS
    'Replaces {{name}} by the field of that name, escaped in HTML; a field that is missing leaves nothing.';

CREATE FUNCTION cutover.recipients(step uuid, instruction_team integer DEFAULT NULL)
RETURNS text[]
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE(array_agg(DISTINCT t.tms_email ORDER BY t.tms_email), '{}')
    FROM cutover.steps_instance_sti AS i
    JOIN cutover.steps_master_stm AS m ON m.stm_id = i.stm_id
    JOIN cutover.teams_tms AS t ON t.tms_id = m.tms_id_owner
        OR t.tms_id = instruction_team
        OR t.tms_name ILIKE '%cutover%'
        OR EXISTS (
            SELECT 1 FROM cutover.steps_master_stm_x_teams_tms_impacted AS x
            WHERE x.stm_id = m.stm_id AND x.tms_id = t.tms_id
        )
    WHERE i.sti_id = step AND t.tms_email IS NOT NULL
$$;

COMMENT ON FUNCTION cutover.recipients(uuid, integer) IS
    'Addresses for a notice about a step: its owner, the impacted teams, the team of the instruction, and the cutover teams.';

CREATE FUNCTION cutover.write_notice(event text, step uuid, instruction uuid, fields jsonb, instruction_team integer)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    template record;
    addresses text[] := cutover.recipients(step, instruction_team);
    id bigint;
BEGIN
    SELECT t.emt_subject, t.emt_body_html, t.emt_body_text INTO template
    FROM cutover.email_templates_emt AS t
    WHERE t.emt_type = event AND t.emt_is_active
    ORDER BY t.emt_name COLLATE "C" LIMIT 1;
    IF NOT FOUND OR addresses = '{}' THEN
        RETURN;
    END IF;
    INSERT INTO cutover_plan.notice (event, sti_id, ini_id, recipients, subject, body_html, body_text)
    VALUES (
        event, step, instruction, addresses, COALESCE(cutover.fill_template(template.emt_subject, fields, false), event),
        cutover.fill_template(template.emt_body_html, fields, true),
        cutover.fill_template(template.emt_body_text, fields, false)
    ) RETURNING notice_id INTO id;
    PERFORM pg_notify('cutover_notice', id::text);
END
$$;

COMMENT ON FUNCTION cutover.write_notice(text, uuid, uuid, jsonb, integer) IS
    'Writes a notice from the active template of an event and sends NOTIFY cutover_notice; none without template or recipient.';

CREATE FUNCTION cutover.notice_of_step()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    fields jsonb;
BEGIN
    SELECT jsonb_build_object(
        'step_name', NEW.sti_name, 'step_code', m.stm_code, 'old_status', o.sts_name, 'new_status', n.sts_name,
        'changed_by', NEW.updated_by, 'changed_at', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')
    ) INTO fields
    FROM cutover.steps_master_stm AS m
    LEFT JOIN cutover.status_sts AS o ON o.sts_id = OLD.sti_status
    LEFT JOIN cutover.status_sts AS n ON n.sts_id = NEW.sti_status
    WHERE m.stm_id = NEW.stm_id;
    BEGIN
        PERFORM cutover.write_notice(
            CASE fields ->> 'new_status' WHEN 'TODO' THEN 'STEP_OPENED' ELSE 'STEP_STATUS_CHANGED' END,
            NEW.sti_id, NULL, fields, NULL);
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING 'no notice was written for step %: %', NEW.sti_id, SQLERRM;
    END;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION cutover.notice_of_step() IS
    'Row trigger of steps_instance_sti: a notice for every change of status.';

CREATE TRIGGER trg_steps_instance_sti_notice AFTER UPDATE OF sti_status ON cutover.steps_instance_sti
    FOR EACH ROW WHEN (OLD.sti_status IS DISTINCT FROM NEW.sti_status)
    EXECUTE FUNCTION cutover.notice_of_step();

CREATE FUNCTION cutover.notice_of_instruction()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    fields jsonb;
BEGIN
    SELECT jsonb_build_object(
        'step_name', s.sti_name, 'step_code', m.stm_code, 'instruction', NEW.ini_body, 'changed_by', NEW.updated_by,
        'changed_at', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')
    ) INTO fields
    FROM cutover.steps_instance_sti AS s
    JOIN cutover.steps_master_stm AS m ON m.stm_id = s.stm_id
    WHERE s.sti_id = NEW.sti_id;
    BEGIN
        PERFORM cutover.write_notice(
            CASE WHEN NEW.ini_is_completed THEN 'INSTRUCTION_COMPLETED' ELSE 'INSTRUCTION_UNCOMPLETED' END,
            NEW.sti_id, NEW.ini_id, fields, NEW.tms_id);
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING 'no notice was written for instruction %: %', NEW.ini_id, SQLERRM;
    END;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION cutover.notice_of_instruction() IS
    'Row trigger of instructions_instance_ini: a notice when one is completed or taken back.';

CREATE TRIGGER trg_instructions_instance_ini_notice AFTER UPDATE OF ini_is_completed ON cutover.instructions_instance_ini
    FOR EACH ROW WHEN (OLD.ini_is_completed IS DISTINCT FROM NEW.ini_is_completed)
    EXECUTE FUNCTION cutover.notice_of_instruction();
