//! nnU-Net's crop: the smallest box around everything that is not zero in any channel.

use crate::{GridStep, Result};
use serde::{Deserialize, Serialize};
use vesalius_filters::bounding_box;
use vesalius_volume::Volume;

/// Crops to the box around the voxels that are not zero in any channel; an image of zeros stays whole.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CropNonzero {
    /// Voxels to keep around the box on each side, as far as the image goes; nnU-Net keeps none.
    pub margin: [usize; 3],
}

impl CropNonzero {
    /// The region that this image is cropped to.
    ///
    /// # Errors
    /// None today; a region that cannot be made would be one.
    pub fn step(&self, image: &Volume<f32>) -> Result<GridStep> {
        let whole = image.geometry().size();
        let (start, size) = match bounding_box(image) {
            Some(bounds) => {
                let bounds = bounds.grown(self.margin, whole);
                (bounds.start.map(|v| v as i64), bounds.size)
            }
            None => ([0; 3], whole),
        };
        Ok(GridStep::Region { start, size })
    }
}
