INSERT INTO cutover.teams_tms (tms_id, tms_name) VALUES (1,'DB team'),(2,'App team');
INSERT INTO cutover.users_usr (usr_id, usr_code, usr_first_name, usr_last_name, usr_email, rls_id) VALUES (1,'ADA','Ada','B','a@x',3);
INSERT INTO cutover.migrations_mig (mig_id, usr_id_owner, mig_name, mig_type, mig_status) VALUES ('00000000-0000-0000-0000-0000000000a1',1,'Mig','X',1);
INSERT INTO cutover.plans_master_plm (plm_id, tms_id, plm_name, plm_status) VALUES ('00000000-0000-0000-0000-0000000000b1',1,'Weekend',5);
INSERT INTO cutover.iterations_ite (ite_id, mig_id, plm_id, itt_code, ite_name, ite_status, ite_start_date)
 SELECT ('00000000-0000-0000-0000-0000000000c'||n)::uuid,'00000000-0000-0000-0000-0000000000a1','00000000-0000-0000-0000-0000000000b1',c,c,9,'2026-03-01' FROM (VALUES (1,'RUN'),(2,'DR'),(3,'CUTOVER')) v(n,c);
INSERT INTO cutover.sequences_master_sqm (sqm_id, plm_id, sqm_order, sqm_name, predecessor_sqm_id) VALUES
 ('00000000-0000-0000-0000-0000000000d1','00000000-0000-0000-0000-0000000000b1',1,'Prepare',NULL),
 ('00000000-0000-0000-0000-0000000000d2','00000000-0000-0000-0000-0000000000b1',2,'Switch','00000000-0000-0000-0000-0000000000d1');
INSERT INTO cutover.phases_master_phm (phm_id, sqm_id, phm_order, phm_name) VALUES
 ('00000000-0000-0000-0000-0000000000e1','00000000-0000-0000-0000-0000000000d1',1,'Backups'),
 ('00000000-0000-0000-0000-0000000000e2','00000000-0000-0000-0000-0000000000d2',1,'Load');
INSERT INTO cutover.controls_master_ctm (ctm_id, phm_id, ctm_code, ctm_order, ctm_name, ctm_is_critical) VALUES
 ('00000000-0000-0000-0000-0000000000f1','00000000-0000-0000-0000-0000000000e1','C1',1,'Backup readable',true);
INSERT INTO cutover.steps_master_stm (stm_id, phm_id, tms_id_owner, stt_code, stm_number, stm_code, stm_name, stm_duration_minutes, stm_id_predecessor) VALUES
 ('00000000-0000-0000-0000-000000000101','00000000-0000-0000-0000-0000000000e1',1,'DUM',1,'S1','Dump',30,NULL),
 ('00000000-0000-0000-0000-000000000102','00000000-0000-0000-0000-0000000000e1',1,'CHK',2,'S2','Rehearse restore',45,'00000000-0000-0000-0000-000000000101'),
 ('00000000-0000-0000-0000-000000000103','00000000-0000-0000-0000-0000000000e1',2,'SYS',3,'S3','Stop jobs',10,'00000000-0000-0000-0000-000000000102'),
 ('00000000-0000-0000-0000-000000000104','00000000-0000-0000-0000-0000000000e2',1,'TRT',1,'S4','Load',60,NULL),
 ('00000000-0000-0000-0000-000000000105','00000000-0000-0000-0000-0000000000e2',2,'GON',2,'S5','Go',NULL,'00000000-0000-0000-0000-000000000104');
INSERT INTO cutover.steps_master_stm_x_iteration_types_itt VALUES ('00000000-0000-0000-0000-000000000102','DR'),('00000000-0000-0000-0000-000000000102','RUN');
INSERT INTO cutover.instructions_master_inm (stm_id, inm_order, inm_body, inm_duration_minutes, ctm_id) VALUES
 ('00000000-0000-0000-0000-000000000101',1,'pg_dump',20,NULL),('00000000-0000-0000-0000-000000000101',2,'copy',10,'00000000-0000-0000-0000-0000000000f1'),
 ('00000000-0000-0000-0000-000000000105',1,'vote',5,'00000000-0000-0000-0000-0000000000f1');
