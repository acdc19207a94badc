//! The events of the stages.

use crate::predict::PredictEvent;
use std::path::Path;
use vesalius_auto::{Choice, History, Plan, Scored, TrainEvent, TuneEvent};
use vesalius_planning::DatasetReport;

/// Called with every event, some of them from several threads at once.
pub type Observer<'a> = dyn Fn(&AutoEvent) + Sync + 'a;

/// What a stage reports while it runs.
#[derive(Debug)]
#[non_exhaustive]
pub enum AutoEvent<'a> {
    /// Cases are being read; the stage `cases` of the control counts them.
    Reading {
        /// How many there are.
        cases: usize,
    },
    /// All cases were read, or an earlier analysis of them was found.
    AllRead,
    /// The dataset was analysed before it is planned for.
    Analyzed(&'a DatasetReport),
    /// Plans were made, or found.
    Planned(&'a [Plan]),
    /// Something happened in a search.
    Tuning {
        /// What.
        event: &'a TuneEvent<'a>,
        /// Trials of the search in all.
        trials: u64,
    },
    /// A search ended with a plan.
    Tuned {
        /// The plan.
        plan: &'a Plan,
        /// Its file.
        path: &'a Path,
    },
    /// Something happened in training.
    Training(&'a TrainEvent<'a>),
    /// All runs were tried.
    Trained(&'a History),
    /// A candidate was scored.
    Scored(&'a Scored),
    /// The model was written.
    Chosen {
        /// The choice.
        choice: &'a Choice,
        /// The model folder.
        model: &'a Path,
    },
    /// Predictions of an earlier model were removed.
    PredictionsRemoved(usize),
    /// Something happened while cases are segmented.
    Predicting {
        /// What.
        progress: &'a PredictEvent<'a>,
        /// How many cases there are.
        total: usize,
    },
    /// Cases were segmented.
    Predicted {
        /// How many have a result.
        segmented: usize,
        /// Of how many.
        total: usize,
        /// Where the results are.
        folder: &'a Path,
    },
    /// The report was written.
    Reported(&'a Path),
}
