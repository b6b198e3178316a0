-- Instance tables: one executable copy of a master plan for one iteration.
-- Values start as copies of the master and may be overridden on the instance.
-- canon-ignore-file L14: nullability is that of the source (D0.15)

CREATE TABLE cutover.plans_instance_pli (
    pli_id uuid NOT NULL DEFAULT gen_random_uuid(),
    plm_id uuid NOT NULL,
    ite_id uuid NOT NULL,
    usr_id_owner integer,
    pli_name varchar(255),
    pli_description text,
    pli_start_time timestamptz,
    pli_end_time timestamptz,
    pli_status integer NOT NULL,
    created_by varchar(255) DEFAULT 'system',
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_by varchar(255) DEFAULT 'system',
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    -- addition: D0.3, the entity type that the status has to belong to
    pli_status_type varchar(20) NOT NULL GENERATED ALWAYS AS ('Plan') STORED,
    CONSTRAINT pk_plans_instance_pli PRIMARY KEY (pli_id)
);

COMMENT ON TABLE cutover.plans_instance_pli IS
    'Runbooks in execution: a copy of a template made for one iteration.';
COMMENT ON COLUMN cutover.plans_instance_pli.pli_id IS
    'Identity of the runbook.';
COMMENT ON COLUMN cutover.plans_instance_pli.plm_id IS
    'Template it was copied from; points at plans_master_plm.';
COMMENT ON COLUMN cutover.plans_instance_pli.ite_id IS
    'Iteration in which it is carried out; points at iterations_ite.';
COMMENT ON COLUMN cutover.plans_instance_pli.usr_id_owner IS
    'Person who conducts the execution; points at users_usr.';
COMMENT ON COLUMN cutover.plans_instance_pli.pli_name IS
    'Title, by default that of the template.';
COMMENT ON COLUMN cutover.plans_instance_pli.pli_description IS
    'Free text, by default that of the template.';
COMMENT ON COLUMN cutover.plans_instance_pli.pli_start_time IS
    'Moment at which execution began.';
COMMENT ON COLUMN cutover.plans_instance_pli.pli_end_time IS
    'Moment at which execution ended.';
COMMENT ON COLUMN cutover.plans_instance_pli.pli_status IS
    'Where the execution stands; points at a status_sts row of type Plan.';
COMMENT ON COLUMN cutover.plans_instance_pli.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row.';
COMMENT ON COLUMN cutover.plans_instance_pli.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.plans_instance_pli.updated_by IS
    'Three-letter code of the user, or the name of the program, behind the last change; set by the caller.';
COMMENT ON COLUMN cutover.plans_instance_pli.updated_at IS
    'Moment of the last change; stamped by the update trigger.';
COMMENT ON COLUMN cutover.plans_instance_pli.pli_status_type IS
    'Constant Plan; with pli_status it points at status_sts (sts_id, sts_type), so other types are refused.';

CREATE TABLE cutover.steps_instance_sti (
    sti_id uuid NOT NULL DEFAULT gen_random_uuid(),
    phi_id uuid NOT NULL,
    stm_id uuid NOT NULL,
    sti_start_time timestamptz,
    sti_end_time timestamptz,
    sti_id_predecessor uuid,
    sti_name varchar(255),
    sti_description text,
    sti_duration_minutes integer,
    sti_status integer NOT NULL,
    created_by varchar(255) DEFAULT 'system',
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_by varchar(255) DEFAULT 'system',
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    enr_id integer,
    -- addition: D0.3, the entity type that the status has to belong to
    sti_status_type varchar(20) NOT NULL GENERATED ALWAYS AS ('Step') STORED,
    CONSTRAINT pk_steps_instance_sti PRIMARY KEY (sti_id)
);

COMMENT ON TABLE cutover.steps_instance_sti IS
    'Steps in execution.';
COMMENT ON COLUMN cutover.steps_instance_sti.sti_id IS
    'Identity of the step in execution.';
COMMENT ON COLUMN cutover.steps_instance_sti.phi_id IS
    'Phase in execution that contains the step; points at phases_instance_phi.';
COMMENT ON COLUMN cutover.steps_instance_sti.stm_id IS
    'Template step it was copied from; points at steps_master_stm.';
COMMENT ON COLUMN cutover.steps_instance_sti.sti_start_time IS
    'Moment at which work on the step began.';
COMMENT ON COLUMN cutover.steps_instance_sti.sti_end_time IS
    'Moment at which work on the step ended.';
COMMENT ON COLUMN cutover.steps_instance_sti.sti_id_predecessor IS
    'Step that has to be finished before; points at another steps_instance_sti row, never at a template.';
