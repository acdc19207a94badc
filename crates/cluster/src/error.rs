//! What can go wrong between this machine and a scheduler.

use std::path::PathBuf;
use vesalius_volume::ErrorKind;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A program of the scheduler that cannot be started.
    #[error(
        "`{program}` cannot be started ({source}); run this where the scheduler's programs are, such as a login node"
    )]
    NoProgram {
        /// The program.
        program: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// A program of the scheduler that failed.
    #[error("`{program}` failed: {reason}")]
    Program {
        /// The program.
        program: String,
        /// What it said.
        reason: String,
    },
    /// A file of the work that cannot be used.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A setting that makes no sense.
    #[error("slurm.{key} is `{found}`, expected {expected}")]
    BadSetting {
        /// The key.
        key: String,
        /// The value.
        found: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// A file could not be written.
    #[error("{0}")]
    Io(#[from] vesalius_io::Error),
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NoProgram { .. } => ErrorKind::NotFound,
            Self::Program { .. } => ErrorKind::System,
            Self::File { .. } | Self::BadSetting { .. } => ErrorKind::BadInput,
            Self::Io(error) => error.kind(),
        }
    }
}
