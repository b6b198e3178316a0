-- What DROP SCHEMA ... CASCADE would take besides the pack itself.
--
-- $1 text[]: the pack's schemas; $2 text[]: its relations; $3 text[]: signatures of its functions.
--
-- What depends on a declared object automatically or internally (an index, a constraint, a row
-- type, a trigger) is part of it. What depends on it in any other way (a view, a foreign key of
-- another table, a table of the user's in the pack's schema) is not.
WITH RECURSIVE own AS (
    SELECT 'pg_catalog.pg_namespace'::pg_catalog.regclass::oid AS classid, n.oid AS objid
    FROM pg_catalog.pg_namespace n
    WHERE n.nspname = ANY ($1)
    UNION
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::oid, pg_catalog.to_regclass(name)::oid
    FROM pg_catalog.unnest($2) AS name
    WHERE pg_catalog.to_regclass(name) IS NOT NULL
    UNION
    SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass::oid, pg_catalog.to_regprocedure(signature)::oid
    FROM pg_catalog.unnest($3) AS signature
    WHERE pg_catalog.to_regprocedure(signature) IS NOT NULL
    UNION
    SELECT d.classid, d.objid
    FROM pg_catalog.pg_depend d
    JOIN own ON own.classid = d.refclassid AND own.objid = d.refobjid
    WHERE d.deptype IN ('a', 'i', 'P', 'S')
)
SELECT DISTINCT pg_catalog.pg_describe_object(d.classid, d.objid, 0) || ' depends on '
       || pg_catalog.pg_describe_object(d.refclassid, d.refobjid, 0)
FROM pg_catalog.pg_depend d
JOIN own ON own.classid = d.refclassid AND own.objid = d.refobjid
LEFT JOIN pg_catalog.pg_class c ON c.oid = d.refobjid AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
WHERE d.deptype = 'n'
  AND c.relkind IS DISTINCT FROM 'i'
  AND NOT EXISTS (SELECT FROM own other WHERE other.classid = d.classid AND other.objid = d.objid)
ORDER BY 1
