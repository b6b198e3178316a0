-- Rules that a key or a CHECK cannot say: links stay within a tenant, and stakeholder counters follow decisions.
--
-- The checks of links run as AFTER triggers. The foreign keys of the row have then been checked already, so a link to
-- a missing row is reported as 23503 by its key; what remains is a row of another tenant, refused as 23514. A row the
-- caller cannot see (row-level security) counts as one of another tenant: the check fails closed.


-- 1. Links stay within a tenant -------------------------------------------------------------------------------------

-- D3.2: a row that others link to keeps its tenant; otherwise an UPDATE of tenant_id would undo the checks below.
CREATE FUNCTION core.refuse_tenant_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = '23514',
        MESSAGE = format('row %s of %I.%I cannot move to another tenant', OLD.id, TG_TABLE_SCHEMA, TG_TABLE_NAME),
        DETAIL = format(
            'tenant_id is %s and the change asks for %s.',
            coalesce(OLD.tenant_id::text, 'NULL'), coalesce(NEW.tenant_id::text, 'NULL')
        ),
        HINT = 'Insert a new row for the other tenant and close this one.',
        SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'tenant_id', CONSTRAINT = TG_NAME;
END
$$;

COMMENT ON FUNCTION core.refuse_tenant_change() IS 'Trigger: refuses to change tenant_id (SQLSTATE 23514).';

CREATE TRIGGER trg_roles_tenant_fixed BEFORE UPDATE OF tenant_id ON core.roles
    FOR EACH ROW WHEN (OLD.tenant_id IS DISTINCT FROM NEW.tenant_id) EXECUTE FUNCTION core.refuse_tenant_change();
CREATE TRIGGER trg_users_tenant_fixed BEFORE UPDATE OF tenant_id ON core.users
    FOR EACH ROW WHEN (OLD.tenant_id IS DISTINCT FROM NEW.tenant_id) EXECUTE FUNCTION core.refuse_tenant_change();
CREATE TRIGGER trg_teams_tenant_fixed BEFORE UPDATE OF tenant_id ON core.teams
    FOR EACH ROW WHEN (OLD.tenant_id IS DISTINCT FROM NEW.tenant_id) EXECUTE FUNCTION core.refuse_tenant_change();
CREATE TRIGGER trg_decisions_tenant_fixed BEFORE UPDATE OF tenant_id ON core.decisions
    FOR EACH ROW WHEN (OLD.tenant_id IS DISTINCT FROM NEW.tenant_id) EXECUTE FUNCTION core.refuse_tenant_change();

-- D3.2: a user's role is a system role or one of the user's tenant.
CREATE FUNCTION core.check_user_role_tenant() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (
        SELECT 1
        FROM core.roles AS r
        WHERE r.id = NEW.role_id AND (r.tenant_id IS NULL OR r.tenant_id = NEW.tenant_id)
    ) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = '23514',
        MESSAGE = 'a user can hold only a system role or a role of the same tenant',
        DETAIL = format(
            'User %s belongs to tenant %s; role %s belongs to another tenant.',
            NEW.id, NEW.tenant_id, NEW.role_id
        ),
        HINT = format(
            'Choose one of: SELECT id, code FROM core.roles WHERE tenant_id IS NULL OR tenant_id = %L;', NEW.tenant_id
        ),
        SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'role_id', CONSTRAINT = TG_NAME;
END
$$;

COMMENT ON FUNCTION core.check_user_role_tenant() IS
    'Trigger: the role of a user is a system role or one of the same tenant (SQLSTATE 23514).';

CREATE TRIGGER trg_users_role_tenant AFTER INSERT OR UPDATE OF tenant_id, role_id ON core.users
    FOR EACH ROW EXECUTE FUNCTION core.check_user_role_tenant();

-- D3.2: team_members has no tenant column; team, member and the user who added the member share the team's tenant.
CREATE FUNCTION core.check_team_member_tenant() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    team_tenant uuid := (SELECT t.tenant_id FROM core.teams AS t WHERE t.id = NEW.team_id);
    foreign_column text;
