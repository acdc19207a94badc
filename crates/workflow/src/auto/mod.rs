//! From a dataset to a model, stage by stage ([`analyze_list`], [`plan`], [`tune`], [`train`], [`ensemble`],
//! [`predict`], [`report`]) or all at once ([`run`]): what `vesalius auto` and the jobs of a cluster do.
//!
//! A stage works on a [`WorkFolder`](vesalius_auto::WorkFolder), continues from what is there, and reports what it does
//! to an observer ([`AutoEvent`]). The stages' own functions are in `vesalius_auto`.

mod analyze;
pub mod cluster;
mod ensemble;
mod error;
mod event;
mod plan;
mod predict;
mod report;
mod run;
mod train;
mod tune;

pub use analyze::{AnalyzeOptions, AnalyzedList, FoldRule, analyze_list, begin};
pub use ensemble::{EnsembleStage, ensemble};
pub use error::Error;
pub use event::{AutoEvent, Observer};
pub use plan::{NnUnetPlansFile, PlanStage, nnunet_plans, plan};
use predict::predict_part;
pub use predict::{PredictStage, cases_of, predict};
pub use report::report;
pub use run::{RunOptions, run};
pub use train::{TrainStage, train};
pub use tune::{choose_plan, tune};

/// The result of this module's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
