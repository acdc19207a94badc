//! Segmentations: each label's mask resized linearly, then a vote, in scipy's order of additions so
//! that ties are resolved as in the reference implementations.

use super::data::nearest_slice;
use super::votes::{Neighbours, resize_by_votes};
use super::{SeparateAxis, half_pixel, with_thick_axis_last};
use crate::Result;
use crate::resample::resized_grid;
use crate::work::Work;
use vesalius_control::Control;
use vesalius_volume::{Label, LabelMap};

/// Which label a voxel gets from the labels' shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
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
    /// When the axis of the thick slices is resampled separately.
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
#[non_exhaustive]
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
/// of `spacing` mm, which decides only whether thick slices are resampled separately.
///
/// # Errors
/// [`crate::Error::NoVoxels`] when a size is zero.
///
/// ```
/// use vesalius_filters::{NnUnetLabelOptions, resample_labels_nnunet};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([8, 8, 8], [1.0; 3])?;
/// let labels = LabelMap::<u16>::from_fn(grid, |[x, _, _]| if x < 4 { 0 } else { 7 });
/// let small = resample_labels_nnunet(&labels, [4, 4, 4], [2.0; 3], &NnUnetLabelOptions::default())?;
/// // No labels between 0 and 7.
/// assert_eq!(small.data()[..4], [0, 0, 7, 7]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn resample_labels_nnunet<T: Label>(
    input: &LabelMap<T>,
    size: [usize; 3],
    spacing: [f64; 3],
    options: &NnUnetLabelOptions,
) -> Result<LabelMap<T>> {
    resampled(input, size, spacing, options, &Work::unwatched())
}

/// As [`resample_labels_nnunet`], cancelled and followed through a control, in the stage `resampling`.
///
/// # Errors
/// As [`resample_labels_nnunet`]; [`crate::Error::Cancelled`].
pub fn resample_labels_nnunet_with<T: Label>(
    input: &LabelMap<T>,
    size: [usize; 3],
    spacing: [f64; 3],
    options: &NnUnetLabelOptions,
    control: &Control,
) -> Result<LabelMap<T>> {
    let work = Work::without_total(control, "resampling");
    resampled(input, size, spacing, options, &work)
}

fn resampled<T: Label>(
    input: &LabelMap<T>,
    size: [usize; 3],
    spacing: [f64; 3],
    options: &NnUnetLabelOptions,
    work: &Work,
) -> Result<LabelMap<T>> {
    let resize_axes = |input: &LabelMap<T>, size: [usize; 3], separate: bool| {
        let depth = input.geometry().size()[2];
        let nearest = options.interpolation == MaskInterpolation::Nearest;
        let linear_across = options.across == MaskInterpolation::Linear;
        if !separate || !linear_across || depth == size[2] {
            work.set_total(size[1] * size[2]);
            let nearest = [nearest, nearest, nearest || separate];
            return resize(input, size, nearest, options.vote, work);
        }
        let planes = [size[0], size[1], depth];
        work.set_total(size[1] * (depth + size[2]));
        let flat = resize(input, planes, [nearest, nearest, true], options.vote, work)?;
        let across = [true, true, false];
        resize(&flat, size, across, LabelVote::OverHalf, work)
    };
    with_thick_axis_last(input, size, spacing, options.separate, work, resize_axes)
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
    work: &Work,
) -> Result<LabelMap<T>> {
    let from = input.geometry().size();
    let target = resized_grid(input.geometry(), size)?;
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
    let taps = axes
        .each_ref()
        .map(|axis| axis.iter().map(|pair| pair.taps).collect());
    let elect = |neighbours: Neighbours<T>, [x, y, z]: [usize; 3]| {
        let at = [axes[0][x], axes[1][y], axes[2][z]];
        let sums = Shares::of(neighbours, at.map(|pair| pair.weights));
        sums.elect(vote, || input.get(at.map(|pair| pair.nearest)))
    };
    resize_by_votes(input, target, &taps, elect, work)
}

/// The share of each label among eight neighbours.
struct Shares<T> {
    sums: [(T, f64); 8],
    known: usize,
}

impl<T: Label> Shares<T> {
    /// Of labels with these weights along x, y and z, added in scipy's order.
    fn of(neighbours: Neighbours<T>, [x, y, z]: [[f64; 2]; 3]) -> Self {
        let (mut sums, mut known) = ([(T::default(), 0.0); 8], 0);
        for (planes, z) in neighbours.iter().zip(z) {
            for (labels, y) in planes.iter().zip(y) {
                for (&label, x) in labels.iter().zip(x) {
                    let weight = z * y * x;
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
        Self { sums, known }
    }

    /// The label that a vote gives; `nearest` is that of the nearest voxel.
    fn elect(&self, vote: LabelVote, nearest: impl Fn() -> T) -> T {
        let sums = &self.sums[..self.known];
        match vote {
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
                let nearest = nearest();
                match tied().any(|label| label == nearest) {
                    true => nearest,
                    false => tied().min().unwrap_or_default(),
                }
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
