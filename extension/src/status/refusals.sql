INSERT INTO canon.status_refusal (relation, column_name, key, version, from_state, to_state, why, refused_to, session_by,
                                  actor, attempts, first_at, last_at)
SELECT r.relation::pg_catalog.oid::pg_catalog.regclass, r.column_name, r.key, r.version, r.from_state, r.to_state, r.why,
       pg_catalog.pg_get_userbyid(r.refused_to::pg_catalog.oid), pg_catalog.pg_get_userbyid(r.session_by::pg_catalog.oid),
       r.actor, r.attempts, t.first_at, t.last_at
FROM pg_catalog.jsonb_to_recordset($1) AS r (
    relation bigint, column_name text, key text, version integer, from_state text, to_state text, why text,
    refused_to bigint, session_by bigint, actor text, attempts bigint, first_at bigint, last_at bigint
)
CROSS JOIN LATERAL (
    -- Microseconds since 2000, as the server keeps time.
    SELECT timestamptz '2000-01-01 00:00:00+00' OPERATOR(pg_catalog.+)
               (interval '1 microsecond' OPERATOR(pg_catalog.*) r.first_at::double precision) AS first_at,
           timestamptz '2000-01-01 00:00:00+00' OPERATOR(pg_catalog.+)
               (interval '1 microsecond' OPERATOR(pg_catalog.*) r.last_at::double precision) AS last_at
) AS t
