-- Junction tables: many-to-many links between the others.
-- canon-ignore-file L11: the columns are those of the source (D0.8)
-- canon-ignore-file L14: nullability is that of the source (D0.15)

CREATE SEQUENCE cutover.teams_tms_x_users_usr_tms_x_usr_id_seq AS integer;

CREATE TABLE cutover.teams_tms_x_users_usr (
    tms_x_usr_id integer NOT NULL DEFAULT nextval('cutover.teams_tms_x_users_usr_tms_x_usr_id_seq'::regclass),
    tms_id integer NOT NULL,
    usr_id integer NOT NULL,
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    created_by varchar(255),
    CONSTRAINT pk_teams_tms_x_users_usr PRIMARY KEY (tms_x_usr_id),
    CONSTRAINT uq_tms_x_usr UNIQUE (tms_id, usr_id)
);

COMMENT ON TABLE cutover.teams_tms_x_users_usr IS
    'Who is a member of which team.';
COMMENT ON COLUMN cutover.teams_tms_x_users_usr.tms_x_usr_id IS
    'Number of the membership, assigned by default.';
COMMENT ON COLUMN cutover.teams_tms_x_users_usr.tms_id IS
    'Team; points at teams_tms, the membership goes with it.';
COMMENT ON COLUMN cutover.teams_tms_x_users_usr.usr_id IS
    'Member; points at users_usr, the membership goes with the person.';
COMMENT ON COLUMN cutover.teams_tms_x_users_usr.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.teams_tms_x_users_usr.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row; optional.';

CREATE TABLE cutover.teams_tms_x_applications_app (
    tms_id integer NOT NULL,
    app_id integer NOT NULL,
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT pk_teams_tms_x_applications_app PRIMARY KEY (tms_id, app_id)
);

COMMENT ON TABLE cutover.teams_tms_x_applications_app IS
    'Which team looks after which application.';
COMMENT ON COLUMN cutover.teams_tms_x_applications_app.tms_id IS
    'Team in charge; points at teams_tms.';
COMMENT ON COLUMN cutover.teams_tms_x_applications_app.app_id IS
    'Application looked after; points at applications_app.';
COMMENT ON COLUMN cutover.teams_tms_x_applications_app.created_at IS
    'Moment of insertion; filled by default.';

CREATE TABLE cutover.environments_env_x_applications_app (
    env_id integer NOT NULL,
    app_id integer NOT NULL,
    CONSTRAINT pk_environments_env_x_applications_app PRIMARY KEY (env_id, app_id)
);

COMMENT ON TABLE cutover.environments_env_x_applications_app IS
    'Which application is installed in which environment.';
COMMENT ON COLUMN cutover.environments_env_x_applications_app.env_id IS
    'Environment; points at environments_env.';
COMMENT ON COLUMN cutover.environments_env_x_applications_app.app_id IS
    'Application installed there; points at applications_app.';

CREATE TABLE cutover.environments_env_x_iterations_ite (
    env_id integer NOT NULL,
    ite_id uuid NOT NULL,
    enr_id integer,
    CONSTRAINT pk_environments_env_x_iterations_ite PRIMARY KEY (env_id, ite_id)
);

COMMENT ON TABLE cutover.environments_env_x_iterations_ite IS
    'Which environment takes part in which iteration, and as what.';
COMMENT ON COLUMN cutover.environments_env_x_iterations_ite.env_id IS
    'Environment taking part; points at environments_env.';
COMMENT ON COLUMN cutover.environments_env_x_iterations_ite.ite_id IS
    'Iteration it takes part in; points at iterations_ite.';
COMMENT ON COLUMN cutover.environments_env_x_iterations_ite.enr_id IS
    'Part it plays there; points at environment_roles_enr.';

CREATE TABLE cutover.steps_master_stm_x_iteration_types_itt (
    stm_id uuid NOT NULL,
    itt_code varchar(10) NOT NULL,
    -- D0.6: the name of the redundant unique index is used for the primary key
    CONSTRAINT pk_stm_itt PRIMARY KEY (stm_id, itt_code)
);

COMMENT ON TABLE cutover.steps_master_stm_x_iteration_types_itt IS
    'Iteration kinds that a template step is meant for; a step without any row fits all kinds.';
COMMENT ON COLUMN cutover.steps_master_stm_x_iteration_types_itt.stm_id IS
    'Template step; points at steps_master_stm, the link goes with it.';
COMMENT ON COLUMN cutover.steps_master_stm_x_iteration_types_itt.itt_code IS
    'Iteration kind; points at iteration_types_itt, the link goes with it.';

CREATE TABLE cutover.steps_master_stm_x_teams_tms_impacted (
    stm_id uuid NOT NULL,
    tms_id integer NOT NULL,
    -- D0.6: the name of the redundant unique index is used for the primary key
    CONSTRAINT pk_stm_tms_impacted PRIMARY KEY (stm_id, tms_id)
);

