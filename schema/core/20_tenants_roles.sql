-- Tenants, and what a user may do: roles, permissions and the link between them.
-- canon-ignore-file L14: nullability is that of the source (D3.5)

-- D3.5: defaults for id and timestamps; the value list is a CHECK.
CREATE TABLE core.tenants (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    name varchar(255) NOT NULL,
    slug varchar(255) NOT NULL,
    logo_url varchar(255),
    settings text,  -- D3.6: stays text; checked to be JSON in 90_canon.sql
    status varchar(255) DEFAULT 'TRIAL',  -- addition: D3.5 initial state
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT pk_tenants PRIMARY KEY (id),
    CONSTRAINT uq_tenants_name UNIQUE (name),
    CONSTRAINT uq_tenants_slug UNIQUE (slug),
    CONSTRAINT ck_tenants_status CHECK (status IN ('ACTIVE', 'SUSPENDED', 'TRIAL', 'CANCELLED'))
);

COMMENT ON TABLE core.tenants IS 'Customer organisations; every other tenant-owned row hangs below one of them.';
COMMENT ON COLUMN core.tenants.id IS 'Key of the tenant, made by the server unless given.';
COMMENT ON COLUMN core.tenants.name IS 'Display name of the organisation, unique over all tenants.';
COMMENT ON COLUMN core.tenants.slug IS 'Short form of the name for addresses, unique over all tenants.';
COMMENT ON COLUMN core.tenants.logo_url IS 'Address of the logo image, if there is one.';
COMMENT ON COLUMN core.tenants.settings IS 'Preferences of the tenant as a JSON document in text form.';
COMMENT ON COLUMN core.tenants.status IS 'Subscription state: TRIAL at first, then ACTIVE, SUSPENDED or CANCELLED.';
COMMENT ON COLUMN core.tenants.created_at IS 'When the row was made.';
COMMENT ON COLUMN core.tenants.updated_at IS 'When the row last changed; stamped by a trigger.';

-- D3.5: defaults for id, created_at and is_system_role; both value lists are CHECKs.
CREATE TABLE core.roles (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid,
    code varchar(255) NOT NULL,
    name varchar(255) NOT NULL,
    description varchar(255),
    category varchar(255) NOT NULL,
    level varchar(255) NOT NULL,
    is_system_role boolean DEFAULT false,  -- addition: D3.5 default
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT pk_roles PRIMARY KEY (id),
    -- D3.3: a plain UNIQUE would let the same system role (tenant_id NULL) in twice
    CONSTRAINT uq_roles_tenant_id_code UNIQUE NULLS NOT DISTINCT (tenant_id, code),
    CONSTRAINT ck_roles_category CHECK (category IN (
        'SYSTEM', 'EXECUTIVE', 'PRODUCT', 'ENGINEERING', 'UX', 'QA', 'DATA', 'BUSINESS', 'STAKEHOLDER', 'CUSTOM'
    )),
    CONSTRAINT ck_roles_level CHECK (level IN (
        'L1_INDIVIDUAL', 'L2_SENIOR', 'L3_LEAD', 'L4_MANAGER', 'L5_SENIOR_MANAGER', 'L6_VP', 'L7_SVP', 'L8_CXXX',
        'L9_OWNER'
    ))
);

COMMENT ON TABLE core.roles IS 'Named sets of permissions: system roles for every tenant, or roles of one tenant.';
COMMENT ON COLUMN core.roles.id IS 'Key of the role, made by the server unless given.';
COMMENT ON COLUMN core.roles.tenant_id IS
    'Tenant that owns the role (core.tenants.id); NULL marks a system role. Fixed once set.';
COMMENT ON COLUMN core.roles.code IS 'Name used by programs, unique within the tenant and among system roles.';
COMMENT ON COLUMN core.roles.name IS 'Name shown to people.';
COMMENT ON COLUMN core.roles.description IS 'What holders of the role are there for.';
COMMENT ON COLUMN core.roles.category IS 'Field of work the role belongs to, one of ten values.';
COMMENT ON COLUMN core.roles.level IS 'Seniority, from L1_INDIVIDUAL up to L9_OWNER.';
COMMENT ON COLUMN core.roles.is_system_role IS
    'True where the role ships with the product and tenants must not edit it.';
COMMENT ON COLUMN core.roles.created_at IS 'When the row was made.';

-- D3.5: default for id.
-- canon-ignore L11: the columns are those of the source
CREATE TABLE core.permissions (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    code varchar(255) NOT NULL,
    name varchar(255) NOT NULL,
    description varchar(255),
    category varchar(255) NOT NULL,
    CONSTRAINT pk_permissions PRIMARY KEY (id),
    CONSTRAINT uq_permissions_code UNIQUE (code)
);

COMMENT ON TABLE core.permissions IS 'Catalogue of single rights, the same for all tenants.';
COMMENT ON COLUMN core.permissions.id IS 'Key of the permission, made by the server unless given.';
COMMENT ON COLUMN core.permissions.code IS 'Name that programs test for, unique.';
COMMENT ON COLUMN core.permissions.name IS 'Name shown to people.';
COMMENT ON COLUMN core.permissions.description IS 'What the right allows.';
COMMENT ON COLUMN core.permissions.category IS 'Heading under which the right is listed; free text.';

-- canon-ignore L19: the parent row has the tenant, and triggers compare it (D3.2)
CREATE TABLE core.role_permissions (
    role_id uuid NOT NULL,
    permission_id uuid NOT NULL,
    CONSTRAINT pk_role_permissions PRIMARY KEY (role_id, permission_id)
);

COMMENT ON TABLE core.role_permissions IS 'Which role carries which permission.';
COMMENT ON COLUMN core.role_permissions.role_id IS 'The role (core.roles.id).';
COMMENT ON COLUMN core.role_permissions.permission_id IS 'The right it carries (core.permissions.id).';
