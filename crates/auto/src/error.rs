//! What can go wrong on the way from scans to a model: one sentence each, with the file or key and the
//! remedy.

use std::path::PathBuf;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
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
    Work {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
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
    #[error(transparent)]
    Search(#[from] crate::search::SearchError),
    /// The work was asked to stop; what is done is kept.
    #[error("stopped; run the same command again to go on")]
    Stopped,
    /// A network cannot be planned.
    #[error(transparent)]
    Network(#[from] vesalius_networks::Error),
    /// A transform of a plan makes no sense.
    #[error(transparent)]
    Transform(#[from] vesalius_transforms::Error),
    /// A list or a planner's file cannot be used.
    #[error(transparent)]
    Planning(#[from] vesalius_planning::Error),
    /// A training run cannot be made.
    #[error(transparent)]
    Training(#[from] vesalius_training::Error),
    /// A model cannot be used.
    #[error(transparent)]
    Inferer(#[from] vesalius_inferers::Error),
    /// Segmentations cannot be scored.
    #[error(transparent)]
    Metric(#[from] vesalius_metrics::Error),
    /// A picture cannot be drawn.
    #[error(transparent)]
    View(#[from] vesalius_view::Error),
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] vesalius_io::Error),
    /// A volume, geometry or label scheme is wrong.
    #[error(transparent)]
    Volume(#[from] vesalius_volume::Error),
}