COMMENT ON COLUMN cutover.steps_instance_sti.sti_name IS
    'Title, by default that of the template step.';
COMMENT ON COLUMN cutover.steps_instance_sti.sti_description IS
    'Free text; starts as the text of the template step and may be replaced for this run.';
COMMENT ON COLUMN cutover.steps_instance_sti.sti_duration_minutes IS
    'Planned minutes; start as those of the template step and may be replaced for this run.';
COMMENT ON COLUMN cutover.steps_instance_sti.sti_status IS
    'Where the step stands; points at a status_sts row of type Step.';
COMMENT ON COLUMN cutover.steps_instance_sti.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row.';
COMMENT ON COLUMN cutover.steps_instance_sti.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.steps_instance_sti.updated_by IS
    'Three-letter code of the user, or the name of the program, behind the last change; set by the caller.';
COMMENT ON COLUMN cutover.steps_instance_sti.updated_at IS
    'Moment of the last change; stamped by the update trigger.';
COMMENT ON COLUMN cutover.steps_instance_sti.enr_id IS
    'Environment part in which the step is carried out; points at environment_roles_enr.';
COMMENT ON COLUMN cutover.steps_instance_sti.sti_status_type IS
    'Constant Step; with sti_status it points at status_sts (sts_id, sts_type), so other types are refused.';

CREATE TABLE cutover.sequences_instance_sqi (
    sqi_id uuid NOT NULL DEFAULT gen_random_uuid(),
    pli_id uuid NOT NULL,
    sqm_id uuid NOT NULL,
    sqi_status integer NOT NULL,
    sqi_name varchar(255),
    sqi_description text,
    sqi_order integer,
    predecessor_sqi_id uuid,
    created_by varchar(255) DEFAULT 'system',
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_by varchar(255) DEFAULT 'system',
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    -- addition: D0.3, the entity type that the status has to belong to
    sqi_status_type varchar(20) NOT NULL GENERATED ALWAYS AS ('Sequence') STORED,
    -- addition: D0.11, measured times of the sequence
    sqi_start_time timestamptz,
    -- addition: D0.11
    sqi_end_time timestamptz,
    CONSTRAINT pk_sequences_instance_sqi PRIMARY KEY (sqi_id)
);

COMMENT ON TABLE cutover.sequences_instance_sqi IS
    'Sequences of a runbook in execution.';
COMMENT ON COLUMN cutover.sequences_instance_sqi.sqi_id IS
    'Identity of the sequence in execution.';
COMMENT ON COLUMN cutover.sequences_instance_sqi.pli_id IS
    'Runbook that contains the sequence; points at plans_instance_pli.';
COMMENT ON COLUMN cutover.sequences_instance_sqi.sqm_id IS
    'Template sequence it was copied from; points at sequences_master_sqm.';
COMMENT ON COLUMN cutover.sequences_instance_sqi.sqi_status IS
    'Where the sequence stands; points at a status_sts row of type Sequence.';
COMMENT ON COLUMN cutover.sequences_instance_sqi.sqi_name IS
    'Title, by default that of the template sequence.';
COMMENT ON COLUMN cutover.sequences_instance_sqi.sqi_description IS
    'Free text, by default that of the template sequence.';
COMMENT ON COLUMN cutover.sequences_instance_sqi.sqi_order IS
    'Position among the sequences of the runbook, lowest first.';
COMMENT ON COLUMN cutover.sequences_instance_sqi.predecessor_sqi_id IS
    'Sequence that has to be finished before; points at another sequences_instance_sqi row.';
COMMENT ON COLUMN cutover.sequences_instance_sqi.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row.';
COMMENT ON COLUMN cutover.sequences_instance_sqi.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.sequences_instance_sqi.updated_by IS
    'Three-letter code of the user, or the name of the program, behind the last change; set by the caller.';
COMMENT ON COLUMN cutover.sequences_instance_sqi.updated_at IS
    'Moment of the last change; stamped by the update trigger.';
COMMENT ON COLUMN cutover.sequences_instance_sqi.sqi_status_type IS
    'Constant Sequence; with sqi_status it points at status_sts (sts_id, sts_type), so other types are refused.';
COMMENT ON COLUMN cutover.sequences_instance_sqi.sqi_start_time IS
    'Moment at which the first work in the sequence began.';
COMMENT ON COLUMN cutover.sequences_instance_sqi.sqi_end_time IS
    'Moment at which the last work in the sequence ended.';

