-- Decisions that work waits for, the talk about them, and the people who take them.
-- canon-ignore-file L14: nullability is that of the source (D3.5)

-- D3.5: defaults for id and timestamps; the three value lists are CHECKs.
CREATE TABLE core.decisions (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL,
    title varchar(500) NOT NULL,
    description text,
    context text,
    options text,  -- D3.6: stays text; checked to be JSON in 90_canon.sql
    status varchar(255) NOT NULL DEFAULT 'NEEDS_INPUT',  -- addition: D3.5 initial state
    priority varchar(255) NOT NULL,
    decision_type varchar(255),
    owner_id uuid,
    assigned_to_id uuid,
    outcome_id uuid,
    hypothesis_id uuid,
    team_id uuid,
    sla_hours integer,
    due_at timestamptz,
    escalation_level integer DEFAULT 0,  -- addition: D3.5 counting starts at 0
    escalated_at timestamptz,
    escalated_to_id uuid,
    decided_by_id uuid,
    decided_at timestamptz,
    decision_rationale text,
    selected_option text,  -- D3.6: as above
    blocked_items text,  -- D3.6: as above
    external_refs text,  -- D3.6: as above
    tags text,  -- D3.6: as above
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    created_by_id uuid,
    CONSTRAINT pk_decisions PRIMARY KEY (id),
    CONSTRAINT ck_decisions_status CHECK (status IN (
        'NEEDS_INPUT', 'UNDER_DISCUSSION', 'DECIDED', 'IMPLEMENTED', 'DEFERRED', 'CANCELLED'
    )),
    CONSTRAINT ck_decisions_priority CHECK (priority IN ('BLOCKING', 'HIGH', 'NORMAL', 'LOW')),
    CONSTRAINT ck_decisions_decision_type CHECK (decision_type IN (
        'PRODUCT', 'UX', 'TECHNICAL', 'ARCHITECTURAL', 'STRATEGIC', 'OPERATIONAL', 'RESOURCE', 'SCOPE', 'TIMELINE'
    ))
);

COMMENT ON TABLE core.decisions IS 'Questions somebody must decide, with options, deadline and verdict.';
COMMENT ON COLUMN core.decisions.id IS 'Key of the decision, made by the server unless given.';
COMMENT ON COLUMN core.decisions.tenant_id IS 'Tenant the decision belongs to (core.tenants.id). Fixed once set.';
COMMENT ON COLUMN core.decisions.title IS 'The question in one line.';
COMMENT ON COLUMN core.decisions.description IS 'Longer explanation.';
COMMENT ON COLUMN core.decisions.context IS 'Background, and notes added on reassignment.';
COMMENT ON COLUMN core.decisions.options IS 'Choices on offer, as a JSON array in text form.';
COMMENT ON COLUMN core.decisions.status IS
    'Lifecycle state: NEEDS_INPUT at first; open while NEEDS_INPUT or UNDER_DISCUSSION.';
COMMENT ON COLUMN core.decisions.priority IS 'Urgency: BLOCKING, HIGH, NORMAL or LOW; sets the usual time to answer.';
COMMENT ON COLUMN core.decisions.decision_type IS 'Field the question belongs to, one of nine values.';
COMMENT ON COLUMN core.decisions.owner_id IS 'User who needs the answer (core.users.id), in the same tenant.';
COMMENT ON COLUMN core.decisions.assigned_to_id IS
    'User who is to decide (core.users.id), in the same tenant; drives the counters.';
COMMENT ON COLUMN core.decisions.outcome_id IS 'Outcome concerned (core.outcomes.id), in the same tenant.';
COMMENT ON COLUMN core.decisions.hypothesis_id IS 'Hypothesis concerned (core.hypotheses.id), in the same tenant.';
COMMENT ON COLUMN core.decisions.team_id IS 'Team concerned (core.teams.id), in the same tenant.';
COMMENT ON COLUMN core.decisions.sla_hours IS
    'Hours allowed for the answer; NULL means the usual time of the priority.';
