//! The SQL functions that change the rows of an instance.

use pgrx::Uuid;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::act::Set;
use super::error::given;
use super::sql::connected;
use super::{act, roll_up};

type SetRow = (String, Uuid, Option<String>, Option<String>, String);

fn set_rows(sets: Vec<Set>) -> TableIterator<'static, SetRow> {
    let row = |s: Set| (s.level, s.node, s.label, s.before, s.after);
    TableIterator::new(sets.into_iter().map(row).collect::<Vec<_>>())
}

/// Cancels a row of an instance with all below it.
#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn plan_cancel(
    node: Option<Uuid>,
    reason: Option<&str>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(level, String),
            name!(node, Uuid),
            name!(label, Option<String>),
            name!(before, Option<String>),
            name!(after, String),
        ),
    >,
    ErrorReport,
> {
    Ok(set_rows(connected(|| act::cancel_node(given(node, "node")?, given(reason, "reason")?))?))
}

/// Skips a task that has not begun.
#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn plan_skip(
    task: Option<Uuid>,
    reason: Option<&str>,
    policy: default!(Option<&str>, "'continue'"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(level, String),
            name!(node, Uuid),
            name!(label, Option<String>),
            name!(before, Option<String>),
            name!(after, String),
        ),
    >,
    ErrorReport,
> {
    Ok(set_rows(connected(|| {
        let policy = act::Policy::read(given(policy, "policy")?)?;
        act::skip(given(task, "task")?, given(reason, "reason")?, policy)
    })?))
}

/// Takes a gate out of the way.
#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn plan_override_gate(
    gate: Option<Uuid>,
    reason: Option<&str>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(level, String),
            name!(node, Uuid),
            name!(label, Option<String>),
            name!(before, Option<String>),
            name!(after, String),
        ),
    >,
    ErrorReport,
> {
    Ok(set_rows(vec![connected(|| act::override_gate(given(gate, "gate")?, given(reason, "reason")?))?]))
}

/// Lets groups and the plan follow their tasks.
#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn plan_roll_up(
    instance: Option<Uuid>,
    complete: default!(Option<bool>, "true"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(level, String),
            name!(node, Uuid),
            name!(label, Option<String>),
            name!(before, Option<String>),
            name!(after, String),
        ),
    >,
    ErrorReport,
> {
    Ok(set_rows(connected(|| roll_up::roll_up(given(instance, "instance")?, given(complete, "complete")?))?))
}
