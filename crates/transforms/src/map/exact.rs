//! Maps that move whole voxels: turns, mirrors, crops and pads are copied, not interpolated.

use crate::Result;
use rayon::prelude::*;
use vesalius_filters::OnGrid;
use vesalius_volume::{Affine, Geometry};

/// Rounding that whole numbers may carry.
const SLACK: f64 = 1e-6;

/// Source voxel = `first` + for each target axis `i`: index `i` · `sign[i]` along source axis `axis[i]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reorder {
    axis: [usize; 3],
    sign: [i64; 3],
    first: [i64; 3],
}

/// The largest offset between the starts of two grids, in voxels.
const FURTHEST: f64 = (1u64 << 48) as f64;

impl Reorder {
    /// The reordering that an affine map of indices is, when every target voxel hits a voxel's centre.
    pub fn of(affine: &Affine, target: &Geometry) -> Option<Self> {
        let (linear, first) = (affine.linear(), affine.translation());
        // So far away nothing is found, and the arithmetic of whole numbers ends.
        if first.iter().any(|v| v.abs() > FURTHEST) {
            return None;
        }
        let whole = |v: f64, length: usize| (v - v.round()).abs() * (length.max(1) as f64) < SLACK;
        let mut reorder = Self {
            axis: [usize::MAX; 3],
            sign: [0; 3],
            first: first.map(|v| v.round() as i64),
        };
        for i in 0..3 {
            for (row, entries) in linear.iter().enumerate() {
                let entry = entries[i];
                if !whole(entry, target.size()[i]) || !whole(first[row], 1) {
                    return None;
                }
                match entry.round() as i64 {
                    0 => {}
                    sign @ (1 | -1) if reorder.sign[i] == 0 => {
                        (reorder.axis[i], reorder.sign[i]) = (row, sign)
                    }
                    _ => return None,
                }
            }
        }
        let mut seen = reorder.axis;
        seen.sort_unstable();
        (seen == [0, 1, 2]).then_some(reorder)
    }

    /// The axes that are mirrored, when the reordering does nothing else to a grid of this size.
    pub fn mirrors(&self, source: [usize; 3], target: [usize; 3]) -> Option<[bool; 3]> {
        let mirrored = |a: usize| match (self.sign[a], self.first[a]) {
            (1, 0) => Some(false),
            (-1, first) if first == source[a] as i64 - 1 => Some(true),
            _ => None,
        };
        if self.axis != [0, 1, 2] || source != target {
            return None;
        }
        Some([mirrored(0)?, mirrored(1)?, mirrored(2)?])
    }

    /// The voxels of `input` on the target grid; `fill` where there are none.
    pub fn apply<G: OnGrid>(&self, input: &G, target: Geometry, fill: G::Value) -> Result<G> {
        let [nx, ny, nz] = target.size();
        let source = input.grid().size();
        let mut out = vec![fill; target.voxel_count() * input.channel_count()];
        if out.is_empty() || source.contains(&0) {
            return Ok(input.rebuild(target, out)?);
        }
        let strides = [1, source[0] as i64, (source[0] * source[1]) as i64];
        let voxels = source.iter().product::<usize>();
        // The range of a row that lies in the source.
        let (axis, sign) = (self.axis[0], self.sign[0]);
        let limits = [0, source[axis] as i64 - 1]
            .map(|v: i64| v.saturating_sub(self.first[axis]).saturating_mul(sign));
        let begin = limits[0].min(limits[1]).clamp(0, nx as i64);
        let end = limits[0]
            .max(limits[1])
            .saturating_add(1)
            .clamp(begin, nx as i64);
        let (begin, end) = (begin as usize, end as usize);
        let stride = strides[axis] * sign;
        out.par_chunks_mut(nx * ny)
            .enumerate()
            .for_each(|(slice, out)| {
                let (channel, z) = (slice / nz, (slice % nz) as i64);
                let from = &input.values()[channel * voxels..][..voxels];
                for (y, row) in out.chunks_mut(nx).enumerate() {
                    let mut at = self.first;
                    at[self.axis[1]] += y as i64 * self.sign[1];
                    at[self.axis[2]] += z * self.sign[2];
                    let missed = |a: usize| a != axis && !(0..source[a] as i64).contains(&at[a]);
                    if begin == end || (0..3).any(missed) {
                        continue;
                    }
                    let start: i64 =
                        (0..3).map(|a| at[a] * strides[a]).sum::<i64>() + begin as i64 * stride;
                    copy(from, start as usize, stride, &mut row[begin..end]);
                }
            });
        Ok(input.rebuild(target, out)?)
    }
}

fn copy<T: Copy>(from: &[T], start: usize, stride: i64, to: &mut [T]) {
    match stride {
        1 => to.copy_from_slice(&from[start..start + to.len()]),
        -1 => {
            let stretch = &from[start + 1 - to.len()..start + 1];
            for (value, source) in to.iter_mut().zip(stretch.iter().rev()) {
                *value = *source;
            }
        }
        _ => {
            for (i, value) in to.iter_mut().enumerate() {
                *value = from[(start as i64 + i as i64 * stride) as usize];
            }
        }
    }
}
