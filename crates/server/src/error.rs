//! What can go wrong before a request is answered, and why work is refused.

use std::path::{Path, PathBuf};

/// An error of the server itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder of the spool that could not be read, written or moved.
    #[error("{}: {source}; check that the folder of the spool exists, may be written and has space", path.display())]
    Spool {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another server holds the spool, or its lock could not be made.
    #[error("the spool cannot be taken: {0}; give each server a folder of its own")]
    Locked(vesalius_io::Error),
    /// An engine without a model or a device.
    #[error("the server was given no model; name at least one folder of a model")]
    NoModel,
    /// An address that other machines reach, without what that asks for.
    #[error("{0}")]
    Exposed(String),
    /// An address that could not be taken.
    #[error("{address}: {source}; another program may use the port, so choose another address")]
    Listen {
        /// The address.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A certificate or key that could not be used.
    #[error("TLS: {0}")]
    Tls(String),
    /// A file of settings that cannot be used.
    #[error("{}: {reason}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// A limit that is out of range.
    #[error("limits: {name}: expected {expected}")]
    Limit {
        /// The name in the file.
        name: &'static str,
        /// What is expected.
        expected: &'static str,
    },
    /// A system that gives no random numbers, threads or runtime.
    #[error("the system refused what the server needs: {0}")]
    System(std::io::Error),
}

impl Error {
    pub(crate) fn spool(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Spool { path, source }
    }
}

/// Why the queue does not take work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Too many jobs wait.
    #[error("{waiting} jobs wait or run, which is the limit; try again later")]
    QueueFull {
        /// How many.
        waiting: usize,
    },
    /// Too many jobs are kept.
    #[error("{kept} jobs are kept, which is the limit; delete finished ones")]
    TooManyJobs {
        /// How many.
        kept: usize,
    },
    /// The input is too large.
    #[error("the input has more than {limit} bytes, which is the limit of this server")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The jobs take too many bytes together.
    #[error("the jobs of this server take {used} of {limit} bytes; delete finished ones")]
    SpoolFull {
        /// What they take.
        used: u64,
        /// What they may take.
        limit: u64,
    },
    /// The disk is nearly full.
    #[error(
        "the disk of this server is nearly full ({free} bytes are free); delete finished jobs, or ask who runs the server"
    )]
    DiskFull {
        /// What is free.
        free: u64,
    },
    /// The input is of no known format.
    #[error(
        "the first bytes belong to no format that this server takes; send NIfTI (.nii, .nii.gz), NRRD, MetaImage (.mha), or a zip archive of a DICOM series"
    )]
    UnknownFormat,
    /// No such model.
    #[error("there is no model {name:?}; choose one of: {known}")]
    UnknownModel {
        /// The name that was asked for.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// The server is stopping.
    #[error("the server is stopping; try again later")]
    Stopping,
    /// The disk failed.
    #[error("the server could not write to its disk; nothing was accepted, try again later")]
    Disk,
}
