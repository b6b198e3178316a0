//! Which layer each box stands in, and in which order within it.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::{GAP, Line};

/// Times the layers are swept for fewer crossings.
const SWEEPS: usize = 12;

/// Boxes, and the bends of lines that pass through a layer, by layer.
#[derive(Debug)]
pub(super) struct Layered {
    /// The layer of each node: boxes first, then bends.
    pub(super) layer: Vec<usize>,
    /// Nodes of each layer, from top to bottom.
    pub(super) rows: Vec<Vec<usize>>,
    /// For each line its bends, from the lower layer to the higher.
    pub(super) bends: Vec<Vec<usize>>,
    /// For each node the nodes it is connected with in the layer before.
    pub(super) before: Vec<Vec<usize>>,
    /// ... and in the layer behind.
    pub(super) behind: Vec<Vec<usize>>,
}

impl Layered {
    pub(super) fn new(sizes: &[(f64, f64)], lines: &[Line]) -> Self {
        let edges = without_cycles(sizes.len(), lines);
        let layer = assign(sizes, &edges);
        let mut layered = Self {
            rows: vec![Vec::new(); layer.iter().max().map_or(0, |max| max + 1)],
            bends: Vec::with_capacity(lines.len()),
            before: vec![Vec::new(); sizes.len()],
            behind: vec![Vec::new(); sizes.len()],
            layer,
        };
        for line in lines {
            let bends = layered.connect(line);
            layered.bends.push(bends);
        }
        for n in 0..layered.layer.len() {
            layered.rows[layered.layer[n]].push(n);
        }
        layered.sort();
        layered
    }

    /// Puts a bend into every layer that a line passes.
    fn connect(&mut self, line: &Line) -> Vec<usize> {
        if line.parent == line.child {
            return Vec::new();
        }
        let (low, high) = if self.layer[line.parent] < self.layer[line.child] {
            (line.parent, line.child)
        } else {
            (line.child, line.parent)
        };
        let mut bends = Vec::new();
        let mut last = low;
        for layer in self.layer[low] + 1..self.layer[high] {
            let bend = self.layer.len();
            self.layer.push(layer);
            self.before.push(vec![last]);
            self.behind.push(Vec::new());
            self.behind[last].push(bend);
            bends.push(bend);
            last = bend;
        }
        self.behind[last].push(high);
        self.before[high].push(last);
        bends
    }

    /// Sweeps over the layers; each node goes to the mean place of its neighbours. The order with
    /// the fewest crossings is kept.
    fn sort(&mut self) {
        let mut best = (self.crossings(), self.rows.clone());
        for sweep in 0..SWEEPS {
            if best.0 == 0 {
                break;
            }
            let forward = sweep % 2 == 0;
            let order: Vec<usize> = if forward {
                (1..self.rows.len()).collect()
            } else {
                (0..self.rows.len().saturating_sub(1)).rev().collect()
            };
            for layer in order {
                self.sort_layer(layer, forward);
            }
            let crossings = self.crossings();
            if crossings < best.0 {
                best = (crossings, self.rows.clone());
            }
        }
        self.rows = best.1;
    }

    fn sort_layer(&mut self, layer: usize, forward: bool) {
        let neighbour_row = if forward { layer - 1 } else { layer + 1 };
        let place = self.places(neighbour_row);
        let neighbours = if forward { &self.before } else { &self.behind };
        let mut keyed: Vec<(f64, usize)> = self.rows[layer]
            .iter()
            .enumerate()
            .map(|(own, node)| {
                let list = &neighbours[*node];
                let sum: usize = list.iter().map(|n| place[*n]).sum();
                (if list.is_empty() { own as f64 } else { sum as f64 / list.len() as f64 }, *node)
            })
            .collect();
        keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.rows[layer] = keyed.into_iter().map(|(_, node)| node).collect();
    }

    /// Place of each node of a layer; 0 for others.
    fn places(&self, layer: usize) -> Vec<usize> {
        let mut places = vec![0; self.layer.len()];
        self.rows[layer].iter().enumerate().for_each(|(place, node)| places[*node] = place);
        places
    }

