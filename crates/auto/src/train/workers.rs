//! Workers that take one job after another, each with its share of the minutes.

use super::attempt::{Attempt, Ends};
use super::clock::{Clock, Pace};
use super::{Kept, TrainEvent, TrainOptions};
use crate::held_out::held_out_folder;
use crate::{Error, History, Job, JobState, Plan, Result, WorkFolder};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use vesalius_control::Stage;

/// What the workers share.
pub(super) struct Shared<'a> {
    pub history: History,
    pub observer: &'a mut (dyn FnMut(&TrainEvent) + Send),
    /// What held-out cases took lately.
    pub pace: Option<Pace>,
    /// Runs for which no time was left.
    pub left_out: usize,
}

/// Workers that take one job after another until none is left.
pub(super) struct Workers<'a, 'b> {
    pub work: &'a WorkFolder,
    pub plans: &'a [Plan],
    pub options: &'a TrainOptions,
    pub clock: Option<Clock>,
    pub state: &'a Mutex<Shared<'b>>,
    pub next: &'a AtomicUsize,
    pub stage: &'a Stage,
    pub kept: Kept,
}

impl<'b> Workers<'_, 'b> {
    fn held(&self) -> MutexGuard<'_, Shared<'b>> {
        // Every change under the lock is whole, so a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn serve(&self) -> Result<()> {
        loop {
            self.stage.control().check()?;
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let job = self.held().history.jobs.get(at).cloned();
            let Some(job) = job else { return Ok(()) };
            let Some(plan) = self.plans.iter().find(|plan| plan.name() == job.algorithm) else {
                continue;
            };
            match job.state {
                JobState::Planned => self.make(at, job, plan)?,
                JobState::Trained if !job.is_scored() => self.score_the_rest(at, job, plan)?,
                _ => {}
            }
            self.stage.advance(1);
        }
    }

    /// Tries a job until it ended one way or the other, or no time is left for it.
    fn make(&self, at: usize, mut job: Job, plan: &Plan) -> Result<()> {
        let mut is_first_try = true;
        while job.state == JobState::Planned {
            let ends = match self.ends(at) {
                Some(ends) => ends,
                // One run is started however short the time is, so that there is a result.
                None if at == 0 && is_first_try => Some(Ends::now()),
                None => {
                    self.held().left_out += 1;
                    return Ok(());
                }
            };
            is_first_try = false;
            self.told_of_begin(at, &job);
            let attempt = self.attempt(plan, ends);
            attempt.make(&mut job, &mut |event| (self.held().observer)(event))?;
            self.keep(at, &job, attempt.pace.take())?;
        }
        Ok(())
    }

    /// Segments the held-out cases that an earlier call had no time for.
    fn score_the_rest(&self, at: usize, mut job: Job, plan: &Plan) -> Result<()> {
        let Some(ends) = self.ends(at) else {
            return Ok(());
        };
        let folder = held_out_folder(self.work, &job);
        if job.quick && folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(|source| Error::System {
                path: folder,
                what: "removed",
                source,
            })?;
        }
        self.told_of_begin(at, &job);
        let attempt = self.attempt(plan, ends);
        attempt.score(&mut job, None, &mut |event| (self.held().observer)(event))?;
        self.keep(at, &job, attempt.pace.take())
    }

    /// When a job has ended: `Some(None)` where the plan has its length, `None` where no time is left.
    fn ends(&self, at: usize) -> Option<Option<Ends>> {
        let Some(clock) = &self.clock else {
            return Some(None);
        };
        let shared = self.held();
        let left = shared.history.jobs[at..]
            .iter()
            .filter(|job| job.state == JobState::Planned || job.is_trained() && !job.is_scored())
            .count();
        let training = clock.run_ends(left, &shared.history, shared.pace)?;
        Some(Some(Ends {
            training,
            scoring: clock.scoring_ends(training, left),
        }))
    }

    fn attempt<'a>(&'a self, plan: &'a Plan, ends: Option<Ends>) -> Attempt<'a> {
        Attempt {
            work: self.work,
            plan,
            options: self.options,
            control: self.stage.control(),
            ends,
            known_pace: self.held().pace,
            pace: Cell::new(None),
        }
    }

    fn told_of_begin(&self, at: usize, job: &Job) {
        let mut shared = self.held();
        let of = shared.history.jobs.len();
        (shared.observer)(&TrainEvent::Begun {
            number: at + 1,
            of,
            job,
        });
    }

    fn keep(&self, at: usize, job: &Job, pace: Option<Pace>) -> Result<()> {
        let mut shared = self.held();
        shared.pace = pace.or(shared.pace);
        shared.history.jobs[at] = job.clone();
        if self.kept == Kept::InHistory {
            if !matches!(job.state, JobState::Planned) {
                job.write_result(self.work)?;
            }
            shared.history.write(self.work.folder())?;
        }
        (shared.observer)(&TrainEvent::Ended(job));
        Ok(())
    }
}
