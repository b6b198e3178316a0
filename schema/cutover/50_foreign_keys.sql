-- Foreign keys, grouped by table.
-- D0.2: named fk_<source>_<target>_<column> with the short codes of the tables, so that a second run fails
-- instead of doubling them.
-- D0.3: every status column is checked together with the entity type; such a key replaces the plain one.
-- Where nothing else is said a referenced row cannot be deleted.

-- users_usr
ALTER TABLE cutover.users_usr
    ADD CONSTRAINT fk_usr_rls_rls_id
    FOREIGN KEY (rls_id) REFERENCES cutover.roles_rls (rls_id);

-- migrations_mig
-- D0.3: only statuses of the right type
ALTER TABLE cutover.migrations_mig
    ADD CONSTRAINT fk_mig_sts_mig_status
    FOREIGN KEY (mig_status, mig_status_type) REFERENCES cutover.status_sts (sts_id, sts_type);
ALTER TABLE cutover.migrations_mig
    ADD CONSTRAINT fk_mig_usr_usr_id_owner
    FOREIGN KEY (usr_id_owner) REFERENCES cutover.users_usr (usr_id);

-- iterations_ite
ALTER TABLE cutover.iterations_ite
    ADD CONSTRAINT fk_ite_itt_itt_code
    FOREIGN KEY (itt_code) REFERENCES cutover.iteration_types_itt (itt_code);
ALTER TABLE cutover.iterations_ite
    ADD CONSTRAINT fk_ite_mig_mig_id
    FOREIGN KEY (mig_id) REFERENCES cutover.migrations_mig (mig_id);
-- D0.3: only statuses of the right type
ALTER TABLE cutover.iterations_ite
    ADD CONSTRAINT fk_ite_sts_ite_status
    FOREIGN KEY (ite_status, ite_status_type) REFERENCES cutover.status_sts (sts_id, sts_type);
ALTER TABLE cutover.iterations_ite
    ADD CONSTRAINT fk_ite_plm_plm_id
    FOREIGN KEY (plm_id) REFERENCES cutover.plans_master_plm (plm_id);

-- plans_master_plm
ALTER TABLE cutover.plans_master_plm
    ADD CONSTRAINT fk_plm_tms_tms_id
    FOREIGN KEY (tms_id) REFERENCES cutover.teams_tms (tms_id);
-- D0.3: only statuses of the right type
ALTER TABLE cutover.plans_master_plm
    ADD CONSTRAINT fk_plm_sts_plm_status
    FOREIGN KEY (plm_status, plm_status_type) REFERENCES cutover.status_sts (sts_id, sts_type);

-- sequences_master_sqm
ALTER TABLE cutover.sequences_master_sqm
    ADD CONSTRAINT fk_sqm_plm_plm_id
    FOREIGN KEY (plm_id) REFERENCES cutover.plans_master_plm (plm_id);
ALTER TABLE cutover.sequences_master_sqm
    ADD CONSTRAINT fk_sqm_sqm_predecessor_sqm_id
    FOREIGN KEY (predecessor_sqm_id) REFERENCES cutover.sequences_master_sqm (sqm_id);

-- phases_master_phm
ALTER TABLE cutover.phases_master_phm
    ADD CONSTRAINT fk_phm_sqm_sqm_id
    FOREIGN KEY (sqm_id) REFERENCES cutover.sequences_master_sqm (sqm_id);
ALTER TABLE cutover.phases_master_phm
    ADD CONSTRAINT fk_phm_phm_predecessor_phm_id
    FOREIGN KEY (predecessor_phm_id) REFERENCES cutover.phases_master_phm (phm_id);

-- steps_master_stm
ALTER TABLE cutover.steps_master_stm
    ADD CONSTRAINT fk_stm_stt_stt_code
    FOREIGN KEY (stt_code) REFERENCES cutover.step_types_stt (stt_code);
ALTER TABLE cutover.steps_master_stm
    ADD CONSTRAINT fk_stm_enr_enr_id_target
    FOREIGN KEY (enr_id_target) REFERENCES cutover.environment_roles_enr (enr_id);
ALTER TABLE cutover.steps_master_stm
    ADD CONSTRAINT fk_stm_phm_phm_id
    FOREIGN KEY (phm_id) REFERENCES cutover.phases_master_phm (phm_id);
