//! Better settings for an algorithm: trials of its plan with other values, the worse ones ended early, the
//! best written back as a plan of its own.

use crate::search::{
    Ask, Decision, Pruner, Sampler, SearchError, SearchSpace, Setting, Settings, Study,
    StudyConfig, Trial, TrialState, with_settings,
};
use crate::train::move_aside;
use crate::work::{going_on, problem};
use crate::{Error, Plan, Result, WorkFolder};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vesalius_control::Control;
use vesalius_losses::LossConfig;
use vesalius_registry::Registry;
use vesalius_tensor::Device;
use vesalius_training::{Duration, Event, FitOptions, OptimizerConfig, TrainingConfig, fit};
use vesalius_transforms::with_suggestion;
use vesalius_volume::Warning;

/// How settings are searched.
#[derive(Debug, Clone)]
pub struct TuneOptions {
    /// The keys of the plan's `training` and the values each may take; `None` for [`default_space`].
    pub space: Option<SearchSpace>,
    /// How trials are drawn.
    pub sampler: Sampler,
    /// When trials are stopped early.
    pub pruner: Pruner,
    /// Trials in all.
    pub trials: u64,
    /// The length of a trial.
    pub duration: Duration,
    /// How often a running trial is scored, which is when it may be ended.
    pub reports: u64,
    /// The fold that trials are scored on.
    pub fold: usize,
    /// The seed of all random numbers.
    pub seed: u64,
    /// The device that computes.
    pub device: Device,
    /// Cancels the current trial, which is saved, and the search; carries the stage `trials`.
    pub control: Control,
}

impl Default for TuneOptions {
    fn default() -> Self {
        Self {
            space: None,
            sampler: Sampler::default(),
            pruner: Pruner::default(),
            trials: 20,
            duration: Duration::Minutes(5.0),
            reports: 4,
            fold: 0,
            seed: 0,
            device: Device::flex(),
            control: Control::new(),
        }
    }
}

