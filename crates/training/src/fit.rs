//! The fit loop: batches in, a model folder and a checkpoint out. A run that is stopped at any step and resumed gives
//! the same result as one that was not stopped.

use crate::config::bad;
use crate::run::Run;
use crate::source::CaseSource;
use crate::{
    Callbacks, Duration, Error, Event, GradientStrategy, PatchSampler, Result, RunProgress,
    SkippedCase, TrainingConfig,
};
use burn::tensor::Device;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use vesalius_control::Control;
use vesalius_io::FolderLock;
use vesalius_volume::{LabelScheme, Warning};

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
    /// Warnings about the dataset, reported when a run begins.
    pub warnings: Vec<Warning>,
}

/// Whether a run's folder is still this process's to write: a cluster may have started the run again elsewhere while this
/// process went on unseen, and locks of a network file system can be lost.
#[derive(Clone)]
pub struct Fence(Arc<dyn Fn() -> std::result::Result<(), String> + Send + Sync>);

impl Fence {
    /// A question that is answered with who else writes the folder, where somebody does.
    pub fn new(
        is_own: impl Fn() -> std::result::Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(is_own))
    }

    /// Whether the folder is this process's.
    ///
    /// # Errors
    /// [`Error::Fenced`] with who else writes it.
    pub fn check(&self) -> Result<()> {
        (self.0)().map_err(|reason| Error::Fenced { reason })
    }
}

impl std::fmt::Debug for Fence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fence").finish_non_exhaustive()
    }
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
    /// How the gradients of a step's batches are computed; `None` for [`crate::SingleDevice`], or with `more_devices` for
    /// [`crate::SeveralDevices`]. A strategy chooses its devices itself, so that `more_devices` are empty beside it.
    pub strategy: Option<Arc<dyn GradientStrategy + Send + Sync>>,
    /// The length of the run; `None` takes the config's.
    pub duration: Option<Duration>,
    /// The time from which [`Duration::Minutes`] count, such as that before the dataset was read; `None` for the start
    /// of [`fit`].
    pub began: Option<Instant>,
    /// The time by which the run has ended, in place of a length.
    pub ends: Option<Instant>,
    /// Time that [`Duration::Minutes`] and [`FitOptions::ends`] leave for work after the run.
    pub kept_free: KeptFree,
    /// Go on from the checkpoint in `output`.
    pub resume: bool,
    /// The lock on `output`, where the caller took it before it read the dataset; [`fit`] takes it itself
    /// where there is none.
    pub lock: Option<FolderLock>,
    /// Asked before each checkpoint is written: where it refuses, nothing is written and the run ends.
    pub fence: Option<Fence>,
    /// Callbacks that receive every event and may steer the run.
    pub callbacks: Callbacks,
    /// Cancels the run after the current step, or in the middle of a validation, and carries the stages `steps` and,
    /// within it, `validation`.
    pub control: Control,
}

impl Default for FitOptions {
    fn default() -> Self {
        Self {
            output: PathBuf::from("runs/model"),
            device: Device::flex(),
            more_devices: Vec::new(),
            strategy: None,
            duration: None,
            began: None,
            ends: None,
            kept_free: KeptFree::default(),
            resume: false,
            lock: None,
            fence: None,
            callbacks: Callbacks::default(),
            control: Control::new(),
        }
    }
}

/// Time that a run of some minutes leaves for work after it; a quarter of the minutes at most.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub enum KeptFree {
    /// None.
    #[default]
    Nothing,
    /// So many seconds.
    Seconds(f64),
    /// A multiple of what segmenting every held-out case once takes, as the run finds it out.
    Validations(f64),
}

impl KeptFree {
    fn check(self) -> Result<()> {
        match self {
            Self::Seconds(number) | Self::Validations(number)
                if !(number.is_finite() && number >= 0.0) =>
            {
                bad("kept_free", number, "a number that is not negative")
            }
            _ => Ok(()),
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FitReport {
    /// Its progress.
    pub progress: RunProgress,
    /// Whether all steps are done; if not, a callback stopped it or it was cancelled, and it can be resumed.
    pub finished: bool,
    /// Cases that were left out because they could not be used.
    pub skipped: Vec<SkippedCase>,
    /// The warnings of the run.
    pub warnings: Vec<Warning>,
    /// The loss of each step that this call did.
    pub losses: Vec<f32>,
    /// Seconds to segment and score a held-out case, where the run had minutes to keep and found it out.
    pub seconds_per_case: Option<f64>,
}

/// Trains one model; `observer` receives every event.
///
/// # Threads
/// Steps, validations and callbacks run on the calling thread, and on the CPU in the pool of rayon that it belongs to.
/// Batches are made by `cache.workers` threads of the run's own, whose transforms run on rayon's global pool, and each
/// further device has a thread that waits for it. All end with the run.
///
/// # Errors
/// An inconsistent config or dataset, an output folder that cannot be written or that another process writes, a
/// loss that is not a number, a checkpoint that belongs to another run. An error of a callback, with the run saved.
/// [`crate::Error::Cancelled`] with the report of the run, which is saved with a model folder of the current
/// weights, or without a report where nothing had started.
pub fn fit(
    config: &TrainingConfig,
    data: &TrainingData,
    options: &FitOptions,
    observer: &mut dyn FnMut(&Event),
) -> Result<FitReport> {
    config.check()?;
    options.control.check()?;
    options.kept_free.check()?;
    let taken;
    let lock = match &options.lock {
        Some(lock) if same_folder(lock.folder(), &options.output) => lock,
        _ => {
            taken = FolderLock::exclusive(&options.output)?;
            &taken
        }
    };
    clear_leftovers(lock);
    let sampler = PatchSampler::new(data.training.clone(), config, &data.labels)?;
    Run::open(config, data, options, observer)?.train(&sampler)
}

/// Whether two paths name one folder, which exists: a lock was taken on the first.
fn same_folder(locked: &Path, output: &Path) -> bool {
    match (locked.canonicalize(), output.canonicalize()) {
        (Ok(locked), Ok(output)) => locked == output,
        _ => false,
    }
}

/// Removes what a run that was killed in this folder left half written.
fn clear_leftovers(lock: &FolderLock) {
    lock.remove_leftovers("");
    let members = Path::new("members");
    let each = std::fs::read_dir(lock.folder().join(members));
    for member in each.into_iter().flatten().flatten() {
        lock.remove_leftovers(members.join(member.file_name()));
    }
}
