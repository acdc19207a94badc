//! One target of one case: what its measures share, and the score of each.

use crate::custom::CustomMeasure;
use crate::lesions::{LesionWiseScores, Objects};
use crate::objects::{Detection, ObjectMatching};
use crate::surface::Masks;
use crate::topology::BettiNumbers;
use crate::{
    BettiError, HitRule, InstanceMatching, InstanceScores, LesionHits, LesionWise, Measure,
    Outcome, Overlap, Result, Score, Surface, SurfaceDistances, centre_line,
};
use std::collections::HashMap;
use std::sync::Arc;
use vesalius_filters::Connectivity;
use vesalius_volume::LabelMap;

/// What a measure is computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Needs {
    /// Four counts of voxels.
    Counts,
    /// Masks, where neither is empty.
    BothMasks,
    /// Masks, also where one is empty.
    EitherMask,
}

impl Measure {
    pub(crate) fn needs(&self) -> Needs {
        match self {
            Self::Dice
            | Self::Iou
            | Self::Precision
            | Self::Recall
            | Self::Specificity
            | Self::VolumeDifference
            | Self::AbsoluteVolumeDifference
            | Self::RelativeVolumeDifference
            | Self::AbsoluteRelativeVolumeDifference
            | Self::VolumeSimilarity
            | Self::Custom(_) => Needs::Counts,
            Self::LesionDice(_)
            | Self::LesionHausdorff(_)
            | Self::FalseLesions(_)
            | Self::BettiError(_) => Needs::EitherMask,
            _ => Needs::BothMasks,
        }
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
            Self::VolumeDifference => context.volume_difference(),
            Self::AbsoluteVolumeDifference => context.volume_difference().absolute(),
            Self::RelativeVolumeDifference => relative(&counts),
            Self::AbsoluteRelativeVolumeDifference => relative(&counts).absolute(),
            Self::VolumeSimilarity => counts.volume_similarity().score(0.0),
            Self::Hausdorff(h) => context
                .surfaces(h.surface, |d| h.of(d))
                .score(context.largest),
            Self::AverageSurfaceDistance(a) => context
                .surfaces(a.surface, |d| a.of(d))
                .score(context.largest),
            Self::SurfaceDice(s) => context.surfaces(s.surface, |d| s.of(d)).score(0.0),
            Self::CentreLineDice => context.centre_lines(centre_line::Shares::dice),
            Self::CentreLinePrecision => context.centre_lines(|shares| shares.precision),
            Self::CentreLineSensitivity => context.centre_lines(|shares| shares.sensitivity),
            Self::BoundaryIou(iou) => context.outcome(|masks| iou.of(masks)).score(0.0),
            Self::ObjectF1(m) => context.detection(m, Detection::f1)?,
            Self::ObjectRecall(m) => context.detection(m, Detection::recall)?,
            Self::ObjectPrecision(m) => context.detection(m, Detection::precision)?,
            Self::PanopticQuality(m) => context.detection(m, Detection::panoptic_quality)?,
            Self::RecognitionQuality(m) => {
                context.instances(m, InstanceScores::recognition_quality)?
            }
            Self::SegmentationQuality(m) => {
                context.instances(m, InstanceScores::segmentation_quality)?
            }
            Self::InstancePanopticQuality(m) => {
                context.instances(m, InstanceScores::panoptic_quality)?
            }
            Self::LesionDice(options) => context.lesion_wise(options, LesionWiseScores::dice)?,
            Self::LesionHausdorff(options) => {
                context.lesion_wise(options, LesionWiseScores::hausdorff)?
            }
            Self::ComponentDice(options) => context
                .of_objects(Connectivity::Corners, |objects| {
                    Ok(crate::evaluation::mean(options.of(objects)?.into_iter()))
                })?,
            Self::LesionF1(rule) => context.hits(rule, LesionHits::f1)?,
            Self::LesionSensitivity(rule) => context.hits(rule, LesionHits::sensitivity)?,
            Self::LesionPpv(rule) => context.hits(rule, LesionHits::ppv)?,
            Self::FalseLesions(rule) => context.false_lesions(rule)?,
            Self::BettiError(error) => context.betti_error(*error)?,
            Self::Custom(custom) => context.custom(custom.get()?.as_ref()),
        })
    }
}

fn relative(counts: &Overlap) -> Score {
    match counts.relative_volume_difference() {
        Outcome::Spurious => Score {
            outcome: Outcome::Spurious,
            counted: None,
        },
        outcome => outcome.score(-1.0),
    }
}

impl Score {
    fn absolute(self) -> Self {
        Self {
            outcome: match self.outcome {
                Outcome::Value(value) => Outcome::Value(value.abs()),
                outcome => outcome,
            },
            counted: self.counted.map(f64::abs),
        }
    }
}

/// One target of one case, with what its measures share.
pub(crate) struct CaseContext<'a> {
    pub counts: Overlap,
    /// mm³.
    pub voxel_volume: f64,
    /// The diagonal of the image in mm.
    pub largest: f64,
    /// Present when a measure needs them and they are not empty, as the measure needs it.
    pub masks: Option<Masks>,
    pub distances: HashMap<Surface, Option<SurfaceDistances>>,
    pub objects: Vec<(Connectivity, Arc<Objects>)>,
    pub centre_lines: Option<Option<centre_line::Shares>>,
    pub lesion_wise: Vec<Arc<LesionWiseScores>>,
    pub betti: Option<[BettiNumbers; 2]>,
    /// Makes reference and prediction as masks of the whole grid.
    pub whole: &'a dyn Fn() -> [LabelMap<u8>; 2],
}

