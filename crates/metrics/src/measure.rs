//! The measures of an evaluation, their keys, and which values are better.

use crate::custom::CustomMeasure;
use crate::objects::ObjectMatching;
use crate::{
    AverageSurfaceDistance, BettiError, BoundaryIou, ComponentDice, Hausdorff, HitRule,
    InstanceMatching, LesionWise, SurfaceDice,
};
use vesalius_registry::Custom;

/// One measure of agreement.
///
/// A case where both masks are empty is left out of the mean of every measure. Where one mask is
/// empty, measures of overlap and detection count 0, distances count the diagonal of the image
/// (the largest distance there is: a missed structure must not improve the mean), differences of
/// volume, Betti errors and false lesions count what they are. Lesion-wise measures count what BraTS counts. A scan
/// without any lesion counts for the false lesions a scan.
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
    /// The same without its sign: too large and too small do not cancel in the mean.
    AbsoluteVolumeDifference,
    /// Prediction minus reference over reference; a spurious structure is left out of the mean.
    RelativeVolumeDifference,
    /// The same without its sign.
    AbsoluteRelativeVolumeDifference,
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
    /// Share of the prediction's centre line inside of the reference, 0 to 1.
    CentreLinePrecision,
    /// Share of the reference's centre line inside of the prediction, 0 to 1.
    CentreLineSensitivity,
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
    /// F1 of objects by one of panoptica's matchers (RQ), 0 to 1.
    RecognitionQuality(InstanceMatching),
    /// The mean score of the objects that such a matcher pairs (SQ), 0 to 1; 0 where none is paired.
    SegmentationQuality(InstanceMatching),
    /// RQ times SQ (PQ), 0 to 1.
    InstancePanopticQuality(InstanceMatching),
    /// BraTS's lesion-wise Dice, 0 to 1.
    LesionDice(LesionWise),
    /// BraTS's lesion-wise HD95, mm.
    LesionHausdorff(LesionWise),
    /// The mean Dice of the regions of the reference's lesions, 0 to 1.
    ComponentDice(ComponentDice),
    /// F1 of lesions by a rule of overlap, 0 to 1.
    LesionF1(HitRule),
    /// Share of the reference's lesions that were found by a rule of overlap, 0 to 1.
    LesionSensitivity(HitRule),
    /// Share of the prediction's lesions that are right by a rule of overlap, 0 to 1.
    LesionPpv(HitRule),
    /// Lesions of the prediction that are not right by a rule of overlap; the mean is false lesions a scan.
    FalseLesions(HitRule),
    /// How far a Betti number is off.
    BettiError(BettiError),
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

impl Better {
    /// A number that is larger the worse the value is.
    pub(crate) fn badness(self, value: f64) -> f64 {
        match self {
            Self::Higher => -value,
            Self::Lower => value,
            Self::NearZero => value.abs(),
        }
    }
}

impl Measure {
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
            Self::AbsoluteVolumeDifference => "absolute_volume_difference_ml".into(),
            Self::RelativeVolumeDifference => "relative_volume_difference".into(),
            Self::AbsoluteRelativeVolumeDifference => "absolute_relative_volume_difference".into(),
            Self::VolumeSimilarity => "volume_similarity".into(),
            Self::Hausdorff(hausdorff) => hausdorff.key(),
            Self::AverageSurfaceDistance(average) => average.key(),
            Self::SurfaceDice(dice) => dice.key(),
            Self::CentreLineDice => "cldice".into(),
            Self::CentreLinePrecision => "cldice_precision".into(),
            Self::CentreLineSensitivity => "cldice_sensitivity".into(),
            Self::BoundaryIou(iou) => iou.key(),
            Self::ObjectF1(matching) => format!("object_f1{}", matching.suffix()),
            Self::ObjectRecall(matching) => format!("object_recall{}", matching.suffix()),
            Self::ObjectPrecision(matching) => format!("object_precision{}", matching.suffix()),
            Self::PanopticQuality(matching) => format!("panoptic_quality{}", matching.suffix()),
            Self::RecognitionQuality(m) => format!("panoptica_rq{}", m.suffix()),
            Self::SegmentationQuality(m) => format!("panoptica_sq{}", m.suffix()),
            Self::InstancePanopticQuality(m) => format!("panoptica_pq{}", m.suffix()),
            Self::LesionDice(options) => format!("lesion_dice{}", options.suffix()),
            Self::LesionHausdorff(options) => format!("lesion_hd95{}", options.suffix()),
            Self::ComponentDice(options) => format!("component_dice{}", options.suffix()),
            Self::LesionF1(rule) => format!("lesion_f1{}", rule.suffix()),
            Self::LesionSensitivity(rule) => format!("lesion_sensitivity{}", rule.suffix()),
            Self::LesionPpv(rule) => format!("lesion_ppv{}", rule.suffix()),
            Self::FalseLesions(rule) => format!("false_lesions{}", rule.suffix()),
            Self::BettiError(error) => error.key().into(),
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
            Self::Hausdorff(_)
            | Self::AverageSurfaceDistance(_)
            | Self::LesionHausdorff(_)
            | Self::FalseLesions(_)
            | Self::BettiError(_)
            | Self::AbsoluteVolumeDifference
            | Self::AbsoluteRelativeVolumeDifference => Better::Lower,
            Self::VolumeDifference | Self::RelativeVolumeDifference => Better::NearZero,
            Self::Custom(custom) => custom
                .get()
                .map_or(Better::Higher, |measure| measure.better()),
            _ => Better::Higher,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Connectivity, Hit, MatchScore, Matcher};

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
        let lesions = LesionWise::default().with_dilation(1).with_smallest(2.0);
        assert_eq!(
            Measure::LesionDice(lesions).key(),
            "lesion_dice_grown1_above2mm3"
        );
        let rule = HitRule::new(Hit::Share(0.1))
            .unwrap()
            .with_connectivity(Connectivity::Faces);
        assert_eq!(Measure::LesionF1(rule).key(), "lesion_f1_share0.1_6");
        let matching = InstanceMatching::default()
            .with_matcher(Matcher::Best)
            .with_score(MatchScore::Dice, 1e-6);
        assert_eq!(
            Measure::RecognitionQuality(matching).key(),
            "panoptica_rq_best_dice0.000001"
        );
        let average = |a| Measure::AverageSurfaceDistance(a).key();
        assert_eq!(average(AverageSurfaceDistance::medpy()), "assd");
        assert_eq!(average(AverageSurfaceDistance::of_means()), "assd_of_means");
    }
}
