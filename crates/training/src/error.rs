//! What can go wrong in training: one sentence each, with the file or key and the remedy.

use std::path::PathBuf;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
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
        key: &'static str,
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
    /// The loss stopped being a number.
    #[error(
        "the loss became {loss} at step {step}; lower `learning_rate`, and check the images for extreme values"
    )]
    Diverged {
        /// The step.
        step: u64,
        /// The loss.
        loss: f32,
    },
    /// The device gave something that cannot be read back.
    #[error("the device's result could not be read: {0}")]
    Device(String),
    /// A dataset or a plan cannot be used.
    #[error(transparent)]
    Planning(#[from] vesalius_planning::Error),
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] vesalius_io::Error),
    /// A volume, geometry or label scheme is wrong.
    #[error(transparent)]
    Volume(#[from] vesalius_volume::Error),
    /// A transform is wrong.
    #[error(transparent)]
    Transform(#[from] vesalius_transforms::Error),
    /// A tensor or its meaning is wrong.
    #[error(transparent)]
    Tensor(#[from] vesalius_tensor::Error),
    /// A network or its weights are wrong.
    #[error(transparent)]
    Network(#[from] vesalius_networks::Error),
    /// A loss cannot be taken.
    #[error(transparent)]
    Loss(#[from] vesalius_losses::Error),
    /// An inferer or model folder is wrong.
    #[error(transparent)]
    Inferer(#[from] vesalius_inferers::Error),
    /// A metric cannot be computed.
    #[error(transparent)]
    Metric(#[from] vesalius_metrics::Error),
}
