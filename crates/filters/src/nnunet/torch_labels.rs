//! Segmentations resized as nnU-Net's `resample_torch_fornnunet` does it with `is_seg`: each label's mask by
//! PyTorch's interpolation, then the largest as 16-bit floats hold them.

use super::votes::{Neighbours, resize_by_votes};
use super::{AxisRule, SeparateAxis, with_thick_axis_last};
use crate::Result;
use crate::resample::axis::Axis;
use crate::resample::resized_grid;
use crate::work::Work;
use vesalius_control::Control;
use vesalius_volume::{Label, LabelMap};

/// Options of [`resample_labels_torch`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TorchLabelOptions {
    /// When the axis of the thick slices is resampled separately.
    pub separate: SeparateAxis,
    /// Along all axes where no axis is separate.
    pub whole: AxisRule,
    /// Within the planes of thick slices (`mode`).
    pub planes: AxisRule,
    /// Across them (`aniso_axis_mode`).
    pub across: AxisRule,
    /// Which label a voxel gets.
    pub vote: TorchVote,
}

/// Which label a voxel gets from the labels' shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TorchVote {
    /// The largest share, the smallest label among equals.
    #[default]
    Largest,
    /// The largest label with a share of more than one half, 0 when none has
    /// (`memefficient_seg_resampling`).
    OverHalf,
}

impl Default for TorchLabelOptions {
    fn default() -> Self {
        Self {
            separate: SeparateAxis::default(),
            whole: AxisRule::TorchLinear,
            planes: AxisRule::TorchLinear,
            across: AxisRule::TorchNearestExact,
            vote: TorchVote::Largest,
        }
    }
}

/// Resizes labels to `size` voxels `[x, y, z]` over the same extent, as `resample_torch_fornnunet` does for a
/// target of `spacing` mm, which decides only whether thick slices are resampled separately.
///
/// # Errors
/// [`crate::Error::NoVoxels`] when a size is zero.
///
/// ```
/// use vesalius_filters::{TorchLabelOptions, resample_labels_torch};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([8, 8, 8], [1.0; 3])?;
/// let labels = LabelMap::<u16>::from_fn(grid, |[x, _, _]| if x < 4 { 0 } else { 7 });
/// let small = resample_labels_torch(&labels, [4, 4, 4], [2.0; 3], &TorchLabelOptions::default())?;
/// assert_eq!(small.data()[..4], [0, 0, 7, 7]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn resample_labels_torch<T: Label>(
    input: &LabelMap<T>,
    size: [usize; 3],
    spacing: [f64; 3],
    options: &TorchLabelOptions,
) -> Result<LabelMap<T>> {
    resampled(input, size, spacing, options, &Work::unwatched())
}

/// As [`resample_labels_torch`], cancelled and followed through a control, in the stage `resampling`.
///
/// # Errors
/// As [`resample_labels_torch`]; [`crate::Error::Cancelled`].
pub fn resample_labels_torch_with<T: Label>(
    input: &LabelMap<T>,
    size: [usize; 3],
    spacing: [f64; 3],
    options: &TorchLabelOptions,
    control: &Control,
) -> Result<LabelMap<T>> {
    let work = Work::without_total(control, "resampling");
    resampled(input, size, spacing, options, &work)
}

fn resampled<T: Label>(
    input: &LabelMap<T>,
    size: [usize; 3],
    spacing: [f64; 3],
    options: &TorchLabelOptions,
    work: &Work,
) -> Result<LabelMap<T>> {
    let resize_axes = |input: &LabelMap<T>, size: [usize; 3], separate: bool| {
        if !separate {
            work.set_total(size[1] * size[2]);
            return resize(input, size, [options.whole; 3], options.vote, work);
        }
        let depth = input.geometry().size()[2];
        work.set_total(size[1] * (depth + size[2]));
        let rules = [options.planes, options.planes, AxisRule::TorchNearestExact];
        let planes = [size[0], size[1], depth];
        let flat = resize(input, planes, rules, options.vote, work)?;
        resize(&flat, size, [options.across; 3], options.vote, work)
    };
    with_thick_axis_last(input, size, spacing, options.separate, work, resize_axes)
}

