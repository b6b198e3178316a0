-- Master tables: the reusable template, from the plan down to the single instruction.
-- D0.15: names and orders may be NULL while a template is drafted; a lint reports the gaps.
-- canon-ignore-file L14: nullability is that of the source (D0.15)

CREATE TABLE cutover.plans_master_plm (
    plm_id uuid NOT NULL DEFAULT gen_random_uuid(),
    tms_id integer NOT NULL,
    plm_name varchar(255) NOT NULL,
    plm_description text,
    created_by varchar(255) DEFAULT 'system',
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_by varchar(255) DEFAULT 'system',
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    plm_status integer NOT NULL,
    -- addition: D0.3, the entity type that the status has to belong to
    plm_status_type varchar(20) NOT NULL GENERATED ALWAYS AS ('Plan') STORED,
    CONSTRAINT pk_plans_master_plm PRIMARY KEY (plm_id)
);

COMMENT ON TABLE cutover.plans_master_plm IS
    'Templates of whole runbooks; iterations are carried out from copies of them.';
COMMENT ON COLUMN cutover.plans_master_plm.plm_id IS
    'Identity of the template.';
COMMENT ON COLUMN cutover.plans_master_plm.tms_id IS
    'Team that maintains the template; points at teams_tms.';
COMMENT ON COLUMN cutover.plans_master_plm.plm_name IS
    'Title of the template.';
COMMENT ON COLUMN cutover.plans_master_plm.plm_description IS
    'What the template is for.';
COMMENT ON COLUMN cutover.plans_master_plm.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row.';
COMMENT ON COLUMN cutover.plans_master_plm.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.plans_master_plm.updated_by IS
    'Three-letter code of the user, or the name of the program, behind the last change; set by the caller.';
COMMENT ON COLUMN cutover.plans_master_plm.updated_at IS
    'Moment of the last change; stamped by the update trigger.';
COMMENT ON COLUMN cutover.plans_master_plm.plm_status IS
    'Where the template itself stands; points at a status_sts row of type Plan.';
COMMENT ON COLUMN cutover.plans_master_plm.plm_status_type IS
    'Constant Plan; with plm_status it points at status_sts (sts_id, sts_type), so other types are refused.';

CREATE TABLE cutover.sequences_master_sqm (
    sqm_id uuid NOT NULL DEFAULT gen_random_uuid(),
    plm_id uuid NOT NULL,
    sqm_order integer,
    sqm_name varchar(255),
    sqm_description text,
    predecessor_sqm_id uuid,
    created_by varchar(255) DEFAULT 'system',
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_by varchar(255) DEFAULT 'system',
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT pk_sequences_master_sqm PRIMARY KEY (sqm_id)
);

COMMENT ON TABLE cutover.sequences_master_sqm IS
    'Ordered top-level parts of a plan template.';
COMMENT ON COLUMN cutover.sequences_master_sqm.sqm_id IS
    'Identity of the sequence.';
COMMENT ON COLUMN cutover.sequences_master_sqm.plm_id IS
    'Template that contains the sequence; points at plans_master_plm.';
COMMENT ON COLUMN cutover.sequences_master_sqm.sqm_order IS
    'Position among the sequences of the template, lowest first.';
COMMENT ON COLUMN cutover.sequences_master_sqm.sqm_name IS
    'Title of the sequence.';
COMMENT ON COLUMN cutover.sequences_master_sqm.sqm_description IS
    'Content of the sequence in free text.';
COMMENT ON COLUMN cutover.sequences_master_sqm.predecessor_sqm_id IS
    'Sequence that has to be finished before; points at another sequences_master_sqm row.';
COMMENT ON COLUMN cutover.sequences_master_sqm.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row.';
COMMENT ON COLUMN cutover.sequences_master_sqm.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.sequences_master_sqm.updated_by IS
    'Three-letter code of the user, or the name of the program, behind the last change; set by the caller.';
COMMENT ON COLUMN cutover.sequences_master_sqm.updated_at IS
    'Moment of the last change; stamped by the update trigger.';

CREATE TABLE cutover.phases_master_phm (
    phm_id uuid NOT NULL DEFAULT gen_random_uuid(),
    sqm_id uuid NOT NULL,
    phm_order integer,
    phm_name varchar(255),
    phm_description text,
    predecessor_phm_id uuid,
    created_by varchar(255) DEFAULT 'system',
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_by varchar(255) DEFAULT 'system',
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT pk_phases_master_phm PRIMARY KEY (phm_id)
);