/// The events of a search.
#[derive(Debug)]
#[non_exhaustive]
pub enum TuneEvent<'a> {
    /// A warning before anything is trained.
    Warning(&'a Warning),
    /// A trial begins, or continues where a killed process left it.
    Begun(&'a Trial),
    /// Something happened in its run.
    Run(&'a Event),
    /// A trial ended.
    Ended {
        /// Its number.
        number: u64,
        /// How.
        state: &'a TrialState,
    },
}

/// The default search space: learning rate, loss and patches a step.
///
/// # Errors
/// None for a plan that can be trained.
pub fn default_space(plan: &Plan) -> Result<SearchSpace> {
    let optimizer = match plan.training.optimizer {
        OptimizerConfig::AdamW(_) => Some("adamw"),
        OptimizerConfig::Adam(_) => Some("adam"),
        OptimizerConfig::Sgd(_) => Some("sgd"),
        // The options of a user-defined type are unknown.
        _ => None,
    };
    let rate = plan.training.optimizer.learning_rate();
    let rates = optimizer.map_or(String::new(), |optimizer| {
        format!(
            "optimizer.{optimizer}.learning_rate: {{float: {{low: {}, high: {}, log: true}}}}\n",
            rate / 10.0,
            rate * 3.0
        )
    });
    let losses: Vec<String> = std::iter::once(&plan.training.loss)
        .chain(&other_losses(&plan.training.loss))
        .map(|loss| serde_json::to_string(loss).unwrap_or_default())
        .collect();
    Ok(SearchSpace::parse(&format!(
        "{rates}batch_size: {{int: {{low: 1, high: {}}}}}\nloss: {{categorical: {{choices: [{}]}}}}\n",
        2 * plan.training.batch_size,
        losses.join(", ")
    ))?)
}

fn other_losses(own: &LossConfig) -> Vec<LossConfig> {
    let known = [
        LossConfig::DiceCrossEntropy(Default::default()),
        LossConfig::DiceFocal(Default::default()),
        LossConfig::Tversky(Default::default()),
    ];
    known.into_iter().filter(|loss| loss != own).collect()
}

/// Runs trials until no more are left, and writes the best as the plan `NAME_tuned`; `None` when no trial ended
/// well. Several processes may work on one search, each with the folder opened by [`WorkFolder::share`].
///
/// # Errors
/// A key that the plan does not have, or that does not take one of its values; a fold or dataset that cannot be
/// used; a folder with a search of other settings; [`Error::Cancelled`]; [`Error::Machine`] for a full disk, a
/// lost permission or a device that fails, after which the trial can be resumed. A trial that breaks off by
/// itself is not an error: its reason is in the study.
pub fn tune(
    work: &WorkFolder,
    plan: &Plan,
    options: &TuneOptions,
    observer: &mut dyn FnMut(&TuneEvent),
) -> Result<Option<Plan>> {
    let space = match &options.space {
        Some(space) => space.clone(),
        None => default_space(plan)?,
    };
    let base = serde_json::to_value(&plan.training).map_err(|e| {
        problem(
            &Plan::path(work.plans_folder(), plan.name()),
            &e.to_string(),
        )
    })?;
    check_values(&base, &space, work.registry())?;
    let folder = work.folder().join("tune").join(plan.name());
    let study = Study::open(
        folder.join("study"),
        StudyConfig {
            space,
            sampler: options.sampler.clone(),
            pruner: options.pruner.clone(),
            seed: options.seed,
            conditions: conditions(plan, options),
            trials: options.trials,
        },
    )
    .map_err(|e| Error::from(e).told_of_machine())?;
    for warning in work.warnings().iter().chain(study.warnings()) {
        observer(&TuneEvent::Warning(warning));
    }
    let searched = search(work, options, &base, &study, &folder, observer);
    searched.map_err(Error::told_of_machine)?;
    best(work, plan, &base, &study)
}

/// Runs trials until no more are left.
fn search(
    work: &WorkFolder,
    options: &TuneOptions,
    base: &Value,
    study: &Study,
    folder: &Path,
    observer: &mut dyn FnMut(&TuneEvent),
) -> Result<()> {
    let stage = options.control.stage("trials", options.trials);
    loop {
        stage.control().check()?;
        let Some(ask) = study.ask()? else {
            return Ok(());
        };
        // Other processes may work on the search as well.
        stage.set(ask.trial.number);
        observer(&TuneEvent::Begun(&ask.trial));
        let output = folder
            .join("trials")
            .join(format!("{:04}", ask.trial.number));
        if !ask.resumed {
            // Left by a trial of this number that the record has lost.
            move_aside(&output)?;
        }
        let tried = Try {
            work,
            study,
            options,
            output,
            control: stage.control(),
        };
        let state = match tried.run(base, &ask, observer) {
            Err(Error::Cancelled(cancelled)) => return Err(cancelled.into()),
            Ok(state) => state,
            // No fault of the trial, which is left to be resumed.
            Err(e) if e.is_of_machine() => return Err(e),
            Err(e) => TrialState::Failed(e.to_string()),
        };
        let number = ask.trial.number;
        study.end(ask, state.clone())?;
        observer(&TuneEvent::Ended {
            number,
            state: &state,
        });
    }
}

/// What the value of a trial depends on besides its settings.
fn conditions(plan: &Plan, options: &TuneOptions) -> BTreeMap<String, String> {
    let length = match options.duration {
        Duration::Steps(steps) => format!("{steps} steps"),
        Duration::Epochs(epochs) => format!("{epochs} epochs"),
        Duration::Minutes(minutes) => format!("{minutes} minutes"),
    };
    let named = [
        ("the length of a trial", length),
        ("the fold", options.fold.to_string()),
        (
            "the number of scores on the way",
            options.reports.to_string(),
        ),
        ("the plan (a hash)", plan.hash()),
    ];
    named.map(|(name, value)| (name.to_owned(), value)).into()
}

/// Checks that the plan takes every choice and both ends of every range: found before anything is trained.
fn check_values(base: &Value, space: &SearchSpace, registry: &Registry) -> Result<()> {
    let first: Settings = space
        .iter()
        .map(|(key, distribution)| (key.to_owned(), distribution.value(0.0)))
        .collect();
    with_settings(base, &first)?;
    for (key, distribution) in space.iter() {
        for value in distribution.extremes() {
            let mut settings = first.clone();
            settings.insert(key.to_owned(), value.clone());
            let refused = |reason: String| SearchError::Distribution {
                key: key.to_owned(),
                reason: format!("the plan does not take {}: {reason}", shown(&value)),
            };
            let changed = with_settings(base, &settings)?;
            let mut config = serde_json::from_value::<TrainingConfig>(changed)
                .map_err(|e| refused(with_suggestion(&e.to_string())))?;
            let checked = config.resolve(registry).and_then(|()| config.check());
            checked.map_err(|e| refused(e.to_string()))?;
        }
    }
    Ok(())
}

/// One running trial.
struct Try<'a> {
    work: &'a WorkFolder,
    study: &'a Study,
    options: &'a TuneOptions,
    output: PathBuf,
    control: &'a Control,
}

impl Try<'_> {
    fn run(
        &self,
        base: &Value,
        ask: &Ask,
        observer: &mut dyn FnMut(&TuneEvent),
    ) -> Result<TrialState> {
        let mut config = config_of(base, &ask.trial.settings, self.work.registry())?;
        config.validation.fold = self.options.fold;
        config.validation.times = self.options.reports.max(1);
        let data = self.work.training_data(&mut config, self.control)?;
        // Cancelled for this trial alone where others are better.
        let trial = self.control.child();
        let fit_options = FitOptions {
            device: self.options.device.clone(),
            duration: Some(self.options.duration),
            control: trial.clone(),
            ..going_on(self.output.clone())
        };
        let (mut pruned, mut scores, mut failure) = (false, 0u64, None);
        let reached = ask.trial.reports.len() as u64;
        let report = fit(&config, &data, &fit_options, &mut |event| {
            if let Event::Validated { dice, .. } = event {
                scores += 1;
                match self.study.report(ask, reached + scores, *dice) {
                    Ok(Decision::Continue) => {}
                    Ok(Decision::Stop) => {
                        pruned = true;
                        trial.cancel();
                    }
                    Err(e) => {
                        failure = Some(e);
                        trial.cancel();
                    }
                }
            }
            observer(&TuneEvent::Run(event));
        });
        if let Some(e) = failure {
            return Err(e.into());
        }
        match report {
            Ok(report) => {
                let best = report.progress.best;
                Ok(TrialState::Complete(best.map_or(0.0, |best| best.dice)))
            }
            Err(error) if error.is_cancelled() && pruned => Ok(TrialState::Pruned),
            Err(error) => Err(error.into()),
        }
    }
}

