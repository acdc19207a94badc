//! What can be wrong with a loss's options or its target: one sentence each, with the remedy.

use vesalius_volume::ErrorKind;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Options that contradict themselves.
    #[error("loss `{loss}`: {problem}")]
    BadConfig {
        /// The loss's name in a config.
        loss: &'static str,
        /// What is wrong, by key, and what is allowed.
        problem: String,
    },
    /// A target that does not lie on the output's grid.
    #[error("the target has shape {found:?}, but the network's output needs {expected:?}")]
    WrongShape {
        /// The target's shape.
        found: Vec<usize>,
        /// The shape needed.
        expected: Vec<usize>,
    },
    /// An error of the filters, which compute distances.
    #[error("{0}")]
    Filters(#[from] vesalius_filters::Error),
    /// An error of the tensor crate.
    #[error("{0}")]
    Tensor(#[from] vesalius_tensor::Error),
    /// A config names a user-defined loss that cannot be made.
    #[error("{0}")]
    Registry(#[from] vesalius_registry::Error),
    /// An error of a user-defined loss.
    #[error("{0}")]
    Custom(Box<dyn std::error::Error + Send + Sync>),
}

vesalius_registry::custom_error! {
    /// An error of a user-defined loss: a text, or any error.
    Error
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Filters(error) => error.kind(),
            Self::Tensor(error) => error.kind(),
            Self::Registry(error) => error.kind(),
            _ => ErrorKind::BadInput,
        }
    }
}
