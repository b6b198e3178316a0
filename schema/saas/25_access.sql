-- Sign-in, second factor, devices, and access by address or country.
--
-- D4.14: addresses stay text as in the source; every such column has a check that casts the value to inet.
-- canon-ignore-file L14: nullability is that of the source, see DEVIATIONS.md

CREATE TABLE saas.user_2fa_settings (
    id                     uuid NOT NULL DEFAULT gen_random_uuid(),  -- D4.7: default added
    user_id                uuid NOT NULL,
    is_enabled             boolean NOT NULL DEFAULT false,
    method                 text NOT NULL DEFAULT 'totp',
    secret                 text,
    backup_codes           text[],
    backup_codes_remaining integer DEFAULT 0,
    last_verified_at       timestamptz,
    enforced_by_policy     boolean DEFAULT false,
    created_at             timestamptz NOT NULL DEFAULT now(),
    updated_at             timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_user_2fa_settings PRIMARY KEY (id),
    CONSTRAINT ck_user_2fa_settings_method CHECK (method IN ('totp', 'sms', 'email', 'authenticator_app'))
);
COMMENT ON TABLE saas.user_2fa_settings IS 'Second factor of a login.';
COMMENT ON COLUMN saas.user_2fa_settings.id IS 'Key of the settings row.';
COMMENT ON COLUMN saas.user_2fa_settings.user_id IS 'Points at auth.users.id: the login protected.';
COMMENT ON COLUMN saas.user_2fa_settings.is_enabled IS 'Whether the second factor is asked for.';
COMMENT ON COLUMN saas.user_2fa_settings.method IS
    'How the code reaches the person: totp, sms, email or authenticator_app.';
COMMENT ON COLUMN saas.user_2fa_settings.secret IS 'Shared secret of the generator; store it encrypted.';
COMMENT ON COLUMN saas.user_2fa_settings.backup_codes IS 'One-time codes for emergencies; store hashes only.';
COMMENT ON COLUMN saas.user_2fa_settings.backup_codes_remaining IS 'Emergency codes not used yet.';
COMMENT ON COLUMN saas.user_2fa_settings.last_verified_at IS 'When a code was last accepted.';
COMMENT ON COLUMN saas.user_2fa_settings.enforced_by_policy IS 'Whether a policy forbids switching it off.';
COMMENT ON COLUMN saas.user_2fa_settings.created_at IS 'When the settings were made.';
COMMENT ON COLUMN saas.user_2fa_settings.updated_at IS 'Last change of the row; kept by a trigger.';

CREATE TABLE saas.user_2fa_attempts (
    id           bigserial NOT NULL,
    user_id      uuid NOT NULL,
    attempt_type text NOT NULL,
    success      boolean NOT NULL,
    ip_address   text,
    user_agent   text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_user_2fa_attempts PRIMARY KEY (id),
    -- D4.14: refused unless it reads as inet
    CONSTRAINT ck_user_2fa_attempts_ip_address CHECK (ip_address IS NULL OR ip_address::inet IS NOT NULL)
);
COMMENT ON TABLE saas.user_2fa_attempts IS 'One try to pass the second factor.';
COMMENT ON COLUMN saas.user_2fa_attempts.id IS 'Key of the try, from a sequence.';
COMMENT ON COLUMN saas.user_2fa_attempts.user_id IS 'Points at auth.users.id: the login tried.';
COMMENT ON COLUMN saas.user_2fa_attempts.attempt_type IS 'What the code was for; an open list.';
COMMENT ON COLUMN saas.user_2fa_attempts.success IS 'Whether the code was accepted.';
COMMENT ON COLUMN saas.user_2fa_attempts.ip_address IS 'Address the try came from; must read as inet.';
COMMENT ON COLUMN saas.user_2fa_attempts.user_agent IS 'Client program as it named itself.';
COMMENT ON COLUMN saas.user_2fa_attempts.created_at IS 'When the try was made.';

