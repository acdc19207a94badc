//! When the held-out cases are scored, and what follows from it: the best weights, a lower rate, an end.

use super::Run;
use crate::compute::guarded;
use crate::validate::{scores_of, segment, validate, validate_patches};
use crate::{Event, PatchSampler, Progress, Result, TrainingConfig, ValidationOn};
use vesalius_networks::Network;
use vesalius_view::{Picture, Scene, ThreePlanes, label_names};

/// Pixels of the longest side of a slice in pictures of predictions.
const TILE: usize = 160;
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
        self.show_prediction(&network)?;
        if self.progress.stopped_early {
            let validations = self.progress.without_gain;
            self.tell(Event::StoppedEarly { step, validations })?;
        }
        self.save()?;
        if is_best {
            self.keep_best_checkpoint()?;
        }
        self.write_report(false)
    }

    /// The first held-out case with what the network finds in it, into the log.
    fn show_prediction(&mut self, network: &Network) -> Result<()> {
        let Some(name) = self.data.validation.names().first().cloned() else {
            return Ok(());
        };
        if let Some(picture) = self.picture_of(network, &name)? {
            self.log
                .picture(self.progress.step, &format!("prediction/{name}"), &picture)?;
        }
        Ok(())
    }

    /// A held-out case in three planes, reference above prediction; nothing for one that is broken
    /// or whose grid was changed so that it cannot be laid over its file's labels.
    pub(super) fn picture_of(&self, network: &Network, name: &str) -> Result<Option<Picture>> {
        let cases = &self.data.validation;
        let index = cases.names().iter().position(|other| other == name);
        let Some(Ok(lent)) = index.map(|index| cases.lend(index)) else {
            return Ok(None);
        };
        let mut case = (*lent.whole()?).clone();
        // Drawn on the grid that the network saw: image, labels and prediction are all there.
        case.original_labels = None;
        case.coverage = None;
        let device = self.device().clone();
        let labels = &self.data.labels;
        let prediction = guarded(&device, || {
            let inferer = self.config.inferer_in_use();
            segment(network, &case, labels, &inferer, &device, &self.control)
        });
        let prediction = match prediction {
            Err(error) if error.is_cancelled() => return Ok(None),
            found => found?,
        };
        let scene = Scene {
            reference: case.subject.labels(),
            prediction: Some(&prediction),
            names: label_names(labels),
            ..Scene::of(case.subject.image())
        };
        let planes = ThreePlanes {
            tile: TILE,
            title: name.to_owned(),
            ..ThreePlanes::default()
        };
        Ok(Some(planes.draw(&scene)?))
    }
}
