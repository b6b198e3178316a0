-- Indexes that no constraint makes. First the indexes of the source, then one index for every foreign key
-- that would have none, then indexes for the foreign keys this pack adds.

-- Indexes of the source.
-- D0.3: the eight indexes on a status column keep their name and gain the type column of the foreign key.
-- D0.6: idx_status_sts_name is left out because uq_status_sts_name_type begins with the same column;
-- idx_emt_name is left out because email_templates_emt_emt_name_key covers the same column.

-- status_sts
CREATE INDEX idx_status_sts_type
    ON cutover.status_sts (sts_type);

-- users_usr
CREATE INDEX idx_usr_audit
    ON cutover.users_usr (created_at);

-- migrations_mig
-- D0.3: covers the whole foreign key
CREATE INDEX idx_migrations_mig_status_id
    ON cutover.migrations_mig (mig_status, mig_status_type);
CREATE INDEX idx_mig_audit
    ON cutover.migrations_mig (created_at);
-- D0.9: status numbers of PLANNING and IN_PROGRESS, fixed in 80_reference_data.sql
CREATE INDEX idx_active_migrations
    ON cutover.migrations_mig (mig_id)
    WHERE mig_status IN (1, 2);

-- iterations_ite
-- D0.3: covers the whole foreign key
CREATE INDEX idx_iterations_ite_status_id
    ON cutover.iterations_ite (ite_status, ite_status_type);
CREATE INDEX idx_ite_audit
    ON cutover.iterations_ite (created_at);
-- D0.9: status numbers of PLANNING and IN_PROGRESS, fixed in 80_reference_data.sql
CREATE INDEX idx_active_iterations
    ON cutover.iterations_ite (ite_id)
    WHERE ite_status IN (9, 10);

-- applications_app
CREATE INDEX idx_app_audit
    ON cutover.applications_app (created_at);

-- environments_env
CREATE INDEX idx_env_audit
    ON cutover.environments_env (created_at);

-- plans_master_plm
-- D0.3: covers the whole foreign key
CREATE INDEX idx_plans_master_plm_status_id
    ON cutover.plans_master_plm (plm_status, plm_status_type);

-- sequences_master_sqm
CREATE INDEX idx_sqm_audit
    ON cutover.sequences_master_sqm (created_at);

-- phases_master_phm
CREATE INDEX idx_phm_audit
    ON cutover.phases_master_phm (created_at);

-- steps_master_stm
CREATE INDEX idx_steps_master_stm_enr_id
    ON cutover.steps_master_stm (enr_id);
CREATE INDEX idx_stm_audit
    ON cutover.steps_master_stm (created_at);

-- controls_master_ctm
CREATE INDEX idx_ctm_audit
    ON cutover.controls_master_ctm (created_at);

-- instructions_master_inm
CREATE INDEX idx_inm_audit
    ON cutover.instructions_master_inm (created_at);

-- plans_instance_pli
-- D0.3: covers the whole foreign key
CREATE INDEX idx_plans_instance_pli_status_id
    ON cutover.plans_instance_pli (pli_status, pli_status_type);
CREATE INDEX idx_pli_audit
    ON cutover.plans_instance_pli (created_at);

-- steps_instance_sti
CREATE INDEX idx_steps_instance_sti_enr_id
    ON cutover.steps_instance_sti (enr_id);
CREATE INDEX idx_sti_audit
    ON cutover.steps_instance_sti (created_at);
-- D0.3: covers the whole foreign key
CREATE INDEX idx_steps_instance_sti_status_id
    ON cutover.steps_instance_sti (sti_status, sti_status_type);

-- sequences_instance_sqi
CREATE INDEX idx_sqi_audit
    ON cutover.sequences_instance_sqi (created_at);
-- D0.3: covers the whole foreign key
CREATE INDEX idx_sequences_instance_sqi_status_id
    ON cutover.sequences_instance_sqi (sqi_status, sqi_status_type);

-- phases_instance_phi
CREATE INDEX idx_phi_audit
    ON cutover.phases_instance_phi (created_at);
-- D0.3: covers the whole foreign key
CREATE INDEX idx_phases_instance_phi_status_id
    ON cutover.phases_instance_phi (phi_status, phi_status_type);

-- controls_instance_cti
CREATE INDEX idx_cti_audit
    ON cutover.controls_instance_cti (created_at);
-- D0.3: covers the whole foreign key
CREATE INDEX idx_controls_instance_cti_status_id
    ON cutover.controls_instance_cti (cti_status, cti_status_type);

-- instructions_instance_ini
CREATE INDEX idx_ini_audit
    ON cutover.instructions_instance_ini (created_at);

