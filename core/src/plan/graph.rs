use std::iter;

/// How a dependency ties two nodes. What is meant is the successor's earliest time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// The successor starts after the predecessor has finished.
    FinishToStart,
    /// The successor starts after the predecessor has started.
    StartToStart,
    /// The successor finishes after the predecessor has finished.
    FinishToFinish,
    /// The successor finishes after the predecessor has started.
    StartToFinish,
}

/// A dependency between two nodes of any level. On a group it is a barrier: every task below the
/// successor waits for every task below the predecessor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// Predecessor.
    pub from: u32,
    /// Successor.
    pub to: u32,
    /// What waits for what.
    pub link: Link,
    /// Time to let pass between the two; negative is a lead.
    pub lag_us: i64,
}

impl Dependency {
    /// `to` starts when `from` has finished.
    pub fn finish_to_start(from: u32, to: u32) -> Self {
        Self { from, to, link: Link::FinishToStart, lag_us: 0 }
    }
}

/// Why nodes and dependencies make no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// A parent or an end of a dependency is no node.
    #[error("node {0} does not exist")]
    UnknownNode(u32),
    /// Nodes that wait for each other.
    #[error("the nodes {path:?} wait for each other in a circle")]
    Cycle {
        /// Each waits for the one before it, and the first for the last.
        path: Vec<u32>,
        /// Further nodes that are never reached, because they wait for these or for another circle.
        unreachable: Vec<u32>,
    },
}

/// A plan without cycles.
///
/// Each node is two points, its start and its finish. A group's start comes before its children's
/// starts and its finish after theirs, so a barrier between two groups is one arc and not one for
/// every pair of tasks: everything below is linear in nodes and dependencies.
///
/// Arcs that follow from the hierarchy (a task's start to its finish, groups around their children)
/// are not stored: parents and children say them in a quarter of the space.
#[derive(Clone, Debug)]
pub struct Graph {
    parents: Vec<u32>,
    /// Children by their parent, each in ascending order.
    children: Rows<u32>,
    /// Dependencies by the point they begin at.
    links: Rows<Arc>,
    /// Points, each after all it depends on.
    order: Vec<u32>,
}

/// Rows of several lengths, one after the other: row `r` is `items[offsets[r]..offsets[r + 1]]`.
#[derive(Clone, Debug)]
struct Rows<T> {
    offsets: Vec<u32>,
    items: Vec<T>,
}

impl<T: Copy> Rows<T> {
    /// Sorts items into `rows` rows, keeping their order within a row. `items` is gone through
    /// twice.
    fn new<I: Iterator<Item = (u32, T)>>(rows: usize, filler: T, items: impl Fn() -> I) -> Self {
        let mut offsets = vec![0u32; rows + 1];
        items().for_each(|(row, _)| offsets[row as usize + 1] += 1);
        for row in 1..offsets.len() {
            offsets[row] += offsets[row - 1];
        }
        let mut sorted = vec![filler; offsets[rows] as usize];
        // Each row's offset moves to its end, which is where the next one begins.
        items().for_each(|(row, item)| {
            let place = &mut offsets[row as usize];
            sorted[*place as usize] = item;
            *place += 1;
        });
        offsets.rotate_right(1);
        offsets[0] = 0;
        Self { offsets, items: sorted }
    }

    fn of(&self, row: u32) -> &[T] {
        &self.items[self.offsets[row as usize] as usize..self.offsets[row as usize + 1] as usize]
    }
}

/// A lower bound: `time(to) >= time(from) + weight`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arc {
    pub(super) to: u32,
    pub(super) kind: ArcKind,
    pub(super) lag_us: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ArcKind {
    /// The lag alone.
    Bound,
    /// From a task's start to its own finish: the duration.
    Span,
    /// A bound on the finish of a task, which moves as one piece: put on its start, less the
    /// duration.
    Finish,
}

const NONE: u32 = u32::MAX;

pub(super) fn start_of(node: u32) -> u32 {
    node * 2
}

pub(super) fn finish_of(node: u32) -> u32 {
    node * 2 + 1
}

