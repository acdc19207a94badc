//! One model from a config file and a dataset: what `vesalius train` and a training job do.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use vesalius_io::FolderLock;
use vesalius_tensor::{Device, parse_device};
use vesalius_training::{
    Duration, Event, FitOptions, FitReport, TrainingConfig, fit, load_dataset_cached,
};

/// Why a model was not trained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No device is named.
    #[error("no device is named; give one of cpu, cuda[:n], wgpu[:n] or vulkan[:n]")]
    NoDevice,
    /// The folder is written by another process, or cannot be made.
    #[error("{0}")]
    Io(#[from] vesalius_io::Error),
    /// A device that is absent.
    #[error("{0}")]
    Tensor(#[from] vesalius_tensor::Error),
    /// The config, the dataset or the run.
    #[error("{0}")]
    Training(#[from] vesalius_training::Error),
}

/// What is trained, on what, and where the result goes.
#[derive(Debug, Clone)]
pub struct TrainOptions {
    /// The training config, a YAML file.
    pub config: PathBuf,
    /// The dataset: a folder with a dataset.json, or that file.
    pub data: PathBuf,
    /// The model folder; `runs/NAME` where it is `None`, NAME being the config's.
    pub output: Option<PathBuf>,
    /// What computes: `cpu`, `cuda[:n]`, `wgpu[:n]` or `vulkan[:n]`; several share the batches of a step.
    pub devices: Vec<String>,
    /// How long, in place of what the config says.
    pub duration: Option<Duration>,
    /// The folder of preprocessed cases, in place of the config's.
    pub cache: Option<PathBuf>,
    /// Whether training goes on from the checkpoint in the folder.
    pub resume: bool,
    /// Set from outside, training stops; what is done is saved.
    pub stop: Arc<AtomicBool>,
}

impl TrainOptions {
    /// A config on a dataset, on the CPU, into `runs/NAME`.
    pub fn new(config: impl Into<PathBuf>, data: impl Into<PathBuf>) -> Self {
        Self {
            config: config.into(),
            data: data.into(),
            output: None,
            devices: vec!["cpu".to_owned()],
            duration: None,
            cache: None,
            resume: false,
            stop: Arc::default(),
        }
    }
}

/// What training says while it runs.
#[derive(Debug)]
pub enum Progress<'a> {
    /// The dataset is being read.
    ReadingDataset(&'a Path),
    /// Something happened in the run.
    Run(&'a Event),
}

/// What came of a training.
#[derive(Debug)]
pub struct Trained {
    /// The model folder.
    pub output: PathBuf,
    /// The fold that was held out.
    pub fold: usize,
    /// How the run ended.
    pub report: FitReport,
}

/// Trains a model. The folder is held alone while it runs.
///
/// # Errors
/// [`Error`]: a config, dataset or device that cannot be used, a folder that another process writes. A run that
/// was stopped is no error; its report is not `finished`.
pub fn train_model(
    options: &TrainOptions,
    observer: &mut dyn FnMut(&Progress),
) -> Result<Trained, Error> {
    let mut config = TrainingConfig::read(&options.config)?;
    if let Some(folder) = &options.cache {
        config.cache.folder = Some(folder.clone());
    }
    let (device, more_devices) = devices(&options.devices)?;
    config.precision.check_device(&device)?;
    let output = options.output.clone();
    let output = output.unwrap_or_else(|| PathBuf::from("runs").join(&config.name));
    // Before the dataset is read, which may take long and fills a cache in the folder.
    let lock = FolderLock::exclusive(&output)?;
    observer(&Progress::ReadingDataset(&options.data));
    let data = load_dataset_cached(&config, &options.data, &output.join("cache"))?;
    let fit_options = FitOptions {
        output,
        device,
        more_devices,
        duration: options.duration,
        resume: options.resume,
        lock: Some(lock),
        stop: options.stop.clone(),
    };
    let mut tell = |event: &Event| observer(&Progress::Run(event));
    let report = fit(&config, &data, &fit_options, &mut tell)?;
    Ok(Trained {
        output: fit_options.output,
        fold: config.validation.fold,
        report,
    })
}

fn devices(names: &[String]) -> Result<(Device, Vec<Device>), Error> {
    let devices = names.iter().map(|name| parse_device(name));
    let mut devices = devices.collect::<Result<Vec<_>, _>>()?.into_iter();
    let first = devices.next().ok_or(Error::NoDevice)?;
    Ok((first, devices.collect()))
}
