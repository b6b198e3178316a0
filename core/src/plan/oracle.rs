//! Schedules found by trying: no barriers, no topological order, no second pass. Slow and short.

use proptest::prelude::*;

use super::{Dependency, Frame, Graph, Link, Progress, Task};

/// A small random plan without cycles.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    pub(super) parents: Vec<Option<u32>>,
    pub(super) dependencies: Vec<Dependency>,
    pub(super) tasks: Vec<Task>,
    pub(super) frame: Frame,
}

impl Plan {
    pub(super) fn graph(&self) -> Graph {
        Graph::new(&self.parents, &self.dependencies).unwrap()
    }

    pub(super) fn leaves(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.parents.len() as u32).filter(|n| !self.parents.contains(&Some(*n)))
    }

    /// The tasks of a node: itself, or all below.
    fn tasks_of(&self, node: u32) -> Vec<u32> {
        let below = |leaf: &u32| std::iter::successors(Some(*leaf), |n| self.parents[*n as usize]).any(|n| n == node);
        self.leaves().filter(below).collect()
    }
}

/// Two levels of groups with tasks; links other than finish-to-start between tasks only, where
/// their meaning is beyond doubt. Plans with a cycle are thrown away.
pub(super) fn plans() -> impl Strategy<Value = Plan> {
    let sizes = prop::collection::vec(prop::collection::vec(1..4usize, 1..3), 1..3);
    let task = (0..9i64, 0..12u8, -5..8i64, 0..6i64);
    let links =
        prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..8u8, -2..4i64), 0..10);
    (sizes, prop::collection::vec(task, 40), links, prop::option::of(-3..6i64)).prop_filter_map(
        "a cycle",
        |(sizes, tasks, links, now_us)| {
            let mut plan = Plan { frame: Frame { start_us: 0, now_us }, ..Plan::default() };
            for phases in &sizes {
                let sequence = plan.parents.len() as u32;
                plan.parents.push(None);
                for steps in phases {
                    let phase = plan.parents.len() as u32;
                    plan.parents.push(Some(sequence));
                    plan.parents.extend(std::iter::repeat_n(Some(phase), *steps));
                }
            }
            let nodes = plan.parents.len();
            plan.tasks = tasks
                .iter()
                .cycle()
                .take(nodes)
                .map(|&(duration_us, state, start_us, took)| {
                    let progress = match state {
                        0 => Progress::Running { start_us },
                        1 => Progress::Done { start_us, finish_us: start_us + took },
                        2 => Progress::Skipped,
                        _ => Progress::Open,
                    };
                    Task { duration_us, progress }
                })
                .collect();
            for (from, to, kind, lag_us) in links {
                let (from, to) = (from.index(nodes) as u32, to.index(nodes) as u32);
                let is_task = |n| plan.leaves().any(|l| l == n);
                let link = match kind {
                    0 if is_task(from) && is_task(to) => Link::StartToStart,
                    1 if is_task(from) && is_task(to) => Link::FinishToFinish,
                    2 if is_task(from) && is_task(to) => Link::StartToFinish,
                    _ => Link::FinishToStart,
                };
                let one = Dependency { from, to, link, lag_us };
                // A cycle through one link is dropped with it, so that dense plans stay possible.
                let with = [plan.dependencies.as_slice(), &[one]].concat();
                if Graph::new(&plan.parents, &with).is_ok() {
                    plan.dependencies = with;
                }
            }
            Some(plan)
        },
    )
}

/// Start and finish of every task: each starts as early as its bounds let it, repeated until
/// nothing moves. `held` is a task that must not start before a time.
pub(super) fn times(plan: &Plan, held: Option<(u32, i64)>) -> Vec<(i64, i64)> {
    let leaves: Vec<u32> = plan.leaves().collect();
    let pairs: Vec<(u32, u32, Link, i64)> = plan
        .dependencies
        .iter()
        .flat_map(|d| {
            let (from, to) = (plan.tasks_of(d.from), plan.tasks_of(d.to));
            from.into_iter().flat_map(move |a| to.clone().into_iter().map(move |b| (a, b, d.link, d.lag_us)))
        })
        .collect();
    let now = plan.frame.now_us.unwrap_or(i64::MIN);
    let span = |node: u32| {
        let task = plan.tasks[node as usize];
        match task.progress {
            Progress::Open => task.duration_us,
            Progress::Running { start_us } => task.duration_us.max(now.saturating_sub(start_us)),
            Progress::Done { start_us, finish_us } => finish_us - start_us,
            Progress::Skipped => 0,
        }
    };
    let mut start = vec![plan.frame.start_us; plan.parents.len()];
    loop {
        let before = start.clone();
        for &node in &leaves {
            let mut earliest = plan.frame.start_us;
            match plan.tasks[node as usize].progress {
                Progress::Running { start_us } | Progress::Done { start_us, .. } => {
                    start[node as usize] = start_us;
                    continue;
                }
                Progress::Open => earliest = earliest.max(now),
                Progress::Skipped => {}
            }
            if let Some((_, time)) = held.filter(|(n, _)| *n == node) {
                earliest = earliest.max(time);
            }
            for &(from, _, link, lag) in pairs.iter().filter(|(_, to, ..)| *to == node) {
                let (s, f) = (before[from as usize], before[from as usize] + span(from));
                earliest = earliest.max(match link {
                    Link::FinishToStart => f + lag,
                    Link::StartToStart => s + lag,
                    Link::FinishToFinish => f + lag - span(node),
                    Link::StartToFinish => s + lag - span(node),
                });
            }
            start[node as usize] = earliest;
        }
        if start == before {
            return (0u32..).zip(&start).map(|(n, s)| (*s, s + span(n))).collect();
        }
    }
}

/// Total and free slack of an open task: how far it can be held back before the end of the plan,
/// or any other task, moves.
pub(super) fn slack(plan: &Plan, node: u32) -> (i64, i64) {
    let leaves: Vec<u32> = plan.leaves().collect();
    let base = times(plan, None);
    let end = |times: &[(i64, i64)]| leaves.iter().map(|n| times[*n as usize].1).max().unwrap();
    let held = |by: i64| times(plan, Some((node, base[node as usize].0 + by)));
    let same_end = |by: &i64| end(&held(*by)) == end(&base);
    let same_others = |by: &i64| {
        let moved = held(*by);
        leaves.iter().all(|n| *n == node || moved[*n as usize] == base[*n as usize]) && end(&moved) == end(&base)
    };
    let total = (0..).take_while(same_end).last().unwrap();
    let free = (0..).take_while(same_others).last().unwrap();
    (total, free)
}
