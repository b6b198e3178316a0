//! Operator classes that PostgreSQL takes by itself.

/// Method and its default classes: `pg_opclass` of PostgreSQL 15, and the classes of extensions that
/// are the only ones of their types. Each is the default of one type, so writing it says nothing.
#[rustfmt::skip]
const DEFAULTS: &[(&str, &str)] = &[
    ("brin", "bit_minmax_ops box_inclusion_ops bpchar_minmax_ops bytea_minmax_ops char_minmax_ops date_minmax_ops float4_minmax_ops float8_minmax_ops inet_inclusion_ops int2_minmax_ops int4_minmax_ops int8_minmax_ops interval_minmax_ops macaddr8_minmax_ops macaddr_minmax_ops name_minmax_ops numeric_minmax_ops oid_minmax_ops pg_lsn_minmax_ops range_inclusion_ops text_minmax_ops tid_minmax_ops time_minmax_ops timestamp_minmax_ops timestamptz_minmax_ops timetz_minmax_ops uuid_minmax_ops varbit_minmax_ops"),
    ("btree", "array_ops bit_ops bool_ops bpchar_ops bytea_ops char_ops date_ops enum_ops float4_ops float8_ops inet_ops int2_ops int4_ops int8_ops interval_ops jsonb_ops macaddr8_ops macaddr_ops money_ops multirange_ops name_ops numeric_ops oid_ops oidvector_ops pg_lsn_ops range_ops record_ops text_ops tid_ops time_ops timestamp_ops timestamptz_ops timetz_ops tsquery_ops tsvector_ops uuid_ops varbit_ops xid8_ops"),
    ("gin", "array_ops jsonb_ops tsvector_ops"),
    ("gist", "box_ops circle_ops multirange_ops point_ops poly_ops range_ops tsquery_ops tsvector_ops"),
    ("hash", "aclitem_ops array_ops bool_ops bpchar_ops bytea_ops char_ops cid_ops date_ops enum_ops float4_ops float8_ops inet_ops int2_ops int4_ops int8_ops interval_ops jsonb_ops macaddr8_ops macaddr_ops multirange_ops name_ops numeric_ops oid_ops oidvector_ops pg_lsn_ops range_ops record_ops text_ops tid_ops time_ops timestamp_ops timestamptz_ops timetz_ops uuid_ops xid8_ops xid_ops"),
    ("spgist", "box_ops inet_ops poly_ops quad_point_ops range_ops text_ops"),
    ("btree", "citext_ops ltree_ops cube_ops seg_ops hstore_ops"),
    ("hash", "citext_ops hstore_ops"),
    ("gin", "gin_hstore_ops gin__int_ops"),
    ("gist", "gist_hstore_ops gist_ltree_ops gist_cube_ops gist_seg_ops gist__int_ops gist_geometry_ops_2d gist_geography_ops"),
];

/// The class as it is kept: without its schema and parameters, and none where it is the default.
pub(super) fn kept(method: &str, written: &str) -> Option<String> {
    let bare = written.split('(').next().unwrap_or_default().trim();
    let name = bare.rsplit('.').next().unwrap_or_default().trim_matches('"').to_owned();
    let mut defaults = DEFAULTS.iter().filter(|(m, _)| *m == method).flat_map(|(_, names)| names.split(' '));
    (!defaults.any(|default| default == name)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_and_parameters_are_left_out() {
        assert_eq!(kept("gin", "jsonb_ops"), None);
        assert_eq!(kept("gist", "public.gist_ltree_ops (siglen = 100)"), None);
        assert_eq!(kept("gin", "public.gin_trgm_ops").as_deref(), Some("gin_trgm_ops"));
        assert_eq!(kept("gist", "inet_ops").as_deref(), Some("inet_ops"));
        assert_eq!(
            kept("brin", "int4_minmax_multi_ops (values_per_range='8')").as_deref(),
            Some("int4_minmax_multi_ops")
        );
    }
}
