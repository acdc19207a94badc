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
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] vesalius_io::Error),
    /// A volume, geometry or label scheme is wrong.
    #[error(transparent)]
    Volume(#[from] vesalius_volume::Error),
}
