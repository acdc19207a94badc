//! The settings of the next trial: at random, or where good trials were (the tree-structured Parzen
//! estimator of Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NeurIPS 2011).

use super::{Distribution, SearchSpace, Trial};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tpe::TpeOptimizerBuilder;

/// How settings are drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Sampler {
    /// Evenly, whatever was tried.
    Random,
    /// Where the better trials are and the others are not, setting by setting.
    Tpe {
        /// How many trials are drawn at random first.
        #[serde(default = "startup")]
        startup_trials: usize,
        /// How many candidates are weighed for each setting.
        #[serde(default = "candidates")]
        candidates: usize,
        /// The share of trials that count as good.
        #[serde(default = "good_share")]
        good_share: f64,
    },
}

fn startup() -> usize {
    10
}

fn candidates() -> usize {
    24
}

fn good_share() -> f64 {
    0.1
}

impl Default for Sampler {
    fn default() -> Self {
        Self::Tpe {
            startup_trials: startup(),
            candidates: candidates(),
            good_share: good_share(),
        }
    }
}

impl Sampler {
    /// Checks that every value is in range; the error is what is wrong.
    pub(super) fn check(&self) -> Result<(), String> {
        match self {
            Self::Tpe { candidates: 0, .. } => {
                Err("`candidates` is 0, expected at least 1".to_owned())
            }
            Self::Tpe { good_share, .. } if !(0.0..=1.0).contains(good_share) => {
                Err(format!("`good_share` is {good_share}, expected 0 to 1"))
            }
            _ => Ok(()),
        }
    }

    /// A place on the line for every setting of the next trial. Follows from the seed, the trial's
    /// number and what the ended trials teach.
    pub(super) fn places(
        &self,
        space: &SearchSpace,
        trials: &[Trial],
        seed: u64,
        number: u64,
    ) -> BTreeMap<String, f64> {
        let mut key = [0u8; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&number.to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        let taught: Vec<&Trial> = trials.iter().filter(|t| t.lesson().is_some()).collect();
        space
            .iter()
            .map(|(name, distribution)| {
                let place = match self {
                    Self::Tpe {
                        startup_trials,
                        candidates,
                        good_share,
                    } if taught.len() >= *startup_trials => estimate(
                        name,
                        distribution,
                        &taught,
                        (*candidates, *good_share),
                        &mut rng,
                    ),
                    _ => None,
                };
                let place = place.unwrap_or_else(|| distribution.draw(&mut rng));
                (name.to_owned(), place)
            })
            .collect()
    }
}

/// `None` where nothing can be learnt: the caller draws at random.
fn estimate(
    name: &str,
    distribution: &Distribution,
    taught: &[&Trial],
    (candidates, good_share): (usize, f64),
    rng: &mut ChaCha8Rng,
) -> Option<f64> {
    let [start, end] = distribution.line();
    let estimator = match distribution.is_categorical() {
        true => tpe::histogram_estimator(),
        false => tpe::parzen_estimator(),
    };
    let range = tpe::range(start, end).ok()?;
    let mut optimizer = TpeOptimizerBuilder::new()
        .gamma(good_share)
        .candidates(candidates)
        .build(estimator, range)
        .ok()?;
    for trial in taught {
        // The estimator looks for the least value, a search for the greatest.
        if let (Some(place), Some(value)) = (trial.places.get(name), trial.lesson()) {
            optimizer.tell(*place, -value).ok()?;
        }
    }
    let place = optimizer.ask(rng).ok()?;
    (start..end).contains(&place).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::{Setting, Settings, TrialState};

    const SPACE: &str = "
rate: {float: {low: 0.00001, high: 1.0, log: true}}
depth: {int: {low: 1, high: 6}}
kind: {categorical: {choices: [poor, fair, good]}}
";

    /// Greatest, 0, at rate 0.01, depth 4, kind good.
    fn score(settings: &Settings) -> f64 {
        let number = |key: &str| settings[key].as_f64().unwrap();
        let kind = ["good", "fair", "poor"]
            .iter()
            .position(|word| settings["kind"] == Setting::Text((*word).to_owned()));
        -((number("rate").log10() + 2.0).abs()
            + (number("depth") - 4.0).abs() / 2.0
            + kind.unwrap() as f64 / 2.0)
    }

    /// The best of 60 trials.
    fn best(sampler: &Sampler, seed: u64) -> f64 {
        let space = SearchSpace::parse(SPACE).unwrap();
        let mut trials: Vec<Trial> = Vec::new();
        for number in 0..60 {
            let places = sampler.places(&space, &trials, seed, number);
            let settings: Settings = space
                .iter()
                .map(|(key, d)| (key.to_owned(), d.value(places[key])))
                .collect();
            let state = TrialState::Complete(score(&settings));
            trials.push(Trial {
                number,
                settings,
                places,
                state,
                reports: BTreeMap::new(),
            });
        }
        trials
            .iter()
            .filter_map(Trial::lesson)
            .fold(f64::NEG_INFINITY, f64::max)
    }

    #[test]
    fn the_estimator_beats_chance() {
        let mean = |sampler: &Sampler| (0..20).map(|seed| best(sampler, seed)).sum::<f64>() / 20.0;
        let (estimated, random) = (mean(&Sampler::default()), mean(&Sampler::Random));
        assert!(
            estimated > 0.7 * random,
            "{estimated} with TPE, {random} at random"
        );
    }
}