COMMENT ON TABLE cutover.steps_master_stm_x_teams_tms_impacted IS
    'Teams affected by a template step besides its owner.';
COMMENT ON COLUMN cutover.steps_master_stm_x_teams_tms_impacted.stm_id IS
    'Template step; points at steps_master_stm, the link goes with it.';
COMMENT ON COLUMN cutover.steps_master_stm_x_teams_tms_impacted.tms_id IS
    'Affected team; points at teams_tms, the link goes with it.';

CREATE SEQUENCE cutover.labels_lbl_x_steps_master_stm_lbl_x_stm_id_seq AS integer;

CREATE TABLE cutover.labels_lbl_x_steps_master_stm (
    lbl_x_stm_id integer NOT NULL DEFAULT nextval('cutover.labels_lbl_x_steps_master_stm_lbl_x_stm_id_seq'::regclass),
    lbl_id integer NOT NULL,
    stm_id uuid NOT NULL,
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    created_by varchar(255),
    CONSTRAINT pk_labels_lbl_x_steps_master_stm PRIMARY KEY (lbl_x_stm_id),
    CONSTRAINT uq_labels_lbl_x_steps_master_stm_lbl_id_stm_id UNIQUE (lbl_id, stm_id)
);

COMMENT ON TABLE cutover.labels_lbl_x_steps_master_stm IS
    'Labels attached to template steps.';
COMMENT ON COLUMN cutover.labels_lbl_x_steps_master_stm.lbl_x_stm_id IS
    'Number of the link, assigned by default.';
COMMENT ON COLUMN cutover.labels_lbl_x_steps_master_stm.lbl_id IS
    'Label; points at labels_lbl, the link goes with it.';
COMMENT ON COLUMN cutover.labels_lbl_x_steps_master_stm.stm_id IS
    'Labelled template step; points at steps_master_stm, the link goes with it.';
COMMENT ON COLUMN cutover.labels_lbl_x_steps_master_stm.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.labels_lbl_x_steps_master_stm.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row; optional.';

CREATE SEQUENCE cutover.labels_lbl_x_applications_app_lbl_x_app_id_seq AS integer;

CREATE TABLE cutover.labels_lbl_x_applications_app (
    lbl_x_app_id integer NOT NULL DEFAULT nextval('cutover.labels_lbl_x_applications_app_lbl_x_app_id_seq'::regclass),
    lbl_id integer NOT NULL,
    app_id integer NOT NULL,
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    created_by varchar(255),
    CONSTRAINT pk_labels_lbl_x_applications_app PRIMARY KEY (lbl_x_app_id),
    CONSTRAINT uq_lbl_x_app UNIQUE (lbl_id, app_id)
);

COMMENT ON TABLE cutover.labels_lbl_x_applications_app IS
    'Labels attached to applications.';
COMMENT ON COLUMN cutover.labels_lbl_x_applications_app.lbl_x_app_id IS
    'Number of the link, assigned by default.';
COMMENT ON COLUMN cutover.labels_lbl_x_applications_app.lbl_id IS
    'Label; points at labels_lbl, the link goes with it.';
COMMENT ON COLUMN cutover.labels_lbl_x_applications_app.app_id IS
    'Labelled application; points at applications_app, the link goes with it.';
COMMENT ON COLUMN cutover.labels_lbl_x_applications_app.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.labels_lbl_x_applications_app.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row; optional.';

CREATE SEQUENCE cutover.labels_lbl_x_controls_master_ctm_lbl_x_ctm_id_seq AS integer;

CREATE TABLE cutover.labels_lbl_x_controls_master_ctm (
    lbl_x_ctm_id integer NOT NULL
        DEFAULT nextval('cutover.labels_lbl_x_controls_master_ctm_lbl_x_ctm_id_seq'::regclass),
    lbl_id integer NOT NULL,
    ctm_id uuid NOT NULL,
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    created_by varchar(255),
    CONSTRAINT pk_labels_lbl_x_controls_master_ctm PRIMARY KEY (lbl_x_ctm_id),
    CONSTRAINT uq_labels_lbl_x_controls_master_ctm_lbl_id_ctm_id UNIQUE (lbl_id, ctm_id)
);

COMMENT ON TABLE cutover.labels_lbl_x_controls_master_ctm IS
    'Labels attached to template controls.';
COMMENT ON COLUMN cutover.labels_lbl_x_controls_master_ctm.lbl_x_ctm_id IS
    'Number of the link, assigned by default.';
COMMENT ON COLUMN cutover.labels_lbl_x_controls_master_ctm.lbl_id IS
    'Label; points at labels_lbl, the link goes with it.';
COMMENT ON COLUMN cutover.labels_lbl_x_controls_master_ctm.ctm_id IS
    'Labelled template control; points at controls_master_ctm, the link goes with it.';
COMMENT ON COLUMN cutover.labels_lbl_x_controls_master_ctm.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.labels_lbl_x_controls_master_ctm.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row; optional.';
