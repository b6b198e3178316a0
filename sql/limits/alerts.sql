-- Thresholds that were reached, $1: an alert for each, once a window, and a notification.
WITH reached AS (
    SELECT DISTINCT ON (o.id, e.policy, e.period, e.alert, e.window_start) o.id AS org, u.id AS usr,
        e.policy, e.alert, e.used, e."limit", e.at, e.window_start, format('%s quota of %s: %s', e.period, e.policy, e.alert) AS message
    FROM jsonb_to_recordset($1) AS e (org uuid, usr uuid, policy text, period text, alert text, used bigint,
        "limit" bigint, at bigint, window_start bigint)
    JOIN saas.organizations o ON o.id = e.org
    LEFT JOIN auth.users u ON u.id = e.usr
    ORDER BY o.id, e.policy, e.period, e.alert, e.window_start, e.at
),
written AS (
    INSERT INTO saas.quota_alerts
        (organization_id, user_id, alert_type, policy_name, current_usage, limit_value, percentage_used, message, created_at)
    SELECT r.org, r.usr, r.alert, r.policy, least(r.used, 2147483647), least(r."limit", 2147483647),
        least(round(r.used * 100.0 / r."limit", 2), 9999999.99), r.message, to_timestamp(r.at / 1e6)
    FROM reached r
    WHERE NOT EXISTS (
        SELECT FROM saas.quota_alerts a
        WHERE a.organization_id = r.org AND a.policy_name = r.policy AND a.alert_type = r.alert
          AND a.message = r.message AND a.created_at >= to_timestamp(r.window_start / 1e6)
    )
    RETURNING id, organization_id, alert_type, policy_name, current_usage, limit_value
)
SELECT pg_notify('canon_quota_alert', to_jsonb(written)::text) FROM written
