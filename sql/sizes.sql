-- Size of each table and materialised view: schema, name, rows as the planner estimates them (-1: never
-- analysed), bytes of the table with its TOAST, bytes of its indexes, day. A partitioned table counts its
-- partitions.
WITH RECURSIVE part AS (
    SELECT c.oid AS root, c.oid AS leaf
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'm')
      AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname NOT LIKE 'pg\_t%'
  UNION ALL
    SELECT p.root, i.inhrelid
    FROM part AS p
    JOIN pg_catalog.pg_inherits AS i ON i.inhparent OPERATOR(pg_catalog.=) p.leaf
    JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) i.inhrelid AND c.relispartition
)
SELECT
    n.nspname::pg_catalog.text,
    c.relname::pg_catalog.text,
    CASE WHEN pg_catalog.bool_and(l.reltuples OPERATOR(pg_catalog.<) 0 AND l.relkind OPERATOR(pg_catalog.<>) 'p') THEN -1
         ELSE pg_catalog.sum(GREATEST(l.reltuples, 0)) FILTER (WHERE l.relkind OPERATOR(pg_catalog.<>) 'p') END::pg_catalog.int8,
    pg_catalog.sum(pg_catalog.pg_table_size(l.oid))::pg_catalog.int8,
    pg_catalog.sum(pg_catalog.pg_indexes_size(l.oid))::pg_catalog.int8,
    CURRENT_DATE::pg_catalog.text
FROM part AS p
JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) p.root
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
JOIN pg_catalog.pg_class AS l ON l.oid OPERATOR(pg_catalog.=) p.leaf
GROUP BY n.nspname, c.relname
ORDER BY 1, 2
