//! Every algorithm on every fold, one run after another; what fails is said, tried again, and left out. Which
//! runs there are to make is decided in `jobs`.

mod jobs;

use crate::work::going_on;
use crate::{Basis, Error, History, Job, JobState, LabelScore, Plan, Result, Work, hold_out};
pub(crate) use jobs::move_aside;
use jobs::{outdated, planned};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use vesalius_control::{Control, Stage};
use vesalius_tensor::Device;
use vesalius_training::{Duration, Event, FitOptions, FitReport, fit};
use vesalius_volume::Warning;

/// How the runs are made.
#[derive(Debug, Clone)]
pub struct TrainOptions {
    /// Minutes of training for all runs together; `None` trains each as its plan says.
    pub minutes: Option<f64>,
    /// The folds to train; `None` for all.
    pub folds: Option<Vec<usize>>,
    /// How often a run that broke off or collapsed is begun anew, with another seed.
    pub retries: usize,
    /// Whether runs that failed are tried again although plan, data and version are what they failed with.
    pub retry_failed: bool,
    /// A run whose mean Dice on the held-out cases is below this has collapsed, unless it was too short to
    /// be judged.
    pub collapsed_below: f64,
    /// The fewest steps after which a run is judged by `collapsed_below`: a network that has barely begun
    /// finds nothing although nothing is wrong with it. The default is one epoch of nnU-Net, 250 steps.
    pub judged_from: u64,
    /// How many runs are made at one time; each uses every core, so more than one helps where a GPU waits.
    pub at_once: usize,
    /// What computes.
    pub device: Device,
    /// Cancels the runs at hand, which are saved, and the work; carries the stage `runs`.
    pub control: Control,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            minutes: None,
            folds: None,
            retries: 1,
            retry_failed: false,
            collapsed_below: 0.1,
            judged_from: 250,
            at_once: 1,
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

/// What a watcher hears of.
#[derive(Debug)]
#[non_exhaustive]
pub enum TrainEvent<'a> {
    /// Something that the caller may want to know of before anything is trained.
    Warning(&'a Warning),
    /// A run begins or goes on.
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
    /// A held-out case was segmented.
    HeldOut {
        /// Cases done.
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
/// permission or a device that fails, which stops all runs as cancelling does. A run that fails by
/// itself is not an error: its state and reason stand in the history, and it is tried again when its plan,
/// the data or the version has changed, or [`TrainOptions::retry_failed`] says so.
pub fn train(
    work: &Work,
    plans: &[Plan],
    options: &TrainOptions,
    observer: &mut (dyn FnMut(&TrainEvent) + Send),
) -> Result<History> {
    let history = planned(work, plans, options).map_err(Error::told_of_machine)?;
    history
        .write(work.folder())
        .map_err(Error::told_of_machine)?;
    for warning in work
        .warnings()
        .iter()
        .chain(&outdated(work, plans, &history))
    {
        observer(&TrainEvent::Warning(warning));
    }
    // Cancelled by the caller's control, and by a worker that cannot go on.
    let all = options.control.child();
    let stage = all.stage("runs", history.jobs.len() as u64);
    let state = Mutex::new(Shared { history, observer });
    let next = AtomicUsize::new(0);
    let ended: Vec<Result<()>> = std::thread::scope(|scope| {
        let serve = || {
            let served = serve(work, plans, options, &state, &next, &stage);
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
            // A panic is a defect of ours: it is passed on, not hidden.
            Err(panic) => std::panic::resume_unwind(panic),
        });
        ended.collect()
    });
    // What stopped the others comes before that they were stopped.
    let mut errors: Vec<Error> = ended.into_iter().filter_map(Result::err).collect();
    errors.sort_by_key(|e| matches!(e, Error::Cancelled(_)));
    if let Some(first) = errors.into_iter().next() {
        return Err(first.told_of_machine());
    }
    let shared = state.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(shared.history)
}

/// What the workers share.
struct Shared<'a> {
    history: History,
    observer: &'a mut (dyn FnMut(&TrainEvent) + Send),
}

fn held<'a, 'b>(state: &'a Mutex<Shared<'b>>) -> MutexGuard<'a, Shared<'b>> {
    // Every change under the lock is whole, so a panic elsewhere leaves nothing half done.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes one job after another until none is left.
fn serve(
    work: &Work,
    plans: &[Plan],
    options: &TrainOptions,
    state: &Mutex<Shared>,
    next: &AtomicUsize,
    stage: &Stage,
) -> Result<()> {
    loop {
        stage.control().check()?;
        let at = next.fetch_add(1, Ordering::Relaxed);
        let (of, job) = {
            let shared = held(state);
            (
                shared.history.jobs.len(),
                shared.history.jobs.get(at).cloned(),
            )
        };
        let Some(mut job) = job else { return Ok(()) };
        let Some(plan) = plans.iter().find(|plan| plan.name() == job.algorithm) else {
            continue;
        };
        while job.state == JobState::Planned {
            let number = at + 1;
            (held(state).observer)(&TrainEvent::Begun {
                number,
                of,
                job: &job,
            });
            let attempt = Attempt {
                work,
                plan,
                options,
                control: stage.control(),
            };
            attempt.make(&mut job, &mut |event| (held(state).observer)(event))?;
            let mut shared = held(state);
            shared.history.jobs[at] = job.clone();
            shared.history.write(work.folder())?;
            (shared.observer)(&TrainEvent::Ended(&job));
        }
        stage.advance(1);
    }
}

/// One try of a job.
struct Attempt<'a> {
    work: &'a Work,
    plan: &'a Plan,
    options: &'a TrainOptions,
    control: &'a Control,
}

impl Attempt<'_> {
    /// The job's state afterwards is what came of it, or still planned for the next try.
    fn make(&self, job: &mut Job, observer: &mut dyn FnMut(&TrainEvent)) -> Result<()> {
        let folder = self.work.folder().join(&job.folder);
        job.basis = Some(Basis::of(self.work, self.plan));
        let outcome = match self.run(job, &folder, observer) {
            Err(Error::Cancelled(cancelled)) => return Err(cancelled.into()),
            Ok(dice) if !self.options.is_collapsed(dice, job.steps) => {
                job.dice = Some(dice);
                job.state = JobState::Trained;
                return Ok(());
            }
            Ok(dice) => {
                job.dice = Some(dice);
                JobState::Collapsed(format!(
                    "mean Dice {dice:.4} on the held-out cases after {} steps, below {}",
                    job.steps, self.options.collapsed_below
                ))
            }
            // A full disk is no fault of the run, which stays as it is, to be gone on with.
            Err(e) if e.is_of_machine() => return Err(e),
            Err(e) => JobState::Failed(e.to_string()),
        };
        let (JobState::Collapsed(reason) | JobState::Failed(reason)) = &outcome else {
            return Ok(());
        };
        if job.failures.len() >= self.options.retries {
            job.state = outcome;
            return Ok(());
        }
        job.failures.push(reason.clone());
        // Its log tells why, so it is kept aside.
        move_aside(&folder)
    }

