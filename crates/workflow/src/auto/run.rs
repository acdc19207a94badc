//! All stages, one after the other, each continuing from what is there.

use super::predict::listed;
use super::{
    EnsembleStage, Error, Observer, PlanStage, PredictStage, Result, TrainStage, ensemble, plan,
    predict, report, train, tune,
};
use crate::predict::Error as PredictError;
use std::path::Path;
use std::time::Instant;
use vesalius_auto::{AfterRuns, Input, Missing, Plan, TuneOptions, WorkFolder};
use vesalius_control::{Control, moment_after};
use vesalius_registry::Registry;
use vesalius_tensor::Device;
use vesalius_training::Duration;

/// The share of the minutes that plans are made for; the rest is for looking over the dataset, held-out cases and the
/// choice of the ensemble.
const TRAINING_SHARE: f64 = 0.8;

/// The share of the minutes left after the plans that a search has.
const TUNING_SHARE: f64 = 1.0 / 3.0;

/// Minutes of a trial where the whole run has no limit.
const MINUTES_PER_TRIAL: f64 = 5.0;

/// Minutes of a trial at least: enough for one step.
const SHORTEST_TRIAL: f64 = 1e-4;

/// How all stages are run.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// Minutes for everything: analysis, caches, searches, training, validation, held-out cases, the choice of the
    /// ensemble, predictions and report. Where they are short, runs, held-out cases and predictions are left out with
    /// an event, and a later call makes them. `None` trains for the length in the plans.
    pub minutes: Option<f64>,
    /// Trials of a search for better settings of each plan; 0 for none.
    pub tune_trials: u64,
    /// How plans are made.
    pub plan: PlanStage,
    /// How runs are made.
    pub train: TrainStage,
    /// How the ensemble is chosen.
    pub ensemble: EnsembleStage,
    /// What computes.
    pub device: Device,
    /// Cancels the stage that runs; what is done is kept.
    pub control: Control,
    /// User-defined planners, and types that plans and models name.
    pub registry: Registry,
}

/// The minutes of a run of all stages.
#[derive(Debug, Clone, Copy)]
struct Minutes {
    whole: Option<f64>,
    began: Instant,
}

impl Minutes {
    /// Those that are left.
    fn left(self) -> Option<f64> {
        let used = self.began.elapsed().as_secs_f64() / 60.0;
        self.whole.map(|whole| (whole - used).max(0.0))
    }

    /// A handle that is cancelled when they end.
    fn until(self, control: &Control) -> Control {
        let ends = |minutes: f64| moment_after(self.began, minutes * 60.0);
        match self.whole.and_then(ends) {
            Some(moment) => control.until(moment),
            None => control.clone(),
        }
    }
}

/// Minutes of one trial, where `plans` are searched with `trials` each in a share of the minutes left.
fn minutes_of_trial(left: Option<f64>, trials: u64, plans: usize) -> f64 {
    let plans = plans.max(1) as f64;
    match left {
        Some(left) => (left * TUNING_SHARE / (trials as f64 * plans)).max(SHORTEST_TRIAL),
        None => MINUTES_PER_TRIAL / plans,
    }
}

/// Runs every stage from an input file to the report in a work folder; the runs that the model lacks.
///
/// # Errors
/// As the stages, of which each keeps what it has done.
pub fn run(
    input: impl AsRef<Path>,
    folder: impl AsRef<Path>,
    options: &RunOptions,
    observer: &Observer,
) -> Result<Vec<Missing>> {
    let (input, folder) = (input.as_ref(), folder.as_ref());
    let minutes = Minutes {
        whole: options.minutes,
        began: Instant::now(),
    };
    let work = WorkFolder::open(folder, Input::read(input)?)?;
    let mut work = work.with_registry(options.registry.clone());
    let (device, control) = (&options.device, &options.control);
    let of_training = options.minutes.map(|minutes| match options.tune_trials {
        0 => minutes * TRAINING_SHARE,
        _ => minutes * TRAINING_SHARE * (1.0 - TUNING_SHARE),
    });
    plan(
        &mut work,
        &options.plan,
        of_training,
        device,
        control,
        observer,
    )?;
    if options.tune_trials > 0 {
        tune_all(&work, minutes, options, observer)?;
    }
    let cases = listed(&work);
    let stage = TrainStage {
        minutes: minutes.left(),
        after: AfterRuns::ensemble_and(cases.len()),
        ..options.train.clone()
    };
    train(&work, &stage, device, control, observer)?;
    let missing = ensemble(&work, options.ensemble, control, observer)?;
    report(&work, observer)?;
    let predictions = PredictStage::default();
    let timed = minutes.until(control);
    match predict(&work, &cases, &predictions, device, &timed, observer) {
        Err(Error::Predict(PredictError::Cancelled { done, total, .. }))
            if !control.is_cancelled() =>
        {
            Err(Error::OutOfTime { done, total })
        }
        predicted => predicted.map(|()| missing),
    }
}

/// Searches better settings for every plan that no search made.
fn tune_all(
    work: &WorkFolder,
    minutes: Minutes,
    options: &RunOptions,
    observer: &Observer,
) -> Result<()> {
    let plans = work.plans()?;
    let plans: Vec<&Plan> = plans.iter().filter(|plan| !plan.is_tuned()).collect();
    let of_trial = minutes_of_trial(minutes.left(), options.tune_trials, plans.len());
    for plan in plans {
        let options = TuneOptions {
            trials: options.tune_trials,
            duration: Duration::Minutes(of_trial),
            device: options.device.clone(),
            control: options.control.clone(),
            ..TuneOptions::default()
        };
        tune(work, plan, &options, observer)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_takes_a_third_of_the_minutes_left() {
        let near = |found: f64, expected: f64| (found - expected).abs() < 1e-9;
        assert!(near(minutes_of_trial(Some(48.0), 4, 2), 2.0));
        assert!(near(minutes_of_trial(None, 3, 2), 2.5));
        assert!(minutes_of_trial(Some(0.0), 3, 2) > 0.0);
    }

    #[test]
    fn nothing_is_left_once_the_minutes_are_over() {
        let minutes = |whole| Minutes {
            whole,
            began: Instant::now(),
        };
        let control = Control::new();
        assert_eq!(minutes(None).left(), None);
        assert!(!minutes(None).until(&control).is_cancelled());
        assert!(minutes(Some(1e-9)).until(&control).is_cancelled());
        assert!(!minutes(Some(1e300)).until(&control).is_cancelled());
        let left = minutes(Some(1.0)).left().unwrap();
        assert!(left > 0.9 && left <= 1.0);
    }
}
