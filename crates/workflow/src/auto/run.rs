//! All stages, one after the other, each going on from what is there.

use super::predict::listed;
use super::{
    EnsembleStage, Observer, PlanStage, PredictStage, Result, TrainStage, ensemble, plan, predict,
    report, train, tune,
};
use std::path::Path;
use vesalius_auto::{Input, Missing, Plan, TuneOptions, Work};
use vesalius_control::Control;
use vesalius_registry::Registry;
use vesalius_tensor::Device;
use vesalius_training::Duration;

/// The share of the minutes that models are trained in; the rest is for measuring the machine, validation,
/// held-out cases and the choice of the ensemble.
const TRAINING_SHARE: f64 = 0.8;

/// The share of the training minutes that a search has.
const TUNING_SHARE: f64 = 1.0 / 3.0;

/// Minutes of a trial where the whole run has no limit.
const MINUTES_PER_TRIAL: f64 = 5.0;

/// How all stages are run.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// Minutes for everything, most of which train; `None` trains as the plans say.
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
    /// Planners of the user's own, and types that plans and models name.
    pub registry: Registry,
}

/// How the minutes of a run are divided.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Minutes {
    /// Of all searches together.
    tuning: Option<f64>,
    /// Of all runs together.
    training: Option<f64>,
}

impl Minutes {
    fn of(minutes: Option<f64>, tune_trials: u64) -> Self {
        let all = minutes.map(|minutes| minutes * TRAINING_SHARE);
        let tuning = match tune_trials {
            0 => None,
            _ => all.map(|all| all * TUNING_SHARE),
        };
        Self {
            tuning,
            training: all.map(|all| all - tuning.unwrap_or(0.0)),
        }
    }

    /// Of one trial, where `plans` are searched with `trials` each.
    fn of_trial(self, trials: u64, plans: usize) -> f64 {
        match self.tuning {
            Some(minutes) => minutes / (trials as f64 * plans.max(1) as f64),
            None => MINUTES_PER_TRIAL / plans.max(1) as f64,
        }
    }
}

/// Runs every stage from an input file to the report in a work folder; the runs that the model lacks.
///
/// # Errors
/// As the stages, of which each keeps what it has done.
pub fn run(
    input: &Path,
    folder: &Path,
    options: &RunOptions,
    observer: &Observer,
) -> Result<Vec<Missing>> {
    let work = Work::open(folder, Input::read(input)?)?;
    let mut work = work.with_registry(options.registry.clone());
    let (device, control) = (&options.device, &options.control);
    let minutes = Minutes::of(options.minutes, options.tune_trials);
    plan(
        &mut work,
        &options.plan,
        minutes.training,
        device,
        control,
        observer,
    )?;
    if options.tune_trials > 0 {
        tune_all(&work, minutes, options, observer)?;
    }
    train(
        &work,
        &options.train,
        minutes.training,
        device,
        control,
        observer,
    )?;
    let missing = ensemble(&work, options.ensemble, control, observer)?;
    let predictions = PredictStage::default();
    predict(
        &work,
        &listed(&work),
        &predictions,
        device,
        control,
        observer,
    )?;
    report(&work, observer)?;
    Ok(missing)
}

/// Searches better settings for every plan that no search made.
fn tune_all(
    work: &Work,
    minutes: Minutes,
    options: &RunOptions,
    observer: &Observer,
) -> Result<()> {
    let plans = work.plans()?;
    let plans: Vec<&Plan> = plans.iter().filter(|plan| !plan.is_tuned()).collect();
    let of_trial = minutes.of_trial(options.tune_trials, plans.len());
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
    fn a_search_takes_a_third_of_the_minutes_that_train() {
        let near = |found: Option<f64>, expected: f64| (found.unwrap() - expected).abs() < 1e-9;
        let with = Minutes::of(Some(60.0), 4);
        assert!(near(with.tuning, 16.0) && near(with.training, 32.0));
        assert!(near(Some(with.of_trial(4, 2)), 2.0));
        let without = Minutes::of(Some(60.0), 0);
        assert!(without.tuning.is_none() && near(without.training, 48.0));
        let unlimited = Minutes::of(None, 3);
        assert_eq!(unlimited.training, None);
        assert!(near(Some(unlimited.of_trial(3, 2)), 2.5));
    }
}