pub(super) fn node_of(point: u32) -> u32 {
    point / 2
}

pub(super) fn is_start(point: u32) -> bool {
    point.is_multiple_of(2)
}

impl Graph {
    /// Builds the plan of nodes `0..parents.len()`.
    ///
    /// # Errors
    ///
    /// When a number is no node, or nodes wait for each other.
    pub fn new(parents: &[Option<u32>], dependencies: &[Dependency]) -> Result<Self, GraphError> {
        let nodes = u32::try_from(parents.len()).unwrap_or(NONE);
        let known = |node: u32| if node < nodes { Ok(node) } else { Err(GraphError::UnknownNode(node)) };
        for parent in parents.iter().flatten() {
            known(*parent)?;
        }
        for dependency in dependencies {
            known(dependency.from)?;
            known(dependency.to)?;
        }
        let nested = || (0u32..).zip(parents).filter_map(|(n, p)| Some(((*p)?, n)));
        let children = Rows::new(parents.len(), NONE, nested);
        let is_task = |node: u32| children.of(node).is_empty();
        let filler = Arc { to: NONE, kind: ArcKind::Bound, lag_us: 0 };
        let links = Rows::new(parents.len() * 2, filler, || dependencies.iter().map(|d| link(d, is_task(d.to))));
        let parents = parents.iter().map(|p| p.unwrap_or(NONE)).collect();
        let mut graph = Self { parents, children, links, order: Vec::new() };
        graph.sort()?;
        Ok(graph)
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.parents.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.parents.is_empty()
    }

    /// Whether a node is a task: it has no children.
    pub fn is_task(&self, node: u32) -> bool {
        self.children.of(node).is_empty()
    }

    /// Starts (`false`) and finishes (`true`) of all nodes, each after those that it waits for.
    pub fn events(&self) -> impl Iterator<Item = (u32, bool)> + '_ {
        self.order.iter().map(|point| (node_of(*point), !is_start(*point)))
    }

    pub(super) fn parent(&self, node: u32) -> Option<u32> {
        Some(self.parents[node as usize]).filter(|p| *p != NONE)
    }

    pub(super) fn order(&self) -> &[u32] {
        &self.order
    }

    /// Bounds that a point puts on others: the hierarchy's, then the declared ones.
    #[inline]
    pub(super) fn arcs_of(&self, point: u32) -> impl Iterator<Item = Arc> + '_ {
        let (node, children) = (node_of(point), self.children.of(node_of(point)));
        let bound = |to| Arc { to, kind: ArcKind::Bound, lag_us: 0 };
        let (own, below) = match (is_start(point), children.is_empty()) {
            (true, true) => (Some(Arc { kind: ArcKind::Span, ..bound(finish_of(node)) }), &[][..]),
            (true, false) => (None, children),
            (false, _) => (self.parent(node).map(|parent| bound(finish_of(parent))), &[][..]),
        };
        let below = below.iter().map(move |child| bound(start_of(*child)));
        own.into_iter().chain(below).chain(self.links.of(point).iter().copied())
    }

    /// Kahn's algorithm: points come out in an order that depends on the input alone.
    fn sort(&mut self) -> Result<(), GraphError> {
        let points = self.parents.len() * 2;
        let mut waiting = vec![0u32; points];
        (0..points as u32).for_each(|p| self.arcs_of(p).for_each(|arc| waiting[arc.to as usize] += 1));
        let mut order = Vec::with_capacity(points);
        order.extend((0..points as u32).filter(|p| waiting[*p as usize] == 0));
        let mut done = 0;
        while let Some(&point) = order.get(done) {
            done += 1;
            self.arcs_of(point).for_each(|arc| {
                let left = &mut waiting[arc.to as usize];
                *left -= 1;
                if *left == 0 {
                    order.push(arc.to);
                }
            });
        }
        if order.len() < points {
            let path = self.cycle(&waiting);
            let stuck = (0..self.parents.len() as u32).filter(|n| waiting[start_of(*n) as usize] > 0);
            let unreachable = stuck.filter(|n| !path.contains(n)).collect();
            return Err(GraphError::Cycle { path, unreachable });
        }
        self.order = order;
        Ok(())
    }

    /// Each point that was never freed waits for another one like it: going back from one to the
    /// next ends in a circle.
    fn cycle(&self, waiting: &[u32]) -> Vec<u32> {
        let mut before = vec![NONE; waiting.len()];
        let stuck = |point: u32| waiting[point as usize] > 0;
        for from in (0..waiting.len() as u32).filter(|p| stuck(*p)) {
            for arc in self.arcs_of(from).filter(|a| stuck(a.to)) {
                if before[arc.to as usize] == NONE {
                    before[arc.to as usize] = from;
                }
            }
        }
        let mut seen = vec![false; waiting.len()];
        let mut point = (0..waiting.len() as u32).find(|p| stuck(*p)).unwrap_or_default();
        while !std::mem::replace(&mut seen[point as usize], true) {
            point = before[point as usize];
        }
        let first = point;
        let back = iter::successors(Some(before[first as usize]), |p| Some(before[*p as usize]));
        let mut nodes: Vec<u32> = iter::once(first).chain(back.take_while(|p| *p != first)).map(node_of).collect();
        nodes.reverse();
        nodes.dedup();
        if nodes.len() > 1 && nodes.first() == nodes.last() {
            nodes.pop();
        }
        let lowest = (0..nodes.len()).min_by_key(|i| nodes[*i]).unwrap_or_default();
        nodes.rotate_left(lowest);
        nodes
    }
}

