//! When things can and must happen: schedule, critical path, ready set, progress, pictures.

use std::collections::HashMap;

use canon_core::plan::{Bar, Frame, Gantt, Schedule, at_risk, ready, schedule};
use pgrx::datum::TimestampWithTimeZone;
use pgrx::{Uuid, pg_sys};
use serde::Deserialize;
use serde_json::Value;

use super::error::PlanError;
use super::instance::{Instance, Phase};
use super::mapping::Kind;
use super::sql::{Db, ident};
use crate::error::Result;

/// Microseconds from the Unix epoch to PostgreSQL's.
const PG_EPOCH_US: i64 = 946_684_800_000_000;

/// What a caller may choose.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Options {
    /// Start of the plan, instead of its own or the run's.
    start: Option<String>,
    /// The present; open tasks do not start before it. `null` or absent: the start of the plan.
    now: Option<String>,
    /// What if: minutes by instance key or template key of a task.
    durations: HashMap<String, i64>,
    /// Groups below one parent run in their order even where no predecessor says so.
    ordered: bool,
}

/// An instance with its schedule.
pub(super) struct Scheduled {
    pub(super) instance: Instance,
    pub(super) schedule: Schedule,
}

impl Options {
    pub(super) fn read(options: Value) -> Result<Self> {
        let wrong = |why: String| PlanError::Argument {
            what: format!("wrong options: {why}"),
            hint: "Known keys: start, now, durations, ordered.".to_owned(),
        };
        // A list would be taken for the values in their order.
        if !options.is_object() {
            return Err(wrong("they are no JSON object".to_owned()).into());
        }
        Ok(serde_json::from_value(options).map_err(|error| wrong(error.to_string()))?)
    }
}

/// Schedules an instance.
pub(super) fn scheduled(id: Uuid, options: Value) -> Result<Scheduled> {
    let options = Options::read(options)?;
    let db = Db::reading();
    let instance = Instance::read(&db, id, options.ordered)?;
    let start_us = match &options.start {
        Some(text) => time(&db, text)?,
        None => planned_start(&db, &instance, id)?,
    };
    let now_us = options.now.as_deref().map(|text| time(&db, text)).transpose()?;
    let mut minutes = HashMap::new();
    for (key, value) in &options.durations {
        let is_meant = |node: &super::instance::Node| node.template == *key || node.id.to_string() == *key;
        let Some((number, _)) = instance.tasks().find(|(_, node)| is_meant(node)) else {
            return Err(PlanError::Argument {
                what: format!("wrong options: durations names {key}, which is no task of this instance"),
                hint: format!("SELECT level, node, template FROM canon.plan_schedule('{id}');"),
            }
            .into());
        };
        if *value < 0 {
            let what = format!("wrong options: the duration of {key} is negative");
            return Err(PlanError::Argument { what, hint: "Pass minutes, 0 or more.".to_owned() }.into());
        }
        minutes.insert(number, *value);
    }
    let schedule = schedule(&instance.graph, &instance.schedule_tasks(&minutes), Frame { start_us, now_us });
    Ok(Scheduled { instance, schedule })
}

/// The start of the root, else of the run, else the present.
fn planned_start(db: &Db, instance: &Instance, id: Uuid) -> Result<i64> {
    if let Some(start) = instance.nodes.first().and_then(|n| n.start_us) {
        return Ok(start);
    }
    let (root, run) = (instance.mapping.root(), &instance.mapping.run);
    let of_run: Option<i64> = match &run.start {
        None => None,
        Some(start) => db.json(
            &format!(
                "SELECT pg_catalog.to_json((EXTRACT(epoch FROM r.{}::timestamptz) OPERATOR(pg_catalog.*) 1000000)::int8) \
                 FROM {} i JOIN {} r ON r.{} OPERATOR(pg_catalog.=) i.{} WHERE i.{} OPERATOR(pg_catalog.=) $1",
                ident(start),
                root.instance,
                run.table,
                ident(&run.key),
                ident(&run.instance),
                ident(&root.instance_key)
            ),
            &[id.into()],
        )?,
    };
    Ok(of_run.unwrap_or_else(present_us))
}

/// A point in time as PostgreSQL has it; none beyond what it can hold.
pub(super) fn timestamp(us: i64) -> Option<TimestampWithTimeZone> {
    TimestampWithTimeZone::try_from(us.checked_sub(PG_EPOCH_US)?).ok()
}

