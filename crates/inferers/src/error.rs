//! What can go wrong between a volume, a network and a model folder.

use std::path::PathBuf;
use vesalius_control::Cancelled;
use vesalius_volume::ErrorKind;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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
        /// The output's shape.
        output: [usize; 5],
    },
    /// The network's output has another number of channels than the labels.
    #[error(
        "the network put out {}, but the labels of the model need {expected}; its description is of another network", vesalius_volume::counted(*.found, "channel"))]
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
    /// The image and the model have different numbers of channels.
    #[error(
        "the image has {}, but the model was trained on {expected} ({names}); give one file a channel in that order", vesalius_volume::counted(*.found, "channel"))]
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
        "the image is not finite in {} (the first at {index:?} of channel {channel}); a network would spread them over the result: repair the image first", vesalius_volume::counted(*.count, "voxel"))]
    NotFinite {
        /// How many.
        count: usize,
        /// Channel of the first.
        channel: usize,
        /// Index of the first, `[x, y, z]`.
        index: [usize; 3],
    },
    /// The network's output has values that are not finite.
    #[error("{0}")]
    NotFiniteOutput(Box<NotFiniteOutput>),
    /// A model folder is incomplete or its description cannot be read.
    #[error("{path}: {reason}")]
    ModelFolder {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
        /// Whether something is missing, damaged or makes no sense.
        kind: ErrorKind,
    },
    /// A MONAI bundle whose config is not understood.
    #[error("{path}: {source}")]
    Bundle {
        /// The bundle.
        path: PathBuf,
        /// What is not understood, with its id.
        source: Box<vesalius_bundles::Error>,
    },
    /// A description of a model that makes no sense.
    #[error("the description of the model: {0}")]
    BadModel(String),
    /// A label that a model does not have.
    #[error("no label is called `{name}`; the labels are {known}")]
    UnknownLabel {
        /// The name asked for.
        name: String,
        /// The names of the model's labels.
        known: String,
    },
    /// A model of a union failed.
    #[error("member `{member}`: {source}")]
    Member {
        /// The member's name.
        member: String,
        /// What went wrong.
        source: Box<Error>,
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
        "the scratch file for a large image failed ({source}); free some disk, name another folder with `SegmentOptions::scratch` or TMPDIR, or allow more memory"
    )]
    Scratch {
        /// The system's reason.
        source: std::io::Error,
    },
    /// The work was cancelled by its [`vesalius_control::Control`].
    #[error("{0}")]
    Cancelled(#[from] Cancelled),
    /// A fault of this library.
    #[error("a fault of this library: {0}; please report it")]
    Internal(&'static str),
    /// A config names a user-defined type that cannot be made.
    #[error("{0}")]
    Registry(#[from] vesalius_registry::Error),
    /// An error of a user-defined inferer, merger or postprocessing step.
    #[error("{0}")]
    Custom(Box<dyn std::error::Error + Send + Sync>),
    /// The memory allowed is too little.
    #[error(
        "{allowed} of memory are too little for this image and model; the smallest that works is {smallest}"
    )]
    Memory {
        /// What was allowed.
        allowed: crate::ByteSize,
        /// What is needed.
        smallest: crate::ByteSize,
    },
    /// nnU-Net's plans or dataset.json cannot be used.
    #[error("{0}")]
    Planning(#[source] vesalius_planning::Error),
    /// A filter refused.
    #[error("{0}")]
    Filter(#[from] vesalius_filters::Error),
    /// A geometry or volume is not usable.
    #[error("{0}")]
    Volume(#[from] vesalius_volume::Error),
    /// A transform refused.
    #[error("{0}")]
    Transform(#[source] vesalius_transforms::Error),
    /// A file could not be read or written.
    #[error("{0}")]
    Io(#[from] vesalius_io::Error),
    /// A tensor or its meaning is wrong.
    #[error("{0}")]
    Tensor(#[from] vesalius_tensor::Error),
    /// A network or its weights are wrong.
    #[error("{0}")]
    Network(#[source] vesalius_networks::Error),
}

impl From<vesalius_planning::Error> for Error {
    fn from(error: vesalius_planning::Error) -> Self {
        match error {
            vesalius_planning::Error::Cancelled(cancelled) => Self::Cancelled(cancelled),
            other => Self::Planning(other),
        }
    }
}

impl From<vesalius_transforms::Error> for Error {
    fn from(error: vesalius_transforms::Error) -> Self {
        match error {
            vesalius_transforms::Error::Cancelled(cancelled) => Self::Cancelled(cancelled),
            other => Self::Transform(other),
        }
    }
}

impl From<vesalius_networks::Error> for Error {
    fn from(error: vesalius_networks::Error) -> Self {
        match error {
            vesalius_networks::Error::Cancelled(cancelled) => Self::Cancelled(cancelled),
            vesalius_networks::Error::Tensor(failed) => Self::Tensor(failed),
            other => Self::Network(other),
        }
    }
}

/// Where a network's output stopped being finite.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
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
    /// The first layer whose output is not finite; `None` where it was not searched for.
    pub layer: Option<FirstLayer>,
}

/// The outcome of looking for the first layer whose output is not finite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirstLayer {
    /// Its name as in the weights file, and the member and mirroring it belongs to.
    Named(String),
    /// Every named layer's output is finite (a sum or activation after them is not), or the network cannot list
    /// its layers.
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
                "; the weights are damaged or the intensities far from those trained on; `SegmentOptions::check_layers` names the first layer"
            ),
        }
    }
}

vesalius_registry::custom_error! {
    /// An error of a user-defined inferer, merger or postprocessing step: a text, or any error.
    Error
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::BadValue { .. }
            | Self::OutputSize { .. }
            | Self::OutputChannels { .. }
            | Self::EmptyVolume { .. }
            | Self::Channels { .. }
            | Self::BadModel(_)
            | Self::Custom(_) => ErrorKind::BadInput,
            Self::UnknownLabel { .. } => ErrorKind::NotFound,
            Self::Member { source, .. } => source.kind(),
            Self::NotFinite { .. } | Self::NotFiniteOutput(_) | Self::Probabilities { .. } => {
                ErrorKind::Corrupt
            }
            Self::ModelFolder { kind, .. } => *kind,
            Self::Bundle { source, .. } => source.kind(),
            Self::Scratch { source } => ErrorKind::of_io(source),
            Self::Cancelled(_) => ErrorKind::Cancelled,
            Self::Internal(_) => ErrorKind::Internal,
            Self::Memory { .. } => ErrorKind::OutOfMemory,
            Self::Registry(error) => error.kind(),
            Self::Planning(error) => error.kind(),
            Self::Filter(error) => error.kind(),
            Self::Volume(error) => error.kind(),
            Self::Transform(error) => error.kind(),
            Self::Io(error) => error.kind(),
            Self::Tensor(error) => error.kind(),
            Self::Network(error) => error.kind(),
        }
    }

    /// A model folder's file and what is wrong with it: damaged, or of another version.
    pub(crate) fn model_folder(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::of_folder(ErrorKind::BadInput, path, reason)
    }

    /// As [`Error::model_folder`], of another kind.
    pub(crate) fn of_folder(
        kind: ErrorKind,
        path: impl Into<PathBuf>,
        reason: impl Into<String>,
    ) -> Self {
        Self::ModelFolder {
            path: path.into(),
            reason: reason.into(),
            kind,
        }
    }

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

    /// The same error of a member of a union; a cancellation is the caller's own.
    pub(crate) fn of_member(self, member: &str) -> Self {
        match self {
            Self::Cancelled(cancelled) => Self::Cancelled(cancelled),
            other => Self::Member {
                member: member.to_owned(),
                source: Box::new(other),
            },
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
