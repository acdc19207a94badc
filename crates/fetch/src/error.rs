//! What can go wrong between an address and a folder.

use crate::Checksum;
use crate::disk::Bytes;
use crate::source::task_names;
use std::path::PathBuf;
use vesalius_control::Cancelled;
use vesalius_volume::ErrorKind;

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name that no task has.
    #[error(
        "no dataset is called `{found}`; there are {}, and anything at a URL",
        task_names()
    )]
    UnknownTask {
        /// The name.
        found: String,
    },
    /// A URL that cannot be fetched.
    #[error("`{url}` cannot be fetched: {reason}")]
    BadUrl {
        /// The URL, without a password.
        url: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A checksum that is none.
    #[error("`{found}` is not a SHA-256; expected 64 hexadecimal digits")]
    BadChecksum {
        /// The text.
        found: String,
    },
    /// A server that cannot be reached, or a connection that is lost again and again.
    #[error("{url} cannot be fetched: {reason}; what has come is kept and continued by the next try{}", offline(*.unreachable))]
    Network {
        /// The URL.
        url: String,
        /// What the system says.
        reason: String,
        /// Whether no connection came about at all.
        unreachable: bool,
    },
    /// An answer that is none of the file.
    #[error("{url}: the server answered {status}{}", meaning(*.status))]
    Status {
        /// The URL.
        url: String,
        /// The status of HTTP.
        status: u16,
    },
    /// An answer that contradicts itself or what was told before.
    #[error("{url}: {reason}")]
    Answer {
        /// The URL.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// A file that is larger than allowed.
    #[error("{url} has {} or more, above the limit of {}", Bytes(*.size), Bytes(*.limit))]
    TooLarge {
        /// The URL.
        url: String,
        /// Its size in bytes, as far as it is known.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A disk without room.
    #[error("{path}: {} are needed for {what}, {} are free", Bytes(*.needed), Bytes(*.free))]
    NoRoom {
        /// The folder.
        path: PathBuf,
        /// What needs it.
        what: &'static str,
        /// In bytes.
        needed: u64,
        /// In bytes.
        free: u64,
    },
    /// Bytes that are not those that were meant.
    #[error(
        "{url}: expected {expected}, found {found}; the file there is another one or damaged, and nothing of it was kept"
    )]
    Checksum {
        /// The URL.
        url: String,
        /// What was expected.
        expected: Checksum,
        /// What came.
        found: Checksum,
    },
    /// An archive that cannot be unpacked, or must not be.
    #[error("{archive}: {entry}: {reason}; nothing was unpacked")]
    Archive {
        /// The archive's name.
        archive: String,
        /// The entry, or where in the archive.
        entry: String,
        /// What is wrong.
        reason: String,
    },
    /// A dataset without files that its list names.
    #[error("{list} names {count} that the archive does not have: {first}; nothing was unpacked")]
    Incomplete {
        /// The list.
        list: PathBuf,
        /// How many files, with the word.
        count: String,
        /// The first of them.
        first: String,
    },
    /// A folder that is there and is not the dataset.
    #[error("{path} is there already and is not the whole dataset ({reason})")]
    Exists {
        /// The folder.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// Another process that fetches the same.
    #[error("{path} is being written by another process; wait for it to end")]
    Busy {
        /// The unfinished download.
        path: PathBuf,
    },
    /// A file that the system does not read or write.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A `dataset.json` that cannot be read.
    #[error("{0}")]
    Dataset(#[from] Box<vesalius_planning::Error>),
    /// Cancelled; what has come is kept.
    #[error("cancelled; what has come is kept, and the same call continues it")]
    Cancelled,
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownTask { .. } => ErrorKind::NotFound,
            Self::BadUrl { .. } | Self::BadChecksum { .. } | Self::TooLarge { .. } => {
                ErrorKind::BadInput
            }
            Self::Status {
                status: 404 | 410, ..
            } => ErrorKind::NotFound,
            Self::Network { .. } | Self::Status { .. } | Self::NoRoom { .. } => ErrorKind::System,
            Self::Answer { .. }
            | Self::Checksum { .. }
            | Self::Archive { .. }
            | Self::Incomplete { .. } => ErrorKind::Corrupt,
            Self::Exists { .. } => ErrorKind::BadInput,
            Self::Busy { .. } => ErrorKind::Busy,
            Self::File { source, .. } => ErrorKind::of_io(source),
            Self::Dataset(error) => error.kind(),
            Self::Cancelled => ErrorKind::Cancelled,
        }
    }

    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}

impl From<Cancelled> for Error {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// What to do where nothing was reached.
fn offline(unreachable: bool) -> &'static str {
    match unreachable {
        true => {
            ". Without a network, fetch the file elsewhere and name its folder as a mirror (`file:///folder`)"
        }
        false => "",
    }
}

/// What a status means to the reader.
fn meaning(status: u16) -> &'static str {
    match status {
        401 | 403 => " (the file is not public)",
        404 | 410 => " (there is no such file)",
        407 => " (the proxy wants a name and a password)",
        429 => " (too many requests; try again later)",
        500..=599 => " (the server failed; try again later)",
        _ => "",
    }
}
