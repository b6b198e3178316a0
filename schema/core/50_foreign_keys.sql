-- Foreign keys, by table. All are NO ACTION, as in the source.
-- D3.2: every tenant_id points at core.tenants, and a link between rows that both carry a tenant runs over
-- (tenant_id, x_id), so that a row of one tenant cannot point into another. The composite key replaces the
-- single-column key of the source. Where x_id is NULL the key is not checked (MATCH SIMPLE).

-- roles
-- D3.7: the key tree of the source leaves this one out.
ALTER TABLE core.roles
    ADD CONSTRAINT fk_roles_tenant_id FOREIGN KEY (tenant_id) REFERENCES core.tenants (id);

-- role_permissions
ALTER TABLE core.role_permissions
    ADD CONSTRAINT fk_role_permissions_role_id FOREIGN KEY (role_id) REFERENCES core.roles (id);
ALTER TABLE core.role_permissions
    ADD CONSTRAINT fk_role_permissions_permission_id FOREIGN KEY (permission_id)
        REFERENCES core.permissions (id);

-- users
-- D3.2: role_id stays a single-column key: a system role has no tenant (roles.tenant_id IS NULL), and a composite
-- key cannot say "mine or nobody's". The trigger trg_users_role_tenant in 70_functions.sql says it.
ALTER TABLE core.users
    ADD CONSTRAINT fk_users_tenant_id FOREIGN KEY (tenant_id) REFERENCES core.tenants (id);
ALTER TABLE core.users
    -- canon-ignore L20: a role of the system has no tenant; trg_users_role_tenant compares (D3.2)
    ADD CONSTRAINT fk_users_role_id FOREIGN KEY (role_id) REFERENCES core.roles (id);
ALTER TABLE core.users
    ADD CONSTRAINT fk_users_manager_id FOREIGN KEY (tenant_id, manager_id)
        REFERENCES core.users (tenant_id, id);

-- teams
ALTER TABLE core.teams
    ADD CONSTRAINT fk_teams_tenant_id FOREIGN KEY (tenant_id) REFERENCES core.tenants (id);
ALTER TABLE core.teams
    ADD CONSTRAINT fk_teams_lead_id FOREIGN KEY (tenant_id, lead_id) REFERENCES core.users (tenant_id, id);

-- team_members
-- D3.2: no tenant column; the trigger trg_team_members_tenant keeps the three links in one tenant.
ALTER TABLE core.team_members
    ADD CONSTRAINT fk_team_members_team_id FOREIGN KEY (team_id) REFERENCES core.teams (id);
ALTER TABLE core.team_members
    ADD CONSTRAINT fk_team_members_user_id FOREIGN KEY (user_id) REFERENCES core.users (id);
-- addition: D3.2 the source leaves added_by_id without a key
ALTER TABLE core.team_members
    ADD CONSTRAINT fk_team_members_added_by_id FOREIGN KEY (added_by_id) REFERENCES core.users (id);

-- outcomes
ALTER TABLE core.outcomes
    ADD CONSTRAINT fk_outcomes_tenant_id FOREIGN KEY (tenant_id) REFERENCES core.tenants (id);
ALTER TABLE core.outcomes
    ADD CONSTRAINT fk_outcomes_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES core.teams (tenant_id, id);
ALTER TABLE core.outcomes
    ADD CONSTRAINT fk_outcomes_owner_id FOREIGN KEY (tenant_id, owner_id) REFERENCES core.users (tenant_id, id);
ALTER TABLE core.outcomes
    ADD CONSTRAINT fk_outcomes_validated_by_id FOREIGN KEY (tenant_id, validated_by_id)
        REFERENCES core.users (tenant_id, id);
ALTER TABLE core.outcomes
    ADD CONSTRAINT fk_outcomes_invalidated_by_id FOREIGN KEY (tenant_id, invalidated_by_id)
        REFERENCES core.users (tenant_id, id);
-- addition: D3.2 the source leaves created_by_id without a key
ALTER TABLE core.outcomes
    ADD CONSTRAINT fk_outcomes_created_by_id FOREIGN KEY (tenant_id, created_by_id)
        REFERENCES core.users (tenant_id, id);

-- hypotheses
ALTER TABLE core.hypotheses
    ADD CONSTRAINT fk_hypotheses_tenant_id FOREIGN KEY (tenant_id) REFERENCES core.tenants (id);
ALTER TABLE core.hypotheses
    ADD CONSTRAINT fk_hypotheses_outcome_id FOREIGN KEY (tenant_id, outcome_id)
        REFERENCES core.outcomes (tenant_id, id);
