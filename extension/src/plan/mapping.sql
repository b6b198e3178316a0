SELECT pg_catalog.json_agg(found.plan ORDER BY found.name)
FROM (
    SELECT p.plan AS name, pg_catalog.json_build_object(
        'plan', p.plan,
        'store', p.store,
        'roll_up', p.roll_up,
        'run', p.run,
        'schemas', (
            SELECT pg_catalog.json_agg(DISTINCT pg_catalog.jsonb_build_array(n.oid::pg_catalog.int8, n.nspname))
            FROM canon.plan_mapping m
            JOIN pg_catalog.pg_class c
                ON c.oid OPERATOR(pg_catalog.=) m.template OR c.oid OPERATOR(pg_catalog.=) m.instance
            JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
            WHERE m.plan OPERATOR(pg_catalog.=) p.plan
        ),
        'levels', (
            SELECT pg_catalog.json_agg(
                pg_catalog.to_jsonb(m) OPERATOR(pg_catalog.||) pg_catalog.jsonb_build_object(
                    'template', pg_catalog.format('%I.%I', tn.nspname, t.relname),
                    'instance', pg_catalog.format('%I.%I', ins.nspname, i.relname),
                    'key_type', (
                        SELECT pg_catalog.format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_attribute a
                        WHERE a.attrelid OPERATOR(pg_catalog.=) m.template
                            AND a.attname OPERATOR(pg_catalog.=) m.template_key
                    ),
                    'types', (
                        SELECT pg_catalog.jsonb_object_agg(
                            a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod))
                        FROM pg_catalog.pg_attribute a
                        WHERE a.attrelid OPERATOR(pg_catalog.=) m.instance AND a.attnum OPERATOR(pg_catalog.>) 0
                            AND NOT a.attisdropped AND a.attgenerated OPERATOR(pg_catalog.=) ''
                    )
                )
                ORDER BY m.position
            )
            FROM canon.plan_mapping m
            JOIN pg_catalog.pg_class t ON t.oid OPERATOR(pg_catalog.=) m.template
            JOIN pg_catalog.pg_namespace tn ON tn.oid OPERATOR(pg_catalog.=) t.relnamespace
            JOIN pg_catalog.pg_class i ON i.oid OPERATOR(pg_catalog.=) m.instance
            JOIN pg_catalog.pg_namespace ins ON ins.oid OPERATOR(pg_catalog.=) i.relnamespace
            WHERE m.plan OPERATOR(pg_catalog.=) p.plan
        )
    ) AS plan
    FROM canon.plan p
) found
