-- Organisations, people and the CRM base every other group points at.
--
-- The first four tables are prerequisites the source document gives as DDL; the last six it only names, so
-- their columns are additions of this pack (see DEVIATIONS.md).
-- canon-ignore-file L14: nullability is that of the source, see DEVIATIONS.md

-- canon-ignore L26: each pack is a schema of its own, and every name in it is qualified
CREATE TABLE saas.organizations (
    id         uuid NOT NULL DEFAULT gen_random_uuid(),
    name       text NOT NULL,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    CONSTRAINT pk_organizations PRIMARY KEY (id)
);
COMMENT ON TABLE saas.organizations IS
    'A tenant: the customer organisation that owns rows in nearly every other table.';
COMMENT ON COLUMN saas.organizations.id IS 'Key of the organisation; every organization_id of the pack points here.';
COMMENT ON COLUMN saas.organizations.name IS 'Display name; not unique.';
COMMENT ON COLUMN saas.organizations.created_at IS 'When the organisation was registered.';
COMMENT ON COLUMN saas.organizations.updated_at IS 'Last change of the row; kept by a trigger.';

CREATE TABLE saas.profiles (
    id              uuid NOT NULL,  -- D4.7: no default on purpose
    organization_id uuid,
    role            text NOT NULL DEFAULT 'user',  -- D4.19: super_admin is the only spelling
    email           text,
    created_at      timestamptz DEFAULT now(),
    updated_at      timestamptz DEFAULT now(),
    CONSTRAINT pk_profiles PRIMARY KEY (id)
);
COMMENT ON TABLE saas.profiles IS 'Application profile of a login: its organisation and its role.';
COMMENT ON COLUMN saas.profiles.id IS 'Points at auth.users.id: one profile for each login, so there is no default.';
COMMENT ON COLUMN saas.profiles.organization_id IS
    'Points at organizations.id: the tenant the person works for; NULL for none.';
COMMENT ON COLUMN saas.profiles.role IS 'Application role; the spelling for platform administrators is super_admin.';
COMMENT ON COLUMN saas.profiles.email IS 'Contact address; a copy, the login address lives in auth.users.';
COMMENT ON COLUMN saas.profiles.created_at IS 'When the profile was made.';
COMMENT ON COLUMN saas.profiles.updated_at IS 'Last change of the row; kept by a trigger.';

CREATE TABLE saas.contacts (
    id              bigserial NOT NULL,
    organization_id uuid NOT NULL,
    name            text,
    email           text,
    phone           text,
    company         text,
    created_at      timestamptz DEFAULT now(),
    updated_at      timestamptz DEFAULT now(),
    CONSTRAINT pk_contacts PRIMARY KEY (id)
);
COMMENT ON TABLE saas.contacts IS 'A person or lead in the CRM of one organisation.';
COMMENT ON COLUMN saas.contacts.id IS 'Key of the contact, from a sequence.';
COMMENT ON COLUMN saas.contacts.organization_id IS 'Points at organizations.id: the tenant that owns the contact.';
COMMENT ON COLUMN saas.contacts.name IS 'Full name as entered.';
COMMENT ON COLUMN saas.contacts.email IS 'Mail address; format is not checked.';
COMMENT ON COLUMN saas.contacts.phone IS 'Phone number as entered; format is not checked.';
COMMENT ON COLUMN saas.contacts.company IS 'Employer or firm of the contact, as free text.';
COMMENT ON COLUMN saas.contacts.created_at IS 'When the contact was entered.';
COMMENT ON COLUMN saas.contacts.updated_at IS 'Last change of the row; kept by a trigger.';

CREATE TABLE saas.opportunities (
    id              bigserial NOT NULL,
    organization_id uuid NOT NULL,
    contact_id      bigint,
    name            text NOT NULL,
    amount          numeric,
    stage           text,
    created_at      timestamptz DEFAULT now(),
    updated_at      timestamptz DEFAULT now(),
    CONSTRAINT pk_opportunities PRIMARY KEY (id)
);
COMMENT ON TABLE saas.opportunities IS 'A possible sale in the pipeline of one organisation.';
COMMENT ON COLUMN saas.opportunities.id IS 'Key of the opportunity, from a sequence.';
COMMENT ON COLUMN saas.opportunities.organization_id IS 'Points at organizations.id: the tenant that pursues the sale.';
COMMENT ON COLUMN saas.opportunities.contact_id IS
    'Points at contacts.id: the person the sale is about; emptied when the contact goes.';
