//! The interface of a search: request a trial, report on it, end it.

use super::store::{Claim, Event, Events, lost, unusable};
use super::{Pruner, Result, Sampler, SearchError, SearchSpace, Trial, TrialState};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vesalius_volume::Warning;

const DESCRIPTION: &str = "study.json";

/// What is looked for and how.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StudyConfig {
    /// The settings and their values.
    pub space: SearchSpace,
    /// How trials are drawn.
    pub sampler: Sampler,
    /// When trials are stopped early.
    pub pruner: Pruner,
    /// The seed; with one process the trials follow from it and their results.
    pub seed: u64,
    /// What the value of a trial depends on besides its settings, by name: the length of training, the plan that is
    /// changed. Trials are only comparable where these are the same.
    pub conditions: BTreeMap<String, String>,
    /// How many trials there will be in all; may be raised when a search is taken up again.
    #[serde(skip)]
    pub trials: u64,
}

impl StudyConfig {
    /// A search of this space with the usual sampler and pruner.
    pub fn new(space: SearchSpace, trials: u64) -> Self {
        Self {
            space,
            sampler: Sampler::default(),
            pruner: Pruner::default(),
            seed: 0,
            conditions: BTreeMap::new(),
            trials,
        }
    }
}

/// A trial to run; dropped without [`Study::end`], it is left for the next request.
#[derive(Debug)]
pub struct Ask {
    /// The trial.
    pub trial: Trial,
    /// Whether an earlier process began it: its reports remain, and its checkpoint may be there.
    pub resumed: bool,
    _claim: Claim,
}

/// What a report is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Continue,
    /// Others were better at this step: end the trial as [`TrialState::Pruned`].
    Stop,
}

/// A search in a folder.
#[derive(Debug)]
pub struct Study {
    folder: PathBuf,
    config: StudyConfig,
    warnings: Vec<Warning>,
}

impl Study {
    /// Opens the folder of a search, or begins one there.
    ///
    /// # Errors
    /// A sampler or pruner out of range; a folder that cannot be written or holds another search.
    pub fn open(folder: impl AsRef<Path>, config: StudyConfig) -> Result<Self> {
        let folder = folder.as_ref();
        let checked = config.sampler.check().and_then(|()| config.pruner.check());
        checked.map_err(SearchError::Space)?;
        std::fs::create_dir_all(folder).map_err(|e| unusable(folder, e))?;
        let path = folder.join(DESCRIPTION);
        let text = serde_json::to_string_pretty(&config).map_err(|e| unusable(&path, e.into()))?;
        // The events' lock keeps two that begin at once apart.
        let events = Events::open(folder)?;
        let lost = lost(folder, events.trials());
        let record = folder.join(super::store::EVENTS);
        if events.trials().is_empty() && lost > 0 {
            return Err(SearchError::Study {
                reason: format!(
                    "holds none of the {lost} trials that were begun in this folder; restore it, or remove {} to search again",
                    folder.display()
                ),
                path: record,
            });
        }
        match std::fs::read_to_string(&path) {
            Ok(found) if found == text => {}
            Ok(found) if !events.trials().is_empty() => {
                let differences = differences(&found, &text);
                if !differences.is_empty() {
                    return Err(SearchError::Study {
                        path,
                        reason: format!(
                            "is another search, whose trials cannot be ranked with these: {}; go on with what it was begun with, or remove {} to search again",
                            differences.join(", "),
                            folder.display()
                        ),
                    });
                }
            }
            _ => vesalius_io::write_bytes_atomically(&path, text.as_bytes())?,
        }
        let warnings = match lost {
            0 => Vec::new(),
            lost => vec![Warning::TrialsLost { path: record, lost }],
        };
        Ok(Self {
            folder: folder.to_path_buf(),
            config,
            warnings,
        })
    }

