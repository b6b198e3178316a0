//! The SQL functions.

use pgrx::datum::{Interval, TimestampWithTimeZone};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{JsonB, Uuid};

use super::check::{Problem, check};
use super::drift::{self, Drift};
use super::instance::Instance;
use super::instance::Phase;
use super::resync::{Outcome, resync};
use super::schedule::{gantt, gantt_rows, in_depth, progress, ready_tasks, scheduled, tasks_at_risk, timestamp};
use super::sql::{Db, comparing, connected};
use super::{PlanError, compare, ids, import, instantiate, register, revise};

/// Key of the copy of a template row: version 5 of `name` in the name space of the instance.
#[pg_extern(schema = "canon", immutable, strict, parallel_safe)]
fn plan_id(instance: Uuid, name: &str) -> Uuid {
    ids::of_name(instance, name)
}

/// Makes a hierarchy known.
#[pg_extern(schema = "canon", volatile, strict, parallel_unsafe)]
fn plan_register(plan: &str, definition: JsonB) -> Result<i32, ErrorReport> {
    Ok(connected(|| register::register(plan, definition.0))?)
}

/// Creates the triggers of a registered plan.
#[pg_extern(schema = "canon", volatile, strict, parallel_unsafe)]
fn plan_protect(plan: &str) -> Result<i32, ErrorReport> {
    Ok(connected(|| register::protect(plan))?)
}

/// Creates the tables that keep the lineage of instances.
#[pg_extern(schema = "canon", volatile, strict, parallel_unsafe)]
fn plan_store(schema: &str) -> Result<(), ErrorReport> {
    Ok(connected(|| register::create_store(schema))?)
}

/// Forgets a hierarchy.
#[pg_extern(schema = "canon", volatile, strict, parallel_unsafe)]
fn plan_unregister(plan: &str) -> Result<bool, ErrorReport> {
    Ok(connected(|| register::unregister(plan))?)
}

/// Copies a template for a run.
#[pg_extern(schema = "canon", volatile, strict, parallel_unsafe)]
fn plan_instantiate(template: &str, run: &str, options: default!(JsonB, "'{}'")) -> Result<JsonB, ErrorReport> {
    Ok(JsonB(comparing(|| instantiate::instantiate(template, run, options.0))?))
}

/// Copies a template for a run, both with keys of type uuid.
#[pg_extern(schema = "canon", name = "plan_instantiate", volatile, strict, parallel_unsafe)]
fn plan_instantiate_uuid(template: Uuid, run: Uuid, options: default!(JsonB, "'{}'")) -> Result<JsonB, ErrorReport> {
    let (template, run) = (template.to_string(), run.to_string());
    Ok(JsonB(comparing(|| instantiate::instantiate(&template, &run, options.0))?))
}

/// When every row of an instance can and must happen.
#[pg_extern(schema = "canon", stable, strict, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn plan_schedule(
    instance: Uuid,
    options: default!(JsonB, "'{}'"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(level, String),
            name!(node, Uuid),
            name!(template, String),
            name!(depth, i32),
            name!(label, Option<String>),
            name!(status, Option<String>),
            name!(early_start, Option<TimestampWithTimeZone>),
            name!(early_finish, Option<TimestampWithTimeZone>),
            name!(late_start, Option<TimestampWithTimeZone>),
            name!(late_finish, Option<TimestampWithTimeZone>),
            name!(total_slack, Interval),
            name!(free_slack, Interval),
            name!(critical, bool),
        ),
    >,
    ErrorReport,
> {
    let found = connected(|| scheduled(instance, options.0))?;
    let row = |(number, depth): (u32, usize)| {
        let (node, timing) = (&found.instance.nodes[number as usize], &found.schedule.timings[number as usize]);
        (
            found.instance.level_name(node).to_owned(),
            node.id,
            node.template.clone(),
            depth as i32,
            node.label.clone(),
            node.status.clone(),
            timestamp(timing.early_start_us),
            timestamp(timing.early_finish_us),
            timestamp(timing.late_start_us),
            timestamp(timing.late_finish_us),
            Interval::from_micros(timing.total_slack_us),
            Interval::from_micros(timing.free_slack_us),
            timing.critical,
        )
    };
    Ok(TableIterator::new(in_depth(&found.instance).into_iter().map(row).collect::<Vec<_>>()))
}