ALTER TABLE cutover.steps_master_stm
    ADD CONSTRAINT fk_stm_enr_enr_id
    FOREIGN KEY (enr_id) REFERENCES cutover.environment_roles_enr (enr_id);
ALTER TABLE cutover.steps_master_stm
    ADD CONSTRAINT fk_stm_stm_stm_id_predecessor
    FOREIGN KEY (stm_id_predecessor) REFERENCES cutover.steps_master_stm (stm_id);
ALTER TABLE cutover.steps_master_stm
    ADD CONSTRAINT fk_stm_tms_tms_id_owner
    FOREIGN KEY (tms_id_owner) REFERENCES cutover.teams_tms (tms_id);

-- controls_master_ctm
ALTER TABLE cutover.controls_master_ctm
    ADD CONSTRAINT fk_ctm_phm_phm_id
    FOREIGN KEY (phm_id) REFERENCES cutover.phases_master_phm (phm_id);

-- instructions_master_inm
ALTER TABLE cutover.instructions_master_inm
    ADD CONSTRAINT fk_inm_stm_stm_id
    FOREIGN KEY (stm_id) REFERENCES cutover.steps_master_stm (stm_id);
ALTER TABLE cutover.instructions_master_inm
    ADD CONSTRAINT fk_inm_tms_tms_id
    FOREIGN KEY (tms_id) REFERENCES cutover.teams_tms (tms_id);
ALTER TABLE cutover.instructions_master_inm
    ADD CONSTRAINT fk_inm_ctm_ctm_id
    FOREIGN KEY (ctm_id) REFERENCES cutover.controls_master_ctm (ctm_id);

-- plans_instance_pli
ALTER TABLE cutover.plans_instance_pli
    ADD CONSTRAINT fk_pli_ite_ite_id
    FOREIGN KEY (ite_id) REFERENCES cutover.iterations_ite (ite_id);
-- D0.3: only statuses of the right type
ALTER TABLE cutover.plans_instance_pli
    ADD CONSTRAINT fk_pli_sts_pli_status
    FOREIGN KEY (pli_status, pli_status_type) REFERENCES cutover.status_sts (sts_id, sts_type);
ALTER TABLE cutover.plans_instance_pli
    ADD CONSTRAINT fk_pli_plm_plm_id
    FOREIGN KEY (plm_id) REFERENCES cutover.plans_master_plm (plm_id);
ALTER TABLE cutover.plans_instance_pli
    ADD CONSTRAINT fk_pli_usr_usr_id_owner
    FOREIGN KEY (usr_id_owner) REFERENCES cutover.users_usr (usr_id);

-- sequences_instance_sqi
-- D0.3: only statuses of the right type
ALTER TABLE cutover.sequences_instance_sqi
    ADD CONSTRAINT fk_sqi_sts_sqi_status
    FOREIGN KEY (sqi_status, sqi_status_type) REFERENCES cutover.status_sts (sts_id, sts_type);
ALTER TABLE cutover.sequences_instance_sqi
    ADD CONSTRAINT fk_sqi_sqm_sqm_id
    FOREIGN KEY (sqm_id) REFERENCES cutover.sequences_master_sqm (sqm_id);
ALTER TABLE cutover.sequences_instance_sqi
    ADD CONSTRAINT fk_sqi_pli_pli_id
    FOREIGN KEY (pli_id) REFERENCES cutover.plans_instance_pli (pli_id);
-- addition: D0.4, checked at commit so that one statement can insert a whole chain in any order
ALTER TABLE cutover.sequences_instance_sqi
    ADD CONSTRAINT fk_sqi_sqi_predecessor_sqi_id
    FOREIGN KEY (predecessor_sqi_id) REFERENCES cutover.sequences_instance_sqi (sqi_id)
    DEFERRABLE INITIALLY DEFERRED;

-- phases_instance_phi
ALTER TABLE cutover.phases_instance_phi
    ADD CONSTRAINT fk_phi_sqi_sqi_id
    FOREIGN KEY (sqi_id) REFERENCES cutover.sequences_instance_sqi (sqi_id);
-- D0.3: only statuses of the right type
ALTER TABLE cutover.phases_instance_phi
    ADD CONSTRAINT fk_phi_sts_phi_status
    FOREIGN KEY (phi_status, phi_status_type) REFERENCES cutover.status_sts (sts_id, sts_type);
