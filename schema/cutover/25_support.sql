-- Supporting tables: labels, mail templates, comments, settings and the audit log.
-- canon-ignore-file L11: the columns are those of the source (D0.8)
-- canon-ignore-file L14: nullability is that of the source (D0.15)

CREATE SEQUENCE cutover.labels_lbl_lbl_id_seq AS integer;

CREATE TABLE cutover.labels_lbl (
    lbl_id integer NOT NULL DEFAULT nextval('cutover.labels_lbl_lbl_id_seq'::regclass),
    mig_id uuid NOT NULL,
    lbl_name text NOT NULL,
    lbl_description text,
    lbl_color varchar(7),
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    -- D0.5: foreign key added; D0.8: a user number here, a user code in most tables
    created_by integer,
    CONSTRAINT pk_labels_lbl PRIMARY KEY (lbl_id),
    CONSTRAINT uq_labels_lbl_mig_id_lbl_name UNIQUE (mig_id, lbl_name)
);

COMMENT ON TABLE cutover.labels_lbl IS
    'Labels of one migration, attached to master steps, master controls and applications.';
COMMENT ON COLUMN cutover.labels_lbl.lbl_id IS
    'Number of the label, assigned by default.';
COMMENT ON COLUMN cutover.labels_lbl.mig_id IS
    'Migration that the label belongs to and is deleted with; points at migrations_mig.';
COMMENT ON COLUMN cutover.labels_lbl.lbl_name IS
    'Wording of the label, unique within the migration.';
COMMENT ON COLUMN cutover.labels_lbl.lbl_description IS
    'When to use the label.';
COMMENT ON COLUMN cutover.labels_lbl.lbl_color IS
    'Display colour, meant as a hash sign and six hexadecimal digits; not checked.';
COMMENT ON COLUMN cutover.labels_lbl.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.labels_lbl.created_by IS
    'Person who made the label; points at users_usr.';

-- D0.6: the index idx_emt_name is left out, see 60_indexes.sql.
CREATE TABLE cutover.email_templates_emt (
    emt_id uuid NOT NULL DEFAULT gen_random_uuid(),
    emt_type varchar(50),
    emt_name varchar(255),
    emt_subject text,
    emt_body_html text,
    emt_body_text text,
    emt_is_active boolean DEFAULT true,
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamptz,
    created_by varchar(255),
    updated_by varchar(255),
    CONSTRAINT pk_email_templates_emt PRIMARY KEY (emt_id),
    CONSTRAINT email_templates_emt_emt_name_key UNIQUE (emt_name),
    -- D0.12: three occasions of the source plus the six that are in practical use
    CONSTRAINT ck_email_templates_emt_emt_type CHECK (
        emt_type IN (
            'STEP_NOTIFICATION', 'MIGRATION_UPDATE', 'SYSTEM_ALERT',
            'STEP_OPENED', 'INSTRUCTION_COMPLETED', 'INSTRUCTION_UNCOMPLETED',
            'STEP_STATUS_CHANGED', 'STEP_NOTIFICATION_MOBILE', 'CUSTOM'
        )
    )
);

COMMENT ON TABLE cutover.email_templates_emt IS
    'Texts for outgoing notices, one per name, sorted by occasion.';
COMMENT ON COLUMN cutover.email_templates_emt.emt_id IS
    'Identity of the text.';
COMMENT ON COLUMN cutover.email_templates_emt.emt_type IS
    'Occasion for which the text is sent; a fixed list of nine words.';
COMMENT ON COLUMN cutover.email_templates_emt.emt_name IS
    'Name by which the text is chosen.';
COMMENT ON COLUMN cutover.email_templates_emt.emt_subject IS
    'Subject line, may hold placeholders.';
COMMENT ON COLUMN cutover.email_templates_emt.emt_body_html IS
    'Message in HTML, may hold placeholders.';
COMMENT ON COLUMN cutover.email_templates_emt.emt_body_text IS
    'Message for readers without HTML.';
COMMENT ON COLUMN cutover.email_templates_emt.emt_is_active IS
    'False takes the text out of use without deleting it.';
COMMENT ON COLUMN cutover.email_templates_emt.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.email_templates_emt.updated_at IS
    'Moment of the last change, stamped by the update trigger; NULL while never changed.';
