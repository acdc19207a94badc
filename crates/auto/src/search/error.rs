//! What can be wrong with a search: one sentence each, with the key or file and the remedy.

use std::path::PathBuf;
use vesalius_volume::ErrorKind;

/// An error of a search.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// A search space that is not YAML or not a map from keys to distributions.
    #[error("the search space cannot be read: {0}")]
    Space(String),
    /// A distribution that cannot be drawn from.
    #[error("search space, key {key}: {reason}")]
    Distribution {
        /// The key of the config that it is for.
        key: String,
        /// What is wrong, and what is allowed.
        reason: String,
    },
    /// A key that the config to be searched does not have.
    #[error("search space: the config has no key {key}{}", nearest.as_ref().map(|n| format!("; did you mean {n}?")).unwrap_or_default())]
    UnknownKey {
        /// The key.
        key: String,
        /// The most similar key there is.
        nearest: Option<String>,
    },
    /// A study's folder that cannot be used.
    #[error("{path}: {reason}")]
    Study {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A file or folder of a search that the system would not make, read or write.
    #[error("{path}: cannot be used ({source}); the folder must be writable and have room")]
    System {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A description that cannot be written.
    #[error("{0}")]
    Io(#[from] vesalius_io::Error),
    /// A trial that is not there, or has ended.
    #[error("trial {number} {reason}")]
    Trial {
        /// Its number.
        number: u64,
        /// What is wrong.
        reason: String,
    },
}

impl SearchError {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::System { source, .. } => ErrorKind::of_io(source),
            Self::Io(error) => error.kind(),
            Self::Trial { .. } => ErrorKind::NotFound,
            Self::Space(_)
            | Self::Distribution { .. }
            | Self::UnknownKey { .. }
            | Self::Study { .. } => ErrorKind::BadInput,
        }
    }
}
