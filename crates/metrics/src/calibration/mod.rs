//! Whether probabilities are what they claim to be, and whether uncertainty finds the errors.

mod errors;
mod input;
mod reliability;
mod risk_coverage;

pub use errors::{ProbabilityErrors, probability_errors, probability_errors_with};
pub use input::ProbabilityKind;
pub use reliability::{
    BinEdges, ReliabilityBin, ReliabilityDiagram, ReliabilityOptions, reliability, reliability_with,
};
pub use risk_coverage::{CoveragePoint, RiskCoverage};
