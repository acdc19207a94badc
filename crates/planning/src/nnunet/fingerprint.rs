//! nnU-Net's `dataset_fingerprint.json`: the measurements of a dataset that planning needs.

use super::{IntensityProperties, Ordered};
use crate::{Result, json};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Sizes, spacings and intensities of the labelled cases. Vectors run along an array's axes (z, y, x).
///
/// ```
/// use vesalius_planning::Datalist;
/// use vesalius_planning::nnunet::Fingerprint;
/// use vesalius_volume::{Geometry, LabelMap, Volume};
///
/// # let folder = tempfile::tempdir()?;
/// # let (images, labels) = (folder.path().join("images"), folder.path().join("labels"));
/// # std::fs::create_dir_all(&images)?;
/// # std::fs::create_dir_all(&labels)?;
/// # let grid = Geometry::axis_aligned([8, 8, 4], [1.0, 1.0, 3.0])?;
/// # for case in 0..4 {
/// #     let mask = LabelMap::<u16>::from_fn(grid, |[x, _, _]| u16::from(x > 4));
/// #     let scan = Volume::from_fn(grid, |[x, y, z]| (100 * usize::from(x > 4) + y + z + case) as f32);
/// #     vesalius_io::write(images.join(format!("case_{case}.nii.gz")), &scan)?;
/// #     vesalius_io::write_labels(labels.join(format!("case_{case}.nii.gz")), &mask)?;
/// # }
/// // Four cases of 8 × 8 × 4 voxels of 1 × 1 × 3 mm; the vectors are z, y, x.
/// let fingerprint = Fingerprint::extract(&Datalist::from_folders(&images, &labels)?)?;
/// assert_eq!(fingerprint.spacings[0], [3.0, 1.0, 1.0]);
/// assert_eq!(fingerprint.shapes_after_crop[0], [4, 8, 8]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        json::read(path, "nnU-Net's dataset_fingerprint.json")
    }

    /// Writes it as nnU-Net does.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        json::write(path, self)
    }
}
