-- What needs the extension: stamps of updated_at, and the check that JSON kept as text is JSON.

-- D3.5: the source has eight updated_at columns and nothing that sets them.
CREATE TRIGGER trg_tenants_updated_at BEFORE UPDATE ON core.tenants
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_users_updated_at BEFORE UPDATE ON core.users
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_teams_updated_at BEFORE UPDATE ON core.teams
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_outcomes_updated_at BEFORE UPDATE ON core.outcomes
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_hypotheses_updated_at BEFORE UPDATE ON core.hypotheses
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_decisions_updated_at BEFORE UPDATE ON core.decisions
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_decision_comments_updated_at BEFORE UPDATE ON core.decision_comments
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
CREATE TRIGGER trg_stakeholders_updated_at BEFORE UPDATE ON core.stakeholders
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

-- D3.6: nineteen columns hold JSON as text. canon.is_json(NULL) is NULL, so an empty column passes.
ALTER TABLE core.tenants
    ADD CONSTRAINT ck_tenants_settings_json CHECK (canon.is_json(settings));
ALTER TABLE core.teams
    ADD CONSTRAINT ck_teams_settings_json CHECK (canon.is_json(settings));
ALTER TABLE core.outcomes
    ADD CONSTRAINT ck_outcomes_target_metrics_json CHECK (canon.is_json(target_metrics)),
    ADD CONSTRAINT ck_outcomes_current_metrics_json CHECK (canon.is_json(current_metrics)),
    ADD CONSTRAINT ck_outcomes_external_refs_json CHECK (canon.is_json(external_refs)),
    ADD CONSTRAINT ck_outcomes_tags_json CHECK (canon.is_json(tags));
ALTER TABLE core.hypotheses
    ADD CONSTRAINT ck_hypotheses_experiment_config_json CHECK (canon.is_json(experiment_config)),
    ADD CONSTRAINT ck_hypotheses_experiment_results_json CHECK (canon.is_json(experiment_results)),
    ADD CONSTRAINT ck_hypotheses_external_refs_json CHECK (canon.is_json(external_refs)),
    ADD CONSTRAINT ck_hypotheses_tags_json CHECK (canon.is_json(tags));
ALTER TABLE core.decisions
    ADD CONSTRAINT ck_decisions_options_json CHECK (canon.is_json(options)),
    ADD CONSTRAINT ck_decisions_selected_option_json CHECK (canon.is_json(selected_option)),
    ADD CONSTRAINT ck_decisions_blocked_items_json CHECK (canon.is_json(blocked_items)),
    ADD CONSTRAINT ck_decisions_external_refs_json CHECK (canon.is_json(external_refs)),
    ADD CONSTRAINT ck_decisions_tags_json CHECK (canon.is_json(tags));
ALTER TABLE core.stakeholders
    ADD CONSTRAINT ck_stakeholders_expertise_json CHECK (canon.is_json(expertise)),
    ADD CONSTRAINT ck_stakeholders_external_refs_json CHECK (canon.is_json(external_refs));
ALTER TABLE core.audit_logs
    ADD CONSTRAINT ck_audit_logs_old_values_json CHECK (canon.is_json(old_values)),
    ADD CONSTRAINT ck_audit_logs_new_values_json CHECK (canon.is_json(new_values));
