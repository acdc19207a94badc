//! Training: datasets, patches, the fit loop, checkpoints and logs.
//!
//! [`TrainingConfig`] is the YAML; [`Datalist`] says which files make a dataset; [`fit`] trains one
//! model and leaves a model folder. Batches follow from the seed and the step alone, so that a run
//! that was stopped goes on with the same sequence.

mod checkpoint;
mod config;
mod dataset;
mod error;
mod events;
mod fit;
mod loader;
mod log;
mod order;
mod run;
mod sampler;
mod schedule;
mod setup;
pub mod synthetic;
mod validate;

pub use checkpoint::{Best, Checkpoint, Progress};
pub use config::{AdamWConfig, Duration, OptimizerConfig, TrainingConfig, ValidationConfig};
pub use dataset::{Case, load_cases, read_case};
pub use error::Error;
pub use events::Event;
pub use fit::{FitOptions, FitReport, TrainingData, fit};
pub use loader::Loader;
pub use log::LOG_FILE;
pub use order::CaseOrder;
pub use run::{CHECKPOINT_FILE, CONFIG_FILE};
pub use sampler::{Batch, PatchSampler, cut_patch};
pub use schedule::Schedule;
pub use setup::load_dataset;
pub use validate::validate;
pub use vesalius_planning::{CaseFiles, Datalist, read_image};

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
