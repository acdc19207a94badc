//! The measures of an evaluation, their names, and how each counts an empty mask.

use crate::custom::CustomMeasure;
use crate::objects::{Detection, ObjectMatching};
use crate::surface::Masks;
use crate::{
    AverageSurfaceDistance, BoundaryIou, Error, Hausdorff, Outcome, Overlap, Result, Score,
    Surface, SurfaceDice, SurfaceDistances, centre_line,
};
use std::collections::HashMap;
use vesalius_registry::Custom;
use vesalius_volume::LabelMap;

/// One measure of agreement.
///
/// A case where both masks are empty is left out of the mean of every measure. Where one mask is
/// empty, measures of overlap and detection count 0, distances count the diagonal of the image
/// (the largest distance there is: a missed structure must not improve the mean), differences of
/// volume count what they are.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Measure {
    /// Dice, 0 to 1.
    Dice,
    /// Intersection over union, 0 to 1.
    Iou,
    /// Precision, 0 to 1.
    Precision,
    /// Recall (sensitivity), 0 to 1.
    Recall,
    /// Specificity, 0 to 1; depends on how much background the image has.
    Specificity,
    /// Prediction minus reference in ml.
    VolumeDifference,
    /// Prediction minus reference over reference; a spurious structure is left out of the mean.
    RelativeVolumeDifference,
    /// 1 - |P - R| / (P + R), 0 to 1.
    VolumeSimilarity,
    /// Hausdorff distance or a percentile of it, mm.
    Hausdorff(Hausdorff),
    /// Average surface distance, mm.
    AverageSurfaceDistance(AverageSurfaceDistance),
    /// Surface Dice (NSD), 0 to 1.
    SurfaceDice(SurfaceDice),
    /// Centre-line Dice for tubes, 0 to 1.
    CentreLineDice,
    /// Intersection over union of the masks' rims, 0 to 1.
    BoundaryIou(BoundaryIou),
    /// F1 of objects (recognition quality), 0 to 1.
    ObjectF1(ObjectMatching),
    /// Share of the reference's objects that were found, 0 to 1.
    ObjectRecall(ObjectMatching),
    /// Share of the prediction's objects that are right, 0 to 1.
    ObjectPrecision(ObjectMatching),
    /// Panoptic quality: F1 of objects times the mean IoU of those matched, 0 to 1.
    PanopticQuality(ObjectMatching),
    /// A user-defined measure.
    Custom(Custom<dyn CustomMeasure>),
}

/// Whether a larger value is better, a smaller one, or one nearer to zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Larger is better.
    Higher,
    /// Smaller is better.
    Lower,
    /// Nearer to zero is better.
    NearZero,
}

impl Measure {
    /// Every name that [`Measure::named`] takes.
    pub const NAMES: [&'static str; 26] = [
        "dice",
        "iou",
        "precision",
        "recall",
        "specificity",
        "volume_difference_ml",
        "relative_volume_difference",
        "volume_similarity",
        "hd",
        "hd95",
        "asd",
        "assd",
        "nsd",
        "cldice",
        "boundary_iou",
        "object_f1",
        "object_recall",
        "object_precision",
        "panoptic_quality",
        "hd_simple_itk",
        "hd95_medpy",
        "hd95_deepmind",
        "assd_of_means",
        "assd_deepmind",
        "assd_simple_itk",
        "nsd_deepmind",
    ];

