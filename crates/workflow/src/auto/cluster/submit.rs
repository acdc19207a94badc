//! What a work folder lacks, submitted to Slurm or written for Kubernetes.

use super::super::{Error, PlanStage, Result};
use serde::Serialize;
use std::path::{Path, PathBuf};
use vesalius_auto::{History, Input, TaskTable, WorkFolder, missing_tasks};
use vesalius_cluster::{
    Array, Manifest, Script, Slurm, SlurmSettings, StageName, SubmittedJob, SubmittedJobs, manifest,
};

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
pub(super) fn open_jobs(jobs: &SubmittedJobs) -> Result<Vec<SubmittedJob>> {
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
