//! Keys that follow from what they stand for, so that a repeated request finds its own rows.

use pgrx::Uuid;
use sha2::{Digest, Sha256};

/// Key of the instance of a template in a run.
pub(super) fn root(plan: &str, template: &str, run: &str, idempotency_key: &str) -> Uuid {
    // As JSON: no two requests have the same text.
    let name = serde_json::json!([plan, template, run, idempotency_key]).to_string();
    let space = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_DNS, b"plan.pg_canon");
    Uuid::from_bytes(uuid::Uuid::new_v5(&space, name.as_bytes()).into_bytes())
}

/// Key of the copy of a template row in an instance. `canon.plan_id` says the same in SQL.
pub(super) fn node(instance: Uuid, level: &str, key: &str) -> Uuid {
    of_name(instance, &format!("{level}:{key}"))
}

/// Version 5 of a name.
pub(super) fn of_name(space: Uuid, name: &str) -> Uuid {
    let space = uuid::Uuid::from_bytes(*space.as_bytes());
    Uuid::from_bytes(uuid::Uuid::new_v5(&space, name.as_bytes()).into_bytes())
}

/// Advisory lock of a template and a run.
pub(super) fn lock(plan: &str, template: &str, run: &str) -> i64 {
    let name = serde_json::json!(["plan", plan, template, run]).to_string();
    let digest = Sha256::digest(name.as_bytes());
    i64::from_be_bytes(std::array::from_fn(|at| digest[at]))
}
