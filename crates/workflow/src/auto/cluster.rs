//! The stages of `auto` as jobs of a cluster: what is submitted, what one job does, and how all of it stands.

use super::{
    EnsembleStage, Error, Observer, PlanStage, PredictStage, Result, cases_of, ensemble, plan,
    predict_part, report,
};
use crate::predict::Part;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use vesalius_auto::{
    History, Input, Job, TaskTable, TrainEvent, TrainOptions, WorkFolder, missing_tasks, train_task,
};
use vesalius_cluster::{
    Array, JobState, Manifest, Script, Slurm, SlurmSettings, StageName, SubmittedJob,
    SubmittedJobs, manifest,
};
use vesalius_control::Control;
use vesalius_tensor::Device;
use vesalius_training::{Event, LOG_FILE};

/// Parts into which predictions are divided at most.
const MOST_PARTS: usize = 16;

/// How stages become jobs.
#[derive(Debug, Clone)]
pub struct SubmitOptions {
    /// The program that jobs run, with the options that all of them get.
    pub program: PathBuf,
    /// The device of training, as the program takes it.
    pub device: String,
    /// Minutes of each run; `None` for the plans' lengths.
    pub minutes: Option<f64>,
    /// The folds to train; `None` for all.
    pub folds: Option<Vec<usize>>,
    /// How plans are made.
    pub plan: PlanStage,
    /// Write the scripts and submit nothing.
    pub dry_run: bool,
}

/// What was submitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Submission {
    /// These jobs.
    Jobs(Vec<SubmittedJob>),
    /// Scripts were written, in the order in which they would run.
    Scripts(Vec<PathBuf>),
    /// Nothing, as these jobs of an earlier submission have not ended.
    Open(Vec<SubmittedJob>),
    /// Nothing is left to do.
    Nothing,
}

/// Submits what a work folder lacks to Slurm: analysis and plans, whose job submits the rest; or the runs that are not made, the
/// ensemble with the report, and the predictions. Each waits for what is before it.
///
/// # Errors
/// An input or folder that cannot be used; a scheduler that is not there or refuses; a queue that does not answer while jobs of
/// an earlier submission may be in it.
pub fn submit(folder: &Path, input: Option<&Path>, options: &SubmitOptions) -> Result<Submission> {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
    let mut jobs = SubmittedJobs::read(&folder)?;
    if !options.dry_run {
        let open = open_jobs(&jobs)?;
        if !open.is_empty() {
            return Ok(Submission::Open(open));
        }
    }
    let read = match input {
        Some(path) => Input::read(path)?,
        None => WorkFolder::share(&folder)?.input().clone(),
    };
    let settings = read.slurm.clone().unwrap_or_default();
    settings.check()?;
    let logs = SubmittedJobs::folder(&folder);
    std::fs::create_dir_all(&logs).map_err(|source| Error::Folder {
        path: logs.clone(),
        source,
    })?;
    let writer = Writer {
        folder: &folder,
        name: read.name,
        settings,
        options,
    };
    let stages = match TaskTable::read(&folder)?.tasks.is_empty() {
        true => vec![(StageName::Plan, writer.plan(input), None)],
        false => writer.after_plan()?,
    };
    if stages.is_empty() {
        return Ok(Submission::Nothing);
    }
    let (mut submitted, mut scripts): (Vec<SubmittedJob>, _) = (Vec::new(), Vec::new());
    for (stage, command, array) in stages {
        let path = writer.write(stage, command, array.clone())?;
        scripts.push(path.clone());
        if options.dry_run {
            continue;
        }
        let after = submitted.last().map(|job| job.id.as_str());
        let job = SubmittedJob {
            stage,
            id: Slurm.submit(&path, after)?,
            elements: array.map_or_else(Vec::new, |array| array.elements),
        };
        submitted.push(job.clone());
        // At once, so that a job that was submitted is never forgotten.
        jobs.jobs.push(job);
        jobs.write(&folder)?;
    }
    Ok(match options.dry_run {
        true => Submission::Scripts(scripts),
        false => Submission::Jobs(submitted),
    })
}

