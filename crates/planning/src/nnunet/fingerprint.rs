//! nnU-Net's `dataset_fingerprint.json`: what planning needs to know of a dataset.

use super::{IntensityProperties, Ordered};
use crate::{Result, json};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Sizes, spacings and intensities of the labelled cases. Vectors run along an array's axes (z, y, x).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Intensities under the labels, by channel number.
    pub foreground_intensity_properties_per_channel: Ordered<IntensityProperties>,
    /// Median share of its voxels that a case keeps when cropped to those that are not zero.
    pub median_relative_size_after_cropping: f64,
    /// Size of each case after that crop.
    pub shapes_after_crop: Vec<[usize; 3]>,
    /// Spacing of each case in mm.
    pub spacings: Vec<[f64; 3]>,
}

impl Fingerprint {
    /// Reads nnU-Net's file.
    ///
    /// # Errors
    /// [`crate::Error::Plans`] with the file and what is wrong with it.
    pub fn read(path: &Path) -> Result<Self> {
        json::read(path, "nnU-Net's dataset_fingerprint.json")
    }

    /// Writes it as nnU-Net does.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn write(&self, path: &Path) -> Result<()> {
        json::write(path, self)
    }
}
