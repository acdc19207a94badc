//! Datasets, folds and plans, before any network is built: a [`Datalist`] lists the files of a dataset, a fingerprint
//! measures it, and a planner turns the fingerprint into a plan.
//!
//! This crate does not use Burn, so that plans can be read and written without a backend. Sizes and spacings are
//! `[x, y, z]`, except in [`nnunet`], whose files have the order of an array's axes (z, y, x).
//!
//! ```
//! use vesalius_planning::nnunet::{DatasetJson, Fingerprint, PlanOptions, Planner};
//! use vesalius_planning::{Datalist, FoldMethod, check_dataset};
//! use vesalius_volume::{Geometry, LabelMap, Volume};
//!
//! // Four cases: images in one folder, labels in another, paired by name.
//! let folder = tempfile::tempdir()?;
//! let (images, labels) = (folder.path().join("images"), folder.path().join("labels"));
//! std::fs::create_dir_all(&images)?;
//! std::fs::create_dir_all(&labels)?;
//! let grid = Geometry::axis_aligned([48, 48, 24], [1.0, 1.0, 2.0])?;
//! for case in 0..4 {
//!     let name = format!("case_{case}.nii.gz");
//!     let scan = Volume::from_fn(grid, |[x, y, z]| (1 + x + y + z + case) as i16);
//!     let mask = LabelMap::<u16>::from_fn(grid, |[x, y, _]| u16::from(x > 20 && y > 20));
//!     vesalius_io::write(images.join(&name), &scan)?;
//!     vesalius_io::write_labels(labels.join(&name), &mask)?;
//! }
//!
//! let mut list = Datalist::from_folders(&images, &labels)?;
//! assert!(!check_dataset(&list, None).has_errors());
//! list.assign_folds(2, &FoldMethod::NnUnet)?;
//! assert_eq!(list.split(0)?.0.len(), 2);
//!
//! // nnU-Net's fingerprint and plans.
//! let fingerprint = Fingerprint::extract(&list)?;
//! let dataset: DatasetJson = serde_json::from_str(
//!     r#"{"channel_names": {"0": "CT"}, "labels": {"background": 0, "organ": 1},
//!         "numTraining": 4, "file_ending": ".nii.gz"}"#,
//! )?;
//! let planned = Planner::NnUnet.plan(&fingerprint, &dataset, &PlanOptions::default())?;
//! assert_eq!(planned.plans.configuration("3d_fullres")?.spacing.unwrap(), [2.0, 1.0, 1.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Contents
//!
//! | topic | items |
//! |---|---|
//! | lists of files | [`Datalist`], [`DatalistOptions`], [`CaseFiles`], [`UnlabelledFiles`] |
//! | cases in memory | [`LoadedCase`], [`read_image`], [`read_image_with`], [`read_image_and_warnings`] |
//! | checks | [`check_dataset`], [`DatasetReport`], [`Problem`], [`ProblemKind`], [`Severity`], [`CaseFacts`] |
//! | folds | [`FoldMethod`], [`FoldCase`], [`Splits`], [`Split`] |
//! | one pass over a dataset | [`Analysis`], [`AnalysisOptions`] |
//! | nnU-Net | [`nnunet`]: `dataset.json`, fingerprints, `plans.json`, planners |
//! | Auto3DSeg | [`auto3dseg`]: `datastats.yaml` |
//! | YAML and JSON with the place of a fault and the nearest name | [`parse_yaml`], [`to_yaml`] |

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
pub use check::{
    CaseFacts, DatasetReport, Problem, ProblemKind, Severity, check_dataset, check_dataset_with,
};
pub use datalist::{CaseFiles, Datalist, DatalistOptions, UnlabelledFiles};
pub use error::Error;
pub use folds::{FoldCase, FoldMethod, Split, Splits};
pub use yaml::{parse_yaml, to_yaml};

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
