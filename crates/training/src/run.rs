//! A run under way: network, optimiser, where it stands, and the files it keeps.

use crate::checkpoint::Best;
use crate::log::Log;
use crate::validate::validate;
use crate::{
    Batch, Checkpoint, Duration, Error, Event, FitOptions, FitReport, Loader, OptimizerConfig,
    PatchSampler, Progress, Result, TrainingConfig, TrainingData,
};
use burn::module::Module;
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::store::ModuleRecord;
use burn::tensor::{Bytes, Device};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Instant;
use vesalius_inferers::{AxisOrder, ModelDescription, Provenance, weights_path};
use vesalius_networks::{Network, NetworkConfig};
use vesalius_tensor::{Logits, tensor_from_values};

/// The checkpoint's file name in the output folder.
pub const CHECKPOINT_FILE: &str = "checkpoint.bin";
/// The config's file name in the output folder.
pub const CONFIG_FILE: &str = "training.yaml";

/// Steps after which minutes become a number of steps; the first ones, which find caches cold, do not count.
const WARM_UP_STEPS: u64 = 12;
const COLD_STEPS: usize = 2;
/// A killed run loses at most this much.
const SECONDS_BETWEEN_CHECKPOINTS: f64 = 60.0;
/// Batches made ahead of the step that needs them.
const BATCHES_AHEAD: usize = 4;

pub(crate) struct Run<'a> {
    config: &'a TrainingConfig,
    data: &'a TrainingData,
    options: &'a FitOptions,
    observer: &'a mut dyn FnMut(&Event),
    device: Device,
    network_config: NetworkConfig,
    network: Network,
    optimizer: ModuleOptimizer,
    progress: Progress,
    duration: Duration,
    log: Log,
    warm_up: Vec<f64>,
    last_checkpoint: Instant,
}

impl<'a> Run<'a> {
    pub fn open(
        config: &'a TrainingConfig,
        data: &'a TrainingData,
        options: &'a FitOptions,
        observer: &'a mut dyn FnMut(&Event),
    ) -> Result<Self> {
        let duration = options.duration.or(config.duration).ok_or(Error::BadValue {
            key: "duration",
            found: "not set".to_owned(),
            expected: "`duration: {steps: N}` or `{minutes: M}` in the config, or `--steps`, `--minutes`",
        })?;
        if data.training.is_empty() {
            return Err(Error::BadValue {
                key: "dataset",
                found: "no training case".to_owned(),
                expected: "at least one",
            });
        }
        prepare_folder(options)?;
        let device = options.device.clone().autodiff();
        let network_config = config
            .network
            .clone()
            .with_channels(data.channels.len(), data.labels.channels());
        let mut network = network_config.init_seeded(&device, config.seed)?;
        let mut optimizer = optimizer(&config.optimizer);
        let mut progress = Progress::default();
        if options.resume {
            let path = options.output.join(CHECKPOINT_FILE);
            let checkpoint = Checkpoint::read(&path)?;
            checkpoint.check_same_run(&path, config, &data.case_names())?;
            let broken = |e: &dyn std::fmt::Display| Error::Checkpoint {
                path: path.clone(),
                reason: e.to_string(),
            };
            let record = ModuleRecord::from_bytes(Bytes::from_bytes_vec(checkpoint.network))
                .map_err(|e| broken(&e))?;
            network = network.try_load_record(record).map_err(|e| broken(&e))?;
            optimizer = optimizer
                .from_bytes(Bytes::from_bytes_vec(checkpoint.optimizer))
                .map_err(|e| broken(&e))?;
            progress = checkpoint.progress;
        }
        match duration {
            Duration::Steps(steps) => progress.steps = Some(steps),
            Duration::Minutes(_) => {}
        }
        let text = serde_saphyr::to_string(config).map_err(|e| Error::Device(e.to_string()))?;
        vesalius_io::write_bytes_atomically(options.output.join(CONFIG_FILE), text.as_bytes())?;
        let log = Log::open(&options.output, progress.step)?;
        Ok(Self {
            config,
            data,
            options,
            observer,
            device,
            network_config,
            network,
            optimizer,
            progress,
            duration,
            log,
            warm_up: Vec::new(),
            last_checkpoint: Instant::now(),
        })
    }

