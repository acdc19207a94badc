//! From a folder of scans to a model: analysis, plans, training on every fold, and the best ensemble.
//!
//! A [`WorkFolder`] holds everything of one dataset: the [`Plan`]s, one training run for each algorithm and fold
//! ([`train`]), their segmentations of the cases that they were not trained on ([`hold_out`]), the choice among
//! ensembles of them ([`choose`]) and the resulting model folder. Every stage reads the results of an earlier
//! process and continues from there.
//!
//! ```
//! use vesalius_auto::{BrokenCases, Input, PlanOptions, WorkFolder, analyze, plan};
//! use vesalius_control::Control;
//! use vesalius_training::synthetic::Spheres;
//!
//! // Three made cases in nnU-Net's raw folder of a dataset.
//! let folder = tempfile::tempdir()?;
//! let mut cases = Vec::new();
//! for number in 0..3 {
//!     let subject = Spheres { size: [24, 28], ..Spheres::default() }.subject(1, number)?;
//!     let (image, label) = (format!("image_{number}.nii"), format!("label_{number}.nii"));
//!     vesalius_io::write(folder.path().join(&image), subject.image())?;
//!     vesalius_io::write_labels(folder.path().join(&label), subject.labels().unwrap())?;
//!     cases.push(serde_json::json!({"image": image, "label": label, "fold": number}));
//! }
//! let list = serde_json::json!({"training": cases, "labels": {"0": "background", "1": "a", "2": "b", "3": "c"}});
//! std::fs::write(folder.path().join("dataset.json"), list.to_string())?;
//! std::fs::write(folder.path().join("input.yaml"), "modality: MRI\ndatalist: dataset.json\n")?;
//!
//! let input = Input::read(folder.path().join("input.yaml"))?;
//! let mut work = WorkFolder::open(folder.path().join("work"), input)?;
//! let analyzed = analyze(&mut work, BrokenCases::Refuse, &Control::new())?;
//! let options = PlanOptions { algorithms: vec!["nnunet_3d_fullres".to_owned()], ..PlanOptions::default() };
//! let plans = plan(&work, &analyzed, &options)?;
//! assert_eq!(plans[0].name(), "nnunet_3d_fullres");
//! assert!(!plans[0].reasons.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Contents
//!
//! | topic | items |
//! |---|---|
//! | the work | [`WorkFolder`], [`Input`], [`Modality`] |
//! | analysis | [`analyze`], [`Analyzed`], [`BrokenCases`] |
//! | plans | [`plan`], [`Plan`], [`PlanOptions`], [`algorithms`], [`CustomPlanner`], [`RegisterPlanner`] |
//! | search over settings | [`search`], [`tune`], [`TuneOptions`], [`default_space`] |
//! | training | [`train`], [`TrainOptions`], [`History`], [`Job`], [`JobState`] |
//! | one run by a process of its own | [`train_task`], [`TaskTable`], [`missing_tasks`], [`Owner`] |
//! | held-out cases | [`hold_out`], [`HoldOutOptions`], [`HeldOut`] |
//! | ensembles | [`choose`], [`ChooseOptions`], [`Choice`], [`Candidate`], [`write_model`] |
//! | predictions and report | [`predictions_folder`], [`renew_predictions`], [`write_report`] |
//! | other machines | [`export`], [`import`] |

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
mod task;
mod train;
mod tune;
mod work;

pub use analyze::{Analyzed, BrokenCases, analyze};
pub use basis::Basis;
pub use ensemble::{
    Candidate, Choice, ChooseOptions, Scored, choose, write_model, write_model_with,
};
pub use error::Error;
pub use exchange::{ExportedRuns, export, export_with, import, import_with};
pub use held_out::{FEWEST, HeldOut, HoldOutOptions, hold_out};
pub use history::{History, Job, JobState, LabelScore, Missing};
pub use input::{ExtraModality, Input, Modality};
pub use plan::Plan;
pub use planners::{
    CustomPlanner, DEFAULT_ALGORITHM, PlanOptions, PlanRequest, RegisterPlanner, algorithms,
    check_algorithms, plan,
};
pub use predictions::{predictions_folder, renew_predictions};
pub use report::{write_report, write_report_with};
pub use task::{Owner, Task, TaskTable, missing_tasks, train_task};
pub use train::{AfterRuns, TrainEvent, TrainOptions, train};
pub use tune::{TuneEvent, TuneOptions, default_space, tune};
pub use work::WorkFolder;

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
