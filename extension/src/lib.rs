//! pg_canon inside PostgreSQL: a thin shell over `canon-core`. No rule is decided here.
#![allow(unsafe_code, reason = "PostgreSQL's C interface")]

mod audit;
mod cache;
mod error;
mod guc;
mod limit;
mod ops;
mod packs;
mod plan;
mod queue;
mod shmem;
mod status;
mod subtransaction;
mod user;
mod worker;

#[cfg(not(panic = "unwind"))]
compile_error!("pg_canon must be built with panic = \"unwind\": a panic becomes an SQL error");

pgrx::pg_module_magic!(name, version);
pgrx::extension_sql_file!("../../sql/install/bootstrap.sql", name = "bootstrap", bootstrap);
pgrx::extension_sql_file!("../../sql/install/packs.sql", name = "packs", requires = ["bootstrap"]);
pgrx::extension_sql_file!(
    "../../sql/install/limits.sql",
    name = "limits",
    requires = ["bootstrap", cache::configuration_changed]
);
pgrx::extension_sql_file!(
    "../../sql/install/limits_rights.sql",
    name = "limits_rights",
    requires = [
        "limits",
        limit::api::rate_limit_refund,
        limit::api::rate_limit_reset,
        limit::api::rate_limit_inspect,
        limit::api::rate_limit_stats,
        limit::api::rate_limit_cleanup,
        limit::api::ratelimit_policy_header,
        limit::api::ratelimit_header,
        limit::quota::api::check_rate_limit_a,
        limit::quota::api::check_rate_limit_b,
        limit::usage::api::record_api_usage,
        limit::usage::api::get_quota_usage,
        limit::usage::api::cleanup_old_rate_limit_data,
        limit::usage::api::usage_flush,
        limit::table::expired,
        limit::table::rate_step
    ]
);
pgrx::extension_sql_file!(
    "../../sql/install/plan.sql",
    name = "plan",
    requires = ["bootstrap", cache::configuration_changed]
);
pgrx::extension_sql_file!("../../sql/install/comments.sql", name = "comments", finalize);

/// Every function of the extension lives in this schema. `bootstrap.sql` has created it already,
/// without `IF NOT EXISTS`; pgrx wants to see it declared.
#[pgrx::pg_schema]
mod canon {}

/// Runs when the library is loaded: at server start where it is preloaded, otherwise at its first
/// use in a session.
#[pgrx::pg_guard]
pub extern "C-unwind" fn _PG_init() {
    // Settings must be known before their prefix is reserved.
    limit::init();
    audit::init();
    guc::init();
    cache::init();
    worker::init();
}

/// The hooks `cargo pgrx test` looks for.
#[cfg(test)]
pub mod pg_test {
    /// One-off set-up: none.
    pub fn setup(_options: Vec<&str>) {}

    /// Settings of the test cluster.
    #[must_use]
    pub fn postgresql_conf_options() -> Vec<&'static str> {
        vec!["shared_preload_libraries = 'pg_canon'"]
    }
}

#[cfg(any(test, feature = "pg_test"))]
#[path = "../../pgrx-tests/mod.rs"]
mod pg_tests;
