//! Lesions found and false lesions by a rule of overlap.

use super::objects::{Objects, Shared};
use crate::{Error, Result};
use vesalius_filters::Connectivity;
use vesalius_volume::limits;

/// How much overlap makes a lesion of one side found by the other side.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Hit {
    /// At least so many voxels of it are foreground on the other side; 1 is any overlap.
    Voxels(u64),
    /// At least this share of its voxels is foreground on the other side, above 0 and up to 1.
    Share(f64),
    /// Its IoU with one object of the other side is at least this, above 0 and up to 1.
    Iou(f64),
    /// Its Dice with one object of the other side is at least this, above 0 and up to 1.
    Dice(f64),
}

/// Which lesions are found: each lesion of the reference and each of the prediction is judged by itself, so that two
/// predicted lesions may find one and the same. By default lesions are connected at corners and any overlap is a hit,
/// as in the WMH challenge (10.1109/TMI.2019.2905770).
///
/// ```
/// use vesalius_metrics::{Hit, HitRule, Objects, Target};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// // One lesion of 4 voxels, of which two predicted lesions cover one voxel each.
/// let grid = Geometry::axis_aligned([8, 1, 1], [1.0; 3])?;
/// let reference = LabelMap::new(grid, vec![0_u16, 1, 1, 1, 1, 0, 0, 0])?;
/// let prediction = LabelMap::new(grid, vec![0_u16, 1, 0, 0, 1, 1, 1, 0])?;
/// let rule = HitRule::default();
/// let objects = Objects::of_target(&reference, &prediction, &Target::of_value(1), None, rule.connectivity)?;
/// let hits = rule.of(&objects);
/// assert_eq!((hits.sensitivity(), hits.ppv()), (Some(1.0), Some(1.0)));
/// let half = HitRule::new(Hit::Share(0.5))?.of(&objects);
/// assert_eq!((half.found, half.right), (1, 1), "half of the lesion, a whole and a third of the predicted ones");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct HitRule {
    /// Which neighbours make voxels one lesion.
    pub connectivity: Connectivity,
    /// How much overlap is a hit.
    pub hit: Hit,
}

impl Default for HitRule {
    fn default() -> Self {
        Self {
            connectivity: Connectivity::Corners,
            hit: Hit::Voxels(1),
        }
    }
}

/// How many lesions were found and how many are false.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LesionHits {
    /// Lesions of the reference.
    pub reference: usize,
    /// Those of the reference that were found.
    pub found: usize,
    /// Lesions of the prediction.
    pub prediction: usize,
    /// Those of the prediction that are right.
    pub right: usize,
}

impl LesionHits {
    /// Lesions of the prediction that are not right.
    pub fn false_lesions(&self) -> usize {
        self.prediction - self.right
    }

    /// Share of the reference's lesions that were found; `None` when it has none.
    pub fn sensitivity(&self) -> Option<f64> {
        share(self.found, self.reference)
    }

    /// Positive predictive value: share of the prediction's lesions that are right; `None` when it has none.
    pub fn ppv(&self) -> Option<f64> {
        share(self.right, self.prediction)
    }

