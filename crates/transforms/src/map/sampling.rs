//! How values between voxels are computed, for images and for labels, and the values outside.

use crate::Result;
use crate::config::require;
use serde::{Deserialize, Serialize};
use vesalius_filters as filters;

/// How an image is interpolated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ImageSampling {
    /// The nearest voxel.
    Nearest,
    /// Linear between the eight neighbours.
    #[default]
    Linear,
    /// Cubic B-spline through the voxels.
    Cubic,
}

/// How a label between voxels is decided; labels are never mixed as numbers.
///
/// ```
/// use vesalius_transforms::Chain;
/// use vesalius_volume::{Geometry, LabelMap, Subject, Volume};
///
/// let grid = Geometry::axis_aligned([4, 4, 4], [2.0; 3])?;
/// let labels = LabelMap::from_fn(grid, |[x, _, _]| if x < 2 { 0 } else { 7 });
/// let subject = Subject::new("case_01", Volume::filled(grid, 0.0), Some(labels))?;
/// let chain: Chain = serde_saphyr::from_str("- spacing: {to: [1, 1, 1], labels: linear}")?;
/// let (fine, _) = chain.apply(subject, 0, 0)?;
/// // No labels between 0 and 7.
/// let counts: Vec<_> = fine.labels().unwrap().counts().into_iter().collect();
/// assert_eq!(counts, [(0, 256), (7, 256)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LabelSampling {
    /// The nearest voxel (as in MONAI).
    #[default]
    Nearest,
    /// Each label's mask is interpolated linearly and the largest share is taken (as in batchgeneratorsv2).
    Linear,
}

/// The values where the image has no voxels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PaddingMode {
    /// Zero and background, mixed with the border voxel within a voxel of it: `grid_sample`'s `zeros`.
    #[default]
    Zeros,
    /// The border voxel, repeated.
    Edge,
    /// The image mirrored at its outer edges: `grid_sample`'s `reflection`.
    Reflect,
}

/// How an image and its labels are resampled through a map.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sampling {
    /// The image.
    pub image: ImageSampling,
    /// The labels.
    pub labels: LabelSampling,
    /// Outside of both.
    pub outside: PaddingMode,
    /// An interpolation of its own, never one with those beside it, as in MONAI; and of the nearest voxel with halves to
    /// even indices, as in PyTorch.
    #[serde(skip_serializing_if = "is_not")]
    pub apart: bool,
}

fn is_not(flag: &bool) -> bool {
    !flag
}

impl Sampling {
    /// The sampling of both as one interpolation, when there is one: the same kernels, and at
    /// most one of them with values outside. A change of spacing stays within the image.
    pub(crate) fn joined(&self, other: &Self) -> Option<Self> {
        if self.image != other.image || self.labels != other.labels || self.apart || other.apart {
            return None;
        }
        match (self.outside, other.outside) {
            (a, b) if a == b => Some(*self),
            (PaddingMode::Edge, _) => Some(*other),
            (_, PaddingMode::Edge) => Some(*self),
            _ => None,
        }
    }

    /// Checks that the two parts go together.
    pub(crate) fn check(&self, transform: &'static str) -> Result<()> {
        require(
            !(self.image == ImageSampling::Cubic && self.outside == PaddingMode::Reflect),
            transform,
            "outside",
            self.outside,
            "zeros or edge with cubic interpolation",
        )
    }

    pub(super) fn for_filters(&self) -> Result<filters::ResampleOptions> {
        self.check("resample")?;
        Ok(filters::ResampleOptions {
            interpolation: match self.image {
                ImageSampling::Nearest => filters::Interpolation::Nearest,
                ImageSampling::Linear => filters::Interpolation::Linear,
                ImageSampling::Cubic => filters::Interpolation::Cubic,
            },
            outside: match self.outside {
                PaddingMode::Edge => filters::Extrapolation::Edge,
                _ => filters::Extrapolation::Value(0.0),
            },
        })
    }

    pub(super) fn labels_for_filters(&self) -> filters::LabelResampleOptions {
        filters::LabelResampleOptions {
            interpolation: match self.labels {
                LabelSampling::Nearest => filters::LabelInterpolation::Nearest,
                LabelSampling::Linear => filters::LabelInterpolation::Linear,
            },
            outside: match self.outside {
                PaddingMode::Edge => filters::Extrapolation::Edge,
                _ => filters::Extrapolation::Value(0.0),
            },
        }
    }
}
