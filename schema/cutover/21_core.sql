-- Core tables: people and teams, migrations and their iterations, applications and environments.
-- canon-ignore-file L14: nullability is that of the source (D0.15)

CREATE SEQUENCE cutover.teams_tms_tms_id_seq AS integer;

CREATE TABLE cutover.teams_tms (
    tms_id integer NOT NULL DEFAULT nextval('cutover.teams_tms_tms_id_seq'::regclass),
    tms_name varchar(64) NOT NULL,
    tms_email varchar(255),
    tms_description text,
    created_by varchar(255) DEFAULT 'system',
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_by varchar(255) DEFAULT 'system',
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT pk_teams_tms PRIMARY KEY (tms_id)
);

COMMENT ON TABLE cutover.teams_tms IS
    'Groups of people who own plans and carry out steps.';
COMMENT ON COLUMN cutover.teams_tms.tms_id IS
    'Number of the team, assigned by default.';
COMMENT ON COLUMN cutover.teams_tms.tms_name IS
    'Name shown wherever the team owns or does something.';
COMMENT ON COLUMN cutover.teams_tms.tms_email IS
    'Shared mailbox that receives the notices for the whole team.';
COMMENT ON COLUMN cutover.teams_tms.tms_description IS
    'Responsibilities of the team in free text.';
COMMENT ON COLUMN cutover.teams_tms.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row.';
COMMENT ON COLUMN cutover.teams_tms.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.teams_tms.updated_by IS
    'Three-letter code of the user, or the name of the program, behind the last change; set by the caller.';
COMMENT ON COLUMN cutover.teams_tms.updated_at IS
    'Moment of the last change; stamped by the update trigger.';

CREATE SEQUENCE cutover.users_usr_usr_id_seq AS integer;

CREATE TABLE cutover.users_usr (
    usr_id integer NOT NULL DEFAULT nextval('cutover.users_usr_usr_id_seq'::regclass),
    usr_code varchar(3) NOT NULL,
    usr_first_name varchar(50) NOT NULL,
    usr_last_name varchar(50) NOT NULL,
    usr_email varchar(255) NOT NULL,
    usr_is_admin boolean DEFAULT false,
    rls_id integer,
    usr_active boolean NOT NULL DEFAULT true,
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    created_by varchar(255) DEFAULT 'system',
    updated_by varchar(255) DEFAULT 'system',
    usr_confluence_user_id varchar(255),
    CONSTRAINT pk_users_usr PRIMARY KEY (usr_id),
    CONSTRAINT users_usr_usr_code_key UNIQUE (usr_code),
    CONSTRAINT users_usr_usr_email_key UNIQUE (usr_email)
);

COMMENT ON TABLE cutover.users_usr IS
    'People known to the system, identified by a three-letter code.';
COMMENT ON COLUMN cutover.users_usr.usr_id IS
    'Number of the person, assigned by default.';
COMMENT ON COLUMN cutover.users_usr.usr_code IS
    'Three-letter code of the person; the value that the text columns created_by and updated_by hold.';
COMMENT ON COLUMN cutover.users_usr.usr_first_name IS
    'Given name.';
COMMENT ON COLUMN cutover.users_usr.usr_last_name IS
    'Family name.';
COMMENT ON COLUMN cutover.users_usr.usr_email IS
    'Personal mail address; no two people share one.';
COMMENT ON COLUMN cutover.users_usr.usr_is_admin IS
    'True for administrators; a flag of its own beside the role.';
COMMENT ON COLUMN cutover.users_usr.rls_id IS
    'Permission level of the person; points at roles_rls.';
COMMENT ON COLUMN cutover.users_usr.usr_active IS
    'False once the account is closed; the row stays because history refers to it.';
COMMENT ON COLUMN cutover.users_usr.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.users_usr.updated_at IS
    'Moment of the last change; stamped by the update trigger.';
COMMENT ON COLUMN cutover.users_usr.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row.';
COMMENT ON COLUMN cutover.users_usr.updated_by IS
    'Three-letter code of the user, or the name of the program, behind the last change; set by the caller.';
