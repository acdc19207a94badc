//! What was decided where a file or a dataset was ambiguous, contradictory or incomplete.
//!
//! Results carry these beside their values: a [`crate::Volume`] what reading its file decided, an evaluation
//! which cases it left out. The command prints each once per file; a caller may turn any into an error.

use serde::Serialize;

/// A decision that was made, or data that was left out, with the facts a caller needs to judge it.
///
/// Serialised as an object with `kind` and the fields of the variant.
#[derive(Debug, Clone, PartialEq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Warning {
    /// A NIfTI sform cannot be used; the position is that of the qform.
    #[error("the sform is not usable ({reason}); the position is that of the qform")]
    SformUnusable {
        /// What is wrong with it.
        reason: String,
    },
    /// The header's scaling slope is 0 or not finite; stored values were taken as they are.
    #[error("the scaling slope is {slope}, which means none: stored values are taken as they are")]
    NoScaling {
        /// The slope in the header.
        slope: f64,
    },
}
