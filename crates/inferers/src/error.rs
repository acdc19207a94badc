//! What can go wrong between a volume, a network and a model folder.

use std::path::PathBuf;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A value in an inferer's configuration is out of range.
    #[error("inferer: {key} is {found}, expected {expected}")]
    BadValue {
        /// The key.
        key: &'static str,
        /// The value found.
        found: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// The network's output does not lie on its input's grid.
    #[error(
        "the network turned patches of shape {input:?} into {output:?}; expected the same batch and spatial size (`[N, C, Z, Y, X]`)"
    )]
    OutputSize {
        /// Shape that went in.
        input: [usize; 5],
        /// Shape that came out.
        output: [usize; 5],
    },
    /// A volume without voxels.
    #[error("a volume of size {size:?} has no voxel to segment")]
    EmptyVolume {
        /// Its size.
        size: [usize; 3],
    },
    /// The image has another number of channels than the model wants.
    #[error(
        "the image has {found} channel(s), but the model was trained on {expected} ({names}); give one file a channel in that order"
    )]
    Channels {
        /// Channels found.
        found: usize,
        /// Channels wanted.
        expected: usize,
        /// Their names.
        names: String,
    },
    /// A voxel that is not a number.
    #[error(
        "{count} voxel(s) of the image are not finite (the first at {index:?} of channel {channel}); a network would spread them over the result: repair the image first"
    )]
    NotFinite {
        /// How many.
        count: usize,
        /// Channel of the first.
        channel: usize,
        /// Index of the first, `[x, y, z]`.
        index: [usize; 3],
    },
    /// A model folder is incomplete or its description cannot be read.
    #[error("{path}: {reason}")]
    ModelFolder {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// Saved probabilities cannot be used.
    #[error("{path}: {reason}")]
    Probabilities {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A scratch file cannot be written or read.
    #[error(
        "the scratch file for a large image failed ({reason}); free some disk, name another folder with TMPDIR, or allow more memory"
    )]
    Scratch {
        /// What the system said.
        reason: String,
    },
    /// Someone ended the work.
    #[error("stopped before it was done")]
    Stopped,
    /// The memory allowed is too little.
    #[error(
        "{allowed} of memory are too little for this image and model; the smallest that works is {smallest}"
    )]
    Memory {
        /// What was allowed.
        allowed: crate::Bytes,
        /// What is needed.
        smallest: crate::Bytes,
    },
    /// nnU-Net's plans or dataset.json cannot be used.
    #[error("{0}")]
    Planning(#[from] vesalius_planning::Error),
    /// A filter refused.
    #[error("{0}")]
    Filter(#[from] vesalius_filters::Error),
    /// A geometry or volume is not usable.
    #[error("{0}")]
    Volume(#[from] vesalius_volume::Error),
    /// A transform refused.
    #[error("{0}")]
    Transform(#[from] vesalius_transforms::Error),
    /// A file could not be read or written.
    #[error("{0}")]
    Io(#[from] vesalius_io::Error),
    /// A tensor or its meaning is wrong.
    #[error("{0}")]
    Tensor(#[from] vesalius_tensor::Error),
    /// A network or its weights are wrong.
    #[error("{0}")]
    Network(#[from] vesalius_networks::Error),
}

impl Error {
    pub(crate) fn bad_value(key: &'static str, found: String, expected: &'static str) -> Self {
        Self::BadValue {
            key,
            found,
            expected,
        }
    }
}
