COMMENT ON FUNCTION canon.rate_limit_refund(text, bigint) IS
    'Gives back units that were spent on a key, as far as they are still counted; whether the key has a counter';
COMMENT ON FUNCTION canon.rate_limit_reset(text) IS 'Forgets what was counted for a key; whether there was anything. For operators';
COMMENT ON FUNCTION canon.rate_limit_inspect(text) IS 'Where a key has a counter, and what it says. For operators';
COMMENT ON FUNCTION canon.rate_limit_stats() IS 'For the extension only: rows of the view canon.rate_limit_statistics';
COMMENT ON FUNCTION canon.rate_limit_cleanup() IS
    'Removes counters from canon.rate_limit_state, and rows from canon.rate_limit_lease, that say nothing any more; how many. The background worker does it too';
COMMENT ON FUNCTION canon.rate_limit_expired(bytea) IS 'For the extension only: whether a counter of canon.rate_limit_state says nothing any more';
COMMENT ON FUNCTION canon.rate_step(text, bytea) IS 'For the extension only: the counter after the request being decided';
COMMENT ON FUNCTION canon.ratelimit_policy_header(text, bigint, interval) IS 'Value of the response header RateLimit-Policy';
COMMENT ON FUNCTION canon.ratelimit_header(text, bigint, bigint) IS
    'Value of the response header RateLimit: units left, and seconds until there are more';
CREATE VIEW canon.rate_limit_statistics AS SELECT * FROM canon.rate_limit_stats();
COMMENT ON VIEW canon.rate_limit_statistics IS
    'Shared memory of rate limits: keys, room for keys, requests since the start of the server; no row where it is not preloaded';
CREATE FUNCTION canon.rate_limit_headers(decision canon.rate_decision, per interval, name text DEFAULT 'default')
    RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE STRICT
    SET search_path = pg_catalog, pg_temp
    AS $$
        SELECT jsonb_build_array(
                   jsonb_build_object('RateLimit-Policy', canon.ratelimit_policy_header(name, decision."limit", per)),
                   jsonb_build_object('RateLimit', canon.ratelimit_header(name, decision.remaining, wait.seconds)))
               || CASE WHEN decision.allowed THEN '[]' ELSE jsonb_build_array(jsonb_build_object('Retry-After', wait.seconds::text)) END
        FROM (SELECT ceil(greatest(0, extract(epoch FROM CASE
                  WHEN decision.allowed OR decision.retry_after IS NULL THEN decision.reset_at - clock_timestamp()
                  ELSE decision.retry_after END)))::bigint) AS wait (seconds)
    $$;
COMMENT ON FUNCTION canon.rate_limit_headers(canon.rate_decision, interval, text) IS
    'Response headers RateLimit-Policy and RateLimit, and Retry-After for a denied request, as PostgREST takes them in response.headers';
COMMENT ON FUNCTION canon.check_rate_limit(uuid, uuid, text, integer, integer) IS
    'Model A: TRUE means the limit is EXCEEDED. Counts the request if it is not; the opposite of is_allowed of the other check_rate_limit';
COMMENT ON FUNCTION canon.check_rate_limit(uuid, text, text) IS
    'Model B: decides and counts a request by saas.rate_limit_config; is_allowed is TRUE when it may go on. reset_at: when a denied request is allowed again, or all of the limit is there again';
COMMENT ON FUNCTION canon.record_api_usage(uuid, uuid, text, text, integer, double precision, boolean, text) IS
    'Notes a request that has been answered, for saas.api_usage_statistics and rate_limit_tracking; written by the background worker';
COMMENT ON FUNCTION canon.get_quota_usage(uuid, text) IS
    'Requests of an organisation by endpoint in the last hour, this day or this month (UTC); error_rate in percent';
COMMENT ON FUNCTION canon.cleanup_old_rate_limit_data() IS
    'Removes counters after 7 days, requests after 30, statistics after 90, and acknowledged alerts after 30; how many rows';
COMMENT ON FUNCTION canon.usage_flush() IS
    'Writes requests, counters and alerts that wait in shared memory to the tables of the pack saas; how many. The background worker does it every second';
REVOKE EXECUTE ON FUNCTION
    canon.check_rate_limit(uuid, uuid, text, integer, integer), canon.check_rate_limit(uuid, text, text),
    canon.check_quota(uuid, uuid, text, text, bigint), canon.get_quota_usage(uuid, text),
    canon.record_api_usage(uuid, uuid, text, text, integer, double precision, boolean, text),
    canon.cleanup_old_rate_limit_data(), canon.usage_flush(),
    canon.rate_allow(text, bigint, interval, bigint),
    canon.rate_limit(text, bigint, interval, bigint, bigint, text, text, text, text, timestamp),
    canon.rate_limit_peek(text, bigint, interval, bigint, bigint, text, text, text, text, timestamp),
    canon.rate_allow_all(text[], bigint[], interval[], bigint),
    canon.rate_limit_all(text[], bigint[], interval[], bigint, text, text, text),
    canon.rate_limit_refund(text, bigint), canon.rate_limit_reset(text), canon.rate_limit_inspect(text),
    canon.rate_limit_stats(), canon.rate_limit_cleanup(), canon.rate_limit_expired(bytea), canon.rate_step(text, bytea)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION canon.rate_limit_stats() TO pg_read_all_stats;
GRANT SELECT ON canon.rate_limit_statistics TO pg_read_all_stats;