fn config_of(base: &Value, settings: &Settings, registry: &Registry) -> Result<TrainingConfig> {
    let changed = with_settings(base, settings)?;
    let config = serde_json::from_value::<TrainingConfig>(changed);
    let mut config = config.map_err(|e| {
        crate::search::SearchError::Space(format!("the plan does not take these values: {e}"))
    })?;
    config.resolve(registry)?;
    Ok(config)
}

/// The best trial as a plan, written next to the one that it changes.
fn best(work: &WorkFolder, plan: &Plan, base: &Value, study: &Study) -> Result<Option<Plan>> {
    let Some(trial) = study.best()? else {
        return Ok(None);
    };
    let dice = trial.lesson().unwrap_or(0.0);
    let mut training = config_of(base, &trial.settings, work.registry())?;
    training.name = Plan::tuned_name(plan.name());
    let trials = study.trials()?;
    let pruned = trials
        .iter()
        .filter(|t| t.state == TrialState::Pruned)
        .count();
    let mut reasons = plan.reasons.clone();
    reasons.push(format!(
        "trial {} of {} ({pruned} of them ended early) was the best, with a Dice of {dice:.4}: {}",
        trial.number,
        trials.len(),
        trial
            .settings
            .iter()
            .map(|(key, value)| format!("{key} = {}", shown(value)))
            .collect::<Vec<_>>()
            .join(", ")
    ));
    let tuned = Plan { reasons, training };
    crate::planned::write(&tuned, &work.plans_folder())?;
    Ok(Some(tuned))
}

fn shown(setting: &Setting) -> String {
    serde_json::to_string(setting).unwrap_or_default()
}

#[cfg(test)]
mod tests;
