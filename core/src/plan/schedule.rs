use super::Graph;
use super::graph::{Arc, ArcKind, finish_of, is_start, node_of, start_of};

/// How far a task has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// Not started.
    #[default]
    Open,
    /// Started at that time.
    Running {
        /// Actual start.
        start_us: i64,
    },
    /// Over.
    Done {
        /// Actual start.
        start_us: i64,
        /// Actual finish.
        finish_us: i64,
    },
    /// Will not be done: takes no time, successors go on.
    Skipped,
}

/// A task as the schedule sees it. Entries of groups are not looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Task {
    /// Planned duration.
    pub duration_us: i64,
    /// What has happened.
    pub progress: Progress,
}

/// The frame of a schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// No open task starts earlier.
    pub start_us: i64,
    /// Nothing that is open can start in the past. `None` plans as if nothing had a clock.
    pub now_us: Option<i64>,
}

/// When a node can and must happen (critical path method). For a group: the hull of its tasks,
/// and their least slack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// Earliest start (ES).
    pub early_start_us: i64,
    /// Earliest finish (EF).
    pub early_finish_us: i64,
    /// Latest start that does not delay the plan (LS).
    pub late_start_us: i64,
    /// Latest finish that does not delay the plan (LF).
    pub late_finish_us: i64,
    /// How much later it may happen without delaying the plan.
    pub total_slack_us: i64,
    /// How much later it may happen without delaying any other task or the plan.
    pub free_slack_us: i64,
    /// Whether it has no total slack.
    pub critical: bool,
}

/// The timing of a whole plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// One entry a node.
    pub timings: Vec<Timing>,
    /// First start of a task.
    pub start_us: i64,
    /// Last finish of a task.
    pub finish_us: i64,
    /// Tasks of one longest chain, in order. Among equals the lowest number wins.
    pub critical_path: Vec<u32>,
}

/// Computes a schedule: forward pass, backward pass, free slack. Linear in nodes and dependencies.
///
/// A task that has started stands where it is: dependencies on its start bind no more.
///
/// # Panics
///
/// When `tasks` has not one entry a node.
pub fn schedule(graph: &Graph, tasks: &[Task], frame: Frame) -> Schedule {
    assert_eq!(tasks.len(), graph.len(), "one task a node");
    let pass = Pass { graph, tasks, frame };
    let (early, tight) = pass.forward();
    let tasks_end = (0..graph.len() as u32).filter(|n| graph.is_task(*n)).map(|n| early[finish_of(n) as usize]).max();
    let finish_us = tasks_end.unwrap_or(frame.start_us);
    let rooms = pass.backward(&early, finish_us);
    let timings = pass.timings(&early, &rooms);
    let start_us = (0..graph.len() as u32)
        .filter(|n| graph.is_task(*n))
        .map(|n| timings[n as usize].early_start_us)
        .min()
        .unwrap_or(frame.start_us);
    let critical_path = pass.critical_path(&timings, &tight, finish_us);
    Schedule { timings, start_us, finish_us, critical_path }
}

/// What a point has left.
#[derive(Clone, Copy)]
struct Room {
    /// Its latest time that leaves the end of the plan where it is.
    late: i64,
    /// How far it can move before a task or the end of the plan moves.
    free: i64,
}

struct Pass<'a> {
    graph: &'a Graph,
    tasks: &'a [Task],
    frame: Frame,
}

const NONE: u32 = u32::MAX;

