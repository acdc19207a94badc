//! When the held-out cases are scored, and what follows from it: the best weights, a lower rate, an end.

use super::Run;
use crate::compute::guarded;
use crate::validate::{scores_of, validate, validate_patches};
use crate::{Event, PatchSampler, Progress, Result, TrainingConfig, ValidationOn};

/// Moves the draws of validation patches away from those of training.
const VALIDATION_SEED: u64 = 0x5eed_0fa1;

impl Run<'_> {
    pub(super) fn validation_is_due(&self) -> bool {
        let (Some(steps), false) = (self.progress.steps, self.data.validation.names().is_empty())
        else {
            return false;
        };
        let times = self.config.validation.times.min(steps);
        let due = |step: u64| step * times / steps;
        due(self.progress.step) > due(self.progress.step - 1)
    }

    /// Whether a callback asked for a validation and there is something to validate on.
    pub(super) fn validation_is_asked_for(&mut self) -> bool {
        self.watch.take_validation() && !self.data.validation.names().is_empty()
    }

    /// Scores the held-out cases, unless the run is cancelled meanwhile: then they are scored when it goes on.
    pub(super) fn validate(&mut self, sampler: &PatchSampler) -> Result<()> {
        self.progress.validation_due = true;
        let scored = self.score(sampler);
        // One that a callback asked for meanwhile would follow without a step between.
        self.watch.take_validation();
        match scored {
            Err(error) if error.is_cancelled() => Ok(()),
            scored => scored,
        }
    }

    fn score(&mut self, sampler: &PatchSampler) -> Result<()> {
        let network = self.kept_network();
        let (config, data) = (self.config, self.data);
        let (device, control) = (self.device().clone(), self.control.clone());
        let scheduled = self.scheduled_rate();
        let scores = guarded(&device, || match config.validation.on {
            ValidationOn::Patches(patches) => {
                let held_out = TrainingConfig {
                    seed: config.seed ^ VALIDATION_SEED,
                    ..config.clone()
                };
                let mut sampler =
                    PatchSampler::new(data.validation.clone(), &held_out, &data.labels)?
                        .plain()?
                        .sharing(sampler);
                validate_patches(
                    &network,
                    &mut sampler,
                    patches,
                    config.batch_size,
                    &data.labels,
                    &device,
                    &control,
                )
            }
            ValidationOn::Volumes => {
                let cases = &*data.validation;
                let inferer = config.inferer_in_use();
                let (watch, progress) = (&mut self.watch, &mut self.progress);
                let found = validate(
                    &network,
                    cases,
                    &data.labels,
                    &inferer,
                    &device,
                    &control,
                    &mut |event| watch.tell(event, progress, scheduled),
                )?;
                Ok(scores_of(&found, &data.labels))
            }
        })?;
        self.progress.validation_due = false;
        let is_best = self
            .progress
            .take_dice(scores.dice, config.validation.smoothing());
        self.progress
            .take_gain(config.early_stopping, self.plateau());
        if is_best {
            self.write_model(Some(scores.dice))?;
        }
        let Progress { step, seconds, .. } = self.progress;
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
