//! What can be wrong with an evaluation: one sentence each, with the remedy.

use vesalius_control::Cancelled;
use vesalius_volume::ErrorKind;

/// An error of this crate.
///
/// ```
/// use vesalius_metrics::{Error, Measure};
///
/// let error = Measure::named("dize", 1.0).unwrap_err();
/// assert!(matches!(error, Error::UnknownMeasure { .. }));
/// assert!(error.to_string().contains("dice"), "the nearest name is in the message");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The work was cancelled.
    #[error("{0}")]
    Cancelled(#[from] Cancelled),
    /// Reference and prediction do not lie on one grid, or a label scheme contradicts itself.
    #[error("{0}")]
    Volume(#[from] vesalius_volume::Error),
    /// The list of targets contradicts itself.
    #[error("what is scored: {0}")]
    BadTargets(String),
    /// Cases of one evaluation that were scored in different ways.
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
        /// The name found.
        name: String,
    },
    /// A user-defined measure cannot be made.
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
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Cancelled(_) => ErrorKind::Cancelled,
            Self::Volume(error) => error.kind(),
            Self::Registry(error) => error.kind(),
            _ => ErrorKind::BadInput,
        }
    }
}