CREATE TABLE saas.login_attempts (
    id                 bigserial NOT NULL,
    user_id            uuid,
    email              text NOT NULL,
    success            boolean NOT NULL,
    failure_reason     text,
    ip_address         text,
    user_agent         text,
    device_fingerprint text,
    location           jsonb,
    created_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_login_attempts PRIMARY KEY (id),
    -- D4.14: refused unless it reads as inet
    CONSTRAINT ck_login_attempts_ip_address CHECK (ip_address IS NULL OR ip_address::inet IS NOT NULL)
);
COMMENT ON TABLE saas.login_attempts IS 'One try to sign in.';
COMMENT ON COLUMN saas.login_attempts.id IS 'Key of the try, from a sequence.';
COMMENT ON COLUMN saas.login_attempts.user_id IS
    'Points at auth.users.id: the login tried; NULL where the address is unknown.';
COMMENT ON COLUMN saas.login_attempts.email IS 'Mail address entered.';
COMMENT ON COLUMN saas.login_attempts.success IS 'Whether the person got in.';
COMMENT ON COLUMN saas.login_attempts.failure_reason IS 'Why not.';
COMMENT ON COLUMN saas.login_attempts.ip_address IS 'Address the try came from; must read as inet.';
COMMENT ON COLUMN saas.login_attempts.user_agent IS 'Client program as it named itself.';
COMMENT ON COLUMN saas.login_attempts.device_fingerprint IS
    'Fingerprint of the device, comparable with trusted_devices.';
COMMENT ON COLUMN saas.login_attempts.location IS 'Where the address is thought to be, as an object.';
COMMENT ON COLUMN saas.login_attempts.created_at IS 'When the try was made.';

CREATE TABLE saas.trusted_devices (
    id                 uuid NOT NULL DEFAULT gen_random_uuid(),  -- D4.7: default added
    user_id            uuid NOT NULL,
    device_fingerprint text NOT NULL,
    device_name        text,
    device_type        text,
    browser            text,
    os                 text,
    ip_address         text,
    last_used_at       timestamptz NOT NULL DEFAULT now(),
    trusted_at         timestamptz NOT NULL DEFAULT now(),
    expires_at         timestamptz,
    is_active          boolean NOT NULL DEFAULT true,
    created_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_trusted_devices PRIMARY KEY (id),
    CONSTRAINT uq_trusted_devices_user_id_device_fingerprint UNIQUE (user_id, device_fingerprint),
    -- D4.14: refused unless it reads as inet
    CONSTRAINT ck_trusted_devices_ip_address CHECK (ip_address IS NULL OR ip_address::inet IS NOT NULL)
);
COMMENT ON TABLE saas.trusted_devices IS 'A device a person has marked as their own.';
COMMENT ON COLUMN saas.trusted_devices.id IS 'Key of the device.';
COMMENT ON COLUMN saas.trusted_devices.user_id IS 'Points at auth.users.id: the owner.';
COMMENT ON COLUMN saas.trusted_devices.device_fingerprint IS
    'Value by which the device is recognised; unique for its owner.';
COMMENT ON COLUMN saas.trusted_devices.device_name IS 'Name given by the owner.';
COMMENT ON COLUMN saas.trusted_devices.device_type IS 'Kind of device, such as phone or laptop; an open list.';
COMMENT ON COLUMN saas.trusted_devices.browser IS 'Browser seen when it was marked.';
COMMENT ON COLUMN saas.trusted_devices.os IS 'Operating system seen when it was marked.';
COMMENT ON COLUMN saas.trusted_devices.ip_address IS 'Address seen when it was marked; must read as inet.';
COMMENT ON COLUMN saas.trusted_devices.last_used_at IS 'When it was last used to sign in.';
COMMENT ON COLUMN saas.trusted_devices.trusted_at IS 'When the owner marked it.';
COMMENT ON COLUMN saas.trusted_devices.expires_at IS 'When trust ends; NULL means it does not.';
COMMENT ON COLUMN saas.trusted_devices.is_active IS 'Whether the trust holds; false once withdrawn.';
COMMENT ON COLUMN saas.trusted_devices.created_at IS 'When the row was written.';