/// One longest chain of tasks.
#[pg_extern(schema = "canon", stable, strict, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn plan_critical_path(
    instance: Uuid,
    options: default!(JsonB, "'{}'"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(position, i32),
            name!(level, String),
            name!(node, Uuid),
            name!(template, String),
            name!(label, Option<String>),
            name!(start, Option<TimestampWithTimeZone>),
            name!(finish, Option<TimestampWithTimeZone>),
        ),
    >,
    ErrorReport,
> {
    let found = connected(|| scheduled(instance, options.0))?;
    let row = |(position, number): (i32, &u32)| {
        let (node, timing) = (&found.instance.nodes[*number as usize], &found.schedule.timings[*number as usize]);
        (
            position,
            found.instance.level_name(node).to_owned(),
            node.id,
            node.template.clone(),
            node.label.clone(),
            timestamp(timing.early_start_us),
            timestamp(timing.early_finish_us),
        )
    };
    Ok(TableIterator::new((1..).zip(&found.schedule.critical_path).map(row).collect::<Vec<_>>()))
}

/// Tasks that can be started now, of one team or of all.
#[pg_extern(schema = "canon", stable, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn plan_ready(
    instance: Uuid,
    team: default!(Option<&str>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(level, String),
            name!(node, Uuid),
            name!(template, String),
            name!(label, Option<String>),
            name!(status, Option<String>),
            name!(team, Option<String>),
            name!(minutes, Option<i64>),
        ),
    >,
    ErrorReport,
> {
    let (instance, ready) = connected(|| ready_tasks(instance, team))?;
    let row = |number: u32| {
        let node = &instance.nodes[number as usize];
        let level = instance.level_name(node).to_owned();
        let (label, status, team) = (node.label.clone(), node.status.clone(), node.team.clone());
        (level, node.id, node.template.clone(), label, status, team, node.minutes)
    };
    Ok(TableIterator::new(ready.into_iter().map(row).collect::<Vec<_>>()))
}

