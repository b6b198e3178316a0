-- What a status machine of status.toml cannot say: dates that depend on other columns, and fields that belong to some
-- states only. Works without the extension.

-- A decision that is opened again has its time to answer anew, and is no longer escalated.
CREATE FUNCTION core.restart_decision() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.due_at := now() + make_interval(hours => NEW.sla_hours);
    NEW.escalation_level := 0;
    NEW.escalated_at := NULL;
    NEW.escalated_to_id := NULL;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION core.restart_decision() IS
    'Trigger: sets due_at of a reopened decision to now plus sla_hours and ends its escalation.';

CREATE TRIGGER trg_decisions_restart BEFORE UPDATE OF status ON core.decisions
    FOR EACH ROW WHEN (OLD.status IN ('DEFERRED', 'CANCELLED') AND NEW.status = 'NEEDS_INPUT')
    EXECUTE FUNCTION core.restart_decision();

-- Only a question that is still open can be escalated.
CREATE FUNCTION core.refuse_escalation() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = '23514',
        MESSAGE = format('decision %s cannot be escalated: it is %s', NEW.id, NEW.status),
        DETAIL = 'A decision is escalated while it is NEEDS_INPUT or UNDER_DISCUSSION.',
        HINT = format('SELECT * FROM core.decisions WHERE id = %L;', NEW.id),
        SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'escalation_level', CONSTRAINT = TG_NAME;
END
$$;

COMMENT ON FUNCTION core.refuse_escalation() IS 'Trigger: refuses to escalate a decision that is closed (SQLSTATE 23514).';

CREATE TRIGGER trg_decisions_escalation BEFORE UPDATE OF escalation_level ON core.decisions
    FOR EACH ROW WHEN (
        NEW.escalation_level > OLD.escalation_level AND NEW.status NOT IN ('NEEDS_INPUT', 'UNDER_DISCUSSION')
    )
    EXECUTE FUNCTION core.refuse_escalation();
