//! Steps that move voxels: each is a map from one grid to another. The image is interpolated through it, labels
//! are never mixed, and the inverse of the step is the inverse map.

mod affine;
mod array_resize;
mod crop_centre;
mod crop_divisible;
mod crop_foreground;
mod crop_nonzero;
mod crop_region;
mod elastic;
mod flip;
mod grid_distortion;
mod low_resolution;
mod match_grid;
mod monai_spacing;
mod orient;
mod pad;
mod resize;
mod rotate90;
mod spacing;
mod undo;
mod zoom;

pub use affine::{Affine, AffineSpace};
pub use array_resize::{ArrayResize, ArrayRule};
pub use crop_centre::CropCentre;
pub use crop_divisible::CropDivisible;
pub use crop_foreground::CropForeground;
pub use crop_nonzero::CropNonzero;
pub use crop_region::CropRegion;
pub use elastic::Elastic;
pub use flip::Flip;
pub use grid_distortion::GridDistortion;
pub use low_resolution::{LowResolution, LowResolutionStep};
pub use match_grid::MatchGrid;
pub use orient::Orient;
pub use pad::{Pad, PadSide, PadStep, Padding};
pub use resize::{Resize, ResizeInterpolation, ResizeTo};
pub use rotate90::Rotate90;
pub use spacing::{Spacing, SpacingRule};
pub use undo::Undo;
pub use zoom::Zoom;

use crate::Result;
use crate::config::require;
use crate::map::{Displacement, GridMap, PaddingMode, Sampling, Stage};
use serde::{Deserialize, Serialize};
use vesalius_filters as filters;
use vesalius_volume::{Geometry, LabelMap, Orientation, Volume};

/// The most voxels along an axis.
const FURTHEST: i64 = 1 << 40;

/// A sampled move of voxels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GridStep {
    /// Axes turned to named directions.
    Orient {
        /// Where x, y and z grow to.
        to: String,
    },
    /// Axis `i` of the result is axis `order[i]` of the source.
    Permute {
        /// Each of 0, 1, 2 once.
        order: [usize; 3],
    },
    /// Axes reversed.
    Flip {
        /// Which of x, y, z.
        axes: [bool; 3],
    },
    /// A box of voxels; the part outside of the image is zero and background.
    Region {
        /// First voxel `[x, y, z]`, which may be negative.
        start: [i64; 3],
        /// Number of voxels.
        size: [usize; 3],
    },
    /// A box of voxels around the image.
    Pad(PadStep),
    /// Values between voxels, on another grid.
    Resample {
        /// The grid of the result.
        target: Geometry,
        /// How values between voxels are computed.
        #[serde(default)]
        sampling: Sampling,
    },
    /// Another number of voxels over the same extent, by a rule of arrays.
    Resize(ArrayResize),
    /// The anatomy moved by an affine map, on the same grid.
    Affine {
        /// From the result's voxel index to the source's.
        matrix: vesalius_volume::Affine,
        /// How values between voxels are computed.
        #[serde(default)]
        sampling: Sampling,
    },
    /// The anatomy moved by a displacement, on the same grid.
    Displace {
        /// From the result's voxels to the source's.
        field: Displacement,
        /// How values between voxels are computed.
        #[serde(default)]
        sampling: Sampling,
    },
}

impl GridStep {
    /// The grid that this step makes of another one.
    ///
    /// # Errors
    /// A grid that cannot be made.
    pub fn target(&self, geometry: &Geometry) -> Result<Geometry> {
        Ok(self.map(geometry)?.target)
    }

