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
    /// The connected components of a mask cannot be numbered.
    #[error("the connected components of a mask: {0}")]
    Components(String),
    /// More voxels than a method can number.
    #[error(
        "{what}: the masks fill a box of {voxels} voxels, expected fewer than 2³²; crop the label maps around the structure first"
    )]
    TooLarge {
        /// Which method.
        what: &'static str,
        /// How many voxels were found.
        voxels: usize,
    },
    /// Numbers of cases that cannot be compared.
    #[error("numbers to compare: found {found}, expected {expected}")]
    Pairs {
        /// What was found.
        found: String,
        /// What it may be.
        expected: String,
    },
    /// Evaluations of models that cannot be compared.
    #[error(
        "model `{model}` {problem}; evaluate all models on the same cases, with the same labels and measures"
    )]
    Models {
        /// The model that does not fit.
        model: String,
        /// What does not fit.
        problem: String,
    },
    /// Too few raters or predictions of one case.
    #[error("{found} label maps of one case, expected {expected} or more")]
    Raters {
        /// How many were given.
        found: usize,
        /// How many are needed.
        expected: usize,
    },
    /// Raters whose masks leave nothing to estimate.
    #[error(
        "STAPLE of `{target}` has no value: the raters mark nothing, or all of them every voxel; leave the case out, or take the majority"
    )]
    NoConsensus {
        /// The key of the target.
        target: String,
    },
    /// A probability map that is none, or does not fit the labels.
    #[error("probabilities: {0}")]
    Probabilities(String),
    /// A value of an image that cannot weigh a voxel.
    #[error(
        "the image has the value {found} in a voxel of `{target}`, expected a finite number that is not negative, such as uptake"
    )]
    Weights {
        /// The value.
        found: f32,
        /// The key of the target.
        target: String,
    },
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
