//! What can be wrong with a transform or with what it is applied to.

use vesalius_volume::ErrorKind;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value in a transform's configuration is out of range.
    #[error("`{transform}`: {key} is {found}, expected {expected}")]
    BadValue {
        /// The transform's YAML name.
        transform: &'static str,
        /// The key.
        key: &'static str,
        /// The value found.
        found: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// A patch that no case can have.
    #[error("patch size {found:?}: {reason}")]
    BadPatch {
        /// The size requested, `[x, y, z]`.
        found: [i64; 3],
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// Weights of classes, of which there are more or fewer than classes.
    #[error(
        "`patch`: sampling.classes has {found} weights, expected {expected} weights: one for each of {classes}, in this order"
    )]
    ClassWeights {
        /// Weights that were given.
        found: usize,
        /// Weights that are needed.
        expected: usize,
        /// What they are for, in their order.
        classes: String,
    },
    /// Labels are needed and the case has none.
    #[error("case {case} has no labels, but {what} needs them")]
    NoLabels {
        /// The case.
        case: String,
        /// What needs the labels.
        what: &'static str,
    },
    /// A buffer is not a batch of equal samples.
    #[error(
        "a buffer of {length} values is no batch of {count} equal samples; give the whole batch"
    )]
    BadBatch {
        /// Values in the buffer.
        length: usize,
        /// Samples, or voxels of a sample, that it should hold.
        count: usize,
    },
    /// A user-defined step moved a case to another grid.
    #[error(
        "the custom step `{step}` changed the grid of case {case}; it may change values only, and moves are `Step::Grid`"
    )]
    GridChanged {
        /// The step.
        step: String,
        /// The case.
        case: String,
    },
    /// A config names a user-defined transform that is missing or cannot be made.
    #[error("{0}")]
    Registry(#[from] vesalius_registry::Error),
    /// An error of a user-defined transform.
    #[error("{0}")]
    Custom(Box<dyn std::error::Error + Send + Sync>),
    /// The work was cancelled between two transforms.
    #[error("{0}")]
    Cancelled(#[from] vesalius_control::Cancelled),
    /// An error of a filter.
    #[error("{0}")]
    Filter(#[from] vesalius_filters::Error),
    /// A geometry or volume is not usable.
    #[error("{0}")]
    Volume(#[from] vesalius_volume::Error),
}

vesalius_registry::custom_error! {
    /// An error of a user-defined transform: a text, or any error.
    Error
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Volume(error) => error.kind(),
            Self::Filter(error) => error.kind(),
            Self::Registry(error) => error.kind(),
            Self::Cancelled(_) => ErrorKind::Cancelled,
            _ => ErrorKind::BadInput,
        }
    }
}
