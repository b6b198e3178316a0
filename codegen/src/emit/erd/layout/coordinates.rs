//! Where the nodes of each layer stand.

use super::layers::Layered;
use super::{CHANNEL, GAP, Point};

/// Times the layers are swept for straighter lines.
const SWEEPS: usize = 8;

/// Space around a line that passes a layer.
const BEND_GAP: f64 = 12.0;

/// Places of the nodes.
pub(super) struct Grid {
    /// Top left corner of every node: boxes first, then bends, which have no height and are as wide
    /// as their layer.
    pub(super) corners: Vec<Point>,
    /// Width of each layer.
    pub(super) widths: Vec<f64>,
}

pub(super) fn grid(layered: &Layered, sizes: &[(f64, f64)]) -> Grid {
    let size = |node: usize| sizes.get(node).copied().unwrap_or_default();
    let mut middle = vec![0.0_f64; layered.layer.len()];
    for row in &layered.rows {
        let wanted = vec![0.0; row.len()];
        settle(row, &wanted, &size, &mut middle);
    }
    for sweep in 0..SWEEPS {
        let forward = sweep % 2 == 0;
        let count = layered.rows.len();
        for step in 0..count {
            let row = &layered.rows[if forward { step } else { count - 1 - step }];
            let wanted: Vec<f64> = row
                .iter()
                .map(|node| {
                    let towards = if forward { &layered.before[*node] } else { &layered.behind[*node] };
                    let towards = if towards.is_empty() { &layered.behind[*node] } else { towards };
                    let sum: f64 = towards.iter().map(|n| middle[*n]).sum();
                    if towards.is_empty() { middle[*node] } else { sum / towards.len() as f64 }
                })
                .collect();
            settle(row, &wanted, &size, &mut middle);
        }
    }
    let widths: Vec<f64> = layered.rows.iter().map(|row| row.iter().map(|n| size(*n).0).fold(0.0, f64::max)).collect();
    let mut left = vec![0.0; widths.len()];
    for layer in 1..widths.len() {
        left[layer] = left[layer - 1] + widths[layer - 1] + CHANNEL;
    }
    let corner = |(node, middle): (usize, &f64)| Point { x: left[layered.layer[node]], y: middle - size(node).1 / 2.0 };
    let mut corners: Vec<Point> = middle.iter().enumerate().map(corner).collect();
    let top = corners.iter().map(|corner| corner.y).fold(f64::INFINITY, f64::min);
    corners.iter_mut().for_each(|corner| corner.y -= top);
    Grid { corners, widths }
}

/// Brings the nodes of a row as near to the wanted places as their order and sizes allow: the least
/// squares, by pooling neighbours that would overlap.
fn settle(row: &[usize], wanted: &[f64], size: &impl Fn(usize) -> (f64, f64), middle: &mut [f64]) {
    // Distance of each node from the first, packed as close as can be.
    let mut offsets = Vec::with_capacity(row.len());
    let mut offset = 0.0;
    for (n, node) in row.iter().enumerate() {
        if let Some(previous) = n.checked_sub(1).map(|n| row[n]) {
            let (a, b) = (size(previous).1, size(*node).1);
            offset += (a + b) / 2.0 + if a == 0.0 || b == 0.0 { BEND_GAP } else { GAP };
        }
        offsets.push(offset);
    }
    // Pools of neighbours that stand packed: how many, and where the first would stand.
    let mut pools: Vec<(usize, f64)> = Vec::with_capacity(row.len());
    for (wanted, offset) in wanted.iter().zip(&offsets) {
        pools.push((1, wanted - offset));
        while let [.., (a, x), (b, y)] = pools[..] {
            if x <= y {
                break;
            }
            pools.truncate(pools.len() - 2);
            let count = a + b;
            pools.push((count, (x * a as f64 + y * b as f64) / count as f64));
        }
    }
    let starts = pools.iter().flat_map(|(count, start)| std::iter::repeat_n(*start, *count));
    for ((node, offset), start) in row.iter().zip(&offsets).zip(starts) {
        middle[*node] = start + offset;
    }
}