COMMENT ON COLUMN core.decisions.due_at IS 'When the answer is due.';
COMMENT ON COLUMN core.decisions.escalation_level IS 'How many times the question was passed upwards, from 0.';
COMMENT ON COLUMN core.decisions.escalated_at IS 'When it was last passed upwards.';
COMMENT ON COLUMN core.decisions.escalated_to_id IS 'User it was passed to (core.users.id), in the same tenant.';
COMMENT ON COLUMN core.decisions.decided_by_id IS 'User who decided (core.users.id), in the same tenant.';
COMMENT ON COLUMN core.decisions.decided_at IS 'When the decision was taken; ends the response time of the assignee.';
COMMENT ON COLUMN core.decisions.decision_rationale IS 'Reasons for the decision, or for deferring or cancelling it.';
COMMENT ON COLUMN core.decisions.selected_option IS 'The choice taken, as a JSON document in text form.';
COMMENT ON COLUMN core.decisions.blocked_items IS 'What waits for the answer: JSON array in text form of type and id.';
COMMENT ON COLUMN core.decisions.external_refs IS 'Links into other systems, as a JSON document in text form.';
COMMENT ON COLUMN core.decisions.tags IS 'Free labels, as a JSON array in text form.';
COMMENT ON COLUMN core.decisions.created_at IS
    'When the question was raised; starts the response time of the assignee.';
COMMENT ON COLUMN core.decisions.updated_at IS 'When the row last changed; stamped by a trigger.';
COMMENT ON COLUMN core.decisions.created_by_id IS 'User who raised it (core.users.id), in the same tenant.';

-- D3.5: defaults for id, timestamps and is_edited.
-- D3.2: no tenant column here, so core.check_comment_author_tenant() keeps the author in the tenant of the decision.
-- canon-ignore L19: the parent row has the tenant, and triggers compare it (D3.2)
CREATE TABLE core.decision_comments (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    decision_id uuid NOT NULL,
    author_id uuid NOT NULL,
    parent_id uuid,
    content text NOT NULL,
    option_id varchar(255),
    is_edited boolean DEFAULT false,  -- addition: D3.5 default
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT pk_decision_comments PRIMARY KEY (id),
    -- addition: D3.2 target of the composite key that keeps a thread within one decision
    CONSTRAINT uq_decision_comments_decision_id_id UNIQUE (decision_id, id)
);

COMMENT ON TABLE core.decision_comments IS 'Discussion of a decision, in threads.';
COMMENT ON COLUMN core.decision_comments.id IS 'Key of the comment, made by the server unless given.';
COMMENT ON COLUMN core.decision_comments.decision_id IS 'Decision talked about (core.decisions.id).';
COMMENT ON COLUMN core.decision_comments.author_id IS
    'User who wrote it (core.users.id), of the tenant of the decision.';
COMMENT ON COLUMN core.decision_comments.parent_id IS
    'Comment answered (core.decision_comments.id), on the same decision; NULL opens a thread.';
COMMENT ON COLUMN core.decision_comments.content IS 'What was written.';
COMMENT ON COLUMN core.decision_comments.option_id IS
    'Choice the comment speaks of: an id inside the options of the decision; not enforced.';
COMMENT ON COLUMN core.decision_comments.is_edited IS
    'True once the text was changed after posting, set by the application.';
COMMENT ON COLUMN core.decision_comments.created_at IS 'When the row was made.';
COMMENT ON COLUMN core.decision_comments.updated_at IS 'When the row last changed; stamped by a trigger.';

