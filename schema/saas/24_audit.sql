-- Audit trail and security evidence.
--
-- D4.14: addresses stay text as in the source; every such column has a check that casts the value to inet.
-- D4.7: rows of the audit and evidence tables hold their organisation back from deletion (ON DELETE RESTRICT).
-- canon-ignore-file L14: nullability is that of the source, see DEVIATIONS.md

-- canon-ignore L26: each pack is a schema of its own, and every name in it is qualified
CREATE TABLE saas.audit_logs (
    id                    bigserial NOT NULL,
    organization_id       uuid,
    user_id               uuid,
    action_type           text NOT NULL,
    resource_type         text NOT NULL,
    resource_id           text,
    action_category       text,
    severity_level        text DEFAULT 'info',
    action_description    text NOT NULL,
    changes_json          jsonb,
    metadata              jsonb DEFAULT '{}',
    ip_address            text,
    user_agent            text,
    session_id            text,
    request_id            text,
    success               boolean DEFAULT true,
    error_message         text,
    compliance_flags      text[],
    retention_period_days integer DEFAULT 365,
    created_at            timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_audit_logs PRIMARY KEY (id),
    CONSTRAINT ck_audit_logs_severity_level CHECK (severity_level IN ('info', 'warning', 'error', 'critical')),
    CONSTRAINT ck_audit_logs_action_category CHECK (action_category IN (
        'authentication', 'authorization', 'data_access', 'data_modification', 'configuration', 'security'
    )),
    -- D4.14: refused unless it reads as inet
    CONSTRAINT ck_audit_logs_ip_address CHECK (ip_address IS NULL OR ip_address::inet IS NOT NULL)
);
COMMENT ON TABLE saas.audit_logs IS 'Trail of who did what to which resource.';
COMMENT ON COLUMN saas.audit_logs.id IS 'Key of the entry, from a sequence.';
COMMENT ON COLUMN saas.audit_logs.organization_id IS
    'Points at organizations.id: the tenant acted in; NULL for acts outside any tenant.';
COMMENT ON COLUMN saas.audit_logs.user_id IS 'Points at auth.users.id: the person who acted; NULL for the system.';
COMMENT ON COLUMN saas.audit_logs.action_type IS 'What was done; an open list.';
COMMENT ON COLUMN saas.audit_logs.resource_type IS 'Kind of thing it was done to; an open list.';
COMMENT ON COLUMN saas.audit_logs.resource_id IS 'Key of that thing, as text.';
COMMENT ON COLUMN saas.audit_logs.action_category IS 'Group of the act, such as authentication or data_access.';
COMMENT ON COLUMN saas.audit_logs.severity_level IS 'Weight of the entry: info, warning, error or critical.';
COMMENT ON COLUMN saas.audit_logs.action_description IS 'The act in a sentence, for people.';
COMMENT ON COLUMN saas.audit_logs.changes_json IS 'Values before and after a change.';
COMMENT ON COLUMN saas.audit_logs.metadata IS 'Further facts, as an object.';
COMMENT ON COLUMN saas.audit_logs.ip_address IS 'Address the request came from; must read as inet.';
COMMENT ON COLUMN saas.audit_logs.user_agent IS 'Client program as it named itself.';
COMMENT ON COLUMN saas.audit_logs.session_id IS 'Session the act belongs to.';
COMMENT ON COLUMN saas.audit_logs.request_id IS 'Request the act belongs to; ties log lines together.';
COMMENT ON COLUMN saas.audit_logs.success IS 'Whether the act went through.';
COMMENT ON COLUMN saas.audit_logs.error_message IS 'Why it did not.';
COMMENT ON COLUMN saas.audit_logs.compliance_flags IS 'Names of the regulations the entry matters for.';
COMMENT ON COLUMN saas.audit_logs.retention_period_days IS 'Days the entry must be kept, counted from created_at.';
COMMENT ON COLUMN saas.audit_logs.created_at IS 'When the act was recorded.';