CREATE TABLE cutover.phases_instance_phi (
    phi_id uuid NOT NULL DEFAULT gen_random_uuid(),
    sqi_id uuid NOT NULL,
    phm_id uuid NOT NULL,
    phi_status integer NOT NULL,
    phi_order integer,
    phi_name varchar(255),
    phi_description text,
    predecessor_phi_id uuid,
    created_by varchar(255) DEFAULT 'system',
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_by varchar(255) DEFAULT 'system',
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    -- addition: D0.3, the entity type that the status has to belong to
    phi_status_type varchar(20) NOT NULL GENERATED ALWAYS AS ('Phase') STORED,
    -- addition: D0.11, measured times of the phase
    phi_start_time timestamptz,
    -- addition: D0.11
    phi_end_time timestamptz,
    CONSTRAINT pk_phases_instance_phi PRIMARY KEY (phi_id)
);

COMMENT ON TABLE cutover.phases_instance_phi IS
    'Phases of a runbook in execution.';
COMMENT ON COLUMN cutover.phases_instance_phi.phi_id IS
    'Identity of the phase in execution.';
COMMENT ON COLUMN cutover.phases_instance_phi.sqi_id IS
    'Sequence in execution that contains the phase; points at sequences_instance_sqi.';
COMMENT ON COLUMN cutover.phases_instance_phi.phm_id IS
    'Template phase it was copied from; points at phases_master_phm.';
COMMENT ON COLUMN cutover.phases_instance_phi.phi_status IS
    'Where the phase stands; points at a status_sts row of type Phase.';
COMMENT ON COLUMN cutover.phases_instance_phi.phi_order IS
    'Position among the phases of the sequence, lowest first.';
COMMENT ON COLUMN cutover.phases_instance_phi.phi_name IS
    'Title, by default that of the template phase.';
COMMENT ON COLUMN cutover.phases_instance_phi.phi_description IS
    'Free text, by default that of the template phase.';
COMMENT ON COLUMN cutover.phases_instance_phi.predecessor_phi_id IS
    'Phase that has to be finished before; points at another phases_instance_phi row.';
COMMENT ON COLUMN cutover.phases_instance_phi.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row.';
COMMENT ON COLUMN cutover.phases_instance_phi.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.phases_instance_phi.updated_by IS
    'Three-letter code of the user, or the name of the program, behind the last change; set by the caller.';
COMMENT ON COLUMN cutover.phases_instance_phi.updated_at IS
    'Moment of the last change; stamped by the update trigger.';
COMMENT ON COLUMN cutover.phases_instance_phi.phi_status_type IS
    'Constant Phase; with phi_status it points at status_sts (sts_id, sts_type), so other types are refused.';
COMMENT ON COLUMN cutover.phases_instance_phi.phi_start_time IS
    'Moment at which the first work in the phase began.';
COMMENT ON COLUMN cutover.phases_instance_phi.phi_end_time IS
    'Moment at which the last work in the phase ended.';

CREATE TABLE cutover.controls_instance_cti (
    cti_id uuid NOT NULL DEFAULT gen_random_uuid(),
    phi_id uuid NOT NULL,
    ctm_id uuid NOT NULL,
    usr_id_it_validator integer,
    usr_id_biz_validator integer,
    cti_status integer NOT NULL,
    cti_order integer,
    cti_name varchar(255),
    cti_description text,
    cti_type varchar(50),
    cti_is_critical boolean,
    cti_code text,
    created_by varchar(255) DEFAULT 'system',
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_by varchar(255) DEFAULT 'system',
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    -- addition: D0.3, the entity type that the status has to belong to
    cti_status_type varchar(20) NOT NULL GENERATED ALWAYS AS ('Control') STORED,
    -- addition: D0.11, time of the verdict
    cti_validated_at timestamptz,
    CONSTRAINT pk_controls_instance_cti PRIMARY KEY (cti_id)
);

COMMENT ON TABLE cutover.controls_instance_cti IS
    'Controls of a phase in execution, with the people who judge them.';
COMMENT ON COLUMN cutover.controls_instance_cti.cti_id IS
    'Identity of the control in execution.';
COMMENT ON COLUMN cutover.controls_instance_cti.phi_id IS
    'Phase in execution that the control guards; points at phases_instance_phi.';
COMMENT ON COLUMN cutover.controls_instance_cti.ctm_id IS
    'Template control it was copied from; points at controls_master_ctm.';
COMMENT ON COLUMN cutover.controls_instance_cti.usr_id_it_validator IS
    'Person who judges for the technical side; points at users_usr.';
