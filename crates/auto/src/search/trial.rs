//! One try: its settings, how it went, and how it ended.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A value that a setting took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Setting {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A real number.
    Float(f64),
    /// A word.
    Text(String),
    /// Anything that YAML can write: a patch size, a whole loss.
    Other(serde_json::Value),
}

impl Setting {
    /// The value as a number, where it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }
}

/// The values of a trial by the keys of the config that they replace.
pub type Settings = BTreeMap<String, Setting>;

/// The state of a trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrialState {
    /// Running, or left by a process that was killed.
    Running,
    /// Ended with this value; greater is better.
    Complete(f64),
    /// Stopped early, being worse than others were at this step.
    Pruned,
    /// Broke off, with the reason.
    Failed(String),
}

/// One try.
///
/// ```
/// use std::collections::BTreeMap;
/// use vesalius_auto::search::{SearchSpace, Study, StudyConfig};
///
/// let space = SearchSpace::parse("width: {int: {low: 4, high: 8}}")?;
/// let folder = tempfile::tempdir().unwrap();
/// let study = Study::open(folder.path(), StudyConfig::new(space, 1))?;
/// let ask = study.ask()?.unwrap();
/// study.report(&ask, 10, 0.5)?;
/// study.report(&ask, 20, 0.4)?;
/// let trial = &study.trials()?[0];
/// assert_eq!(trial.reports, BTreeMap::from([(10, 0.5), (20, 0.4)]));
/// assert_eq!(trial.best_until(20), Some(0.5));
/// # Ok::<(), vesalius_auto::search::SearchError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Its number, from 0.
    pub number: u64,
    /// Its settings.
    pub settings: Settings,
    /// The places of the settings on the samplers' line.
    pub(super) places: BTreeMap<String, f64>,
    /// Its state.
    pub state: TrialState,
    /// Intermediate values, by step.
    pub reports: BTreeMap<u64, f64>,
}

impl Trial {
    /// The best value reported up to a step.
    pub fn best_until(&self, step: u64) -> Option<f64> {
        self.reports
            .range(..=step)
            .map(|(_, value)| *value)
            .max_by(f64::total_cmp)
    }

    /// What a sampler learns from it: the value of a complete one, the last report of a pruned one.
    pub fn lesson(&self) -> Option<f64> {
        match self.state {
            TrialState::Complete(value) => Some(value),
            TrialState::Pruned => self.reports.values().next_back().copied(),
            TrialState::Running | TrialState::Failed(_) => None,
        }
    }
}
