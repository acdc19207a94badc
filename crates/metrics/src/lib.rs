//! How far two label maps agree: overlap, surfaces, volumes, objects; per case and over cases.
//!
//! Start at [`Evaluator`] for a whole evaluation, at [`Confusion`] for one pass over two label
//! maps. A measure that has no value is an [`Outcome`], never a NaN. Nothing here reads files.

#![forbid(unsafe_code)]

mod bits;
mod boundary;
mod cells;
mod centre_line;
mod confidence;
mod confusion;
mod custom;
mod error;
mod evaluation;
mod evaluator;
mod extents;
mod generalised;
mod measure;
mod nearest;
mod objects;
mod outcome;
mod overlap;
mod pairs;
mod report;
mod rim;
mod rows;
mod surface;
mod table;
mod target;
mod thinning;

pub use boundary::{AverageSurfaceDistance, Directions, Hausdorff, SurfaceDice};
pub use confidence::{Bootstrap, Interval};
pub use confusion::{Confusion, Entry};
pub use custom::{CustomMeasure, RegisterMeasure};
pub use error::Error;
pub use evaluation::{CaseScores, Evaluation, Summary};
pub use evaluator::Evaluator;
pub use generalised::{LabelWeight, generalised_dice};
pub use measure::{Better, Measure};
pub use objects::{Detection, ObjectMatching};
pub use outcome::{Outcome, Score};
pub use overlap::Overlap;
pub use report::Report;
pub use rim::BoundaryIou;
pub use surface::{Directed, Surface, SurfaceDistances};
pub use table::Table;
pub use target::{Target, Targets};
pub use thinning::centre_line;

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
