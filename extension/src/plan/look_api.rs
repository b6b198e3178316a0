//! The SQL functions that look at an instance: times, order, progress, pictures.

use pgrx::datum::{Interval, TimestampWithTimeZone};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{JsonB, Uuid};

use super::error::given;
use super::instance::{Instance, Phase};
use super::schedule::{gantt, gantt_rows, in_depth, progress, ready_tasks, scheduled, tasks_at_risk, timestamp};
use super::sql::{Db, connected};
use super::{PlanError, compare};

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
    instance: Option<Uuid>,
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
    let (instance, ready) = connected(|| ready_tasks(given(instance, "instance")?, team))?;
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
