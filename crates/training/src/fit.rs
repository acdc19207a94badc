//! The fit loop: batches in, a model folder and a checkpoint out; it can be stopped at any step and
//! goes on as if it had not been.

use crate::run::Run;
use crate::source::CaseSource;
use crate::{Duration, Event, PatchSampler, Progress, Result, TrainingConfig};
use burn::tensor::Device;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use vesalius_volume::LabelScheme;

/// What a run learns from.
#[derive(Debug, Clone)]
pub struct TrainingData {
    /// What the dataset is called.
    pub dataset: String,
    /// The name of each image channel.
    pub channels: Vec<String>,
    /// What the network's channels mean.
    pub labels: LabelScheme,
    /// Cases to train on, at least one.
    pub training: Arc<dyn CaseSource>,
    /// Cases held out; may be none.
    pub validation: Arc<dyn CaseSource>,
    /// What is not wrong with the dataset but should be known; told when a run begins.
    pub warnings: Vec<String>,
}

/// Where and for how long a run trains.
#[derive(Debug)]
pub struct FitOptions {
    /// The folder that becomes the model folder; also holds checkpoint, config and log.
    pub output: PathBuf,
    /// What computes.
    pub device: Device,
    /// Further devices that share the batches of a step with it (`gradient_accumulation` of them).
    pub more_devices: Vec<Device>,
    /// The length of the run; `None` takes the config's.
    pub duration: Option<Duration>,
    /// Go on from the checkpoint in `output`.
    pub resume: bool,
    /// Set from outside, the run saves and stops after the step at hand.
    pub stop: Arc<AtomicBool>,
}

impl Default for FitOptions {
    fn default() -> Self {
        Self {
            output: PathBuf::from("runs/model"),
            device: Device::flex(),
            more_devices: Vec::new(),
            duration: None,
            resume: false,
            stop: Arc::default(),
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub struct FitReport {
    /// Where it stands.
    pub progress: Progress,
    /// Whether all steps are done; if not, it was asked to stop and can be resumed.
    pub finished: bool,
    /// Cases that were left out because they could not be used, with reasons.
    pub skipped: Vec<(String, String)>,
    /// The loss of each step that this call did.
    pub losses: Vec<f32>,
}

/// Trains one model; `observer` hears of every event.
///
/// # Errors
/// A config or dataset that makes no sense, an output folder that cannot be written, a loss that
/// stops being a number, a checkpoint that belongs to another run.
pub fn fit(
    config: &TrainingConfig,
    data: &TrainingData,
    options: &FitOptions,
    observer: &mut dyn FnMut(&Event),
) -> Result<FitReport> {
    config.check()?;
    let run = Run::open(config, data, options, observer)?;
    run.train(&PatchSampler::new(data.training.clone(), config))
}
