//! What can fail when talking to another application entity, or with what is to be sent.

use crate::Status;
use std::path::{Path, PathBuf};
use std::time::Duration;
use vesalius_control::Cancelled;
use vesalius_volume::ErrorKind;

/// An error of this crate. No message quotes a value of a patient's data set.
///
/// ```
/// use vesalius_control::Control;
/// use vesalius_pacs::{AeTitle, Client, Error};
/// use vesalius_volume::ErrorKind;
///
/// // Nothing listens on port 1.
/// let client = Client::new("127.0.0.1:1", AeTitle::new("PACS")?, AeTitle::new("VESALIUS")?);
/// let error = client.echo(&Control::new()).unwrap_err();
/// assert!(matches!(error, Error::Connect { .. }) && error.may_succeed_later());
/// assert_eq!(error.kind(), ErrorKind::System);
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text that is no AE title.
    #[error(
        "`{title}` is no AE title: {problem}; expected 1 to 16 printable ASCII characters without a backslash"
    )]
    Title {
        /// The text, at most 64 characters of it.
        title: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// The system failed to read or write.
    #[error("{doing} failed: {source}")]
    Io {
        /// What was done.
        doing: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// No connection.
    #[error(
        "cannot connect to {address}: {source}; check the address, and that the peer is running"
    )]
    Connect {
        /// Host and port.
        address: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// TLS cannot be used, or the peer's certificate is not accepted.
    #[error("TLS: {0}")]
    Tls(String),
    /// The peer did not accept the association.
    #[error("the peer rejected the association: {reason}")]
    Rejected {
        /// Whether asking again is useless.
        permanent: bool,
        /// The reason, and what to do.
        reason: String,
    },
    /// The peer ended the association.
    #[error("the peer aborted the association ({0})")]
    Aborted(String),
    /// The connection was closed in the middle.
    #[error("the peer closed the connection while {0}")]
    Closed(&'static str),
    /// The peer took too long.
    #[error("the peer did not answer: {waiting_for} took longer than {} s", after.as_secs_f32())]
    Timeout {
        /// What was waited for.
        waiting_for: &'static str,
        /// How long.
        after: Duration,
    },
    /// The peer broke the rules of the protocol.
    #[error("the peer does not follow the protocol: {0}")]
    Protocol(String),
    /// More than a limit allows.
    #[error("{what}: {found} bytes, and at most {limit} are taken")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How much it is.
        found: u64,
        /// How much it may be.
        limit: u64,
    },
    /// The peer accepted no presentation context for a service.
    #[error("the peer does not offer {0}")]
    NotAccepted(String),
    /// The peer answered with a failure.
    #[error("{operation} failed: {status}{}", comment.as_deref().map(|c| format!(", `{c}`")).unwrap_or_default())]
    Failed {
        /// The operation.
        operation: &'static str,
        /// The peer's status.
        status: Status,
        /// The peer's comment.
        comment: Option<String>,
    },
    /// A file that cannot be sent.
    #[error("{path}: {problem}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// A data set that cannot be read or written.
    #[error("the data set cannot be used: {0}")]
    DataSet(String),
    /// A query or a setting that cannot be used.
    #[error("{0}")]
    Settings(String),
    /// An HTTP server answered with an error.
    #[error("the server answered {status} to {request}{}", web_hint(*status))]
    Http {
        /// The status code.
        status: u16,
        /// The request's method and service, without identifiers.
        request: &'static str,
    },
    /// An HTTP request failed before an answer.
    #[error("{request} failed: {problem}")]
    Request {
        /// The request's method and service, without identifiers.
        request: &'static str,
        /// Why.
        problem: String,
    },
    /// The work was cancelled through its `Control`.
    #[error("cancelled")]
    Cancelled,
}

fn web_hint(status: u16) -> &'static str {
    match status {
        401 | 403 => "; check the token or the client certificate",
        404 => "; check the path of the service in the URL, and that the object exists",
        413 => "; the server takes less at once",
        503 => "; try again later",
        _ => "",
    }
}

impl Error {
    /// The kind, for programs that decide by it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { source, .. } => ErrorKind::of_io(source),
            Self::Cancelled => ErrorKind::Cancelled,
            Self::NotAccepted(_) => ErrorKind::Unsupported,
            Self::Title { .. } | Self::File { .. } | Self::Settings(_) => ErrorKind::BadInput,
            Self::DataSet(_) | Self::TooLarge { .. } => ErrorKind::Corrupt,
            Self::Http { status: 404, .. } => ErrorKind::NotFound,
            Self::Rejected {
                permanent: false, ..
            } => ErrorKind::Busy,
            Self::Rejected { .. } | Self::Tls(_) => ErrorKind::BadInput,
            _ => ErrorKind::System,
        }
    }

    /// Whether the same request may succeed later without a change: the peer was not reachable, busy or too slow.
    pub fn may_succeed_later(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::Aborted(_)
            | Self::Closed(_)
            | Self::Timeout { .. }
            | Self::Request { .. } => true,
            Self::Rejected { permanent, .. } => !permanent,
            Self::Failed { status, .. } => status.may_succeed_later(),
            Self::Http { status, .. } => matches!(status, 408 | 429 | 500..),
            _ => false,
        }
    }

    pub(crate) fn io(doing: impl Into<String>, source: std::io::Error) -> Self {
        let doing = doing.into();
        Self::Io { doing, source }
    }

    pub(crate) fn file(path: &Path, problem: impl Into<String>) -> Self {
        Self::File {
            path: path.to_owned(),
            problem: problem.into(),
        }
    }

    pub(crate) fn protocol(problem: impl Into<String>) -> Self {
        Self::Protocol(problem.into())
    }
}

impl From<Cancelled> for Error {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// A message and those of its causes, in one line.
pub(crate) fn reasons(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
