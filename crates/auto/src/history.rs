//! What has been trained and how it went: `history.json`, readable by people and by other tools, with
//! paths relative to the work folder so that it can be carried to another machine.

use crate::{Basis, Error, Result};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use vesalius_metrics::{Bootstrap, Evaluation};

const FILE: &str = "history.json";
/// How a run went, in the run's own folder.
const RESULT_FILE: &str = "result.json";

/// The state of the training of one algorithm on one fold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Not started, or started and interrupted: then the run's own checkpoint has its progress.
    Planned,
    /// All steps done and the held-out cases scored.
    Trained,
    /// Every attempt broke off; the reason of the last.
    Failed(String),
    /// Trained, but the model finds nothing; what it scored.
    Collapsed(String),
}

/// One algorithm on one fold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Job {
    /// The algorithm: the name of its plan.
    pub algorithm: String,
    /// The fold that is held out.
    pub fold: usize,
    /// The run's folder, which becomes a model folder; relative to the work folder.
    pub folder: PathBuf,
    /// The time for training; `None` follows the plan.
    pub minutes: Option<f64>,
    /// Its state.
    pub state: JobState,
    /// Attempts that failed before this one, with their reasons.
    pub failures: Vec<String>,
    /// Reasons for which it failed with an earlier plan, other data, or before a retry was requested.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<String>,
    /// What the last attempt was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<Basis>,
    /// Mean Dice over the foreground labels of the held-out cases.
    pub dice: Option<f64>,
    /// Dice of each foreground label or region.
    #[serde(default)]
    pub labels: Vec<LabelScore>,
    /// Held-out cases that were not segmented for lack of time: `dice` and `labels` are those of the others.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unscored: usize,
    /// Whether the held-out cases were segmented by windows side by side and without mirrors, for lack of time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub quick: bool,
    /// Seconds of training.
    pub seconds: f64,
    /// Steps of training.
    #[serde(default)]
    pub steps: u64,
    /// The most memory, in bytes, that the device held for the run.
    #[serde(default)]
    pub memory: Option<u64>,
}

/// The score of a label or region on the held-out cases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LabelScore {
    /// Its name.
    pub name: String,
    /// Mean Dice; `None` where no case has it.
    pub dice: Option<f64>,
    /// The 95 % interval of the mean, by bootstrap over cases.
    pub interval: Option<[f64; 2]>,
}

impl LabelScore {
    /// Those of an evaluation.
    pub(crate) fn of(evaluation: &Evaluation) -> Vec<Self> {
        let bootstrap = Bootstrap::default();
        let targets = evaluation.targets().map(|targets| targets.list().to_vec());
        targets
            .unwrap_or_default()
            .into_iter()
            .map(|target| Self {
                dice: evaluation
                    .summary(&target.key, "dice")
                    .and_then(|summary| summary.mean),
                interval: evaluation
                    .interval(&target.key, "dice", &bootstrap)
                    .map(|interval| [interval.low, interval.high]),
                name: target.name,
            })
            .collect()
    }
}

/// A file of the history; `None` where there is none.
fn read_file<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let bad = |e: &dyn std::fmt::Display| Error::WorkFolder {
        path: path.to_path_buf(),
        reason: format!("is not a history: {e}; remove it to train again"),
    };
    match std::fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text).map(Some).map_err(|e| bad(&e)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::System {
            path: path.to_path_buf(),
            what: "read",
            source,
        }),
    }
}