ALTER TABLE cutover.phases_instance_phi
    ADD CONSTRAINT fk_phi_phm_phm_id
    FOREIGN KEY (phm_id) REFERENCES cutover.phases_master_phm (phm_id);
-- addition: D0.4, checked at commit so that one statement can insert a whole chain in any order
ALTER TABLE cutover.phases_instance_phi
    ADD CONSTRAINT fk_phi_phi_predecessor_phi_id
    FOREIGN KEY (predecessor_phi_id) REFERENCES cutover.phases_instance_phi (phi_id)
    DEFERRABLE INITIALLY DEFERRED;

-- steps_instance_sti
-- D0.3: only statuses of the right type
ALTER TABLE cutover.steps_instance_sti
    ADD CONSTRAINT fk_sti_sts_sti_status
    FOREIGN KEY (sti_status, sti_status_type) REFERENCES cutover.status_sts (sts_id, sts_type);
ALTER TABLE cutover.steps_instance_sti
    ADD CONSTRAINT fk_sti_phi_phi_id
    FOREIGN KEY (phi_id) REFERENCES cutover.phases_instance_phi (phi_id);
ALTER TABLE cutover.steps_instance_sti
    ADD CONSTRAINT fk_sti_enr_enr_id
    FOREIGN KEY (enr_id) REFERENCES cutover.environment_roles_enr (enr_id);
ALTER TABLE cutover.steps_instance_sti
    ADD CONSTRAINT fk_sti_stm_stm_id
    FOREIGN KEY (stm_id) REFERENCES cutover.steps_master_stm (stm_id);
-- addition: D0.4, checked at commit so that one statement can insert a whole chain in any order
ALTER TABLE cutover.steps_instance_sti
    ADD CONSTRAINT fk_sti_sti_sti_id_predecessor
    FOREIGN KEY (sti_id_predecessor) REFERENCES cutover.steps_instance_sti (sti_id)
    DEFERRABLE INITIALLY DEFERRED;

-- controls_instance_cti
ALTER TABLE cutover.controls_instance_cti
    ADD CONSTRAINT fk_cti_usr_usr_id_it_validator
    FOREIGN KEY (usr_id_it_validator) REFERENCES cutover.users_usr (usr_id);
ALTER TABLE cutover.controls_instance_cti
    ADD CONSTRAINT fk_cti_usr_usr_id_biz_validator
    FOREIGN KEY (usr_id_biz_validator) REFERENCES cutover.users_usr (usr_id);
-- D0.3: only statuses of the right type
ALTER TABLE cutover.controls_instance_cti
    ADD CONSTRAINT fk_cti_sts_cti_status
    FOREIGN KEY (cti_status, cti_status_type) REFERENCES cutover.status_sts (sts_id, sts_type);
ALTER TABLE cutover.controls_instance_cti
    ADD CONSTRAINT fk_cti_ctm_ctm_id
    FOREIGN KEY (ctm_id) REFERENCES cutover.controls_master_ctm (ctm_id);
ALTER TABLE cutover.controls_instance_cti
    ADD CONSTRAINT fk_cti_phi_phi_id
    FOREIGN KEY (phi_id) REFERENCES cutover.phases_instance_phi (phi_id);

-- instructions_instance_ini
ALTER TABLE cutover.instructions_instance_ini
    ADD CONSTRAINT fk_ini_usr_usr_id_completed_by
    FOREIGN KEY (usr_id_completed_by) REFERENCES cutover.users_usr (usr_id);
ALTER TABLE cutover.instructions_instance_ini
    ADD CONSTRAINT fk_ini_inm_inm_id
    FOREIGN KEY (inm_id) REFERENCES cutover.instructions_master_inm (inm_id);
ALTER TABLE cutover.instructions_instance_ini
    ADD CONSTRAINT fk_ini_sti_sti_id
    FOREIGN KEY (sti_id) REFERENCES cutover.steps_instance_sti (sti_id);
-- addition: D0.11
ALTER TABLE cutover.instructions_instance_ini
    ADD CONSTRAINT fk_ini_tms_tms_id
    FOREIGN KEY (tms_id) REFERENCES cutover.teams_tms (tms_id);
