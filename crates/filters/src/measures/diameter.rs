//! The longest distance between two points of the surface of a set of voxels.
//!
//! The corners of the surface are the middles of the faces of voxels: p ± e/2 for a voxel p and a unit step e along an
//! axis of the grid. Distances are convex, so that the longest one joins faces that look in opposite directions along one
//! axis: |A(p - q ± e)|, and p and q are extreme points of the voxels.

use super::Diameter;
use super::farthest::Tree;
use crate::work::{Counted, Work};
use vesalius_volume::Geometry;

/// The index of a voxel.
pub(super) type Voxel = [i32; 3];

/// Lengths of steps between voxels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Metric {
    linear: [[f64; 3]; 3],
    /// The scalar products of the steps along the axes, mm².
    products: [[f64; 3]; 3],
}

/// Two voxels, the axis along which their faces look, and whether the first voxel's is the upper one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pair {
    /// mm²
    pub squared: f64,
    pub voxels: [Voxel; 2],
    pub axis: usize,
    /// 1 or -1.
    pub side: f64,
}

impl Pair {
    pub fn diameter(&self, grid: &Geometry) -> Diameter {
        let end = |voxel: Voxel, side: f64| {
            let mut index = voxel.map(f64::from);
            index[self.axis] += side / 2.0;
            grid.index_to_world(index)
        };
        Diameter {
            length: self.squared.max(0.0).sqrt(),
            ends: [
                end(self.voxels[0], self.side),
                end(self.voxels[1], -self.side),
            ],
        }
    }
}

impl Metric {
    pub fn of(grid: &Geometry) -> Self {
        let linear = grid.affine().linear();
        let products = std::array::from_fn(|i| {
            std::array::from_fn(|j| (0..3).map(|k| linear[k][i] * linear[k][j]).sum())
        });
        Self { linear, products }
    }

    /// The vector of a step, mm.
    pub fn vector(&self, step: [f64; 3]) -> [f64; 3] {
        std::array::from_fn(|i| (0..3).map(|j| self.linear[i][j] * step[j]).sum())
    }

    /// The longest distance between the faces of two voxels along one of these axes.
    pub fn between(&self, a: Voxel, b: Voxel, axes: &[usize]) -> Pair {
        let step: [f64; 3] = std::array::from_fn(|i| f64::from(a[i]) - f64::from(b[i]));
        let along: [f64; 3] =
            std::array::from_fn(|i| (0..3).map(|j| self.products[i][j] * step[j]).sum());
        let apart: f64 = (0..3).map(|i| along[i] * step[i]).sum();
        // |A(v ± e)|² = |Av|² ± 2 e·v + |Ae|².
        let gain = |axis: usize| 2.0 * along[axis].abs() + self.products[axis][axis];
        let best = axes
            .iter()
            .copied()
            .max_by(|&i, &j| gain(i).total_cmp(&gain(j)));
        let axis = best.unwrap_or(0);
        Pair {
            squared: apart + gain(axis),
            voxels: [a, b],
            axis,
            side: if along[axis] < 0.0 { -1.0 } else { 1.0 },
        }
    }
}

/// The longest pair of these voxels, of which some are extreme points of the structure; none without a voxel.
pub(super) fn longest(voxels: &[Voxel], metric: &Metric, work: &Work) -> Option<Pair> {
    const ALL: [usize; 3] = [0, 1, 2];
    let tree = Tree::new(voxels, |voxel| metric.vector(voxel.map(f64::from)));
    let mut from = *voxels.first()?;
    let mut best = metric.between(from, from, &ALL);
    // From end to end a few times: close to the longest, by which most voxels need no search.
    for _ in 0..4 {
        let place = metric.vector(from.map(f64::from));
        let (to, _) = tree.farthest(place, f64::NEG_INFINITY)?;
        let pair = metric.between(from, to, &ALL);
        if pair.squared > best.squared {
            best = pair;
        }
        from = to;
    }
    let mut steps = work.steps(Counted::No);
    for &voxel in voxels {
        if !steps.goes_on() {
            return None;
        }
        // The lower faces of the voxel are the upper ones of the other voxel of the pair.
        for axis in ALL {
            let mut index = voxel.map(f64::from);
            index[axis] += 1.0;
            let found = tree.farthest(metric.vector(index), best.squared);
            let pair = found.map(|(other, _)| metric.between(voxel, other, &ALL));
            if let Some(pair) = pair.filter(|pair| pair.squared > best.squared) {
                best = pair;
            }
        }
    }
    Some(best)
}