COMMENT ON COLUMN cutover.users_usr.usr_confluence_user_id IS
    'Account key of the same person in Confluence, when known.';

CREATE TABLE cutover.migrations_mig (
    mig_id uuid NOT NULL DEFAULT gen_random_uuid(),
    usr_id_owner integer NOT NULL,
    mig_name varchar(255) NOT NULL,
    mig_description text,
    mig_type varchar(50) NOT NULL,
    mig_start_date date,
    mig_end_date date,
    mig_business_cutover_date date,
    mig_status integer NOT NULL,
    created_by varchar(255) DEFAULT 'system',
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_by varchar(255) DEFAULT 'system',
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    -- addition: D0.3, the entity type that the status has to belong to
    mig_status_type varchar(20) NOT NULL GENERATED ALWAYS AS ('Migration') STORED,
    CONSTRAINT pk_migrations_mig PRIMARY KEY (mig_id)
);

COMMENT ON TABLE cutover.migrations_mig IS
    'Whole undertakings that move systems or data; the top of the hierarchy.';
COMMENT ON COLUMN cutover.migrations_mig.mig_id IS
    'Identity of the migration.';
COMMENT ON COLUMN cutover.migrations_mig.usr_id_owner IS
    'Person accountable for the migration; points at users_usr.';
COMMENT ON COLUMN cutover.migrations_mig.mig_name IS
    'Title of the undertaking.';
COMMENT ON COLUMN cutover.migrations_mig.mig_description IS
    'Purpose and scope in free text.';
COMMENT ON COLUMN cutover.migrations_mig.mig_type IS
    'Category in free text; the model fixes no list.';
COMMENT ON COLUMN cutover.migrations_mig.mig_start_date IS
    'First planned day.';
COMMENT ON COLUMN cutover.migrations_mig.mig_end_date IS
    'Last planned day.';
COMMENT ON COLUMN cutover.migrations_mig.mig_business_cutover_date IS
    'Day on which the business is to switch over.';
COMMENT ON COLUMN cutover.migrations_mig.mig_status IS
    'Where the migration stands; points at a status_sts row of type Migration.';
COMMENT ON COLUMN cutover.migrations_mig.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row.';
COMMENT ON COLUMN cutover.migrations_mig.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.migrations_mig.updated_by IS
    'Three-letter code of the user, or the name of the program, behind the last change; set by the caller.';
COMMENT ON COLUMN cutover.migrations_mig.updated_at IS
    'Moment of the last change; stamped by the update trigger.';
COMMENT ON COLUMN cutover.migrations_mig.mig_status_type IS
    'Constant Migration; with mig_status it points at status_sts (sts_id, sts_type), so other types are refused.';

CREATE TABLE cutover.iterations_ite (
    ite_id uuid NOT NULL DEFAULT gen_random_uuid(),
    mig_id uuid NOT NULL,
    plm_id uuid,
    itt_code varchar(10) NOT NULL,
    ite_name varchar(255) NOT NULL,
    ite_description text,
    ite_start_date date,
    ite_end_date date,
    ite_status integer NOT NULL,
    created_by varchar(255) DEFAULT 'system',
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_by varchar(255) DEFAULT 'system',
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    -- addition: D0.3, the entity type that the status has to belong to
    ite_status_type varchar(20) NOT NULL GENERATED ALWAYS AS ('Iteration') STORED,
    CONSTRAINT pk_iterations_ite PRIMARY KEY (ite_id)
);

COMMENT ON TABLE cutover.iterations_ite IS
    'Runs through a migration: rehearsals and the real cutover, each in its own time window.';
COMMENT ON COLUMN cutover.iterations_ite.ite_id IS
    'Identity of the iteration.';
COMMENT ON COLUMN cutover.iterations_ite.mig_id IS
    'Migration that the iteration belongs to; points at migrations_mig.';
COMMENT ON COLUMN cutover.iterations_ite.plm_id IS
    'Master plan to be carried out, if already chosen; points at plans_master_plm.';
COMMENT ON COLUMN cutover.iterations_ite.itt_code IS
    'Kind of iteration; points at iteration_types_itt.';