    /// The measure of a name, in its default convention unless the name contains another one.
    /// `tolerance` (mm) is that of `nsd` and `nsd_deepmind`.
    ///
    /// # Errors
    /// [`Error::UnknownMeasure`] for a name that is none, [`Error::BadOption`] for such a tolerance.
    ///
    /// ```
    /// use vesalius_metrics::{Hausdorff, Measure};
    ///
    /// assert_eq!(Measure::named("hd95", 1.0)?, Measure::Hausdorff(Hausdorff::monai(95.0)));
    /// // The tolerance in mm is part of the key.
    /// assert_eq!(Measure::named("nsd", 2.0)?.key(), "nsd_2mm");
    /// assert!(Measure::named("nsd", -1.0).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn named(name: &str, tolerance: f64) -> Result<Self> {
        if !(tolerance.is_finite() && tolerance >= 0.0) {
            return Err(Error::BadOption {
                option: "the tolerance",
                found: tolerance.to_string(),
                expected: "a number of millimetres that is not negative",
            });
        }
        let objects = ObjectMatching::default();
        Ok(match name {
            "dice" => Self::Dice,
            "iou" => Self::Iou,
            "precision" => Self::Precision,
            "recall" => Self::Recall,
            "specificity" => Self::Specificity,
            "volume_difference_ml" => Self::VolumeDifference,
            "relative_volume_difference" => Self::RelativeVolumeDifference,
            "volume_similarity" => Self::VolumeSimilarity,
            "hd" => Self::Hausdorff(Hausdorff::monai(100.0)),
            "hd95" => Self::Hausdorff(Hausdorff::default()),
            "asd" => Self::AverageSurfaceDistance(AverageSurfaceDistance::directed()),
            "assd" => Self::AverageSurfaceDistance(AverageSurfaceDistance::default()),
            "nsd" => Self::SurfaceDice(SurfaceDice::monai(tolerance)),
            "cldice" => Self::CentreLineDice,
            "boundary_iou" => Self::BoundaryIou(BoundaryIou::default()),
            "object_f1" => Self::ObjectF1(objects),
            "object_recall" => Self::ObjectRecall(objects),
            "object_precision" => Self::ObjectPrecision(objects),
            "panoptic_quality" => Self::PanopticQuality(objects),
            "hd_simple_itk" => Self::Hausdorff(Hausdorff::simple_itk()),
            "hd95_medpy" => Self::Hausdorff(Hausdorff::medpy(95.0)),
            "hd95_deepmind" => Self::Hausdorff(Hausdorff::deepmind(95.0)),
            "assd_of_means" => Self::AverageSurfaceDistance(AverageSurfaceDistance::of_means()),
            "assd_deepmind" => Self::AverageSurfaceDistance(AverageSurfaceDistance::deepmind()),
            "assd_simple_itk" => Self::AverageSurfaceDistance(AverageSurfaceDistance::simple_itk()),
            "nsd_deepmind" => Self::SurfaceDice(SurfaceDice::deepmind(tolerance)),
            _ => {
                return Err(Error::UnknownMeasure {
                    name: name.to_owned(),
                });
            }
        })
    }

    /// Its key in files and the head of its column: `dice`, `hd95`, `nsd_1mm`; a convention other
    /// than the default is named in it (`hd95_medpy`).
    pub fn key(&self) -> String {
        match self {
            Self::Dice => "dice".into(),
            Self::Iou => "iou".into(),
            Self::Precision => "precision".into(),
            Self::Recall => "recall".into(),
            Self::Specificity => "specificity".into(),
            Self::VolumeDifference => "volume_difference_ml".into(),
            Self::RelativeVolumeDifference => "relative_volume_difference".into(),
            Self::VolumeSimilarity => "volume_similarity".into(),
            Self::Hausdorff(hausdorff) => hausdorff.key(),
            Self::AverageSurfaceDistance(average) => average.key(),
            Self::SurfaceDice(dice) => dice.key(),
            Self::CentreLineDice => "cldice".into(),
            Self::BoundaryIou(iou) => iou.key(),
            Self::ObjectF1(matching) => format!("object_f1{}", matching.suffix()),
            Self::ObjectRecall(matching) => format!("object_recall{}", matching.suffix()),
            Self::ObjectPrecision(matching) => format!("object_precision{}", matching.suffix()),
            Self::PanopticQuality(matching) => format!("panoptic_quality{}", matching.suffix()),
            Self::Custom(custom) => custom.name().to_owned(),
        }
    }

    /// Which values are better.
    ///
    /// ```
    /// use vesalius_metrics::{Better, Measure};
    ///
    /// assert_eq!(Measure::Dice.better(), Better::Higher);
    /// assert_eq!(Measure::named("hd95", 1.0)?.better(), Better::Lower);
    /// assert_eq!(Measure::VolumeDifference.better(), Better::NearZero);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn better(&self) -> Better {
        match self {
            Self::Hausdorff(_) | Self::AverageSurfaceDistance(_) => Better::Lower,
            Self::VolumeDifference | Self::RelativeVolumeDifference => Better::NearZero,
            Self::Custom(custom) => custom
                .get()
                .map_or(Better::Higher, |measure| measure.better()),
            _ => Better::Higher,
        }
    }

    /// Whether four counts are enough for it.
    pub(crate) fn needs_masks(&self) -> bool {
        !matches!(
            self,
            Self::Dice
                | Self::Iou
                | Self::Precision
                | Self::Recall
                | Self::Specificity
                | Self::VolumeDifference
                | Self::RelativeVolumeDifference
                | Self::VolumeSimilarity
                | Self::Custom(_)
        )
    }

    /// The score of one target of one case.
    pub(crate) fn score(&self, context: &mut CaseContext) -> Result<Score> {
        let counts = context.counts;
        Ok(match self {
            Self::Dice => counts.dice().score(0.0),
            Self::Iou => counts.iou().score(0.0),
            Self::Precision => counts.precision().score(0.0),
            Self::Recall => counts.recall().score(0.0),
            Self::Specificity => counts.specificity().score(0.0),
            Self::VolumeDifference => {
                let voxels = counts.prediction as f64 - counts.reference as f64;
                let millilitres = voxels * context.voxel_volume / 1000.0;
                context.outcome(|_| Some(millilitres)).score(millilitres)
            }
            Self::RelativeVolumeDifference => match counts.relative_volume_difference() {
                Outcome::Spurious => Score {
                    outcome: Outcome::Spurious,
                    counted: None,
                },
                outcome => outcome.score(-1.0),
            },
            Self::VolumeSimilarity => counts.volume_similarity().score(0.0),
            Self::Hausdorff(h) => context
                .surfaces(h.surface, |d| h.of(d))
                .score(context.largest),
            Self::AverageSurfaceDistance(a) => context
                .surfaces(a.surface, |d| a.of(d))
                .score(context.largest),
            Self::SurfaceDice(s) => context.surfaces(s.surface, |d| s.of(d)).score(0.0),
            Self::CentreLineDice => context.outcome(centre_line::dice).score(0.0),
            Self::BoundaryIou(iou) => context.outcome(|masks| iou.of(masks)).score(0.0),
            Self::ObjectF1(m) => context.detection(m, Detection::f1),
            Self::ObjectRecall(m) => context.detection(m, Detection::recall),
            Self::ObjectPrecision(m) => context.detection(m, Detection::precision),
            Self::PanopticQuality(m) => context.detection(m, Detection::panoptic_quality),
            Self::Custom(custom) => context.custom(custom.get()?.as_ref()),
        })
    }
}

