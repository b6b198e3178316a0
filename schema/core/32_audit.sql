-- Who did what, and when.

-- D3.5: defaults for id and timestamp; the value list is a CHECK.
-- canon-ignore L11: the columns are those of the source
-- canon-ignore L26: each pack is a schema of its own, and every name in it is qualified
CREATE TABLE core.audit_logs (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL,
    -- canon-ignore L8: the id must outlive the user (D3.2)
    actor_id uuid,  -- D3.2: no foreign key on purpose; the id must outlive the user, see DEVIATIONS.md
    actor_name varchar(255),
    actor_email varchar(255),
    action varchar(255) NOT NULL,
    entity_type varchar(255) NOT NULL,
    -- canon-ignore L8: by entity_type; the trail keeps ids of things that are gone
    entity_id uuid NOT NULL,
    entity_title varchar(255),
    description text,
    old_values text,  -- D3.6: stays text; checked to be JSON in 90_canon.sql
    new_values text,  -- D3.6: as above
    ip_address varchar(255),
    user_agent varchar(255),
    request_id varchar(255),
    timestamp timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT pk_audit_logs PRIMARY KEY (id),
    -- D3.7: this list is missing in the summary of value lists of the source
    CONSTRAINT ck_audit_logs_action CHECK (action IN (
        'CREATE', 'READ', 'UPDATE', 'DELETE', 'STATUS_CHANGE',
        'DECISION_RESOLVED', 'DECISION_ESCALATED', 'DECISION_ASSIGNED', 'DECISION_COMMENTED',
        'OUTCOME_VALIDATED', 'OUTCOME_INVALIDATED',
        'HYPOTHESIS_TRANSITIONED', 'HYPOTHESIS_CONCLUDED', 'HYPOTHESIS_BLOCKED', 'HYPOTHESIS_UNBLOCKED',
        'LOGIN', 'LOGOUT', 'PASSWORD_CHANGED', 'USER_CREATED', 'USER_DEACTIVATED', 'ROLE_ASSIGNED',
        'TEAM_MEMBER_ADDED', 'TEAM_MEMBER_REMOVED'
    ))
);

COMMENT ON TABLE core.audit_logs IS 'Trail of what was done in a tenant; rows are added and never changed.';
COMMENT ON COLUMN core.audit_logs.id IS 'Key of the entry, made by the server unless given.';
COMMENT ON COLUMN core.audit_logs.tenant_id IS 'Tenant in which it happened (core.tenants.id).';
COMMENT ON COLUMN core.audit_logs.actor_id IS
    'User who acted, of the same tenant while the account exists; no key, so it outlives core.users.id.';
COMMENT ON COLUMN core.audit_logs.actor_name IS 'Name of the actor at that time.';
COMMENT ON COLUMN core.audit_logs.actor_email IS 'Address of the actor at that time.';
COMMENT ON COLUMN core.audit_logs.action IS 'What was done, one of 23 values.';
COMMENT ON COLUMN core.audit_logs.entity_type IS 'Kind of the thing acted on, by name.';
COMMENT ON COLUMN core.audit_logs.entity_id IS
    'Key of the thing acted on, in whatever table entity_type means; no key here.';
COMMENT ON COLUMN core.audit_logs.entity_title IS 'Title of the thing at that time.';
COMMENT ON COLUMN core.audit_logs.description IS 'The event in words.';
COMMENT ON COLUMN core.audit_logs.old_values IS 'Values before the change, as a JSON document in text form.';
COMMENT ON COLUMN core.audit_logs.new_values IS 'Values after the change, as a JSON document in text form.';
COMMENT ON COLUMN core.audit_logs.ip_address IS 'Network address of the caller, as text.';
COMMENT ON COLUMN core.audit_logs.user_agent IS 'Client program as it named itself.';
COMMENT ON COLUMN core.audit_logs.request_id IS 'Identifier of the request, to join with other logs.';
COMMENT ON COLUMN core.audit_logs.timestamp IS 'When it happened.';
