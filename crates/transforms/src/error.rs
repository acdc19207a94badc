//! What can be wrong with a transform or with what it is applied to.

/// An error of this crate.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
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
    /// A patch was asked for that no case can give.
    #[error("patch size {found:?}: {reason}")]
    BadPatch {
        /// The size asked for, `[x, y, z]`.
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
    /// A filter refused.
    #[error("{0}")]
    Filter(#[from] vesalius_filters::Error),
    /// A geometry or volume is not usable.
    #[error("{0}")]
    Volume(#[from] vesalius_volume::Error),
}
