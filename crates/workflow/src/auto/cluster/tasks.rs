//! What one job does.

use super::super::{
    AutoEvent, EnsembleStage, Error, Observer, PredictStage, Result, cases_of, ensemble, plan,
    predict_part, report,
};
use super::SubmitOptions;
use crate::predict::Part;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use vesalius_auto::{Input, Job, TaskTable, TrainEvent, TrainOptions, WorkFolder, train_task};
use vesalius_control::Control;
use vesalius_tensor::Device;
use vesalius_training::Event;

/// Analyses the dataset, makes the plans and numbers their runs.
///
/// # Errors
/// As [`plan`]; a fold that there is not.
pub fn plan_task(
    folder: &Path,
    input: Option<&Path>,
    options: &SubmitOptions,
    device: &Device,
    control: &Control,
    observer: &Observer,
) -> Result<TaskTable> {
    let mut work = match input {
        Some(input) => WorkFolder::open(folder, Input::read(input)?)?,
        None => WorkFolder::reopen(folder)?,
    };
    let folds = match &options.folds {
        Some(folds) => folds.len(),
        None => work.list().folds().len(),
    };
    let runs = folds * options.plan.algorithms.len().max(1);
    let minutes = options.minutes.map(|minutes| minutes * runs as f64);
    plan(&mut work, &options.plan, minutes, device, control, observer)?;
    let plans = work.plans()?;
    Ok(TaskTable::extend(&work, &plans, options.folds.as_deref())?)
}

/// How [`run_task`] makes a run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TaskOptions {
    /// Minutes of the run, over all processes that make it; `None` is the plan's length.
    pub minutes: Option<f64>,
    /// What computes.
    pub device: Device,
    /// A folder of this machine for prepared cases; `None` keeps them in the work folder.
    pub scratch: Option<PathBuf>,
    /// Cancels.
    pub control: Control,
}

impl Default for TaskOptions {
    fn default() -> Self {
        Self {
            minutes: None,
            device: Device::flex(),
            scratch: None,
            control: Control::new(),
        }
    }
}

/// Makes run `number` of the table, or goes on with it.
///
/// # Errors
/// [`Error::NoTask`]; as [`train_task`]; [`Error::NoProgress`] for a run that the cluster started again and stopped before it
/// made a step; [`Error::RunFailed`] for one that failed by itself, whose reason is kept.
pub fn run_task(
    folder: &Path,
    number: usize,
    options: &TaskOptions,
    observer: &Observer,
) -> Result<Job> {
    let work = WorkFolder::share(folder)?.with_scratch(options.scratch.clone());
    let table = TaskTable::read(folder)?;
    let Some(task) = table.tasks.get(number) else {
        let tasks = table.tasks.len();
        return Err(Error::NoTask { number, tasks });
    };
    let plans = work.plans()?;
    let plan = plans.iter().find(|plan| plan.name() == task.algorithm);
    let plan = plan.ok_or_else(|| Error::NoPlan {
        name: task.algorithm.clone(),
        plans: plans.iter().map(|plan| plan.name().to_owned()).collect(),
    })?;
    let spent = Spent::of(&work.task_folder(&task.algorithm, task.fold));
    let options = TrainOptions {
        minutes: options
            .minutes
            .map(|minutes| (minutes - spent.minutes()).max(0.0)),
        device: options.device.clone(),
        control: options.control.clone(),
        ..TrainOptions::default()
    };
    let steps = AtomicU64::new(0);
    let made = train_task(&work, plan, task.fold, &options, &mut |event| {
        if let TrainEvent::Run(Event::Step { .. }) = event {
            steps.fetch_add(1, Ordering::Relaxed);
        }
        observer(&AutoEvent::Training(event));
    });
    spent.keep();
    let job = made.map_err(|error| {
        let restarts = std::env::var("SLURM_RESTART_COUNT").ok();
        match &error {
            vesalius_auto::Error::Cancelled(_)
                if is_stuck(restarts.as_deref(), steps.load(Ordering::Relaxed)) =>
            {
                Error::NoProgress(task.clone())
            }
            _ => error.into(),
        }
    })?;
    match job.why_missing() {
        None => Ok(job),
        Some(reason) => Err(Error::RunFailed {
            task: task.clone(),
            reason,
        }),
    }
}

/// Whether a stopped run must not be put into the queue again: it was started again, and made no step since.
fn is_stuck(restarts: Option<&str>, steps: u64) -> bool {
    steps == 0 && restarts.is_some_and(|restarts| restarts.trim() != "0")
}

/// How long a run has taken over all processes that made it.
struct Spent {
    path: PathBuf,
    seconds: f64,
    began: Instant,
}

impl Spent {
    fn of(folder: &Path) -> Self {
        let path = folder.join("seconds.txt");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let seconds = text.trim().parse().unwrap_or(0.0);
        Self {
            path,
            seconds: if f64::is_finite(seconds) {
                seconds
            } else {
                0.0
            },
            began: Instant::now(),
        }
    }

    fn minutes(&self) -> f64 {
        self.seconds / 60.0
    }

    fn keep(&self) {
        let seconds = self.seconds + self.began.elapsed().as_secs_f64();
        // Without it the next process has all of the minutes.
        let _ =
            vesalius_io::write_bytes_atomically(&self.path, format!("{seconds:.1}\n").as_bytes());
    }
}

/// Chooses the ensemble and writes the report.
///
/// # Errors
/// As [`ensemble`] and [`report`].
pub fn ensemble_task(folder: &Path, control: &Control, observer: &Observer) -> Result<()> {
    let work = WorkFolder::reopen(folder)?;
    ensemble(&work, EnsembleStage::default(), control, observer)?;
    report(&work, observer)?;
    // Those of another model; parts of the next stage do not remove them, as they run side by side.
    let removed = vesalius_auto::renew_predictions(&work)?;
    if removed > 0 {
        observer(&AutoEvent::PredictionsRemoved(removed));
    }
    Ok(())
}

/// Segments a part of the cases without labels.
///
/// # Errors
/// As [`predict`](super::super::predict()).
pub fn predict_task(
    folder: &Path,
    part: Part,
    device: &Device,
    control: &Control,
    observer: &Observer,
) -> Result<()> {
    let work = WorkFolder::share(folder)?;
    let cases = cases_of(&work, None)?;
    let cases: Vec<_> = part.of(cases).collect();
    let stage = PredictStage::default();
    predict_part(
        &work,
        &cases,
        (&stage, Some(part)),
        device,
        control,
        observer,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_a_step_since_its_restart_is_stuck() {
        assert!(is_stuck(Some("1"), 0));
        assert!(!is_stuck(Some("1"), 1) && !is_stuck(Some("0"), 0) && !is_stuck(None, 0));
    }

    #[test]
    fn seconds_of_earlier_processes_count() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Spent::of(folder.path()).minutes(), 0.0);
        std::fs::write(folder.path().join("seconds.txt"), "90\n").unwrap();
        let spent = Spent::of(folder.path());
        assert_eq!(spent.minutes(), 1.5);
        spent.keep();
        assert!(Spent::of(folder.path()).minutes() >= 1.5);
        std::fs::write(folder.path().join("seconds.txt"), "nan").unwrap();
        assert_eq!(Spent::of(folder.path()).minutes(), 0.0);
    }
}
