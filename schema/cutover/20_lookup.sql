-- Lookup tables: statuses, step types, iteration types, roles of people and of environments.
-- canon-ignore-file L11: the columns are those of the source (D0.8)
-- canon-ignore-file L14: nullability is that of the source (D0.15)

CREATE SEQUENCE cutover.status_sts_sts_id_seq AS integer;

-- D0.8: this table carries two pairs of timestamps and shorter user codes than the others; both stay as they are.
-- D0.6: the index idx_status_sts_name is left out, see 60_indexes.sql.
CREATE TABLE cutover.status_sts (
    sts_id integer NOT NULL DEFAULT nextval('cutover.status_sts_sts_id_seq'::regclass),
    sts_name varchar(50) NOT NULL,
    sts_color varchar(7) NOT NULL,
    sts_type varchar(20) NOT NULL,
    -- canon-ignore L12: the source has both; one trigger stamps them together (D0.8)
    created_date timestamptz DEFAULT CURRENT_TIMESTAMP,
    -- canon-ignore L12: the source has both; one trigger stamps them together (D0.8)
    updated_date timestamptz DEFAULT CURRENT_TIMESTAMP,
    created_by varchar(100) DEFAULT 'system',
    updated_by varchar(100) DEFAULT 'system',
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT pk_status_sts PRIMARY KEY (sts_id),
    CONSTRAINT uq_status_sts_name_type UNIQUE (sts_name, sts_type),
    -- addition: D0.3, target of the foreign keys that check the entity type
    CONSTRAINT uq_status_sts_sts_id_sts_type UNIQUE (sts_id, sts_type),
    CONSTRAINT ck_status_sts_sts_color CHECK (sts_color ~ '^#[0-9A-Fa-f]{6}$'),
    CONSTRAINT ck_status_sts_sts_type CHECK (
        sts_type IN ('Migration', 'Iteration', 'Plan', 'Sequence', 'Phase', 'Step', 'Control')
    )
);

COMMENT ON TABLE cutover.status_sts IS
    'Every status an entity can be in, with its display colour; each status belongs to exactly one entity type.';
COMMENT ON COLUMN cutover.status_sts.sts_id IS
    'Number of the status; 1 to 31 are the fixed rows of this pack, higher ones are free for local use.';
COMMENT ON COLUMN cutover.status_sts.sts_name IS
    'Upper-case word such as PLANNING or BLOCKED; may repeat across entity types.';
COMMENT ON COLUMN cutover.status_sts.sts_color IS
    'Display colour: a hash sign and six hexadecimal digits.';
COMMENT ON COLUMN cutover.status_sts.sts_type IS
    'Kind of entity that may take the status, one of seven words from Migration down to Control.';
COMMENT ON COLUMN cutover.status_sts.created_date IS
    'Older twin of created_at; filled by default, not read by this pack.';
COMMENT ON COLUMN cutover.status_sts.updated_date IS
    'Older twin of updated_at; stamped together with it by the update trigger.';
COMMENT ON COLUMN cutover.status_sts.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row.';
COMMENT ON COLUMN cutover.status_sts.updated_by IS
    'Three-letter code of the user, or the name of the program, behind the last change; set by the caller.';
COMMENT ON COLUMN cutover.status_sts.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.status_sts.updated_at IS
    'Moment of the last change and the pair to rely on; stamped by the update trigger.';

CREATE TABLE cutover.step_types_stt (
    stt_code varchar(3) NOT NULL,
    stt_name varchar(50) NOT NULL,
    stt_description text,
    created_by varchar(255) DEFAULT 'system',
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_by varchar(255) DEFAULT 'system',
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT pk_step_types_stt PRIMARY KEY (stt_code)
);

COMMENT ON TABLE cutover.step_types_stt IS
    'Kinds of work a step can be, such as a technical check or a business decision.';
COMMENT ON COLUMN cutover.step_types_stt.stt_code IS
    'Three upper-case letters that identify the kind, for example CHK.';
COMMENT ON COLUMN cutover.step_types_stt.stt_name IS
    'Readable label of the kind.';
COMMENT ON COLUMN cutover.step_types_stt.stt_description IS
    'What steps of this kind have in common.';
COMMENT ON COLUMN cutover.step_types_stt.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row.';
COMMENT ON COLUMN cutover.step_types_stt.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.step_types_stt.updated_by IS
    'Three-letter code of the user, or the name of the program, behind the last change; set by the caller.';
