-- Answered requests, $1, added to the rows of their days; mean and percentiles are those of the whole
-- day. The table has no unique key: where somebody has made several rows by hand, the oldest counts.
WITH days AS (
    SELECT o.id AS org, u.id AS usr, e.endpoint, e.date, e.mean, e.p95, e.p99, e.requests, e.failed, (
        SELECT min(s.id) FROM saas.api_usage_statistics s
        WHERE s.organization_id = o.id AND s.user_id IS NOT DISTINCT FROM u.id AND s.endpoint = e.endpoint AND s.date = e.date
    ) AS id
    FROM jsonb_to_recordset($1) AS e (org uuid, usr uuid, endpoint text, date date, requests int, failed int,
        mean numeric, p95 numeric, p99 numeric)
    JOIN saas.organizations o ON o.id = e.org
    LEFT JOIN auth.users u ON u.id = e.usr
),
changed AS (
    UPDATE saas.api_usage_statistics s
    SET total_requests = s.total_requests + d.requests,
        successful_requests = s.successful_requests + d.requests - d.failed,
        failed_requests = s.failed_requests + d.failed,
        average_response_time_ms = coalesce(round(d.mean, 2), s.average_response_time_ms),
        p95_response_time_ms = coalesce(round(d.p95, 2), s.p95_response_time_ms),
        p99_response_time_ms = coalesce(round(d.p99, 2), s.p99_response_time_ms)
    FROM days d WHERE s.id = d.id
)
INSERT INTO saas.api_usage_statistics (organization_id, user_id, endpoint, date, total_requests, successful_requests,
    failed_requests, average_response_time_ms, p95_response_time_ms, p99_response_time_ms)
SELECT org, usr, endpoint, date, requests, requests - failed, failed, round(mean, 2), round(p95, 2), round(p99, 2)
FROM days WHERE id IS NULL