/// The files of results of all runs, in order of algorithm and fold.
fn results(work: &Path) -> Vec<PathBuf> {
    let entries = |folder: PathBuf| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        paths
    };
    let is_run = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let number = name.strip_prefix("fold_");
        number.is_some_and(|number| number.parse::<usize>().is_ok())
    };
    let algorithms = entries(work.join("runs")).into_iter();
    let runs = algorithms.flat_map(entries).filter(is_run);
    let files = runs.map(|run| run.join(RESULT_FILE));
    files.filter(|path| path.is_file()).collect()
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Job {
    /// A job that nothing has been done for yet.
    pub fn planned(algorithm: &str, fold: usize) -> Self {
        Self {
            algorithm: algorithm.to_owned(),
            fold,
            folder: crate::WorkFolder::run_folder(algorithm, fold),
            minutes: None,
            state: JobState::Planned,
            failures: Vec::new(),
            earlier: Vec::new(),
            basis: None,
            dice: None,
            labels: Vec::new(),
            unscored: 0,
            quick: false,
            seconds: 0.0,
            steps: 0,
            memory: None,
        }
    }

    /// Writes how the run went into its own folder, whole or not at all.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub(crate) fn write_result(&self, work: &crate::WorkFolder) -> Result<()> {
        let folder = work.folder().join(&self.folder);
        let path = folder.join(RESULT_FILE);
        let text = serde_json::to_string_pretty(self).map_err(|e| Error::WorkFolder {
            path: path.clone(),
            reason: e.to_string(),
        })?;
        std::fs::create_dir_all(&folder).map_err(|source| Error::System {
            path: folder,
            what: "made",
            source,
        })?;
        Ok(vesalius_io::write_bytes_atomically(path, text.as_bytes())?)
    }

    /// Whether its held-out cases were scored in full.
    pub fn is_scored(&self) -> bool {
        self.unscored == 0 && !self.quick
    }

    /// Whether its model may take part in an ensemble.
    pub fn is_trained(&self) -> bool {
        self.state == JobState::Trained
    }

    /// Why its model cannot take part in an ensemble; `None` for one that can.
    pub fn why_missing(&self) -> Option<String> {
        match &self.state {
            JobState::Trained => None,
            JobState::Planned => Some("not finished".to_owned()),
            JobState::Failed(reason) => Some(format!("failed: {reason}")),
            JobState::Collapsed(reason) => Some(format!("collapsed: {reason}")),
        }
    }
}

/// A run that an ensemble lacks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Missing {
    /// The algorithm.
    pub algorithm: String,
    /// The fold.
    pub fold: usize,
    /// Why it has no model.
    pub reason: String,
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} on fold {}: {}",
            self.algorithm, self.fold, self.reason
        )
    }
}

/// All jobs of a work folder.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct History {
    /// One an algorithm and fold, in the order in which they are trained.
    pub jobs: Vec<Job>,
}

impl History {
    /// Reads the history of a work folder: `history.json`, and the results of runs that were made by processes of their own
    /// ([`crate::train_task`]); an empty one where nothing was trained yet.
    ///
    /// # Errors
    /// [`Error::WorkFolder`] for a file that is not a history or result.
    pub fn read(work: impl AsRef<Path>) -> Result<Self> {
        let work = work.as_ref();
        let mut history: Self = read_file(&work.join(FILE))?.unwrap_or_default();
        for path in results(work) {
            let Some(result) = read_file::<Job>(&path)? else {
                continue;
            };
            let known = history
                .jobs
                .iter_mut()
                .find(|job| job.algorithm == result.algorithm && job.fold == result.fold);
            match known {
                // A run that was trained again since has written both.
                Some(job) if job.is_trained() && !result.is_trained() => {}
                Some(job) => *job = result,
                None => history.jobs.push(result),
            }
        }
        Ok(history)
    }

    /// Writes the history whole or not at all.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write(&self, work: impl AsRef<Path>) -> Result<()> {
        let work = work.as_ref();
        let path = work.join(FILE);
        let text = serde_json::to_string_pretty(self).map_err(|e| Error::WorkFolder {
            path: path.clone(),
            reason: e.to_string(),
        })?;
        Ok(vesalius_io::write_bytes_atomically(&path, text.as_bytes())?)
    }

    /// The jobs whose models may take part in an ensemble.
    pub fn trained(&self) -> impl Iterator<Item = &Job> {
        self.jobs.iter().filter(|job| job.is_trained())
    }

    /// The jobs whose models an ensemble of all would have and lacks, each with the reason.
    pub fn missing(&self) -> Vec<Missing> {
        let jobs = self.jobs.iter();
        jobs.filter_map(|job| {
            Some(Missing {
                algorithm: job.algorithm.clone(),
                fold: job.fold,
                reason: job.why_missing()?,
            })
        })
        .collect()
    }

    /// The job of an algorithm and fold.
    pub fn job(&self, algorithm: &str, fold: usize) -> Option<&Job> {
        self.jobs
            .iter()
            .find(|job| job.algorithm == algorithm && job.fold == fold)
    }
}
