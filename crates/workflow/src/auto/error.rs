//! What stops a stage.

use crate::predict::{self, LeftOut};
use std::path::PathBuf;
use vesalius_auto::Task;
use vesalius_volume::ErrorKind;

/// What stops a stage.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The work folder, or a stage in it.
    #[error("{0}")]
    Auto(#[source] Box<vesalius_auto::Error>),
    /// A dataset, a datalist or a planner's file.
    #[error("{0}")]
    Planning(#[from] vesalius_planning::Error),
    /// The model of the work folder.
    #[error("{0}")]
    Model(#[from] vesalius_inferers::Error),
    /// The cases to segment, or their results.
    #[error("{0}")]
    Predict(#[from] predict::Error),
    /// A file that cannot be written.
    #[error("{0}")]
    Io(#[from] vesalius_io::Error),
    /// A report that cannot be written as JSON.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// A folder that cannot be made.
    #[error("{}: cannot be made: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A name is wanted, as there are several plans.
    #[error("there are several plans; name one of {}", .0.join(", "))]
    SeveralPlans(Vec<String>),
    /// No plan has this name.
    #[error("no plan is called {name}; there are {}", plans.join(", "))]
    NoPlan {
        /// The name.
        name: String,
        /// Those that there are.
        plans: Vec<String>,
    },
    /// A search without a trial that ended well.
    #[error("no trial ended well; `AutoEvent::Tuning` tells the reasons")]
    NoTrial,
    /// Training without a run that can be used.
    #[error("no run can be used; the reasons are in history.json")]
    NoRun,
    /// A cluster, or the files of its jobs.
    #[error("{0}")]
    Cluster(#[from] vesalius_cluster::Error),
    /// A number that is no run's.
    #[error("there is no run {number}; there are {tasks}, numbered from 0")]
    NoTask {
        /// The number.
        number: usize,
        /// How many there are.
        tasks: usize,
    },
    /// A run that was started again and stopped before it made a step.
    #[error("{} on fold {}: stopped before it made a step, as the time before; give its job more time", .0.algorithm, .0.fold)]
    NoProgress(Task),
    /// A run that failed by itself.
    #[error("{} on fold {}: {reason}", task.algorithm, task.fold)]
    RunFailed {
        /// The run.
        task: Task,
        /// Why.
        reason: String,
    },
    /// Cases to segment that are not whole.
    #[error(
        "{}: {} of the input are not whole: {}; complete or remove them",
        input.display(), left_out.len(), listed(left_out)
    )]
    NotWhole {
        /// The input.
        input: PathBuf,
        /// What is not whole, and why.
        left_out: Vec<LeftOut>,
    },
    /// A datalist without unlabelled cases.
    #[error("{}: names no case without labels under `testing`; name images", .0.display())]
    NothingToPredict(PathBuf),
    /// The minutes ended before all cases were segmented.
    #[error(
        "{done} of {total} cases under `testing` were segmented in the minutes there were; the same call goes on with the others"
    )]
    OutOfTime {
        /// How many have a result.
        done: usize,
        /// Of how many.
        total: usize,
    },
    /// Cases that have no segmentation in the end.
    #[error("{missing} of {total} cases were not segmented")]
    NotSegmented {
        /// How many.
        missing: usize,
        /// Of how many.
        total: usize,
    },
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Auto(error) => error.kind(),
            Self::Planning(error) => error.kind(),
            Self::Model(error) => error.kind(),
            Self::Predict(error) => error.kind(),
            Self::Io(error) => error.kind(),
            Self::Json(_) => ErrorKind::Internal,
            Self::Folder { source, .. } => ErrorKind::of_io(source),
            Self::Cluster(error) => error.kind(),
            Self::NoPlan { .. } | Self::NoTask { .. } => ErrorKind::NotFound,
            Self::SeveralPlans(_)
            | Self::NoTrial
            | Self::NoRun
            | Self::NoProgress(_)
            | Self::RunFailed { .. }
            | Self::NotWhole { .. }
            | Self::NothingToPredict(_)
            | Self::OutOfTime { .. }
            | Self::NotSegmented { .. } => ErrorKind::BadInput,
        }
    }
}

impl From<vesalius_auto::Error> for Error {
    fn from(error: vesalius_auto::Error) -> Self {
        Self::Auto(Box::new(error))
    }
}

fn listed(left_out: &[LeftOut]) -> String {
    let listed: Vec<String> = left_out.iter().map(ToString::to_string).collect();
    listed.join("; ")
}
