//! Which trials are not worth their end.

use super::{Trial, TrialState};
use serde::{Deserialize, Serialize};

/// When a trial is stopped early.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Pruner {
    /// Never.
    None,
    /// When its best report is worse than this percentile of what others had reported by that step:
    /// Optuna's `PercentilePruner`, and with 50 its `MedianPruner`.
    Percentile {
        /// The percentile of the others, 0 (the worst) to 100.
        #[serde(default = "median")]
        percentile: f64,
        /// How many trials must have ended first.
        #[serde(default = "startup")]
        startup_trials: usize,
        /// Reports before this step never stop a trial.
        #[serde(default)]
        warmup_steps: u64,
    },
}

fn median() -> f64 {
    50.0
}

fn startup() -> usize {
    5
}

impl Default for Pruner {
    fn default() -> Self {
        Self::Percentile {
            percentile: median(),
            startup_trials: startup(),
            warmup_steps: 0,
        }
    }
}

impl Pruner {
    /// Checks that every value is in range; the error is what is wrong.
    pub(super) fn check(&self) -> Result<(), String> {
        match self {
            Self::Percentile { percentile, .. } if !(0.0..=100.0).contains(percentile) => {
                Err(format!("`percentile` is {percentile}, expected 0 to 100"))
            }
            _ => Ok(()),
        }
    }

    /// Whether `trial` should stop after its latest report.
    pub(super) fn stops(&self, trial: &Trial, trials: &[Trial]) -> bool {
        let Self::Percentile {
            percentile,
            startup_trials,
            warmup_steps,
        } = self
        else {
            return false;
        };
        let Some((&step, &latest)) = trial.reports.iter().next_back() else {
            return false;
        };
        if step < *warmup_steps {
            return false;
        }
        let ended = |other: &&Trial| matches!(other.state, TrialState::Complete(_));
        let others: Vec<&Trial> = trials.iter().filter(ended).collect();
        if others.len() < *startup_trials {
            return false;
        }
        let mut reached: Vec<f64> = others.iter().filter_map(|t| t.best_until(step)).collect();
        if reached.is_empty() {
            return false;
        }
        reached.sort_by(f64::total_cmp);
        let best = trial.best_until(step).unwrap_or(latest);
        latest.is_nan() || best < percentile_of(&reached, *percentile)
    }
}

/// Linear between the sorted values, as NumPy's default.
fn percentile_of(sorted: &[f64], percentile: f64) -> f64 {
    let place = percentile / 100.0 * (sorted.len() - 1) as f64;
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    sorted[low] + (sorted[high] - sorted[low]) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn trial(number: u64, state: TrialState, reports: &[(u64, f64)]) -> Trial {
        Trial {
            number,
            settings: BTreeMap::new(),
            places: BTreeMap::new(),
            state,
            reports: reports.iter().copied().collect(),
        }
    }

    #[test]
    fn a_trial_below_the_median_at_its_step_stops() {
        let ended: Vec<Trial> = (0..5)
            .map(|n| {
                let value = 0.5 + 0.1 * n as f64;
                trial(
                    n,
                    TrialState::Complete(value),
                    &[(10, value - 0.2), (20, value)],
                )
            })
            .collect();
        let pruner = Pruner::default();
        let at =
            |reports: &[(u64, f64)]| pruner.stops(&trial(9, TrialState::Running, reports), &ended);
        assert!(at(&[(10, 0.45)]) && !at(&[(10, 0.5)]));
        assert!(at(&[(10, 0.6), (20, 0.65)]) && !at(&[(10, 0.75), (20, 0.65)]));
        assert!(at(&[(10, f64::NAN)]));
        assert!(!pruner.stops(&trial(9, TrialState::Running, &[(10, 0.1)]), &ended[..4]));
        let late = Pruner::Percentile {
            percentile: 50.0,
            startup_trials: 1,
            warmup_steps: 20,
        };
        assert!(!late.stops(&trial(9, TrialState::Running, &[(10, 0.1)]), &ended));
    }
}