    /// The harmonic mean of both; 0 when one of them is, `None` when one of them is undefined.
    pub fn f1(&self) -> Option<f64> {
        let (sensitivity, ppv) = (self.sensitivity()?, self.ppv()?);
        let sum = sensitivity + ppv;
        Some(if sum > 0.0 {
            2.0 * sensitivity * ppv / sum
        } else {
            0.0
        })
    }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl HitRule {
    /// A rule for lesions that are connected at corners.
    ///
    /// # Errors
    /// [`Error::BadOption`] for no voxel, or for a share, IoU or Dice that is not above 0 and up to 1.
    pub fn new(hit: Hit) -> Result<Self> {
        let bad = |found: String, expected| {
            Err(Error::BadOption {
                option: "the overlap that finds a lesion",
                found,
                expected,
            })
        };
        match hit {
            Hit::Voxels(0) => bad("0 voxels".into(), "1 voxel or more"),
            Hit::Share(limit) | Hit::Iou(limit) | Hit::Dice(limit)
                if !(limit > 0.0 && limit <= 1.0) =>
            {
                bad(limit.to_string(), "a number above 0 and up to 1")
            }
            hit => Ok(Self {
                hit,
                ..Self::default()
            }),
        }
    }

    /// The same rule for lesions that are connected in another way.
    #[must_use]
    pub fn with_connectivity(self, connectivity: Connectivity) -> Self {
        Self {
            connectivity,
            ..self
        }
    }

    /// Judges all lesions of both sides.
    pub fn of(&self, objects: &Objects) -> LesionHits {
        let [references, predictions] = [&objects.reference.voxels, &objects.prediction.voxels];
        let hit = |own: &[u64], of: fn(&Shared) -> usize| {
            let mut overlap = vec![0u64; own.len()];
            let mut best = vec![0.0f64; own.len()];
            for pair in &objects.shared {
                overlap[of(pair)] += pair.voxels;
                let score = self.pair(
                    pair,
                    references[pair.reference],
                    predictions[pair.prediction],
                );
                best[of(pair)] = best[of(pair)].max(score);
            }
            let found = |object: &usize| match self.hit {
                Hit::Voxels(least) => overlap[*object] >= least,
                Hit::Share(least) => {
                    limits::at_least(overlap[*object] as f64 / own[*object] as f64, least)
                }
                Hit::Iou(least) | Hit::Dice(least) => limits::at_least(best[*object], least),
            };
            (0..own.len()).filter(found).count()
        };
        LesionHits {
            reference: references.len(),
            found: hit(references, |pair| pair.reference),
            prediction: predictions.len(),
            right: hit(predictions, |pair| pair.prediction),
        }
    }

    fn pair(&self, pair: &Shared, reference: u64, prediction: u64) -> f64 {
        let both = pair.voxels as f64;
        match self.hit {
            Hit::Iou(_) => both / (reference + prediction - pair.voxels) as f64,
            _ => 2.0 * both / (reference + prediction) as f64,
        }
    }

    pub(crate) fn suffix(&self) -> String {
        let mut suffix = match self.hit {
            Hit::Voxels(1) => String::new(),
            Hit::Voxels(least) => format!("_voxels{least}"),
            Hit::Share(least) => format!("_share{least}"),
            Hit::Iou(least) => format!("_iou{least}"),
            Hit::Dice(least) => format!("_dice{least}"),
        };
        suffix.push_str(super::neighbours(self.connectivity));
        suffix
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::{Geometry, LabelMap};

    fn objects(reference: [u16; 8], prediction: [u16; 8]) -> Objects {
        let grid = Geometry::axis_aligned([8, 1, 1], [1.0; 3]).unwrap();
        let map = |values: [u16; 8]| LabelMap::new(grid, values.to_vec()).unwrap();
        Objects::of_instances(&map(reference), &map(prediction)).unwrap()
    }

    #[test]
    fn each_rule_judges_both_sides() {
        let objects = objects([1, 1, 1, 1, 0, 2, 2, 0], [0, 0, 3, 3, 3, 3, 0, 4]);
        let counts = |hit| {
            let hits = HitRule::new(hit).unwrap().of(&objects);
            (hits.found, hits.right)
        };
        assert_eq!(counts(Hit::Voxels(1)), (2, 1));
        assert_eq!(counts(Hit::Voxels(2)), (1, 1));
        assert_eq!(counts(Hit::Share(0.75)), (0, 1));
        assert_eq!(counts(Hit::Iou(1.0 / 3.0)), (1, 1));
        assert_eq!(counts(Hit::Dice(0.51)), (0, 0));
    }

    #[test]
    fn nothing_to_find_has_no_sensitivity_and_bad_rules_are_refused() {
        let hits = HitRule::default().of(&objects([0; 8], [1, 0, 0, 0, 0, 0, 0, 0]));
        assert_eq!(
            (hits.sensitivity(), hits.ppv(), hits.f1()),
            (None, Some(0.0), None)
        );
        assert_eq!(hits.false_lesions(), 1);
        for bad in [
            Hit::Voxels(0),
            Hit::Share(0.0),
            Hit::Iou(1.1),
            Hit::Dice(f64::NAN),
        ] {
            assert!(HitRule::new(bad).is_err(), "{bad:?}");
        }
    }
}
