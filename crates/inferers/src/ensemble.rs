//! The results of several models combined: the mean of their probabilities or of their logits, or a vote.

use crate::probabilities::{read_run, runs};
use crate::{Error, ProbabilityMap, ProbabilitySource, ProbabilityStore, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;
use vesalius_tensor::LogitsSlab;
use vesalius_volume::LabelScheme;

/// How the results of several models are combined.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Combination {
    /// The mean of probabilities: nnU-Net's `nnUNetv2_ensemble`.
    #[default]
    Probabilities,
    /// The mean of logits, taken from the probabilities: a product of experts.
    Logits,
    /// The share of models that vote for it: each model's most probable class, or its regions above ½.
    Vote,
}

impl std::fmt::Display for Combination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Probabilities => "the mean of probabilities",
            Self::Logits => "the mean of logits",
            Self::Vote => "a vote",
        })
    }
}

/// Probabilities nearer to 0 or 1 than this have no logit of use.
const SURE: f32 = 1e-7;

/// Combines results, each with a weight.
///
/// ```
/// use vesalius_inferers::{Combination, ProbabilityMap, combine};
/// use vesalius_volume::{Geometry, LabelScheme, Volume};
///
/// let grid = Geometry::axis_aligned([2, 1, 1], [1.0; 3])?;
/// let scheme = LabelScheme::regions(&[("lesion", &[1], 1)])?;
/// let map = |values| ProbabilityMap::from_stored(&scheme, Volume::new(grid, 1, values)?);
/// let first = map(vec![0.9_f32, 0.4])?;
/// let second = map(vec![0.5_f32, 0.2])?;
/// // The first model weighs three times as much.
/// let both = combine(&[first, second], &[3.0, 1.0], Combination::Probabilities)?;
/// assert!((both.data()[0] - 0.8).abs() < 1e-6);
/// assert_eq!(both.labels()?.data(), [1, 0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// No result, results of different label schemes or on different grids, weights that are not one each, negative
/// or all zero.
pub fn combine(
    parts: &[ProbabilityMap],
    weights: &[f64],
    combination: Combination,
) -> Result<ProbabilityMap> {
    combine_each(parts.iter().cloned().map(Ok), weights, combination)
}

/// As [`combine`], of results that come one after another, so that only their sum and one of them are in memory.
///
/// # Errors
/// As [`combine`]; errors of the results themselves.
pub fn combine_each<E: From<Error>>(
    parts: impl ExactSizeIterator<Item = std::result::Result<ProbabilityMap, E>>,
    weights: &[f64],
    combination: Combination,
) -> std::result::Result<ProbabilityMap, E> {
    let shares = shares(weights, parts.len())?;
    let mut mixture: Option<Mixture> = None;
    for (part, share) in parts.zip(shares) {
        let part = part?;
        let mixed = match &mut mixture {
            Some(mixture) => mixture,
            None => mixture.insert(Mixture::new(&part, combination, None)?),
        };
        mixed.add(&part, share)?;
    }
    match mixture {
        Some(mixture) => Ok(mixture.finish()?.into_map()?),
        None => {
            let none = "no answer".to_owned();
            Err(Error::bad_value("ensemble", none, "at least one").into())
        }
    }
}

/// Each weight's share of their sum.
pub(crate) fn shares(weights: &[f64], answers: usize) -> Result<Vec<f32>> {
    let total: f64 = weights.iter().sum();
    let usable = weights.iter().all(|w| w.is_finite() && *w >= 0.0) && total > 0.0;
    if weights.len() != answers || !usable {
        return Err(Error::bad_value(
            "weights",
            format!("{weights:?}"),
            "one for each answer, not negative, not all zero",
        ));
    }
    Ok(weights.iter().map(|w| (w / total) as f32).collect())
}

/// Results that are combined one after another, run by run, so that only their sum is kept.
pub(crate) struct Mixture {
    sum: ProbabilityStore,
    combination: Combination,
}

impl Mixture {
    /// An empty sum for results of this one's shape; in memory or in a scratch file in a folder.
    pub fn new(
        like: &dyn ProbabilitySource,
        combination: Combination,
        folder: Option<&Path>,
    ) -> Result<Self> {
        Ok(Self {
            sum: ProbabilityStore::new(*like.geometry(), like.scheme(), folder)?,
            combination,
        })
    }

    /// Adds a result with this share of the whole.
    pub fn add(&mut self, part: &dyn ProbabilitySource, share: f32) -> Result<()> {
        self.sum
            .geometry()
            .check_same(part.geometry(), "the probabilities of an ensemble")?;
        let scheme = part.scheme().clone();
        if *self.sum.scheme() != scheme {
            return Err(Error::bad_value(
                "ensemble",
                "answers with different labels".to_owned(),
                "models trained with the same labels",
            ));
        }
        for (first, count) in runs(part) {
            let mut values = read_run(part, (first, count))?;
            match self.combination {
                Combination::Probabilities => {}
                Combination::Logits => values.iter_mut().for_each(|p| *p = logit(*p, &scheme)),
                Combination::Vote => votes(&mut values, &scheme),
            }
            let mut before = vec![0.0; count];
            for (channel, values) in values.chunks_exact(count).enumerate() {
                self.sum.read(channel, first, &mut before)?;
                let pairs = before.iter_mut().zip(values);
                pairs.for_each(|(sum, value)| *sum += share * value);
                self.sum.write(channel, first, &before)?;
            }
        }
        Ok(())
    }