COMMENT ON TABLE cutover.phases_master_phm IS
    'Ordered parts of a template sequence.';
COMMENT ON COLUMN cutover.phases_master_phm.phm_id IS
    'Identity of the phase.';
COMMENT ON COLUMN cutover.phases_master_phm.sqm_id IS
    'Sequence that contains the phase; points at sequences_master_sqm.';
COMMENT ON COLUMN cutover.phases_master_phm.phm_order IS
    'Position among the phases of the sequence, lowest first.';
COMMENT ON COLUMN cutover.phases_master_phm.phm_name IS
    'Title of the phase.';
COMMENT ON COLUMN cutover.phases_master_phm.phm_description IS
    'Content of the phase in free text.';
COMMENT ON COLUMN cutover.phases_master_phm.predecessor_phm_id IS
    'Phase that has to be finished before; points at another phases_master_phm row.';
COMMENT ON COLUMN cutover.phases_master_phm.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row.';
COMMENT ON COLUMN cutover.phases_master_phm.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.phases_master_phm.updated_by IS
    'Three-letter code of the user, or the name of the program, behind the last change; set by the caller.';
COMMENT ON COLUMN cutover.phases_master_phm.updated_at IS
    'Moment of the last change; stamped by the update trigger.';

CREATE TABLE cutover.steps_master_stm (
    stm_id uuid NOT NULL DEFAULT gen_random_uuid(),
    phm_id uuid NOT NULL,
    tms_id_owner integer,
    stt_code varchar(3),
    stm_number integer,
    stm_code varchar(50),
    stm_name varchar(255),
    stm_description text,
    stm_duration_minutes integer,
    stm_id_predecessor uuid,
    enr_id_target integer,
    enr_id integer,
    created_by varchar(255) DEFAULT 'system',
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_by varchar(255) DEFAULT 'system',
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT pk_steps_master_stm PRIMARY KEY (stm_id),
    -- D0.10: NULLs stay distinct, so a phase may hold several drafted steps without a number
    -- canon-ignore L15: a phase being drafted may hold several steps without a number or kind (D0.10)
    CONSTRAINT steps_master_stm_phm_id_stt_code_stm_number_key UNIQUE (phm_id, stt_code, stm_number)
);

COMMENT ON TABLE cutover.steps_master_stm IS
    'Template steps: who does what, for how long and after what.';
COMMENT ON COLUMN cutover.steps_master_stm.stm_id IS
    'Identity of the template step.';
COMMENT ON COLUMN cutover.steps_master_stm.phm_id IS
    'Phase that contains the step; points at phases_master_phm.';
COMMENT ON COLUMN cutover.steps_master_stm.tms_id_owner IS
    'Team that carries the step out, NULL while undecided; points at teams_tms.';
COMMENT ON COLUMN cutover.steps_master_stm.stt_code IS
    'Kind of work; points at step_types_stt.';
COMMENT ON COLUMN cutover.steps_master_stm.stm_number IS
    'Running number within phase and kind; kind and number together form the visible code.';
COMMENT ON COLUMN cutover.steps_master_stm.stm_code IS
    'Local code in free form, where one is kept besides kind and number.';
COMMENT ON COLUMN cutover.steps_master_stm.stm_name IS
    'Title of the step.';
COMMENT ON COLUMN cutover.steps_master_stm.stm_description IS
    'What has to be done, in free text.';
COMMENT ON COLUMN cutover.steps_master_stm.stm_duration_minutes IS
    'Estimated working time in minutes.';
COMMENT ON COLUMN cutover.steps_master_stm.stm_id_predecessor IS
    'Step that has to be finished before; points at another steps_master_stm row.';
COMMENT ON COLUMN cutover.steps_master_stm.enr_id_target IS
    'Environment part that the step acts on; points at environment_roles_enr.';
COMMENT ON COLUMN cutover.steps_master_stm.enr_id IS
    'Environment part in which the step is carried out; points at environment_roles_enr.';
COMMENT ON COLUMN cutover.steps_master_stm.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row.';
COMMENT ON COLUMN cutover.steps_master_stm.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.steps_master_stm.updated_by IS
    'Three-letter code of the user, or the name of the program, behind the last change; set by the caller.';
