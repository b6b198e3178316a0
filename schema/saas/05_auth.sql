-- D4.2: a stand-in for the login schema the source takes for granted.
--
-- Loaded only where no schema auth exists. The rest of the pack relies on auth.users (id) alone, so the auth schema
-- of a hosting platform serves as well. Who calls is read from settings that a gateway makes for each transaction.

CREATE SCHEMA auth;
COMMENT ON SCHEMA auth IS 'Logins, and who the present request comes from; a stand-in for a login service.';

-- canon-ignore L26: each pack is a schema of its own, and every name in it is qualified
CREATE TABLE auth.users (
    id         uuid NOT NULL DEFAULT gen_random_uuid(),
    email      text,
    role       text NOT NULL DEFAULT 'authenticated',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_users PRIMARY KEY (id),
    CONSTRAINT uq_users_email UNIQUE (email)
);
COMMENT ON TABLE auth.users IS 'A login; what the application knows about the person is in saas.profiles.';
COMMENT ON COLUMN auth.users.id IS 'Key of the login; the sub claim of its tokens.';
COMMENT ON COLUMN auth.users.email IS 'Mail address used to sign in; NULL for logins without one.';
COMMENT ON COLUMN auth.users.role IS 'Database-side role of the login; not the application role in saas.profiles.role.';
COMMENT ON COLUMN auth.users.created_at IS 'When the login was made.';
COMMENT ON COLUMN auth.users.updated_at IS 'Last change of the row; kept by a trigger.';

CREATE FUNCTION auth.jwt() RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
        SELECT nullif(current_setting('request.jwt.claims', true), '')::jsonb
    $$;
COMMENT ON FUNCTION auth.jwt() IS
    'Claims of the token of the present request (setting request.jwt.claims); NULL without.';

CREATE FUNCTION auth.uid() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
        SELECT coalesce(
            nullif(auth.jwt() ->> 'sub', ''),
            nullif(current_setting('request.jwt.claim.sub', true), '')
        )::uuid
    $$;
COMMENT ON FUNCTION auth.uid() IS
    'Login the request comes from: claim sub, else setting request.jwt.claim.sub; else NULL.';

CREATE FUNCTION auth.role() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
        SELECT coalesce(
            nullif(auth.jwt() ->> 'role', ''),
            nullif(current_setting('request.jwt.claim.role', true), '')
        )
    $$;
COMMENT ON FUNCTION auth.role() IS
    'Role the request claims: claim role, else setting request.jwt.claim.role; else NULL.';
