//! STAPLE: the truth that raters of different reliability agree on.

use super::check;
use super::patterns::Patterns;
use crate::{Error, Result, Target};
use vesalius_control::Control;
use vesalius_volume::{Label, LabelMap, Volume};

/// The square of the change of a rater's numbers below which the estimate has converged, as ITK has it.
const CONVERGED: f64 = 1e-14;

/// Options of [`Staple::of`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct StapleOptions {
    /// At most so many iterations; ITK has no limit.
    pub iterations: usize,
    /// What the prior (the mean share of the target over raters and voxels) is multiplied with.
    pub confidence: f64,
}

impl Default for StapleOptions {
    fn default() -> Self {
        Self {
            iterations: 10_000,
            confidence: 1.0,
        }
    }
}

impl StapleOptions {
    /// At most so many iterations.
    #[must_use]
    pub fn with_iterations(self, iterations: usize) -> Self {
        Self { iterations, ..self }
    }

    /// Another weight of the prior.
    #[must_use]
    pub fn with_confidence(self, confidence: f64) -> Self {
        Self { confidence, ..self }
    }
}

/// The estimate of the truth of one target and of each rater's reliability. (Warfield, Zou and Wells,
/// 10.1109/TMI.2004.828354; the numbers are those of ITK's `STAPLEImageFilter`)
///
/// ```
/// use vesalius_metrics::{Staple, StapleOptions, Target};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([6, 1, 1], [1.0; 3])?;
/// let rater = |values: [u16; 6]| LabelMap::new(grid, values.to_vec());
/// let (a, b, c) = (rater([0, 1, 1, 1, 0, 0])?, rater([0, 1, 1, 0, 0, 0])?, rater([0, 1, 1, 1, 0, 1])?);
/// let truth = Staple::of(&[&a, &b, &c], &Target::of_value(1), &StapleOptions::default())?;
/// assert_eq!(truth.mask().data(), [0, 1, 1, 1, 0, 0]);
/// assert!(truth.specificity[2] < truth.specificity[0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Staple {
    /// The probability that each voxel belongs to the target.
    pub probability: Volume<f64>,
    /// Each rater's sensitivity.
    pub sensitivity: Vec<f64>,
    /// Each rater's specificity.
    pub specificity: Vec<f64>,
    /// How many iterations there were.
    pub iterations: usize,
}

impl Staple {
    /// The estimate from two raters or more.
    ///
    /// # Errors
    /// [`Error::Raters`] for fewer than two raters; [`Error::Volume`] where their grids differ;
    /// [`Error::NoConsensus`] when no rater or every rater marks every voxel, so that sensitivity or specificity has no
    /// value; [`Error::BadOption`] for a confidence that is not above 0, or no iteration.
    pub fn of<T: Label>(
        raters: &[&LabelMap<T>],
        target: &Target,
        options: &StapleOptions,
    ) -> Result<Self> {
        Self::of_with(raters, target, options, &Control::new())
    }

    /// As [`Staple::of`], cancelled between iterations and followed in the stage `STAPLE`.
    ///
    /// # Errors
    /// As [`Staple::of`]; [`Error::Cancelled`].
    pub fn of_with<T: Label>(
        raters: &[&LabelMap<T>],
        target: &Target,
        options: &StapleOptions,
        control: &Control,
    ) -> Result<Self> {
        check(raters, 2)?;
        let bad = |option, found: String, expected| {
            Err(Error::BadOption {
                option,
                found,
                expected,
            })
        };
        if !(options.confidence.is_finite() && options.confidence > 0.0) {
            return bad(
                "STAPLE's confidence",
                options.confidence.to_string(),
                "a number above 0",
            );
        }
        if options.iterations == 0 {
            return bad("STAPLE's iterations", "0".into(), "1 or more");
        }
        let stage = control.stage("STAPLE", None);
        let patterns = Patterns::of(raters, target);
        let mut estimate = Estimate::new(&patterns, raters.len(), options.confidence);
        let mut iterations = 0;
        while iterations < options.iterations {
            control.check()?;
            let change = estimate.step(&patterns);
            iterations += 1;
            stage.set(iterations as u64);
            if iterations > 1 && change <= CONVERGED {
                break;
            }
        }
        let numbers = estimate
            .sensitivity
            .iter()
            .chain(&estimate.specificity)
            .chain(&estimate.weights);
        if numbers.into_iter().any(|number| !number.is_finite()) {
            return Err(Error::NoConsensus {
                target: target.key.clone(),
            });
        }
        let weights = patterns
            .of_voxel
            .iter()
            .map(|&pattern| estimate.weights[pattern as usize]);
        Ok(Self {
            probability: Volume::new(*raters[0].geometry(), 1, weights.collect())?,
            sensitivity: estimate.sensitivity,
            specificity: estimate.specificity,
            iterations,
        })
    }

