//! nnU-Net v2's trained-model folders: its plans and checkpoints become a model description, and its
//! own way from the file to the network and back is kept to the voxel.

mod configuration;
mod folder;
mod folds;
mod pipeline;
mod postprocessing;

pub use folder::NnUnetModelFolder;
pub use pipeline::NnUnetPipeline;
