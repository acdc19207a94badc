//! Objects instead of voxels: which lesions were found, and how well.

use crate::Result;
use crate::lesions::{Objects, Shared, neighbours};
use vesalius_filters::Connectivity;
use vesalius_volume::{Label, LabelMap};

/// What an object is, and when one was found.
///
/// ```
/// use vesalius_metrics::ObjectMatching;
/// use vesalius_volume::{Geometry, LabelMap};
///
/// // Three numbered lesions; the first is found, the last two are not.
/// let grid = Geometry::axis_aligned([8, 1, 1], [1.0; 3])?;
/// let reference = LabelMap::new(grid, vec![1_u16, 1, 0, 2, 0, 3, 3, 0])?;
/// let prediction = LabelMap::new(grid, vec![1_u16, 1, 0, 0, 0, 0, 0, 2])?;
/// let found = ObjectMatching::default().instances(&reference, &prediction)?;
/// assert_eq!((found.matched.len(), found.missed(), found.spurious()), (1, 2, 1));
/// assert_eq!(found.recall(), 1.0 / 3.0);
/// assert_eq!(found.precision(), 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ObjectMatching {
    /// Which neighbours make voxels one object.
    pub connectivity: Connectivity,
    /// Two objects match when their IoU is larger than this. From 0.5 on no object can match two
    /// (Kirillov et al., arXiv 1801.00868); below, the pairs with the largest IoU are taken first,
    /// each object once.
    pub iou: f64,
}

impl Default for ObjectMatching {
    fn default() -> Self {
        Self {
            connectivity: Connectivity::Corners,
            iou: 0.5,
        }
    }
}

/// Objects matched between reference and prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    /// The IoU of each matched pair, in the order of the reference's objects.
    pub matched: Vec<f64>,
    /// Objects of the reference.
    pub reference: usize,
    /// Objects of the prediction.
    pub prediction: usize,
}

impl Detection {
    /// Objects of the reference that nothing matches.
    pub fn missed(&self) -> usize {
        self.reference - self.matched.len()
    }

    /// Objects of the prediction that match nothing.
    pub fn spurious(&self) -> usize {
        self.prediction - self.matched.len()
    }

    /// F1 of objects, also called recognition quality; 0 where there is no object.
    pub fn f1(&self) -> f64 {
        ratio(2 * self.matched.len(), self.reference + self.prediction)
    }

    /// Share of the reference's objects that were found.
    pub fn recall(&self) -> f64 {
        ratio(self.matched.len(), self.reference)
    }

    /// Share of the prediction's objects that are right.
    pub fn precision(&self) -> f64 {
        ratio(self.matched.len(), self.prediction)
    }

    /// The mean IoU of the matched pairs; 0 where there is none.
    pub fn segmentation_quality(&self) -> f64 {
        let count = self.matched.len().max(1) as f64;
        self.matched.iter().sum::<f64>() / count
    }

    /// F1 of objects times the mean IoU of the matched.
    pub fn panoptic_quality(&self) -> f64 {
        self.f1() * self.segmentation_quality()
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

impl ObjectMatching {
    /// Matches two maps of numbered objects (0 is background), such as cells or lesions.
    ///
    /// # Errors
    /// [`crate::Error::Volume`] when the maps lie on different grids.
    pub fn instances<R: Label, P: Label>(
        &self,
        reference: &LabelMap<R>,
        prediction: &LabelMap<P>,
    ) -> Result<Detection> {
        Ok(self.of(&Objects::of_instances(reference, prediction)?))
    }

    pub(crate) fn of(&self, objects: &Objects) -> Detection {
        let iou = |pair: &Shared| {
            let (r, p) = (pair.reference, pair.prediction);
            let union = objects.reference.voxels[r] + objects.prediction.voxels[p] - pair.voxels;
            (pair.voxels as f64 / union as f64, r, p)
        };
        let mut candidates: Vec<(f64, usize, usize)> = objects.shared.iter().map(iou).collect();
        candidates.retain(|candidate| candidate.0 > self.iou);
        // Largest first; numbers decide between equals, so that the result is the same each time.
        candidates.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        let mut free = (
            vec![true; objects.reference()],
            vec![true; objects.prediction()],
        );
        candidates.retain(|&(_, r, p)| {
            let both = free.0[r] && free.1[p];
            if both {
                (free.0[r], free.1[p]) = (false, false);
            }
            both
        });
        candidates.sort_by_key(|candidate| candidate.1);
        Detection {
            matched: candidates
                .into_iter()
                .map(|candidate| candidate.0)
                .collect(),
            reference: objects.reference(),
            prediction: objects.prediction(),
        }
    }

    pub(crate) fn suffix(&self) -> String {
        let default = Self::default();
        let mut suffix = String::new();
        if self.iou != default.iou {
            suffix.push_str(&format!("_iou{}", self.iou));
        }
        suffix.push_str(neighbours(self.connectivity));
        suffix
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    fn detect(reference: &[u32], prediction: &[u32], iou: f64) -> Detection {
        let matching = ObjectMatching {
            iou,
            ..ObjectMatching::default()
        };
        let grid = Geometry::axis_aligned([reference.len(), 1, 1], [1.0; 3]).unwrap();
        let map = |values: &[u32]| LabelMap::new(grid, values.to_vec()).unwrap();
        matching
            .instances(&map(reference), &map(prediction))
            .unwrap()
    }

    #[test]
    fn found_missed_and_spurious_objects_are_counted() {
        let reference = [1, 1, 1, 0, 2, 2, 0, 0, 3, 3];
        let prediction = [7, 7, 7, 0, 8, 0, 0, 9, 9, 0];
        let strict = detect(&reference, &prediction, 0.5);
        assert_eq!(strict.matched, [1.0]);
        assert_eq!((strict.missed(), strict.spurious()), (2, 2));
        assert_eq!(
            (strict.f1(), strict.panoptic_quality()),
            (1.0 / 3.0, 1.0 / 3.0)
        );
        let loose = detect(&reference, &prediction, 0.2);
        assert_eq!(loose.matched, [1.0, 0.5, 1.0 / 3.0]);
        assert_eq!((loose.recall(), loose.precision()), (1.0, 1.0));
    }

    #[test]
    fn an_object_is_matched_once() {
        let split = detect(&[1, 1, 1, 1, 1], &[2, 2, 2, 3, 3], 0.1);
        assert_eq!(split.matched, [0.6]);
        assert_eq!(split.spurious(), 1);
        let nothing = detect(&[0; 4], &[0; 4], 0.5);
        assert_eq!((nothing.f1(), nothing.panoptic_quality()), (0.0, 0.0));
    }
}
