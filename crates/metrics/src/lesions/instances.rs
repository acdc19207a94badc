//! Objects matched between reference and prediction, and the panoptic quality that follows (panoptica's matchers).

use super::assignment::assignment;
use super::objects::Objects;
use crate::{Error, Result, Surface, SurfaceDistances};
use std::collections::HashMap;
use vesalius_filters::Connectivity;

/// What a pair of objects is matched by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum MatchScore {
    /// Intersection over union.
    #[default]
    Iou,
    /// Dice.
    Dice,
}

impl MatchScore {
    fn of(self, both: u64, reference: u64, prediction: u64) -> f64 {
        match self {
            Self::Iou => both as f64 / (reference + prediction - both) as f64,
            Self::Dice => 2.0 * both as f64 / (reference + prediction) as f64,
        }
    }
}

/// Which objects are paired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Matcher {
    /// The pairs with the largest scores first, each object once.
    #[default]
    Naive,
    /// The pairs with the largest scores first; an object of the reference may have several of the prediction.
    ManyToOne,
    /// As [`Matcher::Naive`], but an object of the prediction joins one that is matched where that makes the score of
    /// both together larger.
    MaximiseMerge,
    /// The pairs whose sum of scores is the largest, each object once.
    Best,
}

/// How objects are matched; the default is that of panoptica 2.1: [`Matcher::Naive`] at an IoU of 0.5 or more.
///
/// ```
/// use vesalius_metrics::{InstanceMatching, Matcher, Objects};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// // One object that the prediction has in two pieces.
/// let grid = Geometry::axis_aligned([6, 1, 1], [1.0; 3])?;
/// let reference = LabelMap::new(grid, vec![1_u16, 1, 1, 1, 1, 0])?;
/// let prediction = LabelMap::new(grid, vec![1_u16, 1, 1, 2, 2, 0])?;
/// let objects = Objects::of_instances(&reference, &prediction)?;
/// let naive = InstanceMatching::default().of(&objects)?;
/// assert_eq!((naive.recognition_quality(), naive.segmentation_quality()), (Some(2.0 / 3.0), Some(0.6)));
/// let merged = InstanceMatching::default().with_matcher(Matcher::MaximiseMerge).of(&objects)?;
/// assert_eq!(merged.panoptic_quality(), Some(1.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct InstanceMatching {
    /// Which neighbours make voxels one object, for measures of a target.
    pub connectivity: Connectivity,
    /// Which objects are paired.
    pub matcher: Matcher,
    /// By which score, which is also that of the segmentation quality.
    pub score: MatchScore,
    /// The least score of a pair, above 0 and up to 1.
    pub threshold: f64,
}

impl Default for InstanceMatching {
    fn default() -> Self {
        Self {
            connectivity: Connectivity::Corners,
            matcher: Matcher::Naive,
            score: MatchScore::Iou,
            threshold: 0.5,
        }
    }
}

/// An object of the reference and what it is matched with.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MatchedObject {
    /// The object of the reference.
    pub reference: usize,
    /// The objects of the prediction, in the order in which they were matched.
    pub prediction: Vec<usize>,
    /// IoU of the object with all of them.
    pub iou: f64,
    /// Dice of the object with all of them.
    pub dice: f64,
}

/// The matched objects of a case.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct InstanceScores {
    /// Matched objects, in the order of the reference.
    pub matched: Vec<MatchedObject>,
    /// Objects of the reference.
    pub reference: usize,
    /// Objects of the prediction; those that are matched with one object of the reference count as one.
    pub prediction: usize,
    /// How they were matched.
    pub options: InstanceMatching,
}

impl InstanceMatching {
    /// Other pairs.
    #[must_use]
    pub fn with_matcher(self, matcher: Matcher) -> Self {
        Self { matcher, ..self }
    }

    /// Another score and its least value.
    #[must_use]
    pub fn with_score(self, score: MatchScore, threshold: f64) -> Self {
        Self {
            score,
            threshold,
            ..self
        }
    }

    /// Other neighbours.
    #[must_use]
    pub fn with_connectivity(self, connectivity: Connectivity) -> Self {
        Self {
            connectivity,
            ..self
        }
    }

    /// Matches objects.
    ///
    /// # Errors
    /// [`Error::BadOption`] for a threshold that is not above 0 and up to 1.
    pub fn of(&self, objects: &Objects) -> Result<InstanceScores> {
        if !(self.threshold > 0.0 && self.threshold <= 1.0) {
            return Err(Error::BadOption {
                option: "the least score of matched objects",
                found: self.threshold.to_string(),
                expected: "a number above 0 and up to 1",
            });
        }
        let partners = match self.matcher {
            Matcher::Best => self.best(objects),
            _ => self.by_falling_score(objects),
        };
        let mut matched = Vec::new();
        for (reference, prediction) in partners.into_iter().enumerate() {
            if !prediction.is_empty() {
                let score = |score| together(objects, score, reference, &prediction);
                matched.push(MatchedObject {
                    iou: score(MatchScore::Iou),
                    dice: score(MatchScore::Dice),
                    reference,
                    prediction,
                });
            }
        }
        let merged: usize = matched
            .iter()
            .map(|object| object.prediction.len() - 1)
            .sum();
        Ok(InstanceScores {
            reference: objects.reference(),
            prediction: objects.prediction() - merged,
            matched,
            options: *self,
        })
    }

