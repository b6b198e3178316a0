//! `canon.plan_compare`: two instances of one template, task by task.

use std::collections::HashMap;

use pgrx::Uuid;

use super::error::PlanError;
use super::instance::{Instance, Node, Phase};
use super::mapping::Kind;
use super::schedule::{in_depth, present_us};
use super::sql::Db;
use crate::error::Result;

/// One task in two instances.
pub(super) struct Pair {
    pub(super) template: String,
    pub(super) label: Option<String>,
    pub(super) first: Option<Side>,
    pub(super) second: Option<Side>,
}

/// A task in one of them.
#[derive(Clone, Debug)]
pub(super) struct Side {
    pub(super) status: Option<String>,
    pub(super) planned_minutes: Option<i64>,
    /// From the actual start to the actual finish, or to now.
    pub(super) actual_minutes: Option<f64>,
    /// Finished, and took more than 1.2 times as long as planned; or not yet finished, and beyond
    /// 1.5 times.
    pub(super) bottleneck: bool,
}

/// Pairs the tasks of two instances by their template.
pub(super) fn compare(first: Uuid, second: Uuid) -> Result<Vec<Pair>> {
    let db = Db::reading();
    let (a, b) = (Instance::read(&db, first, false)?, Instance::read(&db, second, false)?);
    if a.mapping.plan != b.mapping.plan || a.nodes.first().map(|n| &n.template) != b.nodes.first().map(|n| &n.template)
    {
        return Err(PlanError::Argument {
            what: format!("instances {first} and {second} come from different templates"),
            hint: "SELECT instance, template, run FROM the table plan_run of the plan's store.".to_owned(),
        }
        .into());
    }
    let mut second: HashMap<&str, &Node> = b.tasks().map(|(_, n)| (n.template.as_str(), n)).collect();
    let mut pairs: Vec<Pair> = tasks(&a)
        .map(|node| Pair {
            template: node.template.clone(),
            label: node.label.clone(),
            first: Some(Side::of(node)),
            second: second.remove(node.template.as_str()).map(Side::of),
        })
        .collect();
    let rest = tasks(&b).filter(|n| second.contains_key(n.template.as_str()));
    pairs.extend(rest.map(|node| Pair {
        template: node.template.clone(),
        label: node.label.clone(),
        first: None,
        second: Some(Side::of(node)),
    }));
    Ok(pairs)
}

/// Tasks in the order of the hierarchy.
fn tasks(instance: &Instance) -> impl Iterator<Item = &Node> {
    let rows = in_depth(instance).into_iter().map(|(number, _)| &instance.nodes[number as usize]);
    rows.filter(|node| instance.kind(node) == Kind::Task)
}

impl Side {
    fn of(node: &Node) -> Self {
        let end = match node.phase {
            Phase::Done => node.finish_us,
            Phase::Running | Phase::Held => Some(present_us()),
            Phase::Open | Phase::Cancelled => None,
        };
        let actual = end.zip(node.start_us).map(|(end, start)| end.saturating_sub(start).max(0) as f64 / 60_000_000.0);
        let limit = if node.phase == Phase::Done { 1.2 } else { 1.5 };
        let planned = node.minutes.filter(|m| *m > 0);
        Self {
            status: node.status.clone(),
            planned_minutes: node.minutes,
            actual_minutes: actual.map(|m| (m * 10.0).round() / 10.0),
            bottleneck: actual.zip(planned).is_some_and(|(actual, planned)| actual > planned as f64 * limit),
        }
    }
}
