//! Two grids of which slices of the one depend on a box of the other.

use super::IndexBox;
use super::axis::Axis;
use super::engine::IndexMap;
use crate::Result;
use crate::scalar::Real;
use std::ops::Range;
use vesalius_volume::{Affine, Geometry};

/// Voxels beside those that a position lies between, for the rounding of positions.
const BESIDE: f64 = 1.0;

/// Two grids, the axes of the source in the order of the target's where they run along each other.
pub(crate) struct Between {
    pub(super) map: IndexMap,
    /// The source's axes, in the order in which boxes have them.
    pub order: [usize; 3],
    pub(super) is_parallel: bool,
    /// Size of the source, in that order.
    pub(super) source: [usize; 3],
    pub(super) target: [usize; 3],
}

impl Between {
    pub(super) fn new(source: &Geometry, target: &Geometry) -> Result<Self> {
        let mut turned = *source;
        let mut order = [0, 1, 2];
        loop {
            let map = IndexMap::new(&turned, target, &Affine::IDENTITY)?;
            let parallel = map.parallel_order();
            match parallel.filter(|&along| along != [0, 1, 2]) {
                Some(along) => {
                    turned = turned.permuted(along);
                    order = along.map(|axis| order[axis]);
                }
                None => {
                    return Ok(Self {
                        map,
                        order,
                        is_parallel: parallel.is_some(),
                        source: turned.size(),
                        target: target.size(),
                    });
                }
            }
        }
    }

    /// The size of some slices of the result.
    pub(super) fn size(&self, z: &Range<usize>) -> [usize; 3] {
        [self.target[0], self.target[1], z.len()]
    }

    /// Where the voxels of slices from `first` on lie in the source.
    pub(super) fn positions(&self, first: usize) -> impl Fn([usize; 3]) -> [f64; 3] + Sync + '_ {
        move |[x, y, z]| self.map.position([x, y, z + first])
    }

    /// The box around everything within a reach of the slices' voxels.
    pub(super) fn around(&self, z: &Range<usize>, reach: [f64; 3]) -> IndexBox {
        let mut ends = [[f64::INFINITY, f64::NEG_INFINITY]; 3];
        // The map is affine, so that everything lies between its values at the corners.
        for corner in 0..8 {
            let last = |axis: usize| self.target[axis] - 1;
            let pick = |axis: usize, low: usize, high: usize| match corner >> axis & 1 {
                0 => low,
                _ => high,
            };
            let index = [
                pick(0, 0, last(0)),
                pick(1, 0, last(1)),
                pick(2, z.start, z.end - 1),
            ];
            for (ends, at) in ends.iter_mut().zip(self.map.position(index)) {
                *ends = [ends[0].min(at), ends[1].max(at)];
            }
        }
        std::array::from_fn(|axis| {
            // Beyond the source its border is found.
            let last = self.source[axis] as f64 - 1.0;
            let [low, high] = ends[axis].map(|at| at.clamp(0.0, last));
            let beside = reach[axis] + BESIDE;
            let high = (high + beside).ceil().min(last) as usize;
            (low - beside).floor().max(0.0) as usize..high + 1
        })
    }

    /// The box that three tables need for some slices.
    pub(super) fn used<R: Real, const N: usize>(
        &self,
        axes: &[Axis<R, N>; 3],
        z: &Range<usize>,
    ) -> Option<IndexBox> {
        let used: IndexBox = std::array::from_fn(|axis| match axis {
            2 => axes[2].used_by(z.clone()),
            _ => axes[axis].used(),
        });
        used.iter().all(|range| !range.is_empty()).then_some(used)
    }

    /// The tables of some slices over a box.
    pub(super) fn parts<R: Real, const N: usize>(
        &self,
        axes: &[Axis<R, N>; 3],
        seen: &IndexBox,
        z: &Range<usize>,
    ) -> [Axis<R, N>; 3] {
        std::array::from_fn(|axis| {
            let target = match axis {
                2 => z.clone(),
                _ => 0..self.target[axis],
            };
            axes[axis].part(target, seen[axis].clone())
        })
    }
}

pub(super) fn lengths(part: &IndexBox) -> [usize; 3] {
    std::array::from_fn(|axis| part[axis].len())
}