-- addition: D0.11
ALTER TABLE cutover.instructions_instance_ini
    ADD CONSTRAINT fk_ini_cti_cti_id
    FOREIGN KEY (cti_id) REFERENCES cutover.controls_instance_cti (cti_id);

-- environments_env_x_applications_app
ALTER TABLE cutover.environments_env_x_applications_app
    ADD CONSTRAINT fk_env_x_app_app_app_id
    FOREIGN KEY (app_id) REFERENCES cutover.applications_app (app_id);
ALTER TABLE cutover.environments_env_x_applications_app
    ADD CONSTRAINT fk_env_x_app_env_env_id
    FOREIGN KEY (env_id) REFERENCES cutover.environments_env (env_id);

-- environments_env_x_iterations_ite
ALTER TABLE cutover.environments_env_x_iterations_ite
    ADD CONSTRAINT fk_env_x_ite_env_env_id
    FOREIGN KEY (env_id) REFERENCES cutover.environments_env (env_id);
ALTER TABLE cutover.environments_env_x_iterations_ite
    ADD CONSTRAINT fk_env_x_ite_ite_ite_id
    FOREIGN KEY (ite_id) REFERENCES cutover.iterations_ite (ite_id);
ALTER TABLE cutover.environments_env_x_iterations_ite
    ADD CONSTRAINT fk_env_x_ite_enr_enr_id
    FOREIGN KEY (enr_id) REFERENCES cutover.environment_roles_enr (enr_id);

-- steps_master_stm_x_iteration_types_itt
ALTER TABLE cutover.steps_master_stm_x_iteration_types_itt
    ADD CONSTRAINT fk_stm_x_itt_stm_stm_id
    FOREIGN KEY (stm_id) REFERENCES cutover.steps_master_stm (stm_id)
    ON DELETE CASCADE;
ALTER TABLE cutover.steps_master_stm_x_iteration_types_itt
    ADD CONSTRAINT fk_stm_x_itt_itt_itt_code
    FOREIGN KEY (itt_code) REFERENCES cutover.iteration_types_itt (itt_code)
    ON DELETE CASCADE;

-- steps_master_stm_x_teams_tms_impacted
ALTER TABLE cutover.steps_master_stm_x_teams_tms_impacted
    ADD CONSTRAINT fk_stm_x_tms_impacted_tms_tms_id
    FOREIGN KEY (tms_id) REFERENCES cutover.teams_tms (tms_id)
    ON DELETE CASCADE;
ALTER TABLE cutover.steps_master_stm_x_teams_tms_impacted
    ADD CONSTRAINT fk_stm_x_tms_impacted_stm_stm_id
    FOREIGN KEY (stm_id) REFERENCES cutover.steps_master_stm (stm_id)
    ON DELETE CASCADE;

-- teams_tms_x_applications_app
ALTER TABLE cutover.teams_tms_x_applications_app
    ADD CONSTRAINT fk_tms_x_app_tms_tms_id
    FOREIGN KEY (tms_id) REFERENCES cutover.teams_tms (tms_id);
ALTER TABLE cutover.teams_tms_x_applications_app
    ADD CONSTRAINT fk_tms_x_app_app_app_id
    FOREIGN KEY (app_id) REFERENCES cutover.applications_app (app_id);

-- teams_tms_x_users_usr
ALTER TABLE cutover.teams_tms_x_users_usr
    ADD CONSTRAINT fk_tms_x_usr_tms_tms_id
    FOREIGN KEY (tms_id) REFERENCES cutover.teams_tms (tms_id)
    ON DELETE CASCADE;
ALTER TABLE cutover.teams_tms_x_users_usr
    ADD CONSTRAINT fk_tms_x_usr_usr_usr_id
    FOREIGN KEY (usr_id) REFERENCES cutover.users_usr (usr_id)
    ON DELETE CASCADE;

-- audit_log_aud
ALTER TABLE cutover.audit_log_aud
    ADD CONSTRAINT fk_aud_usr_usr_id
    FOREIGN KEY (usr_id) REFERENCES cutover.users_usr (usr_id);

-- step_instance_comments_sic
ALTER TABLE cutover.step_instance_comments_sic
    ADD CONSTRAINT fk_sic_sti_sti_id
    FOREIGN KEY (sti_id) REFERENCES cutover.steps_instance_sti (sti_id)
    ON DELETE CASCADE;
