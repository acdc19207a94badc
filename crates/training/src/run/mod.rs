//! A run: network, optimiser, progress, and the order in which things are done. A step, validation and saving are
//! in files of their own.

mod budget;
mod cut;
mod diverged;
mod estimate;
mod plan;
mod save;
mod state;
mod step;
mod validation;

pub use save::{BEST_CHECKPOINT_FILE, CHECKPOINT_FILE, CONFIG_FILE};
pub use state::RunState;

use crate::average::WeightAverage;
use crate::callback::Watch;
use crate::compute::{GradientStrategy, SeveralDevices, SingleDevice, catch_device_panic};
use crate::config::bad;
use crate::log::Log;
use crate::setup::check_sampling;
use crate::{
    Error, Event, FitOptions, FitReport, Loader, LoaderOptions, PatchSampler, Result, RunProgress,
    Schedule, SkippedCase, TrainingConfig, TrainingData, ValidationOn, initial_weights, machine,
};
use burn::module::ParamId;
use burn::optim::ModuleOptimizer;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;
use vesalius_control::{Control, Stage};
use vesalius_networks::{Network, NetworkConfig};
use vesalius_tensor::Device;
use vesalius_volume::Warning;

pub(crate) struct Run<'a> {
    config: &'a TrainingConfig,
    data: &'a TrainingData,
    options: &'a FitOptions,
    watch: Watch<'a>,
    /// Within the stage `steps` once that is open.
    control: Control,
    network_config: NetworkConfig,
    network: Network,
    average: Option<WeightAverage>,
    optimizer: ModuleOptimizer,
    strategy: Arc<dyn GradientStrategy + Send + Sync>,
    frozen: HashSet<ParamId>,
    progress: RunProgress,
    plan: plan::Plan,
    log: Log,
    /// Warnings to report once the log is open.
    warnings: Vec<Warning>,
    told: Vec<Warning>,
    last_checkpoint: Instant,
}

impl<'a> Run<'a> {
    pub fn open(
        config: &'a TrainingConfig,
        data: &'a TrainingData,
        options: &'a FitOptions,
        observer: &'a mut dyn FnMut(&Event),
    ) -> Result<Self> {
        let plan = plan::Plan::new(config, data, options)?;
        config.precision.check_device(&options.device)?;
        let strategy = strategy(config, options)?;
        let device = options.device.clone().autodiff();
        let network_config = config
            .network
            .clone()
            .with_channels(data.channels.len(), data.labels.channels());
        check_patch(config, &network_config)?;
        let mut warnings = data.warnings.clone();
        warnings.extend(check_sampling(config, &*data.training, &data.labels)?);
        save::check_folder(options)?;
        let network = catch_device_panic(&device, || {
            Ok(network_config.init_seeded(&device, config.seed)?)
        })?;
        let mut run = Self {
            config,
            data,
            options,
            watch: Watch::new(observer, &options.callbacks),
            control: options.control.clone(),
            network_config,
            average: None,
            network,
            optimizer: config.optimizer.init()?,
            strategy,
            frozen: HashSet::new(),
            progress: RunProgress::default(),
            log: Log::closed(),
            plan,
            warnings,
            told: Vec::new(),
            last_checkpoint: Instant::now(),
        };
        run.begin()?;
        Ok(run)
    }

    /// Initial weights, or those of the checkpoint; then the folder, and the state at once, so that a run killed at
    /// any time can be resumed.
    fn begin(&mut self) -> Result<()> {
        let resumed = save::checkpoint_to_resume(self.options)?;
        if resumed.is_none()
            && let Some(start) = &self.config.start_from
        {
            let (network, mismatch) = initial_weights::start_from(self.network.clone(), start)?;
            self.network = network;
            if !mismatch.is_empty() {
                self.warnings.push(Warning::WeightsPartlyLoaded {
                    path: start.weights.clone(),
                    mismatch: mismatch.to_string(),
                });
            }
        }
        self.average = self
            .config
            .weight_average
            .map(|average| WeightAverage::new(&self.network, average));
        if let Some(checkpoint) = resumed {
            self.restore(checkpoint)?;
        }
        if let Some(start) = &self.config.start_from {
            self.frozen = initial_weights::frozen(&self.network, start)?;
            let network = self.network.clone();
            self.network = initial_weights::set_trained(network, &self.frozen, false);
        }
        self.plan.begin(&mut self.progress);
        self.prepare_folder()?;
        self.hook(|callback, run| callback.on_begin(run))
    }

