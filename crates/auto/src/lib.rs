//! From a folder of scans to the best model that automatic planning, training and ensembling find.
//!
//! A [`WorkFolder`] holds everything of one dataset: the [`Plan`]s, one training run for each algorithm and fold
//! ([`train`]), their segmentations of the cases that they were not trained on ([`hold_out`]), the choice among
//! ensembles of them ([`choose`]) and the resulting model folder. Every stage reads the results of an earlier
//! process and continues from there.

#![forbid(unsafe_code)]

mod analyze;
mod basis;
mod ensemble;
mod error;
mod exchange;
mod held_out;
mod history;
mod input;
mod plan;
mod planned;
mod planners;
mod predictions;
mod report;
pub mod search;
mod train;
mod tune;
mod work;

pub use analyze::{Analyzed, BrokenCases, analyze};
pub use basis::Basis;
pub use ensemble::{Candidate, Choice, ChooseOptions, Scored, choose, write_model};
pub use error::Error;
pub use exchange::{ExportedRuns, export, import};
pub use held_out::{FEWEST, HeldOut, HoldOutOptions, hold_out};
pub use history::{History, Job, JobState, LabelScore, Missing};
pub use input::{ExtraModality, Input, Modality};
pub use plan::Plan;
pub use planners::{
    CustomPlanner, DEFAULT_ALGORITHM, PlanOptions, PlanRequest, RegisterPlanner, algorithms,
    check_algorithms, plan,
};
pub use predictions::{predictions_folder, renew_predictions};
pub use report::write_report;
pub use train::{AfterRuns, TrainEvent, TrainOptions, train};
pub use tune::{TuneEvent, TuneOptions, default_space, tune};
pub use work::WorkFolder;

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