COMMENT ON COLUMN saas.opportunities.name IS 'Short title of the deal.';
COMMENT ON COLUMN saas.opportunities.amount IS 'Expected value in the currency of the organisation; no fixed scale.';
COMMENT ON COLUMN saas.opportunities.stage IS 'Pipeline stage; an open list that each product defines.';
COMMENT ON COLUMN saas.opportunities.created_at IS 'When the opportunity was entered.';
COMMENT ON COLUMN saas.opportunities.updated_at IS 'Last change of the row; kept by a trigger.';

-- addition: the source only names this table
CREATE TABLE saas.forms (
    id              uuid NOT NULL DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    name            text NOT NULL,
    description     text,
    fields          jsonb NOT NULL DEFAULT '[]',
    is_active       boolean NOT NULL DEFAULT true,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_forms PRIMARY KEY (id)
);
COMMENT ON TABLE saas.forms IS 'A form of an organisation that collects data from its contacts.';
COMMENT ON COLUMN saas.forms.id IS 'Key of the form.';
COMMENT ON COLUMN saas.forms.organization_id IS 'Points at organizations.id: the tenant that owns the form.';
COMMENT ON COLUMN saas.forms.name IS 'Title of the form.';
COMMENT ON COLUMN saas.forms.description IS 'What the form is for.';
COMMENT ON COLUMN saas.forms.fields IS 'Ordered array of field definitions.';
COMMENT ON COLUMN saas.forms.is_active IS 'Whether the form accepts entries.';
COMMENT ON COLUMN saas.forms.created_at IS 'When the form was made.';
COMMENT ON COLUMN saas.forms.updated_at IS 'Last change of the row; kept by a trigger.';

-- addition: the source only names this table
CREATE TABLE saas.google_credentials (
    id               uuid NOT NULL DEFAULT gen_random_uuid(),
    organization_id  uuid NOT NULL,
    account_email    text,
    access_token     text,
    refresh_token    text,
    token_expires_at timestamptz,
    scopes           text[],
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_google_credentials PRIMARY KEY (id)
);
COMMENT ON TABLE saas.google_credentials IS 'OAuth tokens with which an organisation reaches its Google account.';
COMMENT ON COLUMN saas.google_credentials.id IS 'Key of the credential.';
COMMENT ON COLUMN saas.google_credentials.organization_id IS
    'Points at organizations.id: the tenant that granted access.';
COMMENT ON COLUMN saas.google_credentials.account_email IS 'Google account the tokens belong to.';
COMMENT ON COLUMN saas.google_credentials.access_token IS
    'Short-lived token; the application should store it encrypted.';
COMMENT ON COLUMN saas.google_credentials.refresh_token IS
    'Long-lived token used to renew the access token; store it encrypted.';
COMMENT ON COLUMN saas.google_credentials.token_expires_at IS 'When the access token stops working.';
COMMENT ON COLUMN saas.google_credentials.scopes IS 'OAuth scopes the account owner agreed to.';
COMMENT ON COLUMN saas.google_credentials.created_at IS 'When access was granted.';
COMMENT ON COLUMN saas.google_credentials.updated_at IS 'Last change of the row; kept by a trigger.';

-- addition: the source only names this table
CREATE TABLE saas.organization_settings (
    id              uuid NOT NULL DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    settings        jsonb NOT NULL DEFAULT '{}',
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_organization_settings PRIMARY KEY (id),
    CONSTRAINT uq_organization_settings_organization_id UNIQUE (organization_id)
);
COMMENT ON TABLE saas.organization_settings IS 'Configuration document of an organisation, one row each.';
COMMENT ON COLUMN saas.organization_settings.id IS 'Key of the settings row.';
COMMENT ON COLUMN saas.organization_settings.organization_id IS
    'Points at organizations.id: the tenant the settings apply to; one row for each.';
COMMENT ON COLUMN saas.organization_settings.settings IS
    'Object of setting name to value; names are up to the application.';
