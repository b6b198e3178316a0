-- Requests of model A, $1, added to the counter of their window. The table has no unique key: where
-- somebody has made several rows for a window by hand, the oldest counts.
WITH requests AS (
    SELECT o.id AS org, u.id AS usr, e.endpoint, e.minutes, count(*)::int AS number,
        to_timestamp(floor(e.at / 60e6 / e.minutes) * e.minutes * 60) AS start
    FROM jsonb_to_recordset($1) AS e (org uuid, usr uuid, endpoint text, at bigint, minutes int)
    JOIN saas.organizations o ON o.id = e.org
    LEFT JOIN auth.users u ON u.id = e.usr
    GROUP BY 1, 2, 3, 4, 6
),
counted AS (
    SELECT r.*, (
        SELECT min(c.id) FROM saas.api_rate_limits c
        WHERE c.organization_id = r.org AND c.user_id IS NOT DISTINCT FROM r.usr AND c.endpoint = r.endpoint
          AND c.window_start = r.start AND c.window_duration_minutes = r.minutes
    ) AS id
    FROM requests r
),
changed AS (
    UPDATE saas.api_rate_limits c SET request_count = c.request_count + r.number FROM counted r WHERE c.id = r.id
)
INSERT INTO saas.api_rate_limits (organization_id, user_id, endpoint, request_count, window_start, window_duration_minutes)
SELECT org, usr, endpoint, number, start, minutes FROM counted WHERE id IS NULL