/// A dependency as an arc, with the point it begins at.
fn link(dependency: &Dependency, onto_task: bool) -> (u32, Arc) {
    let Dependency { from, to, link, lag_us } = *dependency;
    let from = match link {
        Link::FinishToStart | Link::FinishToFinish => finish_of(from),
        Link::StartToStart | Link::StartToFinish => start_of(from),
    };
    let (to, kind) = match link {
        Link::FinishToStart | Link::StartToStart => (start_of(to), ArcKind::Bound),
        Link::FinishToFinish | Link::StartToFinish if onto_task => (start_of(to), ArcKind::Finish),
        Link::FinishToFinish | Link::StartToFinish => (finish_of(to), ArcKind::Bound),
    };
    (from, Arc { to, kind, lag_us })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circle(parents: &[Option<u32>], dependencies: &[Dependency]) -> Vec<u32> {
        match Graph::new(parents, dependencies) {
            Err(GraphError::Cycle { path, .. }) => path,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_circle_is_named_in_the_order_of_waiting() {
        let wait = Dependency::finish_to_start;
        let links = [wait(3, 1), wait(1, 2), wait(2, 3), wait(0, 1), wait(3, 4)];
        let error = Graph::new(&[None; 5], &links).unwrap_err();
        assert_eq!(error, GraphError::Cycle { path: vec![1, 2, 3], unreachable: vec![4] });
    }

    #[test]
    fn a_step_can_contradict_the_order_of_its_phases() {
        // Phases 0 and 1, a step in each; phase 1 waits for phase 0, but step 2 of phase 0 for step 3.
        let parents = [None, None, Some(0), Some(1)];
        let wait = Dependency::finish_to_start;
        assert_eq!(circle(&parents, &[wait(0, 1), wait(3, 2)]), [0, 1, 3, 2]);
    }

    #[test]
    fn a_node_cannot_wait_for_itself_or_its_group() {
        let wait = Dependency::finish_to_start;
        assert_eq!(circle(&[None], &[wait(0, 0)]), [0]);
        assert_eq!(circle(&[None, Some(0)], &[wait(0, 1)]), [0, 1]);
        assert_eq!(circle(&[Some(1), Some(0)], &[]), [0, 1]);
    }

    #[test]
    fn numbers_that_are_no_node_are_refused() {
        assert_eq!(Graph::new(&[Some(7)], &[]).unwrap_err(), GraphError::UnknownNode(7));
        let wait = Dependency::finish_to_start(0, 9);
        assert_eq!(Graph::new(&[None], &[wait]).unwrap_err(), GraphError::UnknownNode(9));
    }
}