    /// The voxels whose probability is above a half, as 1, the others as 0.
    pub fn mask(&self) -> LabelMap<u8> {
        let mut mask = LabelMap::background(*self.probability.geometry());
        let voxels = mask.data_mut().iter_mut().zip(self.probability.data());
        voxels.for_each(|(voxel, probability)| *voxel = u8::from(*probability > 0.5));
        mask
    }
}

/// The state between two iterations.
struct Estimate {
    /// The probability of the target by pattern.
    weights: Vec<f64>,
    prior: f64,
    sensitivity: Vec<f64>,
    specificity: Vec<f64>,
}

impl Estimate {
    /// Starts with the share of the raters.
    fn new(patterns: &Patterns, raters: usize, confidence: f64) -> Self {
        let share = |answer: &Vec<u64>| {
            let says: u32 = answer.iter().map(|word| word.count_ones()).sum();
            f64::from(says) / raters as f64
        };
        let weights: Vec<f64> = patterns.answers.iter().map(share).collect();
        let sum: f64 = weights
            .iter()
            .zip(&patterns.voxels)
            .map(|(w, &n)| w * n as f64)
            .sum();
        let voxels: u64 = patterns.voxels.iter().sum();
        Self {
            weights,
            prior: sum / voxels as f64 * confidence,
            sensitivity: vec![f64::INFINITY; raters],
            specificity: vec![f64::INFINITY; raters],
        }
    }

    /// The raters' numbers from the weights, then the weights from the numbers. Returns the largest square of a change;
    /// NaN counts as none, so that an estimate that has no value ends.
    fn step(&mut self, patterns: &Patterns) -> f64 {
        let mut largest = 0.0f64;
        for rater in 0..self.sensitivity.len() {
            let (mut right, mut all) = ([0.0; 2], [0.0; 2]);
            for (pattern, (weight, &voxels)) in
                self.weights.iter().zip(&patterns.voxels).enumerate()
            {
                let (inside, outside) = (weight * voxels as f64, (1.0 - weight) * voxels as f64);
                all[0] += inside;
                all[1] += outside;
                if patterns.says(pattern, rater) {
                    right[0] += inside;
                } else {
                    right[1] += outside;
                }
            }
            let now = [right[0] / all[0], right[1] / all[1]];
            let before = [&mut self.sensitivity[rater], &mut self.specificity[rater]];
            for (before, now) in before.into_iter().zip(now) {
                largest = largest.max((now - *before).powi(2));
                *before = now;
            }
        }
        for (pattern, weight) in self.weights.iter_mut().enumerate() {
            let (mut inside, mut outside) = (1.0, 1.0);
            for (rater, (p, q)) in self.sensitivity.iter().zip(&self.specificity).enumerate() {
                if patterns.says(pattern, rater) {
                    inside *= p;
                    outside *= 1.0 - q;
                } else {
                    inside *= 1.0 - p;
                    outside *= q;
                }
            }
            *weight = self.prior * inside / (self.prior * inside + (1.0 - self.prior) * outside);
        }
        largest
    }
}
