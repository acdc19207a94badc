//! What can be wrong with a file.

use std::path::PathBuf;
use vesalius_volume::ErrorKind;

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file that the system does not read.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// Bytes that are not an ONNX file, or that end too early.
    #[error("it is no ONNX file, or a damaged one: {reason}")]
    Format {
        /// What is wrong.
        reason: String,
    },
    /// More than the limits admit.
    #[error("the file has {found} {what}, more than the limit of {limit}")]
    Limit {
        /// Of what.
        what: &'static str,
        /// How many.
        found: u64,
        /// How many are allowed.
        limit: u64,
    },
    /// A graph that contradicts itself.
    #[error("{place}: {reason}")]
    Graph {
        /// The node, tensor or value.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// Weights in another file that must not or cannot be read.
    #[error("the weights of `{tensor}` are in `{location}`: {reason}")]
    External {
        /// The tensor.
        tensor: String,
        /// What the file says where they are.
        location: String,
        /// What is wrong.
        reason: String,
    },
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Read { source, .. } => ErrorKind::of_io(source),
            Self::Limit { .. } => ErrorKind::BadInput,
            Self::Format { .. } | Self::Graph { .. } | Self::External { .. } => ErrorKind::Corrupt,
        }
    }

    pub(crate) fn graph(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Graph {
            place: place.into(),
            reason: reason.into(),
        }
    }

    pub(crate) fn format(reason: impl Into<String>) -> Self {
        Self::Format {
            reason: reason.into(),
        }
    }
}
