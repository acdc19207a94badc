//! What can go wrong in training: one sentence each, with the file or key and the remedy.

mod from;

use crate::FitReport;
use std::path::PathBuf;
use vesalius_volume::ErrorKind;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A training config cannot be read or makes no sense.
    #[error("{path}: {reason}")]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and key where known.
        reason: String,
    },
    /// YAML that is not a training config.
    #[error("{0}")]
    Yaml(String),
    /// A value in the config is out of range.
    #[error("{key} is {found}, expected {expected}")]
    BadValue {
        /// The key.
        key: String,
        /// The value found.
        found: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// A case cannot be used.
    #[error("case {case}: {reason}")]
    Case {
        /// The case.
        case: String,
        /// Why not.
        reason: String,
    },
    /// The cache cannot be used.
    #[error(
        "{path}: {reason}; give `cache.folder` a disk with room that can be written, or raise `cache.memory`"
    )]
    Cache {
        /// The entry or folder.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A case could not be written to the cache.
    #[error(
        "{source}; give `cache.folder` a disk with room that can be written, or raise `cache.memory`"
    )]
    CacheWrite {
        /// The system's error.
        source: vesalius_io::Error,
    },
    /// A file or folder that the system would not make, read or write.
    #[error("{path}: cannot be {what} ({source}); {remedy}")]
    System {
        /// The file or folder.
        path: PathBuf,
        /// What was tried: made, read, written.
        what: &'static str,
        /// The system's error.
        source: std::io::Error,
        /// What to do.
        remedy: &'static str,
    },
    /// The cache entry of a case became unusable while a run read it.
    #[error(
        "case {case}: its cache entry {path} {reason}; resume the run: the entry is then made again from the case's files"
    )]
    CacheEntry {
        /// The case.
        case: String,
        /// The entry.
        path: PathBuf,
        /// What is wrong.
        reason: String,
        /// The system's error, where it failed.
        source: Option<std::io::Error>,
    },
    /// A thread that makes batches panicked: a defect, of this program or of a case source or transform of
    /// the caller's.
    #[error(
        "case {case}: making a patch of it panicked ({message}); this is a defect of the program: report it with the case; to train without the case, take it out of the datalist"
    )]
    Worker {
        /// The case, or the cases of the batch.
        case: String,
        /// The panic's message.
        message: String,
    },
    /// The system would start no thread that makes batches.
    #[error(
        "no thread that makes batches could be started ({source}); end other programs, or raise the limit of threads: one is enough (`cache.workers: 1`)"
    )]
    NoThread {
        /// The system's error.
        source: std::io::Error,
    },
    /// Another process writes the run's folder now.
    #[error("{reason}; nothing more was written here")]
    Fenced {
        /// Who writes it.
        reason: String,
    },
    /// A batch was asked for that is not made.
    #[error("batch {number} is not made: {reason}")]
    NoBatch {
        /// Its number.
        number: u64,
        /// Why not.
        reason: &'static str,
    },
    /// The output folder cannot be used.
    #[error("{path}: {reason}")]
    Output {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A checkpoint cannot be resumed.
    #[error("{path}: {reason}")]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// Weights to start from cannot be used.
    #[error("{path}: {reason}")]
    StartFrom {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The loss stopped being a number, or ran away.
    #[error("{}{}", diverged(*step, *loss, *smoothed, cases), kept(batch.as_deref(), layer.as_deref()))]
    Diverged {
        /// The step.
        step: u64,
        /// Its loss.
        loss: f32,
        /// The mean over the last steps, where it is that which ran away.
        smoothed: Option<f64>,
        /// The cases of the step's patches.
        cases: String,
        /// The file in the run's folder that holds the step's batches (tensors `images` and `labels`), where
        /// they were kept.
        batch: Option<PathBuf>,
        /// The first layer whose output on them is not finite, if any is.
        layer: Option<String>,
    },
    /// The output of a network in validation is not finite, or the network fails otherwise.
    #[error("validation on case {case}: {source}")]
    Validation {
        /// The case.
        case: String,
        /// What failed.
        #[source]
        source: Box<vesalius_inferers::Error>,
    },
    /// The work was cancelled. A run that had started is saved and can be resumed; its report has its progress.
    #[error("{}", cancelled(.0.as_deref()))]
    Cancelled(Option<Box<FitReport>>),
    /// The device ran out of memory.
    #[error(
        "the device is out of memory while {doing} ({reason}); lower `batch_size` (raise `gradient_accumulation` to make up for it), then `patch.size`, then the network's channels; or set `precision: bf16` where the device has it"
    )]
    OutOfMemory {
        /// What was being done.
        doing: String,
        /// The device's message.
        reason: String,
    },
    /// The device gave something that cannot be read back.
    #[error("the device's result could not be read: {0}")]
    Device(String),
    /// A dataset or a plan cannot be used.
    #[error("{0}")]
    Planning(#[source] vesalius_planning::Error),
    /// A file could not be read or written.
    #[error("{0}")]
    Io(#[source] vesalius_io::Error),
    /// A volume, geometry or label scheme is wrong.
    #[error("{0}")]
    Volume(#[from] vesalius_volume::Error),
    /// A transform is wrong.
    #[error("{0}")]
    Transform(#[source] vesalius_transforms::Error),
    /// A tensor or its meaning is wrong.
    #[error("{0}")]
    Tensor(#[from] vesalius_tensor::Error),
    /// A network or its weights are wrong.
    #[error("{0}")]
    Network(#[from] vesalius_networks::Error),
    /// A config names a user-defined type that cannot be made.
    #[error("{0}")]
    Registry(#[from] vesalius_registry::Error),
    /// An error of a callback, a schedule or another user-defined type.
    #[error("{0}")]
    Custom(Box<dyn std::error::Error + Send + Sync>),
    /// A loss cannot be taken.
    #[error("{0}")]
    Loss(#[from] vesalius_losses::Error),
    /// An inferer or model folder is wrong.
    #[error("{0}")]
    Inferer(#[source] vesalius_inferers::Error),
    /// A metric cannot be computed.
    #[error("{0}")]
    Metric(#[source] vesalius_metrics::Error),
}

vesalius_registry::custom_error! {
    /// An error of a callback, a schedule or another user-defined type: a text, or any error.
    Error
}

impl Error {
    /// Whether the fault is in a case's own files, so that a run may continue without the case; a full disk, a
    /// damaged cache or a defect of the program is no fault of the case.
    pub(crate) fn is_of_case(&self) -> bool {
        let of_program = matches!(
            self,
            Self::Cache { .. }
                | Self::CacheWrite { .. }
                | Self::CacheEntry { .. }
                | Self::Worker { .. }
                | Self::NoThread { .. }
                | Self::NoBatch { .. }
                | Self::Fenced { .. }
                | Self::Cancelled(_)
                | Self::Io(vesalius_io::Error::Locked { .. } | vesalius_io::Error::Lock { .. })
        );
        !of_program && vesalius_io::machine_failure(self).is_none()
    }

    /// Whether the work was cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled(_))
    }

    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Config { .. }
            | Self::Yaml(_)
            | Self::BadValue { .. }
            | Self::Case { .. }
            | Self::Output { .. }
            | Self::StartFrom { .. }
            | Self::NoBatch { .. }
            | Self::Diverged { .. }
            | Self::Custom(_) => ErrorKind::BadInput,
            Self::Checkpoint { .. } => ErrorKind::Corrupt,
            Self::Cache { .. } => ErrorKind::System,
            Self::CacheWrite { source } => source.kind(),
            Self::System { source, .. } | Self::NoThread { source } => ErrorKind::of_io(source),
            Self::CacheEntry { source, .. } => {
                source.as_ref().map_or(ErrorKind::Corrupt, ErrorKind::of_io)
            }
            Self::Worker { .. } => ErrorKind::Internal,
            Self::Fenced { .. } => ErrorKind::Busy,
            Self::OutOfMemory { .. } => ErrorKind::OutOfMemory,
            Self::Device(_) => ErrorKind::Device,
            Self::Cancelled(_) => ErrorKind::Cancelled,
            Self::Validation { source, .. } => source.kind(),
            Self::Inferer(error) => error.kind(),
            Self::Network(error) => error.kind(),
            Self::Io(error) => error.kind(),
            Self::Planning(error) => error.kind(),
            Self::Volume(error) => error.kind(),
            Self::Transform(error) => error.kind(),
            Self::Tensor(error) => error.kind(),
            Self::Loss(error) => error.kind(),
            Self::Metric(error) => error.kind(),
            Self::Registry(error) => error.kind(),
        }
    }

    /// A failure of the device, with what helps in training where memory ran out.
    pub(crate) fn of_device(failed: vesalius_tensor::Error) -> Self {
        match failed {
            vesalius_tensor::Error::DeviceMemory(reason) => Self::OutOfMemory {
                doing: "training".to_owned(),
                reason,
            },
            vesalius_tensor::Error::Execution(reason) => Self::Device(reason),
            other => Self::Tensor(other),
        }
    }

    /// A failure of the device within the work, named as in training.
    pub(crate) fn named_as_device(self) -> Self {
        use vesalius_inferers::Error as Inferers;
        use vesalius_tensor::Error as Failed;
        match self {
            Self::Tensor(failed @ (Failed::DeviceMemory(_) | Failed::Execution(_))) => {
                Self::of_device(failed)
            }
            Self::Validation { case, source } => match *source {
                Inferers::Tensor(failed @ (Failed::DeviceMemory(_) | Failed::Execution(_))) => {
                    Self::of_device(failed)
                }
                other => Self::Validation {
                    case,
                    source: Box::new(other),
                },
            },
            other => other,
        }
    }

    /// The same error with a further word of help, for those whose message may have one.
    pub(crate) fn and_hint(self, hint: &str) -> Self {
        match self {
            Self::BadValue {
                key,
                found,
                expected,
            } => Self::BadValue {
                key,
                found: format!("{found} ({hint})"),
                expected,
            },
            other => other,
        }
    }
}

fn cancelled(report: Option<&FitReport>) -> String {
    match report {
        Some(report) => format!(
            "cancelled after step {}; the run is saved and can be resumed",
            report.progress.step
        ),
        None => "cancelled before the first step".to_owned(),
    }
}

fn diverged(step: u64, loss: f32, smoothed: Option<f64>, cases: &str) -> String {
    let what = match smoothed {
        None => format!("the loss became {loss} at step {step}"),
        Some(mean) => {
            format!("the loss ran away: {loss} at step {step}, {mean:.3} on average of late")
        }
    };
    let on = if cases.is_empty() {
        String::new()
    } else {
        format!(" on cases {cases}")
    };
    format!(
        "{what}{on}; lower `learning_rate`, add a `warm_up`, lower `clip_norm`, and check these images for extreme values; a resumed run starts from the last checkpoint"
    )
}

/// What was kept of a step, as the end of a sentence.
fn kept(batch: Option<&std::path::Path>, layer: Option<&str>) -> String {
    let layer = layer.map_or(String::new(), |layer| {
        format!("; the first layer whose output is not finite is {layer}")
    });
    let batch = batch.map_or(String::new(), |path| {
        format!("; the step's batch is kept in {}", path.display())
    });
    layer + &batch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_without_memory_says_what_to_lower() {
        for message in [
            "out of device memory allocating 123 bytes\nbacktrace",
            "can't allocate buffer of size: 99",
            "An out-of-memory error happened during launch",
            "CUDA_ERROR_OUT_OF_MEMORY: out of memory",
        ] {
            let text = Error::of_device(vesalius_tensor::Error::of_device(message)).to_string();
            assert!(
                text.contains("batch_size") && text.contains("patch.size"),
                "{text}"
            );
        }
        let other = vesalius_tensor::Error::of_device("device lost");
        let other = Error::of_device(other).to_string();
        assert!(!other.contains("batch_size"), "{other}");
    }
}