ALTER TABLE core.hypotheses
    ADD CONSTRAINT fk_hypotheses_owner_id FOREIGN KEY (tenant_id, owner_id)
        REFERENCES core.users (tenant_id, id);
ALTER TABLE core.hypotheses
    ADD CONSTRAINT fk_hypotheses_concluded_by_id FOREIGN KEY (tenant_id, concluded_by_id)
        REFERENCES core.users (tenant_id, id);
-- addition: D3.2 the source leaves created_by_id without a key
ALTER TABLE core.hypotheses
    ADD CONSTRAINT fk_hypotheses_created_by_id FOREIGN KEY (tenant_id, created_by_id)
        REFERENCES core.users (tenant_id, id);

-- decisions
ALTER TABLE core.decisions
    ADD CONSTRAINT fk_decisions_tenant_id FOREIGN KEY (tenant_id) REFERENCES core.tenants (id);
ALTER TABLE core.decisions
    ADD CONSTRAINT fk_decisions_owner_id FOREIGN KEY (tenant_id, owner_id)
        REFERENCES core.users (tenant_id, id);
ALTER TABLE core.decisions
    ADD CONSTRAINT fk_decisions_assigned_to_id FOREIGN KEY (tenant_id, assigned_to_id)
        REFERENCES core.users (tenant_id, id);
ALTER TABLE core.decisions
    ADD CONSTRAINT fk_decisions_outcome_id FOREIGN KEY (tenant_id, outcome_id)
        REFERENCES core.outcomes (tenant_id, id);
ALTER TABLE core.decisions
    ADD CONSTRAINT fk_decisions_hypothesis_id FOREIGN KEY (tenant_id, hypothesis_id)
        REFERENCES core.hypotheses (tenant_id, id);
ALTER TABLE core.decisions
    ADD CONSTRAINT fk_decisions_team_id FOREIGN KEY (tenant_id, team_id) REFERENCES core.teams (tenant_id, id);
ALTER TABLE core.decisions
    ADD CONSTRAINT fk_decisions_escalated_to_id FOREIGN KEY (tenant_id, escalated_to_id)
        REFERENCES core.users (tenant_id, id);
ALTER TABLE core.decisions
    ADD CONSTRAINT fk_decisions_decided_by_id FOREIGN KEY (tenant_id, decided_by_id)
        REFERENCES core.users (tenant_id, id);
-- addition: D3.2 the source leaves created_by_id without a key
ALTER TABLE core.decisions
    ADD CONSTRAINT fk_decisions_created_by_id FOREIGN KEY (tenant_id, created_by_id)
        REFERENCES core.users (tenant_id, id);

-- decision_comments
-- D3.2: no tenant column; the trigger trg_decision_comments_tenant checks the author.
-- An answer stays on the decision of the comment it answers: the key of parent_id runs over (decision_id, parent_id).
ALTER TABLE core.decision_comments
    ADD CONSTRAINT fk_decision_comments_decision_id FOREIGN KEY (decision_id) REFERENCES core.decisions (id);
ALTER TABLE core.decision_comments
    ADD CONSTRAINT fk_decision_comments_author_id FOREIGN KEY (author_id) REFERENCES core.users (id);
ALTER TABLE core.decision_comments
    ADD CONSTRAINT fk_decision_comments_parent_id FOREIGN KEY (decision_id, parent_id)
        REFERENCES core.decision_comments (decision_id, id);

-- stakeholders
ALTER TABLE core.stakeholders
    ADD CONSTRAINT fk_stakeholders_tenant_id FOREIGN KEY (tenant_id) REFERENCES core.tenants (id);
ALTER TABLE core.stakeholders
    ADD CONSTRAINT fk_stakeholders_user_id FOREIGN KEY (tenant_id, user_id)
        REFERENCES core.users (tenant_id, id);
-- addition: D3.2 the source leaves created_by_id without a key
ALTER TABLE core.stakeholders
    ADD CONSTRAINT fk_stakeholders_created_by_id FOREIGN KEY (tenant_id, created_by_id)
        REFERENCES core.users (tenant_id, id);

-- audit_logs
-- D3.7: the key tree of the source leaves tenant_id out.
-- D3.2: actor_id has no key on purpose. CASCADE would delete the trail, SET NULL would blank it, NO ACTION would make
-- the trail block the deletion of a user. The trigger trg_audit_logs_actor_tenant refuses an actor of another tenant.
ALTER TABLE core.audit_logs
    ADD CONSTRAINT fk_audit_logs_tenant_id FOREIGN KEY (tenant_id) REFERENCES core.tenants (id);
