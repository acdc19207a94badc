//! What can be wrong with a dataset or a plan: one sentence each, with the file or key and the remedy.

use std::path::PathBuf;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A datalist cannot be used.
    #[error("{path}: {reason}")]
    Datalist {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
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
    /// nnU-Net's plans or dataset.json cannot be used.
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
    /// Labels that make no sense.
    #[error("{reason}")]
    Labels {
        /// What is wrong, and what is expected.
        reason: String,
    },
    /// A value that is not what its key wants.
    #[error(transparent)]
    Json(serde_json::Error),
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] vesalius_io::Error),
    /// A volume, geometry or label scheme is wrong.
    #[error(transparent)]
    Volume(#[from] vesalius_volume::Error),
}