    /// The score of each overlapping pair, in the order of the pairs.
    fn scores(&self, objects: &Objects) -> Vec<f64> {
        let score = |pair: &super::objects::Shared| {
            let reference = objects.reference.voxels[pair.reference];
            self.score.of(
                pair.voxels,
                reference,
                objects.prediction.voxels[pair.prediction],
            )
        };
        objects.shared.iter().map(score).collect()
    }

    fn by_falling_score(&self, objects: &Objects) -> Vec<Vec<usize>> {
        let scores = self.scores(objects);
        let mut order: Vec<usize> = (0..scores.len()).collect();
        // Stable: among equals the prediction's object decides, then the reference's.
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let mut partners: Vec<Vec<usize>> = vec![Vec::new(); objects.reference()];
        let mut reached = vec![0.0; objects.reference()];
        let mut taken = vec![false; objects.prediction()];
        for pair in order {
            let (r, p) = (
                objects.shared[pair].reference,
                objects.shared[pair].prediction,
            );
            if taken[p] {
                continue;
            }
            let enough = scores[pair] >= self.threshold;
            let joins = match (self.matcher, partners[r].is_empty()) {
                (_, true) | (Matcher::ManyToOne, false) => enough.then_some(scores[pair]),
                (Matcher::MaximiseMerge, false) => {
                    let mut all = partners[r].clone();
                    all.push(p);
                    let merged = together(objects, self.score, r, &all);
                    (merged > reached[r]).then_some(merged)
                }
                _ => None,
            };
            if let Some(score) = joins {
                partners[r].push(p);
                taken[p] = true;
                reached[r] = score;
            }
        }
        partners
    }

    fn best(&self, objects: &Objects) -> Vec<Vec<usize>> {
        // More than any pair costs.
        const NO_PAIR: f64 = 1.0 + 1e-6;
        let scores = self.scores(objects);
        let mut costs = vec![vec![NO_PAIR; objects.prediction()]; objects.reference()];
        for (pair, &score) in objects.shared.iter().zip(&scores) {
            if score >= self.threshold {
                costs[pair.reference][pair.prediction] = 1.0 - score;
            }
        }
        let mut partners = vec![Vec::new(); objects.reference()];
        for (r, p) in assignment(&costs) {
            if costs[r][p] < 1.0 {
                partners[r].push(p);
            }
        }
        partners
    }

    pub(crate) fn suffix(&self) -> String {
        let mut suffix = match self.matcher {
            Matcher::Naive => "",
            Matcher::ManyToOne => "_many",
            Matcher::MaximiseMerge => "_merge",
            Matcher::Best => "_best",
        }
        .to_owned();
        match self.score {
            MatchScore::Iou if self.threshold == Self::default().threshold => {}
            MatchScore::Iou => suffix.push_str(&format!("_iou{}", self.threshold)),
            MatchScore::Dice => suffix.push_str(&format!("_dice{}", self.threshold)),
        }
        suffix.push_str(super::neighbours(self.connectivity));
        suffix
    }
}

/// The score of an object of the reference with several of the prediction as one.
fn together(objects: &Objects, score: MatchScore, reference: usize, predictions: &[usize]) -> f64 {
    let of_pair: HashMap<usize, u64> = {
        let pairs = objects
            .shared
            .iter()
            .filter(|pair| pair.reference == reference);
        pairs.map(|pair| (pair.prediction, pair.voxels)).collect()
    };
    let both = predictions.iter().filter_map(|p| of_pair.get(p)).sum();
    let prediction = predictions
        .iter()
        .map(|&p| objects.prediction.voxels[p])
        .sum();
    score.of(both, objects.reference.voxels[reference], prediction)
}

impl InstanceScores {
    /// Objects of the reference that nothing matches.
    pub fn missed(&self) -> usize {
        self.reference - self.matched.len()
    }

    /// Objects of the prediction that match nothing.
    pub fn spurious(&self) -> usize {
        self.prediction - self.matched.len()
    }

    /// F1 of objects (RQ); `None` where there is no object on either side.
    pub fn recognition_quality(&self) -> Option<f64> {
        let objects = self.reference + self.prediction;
        (objects > 0).then(|| 2.0 * self.matched.len() as f64 / objects as f64)
    }

    /// The mean score of the matched objects (SQ), by the score they were matched by; `None` where none is matched.
    pub fn segmentation_quality(&self) -> Option<f64> {
        let score = |object: &MatchedObject| match self.options.score {
            MatchScore::Iou => object.iou,
            MatchScore::Dice => object.dice,
        };
        crate::evaluation::mean(self.matched.iter().map(score))
    }

    /// Recognition quality times segmentation quality (PQ); 0 where nothing is matched, `None` where there is no object
    /// on either side.
    pub fn panoptic_quality(&self) -> Option<f64> {
        Some(self.recognition_quality()? * self.segmentation_quality().unwrap_or(0.0))
    }

    /// The surface distances of each matched object, in their order, in mm.
    pub fn surface_distances(&self, objects: &Objects, surface: Surface) -> Vec<SurfaceDistances> {
        let distances = |object: &MatchedObject| {
            objects
                .masks(&[object.reference], &object.prediction)?
                .distances(surface)
        };
        self.matched.iter().filter_map(distances).collect()
    }
}
