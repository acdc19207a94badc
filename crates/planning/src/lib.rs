//! What a dataset is and what should be done with it, before any network is built: [`Datalist`] says
//! which files make a dataset; fingerprints measure it; planners turn a fingerprint into a plan.
//!
//! Knows no Burn, so that plans can be read and written without a backend.

mod datalist;
mod error;
pub mod nnunet;

pub use datalist::{CaseFiles, Datalist};
pub use error::Error;

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
