//! A search for better settings: a space of values, trials drawn from it, bad ones stopped early.
//!
//! A [`SearchSpace`] names keys of a training config and the values each may take, in Optuna's or NNI's
//! form. A [`Study`] is a folder that holds the trials: it survives a kill, and several processes may
//! work in it at once. The caller runs the trials: this module contains no networks.
//!
//! ```
//! use vesalius_auto::search::{Decision, SearchSpace, Study, StudyConfig, TrialState};
//!
//! let space = SearchSpace::parse("rate: {float: {low: 0.001, high: 0.1, log: true}}")?;
//! let folder = tempfile::tempdir().unwrap();
//! let study = Study::open(folder.path(), StudyConfig::new(space, 5))?;
//! while let Some(ask) = study.ask()? {
//!     // The value of a trial is best at a rate of 0.01.
//!     let rate = ask.trial.settings["rate"].as_f64().unwrap();
//!     let value = -(rate.log10() + 2.0).abs();
//!     let state = match study.report(&ask, 1, value)? {
//!         Decision::Continue => TrialState::Complete(value),
//!         Decision::Stop => TrialState::Pruned,
//!     };
//!     study.end(ask, state)?;
//! }
//! assert_eq!(study.trials()?.len(), 5);
//! assert!(study.best()?.is_some());
//! # Ok::<(), vesalius_auto::search::SearchError>(())
//! ```

mod distribution;
mod error;
mod other_tools;
mod pruner;
mod sampler;
mod settings;
mod space;
mod store;
mod study;
mod trial;

pub use distribution::Distribution;
pub use error::SearchError;
pub use pruner::Pruner;
pub use sampler::Sampler;
pub use settings::with_settings;
pub use space::SearchSpace;
pub use study::{Ask, Decision, Study, StudyConfig};
pub use trial::{Setting, Settings, Trial, TrialState};

/// The result of this module's fallible functions.
pub type Result<T> = std::result::Result<T, SearchError>;