    /// Trains, or goes on, and segments the held-out cases: their mean Dice.
    fn run(
        &self,
        job: &mut Job,
        folder: &Path,
        observer: &mut dyn FnMut(&TrainEvent),
    ) -> Result<f64> {
        let mut config = self.plan.training.clone();
        config.validation.fold = job.fold;
        config.seed = config
            .seed
            .wrapping_add(job.failures.len() as u64 * 1_000_003);
        let data = self.work.training_data(&mut config, self.control)?;
        let fit_options = FitOptions {
            device: self.options.device.clone(),
            duration: job.minutes.map(Duration::Minutes),
            control: self.control.clone(),
            ..going_on(folder.to_path_buf())
        };
        let mut peak = job.memory;
        let report: FitReport = fit(&config, &data, &fit_options, &mut |event| {
            if let Event::Step { memory, .. } = event {
                peak = peak.max(*memory);
            }
            observer(&TrainEvent::Run(event));
        })?;
        job.memory = peak;
        job.seconds = report.progress.seconds;
        job.steps = report.progress.step;
        self.control.check()?;
        let evaluation = hold_out(
            self.work,
            job,
            &self.options.device,
            self.control,
            &mut |done, of| observer(&TrainEvent::HeldOut { done, of }),
        )?;
        job.labels = LabelScore::of(&evaluation);
        Ok(evaluation.mean("dice").unwrap_or(0.0))
    }
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
