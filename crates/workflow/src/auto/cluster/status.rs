//! How a work folder and its jobs stand.

use super::super::Result;
use super::submit::open_jobs;
use serde::Serialize;
use std::path::Path;
use vesalius_auto::{History, TaskTable, WorkFolder};
use vesalius_cluster::{JobState, Slurm, StageName, SubmittedJobs};
use vesalius_training::LOG_FILE;

/// How a run stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TaskStatus {
    /// Its number in the table.
    pub number: usize,
    /// The algorithm.
    pub algorithm: String,
    /// The fold.
    pub fold: usize,
    /// `trained`, `failed: …`, `begun` or `not begun`, by its folder.
    pub state: String,
    /// The last step in its log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<u64>,
    /// Mean Dice of its held-out cases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dice: Option<f64>,
    /// What the queue says of its job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
}

/// How a work folder stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Status {
    /// The runs.
    pub tasks: Vec<TaskStatus>,
    /// The other stages, each with how it stands.
    pub stages: Vec<(StageName, String)>,
    /// Why the queue could not be asked, where it could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_queue: Option<String>,
}

/// How a work folder stands, by what is in it; the queue is only asked what waits and runs.
///
/// # Errors
/// A folder whose files cannot be read.
pub fn status(folder: &Path) -> Result<Status> {
    let (table, history) = (TaskTable::read(folder)?, History::read(folder)?);
    let jobs = SubmittedJobs::read(folder)?;
    let numbers: Vec<&str> = jobs.jobs.iter().map(|job| job.id.as_str()).collect();
    let (queue, no_queue) = match numbers.is_empty() {
        true => (Vec::new(), None),
        false => match Slurm.queue(&numbers) {
            Ok(queue) => (queue, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        },
    };
    let queued = |stage: StageName, element: Option<usize>| {
        let mut latest = jobs.jobs.iter().rev().filter(|job| job.stage == stage);
        let job = latest.find(|job| element.is_none_or(|n| job.elements.contains(&n)))?;
        let mut lines = queue.iter().filter(|line| line.job == job.id);
        let line = lines.find(|line| element.is_none_or(|n| line.elements.contains(&n)))?;
        let reason = match (&line.state, line.reason.as_str()) {
            (_, "") => String::new(),
            (JobState::Running, node) => format!(" on {node}"),
            (_, reason) => format!(" ({reason})"),
        };
        Some(format!("{}{reason}", line.state))
    };
    let tasks = table.tasks.iter().enumerate().map(|(number, task)| {
        let job = history.job(&task.algorithm, task.fold);
        let run = folder.join(WorkFolder::run_folder(&task.algorithm, task.fold));
        let state = match job.map(|job| (job.is_trained(), job.why_missing())) {
            Some((true, _)) => "trained".to_owned(),
            Some((_, Some(reason))) if reason != "not finished" => reason,
            _ if run.join(LOG_FILE).is_file() => "begun".to_owned(),
            _ => "not begun".to_owned(),
        };
        TaskStatus {
            number,
            algorithm: task.algorithm.clone(),
            fold: task.fold,
            step: last_step(&run.join(LOG_FILE)),
            dice: job.and_then(|job| job.dice),
            queue: queued(StageName::Train, Some(number)),
            state,
        }
    });
    let tasks: Vec<TaskStatus> = tasks.collect();
    let other = |stage: StageName, done: bool| {
        let state = match done {
            true => "done".to_owned(),
            false => queued(stage, None).unwrap_or_else(|| "not done".to_owned()),
        };
        (stage, state)
    };
    let stages = vec![
        other(StageName::Plan, !tasks.is_empty()),
        other(StageName::Ensemble, folder.join("report.json").is_file()),
    ];
    Ok(Status {
        tasks,
        stages,
        no_queue,
    })
}

/// Bytes at the end of a log in which the last step is looked for.
const TAIL: u64 = 64 << 10;

/// The number of the last step in a run's log.
fn last_step(log: &Path) -> Option<u64> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = std::fs::File::open(log).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))
        .ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().rev();
    let mut steps = lines.filter_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        line.get("step")?.as_u64()
    });
    steps.next()
}

/// Removes the jobs of a work folder from the queue and ends those that run, which save first. Returns how many there were.
///
/// # Errors
/// A scheduler that is not there or refuses.
pub fn cancel(folder: &Path) -> Result<usize> {
    let jobs = SubmittedJobs::read(folder)?;
    let open = open_jobs(&jobs)?;
    let numbers: Vec<&str> = open.iter().map(|job| job.id.as_str()).collect();
    Slurm.cancel(&numbers)?;
    Ok(numbers.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_step_of_a_log_is_found_at_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join(LOG_FILE);
        assert_eq!(last_step(&log), None);
        let text = "{\"event\": \"step\", \"step\": 1}\n".repeat(5000)
            + "{\"event\": \"step\", \"step\": 7}\n{\"event\": \"saved\"}\n{\"event\": \"ste";
        std::fs::write(&log, text).unwrap();
        assert_eq!(last_step(&log), Some(7));
    }
}