ALTER TABLE cutover.step_instance_comments_sic
    ADD CONSTRAINT fk_sic_usr_created_by
    FOREIGN KEY (created_by) REFERENCES cutover.users_usr (usr_id);
ALTER TABLE cutover.step_instance_comments_sic
    ADD CONSTRAINT fk_sic_usr_updated_by
    FOREIGN KEY (updated_by) REFERENCES cutover.users_usr (usr_id);

-- step_pilot_comments_spc
ALTER TABLE cutover.step_pilot_comments_spc
    ADD CONSTRAINT fk_spc_usr_created_by
    FOREIGN KEY (created_by) REFERENCES cutover.users_usr (usr_id);
ALTER TABLE cutover.step_pilot_comments_spc
    ADD CONSTRAINT fk_spc_stm_stm_id
    FOREIGN KEY (stm_id) REFERENCES cutover.steps_master_stm (stm_id)
    ON DELETE CASCADE;
ALTER TABLE cutover.step_pilot_comments_spc
    ADD CONSTRAINT fk_spc_usr_updated_by
    FOREIGN KEY (updated_by) REFERENCES cutover.users_usr (usr_id);

-- system_configuration_scf
ALTER TABLE cutover.system_configuration_scf
    ADD CONSTRAINT fk_scf_env_env_id
    FOREIGN KEY (env_id) REFERENCES cutover.environments_env (env_id);

-- labels_lbl
ALTER TABLE cutover.labels_lbl
    ADD CONSTRAINT fk_lbl_mig_mig_id
    FOREIGN KEY (mig_id) REFERENCES cutover.migrations_mig (mig_id)
    ON DELETE CASCADE;
-- addition: D0.5
ALTER TABLE cutover.labels_lbl
    ADD CONSTRAINT fk_lbl_usr_created_by
    FOREIGN KEY (created_by) REFERENCES cutover.users_usr (usr_id);

-- labels_lbl_x_steps_master_stm
ALTER TABLE cutover.labels_lbl_x_steps_master_stm
    ADD CONSTRAINT fk_lbl_x_stm_lbl_lbl_id
    FOREIGN KEY (lbl_id) REFERENCES cutover.labels_lbl (lbl_id)
    ON DELETE CASCADE;
ALTER TABLE cutover.labels_lbl_x_steps_master_stm
    ADD CONSTRAINT fk_lbl_x_stm_stm_stm_id
    FOREIGN KEY (stm_id) REFERENCES cutover.steps_master_stm (stm_id)
    ON DELETE CASCADE;

-- labels_lbl_x_applications_app
ALTER TABLE cutover.labels_lbl_x_applications_app
    ADD CONSTRAINT fk_lbl_x_app_app_app_id
    FOREIGN KEY (app_id) REFERENCES cutover.applications_app (app_id)
    ON DELETE CASCADE;
ALTER TABLE cutover.labels_lbl_x_applications_app
    ADD CONSTRAINT fk_lbl_x_app_lbl_lbl_id
    FOREIGN KEY (lbl_id) REFERENCES cutover.labels_lbl (lbl_id)
    ON DELETE CASCADE;

-- labels_lbl_x_controls_master_ctm
ALTER TABLE cutover.labels_lbl_x_controls_master_ctm
    ADD CONSTRAINT fk_lbl_x_ctm_lbl_lbl_id
    FOREIGN KEY (lbl_id) REFERENCES cutover.labels_lbl (lbl_id)
    ON DELETE CASCADE;
ALTER TABLE cutover.labels_lbl_x_controls_master_ctm
    ADD CONSTRAINT fk_lbl_x_ctm_ctm_ctm_id
    FOREIGN KEY (ctm_id) REFERENCES cutover.controls_master_ctm (ctm_id)
    ON DELETE CASCADE;

-- stg_step_instructions
-- D0.1: the source points at a column that does not exist; the key of stg_steps is step_id
ALTER TABLE cutover.stg_step_instructions
    ADD CONSTRAINT fk_stg_step_instructions_stg_steps_step_id
    FOREIGN KEY (step_id) REFERENCES cutover.stg_steps (step_id)
    ON DELETE CASCADE;
