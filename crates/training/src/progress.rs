//! The progress of a run: everything but weights that the next step depends on.

use crate::divergence::DivergenceMonitor;
use crate::loss_scale::LossScale;
use crate::{EarlyStopping, Plateau, SkippedCase};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The progress of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunProgress {
    /// Steps done.
    pub step: u64,
    /// Steps in all; unknown while a run of so many minutes warms up.
    pub steps: Option<u64>,
    /// The best validation so far.
    pub best: Option<Best>,
    /// Seconds spent on training, validation not counted.
    pub seconds: f64,
    /// Seconds of the run over all resumes, with everything: caches, steps, validations, what is written.
    #[serde(default)]
    pub elapsed: f64,
    /// Seconds of training in which steps waited for batches.
    pub waited: f64,
    /// Dice smoothed over validations.
    pub smoothed_dice: Option<f64>,
    /// Validations since the last gain.
    pub without_gain: u64,
    /// Whether the run ended before its time because validation gained nothing.
    pub stopped_early: bool,
    /// What [`crate::Schedule::Plateau`] has lowered the rate to, as a share, times what callbacks scaled it by.
    pub rate_factor: f64,
    /// The learning rate that a callback set in place of the schedule's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_rate: Option<f64>,
    /// The factor on the loss in half precision.
    pub loss_scale: LossScale,
    /// Statistics of the losses so far, from which a divergence is detected.
    pub health: DivergenceMonitor,
    /// Cases left out.
    pub skipped: Vec<SkippedCase>,
    /// Whether the run was stopped in the middle of a validation, which is then done again.
    #[serde(default)]
    pub validation_due: bool,
    /// Patches drawn so far.
    #[serde(default)]
    pub patches: u64,
    /// What the sampling prefers, and how many patches came from cases without it.
    #[serde(default)]
    pub absent: BTreeMap<String, u64>,
    highest: Option<f64>,
    since_lowered: u64,
}

/// The validation whose weights are kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Best {
    /// After this many steps.
    pub step: u64,
    /// Mean Dice over foreground labels.
    pub dice: f64,
    /// The same smoothed over validations, by which it was chosen.
    pub smoothed: f64,
}

impl Default for RunProgress {
    fn default() -> Self {
        Self {
            step: 0,
            steps: None,
            best: None,
            seconds: 0.0,
            elapsed: 0.0,
            waited: 0.0,
            smoothed_dice: None,
            without_gain: 0,
            stopped_early: false,
            rate_factor: 1.0,
            fixed_rate: None,
            loss_scale: LossScale::default(),
            health: DivergenceMonitor::default(),
            skipped: Vec::new(),
            validation_due: false,
            patches: 0,
            absent: BTreeMap::new(),
            highest: None,
            since_lowered: 0,
        }
    }
}

impl RunProgress {
    /// Whether there are steps left to do.
    pub fn goes_on(&self) -> bool {
        !self.stopped_early && self.steps.is_none_or(|steps| self.step < steps)
    }

    /// Whether the step just done is one of `times` in all, evenly spaced, after which the held-out cases are scored.
    pub(crate) fn validation_is_due(&self, times: u64) -> bool {
        let Some(steps) = self.steps.filter(|steps| *steps > 0) else {
            return false;
        };
        let times = u128::from(times.min(steps));
        let due = |step: u64| u128::from(step) * times / u128::from(steps);
        self.step > 0 && due(self.step) > due(self.step - 1)
    }

    /// The numbers that later steps depend on, to the bit: JSON's decimals may lose the last one.
    pub(crate) fn bits(&self) -> Vec<u64> {
        let mut copy = self.clone();
        copy.numbers().into_iter().map(|n| n.to_bits()).collect()
    }

    /// The same progress with the numbers of [`RunProgress::bits`].
    pub(crate) fn with_bits(mut self, bits: &[u64]) -> Self {
        for (number, bits) in self.numbers().into_iter().zip(bits) {
            *number = f64::from_bits(*bits);
        }
        self
    }

