//! What filters measure, as data that is written as JSON.

use serde::Serialize;
use vesalius_filters::{Bounds, ComponentStatistics, LabelIntensity, LabelShape};

/// What a filter found in addition to the file that it wrote.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Findings {
    /// Nothing: the file is the result.
    Nothing,
    /// Thresholds, rising, in the image's values.
    Thresholds(Vec<f64>),
    /// The mesh that was written.
    Surface {
        /// How many triangles it has.
        triangles: usize,
        /// Its area in mm².
        area: f64,
        /// The volume that it encloses, in millilitres.
        millilitres: f64,
    },
    /// The connected components of a label map.
    Components(Vec<Component>),
    /// The labels of a label map.
    Labels(Vec<LabelMeasures>),
}

/// A box of voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct VoxelBox {
    /// The first voxel, `[x, y, z]`.
    pub start: [usize; 3],
    /// How many there are along each axis.
    pub size: [usize; 3],
}

impl From<Bounds> for VoxelBox {
    fn from(bounds: Bounds) -> Self {
        Self {
            start: bounds.start,
            size: bounds.size,
        }
    }
}

/// One connected component.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Component {
    /// Its label in the input, or 1 where labels are not distinguished.
    #[serde(rename = "piece")]
    pub label: u32,
    /// How many voxels it has.
    pub voxels: usize,
    /// Its volume in mm³.
    pub volume_mm3: f64,
    /// The mean position of its voxels, RAS+ mm.
    pub centroid: [f64; 3],
    /// The mean index of its voxels, `[x, y, z]`.
    pub centroid_index: [f64; 3],
    /// The smallest box around it.
    pub bounds: VoxelBox,
}

impl From<&ComponentStatistics> for Component {
    fn from(found: &ComponentStatistics) -> Self {
        Self {
            label: found.label,
            voxels: found.voxels,
            volume_mm3: found.volume,
            centroid: found.centroid,
            centroid_index: found.centroid_index,
            bounds: found.bounds.into(),
        }
    }
}

/// The shape of one label, and the intensities of an image within it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelMeasures {
    /// The label.
    pub label: u32,
    /// How many voxels it has.
    pub voxels: usize,
    /// Its volume in millilitres.
    pub volume_ml: f64,
    /// The mean position of its voxels, RAS+ mm.
    pub centroid: [f64; 3],
    /// The smallest box around it.
    pub bounds: VoxelBox,
    /// Variances of its voxels' centres along its principal axes, mm², rising.
    pub principal_moments: [f64; 3],
    /// The principal axes, unit vectors in RAS+.
    pub principal_axes: [[f64; 3]; 3],
    /// The image's values within it, where an image was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intensity: Option<Intensity>,
}

/// The values of an image within one label.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Intensity {
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation.
    pub deviation: f64,
    /// The smallest.
    pub minimum: f64,
    /// The largest.
    pub maximum: f64,
    /// Their sum.
    pub sum: f64,
    /// Their skewness.
    pub skewness: f64,
    /// Their kurtosis less 3.
    pub excess_kurtosis: f64,
}

impl LabelMeasures {
    pub(super) fn of(shape: &LabelShape, intensity: Option<&LabelIntensity>) -> Self {
        Self {
            label: shape.label,
            voxels: shape.voxels,
            volume_ml: shape.millilitres,
            centroid: shape.centroid,
            bounds: shape.bounds.into(),
            principal_moments: shape.principal_moments,
            principal_axes: shape.principal_axes,
            intensity: intensity.map(|found| Intensity {
                mean: found.mean,
                deviation: found.deviation,
                minimum: found.minimum,
                maximum: found.maximum,
                sum: found.sum,
                skewness: found.skewness,
                excess_kurtosis: found.excess_kurtosis,
            }),
        }
    }
}
