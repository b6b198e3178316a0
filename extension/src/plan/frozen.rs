//! Trigger function: an instance stays as it was when its execution began (BR103).

use std::cell::Cell;

use pgrx::heap_tuple::PgHeapTuple;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{AllocatedByRust, PgTriggerError};

use super::error::PlanError;
use super::guard::{Changed, arguments, sets_one_of};
use super::mapping::{Level, Mapping};
use super::sql::{Db, connected, ident};
use crate::error;

thread_local! {
    static UNFROZEN: Cell<bool> = const { Cell::new(false) };
}

/// Statement trigger of an instance's table: refuses what changes the make-up of a plan at work.
#[pg_trigger(sql = "
CREATE FUNCTION canon.plan_frozen() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
#[allow(clippy::needless_lifetimes, reason = "the macro wants them named")]
fn plan_frozen<'a>(trigger: &'a PgTrigger<'a>) -> Result<Option<PgHeapTuple<'a, AllocatedByRust>>, PgTriggerError> {
    if !UNFROZEN.get()
        && let Err(error) = connected(|| frozen(trigger))
    {
        ErrorReport::from(error).report(PgLogLevel::ERROR);
    }
    Ok(None)
}

fn frozen(trigger: &PgTrigger<'_>) -> error::Result<()> {
    let (mapping, level) = arguments(trigger, "canon.plan_frozen")?;
    let level = &mapping.levels[level];
    let columns = mapping.frozen_columns(level);
    let Some(status) = mapping.root().status.as_ref().filter(|_| sets_one_of(trigger, columns.iter().copied())) else {
        return Ok(());
    };
    let changed = Changed::of(trigger, "canon.plan_frozen")?;
    let at_work = [status.running.as_slice(), &status.done].concat();
    let found: Option<uuid::Uuid> =
        Db::latest().json(&at_work_sql(&mapping, level, &columns, &changed), &[at_work.into()])?;
    let Some(instance) = found.map(|id| id.to_string()) else { return Ok(()) };
    Err(match level.parent {
        None => PlanError::Moved { instance },
        Some(_) => PlanError::Frozen { instance },
    }
    .into())
}

/// One instance among those that a statement has changed whose status is one of $1. Rows that were
/// written with the values they had are not changed; a row that moves changes two instances.
fn at_work_sql(mapping: &Mapping, level: &Level, columns: &[&str], changed: &Changed) -> String {
    let key = ident(&level.instance_key);
    let place = ident(level.instance_parent.as_ref().unwrap_or(&level.instance_key));
    let values = |alias: &str| {
        let values: Vec<String> = columns.iter().map(|c| format!("{alias}.{}::text", ident(c))).collect();
        format!("ROW({})", values.join(", "))
    };
    let places = match (changed.before.as_deref().map(ident), changed.after.as_deref().map(ident)) {
        (Some(before), Some(after)) => format!(
            "SELECT DISTINCT p.place FROM {before} b FULL JOIN {after} a ON a.{key} OPERATOR(pg_catalog.=) b.{key} \
             CROSS JOIN LATERAL (VALUES (b.{place}), (a.{place})) AS p (place) WHERE {} IS DISTINCT FROM {}",
            values("b"),
            values("a"),
        ),
        (Some(one), None) | (None, Some(one)) => format!("SELECT DISTINCT r.{place} FROM {one} r"),
        (None, None) => return "SELECT NULL::json".to_owned(),
    };
    let Some(status) = &mapping.root().status else { return "SELECT NULL::json".to_owned() };
    let (name, join) = status.name_of_row();
    // A change of the plan itself is judged by what it was.
    let (table, key, (row, joins)) = match (mapping.parent_of(level), &changed.before) {
        (Some(above), _) => (above.instance.clone(), ident(&above.instance_key), mapping.joins_up(above)),
        (None, Some(before)) => (ident(before), key, mapping.joins_up(level)),
        (None, None) => (level.instance.clone(), key, mapping.joins_up(level)),
    };
    format!(
        "SELECT pg_catalog.to_json(i.{}) FROM {table} {row}{joins}{join} \
         WHERE {row}.{key} OPERATOR(pg_catalog.=) ANY (ARRAY({places})) AND {name} OPERATOR(pg_catalog.=) ANY ($1) LIMIT 1",
        ident(&mapping.root().instance_key),
    )
}

impl Mapping {
    /// Columns of an instance's level that make up the plan: what was copied, and places. The
    /// root's name may change; what it is an instance of may not.
    fn frozen_columns<'a>(&'a self, level: &'a Level) -> Vec<&'a str> {
        let parent = match &level.instance_parent {
            None => return vec![&level.instance_template, &self.run.instance],
            Some(parent) => parent,
        };
        let mut columns: Vec<&str> = level.copies.keys().map(String::as_str).collect();
        columns.push(parent);
        columns.extend(level.instance_predecessor.as_deref());
        columns
    }
}

/// Runs `body` while frozen plans can be changed.
pub(super) fn unfrozen<T>(body: impl FnOnce() -> T) -> T {
    super::guard::while_set(&UNFROZEN, body)
}
