//! One model from a config file and a dataset: what `vesalius train` and a training job do.

use std::path::{Path, PathBuf};
use std::time::Instant;
use vesalius_control::{Cancelled, Control};
use vesalius_io::FolderLock;
use vesalius_registry::Registry;
use vesalius_tensor::{Device, parse_device};
use vesalius_training::{
    Callbacks, Duration, Event, FitOptions, FitReport, TrainingConfig, fit, load_dataset_cached,
};
use vesalius_volume::ErrorKind;

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
    Training(#[source] vesalius_training::Error),
    /// The work was cancelled before the first step.
    #[error("{0} before the first step")]
    Cancelled(#[from] Cancelled),
    /// The run was cancelled: it is saved, with a model folder of the current weights, and can be resumed.
    #[error("cancelled after step {}; the run in {} is saved and can be resumed", .0.report.progress.step, .0.output.display())]
    Stopped(Box<Trained>),
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NoDevice => ErrorKind::BadInput,
            Self::Io(error) => error.kind(),
            Self::Tensor(error) => error.kind(),
            Self::Training(error) => error.kind(),
            Self::Cancelled(_) | Self::Stopped(_) => ErrorKind::Cancelled,
        }
    }
}

impl From<vesalius_training::Error> for Error {
    fn from(error: vesalius_training::Error) -> Self {
        match error {
            vesalius_training::Error::Cancelled(None) => Self::Cancelled(Cancelled),
            error => Self::Training(error),
        }
    }
}

/// What is trained, on what, and where the result goes.
#[derive(Debug, Clone)]
pub struct TrainJob {
    /// The training config, a YAML file.
    pub config: PathBuf,
    /// The dataset: a folder with a dataset.json, or that file.
    pub data: PathBuf,
    /// The model folder; `runs/NAME` where it is `None`, NAME being the config's.
    pub output: Option<PathBuf>,
    /// The devices that compute: `cpu`, `cuda[:n]`, `wgpu[:n]` or `vulkan[:n]`; several share the batches of a step.
    pub devices: Vec<String>,
    /// The length, in place of the config's.
    pub duration: Option<Duration>,
    /// The folder of preprocessed cases, in place of the config's.
    pub cache: Option<PathBuf>,
    /// Whether training continues from the checkpoint in the folder.
    pub resume: bool,
    /// Callbacks for every event of the run, which may steer it; they run after those that draw its reports.
    pub callbacks: Callbacks,
    /// Makes the user-defined types that the config names.
    pub registry: Registry,
    /// Cancels training; what is done is saved. Carries the stage `training` and, within it, `cases` and `steps`.
    pub control: Control,
}

impl TrainJob {
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
            callbacks: Callbacks::default(),
            registry: Registry::default(),
            control: Control::new(),
        }
    }
}

/// What training reports while it runs.
#[derive(Debug)]
#[non_exhaustive]
pub enum TrainProgress<'a> {
    /// The dataset is being read.
    ReadingDataset(&'a Path),
    /// Something happened in the run.
    Run(&'a Event),
}

/// The result of a training.
#[derive(Debug)]
pub struct Trained {
    /// The model folder.
    pub output: PathBuf,
    /// The fold that was held out.
    pub fold: usize,
    /// How the run ended.
    pub report: FitReport,
}

/// Trains a model. The folder is locked while it runs.
///
/// # Errors
/// [`Error`]: a config, dataset or device that cannot be used, a folder that another process writes. A run that was
/// cancelled is [`Error::Stopped`]; one that a callback stopped is no error, and its report is not `finished`.
pub fn train_model(
    options: &TrainJob,
    observer: &mut dyn FnMut(&TrainProgress),
) -> Result<Trained, Error> {
    let began = Instant::now();
    let mut config = TrainingConfig::read_with(&options.config, &options.registry)?;
    if let Some(folder) = &options.cache {
        config.cache.folder = Some(folder.clone());
    }
    let (device, more_devices) = devices(&options.devices)?;
    config.precision.check_device(&device)?;
    let output = options.output.clone();
    let output = output.unwrap_or_else(|| PathBuf::from("runs").join(&config.name));
    // Before the dataset is read, which may take long and fills a cache in the folder.
    let lock = FolderLock::exclusive(&output)?;
    observer(&TrainProgress::ReadingDataset(&options.data));
    let stage = options.control.stage("training", None);
    let cache = output.join("cache");
    let data = load_dataset_cached(&config, &options.data, &cache, stage.control())?;
    let fit_options = FitOptions {
        output,
        device,
        more_devices,
        duration: options.duration,
        began: Some(began),
        resume: options.resume,
        lock: Some(lock),
        callbacks: vesalius_reports::all().and(options.callbacks.clone()),
        control: stage.control().clone(),
        ..FitOptions::default()
    };
    let mut tell = |event: &Event| observer(&TrainProgress::Run(event));
    let report = fit(&config, &data, &fit_options, &mut tell);
    let trained = |report: FitReport| Trained {
        output: fit_options.output.clone(),
        fold: config.validation.fold,
        report,
    };
    match report {
        Ok(report) => Ok(trained(report)),
        Err(vesalius_training::Error::Cancelled(Some(report))) => {
            Err(Error::Stopped(Box::new(trained(*report))))
        }
        Err(error) => Err(error.into()),
    }
}

fn devices(names: &[String]) -> Result<(Device, Vec<Device>), Error> {
    let devices = names.iter().map(|name| parse_device(name));
    let mut devices = devices.collect::<Result<Vec<_>, _>>()?.into_iter();
    let first = devices.next().ok_or(Error::NoDevice)?;
    Ok((first, devices.collect()))
}
