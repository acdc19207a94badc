//! Work over files: what the command, a server and a cluster job all call.
//!
//! Each module takes paths and options, reads, calls the crates below, and writes; it returns what it found as
//! data, and prints nothing. Programs reach the modules as `vesalius::predict`, `vesalius::evaluate` and so on.
//!
//! - Segmentation: [`predict`] (cases through a model), [`model`] (networks and weights by themselves).
//! - Measurement: [`evaluate`].
//! - Images: [`resample`], [`filter`] (every filter by name), [`study`] (several images as one subject),
//!   [`transform`] (a chain of transforms), [`view`] (pictures), [`transform_file`] and [`slabs`].
//! - Where results go: [`mod@output`] (what is there, missing folders, inputs as outputs).
//! - The machine: [`doctor`].
//! - Training: [`train`] (one model) and [`auto`] (from a dataset to a model).
//!
//! [`Error`] holds any error of these crates, with its kind.
//!
//! `predict`, `model` and `doctor` need the feature `infer`; `evaluate`, `train` and `auto` the one of their name;
//! `transform` and `view` need `view`.

#![forbid(unsafe_code)]

#[cfg(feature = "auto")]
pub mod auto;
#[cfg(feature = "infer")]
pub mod doctor;
mod error;
#[cfg(feature = "evaluate")]
pub mod evaluate;
mod file_error;
pub mod filter;
mod kind;
#[cfg(any(feature = "evaluate", feature = "view"))]
mod label_names;
#[cfg(feature = "infer")]
pub mod model;
pub mod output;
#[cfg(feature = "infer")]
pub mod predict;
pub mod resample;
pub mod slabs;
pub mod study;
#[cfg(feature = "train")]
pub mod train;
#[cfg(feature = "view")]
pub mod transform;
pub mod transform_file;
#[cfg(feature = "view")]
pub mod view;

pub use error::{Error, Result};
pub use file_error::FileError;
pub use kind::{FileKind, MayBeLabels, Notice};
pub use vesalius_volume::FileWarning;
