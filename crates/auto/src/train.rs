//! Every algorithm on every fold, one run after another; what fails is said, tried again, and left out.

use crate::work::going_on;
use crate::{Error, History, Job, JobState, LabelScore, Plan, Result, Work, hold_out};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use vesalius_tensor::Device;
use vesalius_training::{Duration, Event, FitOptions, FitReport, fit};

/// How the runs are made.
#[derive(Debug, Clone)]
pub struct TrainOptions {
    /// Minutes of training for all runs together; `None` trains each as its plan says.
    pub minutes: Option<f64>,
    /// The folds to train; `None` for all.
    pub folds: Option<Vec<usize>>,
    /// How often a run that broke off or collapsed is begun anew, with another seed.
    pub retries: usize,
    /// A run whose mean Dice on the held-out cases is below this has collapsed.
    pub collapsed_below: f64,
    /// How many runs are made at one time; each uses every core, so more than one helps where a GPU waits.
    pub at_once: usize,
    /// What computes.
    pub device: Device,
    /// Set from outside, the run at hand saves and the work stops.
    pub stop: Arc<AtomicBool>,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            minutes: None,
            folds: None,
            retries: 1,
            collapsed_below: 0.1,
            at_once: 1,
            device: Device::flex(),
            stop: Arc::default(),
        }
    }
}

/// What a watcher hears of.
#[derive(Debug)]
pub enum TrainEvent<'a> {
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
/// A dataset or plan that cannot be used, a folder that cannot be written, [`Error::Stopped`]. A run
/// that fails is not an error: its state and reason stand in the history.
pub fn train(
    work: &Work,
    plans: &[Plan],
    options: &TrainOptions,
    observer: &mut (dyn FnMut(&TrainEvent) + Send),
) -> Result<History> {
    let history = planned(work, plans, options)?;
    history.write(work.folder())?;
    let state = Mutex::new(Shared { history, observer });
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..options.at_once.max(1))
            .map(|_| scope.spawn(|| serve(work, plans, options, &state, &next)))
            .collect();
        let ended = workers.into_iter().map(|worker| match worker.join() {
            Ok(result) => result,
            // A panic is a defect of ours: it is passed on, not hidden.
            Err(panic) => std::panic::resume_unwind(panic),
        });
        ended
            .collect::<Vec<_>>()
            .into_iter()
            .collect::<Result<()>>()
    })?;
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
) -> Result<()> {
    loop {
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
            attempt(work, plan, options, &mut job, &mut |event| {
                (held(state).observer)(event)
            })?;
            let mut shared = held(state);
            shared.history.jobs[at] = job.clone();
            shared.history.write(work.folder())?;
            (shared.observer)(&TrainEvent::Ended(&job));
        }
    }
}

/// The history with a job for every algorithm and fold; those that were there stay as they are.
fn planned(work: &Work, plans: &[Plan], options: &TrainOptions) -> Result<History> {
    let mut history = History::read(work.folder())?;
    let all = work.list().folds();
    let folds = match &options.folds {
        Some(chosen) => {
            if let Some(fold) = chosen.iter().find(|fold| !all.contains(fold)) {
                return Err(vesalius_planning::Error::Datalist {
                    path: work.list().path.clone(),
                    reason: format!("no case is in fold {fold}; the folds are {all:?}"),
                }
                .into());
            }
            chosen.clone()
        }
        None => all,
    };
    let missing: Vec<(&Plan, usize)> = plans
        .iter()
        .flat_map(|plan| folds.iter().map(move |fold| (plan, *fold)))
        .filter(|(plan, fold)| history.job(plan.name(), *fold).is_none())
        .collect();
    let minutes = options
        .minutes
        .map(|minutes| minutes / missing.len().max(1) as f64);
    let jobs = missing.into_iter().map(|(plan, fold)| Job {
        algorithm: plan.name().to_owned(),
        fold,
        folder: Work::run_folder(plan.name(), fold),
        minutes,
        state: JobState::Planned,
        failures: Vec::new(),
        dice: None,
        labels: Vec::new(),
        seconds: 0.0,
        memory: None,
    });
    history.jobs.extend(jobs.collect::<Vec<_>>());
    Ok(history)
}

/// One try of one job: its state afterwards is what came of it, or still planned for the next try.
fn attempt(
    work: &Work,
    plan: &Plan,
    options: &TrainOptions,
    job: &mut Job,
    observer: &mut dyn FnMut(&TrainEvent),
) -> Result<()> {
    let folder = work.folder().join(&job.folder);
    let outcome = match run(work, plan, options, job, &folder, observer) {
        Err(Error::Stopped) => return Err(Error::Stopped),
        Ok(dice) if dice >= options.collapsed_below => {
            job.dice = Some(dice);
            job.state = JobState::Trained;
            return Ok(());
        }
        Ok(dice) => {
            job.dice = Some(dice);
            JobState::Collapsed(format!(
                "mean Dice {dice:.4} on the held-out cases, below {}",
                options.collapsed_below
            ))
        }
        Err(e) => JobState::Failed(e.to_string()),
    };
    let (JobState::Collapsed(reason) | JobState::Failed(reason)) = &outcome else {
        return Ok(());
    };
    if job.failures.len() >= options.retries {
        job.state = outcome;
        return Ok(());
    }
    job.failures.push(reason.clone());
    // Its log tells why, so it is kept aside.
    let aside = folder.with_extension(format!("failed_{}", job.failures.len()));
    if folder.exists() {
        std::fs::rename(&folder, &aside).map_err(|e| Error::Work {
            path: folder,
            reason: format!("cannot be moved to {}: {e}", aside.display()),
        })?;
    }
    Ok(())
}

/// Trains, or goes on, and segments the held-out cases: their mean Dice.
fn run(
    work: &Work,
    plan: &Plan,
    options: &TrainOptions,
    job: &mut Job,
    folder: &Path,
    observer: &mut dyn FnMut(&TrainEvent),
) -> Result<f64> {
    let mut config = plan.training.clone();
    config.validation.fold = job.fold;
    config.seed = config
        .seed
        .wrapping_add(job.failures.len() as u64 * 1_000_003);
    let data = work.training_data(&mut config)?;
    let fit_options = FitOptions {
        device: options.device.clone(),
        duration: job.minutes.map(Duration::Minutes),
        stop: options.stop.clone(),
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
    if !report.finished || options.stop.load(Ordering::Relaxed) {
        return Err(Error::Stopped);
    }
    let evaluation = hold_out(
        work,
        job,
        &options.device,
        &options.stop,
        &mut |done, of| {
            observer(&TrainEvent::HeldOut { done, of });
        },
    )?;
    job.labels = LabelScore::of(&evaluation);
    Ok(evaluation.mean("dice").unwrap_or(0.0))
}
