-- Triggers that need the extension.
-- D0.15: the source has 26 columns updated_at that nothing keeps current.

-- D0.8: both timestamps move together
CREATE TRIGGER trg_status_sts_updated_at BEFORE UPDATE ON cutover.status_sts
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at('updated_at', 'updated_date');

CREATE TRIGGER trg_step_types_stt_updated_at BEFORE UPDATE ON cutover.step_types_stt
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_iteration_types_itt_updated_at BEFORE UPDATE ON cutover.iteration_types_itt
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_roles_rls_updated_at BEFORE UPDATE ON cutover.roles_rls
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_environment_roles_enr_updated_at BEFORE UPDATE ON cutover.environment_roles_enr
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_teams_tms_updated_at BEFORE UPDATE ON cutover.teams_tms
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_users_usr_updated_at BEFORE UPDATE ON cutover.users_usr
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_migrations_mig_updated_at BEFORE UPDATE ON cutover.migrations_mig
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_iterations_ite_updated_at BEFORE UPDATE ON cutover.iterations_ite
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_applications_app_updated_at BEFORE UPDATE ON cutover.applications_app
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_environments_env_updated_at BEFORE UPDATE ON cutover.environments_env
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_plans_master_plm_updated_at BEFORE UPDATE ON cutover.plans_master_plm
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_sequences_master_sqm_updated_at BEFORE UPDATE ON cutover.sequences_master_sqm
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_phases_master_phm_updated_at BEFORE UPDATE ON cutover.phases_master_phm
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_steps_master_stm_updated_at BEFORE UPDATE ON cutover.steps_master_stm
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_controls_master_ctm_updated_at BEFORE UPDATE ON cutover.controls_master_ctm
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_instructions_master_inm_updated_at BEFORE UPDATE ON cutover.instructions_master_inm
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_plans_instance_pli_updated_at BEFORE UPDATE ON cutover.plans_instance_pli
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_steps_instance_sti_updated_at BEFORE UPDATE ON cutover.steps_instance_sti
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_sequences_instance_sqi_updated_at BEFORE UPDATE ON cutover.sequences_instance_sqi
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_phases_instance_phi_updated_at BEFORE UPDATE ON cutover.phases_instance_phi
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_controls_instance_cti_updated_at BEFORE UPDATE ON cutover.controls_instance_cti
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_instructions_instance_ini_updated_at BEFORE UPDATE ON cutover.instructions_instance_ini
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_email_templates_emt_updated_at BEFORE UPDATE ON cutover.email_templates_emt
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_step_instance_comments_sic_updated_at BEFORE UPDATE ON cutover.step_instance_comments_sic
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();

CREATE TRIGGER trg_system_configuration_scf_updated_at BEFORE UPDATE ON cutover.system_configuration_scf
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
