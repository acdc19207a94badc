//! The stages of `auto` as jobs of a cluster: what is submitted ([`submit`], [`manifests`]), what one job does ([`plan_task`],
//! [`run_task`], [`ensemble_task`], [`predict_task`]), and how all of it stands ([`status`]).

mod status;
mod submit;
mod tasks;

pub use status::{Status, TaskStatus, cancel, status};
pub use submit::{Submission, SubmitOptions, manifests, submit};
pub use tasks::{TaskOptions, ensemble_task, plan_task, predict_task, run_task};
