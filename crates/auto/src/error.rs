//! Errors from scans to a model: one sentence each, with the file or key and the
//! remedy.

use std::path::PathBuf;
use vesalius_control::Cancelled;
use vesalius_volume::ErrorKind;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input cannot be read or makes no sense.
    #[error("{path}: {reason}")]
    Input {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and key where known.
        reason: String,
    },
    /// The work folder cannot be used.
    #[error("{path}: {reason}")]
    WorkFolder {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A file or folder of the work that the system would not make, read or write.
    #[error("{path}: cannot be {what} ({source}); the work folder must be writable and have room")]
    System {
        /// The file or folder.
        path: PathBuf,
        /// What was tried: made, read, written.
        what: &'static str,
        /// The system's error.
        source: std::io::Error,
    },
    /// A failure of the machine, not of a run: a full disk, a lost permission, a device that does not respond. Finished
    /// work is kept.
    #[error("{0}; what is done is kept: mend this and run the same command again to go on")]
    Machine(#[source] Box<Error>),
    /// The dataset cannot be used.
    #[error("{path}: {reason}")]
    Dataset {
        /// The report with every problem.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A plan cannot be read or used.
    #[error("{path}: {reason}")]
    Plan {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Nothing is left that an ensemble could be made of.
    #[error("no ensemble can be made: {0}")]
    Ensemble(String),
    /// A search cannot be made.
    #[error("{0}")]
    Search(#[from] crate::search::SearchError),
    /// The cases cannot be split into training and held-out cases.
    #[error("{path}: {reason}")]
    Folds {
        /// The list of cases.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The work was cancelled; what is done is kept.
    #[error("stopped; run the same command again to go on")]
    Cancelled(#[from] Cancelled),
    /// A network cannot be planned.
    #[error("{0}")]
    Network(#[from] vesalius_networks::Error),
    /// A transform of a plan makes no sense.
    #[error("{0}")]
    Transform(#[source] vesalius_transforms::Error),
    /// A list or a planner's file cannot be used.
    #[error("{0}")]
    Planning(#[source] vesalius_planning::Error),
    /// A training run cannot be made.
    #[error("{0}")]
    Training(#[source] vesalius_training::Error),
    /// A model cannot be used.
    #[error("{0}")]
    Inferer(#[source] vesalius_inferers::Error),
    /// Segmentations cannot be scored.
    #[error("{0}")]
    Metric(#[source] vesalius_metrics::Error),
    /// A planner or another user-defined type cannot be made.
    #[error("{0}")]
    Registry(#[from] vesalius_registry::Error),
    /// An error of a user-defined planner.
    #[error("{0}")]
    Custom(Box<dyn std::error::Error + Send + Sync>),
    /// A picture cannot be drawn.
    #[error("{0}")]
    View(#[from] vesalius_view::Error),
    /// A file could not be read or written.
    #[error("{0}")]
    Io(#[source] vesalius_io::Error),
    /// A volume, geometry or label scheme is wrong.
    #[error("{0}")]
    Volume(#[from] vesalius_volume::Error),
}

impl From<vesalius_planning::Error> for Error {
    fn from(error: vesalius_planning::Error) -> Self {
        match error {
            vesalius_planning::Error::Cancelled(cancelled) => cancelled.into(),
            error => Self::Planning(error),
        }
    }
}

impl From<vesalius_training::Error> for Error {
    fn from(error: vesalius_training::Error) -> Self {
        match error.is_cancelled() {
            true => Cancelled.into(),
            false => Self::Training(error),
        }
    }
}

impl From<vesalius_inferers::Error> for Error {
    fn from(error: vesalius_inferers::Error) -> Self {
        match error {
            vesalius_inferers::Error::Cancelled(cancelled) => cancelled.into(),
            error => Self::Inferer(error),
        }
    }
}

impl From<vesalius_transforms::Error> for Error {
    fn from(error: vesalius_transforms::Error) -> Self {
        match error {
            vesalius_transforms::Error::Cancelled(cancelled) => cancelled.into(),
            error => Self::Transform(error),
        }
    }
}

impl From<vesalius_metrics::Error> for Error {
    fn from(error: vesalius_metrics::Error) -> Self {
        match error {
            vesalius_metrics::Error::Cancelled(cancelled) => cancelled.into(),
            error => Self::Metric(error),
        }
    }
}

impl From<vesalius_io::Error> for Error {
    fn from(error: vesalius_io::Error) -> Self {
        match error {
            vesalius_io::Error::Cancelled { source, .. } => source.into(),
            error => Self::Io(error),
        }
    }
}

vesalius_registry::custom_error! {
    /// An error of a user-defined planner: a text, or any error.
    Error
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Input { .. }
            | Self::WorkFolder { .. }
            | Self::Dataset { .. }
            | Self::Plan { .. }
            | Self::Ensemble(_)
            | Self::Custom(_)
            | Self::Folds { .. } => ErrorKind::BadInput,
            Self::Registry(error) => error.kind(),
            Self::System { source, .. } => ErrorKind::of_io(source),
            Self::Machine(error) => error.kind(),
            Self::Search(error) => error.kind(),
            Self::Cancelled(_) => ErrorKind::Cancelled,
            Self::Network(error) => error.kind(),
            Self::Transform(error) => error.kind(),
            Self::Planning(error) => error.kind(),
            Self::Training(error) => error.kind(),
            Self::Inferer(error) => error.kind(),
            Self::Metric(error) => error.kind(),
            Self::View(error) => error.kind(),
            Self::Io(error) => error.kind(),
            Self::Volume(error) => error.kind(),
        }
    }

    /// Whether the machine is to blame, not what was worked on.
    pub(crate) fn is_of_machine(&self) -> bool {
        vesalius_io::machine_failure(self).is_some()
    }

    /// The error as one that stops the work, where the machine is to blame for it.
    pub(crate) fn told_of_machine(self) -> Self {
        match self {
            Self::Machine(_) => self,
            error if error.is_of_machine() => Self::Machine(Box::new(error)),
            error => error,
        }
    }
}
