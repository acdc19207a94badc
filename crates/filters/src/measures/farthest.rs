//! The farthest of a set of points, by a tree of boxes: what lies in boxes too near is not looked at.

use super::diameter::Voxel;

/// Points of a leaf.
const LEAF: usize = 8;

struct Node {
    low: [f64; 3],
    high: [f64; 3],
    /// The points, as a range.
    first: usize,
    last: usize,
    /// The second half; the first one is the next node. 0 for a leaf.
    second: usize,
}

/// Voxels with their places, mm.
pub(super) struct Tree {
    points: Vec<([f64; 3], Voxel)>,
    nodes: Vec<Node>,
}

impl Tree {
    pub fn new(voxels: &[Voxel], place: impl Fn(Voxel) -> [f64; 3]) -> Self {
        let points = voxels.iter().map(|&voxel| (place(voxel), voxel)).collect();
        let mut tree = Self {
            points,
            nodes: Vec::with_capacity(2 * voxels.len() / LEAF + 1),
        };
        if !voxels.is_empty() {
            tree.split(0, voxels.len());
        }
        tree
    }

    /// Adds the node of a range of points, halved along its longest side.
    fn split(&mut self, first: usize, last: usize) {
        let points = &mut self.points[first..last];
        let (mut low, mut high) = ([f64::INFINITY; 3], [f64::NEG_INFINITY; 3]);
        for (place, _) in points.iter() {
            for i in 0..3 {
                low[i] = low[i].min(place[i]);
                high[i] = high[i].max(place[i]);
            }
        }
        let side = |i: usize| high[i] - low[i];
        let axis = (0..3).fold(0, |a, b| if side(b) > side(a) { b } else { a });
        let half = points.len() / 2;
        let is_leaf = points.len() <= LEAF;
        if !is_leaf {
            points.select_nth_unstable_by(half, |a, b| a.0[axis].total_cmp(&b.0[axis]));
        }
        let node = self.nodes.len();
        self.nodes.push(Node {
            low,
            high,
            first,
            last,
            second: 0,
        });
        if !is_leaf {
            self.split(first, first + half);
            self.nodes[node].second = self.nodes.len();
            self.split(first + half, last);
        }
    }

    /// The point farthest from a place, where one is farther than `beyond` (mm²), with its squared distance.
    pub fn farthest(&self, from: [f64; 3], beyond: f64) -> Option<(Voxel, f64)> {
        let mut best = (None, beyond);
        if !self.nodes.is_empty() && self.reach(0, from) > beyond {
            self.search(0, from, &mut best);
        }
        best.0.map(|voxel| (voxel, best.1))
    }

    /// The squared distance to the farthest corner of a node's box.
    fn reach(&self, node: usize, from: [f64; 3]) -> f64 {
        let Node { low, high, .. } = &self.nodes[node];
        let away = |i: usize| (from[i] - low[i]).abs().max((high[i] - from[i]).abs());
        (0..3).map(|i| away(i) * away(i)).sum()
    }

    fn search(&self, node: usize, from: [f64; 3], best: &mut (Option<Voxel>, f64)) {
        let Node {
            first,
            last,
            second,
            ..
        } = self.nodes[node];
        if second == 0 {
            for (place, voxel) in &self.points[first..last] {
                let squared = (0..3).map(|i| (from[i] - place[i]).powi(2)).sum();
                if squared > best.1 {
                    *best = (Some(*voxel), squared);
                }
            }
            return;
        }
        let mut halves = [node + 1, second].map(|half| (half, self.reach(half, from)));
        if halves[1].1 > halves[0].1 {
            halves.swap(0, 1);
        }
        for (half, reach) in halves {
            if reach > best.1 {
                self.search(half, from, best);
            }
        }
    }
}
