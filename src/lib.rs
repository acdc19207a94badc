//! Medical image segmentation from the scan to the result, in Rust on Burn.
//!
//! This crate holds no code of its own. It re-exports the crates of the workspace behind cargo features, and
//! the modules of [`workflow`] that are called most under short names.
//!
//! | feature | adds |
//! |---|---|
//! | (none) | [`volume`], [`filters`], [`control`], [`registry`] |
//! | `io` (default) | [`io`], [`workflow`] with [`study`], [`resample`], [`filter`] |
//! | `infer` (default) | [`inferers`] with [`Segmenter`](inferers::Segmenter), [`networks`], [`bundles`], [`tensor`], [`transforms`], [`planning`], [`predict`], [`model`] |
//! | `evaluate` | [`metrics`], [`mod@evaluate`] |
//! | `view` | [`view`], [`transforms`], [`transform`], [`workflow::view`] |
//! | `train` | [`training`], [`reports`], [`losses`], [`train`] |
//! | `auto` | [`auto`], [`cluster`], [`workflow::auto`] |
//! | `dicom` | [`dicom`], [`workflow::derive`], [`workflow::clinic`]: DICOM objects written; `io` reads them |
//! | `clinic` | `dicom` and [`pacs`]: DICOM over the network |
//! | `onnx` | [`onnx`]: ONNX files, read with limits |
//! | `fetch` | [`fetch`]: public datasets, downloaded |
//! | `server` | [`server`]: job queue, HTTP interface, web page |
//! | `full` | all of these |
//! | `cuda`, `cuda-nvrtc`, `vulkan`, `wgpu` | devices besides the CPU |
//!
//! ```no_run
//! # fn main() -> vesalius::Result<()> {
//! use vesalius::prelude::*;
//!
//! let segmenter = Segmenter::open("runs/hippocampus")?;
//! let scan = vesalius::io::read("scan.nii.gz")?;
//! segmenter.segment(&scan)?.write("segmentation.nii.gz")?;
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

pub use vesalius_control as control;
pub use vesalius_filters as filters;
pub use vesalius_registry as registry;
pub use vesalius_volume as volume;

#[cfg(feature = "io")]
pub use vesalius_io as io;
#[cfg(feature = "io")]
pub use vesalius_workflow as workflow;
#[cfg(feature = "io")]
pub use vesalius_workflow::{
    Error, FileWarning, Result, filter, resample, slabs, study, transform_file,
};

#[cfg(feature = "dicom")]
pub use vesalius_dicom as dicom;

#[cfg(feature = "clinic")]
pub use vesalius_pacs as pacs;

#[cfg(feature = "fetch")]
pub use vesalius_fetch as fetch;

#[cfg(feature = "onnx")]
pub use vesalius_onnx as onnx;

#[cfg(feature = "server")]
pub use vesalius_server as server;

#[cfg(feature = "infer")]
pub use vesalius_bundles as bundles;
#[cfg(feature = "infer")]
pub use vesalius_inferers as inferers;
#[cfg(feature = "infer")]
#[doc(hidden)]
pub use vesalius_kernels as kernels;
#[cfg(feature = "infer")]
pub use vesalius_networks as networks;
#[cfg(feature = "infer")]
pub use vesalius_planning as planning;
#[cfg(feature = "infer")]
pub use vesalius_tensor as tensor;
/// Burn 0.22, for programs that write tensors, modules or optimisers of their own: other versions do not fit.
#[cfg(feature = "infer")]
pub use vesalius_tensor::burn;
#[cfg(feature = "infer")]
pub use vesalius_workflow::{interactive, model, predict};

#[cfg(any(feature = "infer", feature = "view"))]
pub use vesalius_transforms as transforms;

#[cfg(feature = "evaluate")]
pub use vesalius_metrics as metrics;
#[cfg(feature = "evaluate")]
pub use vesalius_workflow::evaluate;

#[cfg(feature = "view")]
pub use vesalius_view as view;
#[cfg(feature = "view")]
pub use vesalius_workflow::transform;

#[cfg(feature = "train")]
pub use vesalius_losses as losses;
#[cfg(feature = "train")]
pub use vesalius_reports as reports;
#[cfg(feature = "train")]
pub use vesalius_training as training;
#[cfg(feature = "train")]
pub use vesalius_workflow::train;

#[cfg(feature = "auto")]
pub use vesalius_auto as auto;
#[cfg(feature = "auto")]
pub use vesalius_cluster as cluster;

/// The README's program is compiled.
#[cfg(all(doctest, feature = "infer"))]
#[doc = include_str!("../README.md")]
mod readme {}

/// The programs that stand in the book's pages are compiled and run.
#[cfg(all(doctest, feature = "full"))]
mod book {
    #[doc = include_str!("../docs/devices.md")]
    mod devices {}
    #[doc = include_str!("../docs/faq.md")]
    mod faq {}
    #[doc = include_str!("../docs/filters.md")]
    mod filters {}
    #[doc = include_str!("../docs/formats.md")]
    mod formats {}
    #[doc = include_str!("../docs/from-dicom.md")]
    mod from_dicom {}
    #[doc = include_str!("../docs/from-monai.md")]
    mod from_monai {}
    #[doc = include_str!("../docs/from-nnunet.md")]
    mod from_nnunet {}
    #[doc = include_str!("../docs/from-simpleitk.md")]
    mod from_simpleitk {}
    #[doc = include_str!("../docs/pacs.md")]
    mod pacs {}
    #[doc = include_str!("../docs/inference.md")]
    mod inference {}
    #[doc = include_str!("../docs/install.md")]
    mod install {}
    #[doc = include_str!("../docs/losses.md")]
    mod losses {}
    #[doc = include_str!("../docs/metrics.md")]
    mod metrics {}
    #[doc = include_str!("../docs/models.md")]
    mod models {}
    #[doc = include_str!("../docs/networks.md")]
    mod networks {}
    #[doc = include_str!("../docs/training.md")]
    mod training {}
    #[doc = include_str!("../docs/transforms.md")]
    mod transforms {}
    #[doc = include_str!("../docs/unions.md")]
    mod unions {}
}

/// What most programs need, in one line.
pub mod prelude {
    pub use vesalius_control::Control;
    pub use vesalius_registry::Registry;
    pub use vesalius_volume::{ErrorKind, Geometry, LabelMap, LabelScheme, Subject, Volume};

    #[cfg(feature = "infer")]
    pub use vesalius_inferers::{
        Inferer, ModelDescription, OpenOptions, SegmentOptions, Segmentation, Segmenter,
    };
    #[cfg(feature = "infer")]
    pub use vesalius_tensor::{Device, Logits, Probabilities, Tensor, parse_device};

    #[cfg(feature = "infer")]
    pub use vesalius_planning::Datalist;
    #[cfg(feature = "train")]
    pub use vesalius_training::{FitOptions, TrainingConfig, TrainingData, fit, load_dataset};
}
