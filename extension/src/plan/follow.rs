//! Trigger function: statuses of groups follow those of their tasks by themselves.

use std::cell::Cell;

use pgrx::heap_tuple::PgHeapTuple;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{AllocatedByRust, PgTriggerError, Uuid};

use super::act::Set;
use super::guard::{Changed, arguments, sets_one_of, while_set};
use super::instance::to_pg;
use super::mapping::{Kind, Level, Mapping, RollUp, Status};
use super::roll_up::roll_up;
use super::sql::{Db, connected, ident};
use crate::error;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Statement trigger of a task's or a gate's table.
#[pg_trigger(sql = "
CREATE FUNCTION canon.plan_follow() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
#[allow(clippy::needless_lifetimes, reason = "the macro wants them named")]
fn plan_follow<'a>(trigger: &'a PgTrigger<'a>) -> Result<Option<PgHeapTuple<'a, AllocatedByRust>>, PgTriggerError> {
    if let Err(error) = connected(|| follow(trigger)) {
        ErrorReport::from(error).report(PgLogLevel::ERROR);
    }
    Ok(None)
}

fn follow(trigger: &PgTrigger<'_>) -> error::Result<()> {
    let (mapping, level) = arguments(trigger, "canon.plan_follow")?;
    let level = &mapping.levels[level];
    let (Some(status), Some(parent)) = (&level.status, &level.instance_parent) else { return Ok(()) };
    if mapping.roll_up == RollUp::Manual || !sets_one_of(trigger, std::iter::once(status.column.as_str())) {
        return Ok(());
    }
    let changed = Changed::of(trigger, "canon.plan_follow")?;
    let (Some(before), Some(after)) = (changed.before, changed.after) else { return Ok(()) };
    let Some(above) = mapping.parent_of(level) else { return Ok(()) };
    let db = Db::latest();
    let sql = format!(
        "SELECT pg_catalog.json_agg(DISTINCT a.{}::text) FROM {} a JOIN {} b ON b.{key} OPERATOR(pg_catalog.=) a.{key} \
         WHERE a.{column}::text IS DISTINCT FROM b.{column}::text",
        ident(parent),
        ident(&after),
        ident(&before),
        key = ident(&level.instance_key),
        column = ident(&status.column),
    );
    let changed: Vec<uuid::Uuid> = db.list(&sql, &[])?;
    if changed.is_empty() {
        return Ok(());
    }
    let changed: Vec<Uuid> = changed.into_iter().map(to_pg).collect();
    // Two clients may finish the last two tasks of a group at once, and neither sees the other's. The
    // second one waits here, and then sees the first one's.
    hold(&db, above, changed.clone())?;
    if QUIET.get() {
        return Ok(());
    }
    let instances: Vec<uuid::Uuid> = db.list(&touched(&mapping, level), &[changed.into()])?;
    for instance in instances {
        self::groups(&mapping, to_pg(instance))?;
    }
    Ok(())
}

/// Keeps others from changing rows of a level, or holding them, until the end of the transaction.
fn hold(db: &Db, level: &Level, ids: Vec<Uuid>) -> error::Result<()> {
    let key = ident(&level.instance_key);
    let sql = format!(
        "SELECT FROM {} i WHERE i.{key} OPERATOR(pg_catalog.=) ANY ($1) ORDER BY i.{key} FOR NO KEY UPDATE",
        level.instance
    );
    db.run(&sql, &[ids.into()])?;
    Ok(())
}

/// Lets the groups of an instance follow their tasks, as its mapping wants it.
pub(super) fn groups(mapping: &Mapping, instance: Uuid) -> error::Result<Vec<Set>> {
    if mapping.roll_up == RollUp::Manual {
        return Ok(Vec::new());
    }
    hold(&Db::latest(), mapping.root(), vec![instance])?;
    roll_up(instance, mapping.roll_up == RollUp::Complete)
}

/// Runs `body` while changes of tasks have no consequences for their groups.
pub(super) fn quietly<T>(body: impl FnOnce() -> T) -> T {
    while_set(&QUIET, body)
}

/// Instances with one of these groups ($1) that may have to follow. Most changes concern nobody: the
/// group has begun, and some of its tasks are not over. To see that costs no look at the whole plan.
fn touched(mapping: &Mapping, level: &Level) -> String {
    let Some(above) = mapping.parent_of(level) else { return "SELECT NULL::json".to_owned() };
    let (row, joins) = mapping.joins_up(above);
    let key = ident(&above.instance_key);
    let is = |status: &Status, names: &[String]| {
        let (name, join) = status.name_of_row();
        let names: Vec<String> = names.iter().map(pgrx::spi::quote_literal).collect();
        (join, format!("{name} OPERATOR(pg_catalog.=) ANY (ARRAY[{}]::text[])", names.join(", ")))
    };
    let begun = above.status.as_ref().map(|status| {
        let (join, running) = is(status, &status.running);
        format!(
            "EXISTS (SELECT FROM {} i{join} WHERE i.{key} OPERATOR(pg_catalog.=) g.id AND {running})",
            above.instance
        )
    });
    let tasks = mapping.levels.iter().filter(|l| l.kind == Kind::Task && l.parent == level.parent);
    let unfinished: Vec<String> = tasks
        .filter_map(|task| Some((task, task.status.as_ref()?, task.instance_parent.as_ref()?)))
        .map(|(task, status, parent)| {
            let (join, over) = is(status, &[status.done.as_slice(), &status.cancelled].concat());
            format!(
                "EXISTS (SELECT FROM {} i{join} WHERE i.{} OPERATOR(pg_catalog.=) g.id AND ({over}) IS NOT TRUE)",
                task.instance,
                ident(parent)
            )
        })
        .collect();
    let quiet = match (begun, unfinished.is_empty()) {
        (Some(begun), false) => format!("{begun} AND ({})", unfinished.join(" OR ")),
        _ => "false".to_owned(),
    };
    // Further dependencies may make anything wait for a single task.
    let more = format!(
        "EXISTS (SELECT FROM {} d WHERE d.plan OPERATOR(pg_catalog.=) {})",
        mapping.store("plan_dependency"),
        pgrx::spi::quote_literal(&mapping.plan)
    );
    format!(
        "SELECT pg_catalog.json_agg(DISTINCT i.{root}::text) FROM pg_catalog.unnest($1) AS g (id) \
         JOIN {table} {row} ON {row}.{key} OPERATOR(pg_catalog.=) g.id{joins} WHERE NOT ({quiet}) OR {more}",
        root = ident(&mapping.root().instance_key),
        table = above.instance,
    )
}
