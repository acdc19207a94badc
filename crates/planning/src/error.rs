//! What can be wrong with a dataset or a plan: one sentence each, with the file or key and the remedy.

use std::path::PathBuf;
use vesalius_control::Cancelled;
use vesalius_volume::ErrorKind;

/// An error of this crate.
///
/// ```
/// use std::path::Path;
/// use vesalius_planning::{Datalist, Error};
/// use vesalius_volume::ErrorKind;
///
/// let error = Datalist::read(Path::new("no/such/dataset.json")).unwrap_err();
/// assert!(matches!(error, Error::Unreadable { .. }));
/// assert_eq!(error.kind(), ErrorKind::NotFound);
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A datalist cannot be used.
    #[error("{path}: {reason}")]
    Datalist {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The system would not read a list.
    #[error(
        "{path}: cannot be read ({source}); give the folder that holds `dataset.json`, or the list itself"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A datalist names a file that is not there.
    #[error(
        "{list}: case {case} names {file}, which does not exist; restore the file or take the case out of the list"
    )]
    MissingFile {
        /// The datalist.
        list: PathBuf,
        /// The case.
        case: String,
        /// The file.
        file: PathBuf,
    },
    /// A file of nnU-Net or MONAI (plans, dataset.json, a fingerprint, splits) cannot be used.
    #[error("{path}: {reason}")]
    Plans {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A configuration that plans do not have, or that goes in a circle.
    #[error("plans `{plans}`: {reason}")]
    Configuration {
        /// The plans' name.
        plans: String,
        /// What is wrong.
        reason: String,
    },
    /// Labels that are not valid.
    #[error("{reason}")]
    Labels {
        /// What is wrong, and what is expected.
        reason: String,
    },
    /// A value that does not fit its key.
    #[error("{0}")]
    Json(serde_json::Error),
    /// A case cannot be used.
    #[error("case {case}: {reason}")]
    Case {
        /// The case.
        case: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// Folds cannot be made.
    #[error("{0}")]
    Folds(String),
    /// No plan can be made.
    #[error("no plan can be made: {0}")]
    Plan(String),
    /// An image could not be processed.
    #[error("{0}")]
    Filter(#[source] vesalius_filters::Error),
    /// A file could not be read or written.
    #[error("{0}")]
    Io(#[source] vesalius_io::Error),
    /// A volume, geometry or label scheme is wrong.
    #[error("{0}")]
    Volume(#[from] vesalius_volume::Error),
    /// The work was cancelled.
    #[error("{0}")]
    Cancelled(#[from] Cancelled),
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::MissingFile { .. } => ErrorKind::NotFound,
            Self::Unreadable { source, .. } => ErrorKind::of_io(source),
            Self::Filter(error) => error.kind(),
            Self::Volume(error) => error.kind(),
            Self::Io(error) => error.kind(),
            Self::Cancelled(_) => ErrorKind::Cancelled,
            Self::Datalist { .. }
            | Self::Plans { .. }
            | Self::Configuration { .. }
            | Self::Labels { .. }
            | Self::Json(_)
            | Self::Case { .. }
            | Self::Folds(_)
            | Self::Plan(_) => ErrorKind::BadInput,
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

impl From<vesalius_filters::Error> for Error {
    fn from(error: vesalius_filters::Error) -> Self {
        match error {
            vesalius_filters::Error::Cancelled(cancelled) => cancelled.into(),
            error => Self::Filter(error),
        }
    }
}
