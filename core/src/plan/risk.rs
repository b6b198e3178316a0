use super::Graph;
use super::graph::{is_start, node_of};

/// For every node, a task among `held` that it waits for, directly or through others: the one with
/// the lowest number. `None` where nothing held stands before it.
///
/// # Panics
///
/// When `held` has not one entry a node.
pub fn at_risk(graph: &Graph, held: &[bool]) -> Vec<Option<u32>> {
    assert_eq!(held.len(), graph.len(), "one entry a node");
    let mut cause: Vec<Option<u32>> = vec![None; graph.len() * 2];
    let mut found = vec![None; graph.len()];
    for &point in graph.order() {
        let node = node_of(point);
        let here = cause[point as usize];
        if is_start(point) {
            found[node as usize] = here;
        }
        let passed_on = match (held[node as usize], here) {
            (true, Some(before)) => Some(before.min(node)),
            (true, None) => Some(node),
            (false, here) => here,
        };
        // What is held began, or may begin; others wait for its finish.
        let passed_on = if is_start(point) { here } else { passed_on };
        for arc in graph.arcs_of(point) {
            let to = &mut cause[arc.to as usize];
            *to = match (*to, passed_on) {
                (Some(known), Some(new)) => Some(known.min(new)),
                (known, new) => known.or(new),
            };
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Dependency, Link, Progress, oracle};
    use super::*;

    /// By the definition: follow, from task to task, whom each waits for.
    fn by_definition(plan: &oracle::Plan, held: &[bool], task: u32) -> Option<u32> {
        let around = |n: u32| std::iter::successors(Some(n), |n| plan.parents[*n as usize]);
        let before = |task: u32| -> Vec<u32> {
            let own = plan.dependencies.iter().filter(|d| around(task).any(|n| n == d.to));
            own.flat_map(|d| plan.leaves().filter(|l| around(*l).any(|n| n == d.from)).collect::<Vec<_>>()).collect()
        };
        let (mut seen, mut next) = (Vec::new(), before(task));
        while let Some(one) = next.pop() {
            if !seen.contains(&one) {
                seen.push(one);
                next.extend(before(one));
            }
        }
        seen.into_iter().filter(|n| held[*n as usize]).min()
    }

    proptest! {
        #[test]
        fn equals_the_definition(plan in oracle::plans()) {
            let mut plan = plan;
            plan.dependencies.retain(|d| d.link == Link::FinishToStart);
            let graph = plan.graph();
            let held: Vec<bool> = (0u32..)
                .zip(&plan.tasks)
                .map(|(n, t)| graph.is_task(n) && matches!(t.progress, Progress::Running { .. }))
                .collect();
            let found = at_risk(&graph, &held);
            for task in plan.leaves() {
                prop_assert_eq!(found[task as usize], by_definition(&plan, &held, task));
            }
        }
    }

    #[test]
    fn what_waits_for_the_group_of_a_failed_task_is_at_risk() {
        // Two groups of two tasks; the second waits for the first.
        let parents = [None, Some(0), Some(0), None, Some(3), Some(3)];
        let graph = Graph::new(&parents, &[Dependency::finish_to_start(0, 3)]).unwrap();
        let held = [false, true, false, false, false, false];
        assert_eq!(at_risk(&graph, &held), [None, None, None, Some(1), Some(1), Some(1)]);
    }
}