/// Writes what a work folder lacks as manifests of Kubernetes, one a stage, in the order in which they are applied: each once the
/// one before has ended well.
///
/// # Errors
/// As [`submit`], without a scheduler.
pub fn manifests(
    folder: &Path,
    input: Option<&Path>,
    options: &SubmitOptions,
    of: &Manifest,
) -> Result<Vec<PathBuf>> {
    let read = match input {
        Some(path) => Input::read(path)?,
        None => WorkFolder::share(folder)?.input().clone(),
    };
    let writer = Writer {
        folder,
        settings: read.slurm.clone().unwrap_or_default(),
        name: read.name,
        options,
    };
    let stages = match TaskTable::read(folder)?.tasks.is_empty() {
        // The job cannot submit what follows.
        true => {
            let mut command = writer.plan(input);
            command.retain(|word| word != "--submit");
            vec![(StageName::Plan, command, None)]
        }
        false => writer.after_plan()?,
    };
    let logs = folder.join("kubernetes");
    std::fs::create_dir_all(&logs).map_err(|source| Error::Folder {
        path: logs.clone(),
        source,
    })?;
    let mut files = Vec::new();
    for (stage, command, array) in stages {
        let manifest = manifest(of, stage, &command, array.as_ref());
        let path = logs.join(format!("{stage}.yaml"));
        let text = vesalius_planning::to_yaml(&manifest)
            .map_err(|_| Error::Json(serde::ser::Error::custom("a manifest")))?;
        vesalius_io::write_bytes_atomically(&path, text.as_bytes())?;
        files.push(path);
    }
    Ok(files)
}

/// Jobs that have not ended, this process's own left out.
fn open_jobs(jobs: &SubmittedJobs) -> Result<Vec<SubmittedJob>> {
    if jobs.jobs.is_empty() {
        return Ok(Vec::new());
    }
    let own = std::env::var("SLURM_JOB_ID").ok();
    let numbers: Vec<&str> = jobs.jobs.iter().map(|job| job.id.as_str()).collect();
    let queue = Slurm.queue(&numbers)?;
    let is_open = |job: &&SubmittedJob| {
        let mut lines = queue.iter().filter(|line| line.job == job.id);
        own.as_ref() != Some(&job.id) && lines.any(|line| line.state.is_open())
    };
    Ok(jobs.jobs.iter().filter(is_open).cloned().collect())
}

/// A stage's job: what it runs, and its elements.
type StageJob = (StageName, Vec<String>, Option<Array>);

/// Scripts of a work folder.
struct Writer<'a> {
    folder: &'a Path,
    name: String,
    settings: SlurmSettings,
    options: &'a SubmitOptions,
}

