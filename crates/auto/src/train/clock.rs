//! How the minutes of all runs are divided, by what steps, held-out cases and the choice of the ensemble take here.

use super::TrainOptions;
use crate::{History, Job};
use std::collections::BTreeSet;
use std::time::Instant;
use vesalius_control::moment_after;

/// Before anything was measured, the share of the time left that is kept for the choice of the ensemble, and the
/// further one for cases that are segmented afterwards.
const SHARE_OF_CHOICE: f64 = 0.05;
const SHARE_OF_CASES: f64 = 0.1;
/// The share of the minutes that all of this gets at most.
const SHARE_AT_MOST: f64 = 0.4;
/// The share of a run by which its held-out cases may be late where other runs follow.
const SLACK: f64 = 0.25;
/// What a command may be late by: a share of its minutes, or so many seconds where that is less.
const LATE_SHARE: f64 = 0.05;
const LATE_SECONDS: f64 = 20.0;
/// Seconds for the pages and files at the end.
const WRITING: f64 = 1.5;
/// Readings of all held-out cases besides one for each candidate: for post-processing twice, and for the report.
const MORE_READINGS: usize = 3;

/// What follows the runs within the same minutes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AfterRuns {
    /// Whether an ensemble is chosen and reported.
    pub ensemble: bool,
    /// Cases that its model segments.
    pub cases: usize,
}

impl AfterRuns {
    /// An ensemble, and so many cases that it segments.
    pub fn ensemble_and(cases: usize) -> Self {
        Self {
            ensemble: true,
            cases,
        }
    }
}

/// Seconds that a case takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// To be segmented, written and scored.
    pub segmenting: f64,
    /// To be read back and scored.
    pub reading: f64,
}

/// The minutes of all runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    began: Instant,
    whole: f64,
    after: AfterRuns,
    at_once: usize,
    /// Held-out cases of all folds.
    held_out: usize,
}

impl Clock {
    /// The minutes of runs with so many held-out cases in all folds; `None` where the plans have the length of runs.
    pub fn of(options: &TrainOptions, held_out: usize) -> Option<Self> {
        Some(Self {
            began: options.began.unwrap_or_else(Instant::now),
            whole: options.minutes? * 60.0,
            after: options.after,
            at_once: options.at_once.max(1),
            held_out,
        })
    }

    /// The time by which the next of `left` runs has ended, its held-out cases included; `None` where no time is left for
    /// it.
    pub fn run_ends(&self, left: usize, history: &History, pace: Option<Pace>) -> Option<Instant> {
        let now = Instant::now();
        let used = now.saturating_duration_since(self.began).as_secs_f64();
        let seconds = self.run_seconds(used, left, history, pace);
        moment_after(now, seconds).filter(|ends| *ends > now)
    }

    /// Until when the held-out cases of a run are scored that is to have ended at `ends`, `left` runs being left with it:
    /// somewhat longer, as the runs after it can make up for that; the last one takes a part of what a command may be
    /// late by.
    pub fn scoring_ends(&self, ends: Instant, left: usize) -> Instant {
        let now = Instant::now();
        let slack = match left {
            0 | 1 => (LATE_SHARE * self.whole).min(LATE_SECONDS) / 2.0,
            _ => ends.saturating_duration_since(now).as_secs_f64() * SLACK,
        };
        moment_after(ends, slack).unwrap_or(ends)
    }

    fn run_seconds(&self, used: f64, left: usize, history: &History, pace: Option<Pace>) -> f64 {
        let rest = (self.whole - used).max(0.0);
        let rest = (rest - self.seconds_after(rest, history, pace)).max(0.0);
        let side_by_side = self.at_once.min(left).max(1);
        rest * side_by_side as f64 / left.max(1) as f64
    }

