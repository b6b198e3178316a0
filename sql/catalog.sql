-- The schema model of a live database, as one JSON document.
--
-- $1 text[]: the schemas to read; NULL reads all that are not PostgreSQL's own.
--
-- The document has the shape of canon_core::schema::Model. The extension runs this query inside
-- the server and the canon tool through a client connection, so both see the same thing.
-- The caller sets search_path to pg_catalog: names outside it are then printed with their schema.
-- Objects that belong to an extension are left out; a type of an extension is printed by its bare
-- name. Runs on PostgreSQL 15 to 18; columns that came later are read through to_jsonb.
WITH scope AS MATERIALIZED (
    SELECT n.oid, n.nspname
    FROM pg_catalog.pg_namespace n
    WHERE CASE
        WHEN $1::text[] IS NULL THEN n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
        ELSE n.nspname = ANY ($1::text[])
    END
),
member AS MATERIALIZED (
    SELECT d.classid, d.objid FROM pg_catalog.pg_depend d WHERE d.deptype = 'e'
),
type_name AS MATERIALIZED (
    -- Schema prefix to take off a type that an extension brought.
    SELECT t.oid, pg_catalog.quote_ident(n.nspname) || '.' AS prefix
    FROM pg_catalog.pg_type t
    JOIN pg_catalog.pg_type e ON e.oid = CASE WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN t.typelem ELSE t.oid END
    JOIN pg_catalog.pg_namespace n ON n.oid = e.typnamespace
    JOIN member m ON m.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND m.objid = e.oid
    WHERE n.nspname <> 'pg_catalog'
),
-- Triggers and histories of status machines belong to the machines, which are not DDL.
status_trigger AS MATERIALIZED (
    SELECT t.oid, (pg_catalog.regexp_match(
               pg_catalog.convert_from(pg_catalog.substring(t.tgargs, 1, pg_catalog.length(t.tgargs) - 1), pg_catalog.getdatabaseencoding()),
               '"history":"((?:[^"\\]|\\.)*)"'))[1] AS history
    FROM pg_catalog.pg_trigger t
    JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = 'canon' AND p.proname IN ('status_enforce', 'status_settle', 'status_record') AND t.tgnargs = 1
),
-- So do those of the audit ledger, which records a table whatever its definition.
engine_trigger AS MATERIALIZED (
    SELECT st.oid FROM status_trigger st
    UNION ALL
    SELECT t.oid
    FROM pg_catalog.pg_trigger t
    JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = 'canon' AND p.proname IN ('audit_capture', 'audit_log_guard')
),
rel AS MATERIALIZED (
    SELECT c.oid, c.relname, n.nspname, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity,
           c.relispartition, c.relpartbound, c.reloptions, c.reloftype, c.relowner, c.relacl
    FROM pg_catalog.pg_class c
    JOIN scope n ON n.oid = c.relnamespace
    WHERE c.relpersistence <> 't'
      AND NOT EXISTS (
          SELECT FROM status_trigger st
          WHERE pg_catalog.replace(st.history, '\"', '"') = pg_catalog.format('%I.%I', n.nspname, c.relname))
      AND NOT EXISTS (
          SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND m.objid = c.oid)
),
col AS MATERIALIZED (
    SELECT a.attrelid, a.attnum, a.attname, pg_catalog.json_build_object(
        'name', a.attname,
        'type', COALESCE(pg_catalog.replace(pg_catalog.format_type(a.atttypid, a.atttypmod), tn.prefix, ''),
                         pg_catalog.format_type(a.atttypid, a.atttypmod)),
        'not_null', a.attnotnull,
        'default', CASE WHEN a.attgenerated = '' THEN NULLIF(
            -- DEFAULT NULL is no default, whatever it is cast to.
            pg_catalog.regexp_replace(pg_catalog.pg_get_expr(d.adbin, d.adrelid), '^NULL::[a-z ]+$', 'NULL'), 'NULL') END,
        'generated', CASE WHEN a.attgenerated <> '' THEN pg_catalog.json_build_object(
            'kind', CASE a.attgenerated WHEN 's' THEN 'stored' ELSE 'virtual' END,
            'expression', pg_catalog.pg_get_expr(d.adbin, d.adrelid)) END,
        'identity', CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by_default' END,
        'collation', CASE WHEN a.attcollation <> t.typcollation THEN (
            SELECT pg_catalog.json_build_object('schema', cn.nspname, 'name', co.collname)
            FROM pg_catalog.pg_collation co JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
            WHERE co.oid = a.attcollation) END,
        'inherited', NOT a.attislocal,
        'comment', pg_catalog.col_description(a.attrelid, a.attnum)) AS doc
    FROM pg_catalog.pg_attribute a
    JOIN rel ON rel.oid = a.attrelid AND rel.relkind IN ('r', 'p', 'f', 'v', 'm', 'c')
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    LEFT JOIN type_name tn ON tn.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped
),
cols AS MATERIALIZED (
    SELECT attrelid, pg_catalog.json_agg(doc ORDER BY attnum) AS docs FROM col GROUP BY attrelid
),
con AS MATERIALIZED (
    SELECT c.conrelid, c.contypid, c.oid, pg_catalog.json_build_object(
        'name', c.conname,
        'kind', CASE c.contype WHEN 'p' THEN 'primary' WHEN 'u' THEN 'unique' WHEN 'f' THEN 'foreign'
                               WHEN 'c' THEN 'check' ELSE 'exclusion' END,
        'columns', CASE WHEN c.contype IN ('p', 'u', 'f') THEN (
            SELECT pg_catalog.json_agg(a.attname ORDER BY k.n)
            FROM pg_catalog.unnest(c.conkey) WITH ORDINALITY AS k (attnum, n)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum) END,
        'include', (
            SELECT pg_catalog.json_agg(a.attname ORDER BY k.n)
            FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, n)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum
            WHERE k.n > i.indnkeyatts),
        'nulls_not_distinct', c.contype = 'u' AND COALESCE(i.indnullsnotdistinct, false),
        'without_overlaps', c.contype IN ('p', 'u')
            AND COALESCE((pg_catalog.to_jsonb(c) ->> 'conperiod')::boolean, false),
        'references', CASE WHEN c.contype = 'f' THEN (
            SELECT pg_catalog.json_build_object(
                'table', pg_catalog.json_build_object('schema', fn.nspname, 'name', f.relname),
                'columns', (
                    SELECT pg_catalog.json_agg(a.attname ORDER BY k.n)
                    FROM pg_catalog.unnest(c.confkey) WITH ORDINALITY AS k (attnum, n)
                    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.attnum),
                'on_delete', CASE c.confdeltype WHEN 'r' THEN 'restrict' WHEN 'c' THEN 'cascade'
                    WHEN 'n' THEN 'set_null' WHEN 'd' THEN 'set_default' ELSE 'no_action' END,
                'on_update', CASE c.confupdtype WHEN 'r' THEN 'restrict' WHEN 'c' THEN 'cascade'
                    WHEN 'n' THEN 'set_null' WHEN 'd' THEN 'set_default' ELSE 'no_action' END,
                'on_delete_columns', (
                    SELECT pg_catalog.json_agg(a.attname ORDER BY k.n)
                    FROM pg_catalog.unnest(c.confdelsetcols) WITH ORDINALITY AS k (attnum, n)
                    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum),
                'match', CASE c.confmatchtype WHEN 'f' THEN 'full' ELSE 'simple' END,
                'period', COALESCE((pg_catalog.to_jsonb(c) ->> 'conperiod')::boolean, false))
            FROM pg_catalog.pg_class f JOIN pg_catalog.pg_namespace fn ON fn.oid = f.relnamespace
            WHERE f.oid = c.confrelid) END,
        'expression', CASE c.contype
            WHEN 'c' THEN pg_catalog.pg_get_expr(c.conbin, c.conrelid)
            WHEN 'x' THEN pg_catalog.regexp_replace(
                pg_catalog.substr(pg_catalog.pg_get_constraintdef(c.oid), 9), '( DEFERRABLE)?( INITIALLY DEFERRED)?$', '')
        END,
        'no_inherit', c.contype = 'c' AND c.connoinherit,
        'inherited', NOT c.conislocal,
        'not_valid', NOT c.convalidated AND COALESCE((pg_catalog.to_jsonb(c) ->> 'conenforced')::boolean, true),
        'not_enforced', NOT COALESCE((pg_catalog.to_jsonb(c) ->> 'conenforced')::boolean, true),
        'deferrable', c.condeferrable,
        'initially_deferred', c.condeferred,
        'comment', pg_catalog.obj_description(c.oid, 'pg_constraint')) AS doc
    FROM pg_catalog.pg_constraint c
    JOIN scope n ON n.oid = c.connamespace
    LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.conindid AND c.contype IN ('p', 'u', 'x')
    WHERE c.contype IN ('p', 'u', 'f', 'c', 'x')
      AND NOT (c.conparentid <> 0 AND NOT c.conislocal)
),
cons AS MATERIALIZED (
    SELECT conrelid, pg_catalog.json_agg(doc ORDER BY oid) AS docs FROM con GROUP BY conrelid
),
idx AS MATERIALIZED (
    SELECT i.indrelid, i.indexrelid, pg_catalog.json_build_object(
        'name', c.relname,
        'unique', i.indisunique,
        'nulls_not_distinct', i.indnullsnotdistinct,
        'method', am.amname,
        'keys', (
            SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
                'column', a.attname,
                'expression', CASE WHEN k.attnum = 0 THEN pg_catalog.pg_get_indexdef(i.indexrelid, k.n::integer, false) END,
                'collation', CASE WHEN i.indcollation[k.n - 1] <> 0
                                   AND CASE WHEN k.attnum <> 0 THEN i.indcollation[k.n - 1] <> a.attcollation
                                            -- An expression may have it from its columns.
                                            ELSE pg_catalog.strpos(pg_catalog.pg_get_indexdef(i.indexrelid),
                                                     pg_catalog.pg_get_indexdef(i.indexrelid, k.n::integer, false)
                                                     OPERATOR(pg_catalog.||) ' COLLATE ') OPERATOR(pg_catalog.>) 0 END THEN (
                    SELECT pg_catalog.json_build_object('schema', cn.nspname, 'name', co.collname)
                    FROM pg_catalog.pg_collation co JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
                    WHERE co.oid = i.indcollation[k.n - 1]) END,
                'opclass', CASE WHEN NOT o.opcdefault THEN o.opcname END,
                'descending', (i.indoption[k.n - 1] & 1) = 1,
                'nulls_first', (i.indoption[k.n - 1] & 2) = 2) ORDER BY k.n)
            FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, n)
            LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum <> 0
            LEFT JOIN pg_catalog.pg_opclass o ON o.oid = i.indclass[k.n - 1]
            WHERE k.n <= i.indnkeyatts),
        'include', (
            SELECT pg_catalog.json_agg(a.attname ORDER BY k.n)
            FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, n)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
            WHERE k.n > i.indnkeyatts),
        'predicate', pg_catalog.pg_get_expr(i.indpred, i.indrelid),
        'partition_of', (
            SELECT pg_catalog.json_build_object('schema', pn.nspname, 'name', p.relname)
            FROM pg_catalog.pg_inherits h
            JOIN pg_catalog.pg_class p ON p.oid = h.inhparent
            JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
            WHERE h.inhrelid = i.indexrelid),
        'comment', pg_catalog.obj_description(c.oid, 'pg_class')) AS doc
    FROM pg_catalog.pg_index i
    JOIN rel ON rel.oid = i.indrelid
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    JOIN pg_catalog.pg_am am ON am.oid = c.relam
    WHERE NOT EXISTS (
        SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
),
idxs AS MATERIALIZED (
    SELECT indrelid, pg_catalog.json_agg(doc ORDER BY indexrelid) AS docs FROM idx GROUP BY indrelid
),
trg AS MATERIALIZED (
    SELECT t.tgrelid, t.oid, pg_catalog.json_build_object(
        'name', t.tgname,
        'timing', CASE WHEN t.tgtype & 2 <> 0 THEN 'BEFORE' WHEN t.tgtype & 64 <> 0 THEN 'INSTEAD OF' ELSE 'AFTER' END,
        'events', pg_catalog.array_remove(ARRAY[
            CASE WHEN t.tgtype & 4 <> 0 THEN 'INSERT' END, CASE WHEN t.tgtype & 16 <> 0 THEN 'UPDATE' END,
            CASE WHEN t.tgtype & 8 <> 0 THEN 'DELETE' END, CASE WHEN t.tgtype & 32 <> 0 THEN 'TRUNCATE' END], NULL),
        'update_of', (
            SELECT pg_catalog.json_agg(a.attname ORDER BY k.n)
            FROM pg_catalog.unnest(t.tgattr::int2[]) WITH ORDINALITY AS k (attnum, n)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = t.tgrelid AND a.attnum = k.attnum),
        'for_each_row', t.tgtype & 1 <> 0,
        'function', pg_catalog.json_build_object('schema', pn.nspname, 'name', p.proname),
        'arguments', (
            -- tgargs holds the arguments one after another, each closed by a zero byte.
            SELECT pg_catalog.json_agg(pg_catalog.convert_from(pg_catalog.decode(m[1], 'hex'), pg_catalog.getdatabaseencoding()) ORDER BY n)
            FROM pg_catalog.regexp_matches(pg_catalog.encode(t.tgargs, 'hex'), '((?:(?!00)..)*)00', 'g')
                WITH ORDINALITY AS x (m, n)),
        'when', (pg_catalog.regexp_match(pg_catalog.pg_get_triggerdef(t.oid), ' WHEN \((.*)\) EXECUTE FUNCTION '))[1],
        'old_table', t.tgoldtable,
        'new_table', t.tgnewtable,
        'constraint', t.tgconstraint <> 0,
        'deferrable', t.tgdeferrable,
        'initially_deferred', t.tginitdeferred,
        'enabled', CASE t.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' ELSE 'origin' END,
        'comment', pg_catalog.obj_description(t.oid, 'pg_trigger')) AS doc
    FROM pg_catalog.pg_trigger t
    JOIN rel ON rel.oid = t.tgrelid
    JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
    JOIN pg_catalog.pg_namespace pn ON pn.oid = p.pronamespace
    WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND t.oid NOT IN (SELECT et.oid FROM engine_trigger et)
),
trgs AS MATERIALIZED (
    SELECT tgrelid, pg_catalog.json_agg(doc ORDER BY oid) AS docs FROM trg GROUP BY tgrelid
),
pol AS MATERIALIZED (
    SELECT p.polrelid, p.oid, pg_catalog.json_build_object(
        'name', p.polname,
        'restrictive', NOT p.polpermissive,
        'command', CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                                 WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
        'roles', (
            SELECT pg_catalog.json_agg(COALESCE(a.rolname, 'public') ORDER BY r.n)
            FROM pg_catalog.unnest(p.polroles) WITH ORDINALITY AS r (role, n)
            LEFT JOIN pg_catalog.pg_roles a ON a.oid = r.role),
        'using', pg_catalog.pg_get_expr(p.polqual, p.polrelid),
        'check', pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid),
        'comment', pg_catalog.obj_description(p.oid, 'pg_policy')) AS doc
    FROM pg_catalog.pg_policy p
    JOIN rel ON rel.oid = p.polrelid
),
pols AS MATERIALIZED (
    SELECT polrelid, pg_catalog.json_agg(doc ORDER BY oid) AS docs FROM pol GROUP BY polrelid
),
-- Objects with an access list of their own. PostgreSQL gives "gift" to everybody by itself.
acl AS MATERIALIZED (
    SELECT CASE rel.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END AS kind, rel.nspname AS schema,
           rel.relname::text AS name, NULL::jsonb AS arguments, NULL::name AS col, rel.relowner AS owner,
           rel.relacl AS list, NULL::text AS gift
    FROM rel WHERE rel.relacl IS NOT NULL
    UNION ALL
    SELECT 'table', rel.nspname, rel.relname, NULL, a.attname, rel.relowner, a.attacl, NULL
    FROM rel JOIN pg_catalog.pg_attribute a ON a.attrelid = rel.oid
    WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
    UNION ALL
    SELECT 'schema', '', s.nspname, NULL, NULL, s.nspowner, s.nspacl, CASE WHEN s.nspname = 'public' THEN 'USAGE' END
    FROM pg_catalog.pg_namespace s JOIN scope ON scope.oid = s.oid WHERE s.nspacl IS NOT NULL
    UNION ALL
    SELECT 'type', n.nspname, t.typname, NULL, NULL, t.typowner, t.typacl, 'USAGE'
    FROM pg_catalog.pg_type t JOIN scope n ON n.oid = t.typnamespace WHERE t.typacl IS NOT NULL
    UNION ALL
    SELECT 'function', n.nspname, p.proname, COALESCE((
               SELECT pg_catalog.jsonb_agg(COALESCE(
                   pg_catalog.replace(pg_catalog.format_type(a.type, NULL), tn.prefix, ''),
                   pg_catalog.format_type(a.type, NULL)) ORDER BY a.n)
               FROM pg_catalog.unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (type, n)
               LEFT JOIN type_name tn ON tn.oid = a.type), '[]'::jsonb),
           NULL, p.proowner, p.proacl, 'EXECUTE'
    FROM pg_catalog.pg_proc p JOIN scope n ON n.oid = p.pronamespace
    WHERE p.proacl IS NOT NULL AND NOT EXISTS (
        SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND m.objid = p.oid)
),
grantee AS MATERIALIZED (
    SELECT acl.kind, acl.schema, acl.name, acl.arguments, acl.col, acl.gift, e.grantee, e.grantee = acl.owner AS owner,
           COALESCE(r.rolname, 'public') AS role,
           pg_catalog.array_agg(e.privilege_type ORDER BY e.privilege_type COLLATE pg_catalog."C")
               FILTER (WHERE e.privilege_type IS NOT NULL) AS privileges,
           pg_catalog.array_agg(e.privilege_type ORDER BY e.privilege_type COLLATE pg_catalog."C")
               FILTER (WHERE e.is_grantable) AS grantable
    FROM acl
    CROSS JOIN LATERAL (
        SELECT x.grantee, x.privilege_type, pg_catalog.bool_or(x.is_grantable) AS is_grantable
        FROM pg_catalog.aclexplode(acl.list) AS x GROUP BY x.grantee, x.privilege_type
        UNION ALL
        SELECT 0::oid, NULL, NULL
        WHERE acl.gift IS NOT NULL AND NOT EXISTS (
            SELECT FROM pg_catalog.aclexplode(acl.list) AS x WHERE x.grantee = 0)) AS e
    LEFT JOIN pg_catalog.pg_roles r ON r.oid = e.grantee
    GROUP BY acl.kind, acl.schema, acl.name, acl.arguments, acl.col, acl.gift, acl.owner, e.grantee, r.rolname
)
SELECT pg_catalog.json_strip_nulls(pg_catalog.json_build_object(
    'schemas', (
        SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
            'name', nspname, 'comment', pg_catalog.obj_description(oid, 'pg_namespace')) ORDER BY nspname)
        FROM scope),
    'extensions', (
        -- PL/pgSQL is in every database.
        SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
            'name', e.extname, 'schema', n.nspname, 'version', e.extversion,
            'comment', pg_catalog.obj_description(e.oid, 'pg_extension')) ORDER BY e.oid)
        FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
        WHERE e.extname <> 'plpgsql' AND ($1::text[] IS NULL OR n.nspname = ANY ($1::text[]))),
    'tables', (
        SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
            'schema', rel.nspname,
            'name', rel.relname,
            'kind', CASE rel.relkind WHEN 'p' THEN 'partitioned' WHEN 'f' THEN 'foreign' ELSE 'ordinary' END,
            'unlogged', rel.relpersistence = 'u',
            'columns', cols.docs,
            'constraints', cons.docs,
            'indexes', idxs.docs,
            'triggers', trgs.docs,
            'row_security', rel.relrowsecurity,
            'force_row_security', rel.relforcerowsecurity,
            'policies', pols.docs,
            'partition_key', CASE WHEN rel.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(rel.oid) END,
            'partition_of', CASE WHEN rel.relispartition THEN pg_catalog.json_build_object(
                'parent', parent.names -> 0, 'bound', pg_catalog.pg_get_expr(rel.relpartbound, rel.oid)) END,
            'inherits', CASE WHEN NOT rel.relispartition THEN parent.names END,
            'of_type', (
                SELECT pg_catalog.json_build_object('schema', tn.nspname, 'name', ot.typname)
                FROM pg_catalog.pg_type ot JOIN pg_catalog.pg_namespace tn ON tn.oid = ot.typnamespace
                WHERE ot.oid = rel.reloftype),
            'server', (
                SELECT fs.srvname
                FROM pg_catalog.pg_foreign_table ft JOIN pg_catalog.pg_foreign_server fs ON fs.oid = ft.ftserver
                WHERE ft.ftrelid = rel.oid),
            'comment', pg_catalog.obj_description(rel.oid, 'pg_class')) ORDER BY rel.oid)
        FROM rel
        LEFT JOIN cols ON cols.attrelid = rel.oid
        LEFT JOIN cons ON cons.conrelid = rel.oid
        LEFT JOIN idxs ON idxs.indrelid = rel.oid
        LEFT JOIN trgs ON trgs.tgrelid = rel.oid
        LEFT JOIN pols ON pols.polrelid = rel.oid
        LEFT JOIN LATERAL (
            SELECT pg_catalog.json_agg(pg_catalog.json_build_object('schema', pn.nspname, 'name', p.relname)
                                       ORDER BY h.inhseqno) AS names
            FROM pg_catalog.pg_inherits h
            JOIN pg_catalog.pg_class p ON p.oid = h.inhparent
            JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
            WHERE h.inhrelid = rel.oid) AS parent ON true
        WHERE rel.relkind IN ('r', 'p', 'f')),
    'views', (
        SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
            'schema', rel.nspname,
            'name', rel.relname,
            'materialized', rel.relkind = 'm',
            'columns', cols.docs,
            'query', pg_catalog.pg_get_viewdef(rel.oid),
            'indexes', idxs.docs,
            'triggers', trgs.docs,
            'options', CASE WHEN rel.relkind = 'v' THEN pg_catalog.to_json(rel.reloptions) END,
            'comment', pg_catalog.obj_description(rel.oid, 'pg_class')) ORDER BY rel.oid)
        FROM rel
        LEFT JOIN cols ON cols.attrelid = rel.oid
        LEFT JOIN idxs ON idxs.indrelid = rel.oid
        LEFT JOIN trgs ON trgs.tgrelid = rel.oid
        WHERE rel.relkind IN ('v', 'm')),
    'enums', (
        SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
            'schema', n.nspname,
            'name', t.typname,
            'labels', (SELECT pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder)
                       FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid),
            'comment', pg_catalog.obj_description(t.oid, 'pg_type')) ORDER BY t.oid)
        FROM pg_catalog.pg_type t
        JOIN scope n ON n.oid = t.typnamespace
        WHERE t.typtype = 'e' AND NOT EXISTS (
            SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND m.objid = t.oid)),
    'domains', (
        SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
            'schema', n.nspname,
            'name', t.typname,
            'type', COALESCE(pg_catalog.replace(pg_catalog.format_type(t.typbasetype, t.typtypmod), tn.prefix, ''),
                             pg_catalog.format_type(t.typbasetype, t.typtypmod)),
            'not_null', t.typnotnull,
            'default', NULLIF(pg_catalog.regexp_replace(t.typdefault, '^NULL::[a-z ]+$', 'NULL'), 'NULL'),
            'collation', CASE WHEN t.typcollation <> b.typcollation THEN (
                SELECT pg_catalog.json_build_object('schema', cn.nspname, 'name', co.collname)
                FROM pg_catalog.pg_collation co JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
                WHERE co.oid = t.typcollation) END,
            'checks', (SELECT pg_catalog.json_agg(doc ORDER BY con.oid) FROM con WHERE con.contypid = t.oid),
            'comment', pg_catalog.obj_description(t.oid, 'pg_type')) ORDER BY t.oid)
        FROM pg_catalog.pg_type t
        JOIN scope n ON n.oid = t.typnamespace
        JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
        LEFT JOIN type_name tn ON tn.oid = t.typbasetype
        WHERE t.typtype = 'd' AND NOT EXISTS (
            SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND m.objid = t.oid)),
    'composites', (
        SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
            'schema', rel.nspname,
            'name', rel.relname,
            'columns', cols.docs,
            'comment', pg_catalog.obj_description(t.oid, 'pg_type')) ORDER BY rel.oid)
        FROM rel
        JOIN pg_catalog.pg_type t ON t.typrelid = rel.oid
        LEFT JOIN cols ON cols.attrelid = rel.oid
        WHERE rel.relkind = 'c' AND NOT EXISTS (
            SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND m.objid = t.oid)),
    'ranges', (
        SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
            'schema', n.nspname,
            'name', t.typname,
            'subtype', COALESCE(pg_catalog.replace(pg_catalog.format_type(r.rngsubtype, NULL), tn.prefix, ''),
                                pg_catalog.format_type(r.rngsubtype, NULL)),
            'multirange', (
                SELECT pg_catalog.json_build_object('schema', mn.nspname, 'name', m.typname)
                FROM pg_catalog.pg_type m JOIN pg_catalog.pg_namespace mn ON mn.oid = m.typnamespace
                WHERE m.oid = r.rngmultitypid),
            'comment', pg_catalog.obj_description(t.oid, 'pg_type')) ORDER BY t.oid)
        FROM pg_catalog.pg_range r
        JOIN pg_catalog.pg_type t ON t.oid = r.rngtypid
        JOIN scope n ON n.oid = t.typnamespace
        LEFT JOIN type_name tn ON tn.oid = r.rngsubtype
        WHERE NOT EXISTS (
            SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND m.objid = t.oid)),
    'sequences', (
        SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
            'schema', rel.nspname,
            'name', rel.relname,
            'type', pg_catalog.format_type(s.seqtypid, NULL),
            'start', s.seqstart,
            'increment', s.seqincrement,
            'min', s.seqmin,
            'max', s.seqmax,
            'cache', s.seqcache,
            'cycle', s.seqcycle,
            'owned_by', (
                SELECT pg_catalog.json_build_object(
                    'table', pg_catalog.json_build_object('schema', tn.nspname, 'name', t.relname), 'column', a.attname)
                FROM pg_catalog.pg_depend d
                JOIN pg_catalog.pg_class t ON t.oid = d.refobjid
                JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
                JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = rel.oid AND d.deptype = 'a'
                  AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjsubid > 0),
            'comment', pg_catalog.obj_description(rel.oid, 'pg_class')) ORDER BY rel.oid)
        FROM rel
        JOIN pg_catalog.pg_sequence s ON s.seqrelid = rel.oid
        WHERE NOT EXISTS (
            SELECT FROM pg_catalog.pg_depend d
            WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = rel.oid AND d.deptype = 'i')),
    'functions', (
        SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
            'schema', n.nspname,
            'name', p.proname,
            'kind', CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' WHEN 'w' THEN 'window' ELSE 'function' END,
            'arguments', (
                SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
                    'mode', CASE p.proargmodes[a.n] WHEN 'o' THEN 'out' WHEN 'b' THEN 'inout' WHEN 'v' THEN 'variadic'
                                                    WHEN 't' THEN 'table' ELSE 'in' END,
                    'name', NULLIF(p.proargnames[a.n], ''),
                    'type', COALESCE(pg_catalog.replace(pg_catalog.format_type(a.type, NULL), tn.prefix, ''),
                                     pg_catalog.format_type(a.type, NULL)),
                    'default', pg_catalog.pg_get_function_arg_default(p.oid, a.n::integer)) ORDER BY a.n)
                FROM pg_catalog.unnest(COALESCE(p.proallargtypes, p.proargtypes::oid[])) WITH ORDINALITY AS a (type, n)
                LEFT JOIN type_name tn ON tn.oid = a.type),
            'returns', CASE WHEN p.prokind <> 'p' AND p.prokind <> 'a' THEN
                CASE WHEN p.proretset THEN 'SETOF ' ELSE '' END
                || COALESCE(pg_catalog.replace(pg_catalog.format_type(p.prorettype, NULL), rn.prefix, ''),
                            pg_catalog.format_type(p.prorettype, NULL)) END,
            'language', l.lanname,
            'volatility', CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END,
            'strict', p.proisstrict,
            'security_definer', p.prosecdef,
            'leakproof', p.proleakproof,
            'parallel', CASE p.proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' ELSE 'unsafe' END,
            'settings', pg_catalog.to_json(p.proconfig),
            'body', CASE WHEN l.lanname NOT IN ('c', 'internal') AND p.prosqlbody IS NULL THEN p.prosrc END,
            'comment', pg_catalog.obj_description(p.oid, 'pg_proc')) ORDER BY p.oid)
        FROM pg_catalog.pg_proc p
        JOIN scope n ON n.oid = p.pronamespace
        JOIN pg_catalog.pg_language l ON l.oid = p.prolang
        LEFT JOIN type_name rn ON rn.oid = p.prorettype
        -- Neither of an extension, nor made by the server for a range type.
        WHERE NOT EXISTS (
            SELECT FROM pg_catalog.pg_depend d
            WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype IN ('e', 'i'))),
    'grants', (
        SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
            'on', kind, 'schema', schema, 'name', name, 'arguments', arguments, 'column', col, 'grantee', role,
            'privileges', COALESCE(pg_catalog.to_json(privileges), '[]'::json), 'grantable', grantable, 'owner', owner)
            ORDER BY kind, schema, name, arguments::text, col, role)
        FROM grantee WHERE grantee <> 0 OR privileges IS DISTINCT FROM ARRAY[gift])
))::text