impl Writer<'_> {
    fn command(&self, stage: StageName) -> Vec<String> {
        let program = self.options.program.display().to_string();
        let folder = self.folder.display().to_string();
        let words = [&program, "auto", "task", &folder, stage.name()];
        words.map(str::to_owned).to_vec()
    }

    /// Analysis and plans; the same options are those of what that job submits.
    fn plan(&self, input: Option<&Path>) -> Vec<String> {
        let mut command = self.command(StageName::Plan);
        let mut add = |name: &str, value: String| command.extend([name.to_owned(), value]);
        if let Some(input) = input {
            let input = std::path::absolute(input).unwrap_or_else(|_| input.to_path_buf());
            add("--input", input.display().to_string());
        }
        let options = self.options;
        add("--device", options.device.clone());
        if let Some(minutes) = options.minutes {
            add("--minutes", minutes.to_string());
        }
        if let Some(folds) = &options.folds {
            let folds: Vec<String> = folds.iter().map(usize::to_string).collect();
            add("--folds", folds.join(","));
        }
        if !options.plan.algorithms.is_empty() {
            add("--algorithms", options.plan.algorithms.join(","));
        }
        if let Some(memory) = options.plan.memory_gb {
            add("--memory", memory.to_string());
        }
        if options.plan.keep_going {
            command.push("--keep-going".to_owned());
        }
        command.push("--submit".to_owned());
        command
    }

    /// Runs that are not made, the ensemble with the report, predictions.
    fn after_plan(&self) -> Result<Vec<StageJob>> {
        let table = TaskTable::read(self.folder)?;
        let missing = missing_tasks(&table, &History::read(self.folder)?);
        let at_once = self.settings.at_once;
        let with_device = |stage| {
            let mut command = self.command(stage);
            command.extend(["--device".to_owned(), self.options.device.clone()]);
            command
        };
        let mut stages = Vec::new();
        if !missing.is_empty() {
            let mut command = with_device(StageName::Train);
            if let Some(minutes) = self.options.minutes {
                command.extend(["--minutes".to_owned(), minutes.to_string()]);
            }
            let array = Array {
                elements: missing,
                at_once,
            };
            stages.push((StageName::Train, command, Some(array)));
        }
        if !stages.is_empty() || !self.folder.join("report.json").is_file() {
            stages.push((StageName::Ensemble, self.command(StageName::Ensemble), None));
        }
        let cases = WorkFolder::share(self.folder)?.list().testing.len();
        if cases > 0 && !stages.is_empty() {
            let parts = cases.min(MOST_PARTS);
            let mut command = with_device(StageName::Predict);
            command.extend(["--parts".to_owned(), parts.to_string()]);
            let array = Array {
                elements: (0..parts).collect(),
                at_once,
            };
            stages.push((StageName::Predict, command, Some(array)));
        }
        Ok(stages)
    }

    fn write(
        &self,
        stage: StageName,
        command: Vec<String>,
        array: Option<Array>,
    ) -> Result<PathBuf> {
        let logs = SubmittedJobs::folder(self.folder);
        let path = logs.join(format!("{stage}.sbatch"));
        let script = Script {
            name: self.name.clone(),
            stage,
            command,
            logs,
            array,
        };
        let text = script.text(&self.settings);
        vesalius_io::write_bytes_atomically(&path, text.as_bytes())?;
        Ok(path)
    }
}

/// Analyses the dataset, makes the plans and numbers their runs.
///
/// # Errors
/// As [`plan`]; a fold that there is not.
pub fn plan_task(
    folder: &Path,
    input: Option<&Path>,
    options: &SubmitOptions,
    device: &Device,
    control: &Control,
    observer: &Observer,
) -> Result<TaskTable> {
    let mut work = match input {
        Some(input) => WorkFolder::open(folder, Input::read(input)?)?,
        None => WorkFolder::reopen(folder)?,
    };
    let folds = match &options.folds {
        Some(folds) => folds.len(),
        None => work.list().folds().len(),
    };
    let runs = folds * options.plan.algorithms.len().max(1);
    let minutes = options.minutes.map(|minutes| minutes * runs as f64);
    plan(&mut work, &options.plan, minutes, device, control, observer)?;
    let plans = work.plans()?;
    Ok(TaskTable::extend(&work, &plans, options.folds.as_deref())?)
}

/// Makes run `number` of the table, or goes on with it.
///
/// # Errors
/// [`Error::NoTask`]; as [`train_task`]; [`Error::NoProgress`] for a run that the cluster started again and stopped before it
/// made a step; [`Error::RunFailed`] for one that failed by itself, whose reason is kept.
pub fn run_task(
    folder: &Path,
    number: usize,
    minutes: Option<f64>,
    device: &Device,
    control: &Control,
    observer: &Observer,
) -> Result<Job> {
    let work = WorkFolder::share(folder)?;
    let table = TaskTable::read(folder)?;
    let Some(task) = table.tasks.get(number) else {
        let tasks = table.tasks.len();
        return Err(Error::NoTask { number, tasks });
    };
    let plans = work.plans()?;
    let plan = plans.iter().find(|plan| plan.name() == task.algorithm);
    let plan = plan.ok_or_else(|| Error::NoPlan {
        name: task.algorithm.clone(),
        plans: plans.iter().map(|plan| plan.name().to_owned()).collect(),
    })?;
    let spent = Spent::of(&work.task_folder(&task.algorithm, task.fold));
    let options = TrainOptions {
        minutes: minutes.map(|minutes| (minutes - spent.minutes()).max(0.0)),
        device: device.clone(),
        control: control.clone(),
        ..TrainOptions::default()
    };
    let steps = AtomicU64::new(0);
    let made = train_task(&work, plan, task.fold, &options, &mut |event| {
        if let TrainEvent::Run(Event::Step { .. }) = event {
            steps.fetch_add(1, Ordering::Relaxed);
        }
        observer(&super::AutoEvent::Training(event));
    });
    spent.keep();
    let job = made.map_err(|error| {
        let restarts = std::env::var("SLURM_RESTART_COUNT").ok();
        match &error {
            vesalius_auto::Error::Cancelled(_)
                if is_stuck(restarts.as_deref(), steps.load(Ordering::Relaxed)) =>
            {
                Error::NoProgress(task.clone())
            }
            _ => error.into(),
        }
    })?;
    match job.why_missing() {
        None => Ok(job),
        Some(reason) => Err(Error::RunFailed {
            task: task.clone(),
            reason,
        }),
    }
}

