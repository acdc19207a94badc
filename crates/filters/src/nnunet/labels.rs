//! Segmentations: each label's mask resized linearly, then a vote, in scipy's order of additions so
//! that ties come out as in the peers.

use super::data::nearest_slice;
use super::{SeparateAxis, half_pixel, with_thick_axis_last};
use crate::Result;
use crate::buffer;
use crate::resample::resized_grid;
use rayon::prelude::*;
use vesalius_volume::{Label, LabelMap};

/// Which label a voxel gets from the labels' shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LabelVote {
    /// The largest share; where shares are equal the nearest voxel's label if it is among them, the
    /// smallest otherwise (batchgenerators 0.25.5, which nnU-Net 2.8.1 uses).
    #[default]
    Largest,
    /// The largest label with a share of at least one half, 0 when none has (earlier versions).
    Half,
    /// The label with a share of more than one half, 0 when none has: nnU-Net across thick slices when its
    /// `order_z` is 1.
    OverHalf,
}

/// Options of [`resample_labels_nnunet`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NnUnetLabelOptions {
    /// When the axis of the thick slices is resampled apart.
    pub separate: SeparateAxis,
    /// Which label a voxel gets.
    pub vote: LabelVote,
    /// How each label's mask is interpolated: linear (`order` 1), or the nearest voxel (0).
    pub interpolation: MaskInterpolation,
    /// How masks are interpolated across thick slices (`order_z`): by the nearest slice, or linear.
    pub across: MaskInterpolation,
}

/// How the masks of labels are interpolated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaskInterpolation {
    /// The nearest voxel's label.
    Nearest,
    /// The mask of each label linearly, then a vote.
    Linear,
}

impl Default for NnUnetLabelOptions {
    fn default() -> Self {
        Self {
            separate: SeparateAxis::default(),
            vote: LabelVote::default(),
            interpolation: MaskInterpolation::Linear,
            across: MaskInterpolation::Nearest,
        }
    }
}

/// Resizes labels to `size` voxels `[x, y, z]` over the same extent, as nnU-Net does for a target
/// of `spacing` mm, which decides only whether thick slices are taken apart.
///
/// # Errors
/// [`crate::Error::NoVoxels`] when a size is zero.
pub fn resample_labels_nnunet<T: Label>(
    input: &LabelMap<T>,
    size: [usize; 3],
    spacing: [f64; 3],
    options: &NnUnetLabelOptions,
) -> Result<LabelMap<T>> {
    let separate = options.separate;
    with_thick_axis_last(input, size, spacing, separate, |input, size, separate| {
        let depth = input.geometry().size()[2];
        let nearest = options.interpolation == MaskInterpolation::Nearest;
        let linear_across = options.across == MaskInterpolation::Linear;
        if !separate || !linear_across || depth == size[2] {
            return resize(
                input,
                size,
                [nearest, nearest, nearest || separate],
                options.vote,
            );
        }
        let planes = [size[0], size[1], depth];
        let flat = resize(input, planes, [nearest, nearest, true], options.vote)?;
        resize(&flat, size, [true, true, false], LabelVote::OverHalf)
    })
}

/// Two source indices and their weights, and the nearest index.
#[derive(Debug, Clone, Copy)]
struct Pair {
    taps: [usize; 2],
    weights: [f64; 2],
    nearest: usize,
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
                nearest: nearest_slice(i, from, to),
            }
        })
        .collect()
}