/// Tasks that wait for one that has failed or is blocked.
#[pg_extern(schema = "canon", stable, strict, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn plan_at_risk(
    instance: Uuid,
) -> Result<
    TableIterator<
        'static,
        (
            name!(level, String),
            name!(node, Uuid),
            name!(label, Option<String>),
            name!(status, Option<String>),
            name!(cause, Uuid),
            name!(cause_label, Option<String>),
            name!(cause_status, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let (instance, found) = connected(|| tasks_at_risk(instance))?;
    let row = |(number, cause): (u32, u32)| {
        let (node, cause) = (&instance.nodes[number as usize], &instance.nodes[cause as usize]);
        let level = instance.level_name(node).to_owned();
        let (label, status) = (node.label.clone(), node.status.clone());
        (level, node.id, label, status, cause.id, cause.label.clone(), cause.status.clone())
    };
    Ok(TableIterator::new(found.into_iter().map(row).collect::<Vec<_>>()))
}

/// How far every row of an instance has come.
#[pg_extern(schema = "canon", stable, strict, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn plan_progress(
    instance: Uuid,
) -> Result<
    TableIterator<
        'static,
        (
            name!(level, String),
            name!(node, Uuid),
            name!(depth, i32),
            name!(label, Option<String>),
            name!(status, Option<String>),
            name!(tasks, i64),
            name!(open, i64),
            name!(running, i64),
            name!(done, i64),
            name!(cancelled, i64),
            name!(held, i64),
            name!(percent_by_count, Option<f64>),
            name!(percent_by_duration, Option<f64>),
            name!(percent_by_item, Option<f64>),
            name!(derived, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let instance = connected(|| Instance::read(&Db::reading(), instance, false))?;
    let sums = progress(&instance);
    let row = |(number, depth): (u32, usize)| {
        let (node, sum) = (&instance.nodes[number as usize], &sums[number as usize]);
        let derived = sum.derived().map(|phase| {
            match phase {
                Phase::Open => "open",
                Phase::Running => "running",
                Phase::Done => "done",
                Phase::Cancelled => "cancelled",
                Phase::Held => "held",
            }
            .to_owned()
        });
        (
            instance.level_name(node).to_owned(),
            node.id,
            depth as i32,
            node.label.clone(),
            node.status.clone(),
            sum.tasks,
            sum.open,
            sum.running,
            sum.done,
            sum.cancelled,
            sum.held,
            sum.by_count(),
            sum.by_duration(),
            sum.by_item(),
            derived,
        )
    };
    Ok(TableIterator::new(in_depth(&instance).into_iter().map(row).collect::<Vec<_>>()))
}

/// The schedule as a picture or a text that becomes one.
#[pg_extern(schema = "canon", stable, strict, parallel_unsafe)]
fn plan_gantt(
    instance: Uuid,
    format: default!(&str, "'svg'"),
    options: default!(JsonB, "'{}'"),
) -> Result<String, ErrorReport> {
    Ok(connected(|| {
        let plan = scheduled(instance, options.0)?;
        match format {
            "svg" => Ok(gantt(&plan).svg()),
            "mermaid" => Ok(gantt(&plan).mermaid()),
            "json" => Ok(gantt_rows(&plan).to_string()),
            _ => Err(PlanError::Argument {
                what: format!("\"{format}\" is no format of a Gantt chart"),
                hint: "Formats: svg, mermaid, json.".to_owned(),
            }
            .into()),
        }
    })?)
}

/// How an instance differs from its template.
#[pg_extern(schema = "canon", stable, strict, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn plan_drift(
    instance: Uuid,
) -> Result<
    TableIterator<
        'static,
        (
            name!(level, String),
            name!(template, String),
            name!(node, Option<Uuid>),
            name!(kind, String),
            name!(field, Option<String>),
            name!(template_value, Option<String>),
            name!(instance_value, Option<String>),
            name!(base_value, Option<String>),
            name!(overridden, bool),
            name!(started, bool),
        ),
    >,
    ErrorReport,
> {
    let found = comparing(|| drift::compare(&Db::reading(), instance))?;
    let row = |d: &Drift| {
        (
            found.instance.mapping.levels[d.level].level.clone(),
            d.template.clone(),
            d.node,
            d.kind.name().to_owned(),
            d.field.clone(),
            d.template_value.clone(),
            d.instance_value.clone(),
            d.base_value.clone(),
            d.overridden,
            d.started,
        )
    };
    Ok(TableIterator::new(found.rows.iter().map(row).collect::<Vec<_>>()))
}

/// Lets an instance follow its template.
#[pg_extern(schema = "canon", volatile, strict, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn plan_resync(
    instance: Uuid,
    mode: default!(&str, "'preview'"),
    force: default!(bool, "false"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(level, String),
            name!(template, String),
            name!(node, Option<Uuid>),
            name!(kind, String),
            name!(field, Option<String>),
            name!(template_value, Option<String>),
            name!(instance_value, Option<String>),
            name!(outcome, String),
        ),
    >,
    ErrorReport,
> {
    let found = comparing(|| match mode {
        "preview" => resync(instance, false, force),
        "apply" => resync(instance, true, force),
        _ => Err(PlanError::Argument {
            what: format!("\"{mode}\" is no mode of a resync"),
            hint: "Modes: preview, apply.".to_owned(),
        }
        .into()),
    })?;
    let row = |d: &Drift| {
        (
            found.instance.mapping.levels[d.level].level.clone(),
            d.template.clone(),
            d.node,
            d.kind.name().to_owned(),
            d.field.clone(),
            d.template_value.clone(),
            d.instance_value.clone(),
            Outcome::of(d).name().to_owned(),
        )
    };
    Ok(TableIterator::new(found.rows.iter().map(row).collect::<Vec<_>>()))
}