/// Time of the transaction.
pub(super) fn present_us() -> i64 {
    // SAFETY: reads a value of the running transaction.
    unsafe { pg_sys::GetCurrentTransactionStartTimestamp() }.saturating_add(PG_EPOCH_US)
}

/// The server's own error names a text that is no time.
fn time(db: &Db, text: &str) -> Result<i64> {
    let us: Option<i64> = db.json(
        "SELECT pg_catalog.to_json(CASE WHEN $1::timestamptz OPERATOR(pg_catalog.>=) '0001-01-01 00:00+00' \
             AND $1::timestamptz OPERATOR(pg_catalog.<) '10000-01-01 00:00+00' \
             THEN (EXTRACT(epoch FROM $1::timestamptz) OPERATOR(pg_catalog.*) 1000000)::int8 END)",
        &[text.into()],
    )?;
    Ok(us.ok_or_else(|| PlanError::Argument {
        what: format!("wrong options: nothing can be scheduled at {text}"),
        hint: "Pass a time between the years 1 and 9999, such as \"2026-03-14 20:00+00\".".to_owned(),
    })?)
}

/// The tasks that nothing holds back, of one team or of all.
pub(super) fn ready_tasks(id: Uuid, team: Option<&str>) -> Result<(Instance, Vec<u32>)> {
    let instance = Instance::read(&Db::reading(), id, false)?;
    let found = ready(&instance.graph, &instance.states(), present_us());
    let is_wanted = |n: &u32| {
        let node = &instance.nodes[*n as usize];
        let has_team = instance.mapping.levels[node.level].team.is_none() || node.team.is_some();
        instance.kind(node) == Kind::Task && has_team && team.is_none_or(|t| node.team.as_deref() == Some(t))
    };
    let order = in_depth(&instance).into_iter().map(|(number, _)| number);
    let found = order.filter(|n| found.binary_search(n).is_ok() && is_wanted(n)).collect();
    Ok((instance, found))
}

/// Open tasks behind one that has failed or is blocked, with that one.
pub(super) fn tasks_at_risk(id: Uuid) -> Result<(Instance, Vec<(u32, u32)>)> {
    let instance = Instance::read(&Db::reading(), id, false)?;
    let is_held = |node: &super::instance::Node| instance.kind(node) == Kind::Task && node.phase == Phase::Held;
    let held: Vec<bool> = instance.nodes.iter().map(is_held).collect();
    let causes = at_risk(&instance.graph, &held);
    let open = |number: &u32| {
        let node = &instance.nodes[*number as usize];
        instance.kind(node) == Kind::Task && node.phase == Phase::Open
    };
    let order = in_depth(&instance).into_iter().map(|(number, _)| number).filter(open);
    let found = order.filter_map(|n| Some((n, causes[n as usize]?))).collect();
    Ok((instance, found))
}

/// How far a node has come: sums over the tasks below it, or over the task itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    pub(super) tasks: i64,
    pub(super) open: i64,
    pub(super) running: i64,
    pub(super) done: i64,
    pub(super) cancelled: i64,
    pub(super) held: i64,
    /// At work or done, or held after it had begun.
    pub(super) begun: i64,
    pub(super) minutes: i64,
    pub(super) minutes_done: i64,
    pub(super) items: i64,
    pub(super) items_done: i64,
}

impl Progress {
    fn add(&mut self, other: Self) {
        self.tasks += other.tasks;
        self.open += other.open;
        self.running += other.running;
        self.done += other.done;
        self.cancelled += other.cancelled;
        self.held += other.held;
        self.begun += other.begun;
        self.minutes += other.minutes;
        self.minutes_done += other.minutes_done;
        self.items += other.items;
        self.items_done += other.items_done;
    }

    /// Of the tasks that will be done at all, how many are.
    pub(super) fn by_count(&self) -> Option<f64> {
        share(self.done, self.tasks - self.cancelled)
    }

    pub(super) fn by_duration(&self) -> Option<f64> {
        share(self.minutes_done, self.minutes)
    }

    pub(super) fn by_item(&self) -> Option<f64> {
        share(self.items_done, self.items)
    }

    /// What the status of a group would be by its tasks.
    pub(super) fn derived(&self) -> Option<Phase> {
        match self {
            Self { tasks: 0, .. } => None,
            Self { tasks, cancelled, .. } if tasks == cancelled => Some(Phase::Cancelled),
            Self { tasks, cancelled, done, .. } if *tasks == cancelled + done => Some(Phase::Done),
            Self { begun: 0, .. } => Some(Phase::Open),
            _ => Some(Phase::Running),
        }
    }
}