COMMENT ON COLUMN cutover.controls_instance_cti.usr_id_biz_validator IS
    'Person who judges for the business side; points at users_usr.';
COMMENT ON COLUMN cutover.controls_instance_cti.cti_status IS
    'Verdict so far; points at a status_sts row of type Control.';
COMMENT ON COLUMN cutover.controls_instance_cti.cti_order IS
    'Position among the controls of the phase, lowest first.';
COMMENT ON COLUMN cutover.controls_instance_cti.cti_name IS
    'Title, by default that of the template control.';
COMMENT ON COLUMN cutover.controls_instance_cti.cti_description IS
    'Free text, by default that of the template control.';
COMMENT ON COLUMN cutover.controls_instance_cti.cti_type IS
    'Category, by default that of the template control.';
COMMENT ON COLUMN cutover.controls_instance_cti.cti_is_critical IS
    'True when a failure must stop the work that follows; by default as in the template.';
COMMENT ON COLUMN cutover.controls_instance_cti.cti_code IS
    'Short code, by default that of the template control.';
COMMENT ON COLUMN cutover.controls_instance_cti.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row.';
COMMENT ON COLUMN cutover.controls_instance_cti.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.controls_instance_cti.updated_by IS
    'Three-letter code of the user, or the name of the program, behind the last change; set by the caller.';
COMMENT ON COLUMN cutover.controls_instance_cti.updated_at IS
    'Moment of the last change; stamped by the update trigger.';
COMMENT ON COLUMN cutover.controls_instance_cti.cti_status_type IS
    'Constant Control; with cti_status it points at status_sts (sts_id, sts_type), so other types are refused.';
COMMENT ON COLUMN cutover.controls_instance_cti.cti_validated_at IS
    'Moment at which the control was passed; NULL while it is not.';

CREATE TABLE cutover.instructions_instance_ini (
    ini_id uuid NOT NULL DEFAULT gen_random_uuid(),
    sti_id uuid NOT NULL,
    inm_id uuid NOT NULL,
    usr_id_completed_by integer,
    ini_order integer,
    ini_body text,
    ini_duration_minutes integer,
    ini_is_completed boolean DEFAULT false,
    ini_completed_at timestamptz,
    created_by varchar(255) DEFAULT 'system',
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_by varchar(255) DEFAULT 'system',
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    -- addition: D0.11, team and control survive the copy
    tms_id integer,
    -- addition: D0.11
    cti_id uuid,
    CONSTRAINT pk_instructions_instance_ini PRIMARY KEY (ini_id)
);

COMMENT ON TABLE cutover.instructions_instance_ini IS
    'Work instructions in execution; they have no status, only a done flag.';
COMMENT ON COLUMN cutover.instructions_instance_ini.ini_id IS
    'Identity of the instruction in execution.';
COMMENT ON COLUMN cutover.instructions_instance_ini.sti_id IS
    'Step in execution that the instruction belongs to; points at steps_instance_sti.';
COMMENT ON COLUMN cutover.instructions_instance_ini.inm_id IS
    'Template instruction it was copied from; points at instructions_master_inm.';
COMMENT ON COLUMN cutover.instructions_instance_ini.usr_id_completed_by IS
    'Person who ticked it off; points at users_usr.';
COMMENT ON COLUMN cutover.instructions_instance_ini.ini_order IS
    'Position within the step, lowest first.';
COMMENT ON COLUMN cutover.instructions_instance_ini.ini_body IS
    'Wording, by default that of the template instruction.';
COMMENT ON COLUMN cutover.instructions_instance_ini.ini_duration_minutes IS
    'Planned minutes, by default those of the template instruction.';
COMMENT ON COLUMN cutover.instructions_instance_ini.ini_is_completed IS
    'True once the instruction has been carried out.';
COMMENT ON COLUMN cutover.instructions_instance_ini.ini_completed_at IS
    'Moment at which it was ticked off; NULL while open.';
COMMENT ON COLUMN cutover.instructions_instance_ini.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row.';
COMMENT ON COLUMN cutover.instructions_instance_ini.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.instructions_instance_ini.updated_by IS
    'Three-letter code of the user, or the name of the program, behind the last change; set by the caller.';
COMMENT ON COLUMN cutover.instructions_instance_ini.updated_at IS
    'Moment of the last change; stamped by the update trigger.';
COMMENT ON COLUMN cutover.instructions_instance_ini.tms_id IS
    'Team that follows the instruction, copied from the template; points at teams_tms.';
COMMENT ON COLUMN cutover.instructions_instance_ini.cti_id IS
    'Control in execution that confirms the instruction; points at controls_instance_cti.';
