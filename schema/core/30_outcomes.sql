-- What a tenant wants to reach, and the beliefs it tests on the way.
-- canon-ignore-file L14: nullability is that of the source (D3.5)

-- D3.5: defaults for id and timestamps; both value lists are CHECKs.
CREATE TABLE core.outcomes (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL,
    title varchar(500) NOT NULL,
    description text,
    success_criteria text,
    target_metrics text,  -- D3.6: stays text; checked to be JSON in 90_canon.sql
    current_metrics text,  -- D3.6: as above
    status varchar(255) NOT NULL DEFAULT 'DRAFT',  -- addition: D3.5 initial state
    priority varchar(255) NOT NULL,
    team_id uuid,
    owner_id uuid,
    target_date date,
    started_at timestamptz,
    validated_at timestamptz,
    invalidated_at timestamptz,
    validation_notes text,
    validated_by_id uuid,
    invalidated_by_id uuid,
    external_refs text,  -- D3.6: as above
    tags text,  -- D3.6: as above
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    created_by_id uuid,
    CONSTRAINT pk_outcomes PRIMARY KEY (id),
    -- addition: D3.2 target of the composite keys
    CONSTRAINT uq_outcomes_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT ck_outcomes_status CHECK (status IN (
        'DRAFT', 'NOT_STARTED', 'IN_PROGRESS', 'VALIDATING', 'VALIDATED', 'INVALIDATED', 'ABANDONED'
    )),
    CONSTRAINT ck_outcomes_priority CHECK (priority IN ('CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'BACKLOG'))
);

COMMENT ON TABLE core.outcomes IS 'Results a tenant wants to reach, with the measure of success.';
COMMENT ON COLUMN core.outcomes.id IS 'Key of the outcome, made by the server unless given.';
COMMENT ON COLUMN core.outcomes.tenant_id IS 'Tenant the outcome belongs to (core.tenants.id).';
COMMENT ON COLUMN core.outcomes.title IS 'One-line statement of the result.';
COMMENT ON COLUMN core.outcomes.description IS 'Longer explanation.';
COMMENT ON COLUMN core.outcomes.success_criteria IS 'How people will tell that the result is reached.';
COMMENT ON COLUMN core.outcomes.target_metrics IS 'Figures to reach, as a JSON document in text form.';
COMMENT ON COLUMN core.outcomes.current_metrics IS 'Figures measured so far, as a JSON document in text form.';
COMMENT ON COLUMN core.outcomes.status IS
    'Lifecycle state: DRAFT at first; VALIDATED, INVALIDATED and ABANDONED are final.';
COMMENT ON COLUMN core.outcomes.priority IS 'Urgency: CRITICAL, HIGH, MEDIUM, LOW or BACKLOG.';
COMMENT ON COLUMN core.outcomes.team_id IS 'Team that works on it (core.teams.id), in the same tenant.';
COMMENT ON COLUMN core.outcomes.owner_id IS 'User who answers for it (core.users.id), in the same tenant.';
COMMENT ON COLUMN core.outcomes.target_date IS 'Day by which the result is wanted.';
COMMENT ON COLUMN core.outcomes.started_at IS 'When it went to IN_PROGRESS.';
COMMENT ON COLUMN core.outcomes.validated_at IS 'When it was found to be reached; belongs to VALIDATED.';
COMMENT ON COLUMN core.outcomes.invalidated_at IS 'When it was found not to be reached; belongs to INVALIDATED.';
COMMENT ON COLUMN core.outcomes.validation_notes IS 'Reasons for the verdict, or for giving the outcome up.';
COMMENT ON COLUMN core.outcomes.validated_by_id IS 'User who declared it reached (core.users.id), in the same tenant.';
COMMENT ON COLUMN core.outcomes.invalidated_by_id IS 'User who declared it missed (core.users.id), in the same tenant.';
COMMENT ON COLUMN core.outcomes.external_refs IS 'Links into other systems, as a JSON document in text form.';
COMMENT ON COLUMN core.outcomes.tags IS 'Free labels, as a JSON array in text form.';
COMMENT ON COLUMN core.outcomes.created_at IS 'When the row was made.';
COMMENT ON COLUMN core.outcomes.updated_at IS 'When the row last changed; stamped by a trigger.';
COMMENT ON COLUMN core.outcomes.created_by_id IS 'User who entered it (core.users.id), in the same tenant.';

-- D3.5: defaults for id and timestamps; both value lists are CHECKs.
CREATE TABLE core.hypotheses (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL,
    outcome_id uuid NOT NULL,
    title varchar(500) NOT NULL,
    belief text NOT NULL,
    expected_result text NOT NULL,
    measurement_criteria text,
    status varchar(255) NOT NULL DEFAULT 'DRAFT',  -- addition: D3.5 initial state
    priority varchar(255) NOT NULL,
    owner_id uuid,
    experiment_config text,  -- D3.6: stays text; checked to be JSON in 90_canon.sql
    experiment_results text,  -- D3.6: as above
    blocked_reason text,
    conclusion_notes text,
    external_refs text,  -- D3.6: as above
    tags text,  -- D3.6: as above
    started_at timestamptz,
    deployed_at timestamptz,
    measuring_started_at timestamptz,
    concluded_at timestamptz,
    concluded_by_id uuid,
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    created_by_id uuid,
    CONSTRAINT pk_hypotheses PRIMARY KEY (id),
    -- addition: D3.2 target of the composite keys
    CONSTRAINT uq_hypotheses_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT ck_hypotheses_status CHECK (status IN (
        'DRAFT', 'READY', 'BLOCKED', 'BUILDING', 'DEPLOYED', 'MEASURING', 'VALIDATED', 'INVALIDATED', 'ABANDONED'
    )),
    CONSTRAINT ck_hypotheses_priority CHECK (priority IN ('CRITICAL', 'HIGH', 'MEDIUM', 'LOW'))
);

COMMENT ON TABLE core.hypotheses IS 'Beliefs about how an outcome can be reached, each tested by an experiment.';
COMMENT ON COLUMN core.hypotheses.id IS 'Key of the hypothesis, made by the server unless given.';
COMMENT ON COLUMN core.hypotheses.tenant_id IS 'Tenant the hypothesis belongs to (core.tenants.id).';
COMMENT ON COLUMN core.hypotheses.outcome_id IS
    'Outcome it should help to reach (core.outcomes.id), in the same tenant.';
COMMENT ON COLUMN core.hypotheses.title IS 'One-line name of the experiment.';
COMMENT ON COLUMN core.hypotheses.belief IS 'What is assumed to be true.';
COMMENT ON COLUMN core.hypotheses.expected_result IS 'What should be seen if the assumption holds.';
COMMENT ON COLUMN core.hypotheses.measurement_criteria IS 'How the result will be measured.';
COMMENT ON COLUMN core.hypotheses.status IS
    'Lifecycle state: DRAFT at first; VALIDATED, INVALIDATED and ABANDONED are final.';
COMMENT ON COLUMN core.hypotheses.priority IS 'Urgency: CRITICAL, HIGH, MEDIUM or LOW.';
COMMENT ON COLUMN core.hypotheses.owner_id IS 'User who answers for it (core.users.id), in the same tenant.';
COMMENT ON COLUMN core.hypotheses.experiment_config IS 'Set-up of the experiment, as a JSON document in text form.';
COMMENT ON COLUMN core.hypotheses.experiment_results IS
    'What the experiment measured, as a JSON document in text form.';
COMMENT ON COLUMN core.hypotheses.blocked_reason IS
    'Why work cannot go on; belongs to BLOCKED and is cleared on leaving it.';
COMMENT ON COLUMN core.hypotheses.conclusion_notes IS 'Reasons for the verdict, or for giving the hypothesis up.';
COMMENT ON COLUMN core.hypotheses.external_refs IS 'Links into other systems, as a JSON document in text form.';
COMMENT ON COLUMN core.hypotheses.tags IS 'Free labels, as a JSON array in text form.';
COMMENT ON COLUMN core.hypotheses.started_at IS 'When it went to BUILDING.';
COMMENT ON COLUMN core.hypotheses.deployed_at IS 'When it went to DEPLOYED.';
COMMENT ON COLUMN core.hypotheses.measuring_started_at IS 'When it went to MEASURING.';
COMMENT ON COLUMN core.hypotheses.concluded_at IS 'When the verdict was given.';
COMMENT ON COLUMN core.hypotheses.concluded_by_id IS 'User who gave the verdict (core.users.id), in the same tenant.';
COMMENT ON COLUMN core.hypotheses.created_at IS 'When the row was made.';
COMMENT ON COLUMN core.hypotheses.updated_at IS 'When the row last changed; stamped by a trigger.';
COMMENT ON COLUMN core.hypotheses.created_by_id IS 'User who entered it (core.users.id), in the same tenant.';