COMMENT ON COLUMN cutover.email_templates_emt.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row; optional.';
COMMENT ON COLUMN cutover.email_templates_emt.updated_by IS
    'Three-letter code of the user, or the name of the program, behind the last change; optional.';

CREATE SEQUENCE cutover.step_instance_comments_sic_sic_id_seq AS integer;

CREATE TABLE cutover.step_instance_comments_sic (
    sic_id integer NOT NULL DEFAULT nextval('cutover.step_instance_comments_sic_sic_id_seq'::regclass),
    sti_id uuid NOT NULL,
    comment_body text,
    -- D0.8: user numbers here, user codes in most tables
    created_by integer,
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_by integer,
    updated_at timestamptz,
    CONSTRAINT pk_step_instance_comments_sic PRIMARY KEY (sic_id)
);

COMMENT ON TABLE cutover.step_instance_comments_sic IS
    'Remarks made during execution on a single step.';
COMMENT ON COLUMN cutover.step_instance_comments_sic.sic_id IS
    'Number of the remark, assigned by default.';
COMMENT ON COLUMN cutover.step_instance_comments_sic.sti_id IS
    'Step in execution that the remark is about and is deleted with; points at steps_instance_sti.';
COMMENT ON COLUMN cutover.step_instance_comments_sic.comment_body IS
    'Wording of the remark.';
COMMENT ON COLUMN cutover.step_instance_comments_sic.created_by IS
    'Author; points at users_usr.';
COMMENT ON COLUMN cutover.step_instance_comments_sic.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.step_instance_comments_sic.updated_by IS
    'Person who edited the remark last; points at users_usr.';
COMMENT ON COLUMN cutover.step_instance_comments_sic.updated_at IS
    'Moment of the last change, stamped by the update trigger; NULL while never changed.';

CREATE SEQUENCE cutover.step_pilot_comments_spc_spc_id_seq AS integer;

CREATE TABLE cutover.step_pilot_comments_spc (
    spc_id integer NOT NULL DEFAULT nextval('cutover.step_pilot_comments_spc_spc_id_seq'::regclass),
    stm_id uuid NOT NULL,
    comment_body text,
    author varchar(255),
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    visibility varchar(50),
    -- D0.8: user numbers here, user codes in most tables
    created_by integer,
    updated_by integer,
    CONSTRAINT pk_step_pilot_comments_spc PRIMARY KEY (spc_id)
);

COMMENT ON TABLE cutover.step_pilot_comments_spc IS
    'Advice that experienced pilots leave on a template step.';
COMMENT ON COLUMN cutover.step_pilot_comments_spc.spc_id IS
    'Number of the advice, assigned by default.';
COMMENT ON COLUMN cutover.step_pilot_comments_spc.stm_id IS
    'Template step that the advice is about and is deleted with; points at steps_master_stm.';
COMMENT ON COLUMN cutover.step_pilot_comments_spc.comment_body IS
    'Wording of the advice.';
COMMENT ON COLUMN cutover.step_pilot_comments_spc.author IS
    'Name of the adviser in free text, also for people without an account.';
COMMENT ON COLUMN cutover.step_pilot_comments_spc.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.step_pilot_comments_spc.visibility IS
    'Who may read the advice, in free text; the model fixes no list.';
COMMENT ON COLUMN cutover.step_pilot_comments_spc.created_by IS
    'Person who entered the advice; points at users_usr.';
COMMENT ON COLUMN cutover.step_pilot_comments_spc.updated_by IS
    'Person who edited the advice last; points at users_usr.';

CREATE TABLE cutover.system_configuration_scf (
    scf_id uuid NOT NULL DEFAULT gen_random_uuid(),
    env_id integer NOT NULL,
    scf_key varchar(255) NOT NULL,
    scf_category varchar(50),
    scf_value text,
    scf_description text,
    scf_is_active boolean DEFAULT true,
    scf_is_system_managed boolean DEFAULT false,
    scf_data_type varchar(20) DEFAULT 'STRING',
    scf_validation_pattern varchar(500),
    created_by varchar(255),
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_by varchar(255),
    updated_at timestamptz,
    CONSTRAINT pk_system_configuration_scf PRIMARY KEY (scf_id),
    CONSTRAINT unique_scf_key_per_env UNIQUE (env_id, scf_key),
    CONSTRAINT ck_system_configuration_scf_scf_category CHECK (
        scf_category IN ('MACRO_LOCATION', 'API_CONFIG', 'SYSTEM_SETTING')
    ),
    CONSTRAINT ck_system_configuration_scf_scf_data_type CHECK (
        scf_data_type IN ('STRING', 'NUMBER', 'BOOLEAN', 'JSON')
    )
);