    /// What was noticed when the folder was opened.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The next trial to work on: one that a dead process left, else a new one; `None` when all have
    /// been given out.
    ///
    /// # Errors
    /// A folder that cannot be used.
    pub fn ask(&self) -> Result<Option<Ask>> {
        let mut events = Events::open(&self.folder)?;
        for trial in events.trials() {
            if trial.state == TrialState::Running
                && let Some(claim) = Claim::take(&self.folder, trial.number)?
            {
                return Ok(Some(Ask {
                    trial: trial.clone(),
                    resumed: true,
                    _claim: claim,
                }));
            }
        }
        let number = events.trials().len() as u64;
        if number >= self.config.trials {
            return Ok(None);
        }
        let Some(mut claim) = Claim::take(&self.folder, number)? else {
            return Err(SearchError::Trial {
                number,
                reason: "is locked though it was never begun; remove its lock file".to_owned(),
            });
        };
        let StudyConfig {
            space,
            sampler,
            seed,
            ..
        } = &self.config;
        let places = sampler.places(space, events.trials(), *seed, number);
        let settings = space
            .iter()
            .map(|(key, distribution)| (key.to_owned(), distribution.value(places[key])))
            .collect();
        events.push(Event::Started {
            number,
            settings,
            places,
        })?;
        claim.begun()?;
        let trial = events.trials()[number as usize].clone();
        Ok(Some(Ask {
            trial,
            resumed: false,
            _claim: claim,
        }))
    }

    /// Records an intermediate value (greater is better) and returns whether to continue.
    ///
    /// # Errors
    /// A folder that cannot be used.
    pub fn report(&self, ask: &Ask, step: u64, value: f64) -> Result<Decision> {
        let number = ask.trial.number;
        // JSON has no NaN: such a trial has failed, which its worker will report.
        if value.is_nan() {
            return Ok(Decision::Stop);
        }
        let mut events = Events::open(&self.folder)?;
        events.push(Event::Reported {
            number,
            step,
            value,
        })?;
        let trials = events.trials();
        let stops = trials
            .iter()
            .find(|trial| trial.number == number)
            .is_some_and(|trial| self.config.pruner.stops(trial, trials));
        Ok(if stops {
            Decision::Stop
        } else {
            Decision::Continue
        })
    }

    /// Ends a trial.
    ///
    /// # Errors
    /// A state that is no end; a folder that cannot be used.
    pub fn end(&self, ask: Ask, state: TrialState) -> Result<()> {
        let number = ask.trial.number;
        let state = match state {
            TrialState::Running => {
                let reason = "cannot end as running; drop it to leave it to others".to_owned();
                return Err(SearchError::Trial { number, reason });
            }
            TrialState::Complete(value) if !value.is_finite() => {
                TrialState::Failed(format!("its value is {value}"))
            }
            state => state,
        };
        Events::open(&self.folder)?.push(Event::Ended { number, state })
    }

    /// Every trial so far, by number.
    ///
    /// # Errors
    /// A folder that cannot be used.
    pub fn trials(&self) -> Result<Vec<Trial>> {
        Ok(Events::open(&self.folder)?.into_trials())
    }

    /// The complete trial of the greatest value; the first of equals.
    ///
    /// # Errors
    /// A folder that cannot be used.
    pub fn best(&self) -> Result<Option<Trial>> {
        let value = |trial: &Trial| match trial.state {
            TrialState::Complete(value) => value,
            _ => f64::NEG_INFINITY,
        };
        let complete = |trial: &Trial| matches!(trial.state, TrialState::Complete(_));
        let trials = self.trials()?.into_iter().filter(complete);
        Ok(trials.reduce(|best, next| {
            if value(&next) > value(&best) {
                next
            } else {
                best
            }
        }))
    }
}

/// The differences between two descriptions of searches, each with both values; a key that only one of them has is
/// of another version.
fn differences(found: &str, now: &str) -> Vec<String> {
    let read = |text: &str| serde_json::from_str::<BTreeMap<String, Value>>(text).ok();
    let (Some(found), Some(now)) = (read(found), read(now)) else {
        return vec!["its description cannot be read".to_owned()];
    };
    let shown = |value: &Value| match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    let told = |key: &str, was: &Value, is: &Value| {
        format!("{key} was {} and is {}", shown(was), shown(is))
    };
    let mut differences = Vec::new();
    for (key, is) in &now {
        match found.get(key) {
            Some(was) if was == is => {}
            Some(Value::Object(was)) if key == "conditions" => {
                let is = is.as_object().into_iter().flatten();
                differences.extend(is.filter_map(|(name, is)| {
                    let was = was.get(name).filter(|was| *was != is)?;
                    Some(told(name, was, is))
                }));
            }
            Some(was) => differences.push(told(key, was, is)),
            None => {}
        }
    }
    differences
}