    pub fn train(mut self, sampler: PatchSampler) -> Result<FitReport> {
        self.tell(Event::Started {
            step: self.progress.step,
            training_cases: self.data.training.len(),
            validation_cases: self.data.validation.len(),
            parameters: self.network.parameter_count(),
        })?;
        let mut losses = Vec::new();
        let mut loader = Loader::start(
            sampler,
            self.config.batch_size,
            self.progress.step,
            BATCHES_AHEAD,
        );
        while self
            .progress
            .steps
            .is_none_or(|steps| self.progress.step < steps)
        {
            let started = Instant::now();
            let batch = loader.next_batch()?;
            let rate = self.learning_rate();
            let loss = self.step(batch, rate)?;
            self.progress.step += 1;
            if !loss.is_finite() {
                return Err(Error::Diverged {
                    step: self.progress.step,
                    loss,
                });
            }
            losses.push(loss);
            let seconds = started.elapsed().as_secs_f64();
            self.progress.seconds += seconds;
            self.plan(seconds)?;
            let Progress {
                step,
                steps,
                seconds,
                ..
            } = self.progress;
            self.tell(Event::Step {
                step,
                steps,
                loss,
                learning_rate: rate,
                seconds,
            })?;
            if self.validation_is_due() {
                self.validate()?;
            }
            if self.options.stop.load(Ordering::Relaxed) && Some(step) != steps {
                self.tell(Event::Stopped { step })?;
                break;
            }
            if self.last_checkpoint.elapsed().as_secs_f64() > SECONDS_BETWEEN_CHECKPOINTS {
                self.save()?;
            }
        }
        self.save()?;
        if self.progress.best.is_none() {
            // Nothing was validated yet (or nothing is held out): the weights at hand are the model.
            self.write_model(None)?;
        }
        let finished = Some(self.progress.step) == self.progress.steps;
        Ok(FitReport {
            progress: self.progress,
            finished,
            losses,
        })
    }

    /// One optimiser step; returns the loss before it.
    fn step(&mut self, batch: Batch, rate: f64) -> Result<f32> {
        let [n, c, z, y, x] = batch.shape;
        let images = tensor_from_values(batch.images, n, c, [x, y, z], &self.device)?;
        let labels = burn::tensor::Tensor::from_data(
            burn::tensor::TensorData::new(batch.labels, [n, 1, z, y, x]),
            &self.device,
        );
        self.network.set_step(self.progress.step);
        let outputs = self.network.try_forward(images)?;
        let outputs: Vec<Logits> = outputs
            .into_iter()
            .map(|output| Logits::new(output, &self.data.labels))
            .collect::<std::result::Result<_, _>>()?;
        let loss = self
            .config
            .deep_supervision
            .forward(&self.config.loss, &outputs, &labels)?;
        let value = loss.clone().into_scalar::<f32>();
        let gradients = GradientsParams::from_grads(loss.backward(), &self.network);
        self.network = self.optimizer.step(rate, self.network.clone(), gradients);
        Ok(value)
    }

    fn learning_rate(&self) -> f64 {
        let OptimizerConfig::AdamW(adam) = self.config.optimizer;
        self.config
            .schedule
            .rate(adam.learning_rate, self.progress.step, self.progress.steps)
    }

    /// Turns minutes into steps once the warm-up has shown how long a step takes.
    fn plan(&mut self, step_seconds: f64) -> Result<()> {
        let (Duration::Minutes(minutes), None) = (self.duration, self.progress.steps) else {
            return Ok(());
        };
        self.warm_up.push(step_seconds);
        if self.progress.step < WARM_UP_STEPS && self.progress.seconds < minutes * 60.0 {
            return Ok(());
        }
        let mut times = self
            .warm_up
            .get(COLD_STEPS..)
            .filter(|t| !t.is_empty())
            .unwrap_or(&self.warm_up)
            .to_vec();
        times.sort_by(f64::total_cmp);
        let seconds_per_step = times[times.len() / 2];
        let left = (minutes * 60.0 - self.progress.seconds).max(0.0);
        let steps = self.progress.step + (left / seconds_per_step) as u64;
        self.progress.steps = Some(steps);
        self.tell(Event::Planned {
            steps,
            seconds_per_step,
        })
    }

    fn validation_is_due(&self) -> bool {
        let (Some(steps), false) = (self.progress.steps, self.data.validation.is_empty()) else {
            return false;
        };
        let times = self.config.validation.times.min(steps);
        let due = |step: u64| step * times / steps;
        due(self.progress.step) > due(self.progress.step - 1)
    }

