//! Work over files: what the command, a server and a cluster job all call.
//!
//! Each module takes paths and options, reads, calls the crates below, and writes; it returns what it found as
//! data, and prints nothing. Programs reach the modules as `vesalius::predict`, `vesalius::evaluate` and so on.
//!
//! ```
//! use vesalius_volume::{Geometry, Volume};
//! use vesalius_workflow::filter::{FilterJob, named};
//!
//! // A made scan with one bright voxel, smoothed by 1.5 mm.
//! let folder = tempfile::tempdir()?;
//! let (scan, smooth) = (folder.path().join("scan.nii.gz"), folder.path().join("smooth.nii.gz"));
//! let grid = Geometry::axis_aligned([9, 9, 9], [1.0; 3])?;
//! let image = Volume::from_fn(grid, |at| if at == [4, 4, 4] { 100.0_f32 } else { 0.0 });
//! vesalius_io::write(&scan, &image)?;
//!
//! let values = named("gaussian")?.values([("sigma", "1.5")])?;
//! FilterJob::new(&scan, values).output(&smooth).run(&mut |_| ())?;
//! let result = vesalius_io::read(&smooth)?;
//! let peak = result.data().iter().copied().fold(0.0, f32::max);
//! assert!(peak > 0.5 && peak < 50.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Contents
//!
//! | topic | modules |
//! |---|---|
//! | segmentation | [`predict`] (cases through a model), [`model`] (networks and weights by themselves) |
//! | measurement | [`evaluate`], [`interactive`] (a model that takes clicks) |
//! | images | [`resample`], [`filter`] (every filter by name), [`study`] (several images as one subject), [`transform`] (a chain of transforms), [`view`] (pictures), [`transform_file`], [`slabs`] |
//! | DICOM | [`mod@derive`] (an image as a series), [`clinic`] (labels as SEG and RTSTRUCT) |
//! | where results go | [`mod@output`] (existing files, missing folders, inputs as outputs) |
//! | the machine | [`doctor`] |
//! | training | [`train`] (one model), [`auto`] (from a dataset to a model) |
//! | errors | [`Error`] (any error of these crates, with its kind) |
//!
//! `predict`, `model`, `interactive` and `doctor` need the feature `infer`; `evaluate`, `train` and `auto` the one of their name;
//! `transform` and `view` need `view`, `derive` and `clinic` need `dicom`.

#![forbid(unsafe_code)]

#[cfg(feature = "auto")]
pub mod auto;
#[cfg(feature = "dicom")]
pub mod clinic;
#[cfg(feature = "dicom")]
pub mod derive;
#[cfg(feature = "infer")]
pub mod doctor;
mod error;
#[cfg(feature = "evaluate")]
pub mod evaluate;
mod file_error;
pub mod filter;
#[cfg(feature = "infer")]
pub mod interactive;
mod kind;
#[cfg(any(feature = "dicom", feature = "evaluate", feature = "view"))]
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