    /// Checks that the numbers are valid: they may come from a file instead of a draw.
    fn check(&self) -> Result<()> {
        match self {
            Self::Permute { order } => require(
                (0..3).all(|axis| order.contains(&axis)),
                "permute",
                "order",
                order,
                "each of 0, 1, 2 once",
            ),
            Self::Region { start, size } | Self::Pad(PadStep { start, size, .. }) => require(
                start
                    .iter()
                    .all(|start| start.unsigned_abs() <= FURTHEST as u64)
                    && size.iter().all(|&size| size <= FURTHEST as usize),
                "region",
                "start and size",
                (start, size),
                "numbers of voxels below 2^40",
            ),
            Self::Displace { field, .. } => field.check(),
            Self::Resize(step) => require(
                step.size
                    .iter()
                    .all(|size| (1..=FURTHEST as usize).contains(size)),
                "resize",
                "size",
                step.size,
                "numbers of voxels from 1 to 2^40",
            ),
            _ => Ok(()),
        }
    }

    /// The image on the step's grid, interpolated where voxels do not coincide.
    ///
    /// # Errors
    /// A grid that cannot be made.
    pub fn apply(&self, image: &Volume<f32>) -> Result<Volume<f32>> {
        self.check()?;
        Ok(match self {
            Self::Orient { to } => filters::orient(image, to.parse()?)?,
            Self::Permute { order } => filters::permute(image, *order)?,
            Self::Flip { axes } => filters::flip(image, *axes)?,
            Self::Region { start, size } => {
                filters::crop_or_pad(image, *start, *size, filters::PadMode::Constant(0.0))?
            }
            Self::Pad(step) => step.image(image)?,
            Self::Resize(step) => step.image(image)?,
            _ => self.apply_both(image, None)?.0,
        })
    }

    /// The labels on the step's grid; never interpolated as numbers.
    ///
    /// # Errors
    /// A grid that cannot be made.
    pub fn apply_labels(&self, labels: &LabelMap) -> Result<LabelMap> {
        self.check()?;
        Ok(match self {
            Self::Orient { to } => filters::orient(labels, to.parse()?)?,
            Self::Permute { order } => filters::permute(labels, *order)?,
            Self::Flip { axes } => filters::flip(labels, *axes)?,
            Self::Region { start, size } => {
                filters::crop_or_pad(labels, *start, *size, filters::PadMode::Constant(0))?
            }
            Self::Pad(step) => step.labels(labels)?,
            Self::Resize(step) => {
                let sampling = Sampling {
                    labels: step.labels,
                    outside: PaddingMode::Edge,
                    ..Sampling::default()
                };
                self.map(labels.geometry())?
                    .apply_labels(labels, &sampling)?
            }
            _ => {
                let sampling = self.sampling().unwrap_or_default();
                self.map(labels.geometry())?
                    .apply_labels(labels, &sampling)?
            }
        })
    }

    /// Image and labels in one pass, and whether values were mixed.
    pub(crate) fn apply_both(
        &self,
        image: &Volume<f32>,
        labels: Option<&LabelMap>,
    ) -> Result<(Volume<f32>, Option<LabelMap>, bool)> {
        match self.sampling() {
            Some(sampling) => self.map(image.geometry())?.apply(image, labels, &sampling),
            None => {
                let moved = labels.map(|labels| self.apply_labels(labels)).transpose()?;
                Ok((self.apply(image)?, moved, false))
            }
        }
    }

    /// How values between voxels are computed, where the step interpolates.
    pub(crate) fn sampling(&self) -> Option<Sampling> {
        match self {
            Self::Resample { sampling, .. }
            | Self::Affine { sampling, .. }
            | Self::Displace { sampling, .. } => Some(*sampling),
            _ => None,
        }
    }

    /// Whether the step is done by itself, and not as one map with those beside it.
    pub(crate) fn is_alone(&self, geometry: &Geometry) -> bool {
        matches!(self, Self::Resize(_)) || self.pads(geometry)
    }

    /// Whether the result has voxels outside of the image.
    pub(crate) fn pads(&self, geometry: &Geometry) -> bool {
        let Self::Region { start, size } = self else {
            return matches!(self, Self::Pad(_));
        };
        let whole = geometry.size();
        let outside = |a: usize| match usize::try_from(start[a]) {
            Ok(start) => start.saturating_add(size[a]) > whole[a],
            Err(_) => true,
        };
        (0..3).any(outside)
    }

