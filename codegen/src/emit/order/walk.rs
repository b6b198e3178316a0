//! A topological order of a graph that may have cycles.

use std::collections::BTreeSet;

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

/// `from` waits for `to`. Where it cannot, that costs something: 0 the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) cost: usize,
}

/// Highest cost there is.
const MAX_COST: usize = 4;

/// Every node once, with the edges, as positions in `edges`, that were not waited for. Such an edge
/// is part of a cycle. Where an order exists that breaks no edge of the highest cost, this is one.
///
/// Kahn's algorithm. Where every node left waits, one is taken from a cycle that waits for nothing
/// outside itself: the one whose waiting costs the least.
pub(super) fn walk(nodes: usize, edges: &[Edge]) -> Vec<(usize, Vec<usize>)> {
    let mut outgoing = vec![Vec::new(); nodes];
    let mut incoming = vec![Vec::new(); nodes];
    for (n, edge) in edges.iter().enumerate() {
        outgoing[edge.from].push(n);
        incoming[edge.to].push(edge.from);
    }
    let mut open: Vec<usize> = outgoing.iter().map(Vec::len).collect();
    let mut ready: BTreeSet<usize> = (0..nodes).filter(|n| open[*n] == 0).collect();
    let mut done = vec![false; nodes];
    let mut order = Vec::with_capacity(nodes);
    while order.len() < nodes {
        let next = ready.pop_first().or_else(|| cheapest_of_a_cycle(edges, &outgoing, &done));
        let Some(next) = next else { break };
        done[next] = true;
        order.push((next, outgoing[next].iter().copied().filter(|e| !done[edges[*e].to]).collect()));
        for &waiting in &incoming[next] {
            open[waiting] -= 1;
            if open[waiting] == 0 && !done[waiting] {
                ready.insert(waiting);
            }
        }
    }
    order
}

fn cheapest_of_a_cycle(edges: &[Edge], outgoing: &[Vec<usize>], done: &[bool]) -> Option<usize> {
    let is_open = |e: &&Edge| !done[e.from] && !done[e.to];
    let graph: DiGraph<(), (), usize> = DiGraph::from_edges(edges.iter().filter(is_open).map(|e| (e.from, e.to)));
    // Strongly connected components come with those first that lead nowhere else. Without a node
    // that is ready, the first one with nodes that are left is a cycle.
    let components = kosaraju_scc(&graph);
    let cycle = components.iter().find(|c| c.len() > 1)?;
    let cost = |node: &NodeIndex<usize>| {
        let mut counts = [0; MAX_COST + 1];
        outgoing[node.index()].iter().filter(|e| !done[edges[**e].to]).for_each(|e| counts[edges[*e].cost] += 1);
        counts.reverse();
        (counts, node.index())
    };
    cycle.iter().min_by_key(|node| cost(node)).map(|node| node.index())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Whether a walk along edges leads from one node to another, by repeated squaring of nothing:
    /// plain closure.
    fn reaches(nodes: usize, edges: &[Edge]) -> Vec<Vec<bool>> {
        let mut reach = vec![vec![false; nodes]; nodes];
        edges.iter().for_each(|e| reach[e.from][e.to] = true);
        for k in 0..nodes {
            for i in 0..nodes {
                for j in 0..nodes {
                    reach[i][j] |= reach[i][k] && reach[k][j];
                }
            }
        }
        reach
    }

    /// The least number of edges of the highest cost that any order breaks: all orders are tried.
    fn least_broken(nodes: usize, edges: &[Edge]) -> usize {
        fn permute(rest: &mut Vec<usize>, position: &mut Vec<usize>, edges: &[Edge], best: &mut usize, at: usize) {
            if rest.is_empty() {
                let broken = edges.iter().filter(|e| e.cost == MAX_COST && position[e.to] > position[e.from]).count();
                *best = broken.min(*best);
                return;
            }
            for n in 0..rest.len() {
                let node = rest.remove(n);
                position[node] = at;
                permute(rest, position, edges, best, at + 1);
                rest.insert(n, node);
            }
        }
        let mut best = usize::MAX;
        permute(&mut (0..nodes).collect(), &mut vec![0; nodes], edges, &mut best, 0);
        best
    }

    fn graphs() -> impl Strategy<Value = (usize, Vec<Edge>)> {
        (1usize..7).prop_flat_map(|nodes| {
            let edge = (0..nodes, 0..nodes, 0..=MAX_COST).prop_map(|(from, to, cost)| Edge { from, to, cost });
            let edges = prop::collection::vec(edge, 0..14);
            (Just(nodes), edges.prop_map(|edges| edges.into_iter().filter(|e| e.from != e.to).collect()))
        })
    }

    proptest! {
        #[test]
        fn every_edge_is_waited_for_or_named((nodes, edges) in graphs()) {
            let order = walk(nodes, &edges);
            let mut position = vec![usize::MAX; nodes];
            order.iter().enumerate().for_each(|(n, (node, _))| position[*node] = n);
            prop_assert_eq!(order.len(), nodes);
            prop_assert!(position.iter().all(|p| *p != usize::MAX), "every node once");
            let mut named: Vec<usize> = order.iter().flat_map(|(_, broken)| broken.iter().copied()).collect();
            named.sort_unstable();
            let late: Vec<usize> = (0..edges.len()).filter(|n| position[edges[*n].to] > position[edges[*n].from]).collect();
            prop_assert_eq!(&named, &late);
            let reach = reaches(nodes, &edges);
            for n in named {
                prop_assert!(reach[edges[n].to][edges[n].from], "{:?} is part of no cycle", edges[n]);
            }
            let broken = late.iter().filter(|n| edges[**n].cost == MAX_COST).count();
            if least_broken(nodes, &edges) == 0 {
                prop_assert_eq!(broken, 0, "an order without a hard break exists");
            }
        }
    }

    #[test]
    fn a_long_chain_and_a_long_cycle_are_no_deep_recursion() {
        let chain: Vec<Edge> = (1..100_000).map(|n| Edge { from: n - 1, to: n, cost: 0 }).collect();
        assert_eq!(walk(100_000, &chain)[0], (99_999, vec![]));
        let mut ring = chain;
        ring.push(Edge { from: 99_999, to: 0, cost: 0 });
        assert_eq!(walk(100_000, &ring)[0], (0, vec![0]));
    }
}
