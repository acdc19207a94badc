//! Detection: lesion candidates from probabilities, which of them hit a lesion, and the curves over cases.

mod curves;
mod extract;
mod judge;

pub use curves::{DetectionCurves, FrocPoint, area_under_roc};
pub use extract::{CandidateOptions, CandidateThreshold, Candidates};
pub use judge::{HitCriterion, JudgedCase, JudgedLesion, LesionTruth, OtherCandidates};