fn share(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| (part as f64 * 1000.0 / whole as f64).round() / 10.0)
}

/// Progress of every node, by number.
pub(super) fn progress(instance: &Instance) -> Vec<Progress> {
    let mut sums = vec![Progress::default(); instance.nodes.len()];
    for (number, node) in instance.tasks() {
        let is = |phase| i64::from(node.phase == phase);
        let counted = i64::from(node.phase != Phase::Cancelled);
        let minutes = node.minutes.unwrap_or(0) * counted;
        sums[number as usize] = Progress {
            tasks: 1,
            open: is(Phase::Open),
            running: is(Phase::Running),
            done: is(Phase::Done),
            cancelled: is(Phase::Cancelled),
            held: is(Phase::Held),
            begun: i64::from(instance.has_begun(node)),
            minutes,
            minutes_done: minutes * is(Phase::Done),
            items: node.items * counted,
            items_done: node.items_done * counted,
        };
    }
    // Parents stand before their children.
    for number in (0..instance.nodes.len()).rev() {
        if let Some(parent) = instance.nodes[number].parent {
            let below = sums[number];
            sums[parent as usize].add(below);
        }
    }
    sums
}

/// The instance as a chart, rows in the order of the hierarchy.
pub(super) fn gantt(scheduled: &Scheduled) -> Gantt {
    let Scheduled { instance, schedule } = scheduled;
    let rows = in_depth(instance);
    let place: HashMap<u32, usize> = rows.iter().enumerate().map(|(at, (n, _))| (*n, at)).collect();
    let sums = progress(instance);
    let bars = rows
        .iter()
        .map(|(number, depth)| {
            let (node, timing) = (&instance.nodes[*number as usize], &schedule.timings[*number as usize]);
            Bar {
                label: node.label.clone().unwrap_or_else(|| node.template.clone()),
                depth: *depth,
                group: instance.kind(node) != Kind::Task,
                start_us: timing.early_start_us,
                finish_us: timing.early_finish_us,
                percent: sums[*number as usize].by_count().map_or(0, |p| p as u8),
                critical: timing.critical,
                after: node.predecessor.and_then(|p| place.get(&p).copied()).into_iter().collect(),
            }
        })
        .collect();
    let title = instance.nodes.first().and_then(|n| n.label.clone()).unwrap_or_else(|| instance.mapping.plan.clone());
    let start_label = timestamp(schedule.start_us).map_or_else(String::new, |t| t.to_string());
    Gantt { title, start_label, bars }
}

/// The rows of a chart as a JSON list.
pub(super) fn gantt_rows(scheduled: &Scheduled) -> Value {
    let Scheduled { instance, schedule } = scheduled;
    let sums = progress(instance);
    let row = |(number, depth): (u32, usize)| {
        let (node, timing) = (&instance.nodes[number as usize], &schedule.timings[number as usize]);
        let time = |us: i64| timestamp(us).and_then(|t| serde_json::to_value(t).ok());
        let after = node.predecessor.map(|p| instance.nodes[p as usize].id.to_string());
        serde_json::json!({
            "level": instance.level_name(node),
            "node": node.id.to_string(),
            "depth": depth,
            "code": node.code,
            "label": node.label,
            "status": node.status,
            "start": time(timing.early_start_us),
            "finish": time(timing.early_finish_us),
            "minutes": timing.early_finish_us.saturating_sub(timing.early_start_us) / 60_000_000,
            "after": after.into_iter().collect::<Vec<_>>(),
            "critical": timing.critical,
            "percent": sums[number as usize].by_count(),
        })
    };
    in_depth(instance).into_iter().map(row).collect()
}

/// Nodes with their depth, each followed by its children.
pub(super) fn in_depth(instance: &Instance) -> Vec<(u32, usize)> {
    let mut children: HashMap<Option<u32>, Vec<u32>> = HashMap::new();
    for (number, node) in (0u32..).zip(&instance.nodes) {
        children.entry(node.parent).or_default().push(number);
    }
    let mut rows = Vec::with_capacity(instance.nodes.len());
    let mut stack: Vec<(u32, usize)> = children.get(&None).into_iter().flatten().rev().map(|n| (*n, 0)).collect();
    while let Some((number, depth)) = stack.pop() {
        rows.push((number, depth));
        stack.extend(children.get(&Some(number)).into_iter().flatten().rev().map(|n| (*n, depth + 1)));
    }
    rows
}