COMMENT ON COLUMN cutover.step_types_stt.updated_at IS
    'Moment of the last change; stamped by the update trigger.';

CREATE TABLE cutover.iteration_types_itt (
    itt_code varchar(10) NOT NULL,
    itt_name varchar(100) NOT NULL,
    itt_description text,
    created_by varchar(255) DEFAULT 'system',
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_by varchar(255) DEFAULT 'system',
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT pk_iteration_types_itt PRIMARY KEY (itt_code)
);

COMMENT ON TABLE cutover.iteration_types_itt IS
    'Kinds of iterations: rehearsals and the real cutover.';
COMMENT ON COLUMN cutover.iteration_types_itt.itt_code IS
    'Upper-case word that identifies the kind, for example CUTOVER.';
COMMENT ON COLUMN cutover.iteration_types_itt.itt_name IS
    'Readable label of the kind.';
COMMENT ON COLUMN cutover.iteration_types_itt.itt_description IS
    'When an iteration of this kind is held and what it proves.';
COMMENT ON COLUMN cutover.iteration_types_itt.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row.';
COMMENT ON COLUMN cutover.iteration_types_itt.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.iteration_types_itt.updated_by IS
    'Three-letter code of the user, or the name of the program, behind the last change; set by the caller.';
COMMENT ON COLUMN cutover.iteration_types_itt.updated_at IS
    'Moment of the last change; stamped by the update trigger.';

CREATE SEQUENCE cutover.roles_rls_rls_id_seq AS integer;

CREATE TABLE cutover.roles_rls (
    rls_id integer NOT NULL DEFAULT nextval('cutover.roles_rls_rls_id_seq'::regclass),
    rls_code varchar(10),
    rls_description text,
    created_by varchar(255) DEFAULT 'system',
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_by varchar(255) DEFAULT 'system',
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT pk_roles_rls PRIMARY KEY (rls_id),
    CONSTRAINT roles_rls_rls_code_key UNIQUE (rls_code)
);

COMMENT ON TABLE cutover.roles_rls IS
    'Permission levels of people who use the runbooks.';
COMMENT ON COLUMN cutover.roles_rls.rls_id IS
    'Number of the role; 1 to 3 are fixed rows of this pack.';
COMMENT ON COLUMN cutover.roles_rls.rls_code IS
    'Upper-case word such as PILOT that programs compare against.';
COMMENT ON COLUMN cutover.roles_rls.rls_description IS
    'What holders of the role may do.';
COMMENT ON COLUMN cutover.roles_rls.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row.';
COMMENT ON COLUMN cutover.roles_rls.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.roles_rls.updated_by IS
    'Three-letter code of the user, or the name of the program, behind the last change; set by the caller.';
COMMENT ON COLUMN cutover.roles_rls.updated_at IS
    'Moment of the last change; stamped by the update trigger.';

CREATE SEQUENCE cutover.environment_roles_enr_enr_id_seq AS integer;

CREATE TABLE cutover.environment_roles_enr (
    enr_id integer NOT NULL DEFAULT nextval('cutover.environment_roles_enr_enr_id_seq'::regclass),
    enr_name varchar(50) NOT NULL,
    enr_description text,
    created_by varchar(255) DEFAULT 'system',
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_by varchar(255) DEFAULT 'system',
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT pk_environment_roles_enr PRIMARY KEY (enr_id),
    CONSTRAINT environment_roles_enr_enr_name_key UNIQUE (enr_name)
);

COMMENT ON TABLE cutover.environment_roles_enr IS
    'Parts an environment can play within an iteration, such as production or backup.';
COMMENT ON COLUMN cutover.environment_roles_enr.enr_id IS
    'Number of the part; 1 to 3 are fixed rows of this pack.';
COMMENT ON COLUMN cutover.environment_roles_enr.enr_name IS
    'Upper-case word such as PROD.';
COMMENT ON COLUMN cutover.environment_roles_enr.enr_description IS
    'What the environment is used for when it plays this part.';
COMMENT ON COLUMN cutover.environment_roles_enr.created_by IS
    'Three-letter code of the user, or the name of the program, that inserted the row.';
COMMENT ON COLUMN cutover.environment_roles_enr.created_at IS
    'Moment of insertion; filled by default.';
COMMENT ON COLUMN cutover.environment_roles_enr.updated_by IS
    'Three-letter code of the user, or the name of the program, behind the last change; set by the caller.';
COMMENT ON COLUMN cutover.environment_roles_enr.updated_at IS
    'Moment of the last change; stamped by the update trigger.';