CREATE TABLE saas.ip_access_log (
    id                bigserial NOT NULL,
    organization_id   uuid,
    user_id           uuid,
    ip_address        text NOT NULL,
    access_granted    boolean NOT NULL,
    denial_reason     text,
    endpoint          text,
    method            text,
    user_agent        text,
    location          jsonb,
    whitelist_rule_id uuid,
    created_at        timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_ip_access_log PRIMARY KEY (id),
    -- D4.14: refused unless it reads as inet
    CONSTRAINT ck_ip_access_log_ip_address CHECK (ip_address::inet IS NOT NULL)
);
COMMENT ON TABLE saas.ip_access_log IS 'One access decided by address: let in or turned away.';
COMMENT ON COLUMN saas.ip_access_log.id IS 'Key of the access, from a sequence.';
COMMENT ON COLUMN saas.ip_access_log.organization_id IS
    'Points at organizations.id: the tenant asked for; NULL for the platform.';
COMMENT ON COLUMN saas.ip_access_log.user_id IS 'Points at auth.users.id: the login, where one was known.';
COMMENT ON COLUMN saas.ip_access_log.ip_address IS 'Address the access came from; must read as inet.';
COMMENT ON COLUMN saas.ip_access_log.access_granted IS 'Whether it was let in.';
COMMENT ON COLUMN saas.ip_access_log.denial_reason IS 'Why it was turned away.';
COMMENT ON COLUMN saas.ip_access_log.endpoint IS 'Path asked for.';
COMMENT ON COLUMN saas.ip_access_log.method IS 'HTTP method.';
COMMENT ON COLUMN saas.ip_access_log.user_agent IS 'Client program as it named itself.';
COMMENT ON COLUMN saas.ip_access_log.location IS 'Where the address is thought to be, as an object.';
COMMENT ON COLUMN saas.ip_access_log.whitelist_rule_id IS
    'Points at ip_whitelist.id: the rule that let it in; emptied when the rule is removed.';
COMMENT ON COLUMN saas.ip_access_log.created_at IS 'When the access was decided.';

CREATE TABLE saas.geo_restrictions (
    id               uuid NOT NULL DEFAULT gen_random_uuid(),  -- D4.7: default added
    organization_id  uuid,
    restriction_type text NOT NULL,
    country_codes    text[],
    region_codes     text[],
    is_allowlist     boolean DEFAULT true,
    is_active        boolean DEFAULT true,
    description      text,
    created_by       uuid,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_geo_restrictions PRIMARY KEY (id),
    CONSTRAINT ck_geo_restrictions_restriction_type CHECK (restriction_type IN ('country', 'region', 'custom'))
);
COMMENT ON TABLE saas.geo_restrictions IS 'Countries or regions from which access is allowed or refused.';
COMMENT ON COLUMN saas.geo_restrictions.id IS 'Key of the restriction.';
COMMENT ON COLUMN saas.geo_restrictions.organization_id IS
    'Points at organizations.id: the tenant restricted; NULL for the platform.';
COMMENT ON COLUMN saas.geo_restrictions.restriction_type IS 'What is compared: country, region or custom.';
COMMENT ON COLUMN saas.geo_restrictions.country_codes IS 'Country codes concerned; format is not checked.';
COMMENT ON COLUMN saas.geo_restrictions.region_codes IS 'Region codes concerned; format is not checked.';
COMMENT ON COLUMN saas.geo_restrictions.is_allowlist IS 'True lets only the listed places in, false keeps them out.';
COMMENT ON COLUMN saas.geo_restrictions.is_active IS 'Whether the restriction is applied.';
COMMENT ON COLUMN saas.geo_restrictions.description IS 'Why it exists.';
COMMENT ON COLUMN saas.geo_restrictions.created_by IS 'Points at auth.users.id: the person who entered it.';
COMMENT ON COLUMN saas.geo_restrictions.created_at IS 'When the restriction was entered.';
COMMENT ON COLUMN saas.geo_restrictions.updated_at IS 'Last change of the row; kept by a trigger.';
