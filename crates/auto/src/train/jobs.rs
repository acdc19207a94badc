//! Which runs there are to make: those that were never made, and those that failed with another plan, other
//! data or an earlier version.

use super::TrainOptions;
use crate::{Basis, Error, History, Job, JobState, Plan, Result, WorkFolder};
use std::path::{Path, PathBuf};
use vesalius_volume::Warning;

/// The history with a job for every algorithm and fold. What was trained stays as it is; a failed job is planned again
/// where it was made from something else, or is to be tried again.
pub(super) fn planned(
    work: &WorkFolder,
    plans: &[Plan],
    options: &TrainOptions,
) -> Result<History> {
    let mut history = History::read(work.folder())?;
    let folds = folds_of(work, options.folds.as_deref())?;
    for job in &mut history.jobs {
        let Some(plan) = plans.iter().find(|plan| plan.name() == job.algorithm) else {
            continue;
        };
        let failed = matches!(job.state, JobState::Failed(_) | JobState::Collapsed(_));
        let now = Some(Basis::of(work, plan));
        if failed && folds.contains(&job.fold) && (options.retry_failed || job.basis != now) {
            plan_again(work, job)?;
        }
    }
    for (plan, fold) in plans
        .iter()
        .flat_map(|plan| folds.iter().map(move |fold| (plan, *fold)))
    {
        if history.job(plan.name(), fold).is_none() {
            history.jobs.push(Job::planned(plan.name(), fold));
        }
    }
    Ok(history)
}

/// The folds to train.
pub(crate) fn folds_of(work: &WorkFolder, chosen: Option<&[usize]>) -> Result<Vec<usize>> {
    let all = work.list().folds();
    let Some(chosen) = chosen else {
        return Ok(all);
    };
    if let Some(fold) = chosen.iter().find(|fold| !all.contains(fold)) {
        return Err(vesalius_planning::Error::Datalist {
            path: work.list().path.clone(),
            reason: format!("no case is held out by fold {fold}; the folds are {all:?}"),
        }
        .into());
    }
    Ok(chosen.to_vec())
}

/// A job that failed, as one that was never made; its reasons are kept, and its folder aside.
fn plan_again(work: &WorkFolder, job: &mut Job) -> Result<()> {
    move_aside(&work.folder().join(&job.folder))?;
    let mut earlier = std::mem::take(&mut job.earlier);
    earlier.append(&mut job.failures);
    if let JobState::Failed(reason) | JobState::Collapsed(reason) = &job.state {
        earlier.push(reason.clone());
    }
    *job = Job {
        earlier,
        ..Job::planned(&job.algorithm, job.fold)
    };
    Ok(())
}

/// Keeps the folder of a run that failed under another name.
pub(crate) fn move_aside(folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let named = |n: usize| folder.with_extension(format!("failed_{n}"));
    let mut numbers = (1..).map(named);
    let Some(aside): Option<PathBuf> = numbers.find(|path| !path.exists()) else {
        return Ok(());
    };
    std::fs::rename(folder, &aside).map_err(|source| Error::System {
        path: folder.to_path_buf(),
        what: "moved aside",
        source,
    })
}

/// A warning for each trained run whose plan or data have changed since.
pub(super) fn outdated(work: &WorkFolder, plans: &[Plan], history: &History) -> Vec<Warning> {
    let of_job = |job: &Job| {
        let plan = plans.iter().find(|plan| plan.name() == job.algorithm)?;
        let changes = job.basis.as_ref()?.changes(&Basis::of(work, plan));
        let changed: Vec<String> = changes
            .into_iter()
            .filter(|part| *part != "version")
            .map(str::to_owned)
            .collect();
        (!changed.is_empty()).then(|| Warning::RunOutdated {
            algorithm: job.algorithm.clone(),
            fold: job.fold,
            changed,
        })
    };
    history.trained().filter_map(of_job).collect()
}
