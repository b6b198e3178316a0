-- Users, teams and who is in which team.
-- canon-ignore-file L14: nullability is that of the source (D3.5)

-- D3.5: defaults for id, timestamps and is_active.
-- canon-ignore L26: each pack is a schema of its own, and every name in it is qualified
CREATE TABLE core.users (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL,
    email varchar(255) NOT NULL,
    password_hash varchar(255) NOT NULL,  -- D3.4: the pack loads no hash; the published example does not verify
    first_name varchar(255) NOT NULL,
    last_name varchar(255) NOT NULL,
    title varchar(255),
    department varchar(255),
    avatar_url varchar(255),
    role_id uuid NOT NULL,  -- D3.2: no composite key, a system role has no tenant; see core.check_user_role_tenant()
    manager_id uuid,
    is_active boolean DEFAULT true,  -- addition: D3.5 default
    last_login_at timestamptz,
    refresh_token varchar(255),
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT pk_users PRIMARY KEY (id),
    CONSTRAINT uq_users_tenant_id_email UNIQUE (tenant_id, email),
    -- addition: D3.2 target of the composite keys
    CONSTRAINT uq_users_tenant_id_id UNIQUE (tenant_id, id)
);

COMMENT ON TABLE core.users IS 'Accounts; each belongs to one tenant and holds one role.';
COMMENT ON COLUMN core.users.id IS 'Key of the user, made by the server unless given.';
COMMENT ON COLUMN core.users.tenant_id IS 'Tenant the account belongs to (core.tenants.id). Fixed once set.';
COMMENT ON COLUMN core.users.email IS 'Address used to sign in, unique within the tenant and compared as written.';
COMMENT ON COLUMN core.users.password_hash IS 'Salted one-way hash made by the application; never the password itself.';
COMMENT ON COLUMN core.users.first_name IS 'Given name.';
COMMENT ON COLUMN core.users.last_name IS 'Family name.';
COMMENT ON COLUMN core.users.title IS 'Job title.';
COMMENT ON COLUMN core.users.department IS 'Organisational unit, free text.';
COMMENT ON COLUMN core.users.avatar_url IS 'Address of the picture, if there is one.';
COMMENT ON COLUMN core.users.role_id IS 'Role held (core.roles.id): a system role or one of the same tenant.';
COMMENT ON COLUMN core.users.manager_id IS 'Direct superior (core.users.id), in the same tenant.';
COMMENT ON COLUMN core.users.is_active IS 'False once the account is closed; the row stays for the links to it.';
COMMENT ON COLUMN core.users.last_login_at IS 'Latest successful sign-in, set by the application.';
COMMENT ON COLUMN core.users.refresh_token IS
    'Token of the current session, set and cleared by the application; a secret.';
COMMENT ON COLUMN core.users.created_at IS 'When the row was made.';
COMMENT ON COLUMN core.users.updated_at IS 'When the row last changed; stamped by a trigger.';

-- D3.5: defaults for id, timestamps and is_active.
CREATE TABLE core.teams (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL,
    name varchar(255) NOT NULL,
    slug varchar(255) NOT NULL,
    description varchar(255),
    icon_url varchar(255),
    color varchar(255),
    lead_id uuid,
    is_active boolean DEFAULT true,  -- addition: D3.5 default
    settings text,  -- D3.6: stays text; checked to be JSON in 90_canon.sql
    created_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT pk_teams PRIMARY KEY (id),
    CONSTRAINT uq_teams_tenant_id_slug UNIQUE (tenant_id, slug),
    -- addition: D3.2 target of the composite keys
    CONSTRAINT uq_teams_tenant_id_id UNIQUE (tenant_id, id)
);

COMMENT ON TABLE core.teams IS 'Groups of users within a tenant.';
COMMENT ON COLUMN core.teams.id IS 'Key of the team, made by the server unless given.';
COMMENT ON COLUMN core.teams.tenant_id IS 'Tenant the team belongs to (core.tenants.id). Fixed once set.';
COMMENT ON COLUMN core.teams.name IS 'Name shown to people.';
COMMENT ON COLUMN core.teams.slug IS 'Short form of the name for addresses, unique within the tenant.';
COMMENT ON COLUMN core.teams.description IS 'What the team is for.';
COMMENT ON COLUMN core.teams.icon_url IS 'Address of the icon image, if there is one.';
COMMENT ON COLUMN core.teams.color IS 'Colour in which the team is drawn; the form is left to the application.';
COMMENT ON COLUMN core.teams.lead_id IS 'User who leads the team (core.users.id), in the same tenant.';
COMMENT ON COLUMN core.teams.is_active IS 'False once the team is dissolved.';
COMMENT ON COLUMN core.teams.settings IS 'Preferences of the team as a JSON document in text form.';
COMMENT ON COLUMN core.teams.created_at IS 'When the row was made.';
COMMENT ON COLUMN core.teams.updated_at IS 'When the row last changed; stamped by a trigger.';

-- D3.5: defaults for id and joined_at; the value list is a CHECK.
-- D3.2: no tenant column here, so core.check_team_member_tenant() keeps the three links in one tenant.
-- canon-ignore L11: the columns are those of the source
-- canon-ignore L19: the parent row has the tenant, and triggers compare it (D3.2)
CREATE TABLE core.team_members (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    team_id uuid NOT NULL,
    user_id uuid NOT NULL,
    team_role varchar(255) NOT NULL,
    joined_at timestamptz DEFAULT CURRENT_TIMESTAMP,
    added_by_id uuid,
    CONSTRAINT pk_team_members PRIMARY KEY (id),
    CONSTRAINT uq_team_members_team_id_user_id UNIQUE (team_id, user_id),
    CONSTRAINT ck_team_members_team_role CHECK (team_role IN ('LEAD', 'MEMBER', 'OBSERVER'))
);

COMMENT ON TABLE core.team_members IS 'Membership of a user in a team, at most once per pair.';
COMMENT ON COLUMN core.team_members.id IS 'Key of the membership, made by the server unless given.';
COMMENT ON COLUMN core.team_members.team_id IS 'The team (core.teams.id).';
COMMENT ON COLUMN core.team_members.user_id IS 'The member (core.users.id), of the tenant of the team.';
COMMENT ON COLUMN core.team_members.team_role IS 'Part played in the team: LEAD, MEMBER or OBSERVER.';
COMMENT ON COLUMN core.team_members.joined_at IS 'When the membership began.';
COMMENT ON COLUMN core.team_members.added_by_id IS
    'User who added the member (core.users.id), of the tenant of the team.';