-- labels_lbl
CREATE INDEX idx_lbl_audit
    ON cutover.labels_lbl (created_at);

-- email_templates_emt
CREATE INDEX idx_emt_type
    ON cutover.email_templates_emt (emt_type)
    WHERE emt_is_active = true;

-- step_instance_comments_sic
CREATE INDEX idx_sic_sti_id
    ON cutover.step_instance_comments_sic (sti_id);

-- step_pilot_comments_spc
CREATE INDEX idx_spc_stm_id
    ON cutover.step_pilot_comments_spc (stm_id);

-- system_configuration_scf
CREATE INDEX idx_scf_env_category
    ON cutover.system_configuration_scf (env_id, scf_category);
CREATE INDEX idx_scf_key_active
    ON cutover.system_configuration_scf (scf_key, scf_is_active);
CREATE INDEX idx_scf_category_active
    ON cutover.system_configuration_scf (scf_category, scf_is_active);
CREATE INDEX idx_scf_audit
    ON cutover.system_configuration_scf (created_at);

-- D0.7: foreign keys of the source that had no index.
-- controls_master_ctm.phm_id needs none of its own: uq_ctm_code begins with it since D0.10.

-- users_usr
CREATE INDEX idx_users_usr_rls_id
    ON cutover.users_usr (rls_id);

-- migrations_mig
CREATE INDEX idx_migrations_mig_usr_id_owner
    ON cutover.migrations_mig (usr_id_owner);

-- iterations_ite
CREATE INDEX idx_iterations_ite_itt_code
    ON cutover.iterations_ite (itt_code);
CREATE INDEX idx_iterations_ite_mig_id
    ON cutover.iterations_ite (mig_id);
CREATE INDEX idx_iterations_ite_plm_id
    ON cutover.iterations_ite (plm_id);

-- plans_master_plm
CREATE INDEX idx_plans_master_plm_tms_id
    ON cutover.plans_master_plm (tms_id);

-- sequences_master_sqm
CREATE INDEX idx_sequences_master_sqm_predecessor_sqm_id
    ON cutover.sequences_master_sqm (predecessor_sqm_id);
CREATE INDEX idx_sequences_master_sqm_plm_id
    ON cutover.sequences_master_sqm (plm_id);

-- phases_master_phm
CREATE INDEX idx_phases_master_phm_predecessor_phm_id
    ON cutover.phases_master_phm (predecessor_phm_id);
CREATE INDEX idx_phases_master_phm_sqm_id
    ON cutover.phases_master_phm (sqm_id);

-- steps_master_stm
CREATE INDEX idx_steps_master_stm_enr_id_target
    ON cutover.steps_master_stm (enr_id_target);
CREATE INDEX idx_steps_master_stm_tms_id_owner
    ON cutover.steps_master_stm (tms_id_owner);
CREATE INDEX idx_steps_master_stm_stm_id_predecessor
    ON cutover.steps_master_stm (stm_id_predecessor);
CREATE INDEX idx_steps_master_stm_stt_code
    ON cutover.steps_master_stm (stt_code);

-- instructions_master_inm
CREATE INDEX idx_instructions_master_inm_tms_id
    ON cutover.instructions_master_inm (tms_id);
CREATE INDEX idx_instructions_master_inm_ctm_id
    ON cutover.instructions_master_inm (ctm_id);
CREATE INDEX idx_instructions_master_inm_stm_id
    ON cutover.instructions_master_inm (stm_id);

-- plans_instance_pli
CREATE INDEX idx_plans_instance_pli_usr_id_owner
    ON cutover.plans_instance_pli (usr_id_owner);
CREATE INDEX idx_plans_instance_pli_ite_id
    ON cutover.plans_instance_pli (ite_id);
CREATE INDEX idx_plans_instance_pli_plm_id
    ON cutover.plans_instance_pli (plm_id);

-- steps_instance_sti
CREATE INDEX idx_steps_instance_sti_phi_id
    ON cutover.steps_instance_sti (phi_id);
CREATE INDEX idx_steps_instance_sti_stm_id
    ON cutover.steps_instance_sti (stm_id);

-- sequences_instance_sqi
CREATE INDEX idx_sequences_instance_sqi_sqm_id
    ON cutover.sequences_instance_sqi (sqm_id);
CREATE INDEX idx_sequences_instance_sqi_pli_id
    ON cutover.sequences_instance_sqi (pli_id);

-- phases_instance_phi
CREATE INDEX idx_phases_instance_phi_phm_id
    ON cutover.phases_instance_phi (phm_id);
CREATE INDEX idx_phases_instance_phi_sqi_id
    ON cutover.phases_instance_phi (sqi_id);