COMMENT ON COLUMN cutover.steps_master_stm.updated_at IS
    'Moment of the last change; stamped by the update trigger.';

CREATE TABLE cutover.controls_master_ctm (
    ctm_id uuid NOT NULL DEFAULT gen_random_uuid(),
    phm_id uuid NOT NULL,
    ctm_code varchar(50),
    ctm_order integer,
    ctm_name varchar(255),
    ctm_description text,
    ctm_type varchar(50),
    ctm_is_critical boolean DEFAULT false,
    created_by varchar(255) DEFAULT 'system',
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_by varchar(255) DEFAULT 'system',
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT pk_controls_master_ctm PRIMARY KEY (ctm_id),
    -- D0.10: unique within the phase, not worldwide; otherwise no plan with controls could be cloned
    -- canon-ignore L15: only codes are unique; a phase may hold several controls without one (D0.10)
    CONSTRAINT uq_ctm_code UNIQUE (phm_id, ctm_code)
);

COMMENT ON TABLE cutover.controls_master_ctm IS
    'Template controls that guard a phase.';
COMMENT ON COLUMN cutover.controls_master_ctm.ctm_id IS
    'Identity of the template control.';
COMMENT ON COLUMN cutover.controls_master_ctm.phm_id IS
    'Phase that the control guards; points at phases_master_phm.';
COMMENT ON COLUMN cutover.controls_master_ctm.ctm_code IS
    'Short code, unique within its phase.';
COMMENT ON COLUMN cutover.controls_master_ctm.ctm_order IS
    'Position among the controls of the phase, lowest first.';
COMMENT ON COLUMN cutover.controls_master_ctm.ctm_name IS
    'Title of the control.';
COMMENT ON COLUMN cutover.controls_master_ctm.ctm_description IS
    'What is verified and how.';
COMMENT ON COLUMN cutover.controls_master_ctm.ctm_type IS
    'Category in free text; the model fixes no list.';
COMMENT ON COLUMN cutover.controls_master_ctm.ctm_is_critical IS
    'True when failing the control must stop the work that follows.';
COMMENT ON COLUMN cutover.controls_master_ctm.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row.';
COMMENT ON COLUMN cutover.controls_master_ctm.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.controls_master_ctm.updated_by IS
    'Three-letter code of the user, or the name of the program, behind the last change; set by the caller.';
COMMENT ON COLUMN cutover.controls_master_ctm.updated_at IS
    'Moment of the last change; stamped by the update trigger.';

CREATE TABLE cutover.instructions_master_inm (
    inm_id uuid NOT NULL DEFAULT gen_random_uuid(),
    stm_id uuid NOT NULL,
    tms_id integer,
    ctm_id uuid,
    inm_order integer NOT NULL,
    inm_body text,
    inm_duration_minutes integer,
    created_by varchar(255) DEFAULT 'system',
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_by varchar(255) DEFAULT 'system',
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT pk_instructions_master_inm PRIMARY KEY (inm_id)
);

COMMENT ON TABLE cutover.instructions_master_inm IS
    'Template work instructions, the smallest unit of a step.';
COMMENT ON COLUMN cutover.instructions_master_inm.inm_id IS
    'Identity of the template instruction.';
COMMENT ON COLUMN cutover.instructions_master_inm.stm_id IS
    'Step that the instruction belongs to; points at steps_master_stm.';
COMMENT ON COLUMN cutover.instructions_master_inm.tms_id IS
    'Team that follows the instruction when it is not the owner of the step; points at teams_tms.';
COMMENT ON COLUMN cutover.instructions_master_inm.ctm_id IS
    'Control that confirms the instruction; points at controls_master_ctm.';
COMMENT ON COLUMN cutover.instructions_master_inm.inm_order IS
    'Position within the step, lowest first.';
COMMENT ON COLUMN cutover.instructions_master_inm.inm_body IS
    'Wording of the instruction.';
COMMENT ON COLUMN cutover.instructions_master_inm.inm_duration_minutes IS
    'Estimated working time in minutes.';
COMMENT ON COLUMN cutover.instructions_master_inm.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row.';
COMMENT ON COLUMN cutover.instructions_master_inm.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.instructions_master_inm.updated_by IS
    'Three-letter code of the user, or the name of the program, behind the last change; set by the caller.';
COMMENT ON COLUMN cutover.instructions_master_inm.updated_at IS
    'Moment of the last change; stamped by the update trigger.';