    pub fn train(mut self, sampler: &PatchSampler) -> Result<FitReport> {
        let stage = self.control.stage("steps", self.progress.steps);
        self.control = stage.control().clone();
        self.tell_of_beginning()?;
        let losses = self.all_steps(sampler, &stage)?;
        if let Some(error) = self.watch.take_failure() {
            self.save()?;
            return Err(error);
        }
        match self.is_done() {
            true => self.tell_of_absent()?,
            false => self.tell(Event::Stopped {
                step: self.progress.step,
            })?,
        }
        let cancelled = !self.is_done() && self.control.is_cancelled();
        let report = self.finish(losses)?;
        match cancelled {
            true => Err(Error::Cancelled(Some(Box::new(report)))),
            false => Ok(report),
        }
    }

    fn tell_of_beginning(&mut self) -> Result<()> {
        self.tell(Event::Started {
            step: self.progress.step,
            training_cases: self.data.training.names().len(),
            validation_cases: self.data.validation.names().len(),
            parameters: self.network.parameter_count(),
        })?;
        for warning in std::mem::take(&mut self.warnings) {
            self.warn(warning)?;
        }
        self.note_skipped(self.data.training.broken())?;
        self.note_skipped(self.data.validation.broken())
    }

    /// Steps and validations until the run is complete or stopped on request; the loss of each step.
    fn all_steps(&mut self, sampler: &PatchSampler, stage: &Stage) -> Result<Vec<f32>> {
        stage.set(self.progress.step);
        let each = self.config.gradient_accumulation;
        let mut loader = Loader::start(
            sampler,
            LoaderOptions {
                batch_size: self.config.batch_size,
                first: self.progress.step * each as u64,
                end: self
                    .plan
                    .steps(&self.progress)
                    .map(|steps| steps * each as u64),
                ahead: self.config.cache.batches_ahead.max(each),
                workers: self.config.cache.workers(),
            },
        );
        let mut losses = Vec::new();
        if self.progress.validation_due || self.validation_is_asked_for() {
            self.validate(sampler)?;
        }
        self.plan.start();
        while self.goes_on() {
            let loss = self.one_step(&mut loader);
            losses.push(loss.map_err(|error| self.with_batch(error, sampler))?);
            self.note_skipped(sampler.skipped().list())?;
            stage.set_total(self.progress.steps);
            stage.set(self.progress.step);
            let asked = self.validation_is_asked_for();
            if self.validation_is_due() || asked {
                self.validate(sampler)?;
            }
            if self.goes_on() && self.checkpoint_is_due() {
                self.save()?;
            }
        }
        Ok(losses)
    }

    /// Whether there is a next step.
    fn goes_on(&self) -> bool {
        let ends = self.watch.ends() || self.control.is_cancelled();
        self.progress.goes_on() && !self.progress.validation_due && !ends
    }

    /// Whether nothing is left to do.
    fn is_done(&self) -> bool {
        !self.progress.goes_on() && !self.progress.validation_due
    }

    /// At the end, what patches were to be cut around and could not.
    fn tell_of_absent(&mut self) -> Result<()> {
        for (name, patches) in self.progress.absent.clone() {
            let of = self.progress.patches;
            self.warn(Warning::SampledElsewhere { name, patches, of })?;
        }
        Ok(())
    }

