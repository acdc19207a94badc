//! Segmentations: each label's mask resized linearly, at least one half counts, later labels win.

use super::data::nearest_slice;
use super::{SeparateAxis, check, half_pixel, last};
use crate::Result;
use crate::grid::permute;
use crate::resample::resized_grid;
use rayon::prelude::*;
use vesalius_volume::{Label, LabelMap};

/// Resizes labels to `size` voxels `[x, y, z]` over the same extent, as nnU-Net does for a target
/// of `spacing` mm, which decides only whether thick slices are taken apart. A voxel where no
/// label has half of the weight becomes 0, as there.
///
/// # Errors
/// [`crate::Error::NoVoxels`] when a size is zero.
pub fn resample_labels_nnunet<T: Label>(
    input: &LabelMap<T>,
    size: [usize; 3],
    spacing: [f64; 3],
    separate: SeparateAxis,
) -> Result<LabelMap<T>> {
    let grid = input.geometry();
    check(grid.size(), size)?;
    if grid.size() == size {
        return Ok(input.clone());
    }
    match separate.axis(grid.spacing(), spacing) {
        Some(axis) if axis != 2 => {
            let (order, back) = last(axis);
            let turned = permute(input, order)?;
            permute(&resize(&turned, order.map(|a| size[a]), true)?, back)
        }
        axis => resize(input, size, axis.is_some()),
    }
}

/// Two source indices and their weights.
#[derive(Debug, Clone, Copy)]
struct Pair {
    taps: [usize; 2],
    weights: [f64; 2],
}

fn pairs(from: usize, to: usize) -> Vec<Pair> {
    (0..to)
        .map(|i| {
            let at = half_pixel(i, from, to).clamp(0.0, (from - 1) as f64);
            let (floor, t) = (at.floor(), at - at.floor());
            let low = floor as usize;
            Pair {
                taps: [low, (low + 1).min(from - 1)],
                weights: [1.0 - t, t],
            }
        })
        .collect()
}

fn resize<T: Label>(input: &LabelMap<T>, size: [usize; 3], separate: bool) -> Result<LabelMap<T>> {
    let from = input.geometry().size();
    let target = resized_grid(input.geometry(), size)?;
    let mut axes: [Vec<Pair>; 3] = std::array::from_fn(|axis| pairs(from[axis], size[axis]));
    if separate {
        for (z, pair) in axes[2].iter_mut().enumerate() {
            let slice = nearest_slice(z, from[2], size[2]);
            *pair = Pair {
                taps: [slice, slice],
                weights: [1.0, 0.0],
            };
        }
    }
    let mut out = vec![T::default(); target.voxel_count()];
    out.par_chunks_mut(size[0] * size[1])
        .enumerate()
        .for_each_init(
            || vec![false; from[0]],
            |same, (z, slice)| {
                for (row, &y) in slice.chunks_mut(size[0]).zip(&axes[1]) {
                    resize_row(input.data(), from, &axes[0], y, axes[2][z], same, row);
                }
            },
        );
    Ok(LabelMap::new(target, out)?)
}

fn resize_row<T: Label>(
    source: &[T],
    from: [usize; 3],
    xs: &[Pair],
    y: Pair,
    z: Pair,
    same: &mut [bool],
    target: &mut [T],
) {
    let line =
        |j: usize, k: usize| &source[(z.taps[k] * from[1] + y.taps[j]) * from[0]..][..from[0]];
    let rows = [line(0, 0), line(1, 0), line(0, 1), line(1, 1)];
    for (x, same) in same.iter_mut().enumerate() {
        let first = rows[0][x];
        *same = (rows[1][x] == first) & (rows[2][x] == first) & (rows[3][x] == first);
    }
    for (value, x) in target.iter_mut().zip(xs) {
        let [low, high] = x.taps;
        // Where all the neighbours agree there is nothing to weigh.
        *value = if same[low] && same[high] && rows[0][low] == rows[0][high] {
            rows[0][low]
        } else {
            majority(rows, *x, y, z)
        };
    }
}

/// The largest label with at least half of the weight, 0 when none has; weights are summed in
/// scipy's order, so that halves come out as there.
fn majority<T: Label>(rows: [&[T]; 4], x: Pair, y: Pair, z: Pair) -> T {
    let mut sums: [(T, f64); 8] = [(T::default(), 0.0); 8];
    let mut known = 0;
    for k in 0..2 {
        for j in 0..2 {
            for i in 0..2 {
                let label = rows[2 * k + j][x.taps[i]];
                let weight = z.weights[k] * y.weights[j] * x.weights[i];
                match sums[..known].iter_mut().find(|(l, _)| *l == label) {
                    Some((_, sum)) => *sum += weight,
                    None => {
                        sums[known] = (label, weight);
                        known += 1;
                    }
                }
            }
        }
    }
    let halves = sums[..known].iter().filter(|(_, sum)| *sum >= 0.5);
    halves.map(|(label, _)| *label).max().unwrap_or_default()
}
