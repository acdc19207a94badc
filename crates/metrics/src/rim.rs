//! Boundary IoU: the agreement of the masks' rims, which a large interior cannot hide.

use crate::bits::Bits;
use crate::nearest::near;
use crate::surface::Masks;

/// Intersection over union of the voxels of each mask that are near its border.
/// (Cheng et al., CVPR 2021, arXiv 2103.16562; in millimetres instead of pixels)
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoundaryIou {
    /// A foreground voxel belongs to the rim when a background voxel's centre is this near, in mm;
    /// the border of the image is background. 0 takes the voxels with a face to the background,
    /// as Metrics Reloaded does.
    pub distance: f64,
}

impl Default for BoundaryIou {
    fn default() -> Self {
        Self { distance: 0.0 }
    }
}

impl BoundaryIou {
    pub(crate) fn key(&self) -> String {
        if self.distance > 0.0 {
            format!("boundary_iou_{}mm", self.distance)
        } else {
            "boundary_iou".into()
        }
    }

    pub(crate) fn of(&self, masks: &Masks) -> Option<f64> {
        let reference = self.rim(&masks.reference, masks);
        let prediction = self.rim(&masks.prediction, masks);
        let both = reference.count() - reference.without(&prediction).count();
        let union = reference.count() + prediction.count() - both;
        (union > 0).then(|| both as f64 / union as f64)
    }

    fn rim(&self, mask: &Bits, masks: &Masks) -> Bits {
        if self.distance > 0.0 {
            near(mask, &mask.inverse(), &masks.metric, self.distance)
        } else {
            mask.edge()
        }
    }
}
