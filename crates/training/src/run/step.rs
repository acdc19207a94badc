//! One step of a run: batches in, gradients, clipping, new weights, the event.

use super::Run;
use crate::compute::{Objective, catch_device_panic};
use crate::config::bad;
use crate::gradients::{clip_factor, global_norm, scaled};
use crate::{Batch, Error, Event, Loader, Result, RunProgress, initial_weights};
use std::time::Instant;

/// What one step did.
struct Done {
    loss: f32,
    norm: f64,
    cases: Vec<String>,
}

impl Run<'_> {
    /// Does a step and reports it; returns its loss.
    pub(super) fn one_step(&mut self, loader: &mut Loader) -> Result<f32> {
        self.unfreeze_when_due();
        let started = Instant::now();
        let batches = (0..self.config.gradient_accumulation)
            .map(|_| loader.next_batch())
            .collect::<Result<Vec<Batch>>>();
        let batches = match batches {
            Ok(batches) => batches,
            // The network is fine, so its weights are saved. Where that fails, the last checkpoint remains, and the error
            // to report is that of the case.
            Err(error) => {
                let _ = self.save();
                return Err(error);
            }
        };
        self.count_absent(&batches);
        let waited = loader.take_waited().as_secs_f64();
        let rate = self.learning_rate()?;
        let device = self.device().clone();
        let done = catch_device_panic(&device, || self.optimise(batches, rate))?;
        self.progress.step += 1;
        let step = self.progress.step;
        self.progress.health.watch(step, done.loss, &done.cases)?;
        if let Some(average) = &mut self.average {
            average.update(&self.network, step);
        }
        let seconds = started.elapsed().as_secs_f64();
        self.progress.seconds += seconds;
        self.progress.waited += waited;
        self.plan_steps()?;
        let RunProgress {
            steps,
            seconds,
            waited,
            ..
        } = self.progress;
        self.tell(Event::Step {
            step,
            steps,
            loss: done.loss,
            learning_rate: rate,
            gradient_norm: done.norm,
            patches: self.config.patches_per_step(),
            seconds,
            waited,
            memory: self.memory(),
        })?;
        Ok(done.loss)
    }

    fn optimise(&mut self, batches: Vec<Batch>, rate: f64) -> Result<Done> {
        let mut cases: Vec<String> = batches.iter().flat_map(|b| b.cases.clone()).collect();
        cases.dedup();
        self.network.set_step(self.progress.step);
        let config = self.config;
        let loss_scale = self.progress.loss_scale.value(config.precision);
        let objective = Objective {
            labels: &self.data.labels,
            loss: &config.loss,
            deep_supervision: &config.deep_supervision,
            precision: config.precision,
            loss_scale,
        };
        let found = self
            .strategy
            .gradients(&self.network, batches, &objective)?;
        let norm = global_norm(&self.network, &found.gradients)? / loss_scale;
        let done = Done {
            loss: found.loss,
            norm,
            cases,
        };
        if loss_scale != 1.0 {
            match norm.is_finite() {
                true => self.progress.loss_scale.succeeded(),
                false => self.progress.loss_scale.overflowed(),
            }
            if self.progress.loss_scale.is_hopeless() {
                return Err(self.not_a_number(&done));
            }
        } else if !norm.is_finite() {
            return Err(self.not_a_number(&done));
        }
        // With a loss scale, such a step only means that the scale was too large.
        if norm.is_finite() {
            let factor = clip_factor(norm, config.clip_norm) / loss_scale;
            let gradients = scaled(&self.network, found.gradients, factor);
            self.network = self.optimizer.step(rate, self.network.clone(), gradients);
        }
        Ok(done)
    }

    /// A step whose gradients are no numbers, though its loss may be one.
    fn not_a_number(&self, done: &Done) -> Error {
        Error::Diverged {
            step: self.progress.step + 1,
            loss: if done.loss.is_finite() {
                f32::NAN
            } else {
                done.loss
            },
            smoothed: None,
            cases: done.cases.join(", "),
            batch: None,
            layer: None,
        }
    }

    /// Counts the patches whose cases lack what the sampling prefers.
    fn count_absent(&mut self, batches: &[Batch]) {
        for batch in batches {
            self.progress.patches += batch.shape[0] as u64;
            for name in &batch.absent {
                *self.progress.absent.entry(name.clone()).or_default() += 1;
            }
        }
    }

    fn learning_rate(&self) -> Result<f64> {
        let scheduled = self.scheduled_rate() * self.progress.rate_factor;
        let rate = self.progress.fixed_rate.unwrap_or(scheduled);
        match rate.is_finite() && rate >= 0.0 {
            true => Ok(rate),
            false => bad("the learning rate", rate, "a number that is not negative"),
        }
    }

    /// What schedule and warm-up give for the next step.
    pub(super) fn scheduled_rate(&self) -> f64 {
        let RunProgress { step, steps, .. } = self.progress;
        let highest = self.config.optimizer.learning_rate();
        self.config.schedule.rate(highest, step, steps) * self.config.warm_up.factor(step)
    }

    /// Trains frozen parameters as well from the step on that the config names.
    fn unfreeze_when_due(&mut self) {
        let until = self.config.start_from.as_ref().and_then(|s| s.freeze_steps);
        if !self.frozen.is_empty() && until.is_some_and(|until| self.progress.step >= until) {
            self.network = initial_weights::set_trained(self.network.clone(), &self.frozen, true);
            self.frozen.clear();
        }
    }
}