-- controls_instance_cti
CREATE INDEX idx_controls_instance_cti_usr_id_it_validator
    ON cutover.controls_instance_cti (usr_id_it_validator);
CREATE INDEX idx_controls_instance_cti_usr_id_biz_validator
    ON cutover.controls_instance_cti (usr_id_biz_validator);
CREATE INDEX idx_controls_instance_cti_ctm_id
    ON cutover.controls_instance_cti (ctm_id);
CREATE INDEX idx_controls_instance_cti_phi_id
    ON cutover.controls_instance_cti (phi_id);

-- instructions_instance_ini
CREATE INDEX idx_instructions_instance_ini_usr_id_completed_by
    ON cutover.instructions_instance_ini (usr_id_completed_by);
CREATE INDEX idx_instructions_instance_ini_inm_id
    ON cutover.instructions_instance_ini (inm_id);
CREATE INDEX idx_instructions_instance_ini_sti_id
    ON cutover.instructions_instance_ini (sti_id);

-- step_instance_comments_sic
CREATE INDEX idx_step_instance_comments_sic_updated_by
    ON cutover.step_instance_comments_sic (updated_by);
CREATE INDEX idx_step_instance_comments_sic_created_by
    ON cutover.step_instance_comments_sic (created_by);

-- step_pilot_comments_spc
CREATE INDEX idx_step_pilot_comments_spc_updated_by
    ON cutover.step_pilot_comments_spc (updated_by);
CREATE INDEX idx_step_pilot_comments_spc_created_by
    ON cutover.step_pilot_comments_spc (created_by);

-- audit_log_aud
CREATE INDEX idx_audit_log_aud_usr_id
    ON cutover.audit_log_aud (usr_id);

-- teams_tms_x_users_usr
CREATE INDEX idx_teams_tms_x_users_usr_usr_id
    ON cutover.teams_tms_x_users_usr (usr_id);

-- teams_tms_x_applications_app
CREATE INDEX idx_teams_tms_x_applications_app_app_id
    ON cutover.teams_tms_x_applications_app (app_id);

-- environments_env_x_applications_app
CREATE INDEX idx_environments_env_x_applications_app_app_id
    ON cutover.environments_env_x_applications_app (app_id);

-- environments_env_x_iterations_ite
CREATE INDEX idx_environments_env_x_iterations_ite_enr_id
    ON cutover.environments_env_x_iterations_ite (enr_id);
CREATE INDEX idx_environments_env_x_iterations_ite_ite_id
    ON cutover.environments_env_x_iterations_ite (ite_id);

-- steps_master_stm_x_iteration_types_itt
CREATE INDEX idx_steps_master_stm_x_iteration_types_itt_itt_code
    ON cutover.steps_master_stm_x_iteration_types_itt (itt_code);

-- steps_master_stm_x_teams_tms_impacted
CREATE INDEX idx_steps_master_stm_x_teams_tms_impacted_tms_id
    ON cutover.steps_master_stm_x_teams_tms_impacted (tms_id);

-- labels_lbl_x_steps_master_stm
CREATE INDEX idx_labels_lbl_x_steps_master_stm_stm_id
    ON cutover.labels_lbl_x_steps_master_stm (stm_id);

-- labels_lbl_x_applications_app
CREATE INDEX idx_labels_lbl_x_applications_app_app_id
    ON cutover.labels_lbl_x_applications_app (app_id);

-- labels_lbl_x_controls_master_ctm
CREATE INDEX idx_labels_lbl_x_controls_master_ctm_ctm_id
    ON cutover.labels_lbl_x_controls_master_ctm (ctm_id);

-- Foreign keys added by this pack.

-- addition: D0.4
CREATE INDEX idx_steps_instance_sti_sti_id_predecessor
    ON cutover.steps_instance_sti (sti_id_predecessor);
-- addition: D0.4
CREATE INDEX idx_sequences_instance_sqi_predecessor_sqi_id
    ON cutover.sequences_instance_sqi (predecessor_sqi_id);
-- addition: D0.4
CREATE INDEX idx_phases_instance_phi_predecessor_phi_id
    ON cutover.phases_instance_phi (predecessor_phi_id);
-- addition: D0.11
CREATE INDEX idx_instructions_instance_ini_tms_id
    ON cutover.instructions_instance_ini (tms_id);
-- addition: D0.11
CREATE INDEX idx_instructions_instance_ini_cti_id
    ON cutover.instructions_instance_ini (cti_id);
-- addition: D0.5
CREATE INDEX idx_labels_lbl_created_by
    ON cutover.labels_lbl (created_by);
