-- Indexes that no constraint makes.
-- D3.5: the source has none; each one below serves a foreign key (whose columns lead it) unless it says otherwise.
-- A tenant_id key needs no index of its own: in every table some index or unique constraint begins with tenant_id.

-- role_permissions
CREATE INDEX idx_role_permissions_permission_id ON core.role_permissions (permission_id);

-- users
CREATE INDEX idx_users_role_id ON core.users (role_id);
CREATE INDEX idx_users_tenant_id_manager_id ON core.users (tenant_id, manager_id);

-- teams
CREATE INDEX idx_teams_tenant_id_lead_id ON core.teams (tenant_id, lead_id);

-- team_members
CREATE INDEX idx_team_members_user_id ON core.team_members (user_id);
CREATE INDEX idx_team_members_added_by_id ON core.team_members (added_by_id);

-- outcomes
CREATE INDEX idx_outcomes_tenant_id_team_id ON core.outcomes (tenant_id, team_id);
CREATE INDEX idx_outcomes_tenant_id_owner_id ON core.outcomes (tenant_id, owner_id);
CREATE INDEX idx_outcomes_tenant_id_validated_by_id ON core.outcomes (tenant_id, validated_by_id);
CREATE INDEX idx_outcomes_tenant_id_invalidated_by_id ON core.outcomes (tenant_id, invalidated_by_id);
CREATE INDEX idx_outcomes_tenant_id_created_by_id ON core.outcomes (tenant_id, created_by_id);

-- hypotheses
CREATE INDEX idx_hypotheses_tenant_id_outcome_id ON core.hypotheses (tenant_id, outcome_id);
CREATE INDEX idx_hypotheses_tenant_id_owner_id ON core.hypotheses (tenant_id, owner_id);
CREATE INDEX idx_hypotheses_tenant_id_concluded_by_id ON core.hypotheses (tenant_id, concluded_by_id);
CREATE INDEX idx_hypotheses_tenant_id_created_by_id ON core.hypotheses (tenant_id, created_by_id);

-- decisions
CREATE INDEX idx_decisions_tenant_id_owner_id ON core.decisions (tenant_id, owner_id);
CREATE INDEX idx_decisions_tenant_id_assigned_to_id ON core.decisions (tenant_id, assigned_to_id);
CREATE INDEX idx_decisions_tenant_id_outcome_id ON core.decisions (tenant_id, outcome_id);
CREATE INDEX idx_decisions_tenant_id_hypothesis_id ON core.decisions (tenant_id, hypothesis_id);
CREATE INDEX idx_decisions_tenant_id_team_id ON core.decisions (tenant_id, team_id);
CREATE INDEX idx_decisions_tenant_id_escalated_to_id ON core.decisions (tenant_id, escalated_to_id);
CREATE INDEX idx_decisions_tenant_id_decided_by_id ON core.decisions (tenant_id, decided_by_id);
CREATE INDEX idx_decisions_tenant_id_created_by_id ON core.decisions (tenant_id, created_by_id);
-- addition: D3.8 open decisions by assignee, read at every count of decisions_pending
CREATE INDEX idx_decisions_open_assigned_to_id ON core.decisions (tenant_id, assigned_to_id)
    WHERE status IN ('NEEDS_INPUT', 'UNDER_DISCUSSION');

-- decision_comments
CREATE INDEX idx_decision_comments_author_id ON core.decision_comments (author_id);
CREATE INDEX idx_decision_comments_decision_id_parent_id ON core.decision_comments (decision_id, parent_id);

-- stakeholders
CREATE INDEX idx_stakeholders_tenant_id_user_id ON core.stakeholders (tenant_id, user_id);
CREATE INDEX idx_stakeholders_tenant_id_created_by_id ON core.stakeholders (tenant_id, created_by_id);

-- audit_logs
-- addition: D3.2 the trail of one actor; actor_id has no key
CREATE INDEX idx_audit_logs_tenant_id_actor_id ON core.audit_logs (tenant_id, actor_id);
-- addition: D3.2 serves the key of tenant_id and the reading of a trail in order of time
CREATE INDEX idx_audit_logs_tenant_id_timestamp ON core.audit_logs (tenant_id, timestamp);
