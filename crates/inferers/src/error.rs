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
    /// The network's output has another number of channels than the labels.
    #[error(
        "the network put out {found} channel(s), but the labels of the model need {expected}; its description is of another network"
    )]
    OutputChannels {
        /// Channels found.
        found: usize,
        /// Channels of the label scheme.
        expected: usize,
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
    /// The network put out values that are no finite numbers.
    #[error("{0}")]
    NotFiniteOutput(Box<NotFiniteOutput>),
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

/// Where a network's output stopped being finite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFiniteOutput {
    /// First voxel `[x, y, z]` of the window, in the preprocessed image; negative within padding.
    pub window: [i64; 3],
    /// Size `[x, y, z]` of the window.
    pub size: [usize; 3],
    /// Values of the window's output that are not finite, and all of them.
    pub count: [usize; 2],
    /// Which of several passes over the image it was, such as a scale or a view.
    pub pass: Option<String>,
    /// Whether the window itself, after preprocessing, was finite.
    pub input_is_finite: bool,
    /// The first layer whose output is not finite; nothing where that was not asked for.
    pub layer: Option<FirstLayer>,
}

/// The outcome of looking for the first layer whose output is not finite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirstLayer {
    /// Its name as in the weights file, and the member and mirroring it belongs to.
    Named(String),
    /// Every named layer's output is finite: a sum or activation after them, or a network that does not
    /// know its layers.
    NotFound,
}

impl std::fmt::Display for NotFiniteOutput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [count, all] = self.count;
        let [size, window] = [self.size.map(|n| n as i64), self.window];
        write!(
            f,
            "{count} of {all} outputs of the network are not finite in the window of size {size:?} that starts at voxel {window:?} of the preprocessed image"
        )?;
        if let Some(pass) = &self.pass {
            write!(f, " ({pass})")?;
        }
        if !self.input_is_finite {
            return write!(
                f,
                "; the preprocessed image is not finite there: look for a division by zero in the preprocessing"
            );
        }
        match &self.layer {
            Some(FirstLayer::Named(name)) => write!(
                f,
                "; the first layer whose output is not finite is {name}: its weights are damaged or were trained into overflow"
            ),
            Some(FirstLayer::NotFound) => {
                write!(f, "; the output of every layer that has weights is finite")
            }
            None => write!(
                f,
                "; the weights are damaged or the intensities far from those trained on; `check_layers` (`--check-layers` of `predict`) names the first layer"
            ),
        }
    }
}

impl Error {
    /// The same error of one of several passes over an image.
    pub(crate) fn of_pass(self, name: impl FnOnce() -> String) -> Self {
        match self {
            Self::NotFiniteOutput(mut found) => {
                found.pass.get_or_insert_with(name);
                Self::NotFiniteOutput(found)
            }
            other => other,
        }
    }

    pub(crate) fn bad_value(key: &'static str, found: String, expected: &'static str) -> Self {
        Self::BadValue {
            key,
            found,
            expected,
        }
    }
}
