//! Values of an image at the voxels of another grid: with the convention of any tool.
//!
//! Axis-aligned pairs of grids are resampled axis by axis; all others voxel by voxel.

pub(crate) mod axis;
mod between;
mod displaced;
mod engine;
pub(crate) mod kernel;
pub(crate) mod label_parts;
mod labels;
mod linear_parts;
pub(crate) mod parts;
mod points;
pub(crate) mod separable;
pub(crate) mod spline;
mod target;
mod window;

pub use displaced::{
    resample_displaced, resample_displaced_with, resample_labels_displaced,
    resample_labels_displaced_with,
};
pub use engine::{resample, resample_through, resample_through_with};
pub use labels::{
    LabelInterpolation, LabelResampleOptions, resample_labels, resample_labels_through,
    resample_labels_through_with,
};
pub use linear_parts::{IndexBox, LinearParts};
pub use target::{Convention, resized_grid, target_grid};

/// How values between voxels are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Interpolation {
    /// The nearest voxel; halves go up, as in ITK.
    Nearest,
    /// Linear between the 8 neighbours.
    #[default]
    Linear,
    /// Cubic B-spline through the voxels (prefiltered): ITK's `BSpline`, scipy's order 3.
    Cubic,
}

/// The value where the image has no voxels.
///
/// ```
/// use vesalius_filters::{Interpolation, Extrapolation, ResampleOptions, resample};
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([2, 1, 1], [1.0; 3])?;
/// let ct = Volume::new(grid, 1, vec![40.0_f32, 60.0])?;
/// // The target reaches 2 voxels beyond the image; air is -1024 HU.
/// let options = ResampleOptions { interpolation: Interpolation::Linear, outside: Extrapolation::Value(-1024.0) };
/// let result = resample(&ct, &grid.region([0; 3], [4, 1, 1])?, &options)?;
/// assert_eq!(result.data(), [40.0, 60.0, -1024.0, -1024.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Extrapolation {
    /// This value beyond the outer edges of the border voxels (ITK). Within half a voxel of the
    /// border centres, nearest and linear take the border voxel, cubic mirrors.
    Value(f64),
    /// This value beyond the centres of the border voxels (scipy's and nibabel's `constant`).
    ValueBeyondCentres(f64),
    /// The border voxel, repeated (MONAI's `border`, scipy's `nearest`).
    Edge,
}

impl Default for Extrapolation {
    fn default() -> Self {
        Self::Value(0.0)
    }
}

/// Options of [`resample`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ResampleOptions {
    /// How values between voxels are computed.
    pub interpolation: Interpolation,
    /// The value where the image has no voxels.
    pub outside: Extrapolation,
}

impl ResampleOptions {
    /// The defaults of a tool; nnU-Net's own resampling of arrays is
    /// [`crate::resample_nnunet`].
    pub fn of(convention: Convention) -> Self {
        match convention {
            Convention::SimpleItk | Convention::TorchIo => Self::simple_itk(Interpolation::Linear),
            Convention::Monai => Self::monai(),
            Convention::Nibabel => Self::nibabel(),
            Convention::NnUnet => Self {
                interpolation: Interpolation::Cubic,
                outside: Extrapolation::Edge,
            },
        }
    }

    /// SimpleITK's `Resample` with a default value of 0.
    pub fn simple_itk(interpolation: Interpolation) -> Self {
        Self {
            interpolation,
            outside: Extrapolation::Value(0.0),
        }
    }

    /// MONAI's `Spacing`: linear, border padding.
    pub fn monai() -> Self {
        Self {
            interpolation: Interpolation::Linear,
            outside: Extrapolation::Edge,
        }
    }

    /// nibabel's `resample_from_to`: cubic, 0 beyond the border voxels' centres.
    pub fn nibabel() -> Self {
        Self {
            interpolation: Interpolation::Cubic,
            outside: Extrapolation::ValueBeyondCentres(0.0),
        }
    }
}
