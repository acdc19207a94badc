//! Errors of other crates as errors of training: work that was cancelled is cancelled here too.

use super::Error;
use vesalius_control::Cancelled;

impl From<Cancelled> for Error {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled(None)
    }
}

impl From<vesalius_planning::Error> for Error {
    fn from(error: vesalius_planning::Error) -> Self {
        match error {
            vesalius_planning::Error::Cancelled(cancelled) => cancelled.into(),
            error => Self::Planning(error),
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

impl From<vesalius_transforms::Error> for Error {
    fn from(error: vesalius_transforms::Error) -> Self {
        match error {
            vesalius_transforms::Error::Cancelled(cancelled) => cancelled.into(),
            error => Self::Transform(error),
        }
    }
}

impl From<vesalius_metrics::Error> for Error {
    fn from(error: vesalius_metrics::Error) -> Self {
        match error {
            vesalius_metrics::Error::Cancelled(cancelled) => cancelled.into(),
            error => Self::Metric(error),
        }
    }
}

impl From<vesalius_inferers::Error> for Error {
    fn from(error: vesalius_inferers::Error) -> Self {
        match error {
            vesalius_inferers::Error::Cancelled(cancelled) => cancelled.into(),
            error => Self::Inferer(error),
        }
    }
}