CREATE TABLE saas.audit_logs_enhanced (
    id                bigserial NOT NULL,
    organization_id   uuid,
    user_id           uuid,
    action_type       text NOT NULL,
    resource_type     text,
    resource_id       text,
    details           jsonb,
    ip_address        text,
    user_agent        text,
    request_id        text,
    session_id        text,
    geo_location      jsonb,
    risk_score        integer,
    anomaly_detected  boolean DEFAULT false,
    compliance_tags   text[],
    retention_class   text DEFAULT 'standard',
    -- D4.20: a claim about the storage that no database can verify; documented, not enforced
    encrypted_at_rest boolean DEFAULT true,
    -- D4.17: the chain itself is the work of the audit engine
    audit_chain_hash  text,
    previous_hash     text,
    verified          boolean DEFAULT false,
    created_at        timestamptz NOT NULL DEFAULT now(),
    expires_at        timestamptz,
    CONSTRAINT pk_audit_logs_enhanced PRIMARY KEY (id),
    -- D4.14: refused unless it reads as inet
    CONSTRAINT ck_audit_logs_enhanced_ip_address CHECK (ip_address IS NULL OR ip_address::inet IS NOT NULL)
);
COMMENT ON TABLE saas.audit_logs_enhanced IS 'Audit trail with security context and columns for a hash chain.';
COMMENT ON COLUMN saas.audit_logs_enhanced.id IS 'Key of the entry, from a sequence.';
COMMENT ON COLUMN saas.audit_logs_enhanced.organization_id IS
    'Points at organizations.id: the tenant acted in; NULL for acts outside any tenant.';
COMMENT ON COLUMN saas.audit_logs_enhanced.user_id IS
    'Points at auth.users.id: the person who acted; NULL for the system.';
COMMENT ON COLUMN saas.audit_logs_enhanced.action_type IS 'What was done; an open list.';
COMMENT ON COLUMN saas.audit_logs_enhanced.resource_type IS 'Kind of thing it was done to; an open list.';
COMMENT ON COLUMN saas.audit_logs_enhanced.resource_id IS 'Key of that thing, as text.';
COMMENT ON COLUMN saas.audit_logs_enhanced.details IS 'Everything else about the act.';
COMMENT ON COLUMN saas.audit_logs_enhanced.ip_address IS 'Address the request came from; must read as inet.';
COMMENT ON COLUMN saas.audit_logs_enhanced.user_agent IS 'Client program as it named itself.';
COMMENT ON COLUMN saas.audit_logs_enhanced.request_id IS 'Request the act belongs to.';
COMMENT ON COLUMN saas.audit_logs_enhanced.session_id IS 'Session the act belongs to.';
COMMENT ON COLUMN saas.audit_logs_enhanced.geo_location IS 'Where the address is thought to be, as an object.';
COMMENT ON COLUMN saas.audit_logs_enhanced.risk_score IS
    'Estimated risk; the scale is that of the scoring application.';
COMMENT ON COLUMN saas.audit_logs_enhanced.anomaly_detected IS 'Whether the act looked unusual.';
COMMENT ON COLUMN saas.audit_logs_enhanced.compliance_tags IS 'Names of the regulations the entry matters for.';
COMMENT ON COLUMN saas.audit_logs_enhanced.retention_class IS 'Retention class; an open list.';
COMMENT ON COLUMN saas.audit_logs_enhanced.encrypted_at_rest IS
    'States that the storage is encrypted; a claim by the writer, not a measurement.';
COMMENT ON COLUMN saas.audit_logs_enhanced.audit_chain_hash IS
    'Hash of this entry chained to the one before; written by the audit engine.';
COMMENT ON COLUMN saas.audit_logs_enhanced.previous_hash IS
    'Hash of the entry before in the same chain; written by the audit engine.';
COMMENT ON COLUMN saas.audit_logs_enhanced.verified IS
    'Whether the chain was found whole up to this entry; written by the verifier only.';
COMMENT ON COLUMN saas.audit_logs_enhanced.created_at IS 'When the act was recorded.';
COMMENT ON COLUMN saas.audit_logs_enhanced.expires_at IS 'When the entry may be removed; NULL means by class only.';

CREATE TABLE saas.audit_log_exports (
    id              uuid NOT NULL DEFAULT gen_random_uuid(),  -- D4.7: default added
    organization_id uuid,
    requested_by    uuid,
    export_type     text NOT NULL,
    filters         jsonb,
    status          text DEFAULT 'pending',
    file_path       text,
    file_size_bytes bigint,
    record_count    integer,
    started_at      timestamptz DEFAULT now(),
    completed_at    timestamptz,
    error_message   text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_audit_log_exports PRIMARY KEY (id),
    CONSTRAINT ck_audit_log_exports_export_type CHECK (export_type IN ('csv', 'json', 'pdf')),
    -- addition: the source names only the default
    CONSTRAINT ck_audit_log_exports_status CHECK (status IN ('pending', 'processing', 'completed', 'failed'))
);
COMMENT ON TABLE saas.audit_log_exports IS 'A request to hand out part of the audit trail as a file.';
COMMENT ON COLUMN saas.audit_log_exports.id IS 'Key of the export.';
COMMENT ON COLUMN saas.audit_log_exports.organization_id IS
    'Points at organizations.id: the tenant whose trail is exported; NULL for the platform.';