impl Pass<'_> {
    fn task(&self, node: u32) -> Option<&Task> {
        self.graph.is_task(node).then(|| &self.tasks[node as usize])
    }

    /// Actual start of the task whose start this point is.
    fn pinned(&self, point: u32) -> Option<i64> {
        let task = self.task(node_of(point)).filter(|_| is_start(point))?;
        match task.progress {
            Progress::Running { start_us } | Progress::Done { start_us, .. } => Some(start_us),
            Progress::Open | Progress::Skipped => None,
        }
    }

    /// Time a task takes; groups take what their tasks take.
    fn span(&self, node: u32) -> i64 {
        let Some(task) = self.task(node) else { return 0 };
        let planned = task.duration_us.max(0);
        match task.progress {
            Progress::Open => planned,
            Progress::Running { start_us } => {
                planned.max(self.frame.now_us.map_or(0, |now| now.saturating_sub(start_us)))
            }
            Progress::Done { start_us, finish_us } => finish_us.saturating_sub(start_us).max(0),
            Progress::Skipped => 0,
        }
    }

    fn weight(&self, arc: Arc) -> i64 {
        match arc.kind {
            ArcKind::Bound => arc.lag_us,
            ArcKind::Span => self.span(node_of(arc.to)),
            ArcKind::Finish => arc.lag_us.saturating_sub(self.span(node_of(arc.to))),
        }
    }

    /// Arcs that bind: those onto the start of a task that has started do not.
    #[inline]
    fn binding(&self, point: u32) -> impl Iterator<Item = (Arc, i64)> {
        let arcs = self.graph.arcs_of(point);
        arcs.filter(|a| self.pinned(a.to).is_none()).map(|arc| (arc, self.weight(arc)))
    }

    /// Whether nothing surrounds the node that finishes here.
    fn ends_the_plan(&self, point: u32) -> bool {
        !is_start(point) && self.graph.parent(node_of(point)).is_none()
    }

    /// Earliest time of each point, and the point that decides it.
    fn forward(&self) -> (Vec<i64>, Vec<u32>) {
        let points = self.graph.len() * 2;
        let mut early = vec![i64::MIN; points];
        let mut tight = vec![NONE; points];
        for &point in self.graph.order() {
            if let Some(start) = self.pinned(point) {
                early[point as usize] = start;
            } else if let Some(task) = self.task(node_of(point)).filter(|_| is_start(point)) {
                let now = self.frame.now_us.filter(|_| task.progress == Progress::Open);
                let first = self.frame.start_us.max(now.unwrap_or(i64::MIN));
                if early[point as usize] < first {
                    early[point as usize] = first;
                    tight[point as usize] = NONE;
                }
            }
            let from = early[point as usize];
            self.binding(point).for_each(|(arc, weight)| {
                let bound = from.saturating_add(weight);
                let known = &mut early[arc.to as usize];
                if bound > *known {
                    *known = bound;
                    tight[arc.to as usize] = point;
                }
            });
        }
        (early, tight)
    }

    /// Going back from the end of the plan: how late each point can be, and how far it can move.
    fn backward(&self, early: &[i64], finish_us: i64) -> Vec<Room> {
        let mut rooms = vec![Room { late: i64::MAX, free: i64::MAX }; early.len()];
        for &point in self.graph.order().iter().rev() {
            let here = early[point as usize];
            let mut room = if self.ends_the_plan(point) {
                Room { late: finish_us, free: finish_us.saturating_sub(here) }
            } else {
                Room { late: i64::MAX, free: i64::MAX }
            };
            self.binding(point).for_each(|(arc, weight)| {
                let to = rooms[arc.to as usize];
                if to.late != i64::MAX {
                    room.late = room.late.min(to.late.saturating_sub(weight));
                }
                if to.free != i64::MAX {
                    let gap = early[arc.to as usize].saturating_sub(here.saturating_add(weight));
                    let moves_a_task = is_start(arc.to) && self.graph.is_task(node_of(arc.to));
                    room.free = room.free.min(gap.saturating_add(if moves_a_task { 0 } else { to.free }));
                }
            });
            rooms[point as usize] = room;
        }
        rooms
    }

    fn timings(&self, early: &[i64], rooms: &[Room]) -> Vec<Timing> {
        let mut timings = vec![Timing::NOTHING; self.graph.len()];
        // Finishes come after those of all children.
        for &point in self.graph.order().iter().filter(|p| !is_start(**p)) {
            let node = node_of(point);
            if self.graph.is_task(node) {
                timings[node as usize] = self.timing(node, early, rooms);
            }
            if let Some(parent) = self.graph.parent(node) {
                timings[parent as usize] = timings[parent as usize].hull(timings[node as usize]);
            }
        }
        timings
    }

    fn timing(&self, task: u32, early: &[i64], rooms: &[Room]) -> Timing {
        let (start, finish, span) = (start_of(task), finish_of(task) as usize, self.span(task));
        let (early, room) = (early[start as usize], rooms[start as usize]);
        let slack = room.late.saturating_sub(early);
        let free = if self.pinned(start).is_some() { rooms[finish].free } else { room.free };
        Timing {
            early_start_us: early,
            early_finish_us: early.saturating_add(span),
            late_start_us: room.late,
            late_finish_us: room.late.saturating_add(span),
            total_slack_us: slack,
            free_slack_us: free.min(slack),
            critical: slack <= 0,
        }
    }

    /// Back from a last task along the arcs that decided.
    fn critical_path(&self, timings: &[Timing], tight: &[u32], finish_us: i64) -> Vec<u32> {
        let is_last = |n: &u32| self.graph.is_task(*n) && timings[*n as usize].early_finish_us == finish_us;
        let Some(last) = (0..self.graph.len() as u32).find(is_last) else { return Vec::new() };
        let mut path = Vec::new();
        let mut point = finish_of(last);
        while point != NONE {
            let node = node_of(point);
            if self.graph.is_task(node) && path.last() != Some(&node) {
                path.push(node);
            }
            point = tight[point as usize];
        }
        path.reverse();
        path
    }
}