fn resize<T: Label>(
    input: &LabelMap<T>,
    size: [usize; 3],
    rules: [AxisRule; 3],
    vote: TorchVote,
    work: &Work,
) -> Result<LabelMap<T>> {
    let from = input.geometry().size();
    if from == size {
        return Ok(input.clone());
    }
    let target = resized_grid(input.geometry(), size)?;
    let tables: [Axis<f32, 2>; 3] =
        std::array::from_fn(|axis| rules[axis].table(from[axis], size[axis]));
    let taps = std::array::from_fn(|axis| {
        let indices = 0..size[axis];
        indices.map(|i| tables[axis].pair(i).0).collect()
    });
    let elect = |neighbours: Neighbours<T>, at: [usize; 3]| {
        let weights = std::array::from_fn(|axis| tables[axis].pair(at[axis]).1);
        elect(neighbours, weights, vote)
    };
    resize_by_votes(input, target, &taps, elect, work)
}

/// The label of a voxel from its eight neighbours, `[z][y][x]`, and the weights along x, y and z.
fn elect<T: Label>(taps: Neighbours<T>, [x, y, z]: [[f32; 2]; 3], vote: TorchVote) -> T {
    /// PyTorch interpolates masks of 0 and this.
    const SCALE: f32 = 1000.0;
    let mut labels: Vec<T> = taps.as_flattened().as_flattened().to_vec();
    labels.sort_unstable_by_key(|&label| Into::<u32>::into(label));
    labels.dedup();
    let mix = |values: [f32; 2], weights: [f32; 2]| values[0] * weights[0] + values[1] * weights[1];
    let share = |label: T, one: f32| {
        let on = |tap: T| if tap == label { one } else { 0.0 };
        mix(
            taps.map(|rows| mix(rows.map(|row| mix(row.map(on), x)), y)),
            z,
        )
    };
    match vote {
        TorchVote::OverHalf => {
            let over = labels.into_iter().filter(|&label| share(label, 1.0) > 0.5);
            over.last().unwrap_or_default()
        }
        TorchVote::Largest => {
            let mut best = (T::default(), -1.0);
            for label in labels {
                let value = half(share(label, SCALE));
                if value > best.1 {
                    best = (label, value);
                }
            }
            best.0
        }
    }
}

/// The nearest 16-bit float of a number that such a float holds without its smallest exponents.
fn half(value: f32) -> f32 {
    let bits = value.to_bits();
    f32::from_bits((bits + 0xfff + (bits >> 13 & 1)) & !0x1fff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    const LARGEST: [u8; 30] = [
        0, 3, 2, 2, 1, 0, 3, 2, 2, 1, 0, 0, 3, 2, 1, 0, 0, 3, 2, 1, 1, 0, 0, 3, 2, 1, 0, 0, 3, 2,
    ];
    const OVER_HALF: [u8; 30] = [
        0, 3, 0, 2, 1, 0, 3, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 3, 2, 1, 0, 0, 3, 2,
    ];

    /// `resample_torch_fornnunet(..., is_seg=True)` of nnunetv2 2.8.1 on the same labels.
    #[test]
    fn votes_are_nnunets() {
        let grid = Geometry::axis_aligned([4, 3, 2], [1.0; 3]).unwrap();
        let labels = LabelMap::from_fn(grid, |[x, y, z]| ((x * 3 + y * 2 + z * 5) % 4) as u8);
        let resized = |vote| {
            let options = TorchLabelOptions {
                vote,
                ..TorchLabelOptions::default()
            };
            let found = resample_labels_torch(&labels, [5, 2, 3], [1.0; 3], &options);
            found.unwrap().into_data()
        };
        assert_eq!(resized(TorchVote::Largest), LARGEST);
        assert_eq!(resized(TorchVote::OverHalf), OVER_HALF);
    }
}
