-- Everything the extension offers, a line for each object and for each part of one, in a form that
-- does not depend on who installed it. Every member of the extension appears.
-- Written to sql/api.txt by `cargo xtask gen`; by hand: cargo xtask psql -Atq -f sql/api.sql

-- Names outside pg_catalog come out with their schema.
SET search_path = pg_catalog;

WITH extension AS (
    SELECT e.oid, e.extname, n.nspname, e.extrelocatable, e.extconfig, e.extcondition, v.superuser, v.trusted, v.requires
    FROM pg_extension e
    JOIN pg_namespace n ON n.oid = e.extnamespace
    LEFT JOIN pg_available_extension_versions v ON v.name = e.extname AND v.version = e.extversion
    WHERE e.extname = 'pg_canon'
),
member AS (
    SELECT d.classid, d.objid
    FROM pg_depend d
    JOIN extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
    WHERE d.deptype = 'e'
),
-- Privileges, with the built-in defaults written out.
privileges (classid, objid, part, owner, acl) AS (
    SELECT 'pg_proc'::regclass::oid, oid, 0, proowner, coalesce(proacl, acldefault('f', proowner)) FROM pg_proc
    UNION ALL
    SELECT 'pg_class'::regclass, oid, 0, relowner,
        coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))
    FROM pg_class
    UNION ALL
    SELECT 'pg_class'::regclass, a.attrelid, a.attnum, c.relowner, a.attacl
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE a.attacl IS NOT NULL
    UNION ALL
    SELECT 'pg_type'::regclass, oid, 0, typowner, coalesce(typacl, acldefault('T', typowner)) FROM pg_type
    UNION ALL
    SELECT 'pg_namespace'::regclass, oid, 0, nspowner, coalesce(nspacl, acldefault('n', nspowner)) FROM pg_namespace
    UNION ALL
    SELECT 'pg_language'::regclass, oid, 0, lanowner, coalesce(lanacl, acldefault('l', lanowner)) FROM pg_language
    UNION ALL
    SELECT 'pg_foreign_data_wrapper'::regclass, oid, 0, fdwowner, coalesce(fdwacl, acldefault('F', fdwowner))
    FROM pg_foreign_data_wrapper
    UNION ALL
    SELECT 'pg_foreign_server'::regclass, oid, 0, srvowner, coalesce(srvacl, acldefault('S', srvowner))
    FROM pg_foreign_server
),
granted AS (
    SELECT p.classid, p.objid, p.part,
        CASE WHEN x.grantee = 0 THEN 'PUBLIC' WHEN x.grantee = p.owner THEN 'owner' ELSE x.grantee::regrole::text END AS grantee,
        -- A star: may be passed on. All rights on a table are seven, and eight from PostgreSQL 17 on.
        CASE WHEN p.classid = 'pg_class'::regclass AND count(*) >= 7 AND NOT bool_or(x.is_grantable) THEN 'all'
            ELSE string_agg(lower(x.privilege_type) || CASE WHEN x.is_grantable THEN '*' ELSE '' END, '+'
                ORDER BY x.privilege_type COLLATE "C")
        END AS rights
    FROM privileges p
    JOIN member m ON m.classid = p.classid AND m.objid = p.objid
    CROSS JOIN LATERAL aclexplode(p.acl) x
    GROUP BY 1, 2, 3, 4
),
acl AS (
    SELECT classid, objid, part, string_agg(grantee || '=' || rights, ', ' ORDER BY grantee COLLATE "C") AS text
    FROM granted
    GROUP BY 1, 2, 3
),
-- Tables whose rows pg_dump saves, and which of them.
dumped AS (
    SELECT c.relid, '; dumped' || CASE WHEN c.condition = '' THEN '' ELSE ' ' || c.condition END AS text
    FROM extension e
    CROSS JOIN LATERAL unnest(e.extconfig, e.extcondition) AS c (relid, condition)
),
relation AS (
    SELECT c.oid, c.relkind,
        CASE c.relkind
            WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
            WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table' WHEN 'c' THEN 'type' WHEN 'i' THEN 'index'
            ELSE 'relation of kind ' || c.relkind::text
        END AS kind,
        format('%I.%I', n.nspname, c.relname) AS name,
        concat(
            CASE c.relpersistence WHEN 'u' THEN '; unlogged' WHEN 't' THEN '; temporary' END,
            CASE WHEN c.relrowsecurity THEN '; row security' END,
            CASE WHEN c.relforcerowsecurity THEN ', forced on the owner' END,
            '; with (' || array_to_string(c.reloptions, ', ') || ')'
        ) AS options
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN member m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
),
line (kind, name, classid, objid, part, place, text) AS (
    SELECT ' extension', extname::text, NULL::oid, NULL::oid, 0, 0,
        concat('schema ', nspname,
            CASE WHEN extrelocatable THEN '; relocatable' ELSE '; not relocatable' END,
            CASE WHEN trusted THEN '; trusted' WHEN superuser THEN '; superuser only' END,
            '; requires ' || array_to_string(requires, ', '))
    FROM extension
    UNION ALL
    -- functions, procedures, aggregates
    SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' WHEN 'w' THEN 'window function' ELSE 'function' END,
        format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_arguments(p.oid)), m.classid, m.objid, 0, 0,
        concat('returns ' || pg_get_function_result(p.oid) || '; ',
            CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END,
            ', parallel ', CASE p.proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' ELSE 'unsafe' END,
            CASE WHEN p.proisstrict THEN ', strict' ELSE ', called on null' END,
            CASE WHEN p.proleakproof THEN ', leakproof' END,
            CASE WHEN p.prosecdef THEN ', security definer' ELSE ', security invoker' END,
            (SELECT string_agg(', set ' || setting, '' ORDER BY setting COLLATE "C") FROM unnest(p.proconfig) AS s (setting)),
            ', language ', l.lanname)
    FROM pg_proc p
    JOIN pg_namespace n ON n.oid = p.pronamespace
    JOIN pg_language l ON l.oid = p.prolang
    JOIN member m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
    UNION ALL
    SELECT 'schema', quote_ident(n.nspname), m.classid, m.objid, 0, 0, NULL
    FROM pg_namespace n
    JOIN member m ON m.classid = 'pg_namespace'::regclass AND m.objid = n.oid
    UNION ALL
    -- types; those of tables come with the table
    SELECT CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, t.oid::regtype::text, m.classid, m.objid, 0, 0,
        CASE t.typtype
            WHEN 'e' THEN 'enum (' || (SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder)
                FROM pg_enum WHERE enumtypid = t.oid) || ')'
            WHEN 'c' THEN 'composite (' || (SELECT string_agg(quote_ident(attname) || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
                FROM pg_attribute WHERE attrelid = t.typrelid AND attnum > 0 AND NOT attisdropped) || ')'
            WHEN 'd' THEN concat('as ', format_type(t.typbasetype, t.typtypmod), CASE WHEN t.typnotnull THEN ' not null' END,
                ' default ' || t.typdefault,
                (SELECT string_agg(' ' || pg_get_constraintdef(oid), '' ORDER BY conname COLLATE "C") FROM pg_constraint
                    WHERE contypid = t.oid AND contype = 'c'))
            WHEN 'r' THEN 'range of ' || (SELECT rngsubtype::regtype::text FROM pg_range WHERE rngtypid = t.oid)
            WHEN 'm' THEN 'multirange'
            WHEN 'p' THEN 'pseudo'
            ELSE CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN 'array' ELSE 'base' END
        END
    FROM pg_type t
    JOIN member m ON m.classid = 'pg_type'::regclass AND m.objid = t.oid
    UNION ALL
    SELECT r.kind, r.name, 'pg_class'::regclass, r.oid, 0, 0,
        concat(
            (SELECT format('as %s start %s increment %s from %s to %s cache %s%s', seqtypid::regtype, seqstart, seqincrement,
                seqmin, seqmax, seqcache, CASE WHEN seqcycle THEN ' cycle' END) FROM pg_sequence WHERE seqrelid = r.oid),
            r.options, (SELECT text FROM dumped WHERE relid = r.oid))
    FROM relation r
    UNION ALL
    SELECT r.kind, r.name, NULL, NULL, 1, a.attnum,
        concat('column ', quote_ident(a.attname), ' ', format_type(a.atttypid, a.atttypmod),
            CASE WHEN a.attcollation <> t.typcollation THEN ' collate ' || a.attcollation::regcollation END,
            CASE WHEN a.attnotnull THEN ' not null' END,
            CASE a.attidentity WHEN 'a' THEN ' generated always as identity' WHEN 'd' THEN ' generated by default as identity' END,
            CASE a.attgenerated WHEN '' THEN ' default ' ELSE ' generated ' END || pg_get_expr(d.adbin, d.adrelid),
            '; acl ' || (SELECT acl.text FROM acl
                WHERE acl.classid = 'pg_class'::regclass AND acl.objid = r.oid AND acl.part = a.attnum))
    FROM relation r
    JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
    WHERE r.relkind NOT IN ('S', 'i')
    UNION ALL
    -- PostgreSQL 18 has a constraint for each NOT NULL as well; the column says it.
    SELECT r.kind, r.name, NULL, NULL, 2, 0, concat('constraint ', quote_ident(c.conname), ' ', pg_get_constraintdef(c.oid))
    FROM relation r
    JOIN pg_constraint c ON c.conrelid = r.oid AND c.contype <> 'n'
    UNION ALL
    SELECT r.kind, r.name, NULL, NULL, 3, 0, pg_get_indexdef(i.indexrelid)
    FROM relation r
    JOIN pg_index i ON i.indrelid = r.oid
    WHERE NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.conrelid = r.oid)
    UNION ALL
    SELECT r.kind, r.name, NULL, NULL, 4, 0, pg_get_triggerdef(t.oid)
        || CASE t.tgenabled WHEN 'D' THEN '; disabled' WHEN 'R' THEN '; enabled on replicas' WHEN 'A' THEN '; enabled always' ELSE '' END
    FROM relation r
    JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
    UNION ALL
    SELECT r.kind, r.name, NULL, NULL, 5, 0,
        concat('policy ', quote_ident(p.polname), CASE WHEN p.polpermissive THEN ' permissive' ELSE ' restrictive' END,
            ' for ', CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete' ELSE 'all' END,
            ' to ', (SELECT string_agg(CASE role WHEN 0 THEN 'PUBLIC' ELSE role::regrole::text END, ', ' ORDER BY role) FROM unnest(p.polroles) AS u (role)),
            ' using (' || pg_get_expr(p.polqual, p.polrelid) || ')',
            ' with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
    FROM relation r
    JOIN pg_policy p ON p.polrelid = r.oid
    UNION ALL
    SELECT r.kind, r.name, NULL, NULL, 6, 0, 'as ' || regexp_replace(btrim(pg_get_viewdef(r.oid)), '\s+', ' ', 'g')
    FROM relation r
    WHERE r.relkind IN ('v', 'm')
    UNION ALL
    SELECT 'event trigger', quote_ident(t.evtname), m.classid, m.objid, 0, 0,
        concat('on ', t.evtevent, ' (' || array_to_string(t.evttags, ', ') || ')', ' calls ', t.evtfoid::regprocedure,
            CASE t.evtenabled WHEN 'D' THEN '; disabled' WHEN 'R' THEN '; enabled on replicas' WHEN 'A' THEN '; enabled always' END)
    FROM pg_event_trigger t
    JOIN member m ON m.classid = 'pg_event_trigger'::regclass AND m.objid = t.oid
    UNION ALL
    -- casts, operators, operator classes and whatever else there may be
    SELECT coalesce(i.type, 'object'), coalesce(i.identity, pg_describe_object(m.classid, m.objid, 0)), m.classid, m.objid, 0, 0, NULL
    FROM member m
    CROSS JOIN LATERAL pg_identify_object(m.classid, m.objid, 0) AS i
    WHERE m.classid NOT IN ('pg_proc'::regclass, 'pg_namespace'::regclass, 'pg_type'::regclass, 'pg_class'::regclass,
        'pg_event_trigger'::regclass)
)
-- The privileges of an object stand at the end of its first line; what has none (operators, casts,
-- event triggers) says nothing.
SELECT concat(ltrim(l.kind), ' ', l.name, CASE WHEN l.text !~ '^(;|$)' THEN ' ' END, l.text)
    || CASE WHEN l.objid IN (SELECT objid FROM privileges p WHERE p.classid = l.classid)
        THEN '; acl ' || coalesce(a.text, 'none') ELSE '' END
FROM line l
LEFT JOIN acl a ON a.classid = l.classid AND a.objid = l.objid AND a.part = 0
ORDER BY l.kind COLLATE "C", l.name COLLATE "C", l.part, l.place, l.text COLLATE "C";
