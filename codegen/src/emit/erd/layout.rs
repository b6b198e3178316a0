//! Where boxes and lines of a diagram go: a layered drawing, from referenced tables on the left to
//! referencing ones on the right (Sugiyama's method), one connected part after the other.

mod coordinates;
mod layers;

use self::coordinates::Grid;
use self::layers::Layered;

/// Space between boxes of one layer.
const GAP: f64 = 28.0;

/// Space between layers, where the lines turn.
const CHANNEL: f64 = 96.0;

/// Space between parts that no line connects.
const PART_GAP: f64 = 40.0;

/// How much wider than high a drawing of many parts becomes.
const ASPECT: f64 = 1.6;

/// A line to draw: from a box to another, or to itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// Referenced box.
    pub(super) parent: usize,
    /// Referencing box.
    pub(super) child: usize,
    /// Where the line leaves the parent, down from its top.
    pub(super) parent_port: f64,
    /// Where it meets the child.
    pub(super) child_port: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// A finished drawing.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    /// Top left corner of each box.
    pub(super) corners: Vec<Point>,
    /// Points of each line, from parent to child.
    pub(super) routes: Vec<Vec<Point>>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Places boxes of these widths and heights.
pub(super) fn layout(sizes: &[(f64, f64)], lines: &[Line]) -> Layout {
    let parts: Vec<(Vec<usize>, Layout)> = parts(sizes.len(), lines)
        .into_iter()
        .map(|members| {
            let layout = part(&members, sizes, lines);
            (members, layout)
        })
        .collect();
    pack(sizes.len(), lines, parts)
}

