//! What can be wrong with an evaluation: one sentence each, with the remedy.

use vesalius_control::Cancelled;
use vesalius_volume::ErrorKind;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The work was cancelled.
    #[error("{0}")]
    Cancelled(#[from] Cancelled),
    /// Reference and prediction do not lie on one grid, or a label scheme contradicts itself.
    #[error("{0}")]
    Volume(#[from] vesalius_volume::Error),
    /// The list of what is scored contradicts itself.
    #[error("what is scored: {0}")]
    BadTargets(String),
    /// Cases that were scored in different ways met in one evaluation.
    #[error(
        "case `{case}` was scored for {found}, the cases before it for {expected}; score all cases of an evaluation with one `Evaluator`"
    )]
    MixedCases {
        /// The case that does not fit.
        case: String,
        /// What it was scored for.
        found: String,
        /// What the first case was scored for.
        expected: String,
    },
    /// Two cases with one name.
    #[error("case `{0}` occurs twice; each case of an evaluation needs a name of its own")]
    CaseTwice(String),
    /// A measure that is neither built in nor registered.
    #[error("{}", vesalius_volume::unknown_name("measure", .name, &crate::Measure::NAMES))]
    UnknownMeasure {
        /// The name asked for.
        name: String,
    },
    /// A measure of the user's own cannot be made.
    #[error("{0}")]
    Registry(#[from] vesalius_registry::Error),
    /// A number that an option does not allow.
    #[error("{option} is {found}, expected {expected}")]
    BadOption {
        /// Which option.
        option: &'static str,
        /// What it was set to.
        found: String,
        /// What it may be.
        expected: &'static str,
    },
}

impl Error {
    /// What sort of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Cancelled(_) => ErrorKind::Cancelled,
            Self::Volume(error) => error.kind(),
            Self::Registry(error) => error.kind(),
            _ => ErrorKind::BadInput,
        }
    }
}
