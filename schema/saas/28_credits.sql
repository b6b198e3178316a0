-- Credits: balance, price list and consumption.
--
-- D4.7: rows that carry credits hold their organisation back from deletion (ON DELETE RESTRICT).
-- canon-ignore-file L14: nullability is that of the source, see DEVIATIONS.md

-- D4.3: the source refers to columns it never lists; these are the ones a balance needs.
CREATE TABLE saas.organization_credits (
    organization_id   uuid NOT NULL,
    plan_name         text NOT NULL DEFAULT 'free',
    total_credits     integer NOT NULL DEFAULT 0,
    credits_remaining integer NOT NULL DEFAULT 0,
    cycle_start_date  timestamptz NOT NULL DEFAULT now(),
    cycle_end_date    timestamptz,
    created_at        timestamptz DEFAULT now(),
    updated_at        timestamptz DEFAULT now(),
    CONSTRAINT pk_organization_credits PRIMARY KEY (organization_id)
);
COMMENT ON TABLE saas.organization_credits IS 'Credit balance of an organisation in the running cycle, one row each.';
COMMENT ON COLUMN saas.organization_credits.organization_id IS
    'Points at organizations.id: the tenant that holds the credits; also the key.';
COMMENT ON COLUMN saas.organization_credits.plan_name IS 'Plan the credits come from; an open list.';
COMMENT ON COLUMN saas.organization_credits.total_credits IS 'Credits granted for the cycle.';
COMMENT ON COLUMN saas.organization_credits.credits_remaining IS 'Credits not spent yet.';
COMMENT ON COLUMN saas.organization_credits.cycle_start_date IS 'Begin of the cycle.';
COMMENT ON COLUMN saas.organization_credits.cycle_end_date IS 'End of the cycle; NULL where it is open.';
COMMENT ON COLUMN saas.organization_credits.created_at IS 'When the balance was opened.';
COMMENT ON COLUMN saas.organization_credits.updated_at IS 'Last change of the row; kept by a trigger.';

CREATE TABLE saas.credit_actions (
    action_type  text NOT NULL,
    credits_cost integer NOT NULL,
    description  text,
    created_at   timestamptz DEFAULT now(),
    CONSTRAINT pk_credit_actions PRIMARY KEY (action_type)
);
COMMENT ON TABLE saas.credit_actions IS 'Price list: what each chargeable action costs.';
COMMENT ON COLUMN saas.credit_actions.action_type IS 'Name of the action; the key.';
COMMENT ON COLUMN saas.credit_actions.credits_cost IS 'Credits one such action costs.';
COMMENT ON COLUMN saas.credit_actions.description IS 'What the action is, for people.';
COMMENT ON COLUMN saas.credit_actions.created_at IS 'When the price was entered.';

CREATE TABLE saas.credit_consumption_logs (
    id                bigserial NOT NULL,
    organization_id   uuid NOT NULL,
    action_type       text NOT NULL,
    credits_consumed  integer NOT NULL,
    credits_remaining integer NOT NULL,
    success           boolean NOT NULL DEFAULT true,
    error_message     text,
    created_at        timestamptz DEFAULT now(),
    CONSTRAINT pk_credit_consumption_logs PRIMARY KEY (id)
);
COMMENT ON TABLE saas.credit_consumption_logs IS 'One attempt to spend credits.';
COMMENT ON COLUMN saas.credit_consumption_logs.id IS 'Key of the attempt, from a sequence.';
COMMENT ON COLUMN saas.credit_consumption_logs.organization_id IS
    'Points at organizations.id: the tenant that pays; it cannot be deleted while rows exist.';
COMMENT ON COLUMN saas.credit_consumption_logs.action_type IS
    'Points at credit_actions.action_type: what was paid for; a used price cannot be deleted.';
COMMENT ON COLUMN saas.credit_consumption_logs.credits_consumed IS 'Credits taken; 0 where the attempt failed.';
COMMENT ON COLUMN saas.credit_consumption_logs.credits_remaining IS 'Balance after the attempt.';
COMMENT ON COLUMN saas.credit_consumption_logs.success IS 'Whether the credits were enough.';
COMMENT ON COLUMN saas.credit_consumption_logs.error_message IS 'Why the attempt failed.';
COMMENT ON COLUMN saas.credit_consumption_logs.created_at IS 'When the attempt was made.';
