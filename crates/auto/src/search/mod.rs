//! A search for better settings: a space of values, trials drawn from it, bad ones stopped early.
//!
//! A [`SearchSpace`] names keys of a training config and the values each may take, in Optuna's or NNI's
//! form. A [`Study`] is a folder that holds the trials: it survives a kill, and several processes may
//! work in it at once. The caller runs the trials: this module contains no networks.

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
