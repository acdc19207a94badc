//! Stages of work as jobs of an existing scheduler.
//!
//! Slurm does the scheduling: this crate writes scripts ([`Script`]), submits them with their dependencies ([`Slurm`]), keeps
//! the numbers of the jobs beside the work ([`SubmittedJobs`]), and reads the queue. For Kubernetes it writes manifests
//! ([`manifest`]). Nothing runs in the background, and nothing depends on asking the queue.
//!
//! ```
//! use vesalius_cluster::{Array, Script, SlurmSettings, StageName};
//!
//! let settings = SlurmSettings { partition: Some("gpu".into()), gres: Some("gpu:1".into()), ..SlurmSettings::default() };
//! let script = Script {
//!     name: "hippocampus".into(),
//!     stage: StageName::Train,
//!     command: vec!["vesalius".into(), "auto".into(), "task".into(), "work".into(), "train".into()],
//!     logs: "work/slurm".into(),
//!     array: Some(Array { elements: vec![0, 1, 2, 5], at_once: Some(2) }),
//! };
//! let text = script.text(&settings);
//! assert!(text.contains("#SBATCH --array=0-2,5%2") && text.contains("#SBATCH --gres=gpu:1"));
//! assert!(text.contains("${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"));
//! ```
//!
//! # Contents
//!
//! | topic | items |
//! |---|---|
//! | resources | [`SlurmSettings`], [`StageSettings`], [`StageName`] |
//! | scripts | [`Script`], [`Array`], [`SAVED`] |
//! | the queue | [`Slurm`], [`QueuedJob`], [`JobState`] |
//! | what was submitted | [`SubmittedJobs`], [`SubmittedJob`] |
//! | Kubernetes | [`manifest`] |

#![forbid(unsafe_code)]

mod array;
mod error;
mod jobs;
mod kubernetes;
mod queue;
mod script;
mod settings;
mod slurm;

pub use array::Array;
pub use error::Error;
pub use jobs::{SubmittedJob, SubmittedJobs};
pub use kubernetes::{Manifest, manifest};
pub use queue::{JobState, QueuedJob};
pub use script::{SAVED, Script};
pub use settings::{SlurmSettings, StageName, StageSettings};
pub use slurm::Slurm;

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