BEGIN
    foreign_column := CASE
        WHEN NOT EXISTS (
            SELECT 1 FROM core.users AS u WHERE u.id = NEW.user_id AND u.tenant_id = team_tenant
        ) THEN 'user_id'
        WHEN NEW.added_by_id IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM core.users AS u WHERE u.id = NEW.added_by_id AND u.tenant_id = team_tenant
        ) THEN 'added_by_id'
    END;
    IF foreign_column IS NULL THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = '23514',
        MESSAGE = format('%s of a team membership must be a user of the tenant of the team', foreign_column),
        DETAIL = format(
            'Team %s belongs to tenant %s; user %s belongs to another tenant.',
            NEW.team_id, team_tenant, CASE foreign_column WHEN 'user_id' THEN NEW.user_id ELSE NEW.added_by_id END
        ),
        HINT = format('Choose one of: SELECT id, email FROM core.users WHERE tenant_id = %L;', team_tenant),
        SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = foreign_column, CONSTRAINT = TG_NAME;
END
$$;

COMMENT ON FUNCTION core.check_team_member_tenant() IS
    'Trigger: member and adding user belong to the tenant of the team (SQLSTATE 23514).';

CREATE TRIGGER trg_team_members_tenant AFTER INSERT OR UPDATE OF team_id, user_id, added_by_id ON core.team_members
    FOR EACH ROW EXECUTE FUNCTION core.check_team_member_tenant();

-- D3.2: decision_comments has no tenant column either.
CREATE FUNCTION core.check_comment_author_tenant() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    decision_tenant uuid := (SELECT d.tenant_id FROM core.decisions AS d WHERE d.id = NEW.decision_id);
BEGIN
    IF EXISTS (SELECT 1 FROM core.users AS u WHERE u.id = NEW.author_id AND u.tenant_id = decision_tenant) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = '23514',
        MESSAGE = 'the author of a comment must be a user of the tenant of the decision',
        DETAIL = format(
            'Decision %s belongs to tenant %s; user %s belongs to another tenant.',
            NEW.decision_id, decision_tenant, NEW.author_id
        ),
        HINT = format('Choose one of: SELECT id, email FROM core.users WHERE tenant_id = %L;', decision_tenant),
        SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'author_id', CONSTRAINT = TG_NAME;
END
$$;

COMMENT ON FUNCTION core.check_comment_author_tenant() IS
    'Trigger: the author of a comment belongs to the tenant of the decision (SQLSTATE 23514).';

CREATE TRIGGER trg_decision_comments_tenant AFTER INSERT OR UPDATE OF decision_id, author_id ON core.decision_comments
    FOR EACH ROW EXECUTE FUNCTION core.check_comment_author_tenant();

-- D3.2: an audit row keeps the id of an actor that is gone, so an unknown id passes; a user of another tenant does not.
CREATE FUNCTION core.check_audit_actor_tenant() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM core.users AS u WHERE u.id = NEW.actor_id AND u.tenant_id <> NEW.tenant_id) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = '23514',
        MESSAGE = 'the actor of an audit entry must not be a user of another tenant',
        DETAIL = format(
            'The entry belongs to tenant %s; user %s belongs to another tenant.', NEW.tenant_id, NEW.actor_id
        ),
        HINT = 'For somebody from outside the tenant leave actor_id NULL and fill actor_name and actor_email.',
        SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'actor_id', CONSTRAINT = TG_NAME;
END
$$;

COMMENT ON FUNCTION core.check_audit_actor_tenant() IS
    'Trigger: the actor of an audit entry is not a user of another tenant (SQLSTATE 23514).';

CREATE TRIGGER trg_audit_logs_actor_tenant AFTER INSERT OR UPDATE OF tenant_id, actor_id ON core.audit_logs
    FOR EACH ROW WHEN (NEW.actor_id IS NOT NULL) EXECUTE FUNCTION core.check_audit_actor_tenant();


-- 2. Stakeholder counters (D3.8) ------------------------------------------------------------------------------------
--
-- A stakeholder answers for the decisions assigned to stakeholders.user_id. decisions_pending is recounted, never
-- added to, so that it heals after a load with triggers off. The other counters record events and only ever grow.
--
-- The functions of this part are SECURITY DEFINER: whoever may change a decision need not be allowed to write to
-- core.stakeholders, and row-level security must not make them miscount. Nobody but the owner may call them.