COMMENT ON COLUMN saas.audit_log_exports.requested_by IS 'Points at auth.users.id: the person who asked.';
COMMENT ON COLUMN saas.audit_log_exports.export_type IS 'File form: csv, json or pdf.';
COMMENT ON COLUMN saas.audit_log_exports.filters IS 'Which entries were asked for.';
COMMENT ON COLUMN saas.audit_log_exports.status IS 'State of the export: pending, processing, completed or failed.';
COMMENT ON COLUMN saas.audit_log_exports.file_path IS 'Where the finished file lies.';
COMMENT ON COLUMN saas.audit_log_exports.file_size_bytes IS 'Size of the file in bytes.';
COMMENT ON COLUMN saas.audit_log_exports.record_count IS 'Entries in the file.';
COMMENT ON COLUMN saas.audit_log_exports.started_at IS
    'Start of the work; holds the time of the request until processing begins.';
COMMENT ON COLUMN saas.audit_log_exports.completed_at IS 'When the file was finished.';
COMMENT ON COLUMN saas.audit_log_exports.error_message IS 'Why the export failed.';
COMMENT ON COLUMN saas.audit_log_exports.created_at IS 'When the export was asked for.';

-- canon-ignore L26: each pack is a schema of its own, and every name in it is qualified
CREATE TABLE saas.security_events (
    id                 bigserial NOT NULL,
    organization_id    uuid,
    user_id            uuid,
    event_type         text NOT NULL,
    severity           text NOT NULL,
    description        text NOT NULL,
    ip_address         text,
    user_agent         text,
    threat_indicators  jsonb,
    mitigation_applied text,
    false_positive     boolean DEFAULT false,
    investigated_by    uuid,
    investigated_at    timestamptz,
    notes              text,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_security_events PRIMARY KEY (id),
    CONSTRAINT ck_security_events_event_type CHECK (event_type IN (
        'suspicious_login', 'brute_force_attempt', 'unauthorized_access', 'data_exfiltration_attempt',
        'privilege_escalation'
    )),
    -- D4.14: refused unless it reads as inet
    CONSTRAINT ck_security_events_ip_address CHECK (ip_address IS NULL OR ip_address::inet IS NOT NULL)
);
COMMENT ON TABLE saas.security_events IS 'Something that may be an attack, and what the investigation found.';
COMMENT ON COLUMN saas.security_events.id IS 'Key of the event, from a sequence.';
COMMENT ON COLUMN saas.security_events.organization_id IS
    'Points at organizations.id: the tenant concerned; NULL for the platform.';
COMMENT ON COLUMN saas.security_events.user_id IS 'Points at auth.users.id: the login concerned, where known.';
COMMENT ON COLUMN saas.security_events.event_type IS
    'What was seen, such as brute_force_attempt or privilege_escalation.';
COMMENT ON COLUMN saas.security_events.severity IS 'Weight of the event; an open list.';
COMMENT ON COLUMN saas.security_events.description IS 'What happened, for people.';
COMMENT ON COLUMN saas.security_events.ip_address IS 'Address it came from; must read as inet.';
COMMENT ON COLUMN saas.security_events.user_agent IS 'Client program as it named itself.';
COMMENT ON COLUMN saas.security_events.threat_indicators IS 'Signs that point to an attack.';
COMMENT ON COLUMN saas.security_events.mitigation_applied IS 'What was done against it.';
COMMENT ON COLUMN saas.security_events.false_positive IS
    'Whether it turned out harmless; meant to be set with the investigation.';
COMMENT ON COLUMN saas.security_events.investigated_by IS 'Points at auth.users.id: the person who looked into it.';
COMMENT ON COLUMN saas.security_events.investigated_at IS 'When it was looked into; NULL while it is open.';
COMMENT ON COLUMN saas.security_events.notes IS 'Findings of the investigation.';
COMMENT ON COLUMN saas.security_events.created_at IS 'When the event was recorded.';
COMMENT ON COLUMN saas.security_events.updated_at IS 'Last change of the row; kept by a trigger.';

