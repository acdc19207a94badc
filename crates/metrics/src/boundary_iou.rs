//! Boundary IoU: the agreement of the masks' boundaries, independent of a large interior.

use crate::bitmask::Bits;
use crate::nearest_distance::near;
use crate::surface::Masks;

/// Intersection over union of the voxels of each mask that are near its border.
/// (Cheng et al., CVPR 2021, arXiv 2103.16562; in millimetres instead of pixels)
///
/// ```
/// use vesalius_metrics::{BoundaryIou, Evaluation, Evaluator, Measure, Targets};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([20, 20, 20], [1.0; 3])?;
/// let cube = |first| LabelMap::<u16>::from_fn(grid, |i| u16::from(i.iter().all(|&i| (first..16).contains(&i))));
/// let measures = vec![Measure::BoundaryIou(BoundaryIou { distance: 1.0 })];
/// let evaluator = Evaluator::new(Targets::of_values(&[1])?, measures);
/// let scores = evaluator.case("a", &cube(4), &cube(5))?;
/// // The interiors agree, so Dice is higher.
/// let boundary = scores.get("1", &evaluator.measures[1].key()).unwrap().counted.unwrap();
/// assert!(boundary < scores.mean("dice").unwrap());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
