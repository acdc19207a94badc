//! The events of the stages, on stdout and stderr; and errors, with the options of the command as remedies.

use crate::commands::Result;
use crate::progress::{CaseProgress, TrainingProgress};
use crate::remedy;
use crate::warnings::{tell_about, tell_files};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use vesalius::auto::search::TrialState;
use vesalius::auto::{Job, JobState, TrainEvent, TuneEvent};
use vesalius::control::{self, Control};
use vesalius::predict::PredictEvent;
use vesalius::workflow::auto::{AutoEvent, Error};

/// Prints events.
#[derive(Default)]
pub struct Printer {
    cases: Mutex<Option<CaseProgress>>,
    training: Mutex<Option<TrainingProgress>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Printer {
    /// Prints an event.
    pub fn show(&self, event: &AutoEvent) {
        match event {
            AutoEvent::Reading { cases } => *locked(&self.cases) = Some(CaseProgress::new(*cases)),
            AutoEvent::AllRead => *locked(&self.cases) = None,
            AutoEvent::Analyzed(report) => {
                tell_files(&report.warnings);
                for problem in &report.problems {
                    note!("{}", problem.message);
                    remedy::tell(problem.refused.as_ref(), "auto");
                }
            }
            AutoEvent::Planned(plans) => {
                for plan in *plans {
                    out!("plan {}", plan.name());
                    plan.reasons.iter().for_each(|reason| out!("  {reason}"));
                }
            }
            AutoEvent::Tuning { event, trials } => self.tuning(event, *trials),
            AutoEvent::Tuned { plan, path } => {
                if let Some(reason) = plan.reasons.last() {
                    out!("{reason}");
                }
                out!("plan: {}", path.display());
            }
            AutoEvent::Training(event) => self.training(event),
            AutoEvent::Trained(history) => {
                history.jobs.iter().for_each(|job| out!("{}", result(job)));
            }
            AutoEvent::Scored(scored) => out!(
                "{}: mean Dice {:.4} ({} models)",
                scored.candidate.name,
                scored.dice,
                scored.candidate.size()
            ),
            AutoEvent::Chosen { choice, model } => {
                let name = &choice.best.candidate.name;
                out!("taken: {name}, mean Dice {:.4}", choice.dice);
                choice.missing.iter().for_each(|run| out!("missing: {run}"));
                out!("model: {}", model.display());
            }
            AutoEvent::PredictionsRemoved(old) => {
                note!("the model has changed: {old} predictions are made again");
            }
            AutoEvent::Predicting {
                progress: PredictEvent::Done { done, result },
                total,
            } => match &result.outcome {
                Ok(path) => note!("[{done}/{total}] {}", path.display()),
                Err(error) => note!("[{done}/{total}] {}: error: {error}", result.name),
            },
            AutoEvent::Predicted {
                segmented,
                total,
                folder,
            } => out!(
                "predictions: {segmented} of {total} cases in {}",
                folder.display()
            ),
            AutoEvent::Reported(path) => out!("report: {}", path.display()),
            _ => {}
        }
    }

    /// Shows how many cases were read.
    fn read(&self, progress: &control::Progress) {
        if let (Some(cases), "cases") = (&*locked(&self.cases), &*progress.stage) {
            cases.show(progress.done);
        }
    }

    fn run(&self, event: &vesalius::training::Event) {
        if let Some(progress) = &mut *locked(&self.training) {
            progress.show(event);
        }
    }

    fn tuning(&self, event: &TuneEvent, trials: u64) {
        match event {
            TuneEvent::Warning(warning) => tell_about("", std::slice::from_ref(warning)),
            TuneEvent::Begun(trial) => {
                let settings = serde_json::to_string(&trial.settings).unwrap_or_default();
                note!("trial {} of {trials}: {settings}", trial.number);
                *locked(&self.training) = Some(TrainingProgress::new());
            }
            TuneEvent::Run(event) => self.run(event),
            TuneEvent::Ended { number, state } => {
                *locked(&self.training) = None;
                let state = match state {
                    TrialState::Running => "under way".to_owned(),
                    TrialState::Complete(dice) => format!("Dice {dice:.4}"),
                    TrialState::Pruned => "ended early: others were better by then".to_owned(),
                    TrialState::Failed(reason) => format!("FAILED: {reason}"),
                };
                out!("trial {number}: {state}");
            }
            _ => {}
        }
    }

    fn training(&self, event: &TrainEvent) {
        match event {
            TrainEvent::Warning(warning) => tell_about("", std::slice::from_ref(warning)),
            TrainEvent::Begun { number, of, job } => {
                let (algorithm, fold) = (&job.algorithm, job.fold);
                note!("run {number} of {of}: {algorithm} on fold {fold}");
                *locked(&self.training) = Some(TrainingProgress::new());
            }
            TrainEvent::Run(event) => self.run(event),
            TrainEvent::HeldOut { done, of } if done == of => {
                note!("segmented {of} held-out cases");
            }
            TrainEvent::HeldOut { .. } => {}
            TrainEvent::Ended(job) => {
                *locked(&self.training) = None;
                note!("{}", result(job));
            }
            _ => {}
        }
    }
}

fn result(job: &Job) -> String {
    let what = match &job.state {
        JobState::Planned => format!("to be tried again: {}", job.failures.join("; ")),
        JobState::Trained => format!(
            "mean Dice {:.4} after {} steps",
            job.dice.unwrap_or(0.0),
            job.steps
        ),
        JobState::Failed(reason) => format!("FAILED, left out: {reason}"),
        JobState::Collapsed(reason) => format!("COLLAPSED, left out: {reason}"),
    };
    format!("{} fold {}: {what}", job.algorithm, job.fold)
}

/// Runs a stage with its events printed.
pub fn shown<T>(
    stage: impl FnOnce(&vesalius::workflow::auto::Observer) -> std::result::Result<T, Error>,
) -> Result<T> {
    counted(&Control::new(), stage)
}

/// As [`shown`], and the cases that are read are counted through the stage's control.
pub fn counted<T>(
    control: &Control,
    stage: impl FnOnce(&vesalius::workflow::auto::Observer) -> std::result::Result<T, Error>,
) -> Result<T> {
    let printer = Arc::new(Printer::default());
    control.on_progress({
        let printer = printer.clone();
        move |progress| printer.read(progress)
    });
    stage(&|event| printer.show(event)).map_err(explained)
}

/// What went wrong, in the options of the command.
fn explained(error: Error) -> Box<dyn std::error::Error> {
    let text = match &error {
        Error::SeveralPlans(names) => format!(
            "there are several plans; choose one of {} with --algorithm",
            names.join(", ")
        ),
        Error::NoTrial => "no trial ended well; the reasons stand above".to_owned(),
        Error::NoRun => {
            "no run can be used; the reasons stand above and in history.json".to_owned()
        }
        Error::NotWhole { .. } => format!(
            "{error}, or use `vesalius predict --allow-missing` with the model of the work folder"
        ),
        Error::NothingToPredict(_) => format!("{error} with --input"),
        _ => return error.into(),
    };
    text.into()
}
