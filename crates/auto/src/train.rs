//! Every algorithm on every fold, one run after another; a failed run is reported, tried again, and left out. `jobs`
//! decides which runs there are to make.

mod attempt;
mod clock;
mod jobs;
mod workers;

use crate::held_out::cases;
use crate::work::problem;
use crate::{Error, History, Job, Plan, Result, WorkFolder};
pub use clock::AfterRuns;
use clock::Clock;
pub(crate) use jobs::folds_of;
pub(crate) use jobs::move_aside;
use jobs::{outdated, planned};
use std::collections::BTreeSet;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use vesalius_control::Control;
use vesalius_tensor::Device;
use vesalius_training::{Event, Fence};
use vesalius_volume::Warning;
use workers::{Shared, Workers};

/// How the runs are made.
#[derive(Debug, Clone)]
pub struct TrainOptions {
    /// Minutes for all runs together, with their caches, validations and held-out cases; `None` trains each for the
    /// length in its plan. A run for which no time is left is not started, and held-out cases that do not fit are left
    /// out: a later call makes both.
    pub minutes: Option<f64>,
    /// The time from which the minutes count; `None` for the call.
    pub began: Option<Instant>,
    /// What follows the runs within the same minutes.
    pub after: AfterRuns,
    /// The folds to train; `None` for all.
    pub folds: Option<Vec<usize>>,
    /// How often a run that broke off or collapsed is started again, with another seed.
    pub retries: usize,
    /// Whether runs that failed are tried again although plan, data and version are what they failed with.
    pub retry_failed: bool,
    /// A run whose mean Dice on the held-out cases is below this has collapsed, unless it was too short to
    /// be judged.
    pub collapsed_below: f64,
    /// The fewest steps after which a run is judged by `collapsed_below`: a network that has barely started training
    /// segments nothing although nothing is wrong with it. The default is one epoch of nnU-Net, 250 steps.
    pub judged_from: u64,
    /// How many runs are made at one time; each uses every core, so more than one helps where a GPU waits.
    pub at_once: usize,
    /// Asked before each checkpoint of a run is written.
    pub fence: Option<Arc<Fence>>,
    /// The device that computes.
    pub device: Device,
    /// Cancels the current runs, which are saved, and the work; carries the stage `runs`.
    pub control: Control,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            minutes: None,
            began: None,
            after: AfterRuns::default(),
            folds: None,
            retries: 1,
            retry_failed: false,
            collapsed_below: 0.1,
            judged_from: 250,
            at_once: 1,
            fence: None,
            device: Device::flex(),
            control: Control::new(),
        }
    }
}

impl TrainOptions {
    /// Whether a run of so many steps with this mean Dice on its held-out cases has collapsed.
    fn is_collapsed(&self, dice: f64, steps: u64) -> bool {
        steps >= self.judged_from && dice < self.collapsed_below
    }
}