    fn numbers(&mut self) -> Vec<&mut f64> {
        let best = self.best.as_mut();
        let mut numbers = vec![&mut self.rate_factor, &mut self.seconds, &mut self.waited];
        numbers.extend(self.health.numbers());
        numbers.extend(
            best.into_iter()
                .flat_map(|b| [&mut b.dice, &mut b.smoothed]),
        );
        numbers.extend(self.smoothed_dice.as_mut());
        numbers.extend(self.highest.as_mut());
        numbers.extend(self.fixed_rate.as_mut());
        numbers
    }

    /// Takes a validation's Dice; returns whether its weights are the best so far.
    pub(crate) fn take_dice(&mut self, dice: f64, smoothing: f64) -> bool {
        let smoothed = match self.smoothed_dice {
            None => dice,
            Some(before) => before + (1.0 - smoothing) * (dice - before),
        };
        self.smoothed_dice = Some(smoothed);
        // Of equals the later one, which has seen more.
        let is_best = self.best.is_none_or(|best| smoothed >= best.smoothed);
        if is_best {
            self.best = Some(Best {
                step: self.step,
                dice,
                smoothed,
            });
        }
        is_best
    }

    /// Learns from the smoothed Dice whether to lower the rate and whether to end.
    pub(crate) fn take_gain(&mut self, stopping: Option<EarlyStopping>, plateau: Option<Plateau>) {
        let Some(dice) = self.smoothed_dice else {
            return;
        };
        let needed = stopping.map_or(0.0, |stopping| stopping.minimum_gain);
        if self.highest.is_none_or(|highest| dice > highest + needed) {
            self.highest = Some(dice);
            self.without_gain = 0;
            self.since_lowered = 0;
            return;
        }
        self.without_gain += 1;
        self.since_lowered += 1;
        if let Some(plateau) = plateau.filter(|plateau| self.since_lowered > plateau.patience) {
            self.rate_factor *= plateau.factor;
            self.since_lowered = 0;
        }
        self.stopped_early = stopping.is_some_and(|s| self.without_gain >= s.patience);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_is_chosen_by_smoothed_dice() {
        let mut progress = RunProgress::default();
        assert!(progress.take_dice(0.5, 0.9));
        progress.step = 10;
        assert!(progress.take_dice(0.9, 0.9));
        let best = progress.best.unwrap();
        assert!((best.smoothed - 0.54).abs() < 1e-12 && best.dice == 0.9 && best.step == 10);
        assert!(!progress.take_dice(0.1, 0.9));
        assert_eq!(progress.best.unwrap().step, 10);
    }

    #[test]
    fn numbers_survive_json_to_the_bit() {
        let mut progress = RunProgress::default();
        for step in 1..200 {
            progress.step = step;
            progress.take_dice(1.0 / (step as f64 + 0.1), 0.3);
            progress.take_gain(None, None);
            progress.seconds += 1.0 / step as f64;
            let text = serde_json::to_string(&progress).unwrap();
            let read: RunProgress = serde_json::from_str(&text).unwrap();
            assert_eq!(read.with_bits(&progress.bits()), progress);
        }
    }

    #[test]
    fn a_plateau_lowers_the_rate_and_then_ends_the_run() {
        let stopping = EarlyStopping {
            patience: 5,
            minimum_gain: 0.01,
        };
        let plateau = Plateau {
            factor: 0.5,
            patience: 1,
        };
        let mut progress = RunProgress::default();
        let mut rates = Vec::new();
        for dice in [0.5, 0.505, 0.6, 0.6, 0.601, 0.59, 0.6, 0.6] {
            progress.take_dice(dice, 0.0);
            progress.take_gain(Some(stopping), Some(plateau));
            rates.push(progress.rate_factor);
        }
        assert_eq!(rates, [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.25, 0.25]);
        assert!(progress.stopped_early && !progress.goes_on());
    }

    #[test]
    fn cases_left_out_are_written_as_lists_of_two_texts() {
        let progress = RunProgress {
            skipped: vec![SkippedCase::new("a", "is gone")],
            ..RunProgress::default()
        };
        let written = serde_json::to_value(&progress).unwrap();
        assert_eq!(written["skipped"], serde_json::json!([["a", "is gone"]]));
        assert_eq!(
            serde_json::from_value::<RunProgress>(written).unwrap(),
            progress
        );
    }
}
