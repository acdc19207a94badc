//! nnU-Net's resampling of images and of segmentations, to the voxel: array to array, half-pixel
//! centres, with thick slices resampled separately from their plane.

mod data;
mod labels;
mod rules;
mod torch_labels;
mod votes;

pub use data::{resample_nnunet, resample_nnunet_with};
pub use labels::{
    LabelVote, MaskInterpolation, NnUnetLabelOptions, resample_labels_nnunet,
    resample_labels_nnunet_with,
};
pub use rules::AxisRule;
pub use torch_labels::{
    TorchLabelOptions, TorchVote, resample_labels_torch, resample_labels_torch_with,
};

use crate::grid::permute_within;
use crate::resample::Interpolation;
use crate::work::Work;
use crate::{Error, OnGrid, Result};
use vesalius_volume::limits;

/// When the axis of the thick slices is resampled separately, by its nearest slice.
///
/// ```
/// use vesalius_filters::SeparateAxis;
///
/// let rule = SeparateAxis::default();
/// // Slices of 5 mm with pixels of 0.8 mm: the z axis is resampled on its own.
/// assert_eq!(rule.axis([0.8, 0.8, 5.0], [0.8, 0.8, 2.5]), Some(2));
/// assert_eq!(rule.axis([1.0, 1.0, 1.5], [1.0; 3]), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum SeparateAxis {
    /// When the largest spacing is more than this many times the smallest, in the image or else in
    /// the target (nnU-Net: 3).
    BeyondAnisotropy(f64),
    /// Never.
    Never,
    /// Always along the image's largest spacing, where one axis alone has it.
    Always,
}

impl Default for SeparateAxis {
    fn default() -> Self {
        Self::BeyondAnisotropy(3.0)
    }
}

impl SeparateAxis {
    /// The axis to resample separately between two spacings, when there is one: nnU-Net's
    /// `determine_do_sep_z_and_axis`. Two axes that share the largest spacing are not separate.
    pub fn axis(&self, from: [f64; 3], to: [f64; 3]) -> Option<usize> {
        let spacing = match self {
            Self::Never => return None,
            Self::Always => from,
            Self::BeyondAnisotropy(limit) => {
                let anisotropy = |s: [f64; 3]| {
                    s.iter().copied().fold(0.0, f64::max)
                        / s.iter().copied().fold(f64::INFINITY, f64::min)
                };
                [from, to]
                    .into_iter()
                    .find(|&s| limits::exceeds(anisotropy(s), *limit))?
            }
        };
        let largest = spacing.iter().copied().fold(0.0, f64::max);
        let mut axes = (0..3).filter(|&axis| limits::same(largest, spacing[axis]));
        axes.next().filter(|_| axes.next().is_none())
    }
}

/// Options of [`resample_nnunet`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NnUnetOptions {
    /// Cubic for images (`order=3`), linear for probabilities (`order=1`).
    pub interpolation: Interpolation,
    /// When the axis of the thick slices is resampled separately.
    pub separate: SeparateAxis,
    /// How that axis is interpolated then (`order_z`), after the slices' planes.
    pub across: Interpolation,
}

impl Default for NnUnetOptions {
    fn default() -> Self {
        Self {
            interpolation: Interpolation::Cubic,
            separate: SeparateAxis::default(),
            across: Interpolation::Nearest,
        }
    }
}

/// Where voxel `i` of `to` lies among `from` voxels over the same extent, with scipy's arithmetic.
pub(crate) fn half_pixel(i: usize, from: usize, to: usize) -> f64 {
    let zoom = from as f64 / to as f64;
    (i as f64 + 0.5) * zoom - 0.5
}

/// Resizes by `resize(input, size, separate)`, which resamples thick slices along the last axis
/// separately on request and sets the total of the work: another thick axis is moved to the end and back.
fn with_thick_axis_last<G: OnGrid + Clone>(
    input: &G,
    size: [usize; 3],
    spacing: [f64; 3],
    separate: SeparateAxis,
    work: &Work,
    resize: impl Fn(&G, [usize; 3], bool) -> Result<G>,
) -> Result<G> {
    let grid = input.grid();
    if let Some(size) = [grid.size(), size].into_iter().find(|s| s.contains(&0)) {
        return Err(Error::NoVoxels {
            filter: "nnU-Net resampling",
            size,
        });
    }
    if grid.size() == size {
        work.set_total(0);
        work.check()?;
        return Ok(input.clone());
    }
    let (order, back) = match separate.axis(grid.spacing(), spacing) {
        Some(0) => ([1, 2, 0], [2, 0, 1]),
        Some(1) => ([0, 2, 1], [0, 2, 1]),
        axis => {
            let out = resize(input, size, axis.is_some())?;
            work.finish()?;
            return Ok(out);
        }
    };
    let turned = permute_within(input, order, work)?;
    let out = resize(&turned, order.map(|a| size[a]), true)?;
    let out = permute_within(&out, back, work)?;
    work.finish()?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thick_slices_are_found_in_the_image_before_the_target() {
        let auto = SeparateAxis::default();
        assert_eq!(auto.axis([0.9, 0.9, 2.0], [1.0; 3]), None);
        assert_eq!(auto.axis([0.5, 0.5, 3.0], [1.0; 3]), Some(2));
        assert_eq!(auto.axis([1.0; 3], [4.0, 1.0, 1.0]), Some(0));
        assert_eq!(auto.axis([0.24, 1.25, 1.25], [1.0; 3]), None);
        // Three times as thick is not more than three times, also with the rounding of an oblique affine.
        assert_eq!(auto.axis([1.0, 0.999_999_97, 3.000_000_1], [1.0; 3]), None);
        assert_eq!(
            auto.axis([0.6f32 as f64, 0.6, 1.8f32 as f64], [1.0; 3]),
            None
        );
        assert_eq!(
            SeparateAxis::Always.axis([1.0, 2.0, 1.0], [1.0; 3]),
            Some(1)
        );
        assert_eq!(SeparateAxis::Always.axis([1.0; 3], [1.0; 3]), None);
        assert_eq!(SeparateAxis::Never.axis([0.5, 0.5, 3.0], [1.0; 3]), None);
    }
}
