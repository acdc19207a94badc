//! Training: datasets, patches, the fit loop, checkpoints and logs.
//!
//! [`TrainingConfig`] is the content of a training YAML file, [`Datalist`] lists the files of a dataset, and [`fit`]
//! trains one model and writes checkpoints, logs and a model folder. Pictures and reports are callbacks of
//! `vesalius-reports`. Batches follow from the seed and the step alone, so that a run that was stopped or killed
//! continues with the same sequence.
//!
//! A program may steer a run by [`FitOptions::callbacks`] and cancel it by [`FitOptions::control`]:
//!
//! ```
//! use vesalius_networks::{NetworkConfig, UNetConfig};
//! use vesalius_training::{
//!     Callbacks, Case, Event, FitOptions, MemoryCases, TrainingConfig, TrainingControl, TrainingData,
//!     fit, synthetic::Spheres,
//! };
//! use vesalius_volume::LabelScheme;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let network = NetworkConfig::UNet(UNetConfig {
//!     channels: vec![2, 4],
//!     strides: vec![2.into()],
//!     ..UNetConfig::default()
//! });
//! let config = TrainingConfig::new(network).patch([16, 16, 16]).steps(4);
//!
//! let labels = LabelScheme::exclusive(&[("a", 1), ("b", 2), ("c", 3)])?;
//! let case = Case::new(Spheres::default().subject(1, 0)?, &labels, &config.preprocessing)?;
//! let data = TrainingData {
//!     dataset: "spheres".to_owned(),
//!     channels: vec!["made".to_owned()],
//!     labels,
//!     training: MemoryCases::shared([case]),
//!     validation: MemoryCases::shared([]),
//!     warnings: Vec::new(),
//! };
//!
//! let halve_and_end = |event: &Event, run: &mut TrainingControl| {
//!     match event {
//!         Event::Step { step: 1, .. } => run.scale_learning_rate(0.5)?,
//!         Event::Step { step: 2, .. } => run.stop(),
//!         _ => {}
//!     }
//!     Ok(())
//! };
//! let folder = tempfile::tempdir()?;
//! let options = FitOptions {
//!     output: folder.path().join("model"),
//!     callbacks: Callbacks::of(halve_and_end),
//!     ..FitOptions::default()
//! };
//! let mut rates = Vec::new();
//! let report = fit(&config, &data, &options, &mut |event| {
//!     if let Event::Step { learning_rate, .. } = event {
//!         rates.push(*learning_rate);
//!     }
//! })?;
//! assert!(!report.finished && report.losses.len() == 2);
//! assert!(rates[1] < 0.6 * rates[0]);
//! # Ok(())
//! # }
//! ```
//!
//! # Contents
//!
//! | topic | items |
//! |---|---|
//! | a run | [`fit`], [`FitOptions`], [`FitReport`], [`TrainingData`], [`Duration`] |
//! | its settings | [`TrainingConfig`], [`OptimizerConfig`], [`Schedule`], [`WarmUp`], [`Precision`], [`EarlyStopping`], [`WeightAverageConfig`], [`StartFrom`] |
//! | during the run | [`Event`], [`Callback`], [`Callbacks`], [`TrainingControl`], [`RunState`], [`DivergenceMonitor`] |
//! | datasets | [`load_dataset`], [`load_dataset_with`], [`Datalist`], [`Case`], [`read_case`], [`synthetic`] |
//! | where cases are | [`CaseSource`], [`CaseHandle`], [`MemoryCases`], [`CasePool`], [`MemoryBudget`], [`CacheEntry`], [`StoredCase`], [`SkippedCase`] |
//! | patches and batches | [`PatchSampler`], [`Batch`], [`Loader`], [`CaseOrder`], [`MixingConfig`], [`cut_patch`] |
//! | gradients | [`GradientStrategy`], [`SingleDevice`], [`SeveralDevices`], [`Objective`], [`Gradients`], [`LossScale`] |
//! | validation | [`validate()`], [`validate_patches()`], [`ValidationConfig`], [`Scores`] |
//! | files of a run | [`Checkpoint`], [`RunProgress`], [`LOG_FILE`], [`STEPS_FILE`], [`VALIDATIONS_FILE`] |
//! | user-defined | [`CustomOptimizer`], [`CustomSchedule`], [`RegisterOptimizer`], [`RegisterSchedule`] |

#![forbid(unsafe_code)]

mod average;
mod callback;
mod checkpoint;
mod compute;
mod config;
mod dataset;
mod divergence;
mod entry;
mod error;
mod events;
mod fit;
mod gradients;
mod initial_weights;
mod loader;
mod log;
mod loss_scale;
mod machine;
mod memory_budget;
mod mixing;
mod order;
mod pool;
mod progress;
mod run;
mod sampler;
mod schedule;
mod seen;
mod setup;
mod source;
pub mod synthetic;
#[cfg(test)]
mod tests;
mod validate;
mod validate_patches;

pub use callback::{Callback, Callbacks, TrainingControl};
pub use checkpoint::Checkpoint;
pub use compute::{GradientStrategy, Gradients, Objective, SeveralDevices, SingleDevice};
pub use config::parse_yaml;
pub use config::{
    AdamConfig, AdamWConfig, BadCase, CacheConfig, CheckpointsConfig, CustomOptimizer, Duration,
    EarlyStopping, OptimizerConfig, Precision, RegisterOptimizer, StartFrom,
    StochasticGradientDescent, TrainingConfig, ValidationConfig, ValidationOn, WeightAverageConfig,
};
pub use dataset::{Case, read_case, read_case_with};
pub use divergence::DivergenceMonitor;
pub use entry::CacheEntry;
pub use error::Error;
pub use events::Event;
pub use fit::{Fence, FitOptions, FitReport, KeptFree, TrainingData, fit};
pub use loader::{Loader, LoaderOptions};
pub use log::{LOG_FILE, STEPS_FILE, VALIDATIONS_FILE};
pub use loss_scale::LossScale;
pub use machine::{free_memory, total_memory};
pub use memory_budget::MemoryBudget;
pub use mixing::{MixedTarget, MixingConfig};
pub use order::CaseOrder;
pub use pool::{CasePool, PoolOptions};
pub use progress::{Best, RunProgress};
pub use run::{BEST_CHECKPOINT_FILE, CHECKPOINT_FILE, CONFIG_FILE, RunState};
pub use sampler::{Batch, Patch, PatchSampler, cut_patch};
pub use schedule::{
    Cosine, CustomSchedule, OneCycle, Plateau, Poly, RegisterSchedule, Schedule, WarmUp,
};
pub use seen::Verify;
pub use setup::{load_dataset, load_dataset_cached, load_dataset_with};
pub use source::{CaseHandle, CaseSource, MemoryCases, SkippedCase, SkippedCases, StoredCase};
pub use validate::{Scores, validate};
pub use validate_patches::validate_patches;
pub use vesalius_networks::Network;
pub use vesalius_planning::{CaseFiles, Datalist, read_image};

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
