//! FROC, average precision and the area under the ROC curve over cases.

use super::judge::{JudgedCase, JudgedLesion, LesionTruth};
use crate::compare::mean_ranks;
use crate::{Error, Result};

/// What is found and what is wrong when candidates of a confidence or more count.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct FrocPoint {
    /// Candidates of this confidence or more count.
    pub confidence: f64,
    /// Lesions found.
    pub found: usize,
    /// Candidates without a lesion.
    pub spurious: usize,
    /// Share of all lesions that are found.
    pub sensitivity: f64,
    /// False positives a case.
    pub false_positives: f64,
}

/// How well lesions are detected over cases (PI-CAI's numbers: picai_eval 1.4).
///
/// ```
/// use vesalius_metrics::{CandidateOptions, Candidates, DetectionCurves, HitCriterion, Target};
/// use vesalius_volume::{Geometry, LabelMap, Volume};
///
/// // A lesion found with 0.8, and a healthy case with a false candidate of 0.5.
/// let grid = Geometry::axis_aligned([4, 1, 1], [1.0; 3])?;
/// let judge = |labels: [u16; 4], probabilities: [f32; 4]| -> Result<_, Box<dyn std::error::Error>> {
///     let volume = Volume::new(grid, 1, probabilities.to_vec())?;
///     let candidates = Candidates::extract(&volume, 0, &CandidateOptions::default().with_too_small(0))?;
///     let reference = LabelMap::new(grid, labels.to_vec())?;
///     Ok(HitCriterion::default().judge(&candidates, &reference, &Target::of_value(1))?)
/// };
/// let cases = [judge([0, 1, 1, 0], [0.0, 0.8, 0.7, 0.0])?, judge([0; 4], [0.0, 0.0, 0.5, 0.0])?];
/// let curves = DetectionCurves::of(&cases)?;
/// assert_eq!(curves.average_precision, Some(1.0), "the false candidate is less certain than the true one");
/// assert_eq!(curves.auroc, Some(1.0));
/// assert_eq!(curves.sensitivity_at(0.0), Some(1.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DetectionCurves {
    /// From the most confident candidates alone to all of them.
    pub froc: Vec<FrocPoint>,
    /// AP of lesions: the area under precision over recall, in steps. `None` when no case has a lesion.
    pub average_precision: Option<f64>,
    /// AUROC of cases by their confidence; `None` when all or no cases have lesions.
    pub auroc: Option<f64>,
    /// Lesions of all cases.
    pub lesions: usize,
    /// Cases.
    pub cases: usize,
}

impl DetectionCurves {
    /// The curves of cases.
    ///
    /// # Errors
    /// [`Error::Pairs`] without a case, or for a confidence that is not finite.
    pub fn of(cases: &[JudgedCase]) -> Result<Self> {
        let mut judged: Vec<&JudgedLesion> = cases.iter().flat_map(|case| &case.lesions).collect();
        let finite = judged.iter().all(|lesion| lesion.confidence.is_finite());
        if cases.is_empty() || !finite || cases.iter().any(|case| !case.confidence.is_finite()) {
            return Err(Error::Pairs {
                found: format!("{} cases, or a confidence that is not finite", cases.len()),
                expected: "1 case or more with finite confidences".into(),
            });
        }
        judged.retain(|lesion| lesion.truth != LesionTruth::Missed);
        judged.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        let lesions: usize = cases.iter().map(JudgedCase::reference).sum();
        let mut froc = Vec::new();
        let (mut found, mut spurious) = (0, 0);
        for equal in judged.chunk_by(|a, b| a.confidence == b.confidence) {
            let right = equal
                .iter()
                .filter(|lesion| lesion.truth == LesionTruth::Found)
                .count();
            found += right;
            spurious += equal.len() - right;
            froc.push(FrocPoint {
                confidence: equal[0].confidence,
                found,
                spurious,
                sensitivity: found as f64 / lesions.max(1) as f64,
                false_positives: spurious as f64 / cases.len() as f64,
            });
        }
        let confidences: Vec<f64> = cases.iter().map(|case| case.confidence).collect();
        let sick: Vec<bool> = cases.iter().map(|case| case.reference() > 0).collect();
        Ok(Self {
            average_precision: (lesions > 0).then(|| average_precision(&froc)),
            auroc: area_under_roc(&confidences, &sick),
            froc,
            lesions,
            cases: cases.len(),
        })
    }

    /// The largest sensitivity with at most so many false positives a case; 0 where the most confident candidates alone
    /// are more, `None` without lesions.
    pub fn sensitivity_at(&self, false_positives: f64) -> Option<f64> {
        let within = self
            .froc
            .iter()
            .take_while(|point| point.false_positives <= false_positives);
        (self.lesions > 0).then(|| within.last().map_or(0.0, |point| point.sensitivity))
    }

    /// The mean sensitivity at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false positives a case (LUNA16's score).
    pub fn froc_score(&self) -> Option<f64> {
        let places = [0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0];
        let sum: f64 = places
            .iter()
            .filter_map(|&place| self.sensitivity_at(place))
            .sum();
        (self.lesions > 0).then(|| sum / places.len() as f64)
    }

    /// PI-CAI's ranking score: the mean of AUROC and AP.
    pub fn picai_score(&self) -> Option<f64> {
        Some((self.auroc? + self.average_precision?) / 2.0)
    }
}

/// Candidates of confidence 0 add nothing.
fn average_precision(froc: &[FrocPoint]) -> f64 {
    let mut before = 0.0;
    let mut sum = 0.0;
    for point in froc.iter().filter(|point| point.confidence > 0.0) {
        let precision = point.found as f64 / (point.found + point.spurious) as f64;
        sum += (point.sensitivity - before) * precision;
        before = point.sensitivity;
    }
    sum
}

/// The area under the ROC curve: the chance that a positive has a larger score than a negative, equal scores counting
/// half. `None` without positives or negatives; both lists are of one length.
///
/// ```
/// use vesalius_metrics::area_under_roc;
///
/// assert_eq!(area_under_roc(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true]), Some(0.75));
/// assert_eq!(area_under_roc(&[0.1, 0.4], &[true, true]), None);
/// ```
pub fn area_under_roc(scores: &[f64], positive: &[bool]) -> Option<f64> {
    if scores.len() != positive.len() || scores.iter().any(|score| score.is_nan()) {
        return None;
    }
    let positives = positive.iter().filter(|positive| **positive).count() as f64;
    let negatives = positive.len() as f64 - positives;
    let ranks = mean_ranks(scores);
    let of_positives = ranks
        .iter()
        .zip(positive)
        .filter(|(_, positive)| **positive);
    let sum: f64 = of_positives.map(|(rank, _)| rank).sum();
    let wins = sum - positives * (positives + 1.0) / 2.0;
    (positives > 0.0 && negatives > 0.0).then(|| wins / (positives * negatives))
}