    /// The combined probabilities.
    pub fn finish(self) -> Result<ProbabilityStore> {
        let mut sum = self.sum;
        if self.combination != Combination::Logits {
            return Ok(sum);
        }
        let scheme = sum.scheme().clone();
        for (first, count) in runs(&sum) {
            let logits = read_run(&sum, (first, count))?;
            let values = LogitsSlab::new(&scheme, logits)?.into_probabilities();
            for (channel, values) in values.data().chunks_exact(count).enumerate() {
                sum.write(channel, first, values)?;
            }
        }
        Ok(sum)
    }
}

/// A logit that gives the probability back: of a sigmoid, or of a softmax up to a constant a voxel.
fn logit(probability: f32, scheme: &LabelScheme) -> f32 {
    let p = probability.clamp(SURE, 1.0 - SURE);
    match scheme {
        LabelScheme::Exclusive { .. } => p.ln(),
        LabelScheme::Regions { .. } => (p / (1.0 - p)).ln(),
    }
}

/// 1 for a model's label, 0 for the rest; all channels of a run of voxels.
fn votes(values: &mut [f32], scheme: &LabelScheme) {
    match scheme {
        LabelScheme::Regions { .. } => {
            let above = |p: &mut f32| *p = f32::from(u8::from(*p > 0.5));
            values.iter_mut().for_each(above);
        }
        LabelScheme::Exclusive { .. } => {
            let voxels = values.len() / scheme.channels();
            for voxel in 0..voxels {
                let channels = values[voxel..].iter().step_by(voxels).enumerate();
                let best = channels.fold((0, f32::NEG_INFINITY), |best, (channel, &p)| {
                    if p > best.1 { (channel, p) } else { best }
                });
                for (channel, value) in values[voxel..].iter_mut().step_by(voxels).enumerate() {
                    *value = f32::from(u8::from(channel == best.0));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_tensor::ProbabilitiesSlab;
    use vesalius_volume::Geometry;

    fn map(scheme: &LabelScheme, values: &[f32]) -> ProbabilityMap {
        let voxels = values.len() / scheme.channels();
        let geometry = Geometry::axis_aligned([voxels, 1, 1], [1.0; 3]).unwrap();
        let slab = ProbabilitiesSlab::from_stored(scheme, values.to_vec()).unwrap();
        ProbabilityMap::new(geometry, slab)
    }

    #[test]
    fn the_three_ways_differ_as_they_should() {
        let scheme = LabelScheme::regions(&[("tumour", &[1], 1)]).unwrap();
        let parts = [0.9f32, 0.4, 0.4].map(|p| map(&scheme, &[p]));
        let one = |how, weights: &[f64]| combine(&parts, weights, how).unwrap().data()[0];
        let equal = [1.0; 3];
        assert!((one(Combination::Probabilities, &equal) - 17.0 / 30.0).abs() < 1e-6);
        assert!((one(Combination::Vote, &equal) - 1.0 / 3.0).abs() < 1e-6);
        let logit = |p: f32| (p / (1.0 - p)).ln();
        let mean = (logit(0.9) + 2.0 * logit(0.4)) / 3.0;
        let expected = 1.0 / (1.0 + (-mean).exp());
        assert!((one(Combination::Logits, &equal) - expected).abs() < 1e-6);
        assert!((one(Combination::Vote, &[2.0, 1.0, 0.0]) - 2.0 / 3.0).abs() < 1e-6);
    }

    #[test]
    fn exclusive_labels_vote_for_one_each() {
        let scheme = LabelScheme::exclusive(&[("a", 1)]).unwrap();
        let parts = [
            map(&scheme, &[0.9, 0.2, 0.1, 0.8]),
            map(&scheme, &[0.4, 0.3, 0.6, 0.7]),
        ];
        let voted = combine(&parts, &[1.0, 1.0], Combination::Vote).unwrap();
        assert_eq!(voted.data(), [0.5, 0.0, 0.5, 1.0]);
        let product = combine(&parts, &[1.0, 1.0], Combination::Logits).unwrap();
        let sums = [0, 1].map(|voxel| product.data()[voxel] + product.data()[2 + voxel]);
        assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-6));
        assert_eq!(product.labels().unwrap().data(), [0, 1]);
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        let scheme = LabelScheme::exclusive(&[("a", 1)]).unwrap();
        let part = map(&scheme, &[0.5, 0.5]);
        let other = map(&LabelScheme::exclusive(&[("b", 1)]).unwrap(), &[0.5, 0.5]);
        let way = Combination::Probabilities;
        assert!(combine(&[part.clone(), other], &[1.0, 1.0], way).is_err());
        assert!(combine(std::slice::from_ref(&part), &[1.0, 1.0], way).is_err());
        assert!(combine(&[part], &[0.0], way).is_err() && combine(&[], &[], way).is_err());
    }
}
