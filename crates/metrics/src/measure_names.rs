//! The names of measures, as the command line and configs have them.

use crate::objects::ObjectMatching;
use crate::{
    AverageSurfaceDistance, BettiError, BoundaryIou, ComponentDice, Directions, Error, Hausdorff,
    HitRule, InstanceMatching, LesionWise, Matcher, Measure, Result, SurfaceDice,
};

impl Measure {
    /// Every name that [`Measure::named`] takes.
    pub const NAMES: [&'static str; 50] = [
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
        "asd_from_reference",
        "hd95_from_prediction",
        "hd95_from_reference",
        "cldice_precision",
        "cldice_sensitivity",
        "betti_error",
        "betti0_error",
        "betti1_error",
        "betti2_error",
        "absolute_volume_difference_ml",
        "absolute_relative_volume_difference",
        "lesion_dice",
        "lesion_hd95",
        "component_dice",
        "lesion_f1",
        "lesion_sensitivity",
        "lesion_ppv",
        "false_lesions",
        "panoptica_rq",
        "panoptica_sq",
        "panoptica_pq",
        "panoptica_rq_merge",
        "panoptica_sq_merge",
        "panoptica_pq_merge",
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
        let naive = InstanceMatching::default();
        let merge = naive.with_matcher(Matcher::MaximiseMerge);
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
            "asd_from_reference" => Self::AverageSurfaceDistance(AverageSurfaceDistance {
                directions: Directions::FromReference,
                ..AverageSurfaceDistance::default()
            }),
            "hd95_from_prediction" => Self::Hausdorff(Hausdorff {
                directions: Directions::FromPrediction,
                ..Hausdorff::default()
            }),
            "hd95_from_reference" => Self::Hausdorff(Hausdorff {
                directions: Directions::FromReference,
                ..Hausdorff::default()
            }),
            "cldice_precision" => Self::CentreLinePrecision,
            "cldice_sensitivity" => Self::CentreLineSensitivity,
            "betti_error" => Self::BettiError(BettiError::All),
            "betti0_error" => Self::BettiError(BettiError::Pieces),
            "betti1_error" => Self::BettiError(BettiError::Tunnels),
            "betti2_error" => Self::BettiError(BettiError::Cavities),
            "absolute_volume_difference_ml" => Self::AbsoluteVolumeDifference,
            "absolute_relative_volume_difference" => Self::AbsoluteRelativeVolumeDifference,
            "lesion_dice" => Self::LesionDice(LesionWise::default()),
            "lesion_hd95" => Self::LesionHausdorff(LesionWise::default()),
            "component_dice" => Self::ComponentDice(ComponentDice::default()),
            "lesion_f1" => Self::LesionF1(HitRule::default()),
            "lesion_sensitivity" => Self::LesionSensitivity(HitRule::default()),
            "lesion_ppv" => Self::LesionPpv(HitRule::default()),
            "false_lesions" => Self::FalseLesions(HitRule::default()),
            "panoptica_rq" => Self::RecognitionQuality(naive),
            "panoptica_sq" => Self::SegmentationQuality(naive),
            "panoptica_pq" => Self::InstancePanopticQuality(naive),
            "panoptica_rq_merge" => Self::RecognitionQuality(merge),
            "panoptica_sq_merge" => Self::SegmentationQuality(merge),
            "panoptica_pq_merge" => Self::InstancePanopticQuality(merge),
            _ => {
                return Err(Error::UnknownMeasure {
                    name: name.to_owned(),
                });
            }
        })
    }
}