impl Timing {
    /// The hull of no tasks.
    const NOTHING: Self = Self {
        early_start_us: i64::MAX,
        early_finish_us: i64::MIN,
        late_start_us: i64::MAX,
        late_finish_us: i64::MIN,
        total_slack_us: i64::MAX,
        free_slack_us: i64::MAX,
        critical: false,
    };

    fn hull(self, other: Self) -> Self {
        Self {
            early_start_us: self.early_start_us.min(other.early_start_us),
            early_finish_us: self.early_finish_us.max(other.early_finish_us),
            late_start_us: self.late_start_us.min(other.late_start_us),
            late_finish_us: self.late_finish_us.max(other.late_finish_us),
            total_slack_us: self.total_slack_us.min(other.total_slack_us),
            free_slack_us: self.free_slack_us.min(other.free_slack_us),
            critical: self.critical || other.critical,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::oracle::{self, Plan};
    use super::*;

    proptest! {
        #[test]
        fn equals_the_schedule_found_by_trying(plan in oracle::plans()) {
            let graph = plan.graph();
            let found = schedule(&graph, &plan.tasks, plan.frame);
            let expected = oracle::times(&plan, None);
            for node in plan.leaves() {
                let timing = found.timings[node as usize];
                prop_assert_eq!(timing.early_start_us, expected[node as usize].0);
                prop_assert_eq!(timing.early_finish_us, expected[node as usize].1);
                prop_assert_eq!(timing.late_finish_us - timing.early_finish_us, timing.total_slack_us);
            }
        }

        #[test]
        fn slack_is_how_far_a_task_can_move(plan in oracle::plans()) {
            let graph = plan.graph();
            let found = schedule(&graph, &plan.tasks, plan.frame);
            for node in plan.leaves().filter(|n| plan.tasks[*n as usize].progress == Progress::Open) {
                let (total, free) = oracle::slack(&plan, node);
                let timing = found.timings[node as usize];
                prop_assert_eq!(timing.total_slack_us, total, "total slack of {}", node);
                prop_assert_eq!(timing.free_slack_us, free, "free slack of {}", node);
                prop_assert_eq!(timing.critical, total == 0);
            }
        }

        #[test]
        fn the_critical_path_explains_the_finish(plan in oracle::plans()) {
            let found = schedule(&plan.graph(), &plan.tasks, plan.frame);
            let times = oracle::times(&plan, None);
            let last = *found.critical_path.last().unwrap();
            prop_assert_eq!(times[last as usize].1, found.finish_us);
            prop_assert_eq!(found.finish_us, plan.leaves().map(|n| times[n as usize].1).max().unwrap());
        }
    }

    fn minutes(n: i64) -> i64 {
        n * 60_000_000
    }

    #[test]
    fn a_textbook_plan() {
        // Kelley and Walker's form: 0 -> 1 -> 3, 0 -> 2 -> 3 with durations 3, 2, 5, 1.
        let wait = super::super::Dependency::finish_to_start;
        let graph = Graph::new(&[None; 4], &[wait(0, 1), wait(0, 2), wait(1, 3), wait(2, 3)]).unwrap();
        let tasks = [3, 2, 5, 1].map(|m| Task { duration_us: minutes(m), progress: Progress::Open });
        let plan = schedule(&graph, &tasks, Frame::default());
        assert_eq!(plan.finish_us, minutes(9));
        assert_eq!(plan.critical_path, [0, 2, 3]);
        let one = plan.timings[1];
        assert_eq!((one.early_start_us, one.late_start_us), (minutes(3), minutes(6)));
        assert_eq!((one.total_slack_us, one.free_slack_us), (minutes(3), minutes(3)));
    }

    #[test]
    fn an_empty_plan_ends_where_it_starts() {
        let plan = schedule(&Graph::new(&[], &[]).unwrap(), &[], Frame { start_us: 5, now_us: None });
        assert_eq!((plan.start_us, plan.finish_us), (5, 5));
        assert!(plan.critical_path.is_empty());
    }

    #[test]
    fn extreme_durations_saturate() {
        let wait = super::super::Dependency::finish_to_start;
        let graph = Graph::new(&[None; 2], &[wait(0, 1)]).unwrap();
        let tasks = [Task { duration_us: i64::MAX, progress: Progress::Open }; 2];
        assert_eq!(schedule(&graph, &tasks, Frame { start_us: 1, now_us: None }).finish_us, i64::MAX);
    }

    #[test]
    fn a_plan_of_groups_only_has_no_path() {
        let plan = Plan { parents: vec![None, Some(0)], ..Plan::default() };
        let found = schedule(&plan.graph(), &[Task::default(); 2], Frame::default());
        assert_eq!(found.critical_path, [1]);
    }
}