COMMENT ON TABLE cutover.system_configuration_scf IS
    'Settings of the application, kept separately for each environment.';
COMMENT ON COLUMN cutover.system_configuration_scf.scf_id IS
    'Identity of the setting.';
COMMENT ON COLUMN cutover.system_configuration_scf.env_id IS
    'Environment in which the setting holds; points at environments_env.';
COMMENT ON COLUMN cutover.system_configuration_scf.scf_key IS
    'Name of the setting, unique within the environment.';
COMMENT ON COLUMN cutover.system_configuration_scf.scf_category IS
    'Group of the setting: MACRO_LOCATION, API_CONFIG or SYSTEM_SETTING.';
COMMENT ON COLUMN cutover.system_configuration_scf.scf_value IS
    'Value written as text, to be read as scf_data_type says.';
COMMENT ON COLUMN cutover.system_configuration_scf.scf_description IS
    'Effect of the setting.';
COMMENT ON COLUMN cutover.system_configuration_scf.scf_is_active IS
    'False makes programs ignore the setting.';
COMMENT ON COLUMN cutover.system_configuration_scf.scf_is_system_managed IS
    'True when programs maintain the value and people should leave it alone.';
COMMENT ON COLUMN cutover.system_configuration_scf.scf_data_type IS
    'How to read the value: STRING, NUMBER, BOOLEAN or JSON.';
COMMENT ON COLUMN cutover.system_configuration_scf.scf_validation_pattern IS
    'Regular expression that programs apply before they store a value.';
COMMENT ON COLUMN cutover.system_configuration_scf.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row; optional.';
COMMENT ON COLUMN cutover.system_configuration_scf.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.system_configuration_scf.updated_by IS
    'Three-letter code of the user, or the name of the program, behind the last change; optional.';
COMMENT ON COLUMN cutover.system_configuration_scf.updated_at IS
    'Moment of the last change, stamped by the update trigger; NULL while never changed.';

CREATE TABLE cutover.audit_log_aud (
    aud_id uuid NOT NULL DEFAULT gen_random_uuid(),
    usr_id integer,
    aud_action varchar(100),
    aud_entity_type varchar(100),
    aud_entity_id varchar(255),
    aud_details jsonb,
    aud_timestamp timestamptz DEFAULT CURRENT_TIMESTAMP,
    aud_ip_address varchar(45),
    aud_user_agent text,
    CONSTRAINT pk_audit_log_aud PRIMARY KEY (aud_id)
);

COMMENT ON TABLE cutover.audit_log_aud IS
    'Trail of actions by people and programs, including mails sent.';
COMMENT ON COLUMN cutover.audit_log_aud.aud_id IS
    'Identity of the entry.';
COMMENT ON COLUMN cutover.audit_log_aud.usr_id IS
    'Person who acted, NULL for programs; points at users_usr.';
COMMENT ON COLUMN cutover.audit_log_aud.aud_action IS
    'What was done, as an upper-case word such as STATUS_CHANGED.';
COMMENT ON COLUMN cutover.audit_log_aud.aud_entity_type IS
    'Kind of thing acted upon.';
COMMENT ON COLUMN cutover.audit_log_aud.aud_entity_id IS
    'Key of the thing acted upon, as text because key types differ.';
COMMENT ON COLUMN cutover.audit_log_aud.aud_details IS
    'Particulars such as old and new values.';
COMMENT ON COLUMN cutover.audit_log_aud.aud_timestamp IS
    'Moment of the action; filled by default.';
COMMENT ON COLUMN cutover.audit_log_aud.aud_ip_address IS
    'Network address of the caller, IPv4 or IPv6 in text form.';
COMMENT ON COLUMN cutover.audit_log_aud.aud_user_agent IS
    'Client program as it announced itself.';
