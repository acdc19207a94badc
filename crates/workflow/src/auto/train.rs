//! Every plan on every fold.

use super::{AutoEvent, Error, Observer, Result};
use vesalius_auto::{AfterRuns, History, TrainOptions, WorkFolder};
use vesalius_control::Control;
use vesalius_tensor::Device;

/// How runs are made.
#[derive(Debug, Clone)]
pub struct TrainStage {
    /// Minutes for all runs together, with their caches, validations and held-out cases; `None` trains each for the
    /// length in its plan.
    pub minutes: Option<f64>,
    /// What follows the runs within the same minutes.
    pub after: AfterRuns,
    /// The plans to train, by name; `None` for all.
    pub algorithms: Option<Vec<String>>,
    /// The folds to train; `None` for all.
    pub folds: Option<Vec<usize>>,
    /// How often a run that broke off or collapsed is started again.
    pub retries: usize,
    /// Whether runs that failed are tried again although nothing has changed since.
    pub retry_failed: bool,
    /// Runs that are made at one time.
    pub at_once: usize,
}

impl Default for TrainStage {
    fn default() -> Self {
        Self {
            minutes: None,
            after: AfterRuns::default(),
            algorithms: None,
            folds: None,
            retries: 1,
            retry_failed: false,
            at_once: 1,
        }
    }
}

/// Trains what is not trained yet.
///
/// # Errors
/// [`Error::NoRun`]; [`Error::NoPlan`]; plans or a dataset that cannot be used; a failure of the machine; a stop.
pub fn train(
    work: &WorkFolder,
    stage: &TrainStage,
    device: &Device,
    control: &Control,
    observer: &Observer,
) -> Result<History> {
    let options = TrainOptions {
        minutes: stage.minutes,
        after: stage.after,
        folds: stage.folds.clone(),
        retries: stage.retries,
        retry_failed: stage.retry_failed,
        at_once: stage.at_once,
        device: device.clone(),
        control: control.clone(),
        ..TrainOptions::default()
    };
    let mut plans = work.plans()?;
    if let Some(names) = &stage.algorithms {
        let known: Vec<String> = plans.iter().map(|plan| plan.name().to_owned()).collect();
        if let Some(name) = names.iter().find(|name| !known.contains(name)) {
            return Err(Error::NoPlan {
                name: name.clone(),
                plans: known,
            });
        }
        plans.retain(|plan| names.iter().any(|name| name == plan.name()));
    }
    let history = vesalius_auto::train(work, &plans, &options, &mut |event| {
        observer(&AutoEvent::Training(event));
    })?;
    observer(&AutoEvent::Trained(&history));
    if history.trained().next().is_none() {
        return Err(Error::NoRun);
    }
    Ok(history)
}
