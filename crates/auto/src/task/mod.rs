//! One run of a work folder by a process of its own, as an element of a job array: other processes make the other runs at the
//! same time, and each writes into the folder of its run alone.

mod owner;
mod table;

pub use owner::Owner;
pub use table::{Task, TaskTable};

use crate::train::one_run;
use crate::{Error, History, Job, Plan, Result, TrainEvent, TrainOptions, WorkFolder};
use std::sync::Arc;
use vesalius_io::FolderLock;
use vesalius_training::Fence;

/// Makes one run, or goes on with it, in a work folder that was opened by [`WorkFolder::share`]. The result is in the run's own
/// folder (`result.json`), of which [`History::read`] makes the history.
///
/// The run's task folder is locked, and carries this process's token: a checkpoint is written only as long as that token is there,
/// so that a process that a cluster has given up and started again elsewhere stops by itself.
///
/// # Errors
/// As [`crate::train`]; [`vesalius_io::Error::Locked`] where another process makes this run.
pub fn train_task(
    work: &WorkFolder,
    plan: &Plan,
    fold: usize,
    options: &TrainOptions,
    observer: &mut (dyn FnMut(&TrainEvent) + Send),
) -> Result<Job> {
    let folder = work.task_folder(plan.name(), fold);
    let _lock = FolderLock::exclusive(&folder)?;
    let owner = Owner::new(&folder);
    owner.write(&folder)?;
    let fence = {
        let (owner, folder) = (owner.clone(), folder.clone());
        Fence::new(move || owner.check(&folder))
    };
    let options = TrainOptions {
        folds: Some(vec![fold]),
        at_once: 1,
        fence: Some(Arc::new(fence)),
        ..options.clone()
    };
    let job = one_run(work, plan, fold, &options, observer).map_err(Error::told_of_machine)?;
    owner.check(&folder).map_err(|reason| Error::WorkFolder {
        path: folder,
        reason,
    })?;
    job.write_result(work)?;
    Ok(job)
}

/// Runs of a table that are not trained, by their numbers in it.
pub fn missing_tasks(table: &TaskTable, history: &History) -> Vec<usize> {
    let tasks = table.tasks.iter().enumerate();
    let missing = tasks.filter(|(_, task)| {
        let job = history.job(&task.algorithm, task.fold);
        !job.is_some_and(|job| job.is_trained() && job.is_scored())
    });
    missing.map(|(number, _)| number).collect()
}