CREATE TABLE saas.security_alerts (
    id              bigserial NOT NULL,
    user_id         uuid NOT NULL,
    alert_type      text NOT NULL,
    severity        text NOT NULL DEFAULT 'medium',
    title           text NOT NULL,
    message         text NOT NULL,
    metadata        jsonb,
    is_acknowledged boolean NOT NULL DEFAULT false,
    acknowledged_at timestamptz,
    acknowledged_by uuid,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_security_alerts PRIMARY KEY (id),
    CONSTRAINT ck_security_alerts_alert_type CHECK (alert_type IN (
        'suspicious_login', 'too_many_failed_attempts', '2fa_disabled', 'new_device', 'unusual_location'
    ))
);
COMMENT ON TABLE saas.security_alerts IS 'A warning to the owner of a login about the safety of the account.';
COMMENT ON COLUMN saas.security_alerts.id IS 'Key of the warning, from a sequence.';
COMMENT ON COLUMN saas.security_alerts.user_id IS 'Points at auth.users.id: the login that is warned.';
COMMENT ON COLUMN saas.security_alerts.alert_type IS 'What the warning is about, such as new_device or 2fa_disabled.';
COMMENT ON COLUMN saas.security_alerts.severity IS 'Weight of the warning; an open list.';
COMMENT ON COLUMN saas.security_alerts.title IS 'Headline shown to the person.';
COMMENT ON COLUMN saas.security_alerts.message IS 'Text shown to the person.';
COMMENT ON COLUMN saas.security_alerts.metadata IS 'Further facts, as an object.';
COMMENT ON COLUMN saas.security_alerts.is_acknowledged IS 'Whether somebody has taken note.';
COMMENT ON COLUMN saas.security_alerts.acknowledged_at IS 'When note was taken.';
COMMENT ON COLUMN saas.security_alerts.acknowledged_by IS
    'Points at auth.users.id: the person who took note, often the owner.';
COMMENT ON COLUMN saas.security_alerts.created_at IS 'When the warning was raised.';

CREATE TABLE saas.superadmin_logs (
    id             bigserial NOT NULL,
    admin_user_id  uuid NOT NULL,
    admin_email    text NOT NULL,
    action         text NOT NULL,
    operation_type text NOT NULL,
    target_type    text,
    target_id      text,
    details        jsonb,
    result         text NOT NULL,
    error_message  text,
    ip_address     text,
    user_agent     text,
    created_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_superadmin_logs PRIMARY KEY (id),
    CONSTRAINT ck_superadmin_logs_operation_type CHECK (operation_type IN (
        'CREATE', 'UPDATE', 'DELETE', 'READ', 'EXECUTE'
    )),
    CONSTRAINT ck_superadmin_logs_target_type CHECK (target_type IN ('USER', 'ORGANIZATION', 'PAYMENT', 'SYSTEM')),
    -- D4.14: refused unless it reads as inet
    CONSTRAINT ck_superadmin_logs_ip_address CHECK (ip_address IS NULL OR ip_address::inet IS NOT NULL)
);
COMMENT ON TABLE saas.superadmin_logs IS 'Trail of what platform administrators did.';
COMMENT ON COLUMN saas.superadmin_logs.id IS 'Key of the entry, from a sequence.';
COMMENT ON COLUMN saas.superadmin_logs.admin_user_id IS
    'Points at auth.users.id: the administrator; such a login cannot be deleted.';
COMMENT ON COLUMN saas.superadmin_logs.admin_email IS 'Mail address of the administrator at the time.';
COMMENT ON COLUMN saas.superadmin_logs.action IS 'Name of the operation; an open list.';
COMMENT ON COLUMN saas.superadmin_logs.operation_type IS 'Kind of operation: CREATE, UPDATE, DELETE, READ or EXECUTE.';
COMMENT ON COLUMN saas.superadmin_logs.target_type IS 'Kind of target: USER, ORGANIZATION, PAYMENT or SYSTEM.';
COMMENT ON COLUMN saas.superadmin_logs.target_id IS 'Key of the target, as text.';
COMMENT ON COLUMN saas.superadmin_logs.details IS 'Everything else about the operation.';
COMMENT ON COLUMN saas.superadmin_logs.result IS 'Outcome of the operation; an open list.';
COMMENT ON COLUMN saas.superadmin_logs.error_message IS 'Why it failed.';
COMMENT ON COLUMN saas.superadmin_logs.ip_address IS 'Address the request came from; must read as inet.';
COMMENT ON COLUMN saas.superadmin_logs.user_agent IS 'Client program as it named itself.';
COMMENT ON COLUMN saas.superadmin_logs.created_at IS 'When the operation was recorded.';