/// What is wrong with a template.
#[pg_extern(schema = "canon", stable, strict, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn plan_check(
    template: &str,
) -> Result<
    TableIterator<
        'static,
        (
            name!(severity, String),
            name!(problem, String),
            name!(level, String),
            name!(key, String),
            name!(label, Option<String>),
            name!(detail, String),
        ),
    >,
    ErrorReport,
> {
    let problems = connected(|| check(&Db::reading(), template))?;
    let row = |p: Problem| (p.severity.to_owned(), p.problem.to_owned(), p.level, p.key, p.label, p.detail);
    Ok(TableIterator::new(problems.into_iter().map(row).collect::<Vec<_>>()))
}

/// Two instances of one template, task by task.
#[pg_extern(schema = "canon", stable, strict, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn plan_compare(
    first: Uuid,
    second: Uuid,
) -> Result<
    TableIterator<
        'static,
        (
            name!(template, String),
            name!(label, Option<String>),
            name!(first_status, Option<String>),
            name!(second_status, Option<String>),
            name!(first_planned, Option<i64>),
            name!(second_planned, Option<i64>),
            name!(first_actual, Option<f64>),
            name!(second_actual, Option<f64>),
            name!(first_bottleneck, Option<bool>),
            name!(second_bottleneck, Option<bool>),
        ),
    >,
    ErrorReport,
> {
    let pairs = connected(|| compare::compare(first, second))?;
    let row = |p: compare::Pair| {
        let (a, b) = (p.first.as_ref(), p.second.as_ref());
        (
            p.template,
            p.label,
            a.and_then(|s| s.status.clone()),
            b.and_then(|s| s.status.clone()),
            a.and_then(|s| s.planned_minutes),
            b.and_then(|s| s.planned_minutes),
            a.and_then(|s| s.actual_minutes),
            b.and_then(|s| s.actual_minutes),
            a.map(|s| s.bottleneck),
            b.map(|s| s.bottleneck),
        )
    };
    Ok(TableIterator::new(pairs.into_iter().map(row).collect::<Vec<_>>()))
}

/// Writes what an instance row has learnt into its template row.
#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn plan_promote(
    instance: Uuid,
    node: Uuid,
    mode: default!(&str, "'preview'"),
    reason: default!(Option<&str>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (name!(field, String), name!(template_value, Option<String>), name!(instance_value, Option<String>)),
    >,
    ErrorReport,
> {
    let promoted = comparing(|| match mode {
        "preview" => revise::promote(instance, node, false, reason),
        "apply" => revise::promote(instance, node, true, reason),
        _ => Err(PlanError::Argument {
            what: format!("\"{mode}\" is no mode of a promotion"),
            hint: "Modes: preview, apply.".to_owned(),
        }
        .into()),
    })?;
    Ok(TableIterator::new(promoted.into_iter().map(|p| (p.field, p.before, p.after)).collect::<Vec<_>>()))
}

/// Copies a template under another name.
#[pg_extern(schema = "canon", volatile, strict, parallel_unsafe)]
fn plan_clone(template: &str, name: &str) -> Result<String, ErrorReport> {
    Ok(connected(|| revise::clone(template, name))?)
}

/// Imports a batch of staged rows into a template.
#[pg_extern(schema = "canon", volatile, parallel_unsafe)]
fn plan_import(
    batch: Uuid,
    partial: default!(bool, "false"),
    plan: default!(Option<&str>, "NULL"),
) -> Result<JsonB, ErrorReport> {
    Ok(JsonB(connected(|| import::import(batch, partial, plan))?))
}

/// What is wrong with a batch of staged rows.
#[pg_extern(schema = "canon", stable, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the macro reads the columns from the type")]
fn plan_import_problems(
    batch: Uuid,
    plan: default!(Option<&str>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(severity, String),
            name!(source, String),
            name!(row_key, String),
            name!(column_name, Option<String>),
            name!(value, Option<String>),
            name!(problem, String),
        ),
    >,
    ErrorReport,
> {
    let problems = connected(|| import::problems(batch, plan))?;
    let row = |p: import::Problem| (p.severity, p.source, p.row_key, p.column_name, p.value, p.problem);
    Ok(TableIterator::new(problems.into_iter().map(row).collect::<Vec<_>>()))
}
