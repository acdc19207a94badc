//! What a dataset is and what should be done with it, before any network is built: [`Datalist`] says
//! which files make a dataset; fingerprints measure it; planners turn a fingerprint into a plan.
//!
//! Knows no Burn, so that plans can be read and written without a backend.

#![forbid(unsafe_code)]

mod analysis;
pub mod auto3dseg;
mod case;
mod check;
mod datalist;
mod error;
mod folds;
mod json;
pub mod nnunet;
mod numpy;
mod yaml;

pub use analysis::{Analysis, AnalysisOptions};
pub use case::{LoadedCase, read_image, read_image_and_warnings, read_image_with};
pub use check::{CaseFacts, DatasetReport, Problem, ProblemKind, Severity, check_dataset};
pub use datalist::{CaseFiles, Datalist, DatalistOptions, UnlabelledFiles};
pub use error::Error;
pub use folds::{FoldCase, FoldMethod, Split, Splits};

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