fn resize<T: Label>(
    input: &LabelMap<T>,
    size: [usize; 3],
    nearest: [bool; 3],
    vote: LabelVote,
) -> Result<LabelMap<T>> {
    let from = input.geometry().size();
    let target = resized_grid(input.geometry(), size)?;
    buffer::check::<T>(&target, 1, 0)?;
    let mut axes: [Vec<Pair>; 3] = std::array::from_fn(|axis| pairs(from[axis], size[axis]));
    for axis in (0..3).filter(|&axis| nearest[axis]) {
        for (i, pair) in axes[axis].iter_mut().enumerate() {
            let nearest = nearest_slice(i, from[axis], size[axis]);
            *pair = Pair {
                taps: [nearest; 2],
                weights: [1.0, 0.0],
                nearest,
            };
        }
    }
    let mut out = buffer::filled(T::default(), target.voxel_count());
    out.par_chunks_mut(size[0] * size[1])
        .enumerate()
        .for_each_init(
            || vec![false; from[0]],
            |same, (z, slice)| {
                for (row, y) in slice.chunks_mut(size[0]).zip(&axes[1]) {
                    let (y, z) = (*y, axes[2][z]);
                    let offset = (z.nearest * from[1] + y.nearest) * from[0];
                    let nearest = &input.data()[offset..offset + from[0]];
                    let ballot = Ballot {
                        y,
                        z,
                        vote,
                        nearest,
                    };
                    resize_row(input.data(), from, &axes[0], &ballot, same, row);
                }
            },
        );
    Ok(LabelMap::new(target, out)?)
}

/// What all voxels of a target row have in common.
struct Ballot<'a, T> {
    y: Pair,
    z: Pair,
    vote: LabelVote,
    /// The source row nearest to the target row.
    nearest: &'a [T],
}

fn resize_row<T: Label>(
    source: &[T],
    from: [usize; 3],
    xs: &[Pair],
    ballot: &Ballot<'_, T>,
    same: &mut [bool],
    target: &mut [T],
) {
    let (y, z) = (ballot.y, ballot.z);
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
            decide(rows, x, ballot)
        };
    }
}

fn decide<T: Label>(rows: [&[T]; 4], x: &Pair, ballot: &Ballot<'_, T>) -> T {
    let mut sums: [(T, f64); 8] = [(T::default(), 0.0); 8];
    let mut known = 0;
    for k in 0..2 {
        for j in 0..2 {
            for i in 0..2 {
                let label = rows[2 * k + j][x.taps[i]];
                let weight = ballot.z.weights[k] * ballot.y.weights[j] * x.weights[i];
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
    let sums = &sums[..known];
    match ballot.vote {
        LabelVote::Half => {
            let halves = sums.iter().filter(|(_, sum)| *sum >= 0.5);
            halves.map(|(label, _)| *label).max().unwrap_or_default()
        }
        LabelVote::OverHalf => {
            let mut over = sums.iter().filter(|(_, sum)| *sum > 0.5);
            over.next().map_or_else(T::default, |(label, _)| *label)
        }
        LabelVote::Largest => {
            let best = sums.iter().fold(0.0f64, |best, s| best.max(s.1));
            let tied = || sums.iter().filter(|s| s.1 == best).map(|s| s.0);
            let nearest = ballot.nearest[x.nearest];
            match tied().any(|label| label == nearest) {
                true => nearest,
                false => tied().min().unwrap_or_default(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    #[test]
    fn a_tie_goes_to_the_nearest_or_to_the_larger() {
        let grid = Geometry::axis_aligned([2, 1, 1], [1.0; 3]).unwrap();
        let labels = LabelMap::new(grid, vec![1u8, 2]).unwrap();
        let at = |vote| {
            let options = NnUnetLabelOptions {
                vote,
                ..Default::default()
            };
            resample_labels_nnunet(&labels, [1, 1, 1], [2.0, 1.0, 1.0], &options)
                .unwrap()
                .into_data()
        };
        // The centre between both: half of each; the nearest rounds up.
        assert_eq!(at(LabelVote::Largest), [2]);
        assert_eq!(at(LabelVote::Half), [2]);
        let three = LabelMap::new(
            Geometry::axis_aligned([2, 2, 1], [1.0; 3]).unwrap(),
            vec![1u8, 2, 3, 4],
        )
        .unwrap();
        let options = |vote| NnUnetLabelOptions {
            vote,
            ..Default::default()
        };
        let one = |vote| {
            resample_labels_nnunet(&three, [1, 1, 1], [2.0, 2.0, 1.0], &options(vote))
                .unwrap()
                .into_data()
        };
        assert_eq!(one(LabelVote::Half), [0]);
        assert_eq!(one(LabelVote::Largest), [4]);
    }
}