/// The events of training.
#[derive(Debug)]
#[non_exhaustive]
pub enum TrainEvent<'a> {
    /// A warning before anything is trained.
    Warning(&'a Warning),
    /// A run begins or is resumed.
    Begun {
        /// Its number, from 1.
        number: usize,
        /// How many there are.
        of: usize,
        /// The run.
        job: &'a Job,
    },
    /// Something happened in the run.
    Run(&'a Event),
    /// The held-out cases of the run were segmented, as many as there was time for; the stage `held-out cases` of the
    /// control counts them.
    HeldOut {
        /// Cases that were segmented.
        done: usize,
        /// Cases in all.
        of: usize,
    },
    /// A run ended, well or not.
    Ended(&'a Job),
}

/// Trains what is not yet trained and segments each run's held-out cases; [`TrainOptions::at_once`] runs
/// side by side.
///
/// # Errors
/// A dataset or plan that cannot be used, [`Error::Cancelled`]; [`Error::Machine`] for a full disk, a lost
/// permission or a device that fails, which stops all runs as cancelling does. A run that fails by itself is not an
/// error: its state and reason are in the history, and it is tried again when its plan, the data or the version has
/// changed, or with [`TrainOptions::retry_failed`].
pub fn train(
    work: &WorkFolder,
    plans: &[Plan],
    options: &TrainOptions,
    observer: &mut (dyn FnMut(&TrainEvent) + Send),
) -> Result<History> {
    let history = planned(work, plans, options).map_err(Error::told_of_machine)?;
    history
        .write(work.folder())
        .map_err(Error::told_of_machine)?;
    made(work, plans, options, history, Kept::InHistory, observer)
}

/// Makes the run of one plan on one fold, or goes on with it, and returns how it went; nothing outside of the run's folder is
/// written.
pub(crate) fn one_run(
    work: &WorkFolder,
    plan: &Plan,
    fold: usize,
    options: &TrainOptions,
    observer: &mut (dyn FnMut(&TrainEvent) + Send),
) -> Result<Job> {
    let plans = std::slice::from_ref(plan);
    let mut history = planned(work, plans, options)?;
    history
        .jobs
        .retain(|job| job.algorithm == plan.name() && job.fold == fold);
    let made = made(work, plans, options, history, Kept::ByCaller, observer)?;
    let mut jobs = made.jobs.into_iter();
    jobs.next()
        .ok_or_else(|| problem(work.folder(), "has no such run"))
}

/// Where the state of runs is kept while they are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// In the history of all runs.
    InHistory,
    /// By who called, for a single run.
    ByCaller,
}

/// Makes the runs of a history that are not made yet.
fn made(
    work: &WorkFolder,
    plans: &[Plan],
    options: &TrainOptions,
    history: History,
    kept: Kept,
    observer: &mut (dyn FnMut(&TrainEvent) + Send),
) -> Result<History> {
    for warning in work
        .warnings()
        .iter()
        .chain(&outdated(work, plans, &history))
    {
        observer(&TrainEvent::Warning(warning));
    }
    let held_out = held_out_cases(work, &history)?;
    // Cancelled by the caller's control, and by a worker that cannot go on.
    let all = options.control.child();
    let stage = all.stage("runs", history.jobs.len() as u64);
    let state = Mutex::new(Shared {
        history,
        observer,
        pace: None,
        left_out: 0,
    });
    let workers = Workers {
        work,
        plans,
        options,
        clock: Clock::of(options, held_out),
        state: &state,
        next: &AtomicUsize::new(0),
        kept,
        stage: &stage,
    };
    let ended: Vec<Result<()>> = std::thread::scope(|scope| {
        let serve = || {
            let served = workers.serve();
            if served.is_err() {
                all.cancel();
            }
            served
        };
        let workers: Vec<_> = (0..options.at_once.max(1))
            .map(|_| scope.spawn(serve))
            .collect();
        let ended = workers.into_iter().map(|worker| match worker.join() {
            Ok(result) => result,
            // A panic is a defect of this program: it is passed on, not hidden.
            Err(panic) => std::panic::resume_unwind(panic),
        });
        ended.collect()
    });
    // The error that stopped the others comes before theirs.
    let mut errors: Vec<Error> = ended.into_iter().filter_map(Result::err).collect();
    errors.sort_by_key(|e| matches!(e, Error::Cancelled(_)));
    if let Some(first) = errors.into_iter().next() {
        return Err(first.told_of_machine());
    }
    let shared = state.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (count, of) = (shared.left_out, shared.history.jobs.len());
    if count > 0 {
        (shared.observer)(&TrainEvent::Warning(&Warning::RunsLeftOut { count, of }));
    }
    Ok(shared.history)
}

/// The held-out cases of all folds that there are jobs for.
fn held_out_cases(work: &WorkFolder, history: &History) -> Result<usize> {
    let folds: BTreeSet<usize> = history.jobs.iter().map(|job| job.fold).collect();
    let counts = folds.into_iter().map(|fold| Ok(cases(work, fold)?.len()));
    counts.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_runs_long_enough_to_have_learnt_are_called_collapsed() {
        let options = TrainOptions::default();
        assert!(options.is_collapsed(0.02, 250));
        assert!(!options.is_collapsed(0.02, 249));
        assert!(!options.is_collapsed(0.1, 250));
        assert!(!options.is_collapsed(0.9, 10));
    }
}