impl CaseContext<'_> {
    fn custom(&self, measure: &dyn CustomMeasure) -> Score {
        let value = || {
            let [reference, prediction] = (self.whole)();
            measure.value(&reference, &prediction)
        };
        self.when_both(value).score(measure.worst(self.largest))
    }

    /// The outcome of the masks' counts; `value` is called when neither is empty.
    fn when_both(&self, value: impl FnOnce() -> Option<f64>) -> Outcome {
        match (self.counts.reference, self.counts.prediction) {
            (0, 0) => Outcome::BothEmpty,
            (_, 0) => Outcome::Missed,
            (0, _) => Outcome::Spurious,
            _ => value().map_or(Outcome::BothEmpty, Outcome::Value),
        }
    }

    fn outcome(&self, value: impl FnOnce(&Masks) -> Option<f64>) -> Outcome {
        // Two masks with voxels have surfaces, skeletons and rims; masks are present
        // whenever a measure needs them.
        self.when_both(|| self.masks.as_ref().and_then(value))
    }

    /// The score of a measure that has a value, which is counted, where one of the masks is empty too.
    fn also_of_one(&self, value: f64) -> Score {
        let outcome = self.when_both(|| Some(value));
        Score {
            outcome,
            counted: (outcome != Outcome::BothEmpty).then_some(value),
        }
    }

    fn volume_difference(&self) -> Score {
        let voxels = self.counts.prediction as f64 - self.counts.reference as f64;
        let millilitres = voxels * self.voxel_volume / 1000.0;
        self.also_of_one(millilitres)
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

    fn centre_lines(&mut self, value: impl FnOnce(&centre_line::Shares) -> f64) -> Score {
        let shares = match self.centre_lines {
            Some(shares) => shares,
            None => self.masks.as_ref().and_then(centre_line::Shares::of),
        };
        self.centre_lines = Some(shares);
        self.outcome(|_| Some(value(&shares?))).score(0.0)
    }

    /// The objects of the masks; `None` where there are no masks.
    fn objects(&mut self, connectivity: Connectivity) -> Result<Option<Arc<Objects>>> {
        let known = self.objects.iter().find(|known| known.0 == connectivity);
        if let Some((_, objects)) = known {
            return Ok(Some(objects.clone()));
        }
        let Some(masks) = &self.masks else {
            return Ok(None);
        };
        let objects = Arc::new(Objects::of_masks(masks, connectivity)?);
        self.objects.push((connectivity, objects.clone()));
        Ok(Some(objects))
    }

    /// A value of objects on both sides, 0 where one side has none.
    fn of_objects(
        &mut self,
        connectivity: Connectivity,
        value: impl FnOnce(&Objects) -> Result<Option<f64>>,
    ) -> Result<Score> {
        let value = match self.objects(connectivity)? {
            Some(objects) if self.counts.reference > 0 && self.counts.prediction > 0 => {
                value(&objects)?
            }
            _ => None,
        };
        Ok(self.when_both(|| value).score(0.0))
    }

    fn detection(
        &mut self,
        matching: &ObjectMatching,
        value: impl Fn(&Detection) -> f64,
    ) -> Result<Score> {
        self.of_objects(matching.connectivity, |objects| {
            Ok(Some(value(&matching.of(objects))))
        })
    }

    fn instances(
        &mut self,
        matching: &InstanceMatching,
        value: impl Fn(&InstanceScores) -> Option<f64>,
    ) -> Result<Score> {
        // Where nothing matches there is no quality; the mean over cases must not improve by it.
        self.of_objects(matching.connectivity, |objects| {
            Ok(Some(value(&matching.of(objects)?).unwrap_or(0.0)))
        })
    }

    fn hits(
        &mut self,
        rule: &HitRule,
        value: impl Fn(&LesionHits) -> Option<f64>,
    ) -> Result<Score> {
        self.of_objects(rule.connectivity, |objects| Ok(value(&rule.of(objects))))
    }

    /// A scan without any lesion has no false one, and counts.
    fn false_lesions(&mut self, rule: &HitRule) -> Result<Score> {
        let count = match self.objects(rule.connectivity)? {
            Some(objects) => rule.of(&objects).false_lesions() as f64,
            None => 0.0,
        };
        let outcome = match self.when_both(|| Some(count)) {
            Outcome::BothEmpty => Outcome::Value(count),
            outcome => outcome,
        };
        Ok(Score {
            outcome,
            counted: Some(count),
        })
    }

    fn lesion_wise(
        &mut self,
        options: &LesionWise,
        value: impl Fn(&LesionWiseScores) -> f64,
    ) -> Result<Score> {
        Ok(match self.objects(Connectivity::Corners)? {
            Some(objects) => {
                let scores = match self
                    .lesion_wise
                    .iter()
                    .find(|known| known.options == *options)
                {
                    Some(known) => known.clone(),
                    None => {
                        let scores = Arc::new(options.of(&objects)?);
                        self.lesion_wise.push(scores.clone());
                        scores
                    }
                };
                self.also_of_one(value(&scores))
            }
            None => Outcome::BothEmpty.score(0.0),
        })
    }

    fn betti_error(&mut self, error: BettiError) -> Result<Score> {
        let betti = match (self.betti, &self.masks) {
            (Some(betti), _) => betti,
            (None, Some(masks)) => {
                let of = BettiNumbers::of_bits;
                let (reference, prediction) =
                    rayon::join(|| of(&masks.reference), || of(&masks.prediction));
                [reference?, prediction?]
            }
            (None, None) => return Ok(Outcome::BothEmpty.score(0.0)),
        };
        self.betti = Some(betti);
        Ok(self.also_of_one(error.between(&betti[0], &betti[1]) as f64))
    }
}