    /// Seconds to keep for what follows the runs, `rest` being left for all.
    fn seconds_after(&self, rest: f64, history: &History, pace: Option<Pace>) -> f64 {
        if !self.after.ensemble {
            return 0.0;
        }
        let needed = match pace {
            None => {
                let cases = if self.after.cases > 0 {
                    SHARE_OF_CASES
                } else {
                    0.0
                };
                (SHARE_OF_CHOICE + cases) * rest
            }
            Some(pace) => {
                let algorithms: BTreeSet<&str> = jobs(history, |job| &*job.algorithm);
                let folds: BTreeSet<usize> = jobs(history, |job| job.fold);
                let readings = candidates(algorithms.len()) + MORE_READINGS;
                let trained = history.trained().count().max(1);
                let unscored: usize = history.trained().map(|job| job.unscored).sum();
                let held_out = self.held_out as f64 - (unscored * folds.len() / trained) as f64;
                let choice = pace.reading * held_out.max(0.0) * readings as f64;
                choice + pace.segmenting * (self.after.cases * folds.len()) as f64
            }
        };
        (needed + WRITING).min(SHARE_AT_MOST * self.whole)
    }
}

fn jobs<'a, T: Ord>(history: &'a History, of: impl Fn(&'a Job) -> T) -> BTreeSet<T> {
    history.jobs.iter().map(of).collect()
}

/// Ensembles that are tried among so many algorithms: each, pairs, the best of each fold, and the best few twice.
fn candidates(algorithms: usize) -> usize {
    let pairs = algorithms * algorithms.saturating_sub(1) / 2;
    algorithms + pairs + usize::from(algorithms > 1) + 2 * algorithms.saturating_sub(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::JobState;

    fn history(trained: usize, unscored: usize) -> History {
        let jobs = (0..5).map(|fold| Job {
            state: match fold < trained {
                true => JobState::Trained,
                false => JobState::Planned,
            },
            unscored,
            ..Job::planned("a", fold)
        });
        History {
            jobs: jobs.collect(),
        }
    }

    fn clock(after: AfterRuns, at_once: usize) -> Clock {
        let options = TrainOptions {
            minutes: Some(10.0),
            after,
            at_once,
            ..TrainOptions::default()
        };
        Clock::of(&options, 200).unwrap()
    }

    #[test]
    fn runs_share_what_is_left_evenly() {
        let alone = clock(AfterRuns::default(), 1);
        assert_eq!(alone.run_seconds(100.0, 5, &history(0, 0), None), 100.0);
        assert_eq!(alone.run_seconds(590.0, 1, &history(4, 0), None), 10.0);
        assert_eq!(alone.run_seconds(700.0, 1, &history(4, 0), None), 0.0);
        assert!(alone.run_ends(1, &history(0, 0), None).is_some());
        let two = clock(AfterRuns::default(), 2);
        assert_eq!(two.run_seconds(100.0, 5, &history(0, 0), None), 200.0);
        assert_eq!(two.run_seconds(100.0, 1, &history(0, 0), None), 500.0);
    }

    #[test]
    fn what_follows_is_kept_free_as_guessed_and_then_as_measured() {
        let after = clock(AfterRuns::ensemble_and(20), 1);
        // Fifteen hundredths, and the writing.
        let guessed = after.run_seconds(0.0, 5, &history(0, 0), None);
        assert!(
            (guessed - (600.0 * 0.85 - 1.5) / 5.0).abs() < 1e-9,
            "{guessed}"
        );
        let pace = Some(Pace {
            segmenting: 0.2,
            reading: 0.01,
        });
        // One candidate, read four times; twenty cases through five models.
        let measured = after.run_seconds(300.0, 2, &history(3, 0), pace);
        assert!(
            (measured - (300.0 - 8.0 - 20.0 - 1.5) / 2.0).abs() < 1e-9,
            "{measured}"
        );
        let slow = Some(Pace {
            segmenting: 60.0,
            reading: 1.0,
        });
        let capped = after.run_seconds(300.0, 2, &history(3, 0), slow);
        assert!((capped - (300.0 - 240.0) / 2.0).abs() < 1e-9, "{capped}");
    }
}