    /// Saves, and leaves a model behind.
    fn finish(mut self, losses: Vec<f32>) -> Result<FitReport> {
        self.save()?;
        if self.progress.best.is_none() {
            // Nothing was validated yet (or nothing is held out): the current weights are the model.
            self.write_model(None)?;
        }
        self.hook(|callback, run| callback.on_end(run))?;
        let of_volumes = self.config.validation.on == ValidationOn::Volumes;
        Ok(FitReport {
            seconds_per_case: self.plan.unit_seconds().filter(|_| of_volumes),
            finished: self.is_done(),
            skipped: self.progress.skipped.clone(),
            progress: self.progress,
            warnings: self.told,
            losses,
        })
    }

    /// Reports cases that were not known to be broken.
    fn note_skipped(&mut self, skipped: Vec<SkippedCase>) -> Result<()> {
        for skipped in skipped {
            let known = &mut self.progress.skipped;
            if known.iter().any(|known| known.case == skipped.case) {
                continue;
            }
            known.push(skipped.clone());
            let SkippedCase { case, reason } = skipped;
            self.tell(Event::CaseSkipped { case, reason })?;
        }
        Ok(())
    }

    fn warn(&mut self, warning: Warning) -> Result<()> {
        self.told.push(warning.clone());
        self.tell(Event::Warning { warning })
    }

    fn tell(&mut self, event: Event) -> Result<()> {
        self.log.write(&event)?;
        match &event {
            Event::Step { step, loss, .. } => {
                tracing::debug!(target: "vesalius", step, loss, "step");
            }
            Event::Warning { warning } => tracing::warn!(target: "vesalius", "{warning}"),
            event => tracing::info!(target: "vesalius", "{event:?}"),
        }
        let scheduled = self.scheduled_rate();
        self.watch.tell(&event, &mut self.progress, scheduled);
        Ok(())
    }

    /// The weights that are validated and kept.
    fn kept_network(&self) -> Network {
        use burn::module::Module;
        match &self.average {
            Some(average) => average.network().clone(),
            None => self.network.valid(),
        }
    }

    fn device(&self) -> &Device {
        &self.options.device
    }

    fn memory(&self) -> Option<u64> {
        machine::memory_of(self.device())
    }

    fn plateau(&self) -> Option<crate::Plateau> {
        match self.config.schedule {
            Schedule::Plateau(plateau) => Some(plateau),
            _ => None,
        }
    }
}

/// Checks that the network accepts the size of augmented patches. A size that depends on the case is checked by
/// the first step.
fn check_patch(config: &TrainingConfig, network: &NetworkConfig) -> Result<()> {
    if let Some(size) = config.network_patch() {
        let channels = network.architecture().in_channels();
        network.check_input(channels, size)?;
    }
    Ok(())
}

/// The strategy that computes gradients.
fn strategy(
    config: &TrainingConfig,
    options: &FitOptions,
) -> Result<Arc<dyn GradientStrategy + Send + Sync>> {
    match (&options.strategy, options.more_devices.len()) {
        (Some(strategy), 0) => return Ok(strategy.clone()),
        (Some(_), devices) => {
            return bad(
                "more_devices",
                format!("{devices} devices beside a strategy of the program's own"),
                "none, as the strategy chooses its devices itself",
            );
        }
        (None, 0) => return Ok(Arc::new(SingleDevice)),
        (None, _) => {}
    }
    let mut devices = vec![options.device.clone()];
    devices.extend(options.more_devices.iter().cloned());
    if !config.gradient_accumulation.is_multiple_of(devices.len()) {
        return bad(
            "gradient_accumulation",
            format!(
                "{} for {} devices",
                config.gradient_accumulation,
                devices.len()
            ),
            "a multiple of the number of devices, which share the batches of a step",
        );
    }
    for device in &devices {
        config.precision.check_device(device)?;
    }
    Ok(Arc::new(SeveralDevices { devices }))
}
