-- Calendar of the CRM, and the debug log.
-- canon-ignore-file L14: nullability is that of the source, see DEVIATIONS.md

CREATE TABLE saas.crm_events (
    id                bigserial NOT NULL,
    organization_id   uuid NOT NULL,
    contact_id        bigint NOT NULL,
    event_summary     text NOT NULL,
    event_description text,
    event_start_time  timestamptz NOT NULL,
    event_end_time    timestamptz NOT NULL,
    status            text NOT NULL DEFAULT 'confirmed',
    google_event_id   text,
    created_at        timestamptz DEFAULT now(),
    CONSTRAINT pk_crm_events PRIMARY KEY (id),
    CONSTRAINT ck_crm_events_status CHECK (status IN ('confirmed', 'cancelled'))
);
COMMENT ON TABLE saas.crm_events IS 'A meeting, call or other appointment with a contact.';
COMMENT ON COLUMN saas.crm_events.id IS 'Key of the appointment, from a sequence.';
COMMENT ON COLUMN saas.crm_events.organization_id IS 'Points at organizations.id: the tenant whose calendar it is in.';
COMMENT ON COLUMN saas.crm_events.contact_id IS 'Points at contacts.id: the person met.';
COMMENT ON COLUMN saas.crm_events.event_summary IS 'Headline in the calendar.';
COMMENT ON COLUMN saas.crm_events.event_description IS 'Agenda or notes.';
COMMENT ON COLUMN saas.crm_events.event_start_time IS 'When it begins.';
COMMENT ON COLUMN saas.crm_events.event_end_time IS 'When it ends.';
COMMENT ON COLUMN saas.crm_events.status IS 'State: confirmed or cancelled.';
COMMENT ON COLUMN saas.crm_events.google_event_id IS
    'Key of the same appointment in Google Calendar; NULL where it is not shared.';
COMMENT ON COLUMN saas.crm_events.created_at IS 'When the appointment was entered.';

CREATE TABLE saas.event_reminders (
    id              bigserial NOT NULL,
    organization_id uuid NOT NULL,
    crm_event_id    bigint NOT NULL,
    contact_id      bigint NOT NULL,
    channel         text NOT NULL,
    scheduled_at    timestamptz NOT NULL,
    status          text NOT NULL DEFAULT 'scheduled',
    message         text,
    error_message   text,
    attempt_count   integer DEFAULT 0,
    last_attempt_at timestamptz,
    created_at      timestamptz DEFAULT now(),
    CONSTRAINT pk_event_reminders PRIMARY KEY (id),
    CONSTRAINT ck_event_reminders_channel CHECK (channel IN ('Email', 'WhatsApp')),
    CONSTRAINT ck_event_reminders_status CHECK (status IN ('scheduled', 'sent', 'failed'))
);
COMMENT ON TABLE saas.event_reminders IS 'A message to a contact ahead of an appointment.';
COMMENT ON COLUMN saas.event_reminders.id IS 'Key of the reminder, from a sequence.';
COMMENT ON COLUMN saas.event_reminders.organization_id IS 'Points at organizations.id: the tenant that sends it.';
COMMENT ON COLUMN saas.event_reminders.crm_event_id IS 'Points at crm_events.id: the appointment reminded of.';
COMMENT ON COLUMN saas.event_reminders.contact_id IS 'Points at contacts.id: the person reminded.';
COMMENT ON COLUMN saas.event_reminders.channel IS 'Way it is sent: Email or WhatsApp.';
COMMENT ON COLUMN saas.event_reminders.scheduled_at IS 'When it is to be sent.';
COMMENT ON COLUMN saas.event_reminders.status IS 'State: scheduled, sent or failed.';
COMMENT ON COLUMN saas.event_reminders.message IS 'Text that is sent; NULL means the standard text.';
COMMENT ON COLUMN saas.event_reminders.error_message IS 'Why sending failed.';
COMMENT ON COLUMN saas.event_reminders.attempt_count IS 'Tries so far.';
COMMENT ON COLUMN saas.event_reminders.last_attempt_at IS 'When it was last tried.';
COMMENT ON COLUMN saas.event_reminders.created_at IS 'When the reminder was planned.';

CREATE TABLE saas.debug_logs (
    id              bigserial NOT NULL,
    log_level       text NOT NULL,
    message         text NOT NULL,
    context         jsonb,
    user_id         uuid,
    organization_id uuid,
    created_at      timestamptz DEFAULT now(),
    CONSTRAINT pk_debug_logs PRIMARY KEY (id),
    CONSTRAINT ck_debug_logs_log_level CHECK (log_level IN ('debug', 'info', 'warn', 'error'))
);
COMMENT ON TABLE saas.debug_logs IS 'Messages written by developers while looking for faults.';
COMMENT ON COLUMN saas.debug_logs.id IS 'Key of the message, from a sequence.';
COMMENT ON COLUMN saas.debug_logs.log_level IS 'Weight of the message: debug, info, warn or error.';
COMMENT ON COLUMN saas.debug_logs.message IS 'The message.';
COMMENT ON COLUMN saas.debug_logs.context IS 'Values that explain the message.';
COMMENT ON COLUMN saas.debug_logs.user_id IS 'Points at auth.users.id: the person in whose request it was written.';
COMMENT ON COLUMN saas.debug_logs.organization_id IS
    'Points at organizations.id: the tenant in whose request it was written.';
COMMENT ON COLUMN saas.debug_logs.created_at IS 'When the message was written.';
