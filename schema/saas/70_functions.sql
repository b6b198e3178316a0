-- Functions that work without the extension.

-- Makes an export that was asked for in audit_log_exports: RFC 4180 with a header for csv, a JSON object on each line
-- for json. The rows are those that the caller may read. The server writes no file: whoever calls puts the lines where
-- file_path says, and the request says what they are.
CREATE FUNCTION saas.run_audit_log_export(export_id uuid, file_path text)
    RETURNS SETOF text
    LANGUAGE plpgsql
    VOLATILE STRICT
    SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    known CONSTANT text[] := ARRAY['from', 'to', 'action_type', 'resource_type', 'user_id'];
    header CONSTANT text := 'id,created_at,organization_id,user_id,action_type,resource_type,resource_id,details,'
        'ip_address,user_agent,request_id,session_id,previous_hash,audit_chain_hash,verified';
    request saas.audit_log_exports;
    unknown text;
    lines text[];
BEGIN
    SELECT * INTO request FROM saas.audit_log_exports AS e WHERE e.id = export_id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'P0002', MESSAGE = format('there is no export %s', export_id),
            HINT = 'SELECT id FROM saas.audit_log_exports WHERE status = ''pending'';';
    END IF;
    IF request.export_type NOT IN ('csv', 'json') THEN
        RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = format('an export as %s is not made here', request.export_type),
            HINT = format('UPDATE saas.audit_log_exports SET export_type = ''csv'' WHERE id = %L;', export_id);
    END IF;
    SELECT k INTO unknown FROM jsonb_object_keys(COALESCE(request.filters, '{}')) AS k WHERE k <> ALL (known) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('unknown filter %L', unknown),
            HINT = format('Filters: %s.', array_to_string(known, ', '));
    END IF;
    UPDATE saas.audit_log_exports AS e SET status = 'processing', started_at = clock_timestamp() WHERE e.id = export_id;
    lines := ARRAY(
        SELECT CASE request.export_type
            WHEN 'json' THEN to_jsonb(a)::text
            ELSE (
                SELECT string_agg(COALESCE('"' || replace(c.value, '"', '""') || '"', ''), ',' ORDER BY c.place)
                FROM unnest(ARRAY[
                    a.id::text, to_char(timezone('UTC', a.created_at), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), a.organization_id::text, a.user_id::text, a.action_type,
                    a.resource_type, a.resource_id, a.details::text, a.ip_address, a.user_agent, a.request_id,
                    a.session_id, a.previous_hash, a.audit_chain_hash, a.verified::text
                ]) WITH ORDINALITY AS c (value, place)
            )
        END
        FROM saas.audit_logs_enhanced AS a
        WHERE (request.organization_id IS NULL OR a.organization_id = request.organization_id)
            AND (request.filters ->> 'from' IS NULL OR a.created_at >= (request.filters ->> 'from')::timestamptz)
            AND (request.filters ->> 'to' IS NULL OR a.created_at < (request.filters ->> 'to')::timestamptz)
            AND (request.filters ->> 'action_type' IS NULL OR a.action_type = request.filters ->> 'action_type')
            AND (request.filters ->> 'resource_type' IS NULL OR a.resource_type = request.filters ->> 'resource_type')
            AND (request.filters ->> 'user_id' IS NULL OR a.user_id = (request.filters ->> 'user_id')::uuid)
        ORDER BY a.id
    );
    UPDATE saas.audit_log_exports AS e
    SET status = 'completed',
        file_path = run_audit_log_export.file_path,
        record_count = cardinality(lines),
        file_size_bytes = (SELECT COALESCE(sum(octet_length(l) + 1), 0) FROM unnest(lines) AS l)
            + CASE request.export_type WHEN 'csv' THEN octet_length(header) + 1 ELSE 0 END,
        completed_at = clock_timestamp()
    WHERE e.id = export_id;
    IF request.export_type = 'csv' THEN
        RETURN NEXT header;
    END IF;
    RETURN QUERY SELECT l FROM unnest(lines) AS l;
END
$$;

COMMENT ON FUNCTION saas.run_audit_log_export IS
    'Makes a pending export of audit_logs_enhanced and returns its lines, to be written to the file path that is noted.';
