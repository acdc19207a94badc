//! nnU-Net v2's trained-model folders: its plans and checkpoints become a model description, and its
//! own preprocessing and export are reproduced to the voxel.

mod arguments;
mod configuration;
mod folder;
mod folds;
mod pipeline;
mod postprocessing;
mod resampling;
mod trainer;

pub use folder::{NnUnetFolderOptions, NnUnetModelFolder};
pub use pipeline::NnUnetPipeline;
pub(crate) use resampling::Spline;
pub use resampling::{AcrossMode, NnUnetInterpolation, TorchInterpolation, TorchLabels, TorchMode};
