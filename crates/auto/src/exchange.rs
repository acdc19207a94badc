//! A history copied to another machine: the trained models and their predictions for held-out cases, in plain files;
//! no scan, no cache, no checkpoint, nothing that has to be run to be read.

use crate::work::{create, problem};
use crate::{History, Job, Result, WorkFolder};
use std::path::{Path, PathBuf};
use vesalius_control::Control;

/// Parts of a run's folder that are not copied: they can be made again, or serve only to resume training.
const LEFT: [&str; 2] = ["cache", "checkpoint"];

/// Which runs of a work folder are exported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExportedRuns {
    /// All of its history.
    #[default]
    All,
    /// Those that are trained, so that they can be used.
    Trained,
}

/// Copies the history of a work folder and the folders of its runs to `target`, a folder that is empty
/// or absent.
///
/// # Errors
/// Nothing to export, a target with something in it, files that cannot be copied.
pub fn export(work: &WorkFolder, target: impl AsRef<Path>, runs: ExportedRuns) -> Result<History> {
    export_with(work, target, runs, &Control::new())
}

/// As [`export`], counted in the stage `runs` and cancelled between two files; what was copied by then stays, and is not
/// an export.
///
/// # Errors
/// As [`export`]; [`crate::Error::Cancelled`].
pub fn export_with(
    work: &WorkFolder,
    target: impl AsRef<Path>,
    runs: ExportedRuns,
    control: &Control,
) -> Result<History> {
    let target = target.as_ref();
    let mut history = History::read(work.folder())?;
    if runs == ExportedRuns::Trained {
        history.jobs.retain(Job::is_trained);
    }
    if history.jobs.is_empty() {
        return Err(problem(
            work.folder(),
            "has no run to export; `workflow::auto::train` makes runs",
        ));
    }
    if std::fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(problem(target, "is not empty; choose another folder"));
    }
    let stage = control.stage("runs", history.jobs.len() as u64);
    for job in &history.jobs {
        let (from, to) = (work.folder().join(&job.folder), target.join(&job.folder));
        copy_folder(&from, &to, stage.control())?;
        stage.advance(1);
    }
    for plan in work.plans()? {
        create(&target.join("plans"))?;
        plan.write(target.join("plans"))?;
    }
    // Last: a folder without a history is not an export.
    history.write(target)?;
    Ok(history)
}

/// Copies the runs of an export into a work folder; returns them. Runs that the work folder has trained itself stay
/// as they are.
///
/// # Errors
/// A folder that is not an export, a path in it that leads outside, a run on a fold that the dataset
/// does not have, files that cannot be copied.
pub fn import(work: &WorkFolder, source: impl AsRef<Path>) -> Result<Vec<Job>> {
    import_with(work, source, &Control::new())
}

/// As [`import`], counted in the stage `runs` and cancelled between two files; the history stays as it was.
///
/// # Errors
/// As [`import`]; [`crate::Error::Cancelled`].
pub fn import_with(
    work: &WorkFolder,
    source: impl AsRef<Path>,
    control: &Control,
) -> Result<Vec<Job>> {
    let source = source.as_ref();
    let theirs = History::read(source)?;
    if theirs.jobs.is_empty() {
        return Err(problem(
            source,
            "holds no history; give the folder that `auto::export` wrote",
        ));
    }
    let mut ours = History::read(work.folder())?;
    let folds = work.list().folds();
    let mut taken = Vec::new();
    let stage = control.stage("runs", theirs.jobs.len() as u64);
    for mut job in theirs.jobs {
        stage.control().check()?;
        stage.advance(1);
        if ours
            .job(&job.algorithm, job.fold)
            .is_some_and(Job::is_trained)
        {
            continue;
        }
        if !folds.contains(&job.fold) {
            let reason = format!(
                "has a run on fold {}, the dataset's folds are {folds:?}",
                job.fold
            );
            return Err(problem(source, &reason));
        }
        let plain =
            |text: &str| !text.is_empty() && Path::new(text).file_name() == Some(text.as_ref());
        if !plain(&job.algorithm) {
            return Err(problem(
                source,
                &format!("names an algorithm `{}`", job.algorithm),
            ));
        }
        let from = source.join(std::mem::replace(
            &mut job.folder,
            WorkFolder::run_folder(&job.algorithm, job.fold),
        ));
        if !from.starts_with(source)
            || from
                .components()
                .any(|part| part == std::path::Component::ParentDir)
        {
            return Err(problem(source, "names a folder outside of itself"));
        }
        // Made from another machine's files, which cannot be compared with these.
        job.basis = None;
        let to = work.folder().join(&job.folder);
        if to.exists() {
            std::fs::remove_dir_all(&to)
                .map_err(|e| problem(&to, &format!("cannot be replaced: {e}")))?;
        }
        copy_folder(&from, &to, stage.control())?;
        ours.jobs
            .retain(|own| (&own.algorithm, own.fold) != (&job.algorithm, job.fold));
        ours.jobs.push(job.clone());
        taken.push(job);
    }
    for plan in crate::Plan::read_all_with(source.join("plans"), work.registry())? {
        if !crate::Plan::path(work.plans_folder(), plan.name()).exists() {
            create(&work.plans_folder())?;
            plan.write(work.plans_folder())?;
        }
    }
    ours.write(work.folder())?;
    Ok(taken)
}

fn copy_folder(from: &Path, to: &Path, control: &Control) -> Result<()> {
    create(to)?;
    for entry in entries(from)? {
        control.check()?;
        let name = entry.file_name().unwrap_or_default();
        let target = to.join(name);
        if LEFT
            .iter()
            .any(|left| name.to_string_lossy().starts_with(left))
        {
            continue;
        }
        if entry.is_dir() {
            copy_folder(&entry, &target, control)?;
        } else {
            std::fs::copy(&entry, &target)
                .map_err(|e| problem(&target, &format!("cannot be written: {e}")))?;
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let found =
        std::fs::read_dir(folder).map_err(|e| problem(folder, &format!("cannot be read: {e}")))?;
    found
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<_>>()
        .map_err(|e| problem(folder, &format!("cannot be read: {e}")))
}
