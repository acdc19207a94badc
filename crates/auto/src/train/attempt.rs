//! One try of a job: training, and the held-out cases.

use super::clock::Pace;
use super::jobs::move_aside;
use super::{TrainEvent, TrainOptions};
use crate::held_out::{HoldOutOptions, cases, read_back};
use crate::work::going_on;
use crate::{Basis, Error, Job, JobState, LabelScore, Plan, Result, WorkFolder, hold_out};
use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant};
use vesalius_control::Control;
use vesalius_metrics::Evaluation;
use vesalius_training::{Event, FitOptions, FitReport, KeptFree, fit};
use vesalius_volume::{ErrorKind, Warning};

/// What segmenting the held-out cases takes, as a multiple of a validation with as many mirrors: they are read from
/// their files, and their probabilities written.
const SCORING: f64 = 2.5;

/// What is kept free for held-out cases, as a multiple of what those of the run before took.
const MARGIN: f64 = 1.2;

/// When a run has ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    /// With its held-out cases, if all goes as expected.
    pub training: Instant,
    /// With its held-out cases at the latest.
    pub scoring: Instant,
}

impl Ends {
    /// At once.
    pub fn now() -> Self {
        let now = Instant::now();
        Self {
            training: now,
            scoring: now,
        }
    }
}

/// One try of a job.
pub(super) struct Attempt<'a> {
    pub work: &'a WorkFolder,
    pub plan: &'a Plan,
    pub options: &'a TrainOptions,
    pub control: &'a Control,
    /// When it has ended; `None` for the plan's own length.
    pub ends: Option<Ends>,
    /// What held-out cases took in the run before.
    pub known_pace: Option<Pace>,
    /// What held-out cases took.
    pub pace: Cell<Option<Pace>>,
}

impl Attempt<'_> {
    /// Afterwards the job's state is the result, or still planned for the next attempt.
    pub fn make(&self, job: &mut Job, observer: &mut dyn FnMut(&TrainEvent)) -> Result<()> {
        let folder = self.work.folder().join(&job.folder);
        job.basis = Some(Basis::of(self.work, self.plan));
        let outcome = match self.run(job, &folder, observer) {
            Err(Error::Cancelled(cancelled)) => return Err(cancelled.into()),
            Ok(dice) if !self.options.is_collapsed(dice, job.steps) => {
                job.state = JobState::Trained;
                return Ok(());
            }
            Ok(dice) => JobState::Collapsed(format!(
                "mean Dice {dice:.4} on the held-out cases after {} steps, below {}",
                job.steps, self.options.collapsed_below
            )),
            // A full disk is no fault of the run, which stays as it is, to be resumed; nor is another process that makes it.
            Err(e) if e.is_of_machine() || e.kind() == ErrorKind::Busy => return Err(e),
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
        // Its log has the reason, so it is kept under another name.
        move_aside(&folder)
    }

    /// Trains, or resumes, and segments the held-out cases: their mean Dice.
    fn run(
        &self,
        job: &mut Job,
        folder: &Path,
        observer: &mut dyn FnMut(&TrainEvent),
    ) -> Result<f64> {
        let began = Instant::now();
        let mut config = self.plan.training.clone();
        config.validation.fold = job.fold;
        config.seed = config
            .seed
            .wrapping_add(job.failures.len() as u64 * 1_000_003);
        config.cache = config.cache.for_one_of(self.options.at_once);
        let data = self.work.training_data(&mut config, self.control)?;
        let views = 2.0_f64.powi(config.mirror_axes.len() as i32);
        let kept_free = match self.known_pace {
            Some(pace) => {
                let cases = cases(self.work, job.fold)?.len();
                KeptFree::Seconds(MARGIN * pace.segmenting * cases as f64)
            }
            None => KeptFree::Validations(SCORING * views),
        };
        job.minutes = self.ends.map(|ends| {
            let left = ends.training.saturating_duration_since(Instant::now());
            left.as_secs_f64() / 60.0
        });
        let fit_options = FitOptions {
            device: self.options.device.clone(),
            began: Some(began),
            ends: self.ends.map(|ends| ends.training),
            kept_free,
            control: self.control.clone(),
            fence: self.options.fence.as_deref().cloned(),
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
        self.score(job, report.seconds_per_case, observer)
    }

    /// Segments and scores the held-out cases, as many as there is time for: their mean Dice.
    pub fn score(
        &self,
        job: &mut Job,
        seconds_per_case: Option<f64>,
        observer: &mut dyn FnMut(&TrainEvent),
    ) -> Result<f64> {
        let options = HoldOutOptions {
            device: self.options.device.clone(),
            control: self.control.clone(),
            ends: self.ends.map(|ends| ends.scoring),
            seconds_per_case,
        };
        let began = Instant::now();
        let found = hold_out(self.work, job, &options)?;
        let scored = found.evaluation.cases().len();
        observer(&TrainEvent::HeldOut {
            done: scored,
            of: scored + found.unscored,
        });
        let segmenting = began.elapsed() / scored.max(1) as u32;
        // Only where there are minutes to divide is it of use.
        if self.ends.is_some() {
            self.pace.set(Some(Pace {
                segmenting: segmenting.as_secs_f64(),
                reading: self.reading(job, &found.evaluation)?.as_secs_f64(),
            }));
        }
        (job.unscored, job.quick) = (found.unscored, found.quick);
        if !job.is_scored() {
            observer(&TrainEvent::Warning(&Warning::HeldOutCut {
                algorithm: job.algorithm.clone(),
                fold: job.fold,
                done: scored,
                of: scored + found.unscored,
                quick: found.quick,
            }));
        }
        let dice = found.evaluation.mean("dice").unwrap_or(0.0);
        job.dice = Some(dice);
        job.labels = LabelScore::of(&found.evaluation);
        Ok(dice)
    }

    /// What it takes to read a held-out case back and to score it.
    fn reading(&self, job: &Job, evaluation: &Evaluation) -> Result<Duration> {
        let Some(case) = evaluation.cases().first() else {
            return Ok(Duration::ZERO);
        };
        let began = Instant::now();
        read_back(self.work, job, &case.case)?;
        Ok(began.elapsed())
    }
}