COMMENT ON COLUMN saas.organization_settings.created_at IS 'When the row was made.';
COMMENT ON COLUMN saas.organization_settings.updated_at IS 'Last change of the row; kept by a trigger.';

-- addition: the source only names this table
CREATE TABLE saas.organization_subscriptions (
    id                   uuid NOT NULL DEFAULT gen_random_uuid(),
    organization_id      uuid NOT NULL,
    plan_name            text NOT NULL DEFAULT 'free',
    -- canon-ignore L13: the source names the table only; its states are an open list
    status               text NOT NULL DEFAULT 'active',
    current_period_start timestamptz,
    current_period_end   timestamptz,
    created_at           timestamptz NOT NULL DEFAULT now(),
    updated_at           timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_organization_subscriptions PRIMARY KEY (id)
);
COMMENT ON TABLE saas.organization_subscriptions IS 'A paid or free plan an organisation holds for a period.';
COMMENT ON COLUMN saas.organization_subscriptions.id IS 'Key of the subscription.';
COMMENT ON COLUMN saas.organization_subscriptions.organization_id IS
    'Points at organizations.id: the tenant that subscribes.';
COMMENT ON COLUMN saas.organization_subscriptions.plan_name IS
    'Name of the plan; an open list, the same names as organization_credits.plan_name.';
COMMENT ON COLUMN saas.organization_subscriptions.status IS 'State of the subscription; an open list.';
COMMENT ON COLUMN saas.organization_subscriptions.current_period_start IS 'Begin of the billing period now running.';
COMMENT ON COLUMN saas.organization_subscriptions.current_period_end IS 'End of that period; NULL where it has no end.';
COMMENT ON COLUMN saas.organization_subscriptions.created_at IS 'When the subscription was taken out.';
COMMENT ON COLUMN saas.organization_subscriptions.updated_at IS 'Last change of the row; kept by a trigger.';

-- addition: the source only names this table
CREATE TABLE saas.credit_ledger (
    id              bigserial NOT NULL,
    organization_id uuid NOT NULL,
    amount          integer NOT NULL,
    reason          text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_credit_ledger PRIMARY KEY (id)
);
COMMENT ON TABLE saas.credit_ledger IS
    'Older record of credit bookings, kept beside the balance in organization_credits.';
COMMENT ON COLUMN saas.credit_ledger.id IS 'Key of the booking, from a sequence.';
COMMENT ON COLUMN saas.credit_ledger.organization_id IS
    'Points at organizations.id: the tenant booked on; an organisation with bookings cannot be deleted.';
COMMENT ON COLUMN saas.credit_ledger.amount IS 'Credits booked: positive adds, negative spends.';
COMMENT ON COLUMN saas.credit_ledger.reason IS 'Why the booking was made.';
COMMENT ON COLUMN saas.credit_ledger.created_at IS 'When the booking was made.';
COMMENT ON COLUMN saas.credit_ledger.updated_at IS 'Last change of the row; kept by a trigger.';

-- addition: the source only names this table
CREATE TABLE saas.automations (
    id              uuid NOT NULL DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    name            text NOT NULL,
    description     text,
    configuration   jsonb NOT NULL DEFAULT '{}',
    is_active       boolean NOT NULL DEFAULT false,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_automations PRIMARY KEY (id)
);
COMMENT ON TABLE saas.automations IS 'An automation rule of an organisation, the simple kind without workflow steps.';
COMMENT ON COLUMN saas.automations.id IS 'Key of the rule.';
COMMENT ON COLUMN saas.automations.organization_id IS 'Points at organizations.id: the tenant the rule runs for.';
COMMENT ON COLUMN saas.automations.name IS 'Title of the rule.';
COMMENT ON COLUMN saas.automations.description IS 'What the rule does, for people.';
COMMENT ON COLUMN saas.automations.configuration IS 'Object with the condition and the reaction of the rule.';
COMMENT ON COLUMN saas.automations.is_active IS 'Whether the rule runs.';
COMMENT ON COLUMN saas.automations.created_at IS 'When the rule was made.';
COMMENT ON COLUMN saas.automations.updated_at IS 'Last change of the row; kept by a trigger.';