/// One target of one case, with what its measures share.
pub(crate) struct CaseContext<'a> {
    pub counts: Overlap,
    /// mm³.
    pub voxel_volume: f64,
    /// The diagonal of the image in mm.
    pub largest: f64,
    /// Present when a measure needs them and neither is empty.
    pub masks: Option<Masks>,
    pub distances: HashMap<Surface, Option<SurfaceDistances>>,
    /// Makes reference and prediction as masks of the whole grid.
    pub whole: &'a dyn Fn() -> [LabelMap<u8>; 2],
}

impl CaseContext<'_> {
    fn custom(&self, measure: &dyn CustomMeasure) -> Score {
        let counts = &self.counts;
        let outcome = match (counts.reference, counts.prediction) {
            (0, 0) => Outcome::BothEmpty,
            (_, 0) => Outcome::Missed,
            (0, _) => Outcome::Spurious,
            _ => {
                let [reference, prediction] = (self.whole)();
                let value = measure.value(&reference, &prediction);
                value.map_or(Outcome::BothEmpty, Outcome::Value)
            }
        };
        outcome.score(measure.worst(self.largest))
    }

    fn outcome(&self, value: impl FnOnce(&Masks) -> Option<f64>) -> Outcome {
        let counts = &self.counts;
        match (counts.reference, counts.prediction, &self.masks) {
            (0, 0, _) => Outcome::BothEmpty,
            (_, 0, _) => Outcome::Missed,
            (0, _, _) => Outcome::Spurious,
            // Two masks with voxels have surfaces, skeletons and rims; masks are present
            // whenever a measure needs them.
            (_, _, masks) => {
                let value = masks.as_ref().and_then(value);
                value.map_or(Outcome::BothEmpty, Outcome::Value)
            }
        }
    }

    fn surfaces(
        &mut self,
        surface: Surface,
        value: impl FnOnce(&SurfaceDistances) -> Option<f64>,
    ) -> Outcome {
        if let Some(masks) = &self.masks {
            self.distances
                .entry(surface)
                .or_insert_with(|| masks.distances(surface));
        }
        let distances = self.distances.get(&surface).and_then(Option::as_ref);
        self.outcome(|_| distances.and_then(value))
    }

    fn detection(&self, matching: &ObjectMatching, value: impl Fn(&Detection) -> f64) -> Score {
        self.outcome(|masks| Some(value(&matching.of(masks))))
            .score(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_makes_a_measure_with_its_key() {
        for name in Measure::NAMES {
            let key = Measure::named(name, 2.5).unwrap().key();
            assert_eq!(key, name.replacen("nsd", "nsd_2.5mm", 1));
        }
        let message = |name| Measure::named(name, 1.0).unwrap_err().to_string();
        assert!(message("hd96").contains("did you mean `hd95`"));
        let listed = message("kappa");
        assert!(
            Measure::NAMES.iter().all(|name| listed.contains(name)),
            "{listed}"
        );
        assert!(Measure::named("nsd", -1.0).is_err());
        assert!(Measure::named("nsd", f64::NAN).is_err());
    }

    #[test]
    fn conventions_have_keys_of_their_own() {
        let key = |hausdorff| Measure::Hausdorff(hausdorff).key();
        assert_eq!(key(Hausdorff::monai(95.0)), "hd95");
        assert_eq!(key(Hausdorff::medpy(95.0)), "hd95_medpy");
        assert_eq!(key(Hausdorff::medpy(100.0)), "hd");
        assert_eq!(key(Hausdorff::deepmind(99.5)), "hd99.5_deepmind");
        assert_eq!(key(Hausdorff::simple_itk()), "hd_simple_itk");
        let dice = Measure::SurfaceDice(SurfaceDice::deepmind(2.0));
        assert_eq!(dice.key(), "nsd_2mm_deepmind");
        let average = |a| Measure::AverageSurfaceDistance(a).key();
        assert_eq!(average(AverageSurfaceDistance::medpy()), "assd");
        assert_eq!(average(AverageSurfaceDistance::of_means()), "assd_of_means");
    }
}
