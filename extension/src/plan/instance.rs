//! An instance as one graph, with what has happened to it.

use std::collections::HashMap;
use std::rc::Rc;

use canon_core::plan::{Graph, Progress, State, Task};
use pgrx::Uuid;

use super::mapping::{Kind, Level, Mapping};
use super::schedule::present_us;
use super::sql::{Db, ident};
use crate::error::Result;

/// A row of an instance that is a node of the graph.
#[derive(Debug)]
pub(super) struct Node {
    /// Position in [`Mapping::levels`].
    pub(super) level: usize,
    pub(super) id: Uuid,
    /// Position in [`Instance::nodes`].
    pub(super) parent: Option<u32>,
    pub(super) predecessor: Option<u32>,
    pub(super) template: String,
    pub(super) label: Option<String>,
    /// Its short code in the template.
    pub(super) code: Option<String>,
    pub(super) status: Option<String>,
    pub(super) phase: Phase,
    pub(super) start_us: Option<i64>,
    pub(super) finish_us: Option<i64>,
    /// Own minutes; for a task without, the sum of its items'.
    pub(super) minutes: Option<i64>,
    pub(super) team: Option<String>,
    pub(super) items: i64,
    pub(super) items_done: i64,
    /// A critical gate of it has failed, or is still open.
    pub(super) gate_failed: bool,
    pub(super) gate_open: bool,
}

/// What a status means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    #[default]
    Open,
    Running,
    Done,
    Cancelled,
    Held,
}

impl Phase {
    /// Whether nobody has to wait any more.
    pub(super) fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled)
    }
}

/// An instance.
pub(super) struct Instance {
    pub(super) mapping: Rc<Mapping>,
    pub(super) nodes: Vec<Node>,
    pub(super) graph: Graph,
}

impl Instance {
    pub(super) fn kind(&self, node: &Node) -> Kind {
        self.mapping.levels[node.level].kind
    }

    /// Whether a row of any level belongs to the instance.
    pub(super) fn has_row(&self, db: &Db, id: Uuid) -> Result<bool> {
        if self.nodes.iter().any(|n| n.id == id) {
            return Ok(true);
        }
        for level in self.mapping.levels.iter().filter(|l| !l.in_graph()) {
            let (row, joins) = self.mapping.joins_up(level);
            let root = &self.mapping.root().instance_key;
            let sql = format!(
                "SELECT pg_catalog.to_json(EXISTS (SELECT FROM {} {row}{joins} WHERE {row}.{} OPERATOR(pg_catalog.=) $1 \
                 AND i.{} OPERATOR(pg_catalog.=) $2))",
                level.instance,
                ident(&level.instance_key),
                ident(root),
            );
            let instance = self.nodes.first().map(|n| n.id);
            if db.json(&sql, &[id.into(), instance.into()])? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether work on a task has begun. One that is held may have been so before; its start tells,
    /// where the level has one.
    pub(super) fn has_begun(&self, node: &Node) -> bool {
        match node.phase {
            Phase::Running | Phase::Done => true,
            Phase::Held => node.start_us.is_some() || self.mapping.levels[node.level].started_at.is_none(),
            Phase::Open | Phase::Cancelled => false,
        }
    }

    pub(super) fn level_name(&self, node: &Node) -> &str {
        &self.mapping.levels[node.level].level
    }

    /// Numbers of the tasks.
    pub(super) fn tasks(&self) -> impl Iterator<Item = (u32, &Node)> {
        (0u32..).zip(&self.nodes).filter(|(_, n)| self.kind(n) == Kind::Task)
    }

    /// A node as people know it.
    pub(super) fn describe(&self, node: u32) -> String {
        let node = &self.nodes[node as usize];
        match &node.label {
            Some(label) => format!("{} \"{label}\"", self.level_name(node)),
            None => format!("{} {}", self.level_name(node), node.id),
        }
    }

    /// Nodes as the schedule sees them. `minutes` replaces durations.
    pub(super) fn schedule_tasks(&self, minutes: &HashMap<u32, i64>) -> Vec<Task> {
        let task = |(number, node): (u32, &Node)| {
            if self.kind(node) != Kind::Task {
                return Task::default();
            }
            let minutes = minutes.get(&number).copied().or(node.minutes).unwrap_or(0);
            Task { duration_us: minutes.saturating_mul(60_000_000), progress: node.progress() }
        };
        (0u32..).zip(&self.nodes).map(task).collect()
    }

    /// Nodes as the ready set sees them: a group's end waits for its gates, and for its own status
    /// where it has one.
    pub(super) fn states(&self) -> Vec<State> {
        let now_us = present_us();
        let state = |(number, node): (u32, &Node)| match (self.kind(node), node.phase) {
            (Kind::Task, Phase::Done | Phase::Cancelled) => {
                // What is over is over, whatever clock it was stamped by.
                State::Resolved { finish_us: node.finish_us.unwrap_or(i64::MIN).min(now_us) }
            }
            (Kind::Task, Phase::Running) => State::Running,
            (Kind::Task, Phase::Held) => State::Held,
            (Kind::Task, Phase::Open) => State::Open,
            _ if node.gate_failed || node.gate_open => State::Held,
            (_, phase) if self.mapping.levels[node.level].status.is_some() && !phase.is_over() => {
                if self.graph.is_task(number) { State::Open } else { State::Held }
            }
            _ if self.graph.is_task(number) => State::Milestone,
            _ => State::Open,
        };
        (0u32..).zip(&self.nodes).map(state).collect()
    }
}

impl Node {
    fn progress(&self) -> Progress {
        match (self.phase, self.start_us, self.finish_us) {
            (Phase::Done, start, Some(finish_us)) => {
                Progress::Done { start_us: start.unwrap_or(finish_us).min(finish_us), finish_us }
            }
            // Done at an unknown time: it holds nothing up any more.
            (Phase::Cancelled, ..) | (Phase::Done, _, None) => Progress::Skipped,
            (Phase::Running | Phase::Held, Some(start_us), _) => Progress::Running { start_us },
            _ => Progress::Open,
        }
    }
}

impl Level {
    /// What a status of this level means; one that the mapping does not name is open.
    pub(super) fn phase(&self, status: Option<&str>) -> Phase {
        let (Some(meaning), Some(status)) = (&self.status, status) else { return Phase::Open };
        let is = |names: &[String]| names.iter().any(|n| n == status);
        if is(&meaning.running) {
            Phase::Running
        } else if is(&meaning.done) {
            Phase::Done
        } else if is(&meaning.cancelled) {
            Phase::Cancelled
        } else if is(&meaning.held) {
            Phase::Held
        } else {
            Phase::Open
        }
    }
}

pub(super) fn to_pg(id: uuid::Uuid) -> Uuid {
    Uuid::from_bytes(id.into_bytes())
}
