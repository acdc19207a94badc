//! When the held-out cases are scored, and what follows from it: the best weights, a lower rate, an end.

use super::Run;
use crate::compute::catch_device_panic;
use crate::validate::{Scores, Validation, scores_of};
use crate::validate_patches::HeldOutPatches;
use crate::{Event, PatchSampler, Result, RunProgress, TrainingConfig, ValidationOn};
use std::time::Instant;
use vesalius_metrics::Evaluation;
use vesalius_networks::Network;
use vesalius_volume::Warning;

/// Moves the draws of validation patches away from those of training.
const VALIDATION_SEED: u64 = 0x5eed_0fa1;

impl Run<'_> {
    pub(super) fn validation_is_due(&self) -> bool {
        self.progress.validation_is_due(self.plan.times())
    }

    /// Whether a callback requested a validation and there are held-out cases.
    pub(super) fn validation_is_asked_for(&mut self) -> bool {
        self.watch.take_validation() && !self.data.validation.names().is_empty()
    }

    /// Scores the held-out cases, unless the run is cancelled meanwhile: then they are scored when it is resumed.
    pub(super) fn validate(&mut self, sampler: &PatchSampler) -> Result<()> {
        self.progress.validation_due = true;
        let scored = self.score(sampler);
        // A validation that a callback requested meanwhile would follow without a step between.
        self.watch.take_validation();
        match scored {
            Err(error) if error.is_cancelled() => Ok(()),
            scored => scored,
        }
    }

    fn score(&mut self, sampler: &PatchSampler) -> Result<()> {
        let began = Instant::now();
        let network = self.kept_network();
        let device = self.device().clone();
        let (scores, done, of) = catch_device_panic(&device, || match self.config.validation.on {
            ValidationOn::Patches(patches) => self.score_patches(&network, sampler, patches),
            ValidationOn::Volumes => self.score_volumes(&network),
        })?;
        self.plan
            .take_validation(done, began.elapsed().as_secs_f64());
        self.progress.validation_due = false;
        if done < of {
            self.warn(Warning::ValidationCutOff { done, of })?;
        }
        match scores {
            Some(scores) => self.take_scores(scores),
            None => self.save(),
        }
    }

    /// Scores of patches, how many were scored, and of how many; no scores where there was no time for one.
    fn score_patches(
        &mut self,
        network: &Network,
        sampler: &PatchSampler,
        patches: u64,
    ) -> Result<(Option<Scores>, usize, usize)> {
        let (config, data) = (self.config, self.data);
        let held_out = TrainingConfig {
            seed: config.seed ^ VALIDATION_SEED,
            ..config.clone()
        };
        let mut sampler = PatchSampler::new(data.validation.clone(), &held_out, &data.labels)?
            .plain()?
            .sharing(sampler);
        let patches = self.plan.cut().map_or(patches, |cut| cut.units as u64);
        let found = HeldOutPatches {
            network,
            sampler: &mut sampler,
            patches,
            batch_size: config.batch_size,
            scheme: &data.labels,
            device: self.device(),
            control: &self.control,
            ends: self.plan.validation_ends(),
        };
        let (scores, done) = found.score()?;
        Ok((
            (done > 0).then_some(scores),
            done as usize,
            patches as usize,
        ))
    }

    /// Scores of whole cases, as [`Run::score_patches`].
    fn score_volumes(&mut self, network: &Network) -> Result<(Option<Scores>, usize, usize)> {
        let (config, data) = (self.config, self.data);
        let (device, control) = (self.device().clone(), self.control.clone());
        let scheduled = self.scheduled_rate();
        let mut inferer = config.inferer_in_use();
        let mut which: Vec<usize> = (0..data.validation.names().len()).collect();
        if let Some(cut) = self.plan.cut() {
            which = spread(which.len(), cut.units);
            if cut.coarse {
                inferer = inferer.without_overlap();
            }
        }
        let validation = Validation {
            network,
            cases: &*data.validation,
            scheme: &data.labels,
            inferer: &inferer,
            device: &device,
            control: &control,
            ends: self.plan.validation_ends(),
        };
        let (watch, progress) = (&mut self.watch, &mut self.progress);
        let mut done = 0;
        let found = validation.run(&which, &mut |event| {
            done += 1;
            watch.tell(event, progress, scheduled);
        })?;
        let ended = done < which.len();
        if found.is_empty() && ended {
            return Ok((None, 0, which.len()));
        }
        let scores = scores_of(&Evaluation::new(found)?, &data.labels);
        Ok((Some(scores), done, which.len()))
    }

    /// Takes what a validation found: the best weights, a lower rate, an end.
    fn take_scores(&mut self, scores: Scores) -> Result<()> {
        let config = self.config;
        let is_best = self
            .progress
            .take_dice(scores.dice, config.validation.smoothing());
        self.progress
            .take_gain(config.early_stopping, self.plateau());
        if is_best {
            self.write_model(Some(scores.dice))?;
        }
        let RunProgress { step, seconds, .. } = self.progress;
        self.tell(Event::Validated {
            step,
            dice: scores.dice,
            smoothed: self.progress.smoothed_dice.unwrap_or(scores.dice),
            labels: scores.labels,
            cases: scores.cases,
            best: is_best,
            seconds,
        })?;
        if self.progress.stopped_early {
            let validations = self.progress.without_gain;
            self.tell(Event::StoppedEarly { step, validations })?;
        }
        self.save()?;
        if is_best {
            self.keep_best_checkpoint()?;
        }
        self.hook(|callback, run| callback.on_validated(run))
    }
}

/// `count` of `all` numbers from 0, evenly spaced.
pub(super) fn spread(all: usize, count: usize) -> Vec<usize> {
    let count = count.min(all);
    (0..count).map(|at| at * all / count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_of_all_are_spread_over_them() {
        assert_eq!(spread(5, 5), [0, 1, 2, 3, 4]);
        assert_eq!(spread(5, 9), [0, 1, 2, 3, 4]);
        assert_eq!(spread(10, 3), [0, 3, 6]);
        assert_eq!(spread(3, 0), [0usize; 0]);
    }
}
