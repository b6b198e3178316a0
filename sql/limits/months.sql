-- Requests of model B, $1, added to the counters of their months.
INSERT INTO saas.rate_limit_quota_usage (organization_id, resource_type, year, month, request_count, rate_limited_count)
SELECT o.id, e.resource, extract(year FROM t.at), extract(month FROM t.at), count(*), count(*) FILTER (WHERE e.denied)
FROM jsonb_to_recordset($1) AS e (org uuid, resource text, at bigint, denied boolean)
CROSS JOIN LATERAL (SELECT to_timestamp(e.at / 1e6) AT TIME ZONE 'UTC') AS t (at)
JOIN saas.organizations o ON o.id = e.org
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4
ON CONFLICT (organization_id, resource_type, year, month) DO UPDATE
SET request_count = coalesce(rate_limit_quota_usage.request_count, 0) + excluded.request_count,
    rate_limited_count = coalesce(rate_limit_quota_usage.rate_limited_count, 0) + excluded.rate_limited_count
