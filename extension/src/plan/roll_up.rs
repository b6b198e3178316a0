//! Statuses of groups and of the plan follow those of their tasks.

use std::collections::BTreeMap;

use canon_core::plan::ready;
use pgrx::Uuid;

use super::act::Set;
use super::instance::{Instance, Node, Phase};
use super::mapping::{Kind, Level, Status};
use super::schedule::{present_us, progress};
use super::sql::{Db, ident};
use crate::error::Result;

/// Why a status machine is told that a group is cancelled.
const ALL_CANCELLED: &str = "everything below it is cancelled";

/// What happens to a group.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Begin,
    Finish,
    Cancel,
}

/// Lets groups and the plan follow their tasks: begun when one has begun; done when all are over
/// and no gate is open, unless `complete` is false; cancelled when all are. A group without tasks
/// is done as soon as nothing before it is open. Nothing goes back.
pub(super) fn roll_up(id: Uuid, complete: bool) -> Result<Vec<Set>> {
    let db = Db::latest();
    // An order that contradicts the predecessors says nothing about who comes first.
    let mut instance = Instance::read(&db, id, true).or_else(|_| Instance::read(&db, id, false))?;
    let mut sets = Vec::new();
    loop {
        let steps = steps(&mut instance, complete);
        if steps.is_empty() {
            return Ok(sets);
        }
        let levels: Vec<usize> = instance.nodes.iter().map(|n| n.level).collect();
        for run in steps.chunk_by(|a, b| a.0 == b.0 && levels[a.1 as usize] == levels[b.1 as usize]) {
            let groups: Vec<u32> = run.iter().map(|(_, n)| *n).collect();
            let taken = take(&db, &instance, run[0].0, &groups)?;
            for (number, set) in groups.into_iter().zip(&taken) {
                instance.nodes[number as usize].status = Some(set.after.clone());
            }
            sets.extend(taken);
        }
    }
}

/// What is due, in an order in which each step finds those before it done; the instance is then as
/// if they were.
fn steps(instance: &mut Instance, complete: bool) -> Vec<(Step, u32)> {
    let sums = progress(instance);
    let reached = ready(&instance.graph, &instance.states(), present_us());
    let mut children: Vec<Vec<u32>> = vec![Vec::new(); instance.nodes.len()];
    for (number, node) in (0u32..).zip(&instance.nodes) {
        if let Some(parent) = node.parent {
            children[parent as usize].push(number);
        }
    }
    let events: Vec<(u32, bool)> = instance.graph.events().collect();
    let mut steps = Vec::new();
    for (number, at_end) in events {
        let node = &instance.nodes[number as usize];
        if instance.kind(node) == Kind::Task || instance.mapping.levels[node.level].status.is_none() {
            continue;
        }
        let below = &children[number as usize];
        let phase_of = |n: &u32| instance.nodes[*n as usize].phase;
        let derived = match sums[number as usize].derived() {
            // Groups below, none with a task: over when they are.
            None if !below.is_empty() && below.iter().all(|n| phase_of(n).is_over()) => Phase::Done,
            None if reached.binary_search(&number).is_ok() => Phase::Done,
            None => Phase::Open,
            Some(derived) => derived,
        };
        // Where groups are finished by hand, nothing is begun that has no task to begin it.
        let begins = derived == Phase::Running || (derived == Phase::Done && (complete || !below.is_empty()));
        let gates = node.gate_failed || node.gate_open;
        let ends = complete && !gates && below.iter().all(|n| is_settled(instance, *n));
        let step = match (at_end, node.phase, derived) {
            (false, Phase::Open, _) if begins => Step::Begin,
            (true, Phase::Open | Phase::Running, Phase::Cancelled) => Step::Cancel,
            (true, Phase::Running, Phase::Done) if ends => Step::Finish,
            _ => continue,
        };
        instance.nodes[number as usize].phase = match step {
            Step::Begin => Phase::Running,
            Step::Finish => Phase::Done,
            Step::Cancel => Phase::Cancelled,
        };
        steps.push((step, number));
    }
    steps
}

/// Whether a row holds the end of its group no more. Levels without a status never do.
fn is_settled(instance: &Instance, number: u32) -> bool {
    let node = &instance.nodes[number as usize];
    instance.mapping.levels[node.level].status.is_none() || node.phase.is_over()
}

/// One statement for the status, one for the times.
fn take(db: &Db, instance: &Instance, step: Step, groups: &[u32]) -> Result<Vec<Set>> {
    let named = |pick: fn(&Status) -> &Vec<String>| {
        move |level: &'_ Level| level.status.as_ref().and_then(|s| pick(s).first()).cloned()
    };
    // Times first: a status machine that stamps them keeps what is there.
    match step {
        Step::Begin => {
            instance.stamp(db, groups, |l| l.started_at.as_ref(), |n| n.start_us, false)?;
            instance.set_to(db, groups, named(|s| &s.running), None)
        }
        Step::Finish => {
            instance.stamp(db, groups, |l| l.finished_at.as_ref(), |n| n.finish_us, true)?;
            instance.set_to(db, groups, named(|s| &s.done), None)
        }
        Step::Cancel => instance.set_to(db, groups, named(|s| &s.cancelled), Some(ALL_CANCELLED)),
    }
}

impl Instance {
    /// Writes the time that the first task below began, or the last one finished, where a row has
    /// none yet.
    fn stamp(
        &self,
        db: &Db,
        chosen: &[u32],
        column: impl Fn(&Level) -> Option<&String>,
        time: impl Fn(&Node) -> Option<i64>,
        last: bool,
    ) -> Result<()> {
        let mut by_level: BTreeMap<usize, (Vec<Uuid>, Vec<Option<i64>>)> = BTreeMap::new();
        for number in chosen {
            let node = &self.nodes[*number as usize];
            let below = self.below(node.id);
            let times = below.iter().map(|n| &self.nodes[*n as usize]).filter(|n| self.kind(n) == Kind::Task);
            let times = times.filter_map(&time);
            let found = if last { times.max() } else { times.min() };
            let entry = by_level.entry(node.level).or_default();
            entry.0.push(node.id);
            entry.1.push(found);
        }
        for (position, (ids, times)) in by_level {
            let level = &self.mapping.levels[position];
            let Some(column) = column(level) else { continue };
            let sql = format!(
                "UPDATE {table} i SET {column} = COALESCE(pg_catalog.to_timestamp(v.us OPERATOR(pg_catalog./) 1000000.0), \
                 pg_catalog.now()) FROM {rows} AS v (id, us) \
                 WHERE i.{key} OPERATOR(pg_catalog.=) v.id AND i.{column} IS NULL",
                table = level.instance,
                column = ident(column),
                rows = super::sql::unnest(["$1".to_owned(), "$2".to_owned()]),
                key = ident(&level.instance_key),
            );
            db.run(&sql, &[ids.into(), times.into()])?;
        }
        Ok(())
    }
}