-- Locks come first and in order of id: the user rows, against a stakeholder being linked to one of them at the same
-- time (core.count_own_decisions_pending() takes the opposite lock), then the stakeholder rows, against deadlock
-- between two statements and so that the count, in a later snapshot, sees all that was committed before the lock.
CREATE FUNCTION core.recount_decisions_pending(user_ids uuid[]) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF coalesce(cardinality(user_ids), 0) = 0 THEN
        RETURN;
    END IF;

    PERFORM 1
    FROM core.users AS u
    WHERE u.id = ANY (user_ids)
    ORDER BY u.id
    FOR KEY SHARE;

    PERFORM 1
    FROM core.users AS u
    JOIN core.stakeholders AS s ON s.tenant_id = u.tenant_id AND s.user_id = u.id
    WHERE u.id = ANY (user_ids)
    ORDER BY s.id
    FOR NO KEY UPDATE OF s;

    UPDATE core.stakeholders AS s
    SET decisions_pending = c.pending
    FROM core.users AS u
    CROSS JOIN LATERAL (
        SELECT count(*)::integer AS pending
        FROM core.decisions AS d
        WHERE d.tenant_id = u.tenant_id
            AND d.assigned_to_id = u.id
            AND d.status IN ('NEEDS_INPUT', 'UNDER_DISCUSSION')
    ) AS c
    WHERE u.id = ANY (user_ids)
        AND s.tenant_id = u.tenant_id
        AND s.user_id = u.id
        AND s.decisions_pending IS DISTINCT FROM c.pending;
END
$$;

COMMENT ON FUNCTION core.recount_decisions_pending(uuid[]) IS
    'Sets decisions_pending of the stakeholders of these users to the true number; also the repair after a bulk load.';

-- Transition table of both statements: changed_rows (the new rows of INSERT, the old rows of DELETE).
CREATE FUNCTION core.count_decisions_pending() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        PERFORM core.recount_decisions_pending(ARRAY(
            SELECT DISTINCT s.user_id FROM core.stakeholders AS s WHERE s.user_id IS NOT NULL
        ));
    ELSE
        PERFORM core.recount_decisions_pending(ARRAY(
            SELECT DISTINCT c.assigned_to_id
            FROM changed_rows AS c
            WHERE c.assigned_to_id IS NOT NULL AND c.status IN ('NEEDS_INPUT', 'UNDER_DISCUSSION')
        ));
    END IF;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION core.count_decisions_pending() IS
    'Trigger: after decisions were added or removed, recounts the open ones of their assignees.';

CREATE TRIGGER trg_decisions_stakeholders_insert AFTER INSERT ON core.decisions
    REFERENCING NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION core.count_decisions_pending();
CREATE TRIGGER trg_decisions_stakeholders_delete AFTER DELETE ON core.decisions
    REFERENCING OLD TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION core.count_decisions_pending();
CREATE TRIGGER trg_decisions_stakeholders_truncate AFTER TRUNCATE ON core.decisions
    FOR EACH STATEMENT EXECUTE FUNCTION core.count_decisions_pending();

-- An UPDATE may move decisions between assignees (recounted for both sides), decide them or escalate them. A decision
-- counts for the assignee it has when it becomes DECIDED, an escalation for the assignee it had before.
CREATE FUNCTION core.track_decision_updates() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- FULL JOIN: a row whose id was changed appears once as gone and once as new
    PERFORM core.recount_decisions_pending(ARRAY(
        SELECT DISTINCT a.user_id
        FROM old_rows AS o
        FULL JOIN new_rows AS n ON n.id = o.id
        CROSS JOIN LATERAL (VALUES (o.assigned_to_id), (n.assigned_to_id)) AS a (user_id)
        WHERE a.user_id IS NOT NULL
            AND (o.status, o.assigned_to_id, o.escalation_level)
                IS DISTINCT FROM (n.status, n.assigned_to_id, n.escalation_level)
    ));

    -- The mean grows by the decisions with a known start; one without created_at counts as completed only.
    UPDATE core.stakeholders AS s
    SET decisions_completed = coalesce(s.decisions_completed, 0) + e.completed,
        decisions_escalated = coalesce(s.decisions_escalated, 0) + e.escalated,
        last_decision_at = greatest(s.last_decision_at, e.last_decided_at),
        avg_response_time_hours = CASE
            WHEN e.measured = 0 THEN s.avg_response_time_hours
            WHEN s.avg_response_time_hours IS NULL THEN e.hours / e.measured
            ELSE (s.avg_response_time_hours * coalesce(s.decisions_completed, 0) + e.hours)
                / (coalesce(s.decisions_completed, 0) + e.measured)
        END
    FROM (
        SELECT
            v.tenant_id,
            v.user_id,
            sum(v.completed)::integer AS completed,
            sum(v.escalated)::integer AS escalated,
            max(v.decided_at) AS last_decided_at,
            count(v.created_at)::integer AS measured,
            -- never below 0: decided_at may come from a clock that runs behind
            sum(greatest(extract(epoch FROM v.decided_at - v.created_at), 0)::double precision / 3600)
                FILTER (WHERE v.created_at IS NOT NULL) AS hours
        FROM (
            SELECT
                n.tenant_id,
                n.assigned_to_id AS user_id,
                1 AS completed,
                0 AS escalated,
                n.created_at,
                coalesce(n.decided_at, CURRENT_TIMESTAMP) AS decided_at
            FROM old_rows AS o
            JOIN new_rows AS n ON n.id = o.id
            WHERE n.status = 'DECIDED' AND o.status <> 'DECIDED' AND n.assigned_to_id IS NOT NULL
            UNION ALL
            SELECT o.tenant_id, o.assigned_to_id, 0, 1, NULL, NULL
            FROM old_rows AS o
            JOIN new_rows AS n ON n.id = o.id
            WHERE coalesce(n.escalation_level, 0) > coalesce(o.escalation_level, 0) AND o.assigned_to_id IS NOT NULL
        ) AS v
        GROUP BY v.tenant_id, v.user_id
    ) AS e
    WHERE s.tenant_id = e.tenant_id AND s.user_id = e.user_id;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION core.track_decision_updates() IS
    'Trigger: after decisions changed, keeps all counters of the stakeholders concerned.';