/// Whether a stopped run must not be put into the queue again: it was started again, and made no step since.
fn is_stuck(restarts: Option<&str>, steps: u64) -> bool {
    steps == 0 && restarts.is_some_and(|restarts| restarts.trim() != "0")
}

/// How long a run has taken over all processes that made it.
struct Spent {
    path: PathBuf,
    seconds: f64,
    began: Instant,
}

impl Spent {
    fn of(folder: &Path) -> Self {
        let path = folder.join("seconds.txt");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let seconds = text.trim().parse().unwrap_or(0.0);
        Self {
            path,
            seconds: if f64::is_finite(seconds) {
                seconds
            } else {
                0.0
            },
            began: Instant::now(),
        }
    }

    fn minutes(&self) -> f64 {
        self.seconds / 60.0
    }

    fn keep(&self) {
        let seconds = self.seconds + self.began.elapsed().as_secs_f64();
        // Without it the next process has all of the minutes.
        let _ =
            vesalius_io::write_bytes_atomically(&self.path, format!("{seconds:.1}\n").as_bytes());
    }
}

/// Chooses the ensemble and writes the report.
///
/// # Errors
/// As [`ensemble`] and [`report`].
pub fn ensemble_task(folder: &Path, control: &Control, observer: &Observer) -> Result<()> {
    let work = WorkFolder::reopen(folder)?;
    ensemble(&work, EnsembleStage::default(), control, observer)?;
    report(&work, observer)?;
    // Those of another model; parts of the next stage do not remove them, as they run side by side.
    let removed = vesalius_auto::renew_predictions(&work)?;
    if removed > 0 {
        observer(&super::AutoEvent::PredictionsRemoved(removed));
    }
    Ok(())
}

/// Segments a part of the cases without labels.
///
/// # Errors
/// As [`super::predict`].
pub fn predict_task(
    folder: &Path,
    part: Part,
    device: &Device,
    control: &Control,
    observer: &Observer,
) -> Result<()> {
    let work = WorkFolder::share(folder)?;
    let cases = cases_of(&work, None)?;
    let cases: Vec<_> = part.of(cases).collect();
    let stage = PredictStage::default();
    predict_part(
        &work,
        &cases,
        (&stage, Some(part)),
        device,
        control,
        observer,
    )
}

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
    fn a_run_without_a_step_since_its_restart_is_stuck() {
        assert!(is_stuck(Some("1"), 0));
        assert!(!is_stuck(Some("1"), 1) && !is_stuck(Some("0"), 0) && !is_stuck(None, 0));
    }

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

    #[test]
    fn seconds_of_earlier_processes_count() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Spent::of(folder.path()).minutes(), 0.0);
        std::fs::write(folder.path().join("seconds.txt"), "90\n").unwrap();
        let spent = Spent::of(folder.path());
        assert_eq!(spent.minutes(), 1.5);
        spent.keep();
        assert!(Spent::of(folder.path()).minutes() >= 1.5);
        std::fs::write(folder.path().join("seconds.txt"), "nan").unwrap();
        assert_eq!(Spent::of(folder.path()).minutes(), 0.0);
    }
}
