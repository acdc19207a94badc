//! Which candidates hit a lesion. (picai_eval 1.4, `evaluate_case`)

use super::Candidates;
use crate::lesions::{Objects, assignment};
use crate::{Error, MatchScore, Result, Target};
use vesalius_filters::{ComponentOptions, connected_components};
use vesalius_volume::{Label, LabelMap};

/// What picai_eval adds to both sides of a ratio.
const EPSILON: f64 = 1e-8;

/// What happens to a candidate that overlaps a lesion enough, but whose lesion has another candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OtherCandidates {
    /// It does not count: `allow_unmatched_candidates_with_minimal_overlap=True`.
    #[default]
    Ignored,
    /// It is a false positive.
    False,
}

/// When a candidate hits a lesion. The default is PI-CAI's: an IoU of 0.1 or more.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct HitCriterion {
    /// The score of a candidate and a lesion.
    pub score: MatchScore,
    /// Its least value, above 0 and up to 1.
    pub threshold: f64,
    /// Candidates beside the one that a lesion is matched with.
    pub others: OtherCandidates,
}

impl Default for HitCriterion {
    fn default() -> Self {
        Self {
            score: MatchScore::Iou,
            threshold: 0.1,
            others: OtherCandidates::Ignored,
        }
    }
}

/// What a candidate or lesion turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LesionTruth {
    /// A lesion with a candidate.
    Found,
    /// A lesion without one.
    Missed,
    /// A candidate without a lesion.
    False,
}

/// A candidate, or a lesion that has none.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct JudgedLesion {
    /// What it is.
    pub truth: LesionTruth,
    /// The candidate's confidence; 0 for a missed lesion.
    pub confidence: f64,
    /// The score of the candidate and the lesion; 0 without one of them.
    pub overlap: f64,
}

/// The candidates and lesions of a case.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct JudgedCase {
    /// Found lesions in the reference's order, then missed ones, then false candidates.
    pub lesions: Vec<JudgedLesion>,
    /// The confidence that the case has a lesion: the largest of its candidates, 0 without any.
    pub confidence: f64,
}

impl JudgedCase {
    /// How many lesions the reference has.
    pub fn reference(&self) -> usize {
        self.lesions
            .iter()
            .filter(|lesion| lesion.truth != LesionTruth::False)
            .count()
    }
}

impl HitCriterion {
    /// Another score and its least value.
    #[must_use]
    pub fn with_score(self, score: MatchScore, threshold: f64) -> Self {
        Self {
            score,
            threshold,
            ..self
        }
    }

    /// Other candidates of a lesion count in another way.
    #[must_use]
    pub fn with_others(self, others: OtherCandidates) -> Self {
        Self { others, ..self }
    }

    /// Matches candidates with the lesions of a target (pieces connected at corners): as many as can be, then with the
    /// largest sum of scores.
    ///
    /// # Errors
    /// [`Error::Volume`] when the grids differ; [`Error::BadOption`] for a threshold that is not above 0 and up to 1;
    /// [`Error::Components`].
    ///
    /// ```
    /// use vesalius_metrics::{CandidateOptions, Candidates, HitCriterion, LesionTruth, Target};
    /// use vesalius_volume::{Geometry, LabelMap, Volume};
    ///
    /// // Two lesions; one candidate hits the first, one hits nothing.
    /// let grid = Geometry::axis_aligned([9, 1, 1], [1.0; 3])?;
    /// let reference = LabelMap::new(grid, vec![0_u16, 1, 1, 0, 1, 0, 0, 0, 0])?;
    /// let probabilities = Volume::new(grid, 1, vec![0.0, 0.6_f32, 0.0, 0.0, 0.0, 0.0, 0.0, 0.9, 0.9])?;
    /// let candidates = Candidates::extract(&probabilities, 0, &CandidateOptions::default().with_too_small(0))?;
    /// let case = HitCriterion::default().judge(&candidates, &reference, &Target::of_value(1))?;
    /// let truths: Vec<LesionTruth> = case.lesions.iter().map(|lesion| lesion.truth).collect();
    /// assert_eq!(truths, [LesionTruth::Found, LesionTruth::Missed, LesionTruth::False]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn judge<T: Label>(
        &self,
        candidates: &Candidates,
        reference: &LabelMap<T>,
        target: &Target,
    ) -> Result<JudgedCase> {
        if !(self.threshold > 0.0 && self.threshold <= 1.0) {
            return Err(Error::BadOption {
                option: "the least score of a candidate and its lesion",
                found: self.threshold.to_string(),
                expected: "a number above 0 and up to 1",
            });
        }
        let mask = reference.map(|label| u8::from(target.labels.contains(&label.into())));
        let lesions = connected_components(&mask, &ComponentOptions::default())
            .map_err(|error| Error::Components(error.to_string()))?;
        let objects = Objects::of_instances(&lesions.labels, candidates.map())?;
        let mut scores = vec![vec![0.0; objects.prediction()]; objects.reference()];
        for pair in &objects.shared {
            let reference = objects.reference.voxels[pair.reference];
            let prediction = objects.prediction.voxels[pair.prediction];
            let score = self.score(pair.voxels, reference, prediction);
            if score >= self.threshold {
                // First of all as many pairs as can be.
                scores[pair.reference][pair.prediction] = 1.0 + score;
            }
        }
        Ok(self.judged(&scores, candidates.confidences()))
    }

    fn score(&self, both: u64, reference: u64, prediction: u64) -> f64 {
        let (part, whole) = match self.score {
            MatchScore::Iou => (both as f64, (reference + prediction - both) as f64),
            MatchScore::Dice => (2.0 * both as f64, (reference + prediction) as f64),
        };
        (part + EPSILON) / (whole + EPSILON)
    }

    fn judged(&self, scores: &[Vec<f64>], confidences: &[f32]) -> JudgedCase {
        let costs: Vec<Vec<f64>> = scores
            .iter()
            .map(|row| row.iter().map(|score| -score).collect())
            .collect();
        let pairs = assignment(&costs)
            .into_iter()
            .filter(|&(l, c)| scores[l][c] > 0.0);
        let mut of_lesion: Vec<Option<usize>> = vec![None; scores.len()];
        let mut used: Vec<bool> = match self.others {
            OtherCandidates::Ignored => (0..confidences.len())
                .map(|candidate| scores.iter().any(|row| row[candidate] > 0.0))
                .collect(),
            OtherCandidates::False => vec![false; confidences.len()],
        };
        for (lesion, candidate) in pairs {
            of_lesion[lesion] = Some(candidate);
            used[candidate] = true;
        }
        let found = of_lesion
            .iter()
            .enumerate()
            .filter_map(|(lesion, candidate)| {
                let candidate = (*candidate)?;
                Some(JudgedLesion {
                    truth: LesionTruth::Found,
                    confidence: f64::from(confidences[candidate]),
                    overlap: scores[lesion][candidate] - 1.0,
                })
            });
        let missed = of_lesion
            .iter()
            .filter(|candidate| candidate.is_none())
            .map(|_| JudgedLesion {
                truth: LesionTruth::Missed,
                confidence: 0.0,
                overlap: 0.0,
            });
        let spurious = used
            .iter()
            .zip(confidences)
            .filter(|(used, _)| !**used)
            .map(|(_, confidence)| JudgedLesion {
                truth: LesionTruth::False,
                confidence: f64::from(*confidence),
                overlap: 0.0,
            });
        JudgedCase {
            lesions: found.chain(missed).chain(spurious).collect(),
            confidence: f64::from(confidences.iter().copied().fold(0.0, f32::max)),
        }
    }
}
