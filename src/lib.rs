//! Medical image segmentation from the scan to the result, in Rust on Burn.
//!
//! This crate gathers the house under short names; each room stands in a crate of its own under
//! `crates/`. Work over files lives here: [`predict`], [`evaluate`], [`resample`], [`transform`], [`study`] and, for
//! networks by themselves, [`model`].
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use vesalius::prelude::*;
//!
//! let device = parse_device("cpu")?;
//! let segmenter = Segmenter::open("runs/hippocampus".as_ref(), &device)?;
//! let scan = vesalius::io::read("scan.nii.gz")?;
//! let labels = segmenter.segment(&scan)?;
//! vesalius::io::write_labels("segmentation.nii.gz", &labels)?;
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

pub mod evaluate;
pub mod model;
pub mod predict;
pub mod resample;
pub mod slabs;
pub mod study;
pub mod transform;
pub mod transform_file;
mod warning;

pub use vesalius_auto as auto;
pub use vesalius_filters as filters;
pub use vesalius_inferers as inferers;
pub use vesalius_io as io;
pub use vesalius_kernels as kernels;
pub use vesalius_losses as losses;
pub use vesalius_metrics as metrics;
pub use vesalius_networks as networks;
pub use vesalius_planning as planning;
pub use vesalius_tensor as tensor;
pub use vesalius_training as training;
pub use vesalius_transforms as transforms;
pub use vesalius_view as view;
pub use vesalius_volume as volume;
pub use warning::FileWarning;

/// What most programs need, in one line.
pub mod prelude {
    pub use vesalius_inferers::{Inferer, ModelDescription, Segmenter};
    pub use vesalius_tensor::{Device, Logits, Probabilities, Tensor, parse_device};
    pub use vesalius_training::{
        Datalist, FitOptions, TrainingConfig, TrainingData, fit, load_dataset,
    };
    pub use vesalius_volume::{Geometry, LabelMap, LabelScheme, Subject, Volume};
}
