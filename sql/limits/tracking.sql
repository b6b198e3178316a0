-- Requests, $1, one row each.
INSERT INTO saas.rate_limit_tracking
    (organization_id, user_id, resource_type, endpoint, request_timestamp, response_status, rate_limited, metadata)
SELECT o.id, u.id, e.resource, e.endpoint, to_timestamp(e.at / 1e6), e.status, e.denied, jsonb_strip_nulls(e.metadata)
FROM jsonb_to_recordset($1)
    AS e (org uuid, usr uuid, resource text, endpoint text, at bigint, status int, denied boolean, metadata jsonb)
JOIN saas.organizations o ON o.id = e.org
LEFT JOIN auth.users u ON u.id = e.usr
ORDER BY e.at