    /// Number of crossings between neighbouring layers: inversions of the lines' ends.
    fn crossings(&self) -> usize {
        let mut total = 0;
        for layer in 1..self.rows.len() {
            let place = self.places(layer);
            // Counts the ends seen so far, as a Fenwick tree over the places.
            let mut tree = vec![0usize; self.rows[layer].len() + 1];
            let mut seen = 0;
            for node in &self.rows[layer - 1] {
                let mut ends: Vec<usize> = self.behind[*node].iter().map(|n| place[*n]).collect();
                ends.sort_unstable();
                for end in &ends {
                    let mut n = end + 1;
                    let mut not_below = 0;
                    while n > 0 {
                        not_below += tree[n];
                        n &= n - 1;
                    }
                    total += seen - not_below;
                }
                for end in ends {
                    seen += 1;
                    let mut n = end + 1;
                    while n < tree.len() {
                        tree[n] += 1;
                        n += n & n.wrapping_neg();
                    }
                }
            }
        }
        total
    }
}

/// Lines as edges from parent to child; those that would close a cycle are turned around.
fn without_cycles(nodes: usize, lines: &[Line]) -> Vec<(usize, usize)> {
    let mut children = vec![Vec::new(); nodes];
    for (n, line) in lines.iter().enumerate().filter(|(_, line)| line.parent != line.child) {
        children[line.parent].push(n);
    }
    let mut turned = vec![false; lines.len()];
    // 0 untouched, 1 on the path, 2 finished.
    let mut state = vec![0u8; nodes];
    for start in 0..nodes {
        if state[start] != 0 {
            continue;
        }
        let mut path = vec![(start, 0)];
        state[start] = 1;
        while let Some((node, next)) = path.last_mut() {
            let Some(&line) = children[*node].get(*next) else {
                state[*node] = 2;
                path.pop();
                continue;
            };
            *next += 1;
            let child = lines[line].child;
            match state[child] {
                0 => {
                    state[child] = 1;
                    path.push((child, 0));
                }
                1 => turned[line] = true,
                _ => {}
            }
        }
    }
    let edge =
        |(n, line): (usize, &Line)| if turned[n] { (line.child, line.parent) } else { (line.parent, line.child) };
    lines.iter().enumerate().filter(|(_, line)| line.parent != line.child).map(edge).collect()
}

/// Every node behind the nodes it depends on, and no layer much higher than the drawing is wide.
fn assign(sizes: &[(f64, f64)], edges: &[(usize, usize)]) -> Vec<usize> {
    let area: f64 = sizes.iter().map(|(width, height)| (width + 2.0 * GAP) * (height + GAP)).sum();
    let limit = sizes.iter().map(|size| size.1).fold(area.sqrt(), f64::max);
    let mut open = vec![0usize; sizes.len()];
    let mut behind = vec![Vec::new(); sizes.len()];
    for (from, to) in edges {
        open[*to] += 1;
        behind[*from].push(*to);
    }
    let mut layer = vec![0usize; sizes.len()];
    let mut heights: Vec<f64> = Vec::new();
    let mut queue: VecDeque<usize> = (0..sizes.len()).filter(|n| open[*n] == 0).collect();
    let mut ready: BTreeSet<usize> = BTreeSet::new();
    while let Some(node) = queue.pop_front() {
        loop {
            if heights.len() <= layer[node] {
                heights.resize(layer[node] + 1, 0.0);
            }
            let height = &mut heights[layer[node]];
            if *height == 0.0 || *height + sizes[node].1 <= limit {
                *height += sizes[node].1 + GAP;
                break;
            }
            layer[node] += 1;
        }
        for &to in &behind[node] {
            layer[to] = layer[to].max(layer[node] + 1);
            open[to] -= 1;
            if open[to] == 0 {
                ready.insert(to);
            }
        }
        if queue.is_empty() {
            queue.extend(std::mem::take(&mut ready));
        }
    }
    pull_sources(sizes.len(), edges, &mut layer);
    let used: BTreeSet<usize> = layer.iter().copied().collect();
    let number: HashMap<usize, usize> = used.into_iter().enumerate().map(|(n, layer)| (layer, n)).collect();
    layer.iter().map(|layer| number[layer]).collect()
}

/// A node that nothing stands before moves next to what it leads to.
fn pull_sources(nodes: usize, edges: &[(usize, usize)], layer: &mut [usize]) {
    let mut is_source = vec![true; nodes];
    let mut nearest = vec![usize::MAX; nodes];
    edges.iter().for_each(|(_, to)| is_source[*to] = false);
    edges.iter().for_each(|(from, to)| nearest[*from] = nearest[*from].min(layer[*to]));
    for node in 0..nodes {
        if is_source[node] && nearest[node] != usize::MAX {
            layer[node] = nearest[node] - 1;
        }
    }
}