    fn validate(&mut self) -> Result<()> {
        let network = self.network.valid();
        let (config, data) = (self.config, self.data);
        let device = &self.options.device;
        let evaluation = validate(
            &network,
            &data.validation,
            &data.labels,
            &config.inferer(),
            device,
            self.observer,
        )?;
        let dice = evaluation.mean("dice").unwrap_or(0.0);
        let labels = data
            .labels
            .foreground()
            .iter()
            .zip(evaluation.targets().map(|t| t.list()).unwrap_or_default())
            .map(|((name, _), target)| {
                let mean = evaluation
                    .summary(&target.key, "dice")
                    .and_then(|summary| summary.mean);
                ((*name).to_owned(), mean.unwrap_or(0.0))
            })
            .collect();
        let Progress {
            step,
            seconds,
            best,
            ..
        } = self.progress;
        let is_best = best.is_none_or(|best| dice >= best.dice);
        if is_best {
            self.progress.best = Some(Best { step, dice });
            self.write_model(Some(dice))?;
        }
        self.tell(Event::Validated {
            step,
            dice,
            labels,
            best: is_best,
            seconds,
        })?;
        self.save()
    }

    /// Writes checkpoint: everything that the run needs to go on.
    fn save(&mut self) -> Result<()> {
        let path = self.options.output.join(CHECKPOINT_FILE);
        let broken = |e: &dyn std::fmt::Display| Error::Checkpoint {
            path: path.clone(),
            reason: e.to_string(),
        };
        let checkpoint = Checkpoint {
            config: self.config.clone(),
            cases: self.data.case_names(),
            progress: self.progress.clone(),
            network: self
                .network
                .clone()
                .into_record()
                .into_bytes()
                .map_err(|e| broken(&e))?
                .to_vec(),
            optimizer: self
                .optimizer
                .into_bytes()
                .map_err(|e| broken(&e))?
                .to_vec(),
        };
        self.last_checkpoint = Instant::now();
        checkpoint.write(&path)
    }

    /// Writes the model folder with the weights at hand.
    fn write_model(&self, dice: Option<f64>) -> Result<()> {
        let fold = (!self.data.validation.is_empty()).then_some(self.config.validation.fold);
        let member = fold.map_or("all".to_owned(), |fold| format!("fold_{fold}"));
        let weights: PathBuf = weights_path(&self.options.output, &member);
        if let Some(folder) = weights.parent() {
            std::fs::create_dir_all(folder).map_err(|e| Error::Output {
                path: folder.to_path_buf(),
                reason: format!("cannot be made: {e}"),
            })?;
        }
        vesalius_io::write_bytes_atomically(&weights, &self.network.weights().to_safetensors()?)?;
        let model = ModelDescription {
            channels: self.data.channels.clone(),
            labels: self.data.labels.clone(),
            preprocessing: self.config.preprocessing.clone(),
            nnunet: None,
            previous_stage: None,
            network: self.network_config.clone(),
            axis_order: AxisOrder::Zyx,
            inferer: self.config.inferer(),
            mirror_axes: Vec::new(),
            postprocessing: Vec::new(),
            members: vec![member],
            provenance: Provenance {
                made_by: concat!("vesalius ", env!("CARGO_PKG_VERSION")).to_owned(),
                name: self.config.name.clone(),
                dataset: self.data.dataset.clone(),
                steps: self.progress.step,
                validation_dice: dice,
                validation_fold: fold,
            },
        };
        Ok(model.write(&self.options.output)?)
    }

    fn tell(&mut self, event: Event) -> Result<()> {
        self.log.write(&event)?;
        (self.observer)(&event);
        Ok(())
    }
}

fn optimizer(config: &OptimizerConfig) -> ModuleOptimizer {
    let OptimizerConfig::AdamW(adam) = config;
    AdamWConfig::new()
        .with_beta_1(adam.betas[0] as f32)
        .with_beta_2(adam.betas[1] as f32)
        .with_epsilon(1e-8)
        .with_weight_decay(adam.weight_decay as f32)
        .init()
}

/// Makes the output folder, and refuses to write a new run over an old one.
fn prepare_folder(options: &FitOptions) -> Result<()> {
    let folder = &options.output;
    std::fs::create_dir_all(folder).map_err(|e| Error::Output {
        path: folder.clone(),
        reason: format!("cannot be made ({e}); choose an `--output` that can be written"),
    })?;
    if !options.resume && folder.join(CHECKPOINT_FILE).exists() {
        return Err(Error::Output {
            path: folder.clone(),
            reason: "already holds a run; go on with `--resume`, or choose another `--output`"
                .to_owned(),
        });
    }
    Ok(())
}