CREATE TABLE saas.data_sensitivity_classifications (
    id                    uuid NOT NULL DEFAULT gen_random_uuid(),  -- D4.7: default added
    organization_id       uuid,
    table_name            text NOT NULL,
    column_name           text NOT NULL,
    sensitivity_level     text NOT NULL,
    classification_reason text,
    encryption_required   boolean DEFAULT false,
    retention_days        integer,
    compliance_tags       text[],
    created_at            timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_data_sensitivity_classifications PRIMARY KEY (id),
    -- D4.18: the source has no key; a NULL organisation counts as equal
    CONSTRAINT uq_sensitivity_organization_id_table_name_column_name
        UNIQUE NULLS NOT DISTINCT (organization_id, table_name, column_name),
    CONSTRAINT ck_data_sensitivity_classifications_sensitivity_level CHECK (sensitivity_level IN (
        'public', 'internal', 'confidential', 'restricted', 'pii', 'pci'
    ))
);
COMMENT ON TABLE saas.data_sensitivity_classifications IS
    'How sensitive the data in a column is, and what follows from it.';
COMMENT ON COLUMN saas.data_sensitivity_classifications.id IS 'Key of the classification.';
COMMENT ON COLUMN saas.data_sensitivity_classifications.organization_id IS
    'Points at organizations.id: the tenant the classification is for; NULL for all.';
COMMENT ON COLUMN saas.data_sensitivity_classifications.table_name IS 'Table the column is in.';
COMMENT ON COLUMN saas.data_sensitivity_classifications.column_name IS 'Column that is classified.';
COMMENT ON COLUMN saas.data_sensitivity_classifications.sensitivity_level IS
    'Class: public, internal, confidential, restricted, pii or pci.';
COMMENT ON COLUMN saas.data_sensitivity_classifications.classification_reason IS 'Why the column has this class.';
COMMENT ON COLUMN saas.data_sensitivity_classifications.encryption_required IS 'Whether the values must be encrypted.';
COMMENT ON COLUMN saas.data_sensitivity_classifications.retention_days IS
    'Days the values may be kept; NULL means no rule.';
COMMENT ON COLUMN saas.data_sensitivity_classifications.compliance_tags IS 'Names of the regulations that apply.';
COMMENT ON COLUMN saas.data_sensitivity_classifications.created_at IS 'When the column was classified.';

CREATE TABLE saas.ip_whitelist (
    id              uuid NOT NULL DEFAULT gen_random_uuid(),  -- D4.7: default added
    organization_id uuid,
    ip_address      text NOT NULL,
    ip_range        text,
    description     text,
    is_active       boolean DEFAULT true,
    created_by      uuid,
    approved_by     uuid,
    expires_at      timestamptz,
    last_used_at    timestamptz,
    use_count       integer DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_ip_whitelist PRIMARY KEY (id),
    -- D4.14: refused unless it reads as inet
    CONSTRAINT ck_ip_whitelist_ip_address CHECK (ip_address::inet IS NOT NULL),
    -- D4.14: refused unless it reads as inet
    CONSTRAINT ck_ip_whitelist_ip_range CHECK (ip_range IS NULL OR ip_range::inet IS NOT NULL)
);
COMMENT ON TABLE saas.ip_whitelist IS 'An address or network from which access is allowed.';
COMMENT ON COLUMN saas.ip_whitelist.id IS 'Key of the rule.';
COMMENT ON COLUMN saas.ip_whitelist.organization_id IS
    'Points at organizations.id: the tenant the rule is for; NULL for the platform.';
COMMENT ON COLUMN saas.ip_whitelist.ip_address IS 'Single allowed address; must read as inet.';
COMMENT ON COLUMN saas.ip_whitelist.ip_range IS 'Allowed network as address/prefix length; must read as inet.';
COMMENT ON COLUMN saas.ip_whitelist.description IS 'Whose address it is.';
COMMENT ON COLUMN saas.ip_whitelist.is_active IS 'Whether the rule is applied.';
COMMENT ON COLUMN saas.ip_whitelist.created_by IS 'Points at auth.users.id: the person who entered the rule.';
COMMENT ON COLUMN saas.ip_whitelist.approved_by IS 'Points at auth.users.id: the person who approved it.';
COMMENT ON COLUMN saas.ip_whitelist.expires_at IS 'When the rule ends; NULL means it does not.';
COMMENT ON COLUMN saas.ip_whitelist.last_used_at IS 'When it last let somebody in.';
COMMENT ON COLUMN saas.ip_whitelist.use_count IS 'How often it has let somebody in.';
COMMENT ON COLUMN saas.ip_whitelist.created_at IS 'When the rule was entered.';
COMMENT ON COLUMN saas.ip_whitelist.updated_at IS 'Last change of the row; kept by a trigger.';