/// The connected parts, each as its boxes in order.
fn parts(count: usize, lines: &[Line]) -> Vec<Vec<usize>> {
    let mut root: Vec<usize> = (0..count).collect();
    fn find(root: &mut [usize], mut n: usize) -> usize {
        while root[n] != n {
            root[n] = root[root[n]];
            n = root[n];
        }
        n
    }
    for line in lines {
        let (a, b) = (find(&mut root, line.parent), find(&mut root, line.child));
        root[a.max(b)] = a.min(b);
    }
    let mut parts: Vec<Vec<usize>> = vec![Vec::new(); count];
    for n in 0..count {
        let part = find(&mut root, n);
        parts[part].push(n);
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// Draws one part; boxes and lines are numbered within it.
fn part(members: &[usize], sizes: &[(f64, f64)], lines: &[Line]) -> Layout {
    let position = |n: usize| members.binary_search(&n).ok();
    let sizes: Vec<(f64, f64)> = members.iter().map(|n| sizes[*n]).collect();
    let lines: Vec<Line> = lines
        .iter()
        .filter_map(|line| Some(Line { parent: position(line.parent)?, child: position(line.child)?, ..*line }))
        .collect();
    let layered = Layered::new(&sizes, &lines);
    let grid = coordinates::grid(&layered, &sizes);
    let corners = &grid.corners;
    let routes = lines.iter().enumerate().map(|(n, line)| route(n, line, &layered, &grid, &sizes)).collect();
    let (width, height) = corners.iter().zip(&sizes).fold((0.0_f64, 0.0_f64), |(width, height), (corner, size)| {
        (width.max(corner.x + size.0), height.max(corner.y + size.1))
    });
    let mut layout = Layout { corners: corners[..sizes.len()].to_vec(), routes, width, height };
    layout.fit();
    layout
}

/// From the side of the parent that faces the child, through the layers between them.
fn route(n: usize, line: &Line, layered: &Layered, grid: &Grid, sizes: &[(f64, f64)]) -> Vec<Point> {
    let corners = &grid.corners;
    let (parent, child) = (corners[line.parent], corners[line.child]);
    let (from_y, to_y) = (parent.y + line.parent_port, child.y + line.child_port);
    let right_of = |n: usize| corners[n].x + sizes[n].0;
    if line.parent == line.child {
        // Around the right side.
        let x = right_of(line.parent);
        let out = x + CHANNEL / 3.0;
        return vec![
            Point { x, y: from_y },
            Point { x: out, y: (from_y + to_y) / 2.0 },
            Point { x, y: if from_y == to_y { to_y + 12.0 } else { to_y } },
        ];
    }
    let forward = layered.layer[line.parent] < layered.layer[line.child];
    let (from_x, to_x) = if forward { (right_of(line.parent), child.x) } else { (parent.x, right_of(line.child)) };
    let bends = layered.bends[n].iter().flat_map(|bend| {
        let left = corners[*bend];
        [left, Point { x: left.x + grid.widths[layered.layer[*bend]], ..left }]
    });
    let mut bends: Vec<Point> = bends.collect();
    if !forward {
        bends.reverse();
    }
    let mut points = vec![Point { x: from_x, y: from_y }];
    points.extend(bends);
    points.push(Point { x: to_x, y: to_y });
    points
}

impl Layout {
    /// Lines may leave the boxes' rectangle; the drawing covers them too and begins at 0, 0.
    fn fit(&mut self) {
        let points = || self.routes.iter().flatten().chain(&self.corners);
        let left = points().map(|p| p.x).fold(0.0, f64::min);
        let top = points().map(|p| p.y).fold(0.0, f64::min);
        let right = points().map(|p| p.x).fold(self.width, f64::max);
        let bottom = points().map(|p| p.y).fold(self.height, f64::max);
        self.shift(-left, -top);
        self.width = right - left;
        self.height = bottom - top;
    }

    fn shift(&mut self, x: f64, y: f64) {
        for point in self.corners.iter_mut().chain(self.routes.iter_mut().flatten()) {
            point.x += x;
            point.y += y;
        }
    }
}

/// Puts parts side by side, the highest first, in rows of about the same width.
fn pack(count: usize, lines: &[Line], mut parts: Vec<(Vec<usize>, Layout)>) -> Layout {
    parts.sort_by(|a, b| b.1.height.total_cmp(&a.1.height).then(a.0.cmp(&b.0)));
    let area: f64 = parts.iter().map(|(_, part)| (part.width + PART_GAP) * (part.height + PART_GAP)).sum();
    let widest = parts.iter().map(|(_, part)| part.width).fold(0.0, f64::max);
    let limit = widest.max((area * ASPECT).sqrt());
    let mut whole =
        Layout { corners: vec![Point::default(); count], routes: vec![Vec::new(); lines.len()], ..Layout::default() };
    let (mut x, mut y, mut row_height) = (0.0_f64, 0.0_f64, 0.0_f64);
    for (members, mut part) in parts {
        if x > 0.0 && x + part.width > limit {
            (x, y, row_height) = (0.0, y + row_height + PART_GAP, 0.0);
        }
        part.shift(x, y);
        for (member, corner) in members.iter().zip(&part.corners) {
            whole.corners[*member] = *corner;
        }
        let of_part = |line: &Line| members.binary_search(&line.parent).is_ok();
        let numbers = lines.iter().enumerate().filter(|(_, line)| of_part(line)).map(|(n, _)| n);
        for (number, route) in numbers.zip(part.routes) {
            whole.routes[number] = route;
        }
        whole.width = whole.width.max(x + part.width);
        whole.height = whole.height.max(y + part.height);
        row_height = row_height.max(part.height);
        x += part.width + PART_GAP;
    }
    whole
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drawings() -> impl Strategy<Value = (Vec<(f64, f64)>, Vec<Line>)> {
        (1usize..25).prop_flat_map(|count| {
            let size = (60u32..300, 20u32..400).prop_map(|(w, h)| (f64::from(w), f64::from(h)));
            let line = (0..count, 0..count).prop_map(|(parent, child)| Line {
                parent,
                child,
                parent_port: 10.0,
                child_port: 15.0,
            });
            (prop::collection::vec(size, count..=count), prop::collection::vec(line, 0..40))
        })
    }

    proptest! {
        #[test]
        fn boxes_never_overlap_and_lines_end_at_their_boxes((sizes, lines) in drawings()) {
            let layout = layout(&sizes, &lines);
            for (n, (a, size)) in layout.corners.iter().zip(&sizes).enumerate() {
                prop_assert!(a.x >= -0.01 && a.y >= -0.01);
                prop_assert!(a.x + size.0 <= layout.width + 0.01 && a.y + size.1 <= layout.height + 0.01);
                for (b, other) in layout.corners.iter().zip(&sizes).skip(n + 1) {
                    let apart = a.x + size.0 <= b.x + 0.01
                        || b.x + other.0 <= a.x + 0.01
                        || a.y + size.1 <= b.y + 0.01
                        || b.y + other.1 <= a.y + 0.01;
                    prop_assert!(apart, "{a:?} {size:?} and {b:?} {other:?}");
                }
            }
            for (line, route) in lines.iter().zip(&layout.routes) {
                let (Some(first), Some(last)) = (route.first(), route.last()) else {
                    return Err(TestCaseError::fail("a line without points"));
                };
                for (point, node) in [(first, line.parent), (last, line.child)] {
                    let (corner, size) = (layout.corners[node], sizes[node]);
                    let at_side = (point.x - corner.x).abs() < 0.01 || (point.x - corner.x - size.0).abs() < 0.01;
                    prop_assert!(at_side, "{point:?} at {corner:?} {size:?}");
                    prop_assert!(point.y >= corner.y && point.y <= corner.y + size.1.max(27.0) + 0.01);
                }
            }
        }
    }

    #[test]
    fn referenced_boxes_stand_left_of_referencing_ones() {
        let line = |parent, child| Line { parent, child, parent_port: 5.0, child_port: 5.0 };
        let layout = layout(&[(50.0, 20.0); 4], &[line(2, 1), line(1, 0), line(2, 0), line(3, 0)]);
        let x: Vec<f64> = layout.corners.iter().map(|c| c.x).collect();
        assert!(x[2] < x[1] && x[1] < x[0] && x[3] < x[0], "{x:?}");
    }
}