    /// From the result's voxels to places in the grid that the step is applied to.
    pub(crate) fn map(&self, geometry: &Geometry) -> Result<GridMap> {
        self.check()?;
        let affine = |target, affine| GridMap::new(target, Stage::Affine(affine));
        Ok(match self {
            Self::Orient { to } => {
                let (order, flips) = geometry.orientation().steps_to(&to.parse::<Orientation>()?);
                let turned = geometry.permuted(order);
                let first = affine(turned, reorder(order, [false; 3], [0; 3])?);
                first.after(affine(
                    turned.flipped(flips),
                    reorder([0, 1, 2], flips, turned.size())?,
                ))
            }
            Self::Permute { order } => affine(
                geometry.permuted(*order),
                reorder(*order, [false; 3], [0; 3])?,
            ),
            Self::Flip { axes } => affine(
                geometry.flipped(*axes),
                reorder([0, 1, 2], *axes, geometry.size())?,
            ),
            Self::Region { start, size } | Self::Pad(PadStep { start, size, .. }) => affine(
                geometry.region(*start, *size)?,
                shift(start.map(|v| v as f64))?,
            ),
            Self::Resample { target, .. } => {
                affine(*target, geometry.affine().inverse().after(target.affine()))
            }
            Self::Resize(step) => {
                let target = filters::resized_grid(geometry, step.size)?;
                affine(target, geometry.affine().inverse().after(target.affine()))
            }
            Self::Affine { matrix, .. } => affine(*geometry, *matrix),
            Self::Displace { field, .. } => {
                GridMap::new(*geometry, Stage::Displaced(field.clone()))
            }
        })
    }
}

/// From the index in a reordered grid to the index in the source: axis `i` along `order[i]`, backwards
/// where `flips[i]` and the grid has `size[i]` voxels.
fn reorder(
    order: [usize; 3],
    flips: [bool; 3],
    size: [usize; 3],
) -> Result<vesalius_volume::Affine> {
    let (mut linear, mut first) = ([[0.0; 3]; 3], [0.0; 3]);
    for i in 0..3 {
        linear[order[i]][i] = if flips[i] { -1.0 } else { 1.0 };
        first[order[i]] = if flips[i] { size[i] as f64 - 1.0 } else { 0.0 };
    }
    Ok(vesalius_volume::Affine::from_linear(linear, first)?)
}

fn shift(by: [f64; 3]) -> Result<vesalius_volume::Affine> {
    Ok(vesalius_volume::Affine::from_linear(
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        by,
    )?)
}

/// An affine map of indices on a grid, about its middle.
pub(crate) fn about_centre(
    linear: [[f64; 3]; 3],
    shift: [f64; 3],
    size: [usize; 3],
) -> Result<vesalius_volume::Affine> {
    let centre = size.map(|n| (n as f64 - 1.0) / 2.0);
    let first = std::array::from_fn(|i| {
        centre[i] + shift[i] - (0..3).map(|j| linear[i][j] * centre[j]).sum::<f64>()
    });
    Ok(vesalius_volume::Affine::from_linear(linear, first)?)
}

/// The region of `size` voxels in the middle, as MONAI's `CenterSpatialCrop` counts; what is larger
/// than the image reaches outside as far on both sides.
pub(crate) fn centred(whole: [usize; 3], size: [usize; 3]) -> GridStep {
    let start = std::array::from_fn(|a| (whole[a] / 2) as i64 - (size[a] / 2) as i64);
    GridStep::Region { start, size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_at_the_end_of_the_numbers_reaches_outside() {
        let grid = Geometry::axis_aligned([9, 8, 7], [1.0; 3]).unwrap();
        let pads = |start, size| GridStep::Region { start, size }.pads(&grid);
        assert!(!pads([0; 3], [9, 8, 7]) && !pads([8, 7, 6], [1; 3]));
        assert!(pads([1, 0, 0], [9, 8, 7]) && pads([-1, 0, 0], [1; 3]));
        assert!(pads([0, i64::MAX, 0], [9, 8, 7]) && pads([0; 3], [usize::MAX; 3]));
    }
}