COMMENT ON COLUMN cutover.iterations_ite.ite_name IS
    'Title of the iteration.';
COMMENT ON COLUMN cutover.iterations_ite.ite_description IS
    'Aim of the iteration in free text.';
COMMENT ON COLUMN cutover.iterations_ite.ite_start_date IS
    'First day of the time window.';
COMMENT ON COLUMN cutover.iterations_ite.ite_end_date IS
    'Last day of the time window.';
COMMENT ON COLUMN cutover.iterations_ite.ite_status IS
    'Where the iteration stands; points at a status_sts row of type Iteration.';
COMMENT ON COLUMN cutover.iterations_ite.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row.';
COMMENT ON COLUMN cutover.iterations_ite.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.iterations_ite.updated_by IS
    'Three-letter code of the user, or the name of the program, behind the last change; set by the caller.';
COMMENT ON COLUMN cutover.iterations_ite.updated_at IS
    'Moment of the last change; stamped by the update trigger.';
COMMENT ON COLUMN cutover.iterations_ite.ite_status_type IS
    'Constant Iteration; with ite_status it points at status_sts (sts_id, sts_type), so other types are refused.';

CREATE SEQUENCE cutover.applications_app_app_id_seq AS integer;

CREATE TABLE cutover.applications_app (
    app_id integer NOT NULL DEFAULT nextval('cutover.applications_app_app_id_seq'::regclass),
    app_code varchar(50) NOT NULL,
    app_name varchar(64),
    app_description text,
    created_by varchar(255) DEFAULT 'system',
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_by varchar(255) DEFAULT 'system',
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT pk_applications_app PRIMARY KEY (app_id),
    CONSTRAINT applications_app_app_code_key UNIQUE (app_code)
);

COMMENT ON TABLE cutover.applications_app IS
    'Software systems that migrations touch.';
COMMENT ON COLUMN cutover.applications_app.app_id IS
    'Number of the application, assigned by default.';
COMMENT ON COLUMN cutover.applications_app.app_code IS
    'Short key of the application in the company inventory.';
COMMENT ON COLUMN cutover.applications_app.app_name IS
    'Readable name.';
COMMENT ON COLUMN cutover.applications_app.app_description IS
    'What the application does.';
COMMENT ON COLUMN cutover.applications_app.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row.';
COMMENT ON COLUMN cutover.applications_app.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.applications_app.updated_by IS
    'Three-letter code of the user, or the name of the program, behind the last change; set by the caller.';
COMMENT ON COLUMN cutover.applications_app.updated_at IS
    'Moment of the last change; stamped by the update trigger.';

CREATE SEQUENCE cutover.environments_env_env_id_seq AS integer;

CREATE TABLE cutover.environments_env (
    env_id integer NOT NULL DEFAULT nextval('cutover.environments_env_env_id_seq'::regclass),
    env_code varchar(10),
    env_name varchar(64),
    env_description text,
    created_by varchar(255) DEFAULT 'system',
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_by varchar(255) DEFAULT 'system',
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT pk_environments_env PRIMARY KEY (env_id),
    CONSTRAINT environments_env_env_code_key UNIQUE (env_code)
);

COMMENT ON TABLE cutover.environments_env IS
    'Technical landscapes in which applications run and iterations are held.';
COMMENT ON COLUMN cutover.environments_env.env_id IS
    'Number of the environment, assigned by default.';
COMMENT ON COLUMN cutover.environments_env.env_code IS
    'Short key of the environment.';
COMMENT ON COLUMN cutover.environments_env.env_name IS
    'Readable name.';
COMMENT ON COLUMN cutover.environments_env.env_description IS
    'Purpose and particularities of the environment.';
COMMENT ON COLUMN cutover.environments_env.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row.';
COMMENT ON COLUMN cutover.environments_env.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.environments_env.updated_by IS
    'Three-letter code of the user, or the name of the program, behind the last change; set by the caller.';
COMMENT ON COLUMN cutover.environments_env.updated_at IS
    'Moment of the last change; stamped by the update trigger.';
