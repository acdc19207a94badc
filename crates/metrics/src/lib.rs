//! How far two label maps agree: overlap, surfaces, volumes, objects; per case and over cases.
//!
//! Start at [`Evaluator`] for a whole evaluation, at [`Confusion`] for one pass over two label
//! maps. A measure that has no value is an [`Outcome`], never a NaN. Nothing here reads files.

mod confusion;
mod error;
mod evaluation;
mod evaluator;
mod measure;
mod outcome;
mod overlap;
mod target;

pub use confusion::{Confusion, Entry};
pub use error::Error;
pub use evaluation::{CaseScores, Evaluation, Summary};
pub use evaluator::Evaluator;
pub use measure::Measure;
pub use outcome::{Outcome, Score};
pub use overlap::Overlap;
pub use target::{Target, Targets};

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
