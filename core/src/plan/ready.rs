use super::Graph;
use super::graph::{ArcKind, is_start, node_of};

/// Where a node stands, as far as others wait for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// A task not started; a group that nothing holds back.
    #[default]
    Open,
    /// A task at work.
    Running,
    /// A task that is over at that time, done or cancelled.
    Resolved {
        /// When; lags count from here.
        finish_us: i64,
    },
    /// A task that failed or is blocked; a group whose end a control holds back.
    Held,
    /// Nothing to do: over as soon as it is reached. A group without tasks is one.
    Milestone,
}

/// The open tasks that nothing holds back at `now_us`, in ascending order.
///
/// Bounds on a task's finish do not keep it from starting.
///
/// # Panics
///
/// When `states` has not one entry a node.
pub fn ready(graph: &Graph, states: &[State], now_us: i64) -> Vec<u32> {
    assert_eq!(states.len(), graph.len(), "one state a node");
    // When a point was passed; `None` while it is not. Points that never bound anyone start
    // at the beginning of time.
    let mut passed: Vec<Option<i64>> = vec![Some(i64::MIN); graph.len() * 2];
    let mut ready = Vec::new();
    for &point in graph.order() {
        let node = node_of(point);
        let state = states[node as usize];
        let here = &mut passed[point as usize];
        match (graph.is_task(node), is_start(point), state) {
            (true, true, State::Open) if *here <= Some(now_us) && here.is_some() => {
                ready.push(node);
                *here = None;
            }
            (true, true, State::Open) | (true, false, State::Open | State::Running) | (_, false, State::Held) => {
                *here = None;
            }
            (true, true, State::Running | State::Held) => *here = Some(i64::MIN),
            (true, _, State::Resolved { finish_us }) => *here = Some(finish_us),
            _ => {}
        }
        let from = *here;
        let passes = |kind| kind == ArcKind::Bound || (kind == ArcKind::Span && state == State::Milestone);
        for arc in graph.arcs_of(point).filter(|a| passes(a.kind)) {
            let to = &mut passed[arc.to as usize];
            *to = match (*to, from) {
                (Some(known), Some(time)) => Some(known.max(time.saturating_add(arc.lag_us))),
                _ => None,
            };
        }
    }
    ready.sort_unstable();
    ready
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Dependency, Link, Progress, oracle};
    use super::*;

    /// By the definition: every task below every predecessor of the task or of a group around it
    /// is over. Lags are left at zero.
    fn by_definition(plan: &oracle::Plan, states: &[State]) -> Vec<u32> {
        let around = |n: u32| std::iter::successors(Some(n), |n| plan.parents[*n as usize]);
        let over = |n: u32| matches!(states[n as usize], State::Resolved { .. });
        let waits = |task: u32, d: &&Dependency| d.link == Link::FinishToStart && around(task).any(|n| n == d.to);
        let free = |task: &u32| {
            states[*task as usize] == State::Open
                && plan
                    .dependencies
                    .iter()
                    .filter(|d| waits(*task, d))
                    .all(|d| plan.leaves().filter(|l| around(*l).any(|n| n == d.from)).all(over))
        };
        plan.leaves().filter(free).collect()
    }

    proptest! {
        #[test]
        fn equals_the_definition(plan in oracle::plans()) {
            let mut plan = plan;
            plan.dependencies.retain(|d| d.link == Link::FinishToStart);
            plan.dependencies.iter_mut().for_each(|d| d.lag_us = 0);
            let graph = plan.graph();
            let states: Vec<State> = (0u32..).zip(&plan.tasks).map(|(node, task)| match task.progress {
                _ if !graph.is_task(node) => State::Open,
                Progress::Open if task.duration_us == 0 => State::Held,
                Progress::Open if task.duration_us < 5 => State::Resolved { finish_us: 0 },
                Progress::Open => State::Open,
                Progress::Running { .. } => State::Running,
                Progress::Done { .. } | Progress::Skipped => State::Resolved { finish_us: 0 },
            }).collect();
            prop_assert_eq!(ready(&graph, &states, 0), by_definition(&plan, &states));
        }
    }

    #[test]
    fn a_failed_control_holds_what_comes_after_its_phase() {
        let parents = [None, Some(0), None, Some(2)];
        let graph = Graph::new(&parents, &[Dependency::finish_to_start(0, 2)]).unwrap();
        let over = State::Resolved { finish_us: 0 };
        assert_eq!(ready(&graph, &[State::Open, over, State::Open, State::Open], 0), [3]);
        assert!(ready(&graph, &[State::Held, over, State::Open, State::Open], 0).is_empty());
    }

    #[test]
    fn a_milestone_passes_on_what_it_waits_for() {
        let wait = Dependency::finish_to_start;
        let graph = Graph::new(&[None; 3], &[wait(0, 1), wait(1, 2)]).unwrap();
        assert_eq!(ready(&graph, &[State::Open, State::Milestone, State::Open], 0), [0]);
        let over = State::Resolved { finish_us: 0 };
        assert_eq!(ready(&graph, &[over, State::Milestone, State::Open], 0), [2]);
    }

    #[test]
    fn a_lag_counts_from_the_actual_finish() {
        let wait = Dependency { lag_us: 10, ..Dependency::finish_to_start(0, 1) };
        let graph = Graph::new(&[None; 2], &[wait]).unwrap();
        let states = [State::Resolved { finish_us: 100 }, State::Open];
        assert!(ready(&graph, &states, 109).is_empty());
        assert_eq!(ready(&graph, &states, 110), [1]);
    }
}