CREATE TRIGGER trg_decisions_stakeholders_update AFTER UPDATE ON core.decisions
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION core.track_decision_updates();

-- A stakeholder linked to a user takes over the open decisions of that user.
CREATE FUNCTION core.count_own_decisions_pending() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.tenant_id, NEW.user_id) IS NOT DISTINCT FROM (OLD.tenant_id, OLD.user_id) THEN
            RETURN NEW;
        END IF;
    END IF;
    -- waits for statements in flight that change decisions of this user, and makes later ones wait
    PERFORM 1 FROM core.users AS u WHERE u.id = NEW.user_id FOR UPDATE;
    NEW.decisions_pending := (
        SELECT count(*)
        FROM core.decisions AS d
        WHERE d.tenant_id = NEW.tenant_id
            AND d.assigned_to_id = NEW.user_id
            AND d.status IN ('NEEDS_INPUT', 'UNDER_DISCUSSION')
    );
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION core.count_own_decisions_pending() IS
    'Trigger: a stakeholder that gets another user starts with the open decisions of that user.';

CREATE TRIGGER trg_stakeholders_pending BEFORE INSERT OR UPDATE OF tenant_id, user_id ON core.stakeholders
    FOR EACH ROW EXECUTE FUNCTION core.count_own_decisions_pending();

-- The row lock of the DELETE comes before this trigger, so OLD is the newest version of the row.
CREATE FUNCTION core.refuse_stakeholder_delete() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = '23503',
        MESSAGE = format('stakeholder %s cannot be deleted while decisions wait for an answer', OLD.id),
        DETAIL = format('decisions_pending is %s.', OLD.decisions_pending),
        HINT = format(
            'Decide, defer or reassign them first: SELECT id, title FROM core.decisions WHERE tenant_id = %L '
            'AND assigned_to_id = %L AND status IN (''NEEDS_INPUT'', ''UNDER_DISCUSSION'');',
            OLD.tenant_id, OLD.user_id
        ),
        SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'decisions_pending', CONSTRAINT = TG_NAME;
END
$$;

COMMENT ON FUNCTION core.refuse_stakeholder_delete() IS
    'Trigger: a stakeholder with open decisions cannot be deleted (SQLSTATE 23503).';

CREATE TRIGGER trg_stakeholders_delete BEFORE DELETE ON core.stakeholders
    FOR EACH ROW WHEN (OLD.decisions_pending > 0) EXECUTE FUNCTION core.refuse_stakeholder_delete();

REVOKE ALL ON FUNCTION core.recount_decisions_pending(uuid[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION core.count_decisions_pending() FROM PUBLIC;
REVOKE ALL ON FUNCTION core.track_decision_updates() FROM PUBLIC;
REVOKE ALL ON FUNCTION core.count_own_decisions_pending() FROM PUBLIC;