-- D3.5: defaults for id, timestamps, counters and is_active; the value list is a CHECK.
-- D3.8: the counters follow core.decisions through user_id, see 70_functions.sql.
CREATE TABLE core.stakeholders (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL,
    name varchar(255) NOT NULL,
    email varchar(255) NOT NULL,
    title varchar(255),
    organization varchar(255),
    phone varchar(255),
    avatar_url varchar(255),
    type varchar(255) NOT NULL,
    user_id uuid,
    expertise text,  -- D3.6: stays text; checked to be JSON in 90_canon.sql
    preferred_contact_method varchar(255),
    availability_notes text,
    timezone varchar(255),
    decisions_pending integer DEFAULT 0,  -- addition: D3.5 counting starts at 0
    decisions_completed integer DEFAULT 0,  -- addition: D3.5 counting starts at 0
    decisions_escalated integer DEFAULT 0,  -- addition: D3.5 counting starts at 0
    avg_response_time_hours double precision,
    last_decision_at timestamptz,
    is_active boolean DEFAULT true,  -- addition: D3.5 default
    notes text,
    external_refs text,  -- D3.6: as above
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    created_by_id uuid,
    CONSTRAINT pk_stakeholders PRIMARY KEY (id),
    CONSTRAINT ck_stakeholders_type CHECK (type IN (
        'INTERNAL', 'EXTERNAL', 'EXECUTIVE', 'CUSTOMER', 'REGULATORY', 'TECHNICAL'
    ))
);

COMMENT ON TABLE core.stakeholders IS
    'People whose decisions are waited for, inside or outside the tenant, with their record.';
COMMENT ON COLUMN core.stakeholders.id IS 'Key of the stakeholder, made by the server unless given.';
COMMENT ON COLUMN core.stakeholders.tenant_id IS 'Tenant that keeps the entry (core.tenants.id).';
COMMENT ON COLUMN core.stakeholders.name IS 'Full name.';
COMMENT ON COLUMN core.stakeholders.email IS 'Address for contact.';
COMMENT ON COLUMN core.stakeholders.title IS 'Job title.';
COMMENT ON COLUMN core.stakeholders.organization IS 'Company or body the person comes from.';
COMMENT ON COLUMN core.stakeholders.phone IS 'Telephone number, as written.';
COMMENT ON COLUMN core.stakeholders.avatar_url IS 'Address of the picture, if there is one.';
COMMENT ON COLUMN core.stakeholders.type IS 'Relation to the tenant, one of six values.';
COMMENT ON COLUMN core.stakeholders.user_id IS
    'Account of the person (core.users.id), in the same tenant; NULL for outsiders.';
COMMENT ON COLUMN core.stakeholders.expertise IS 'Fields the person knows, as a JSON array in text form.';
COMMENT ON COLUMN core.stakeholders.preferred_contact_method IS 'How the person likes to be reached, free text.';
COMMENT ON COLUMN core.stakeholders.availability_notes IS 'When the person can be reached.';
COMMENT ON COLUMN core.stakeholders.timezone IS 'Time zone of the person, by convention an IANA name.';
COMMENT ON COLUMN core.stakeholders.decisions_pending IS 'Open decisions assigned to user_id now; kept by triggers.';
COMMENT ON COLUMN core.stakeholders.decisions_completed IS
    'Decisions that became DECIDED while assigned to user_id; kept by a trigger.';
COMMENT ON COLUMN core.stakeholders.decisions_escalated IS
    'Decisions passed upwards away from user_id; kept by a trigger.';
COMMENT ON COLUMN core.stakeholders.avg_response_time_hours IS
    'Mean hours from created_at to decided_at over completed decisions, with fractions; kept by a trigger.';
COMMENT ON COLUMN core.stakeholders.last_decision_at IS
    'Latest decided_at among completed decisions; kept by a trigger.';
COMMENT ON COLUMN core.stakeholders.is_active IS 'False once the person is no longer asked.';
COMMENT ON COLUMN core.stakeholders.notes IS 'Free remarks.';
COMMENT ON COLUMN core.stakeholders.external_refs IS 'Links into other systems, as a JSON document in text form.';
COMMENT ON COLUMN core.stakeholders.created_at IS 'When the row was made.';
COMMENT ON COLUMN core.stakeholders.updated_at IS 'When the row last changed; stamped by a trigger.';
COMMENT ON COLUMN core.stakeholders.created_by_id IS 'User who entered the person (core.users.id), in the same tenant.';
