//! Versions of the labels of a job: the model's, and those that a person edited. A new one never replaces another.

use crate::engine::{LABELS_FILE, LabelInfo};
use crate::error::Refusal;
use crate::input::{image_file, told};
use crate::job::{Job, JobId, LabelVolume, State, Version, now};
use crate::queue::Queue;
use crate::spool::{make_folder, sync_folder};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use vesalius_io::ReadOptions;
use vesalius_volume::LabelMap;

/// Why a version was not saved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VersionError {
    /// There is no such job.
    #[error("there is no such job; it may have been deleted")]
    NoJob,
    /// The job has no labels yet, or is being worked on.
    #[error("the job is not done, so its labels cannot be edited yet")]
    NotDone,
    /// What was sent is no label map, or is not on the grid of the image.
    #[error("{0}")]
    Labels(String),
    /// Too many versions.
    #[error(
        "the job has {0} versions, which is the limit of this server; delete the job, or download what you need"
    )]
    TooMany(usize),
    /// The disk is full or failed.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// The file of a version.
pub(crate) fn file_of(queue: &Queue, job: &Job, number: u32) -> Option<PathBuf> {
    job.versions
        .iter()
        .find(|version| version.number == number)?;
    let folder = queue.folder(job);
    Some(match number {
        1 => folder.join("results").join(LABELS_FILE),
        _ => folder.join("versions").join(format!("{number:04}.nii.gz")),
    })
}

/// The volumes of the labels in a file, those of `known` first and also where they have no voxel.
pub(crate) fn volumes(file: &Path, known: &[LabelInfo]) -> Result<Vec<LabelVolume>, String> {
    let labels: LabelMap = vesalius_io::read_labels(file).map_err(|error| error.to_string())?;
    Ok(counted(&labels, known))
}

fn counted(labels: &LabelMap, known: &[LabelInfo]) -> Vec<LabelVolume> {
    let millilitres = labels.geometry().voxel_volume() / 1000.0;
    let mut counts: BTreeMap<u32, u64> = labels
        .counts()
        .into_iter()
        .map(|(value, voxels)| (value, voxels as u64))
        .filter(|(value, _)| *value != 0)
        .collect();
    let volume = |label: LabelInfo, voxels: u64| LabelVolume {
        label,
        voxels,
        millilitres: voxels as f64 * millilitres,
    };
    let mut volumes: Vec<LabelVolume> = known
        .iter()
        .map(|label| volume(label.clone(), counts.remove(&label.value).unwrap_or(0)))
        .collect();
    let others = counts.into_iter();
    volumes
        .extend(others.map(|(value, voxels)| {
            volume(LabelInfo::new(value, format!("label {value}")), voxels)
        }));
    volumes
}

/// Saves labels that a person edited, from a NIfTI file at `sent`, as a new version.
///
/// # Errors
/// [`VersionError`].
pub(crate) fn save(queue: &Queue, id: &JobId, sent: &Path) -> Result<Version, VersionError> {
    let view = queue.get(id).ok_or(VersionError::NoJob)?;
    if view.job.state != State::Done {
        return Err(VersionError::NotDone);
    }
    let folder = queue.folder(&view.job);
    let known = queue
        .model(&view.job.model)
        .map(|model| model.labels.clone());
    let labels = checked(sent, &folder, &view.job, queue)?;
    let volumes = counted(&labels, &known.unwrap_or_default());
    let limit = queue.limits.versions;
    let saved = queue.change(id, |job| {
        if job.versions.len() >= limit {
            return Ok(Err(VersionError::TooMany(job.versions.len())));
        }
        let last = job.versions.iter().map(|version| version.number).max();
        let number = last.unwrap_or(0) + 1;
        let versions = folder.join("versions");
        make_folder(&versions)?;
        let file = versions.join(format!("{number:04}.nii.gz"));
        vesalius_io::write_labels(&file, &labels).map_err(std::io::Error::other)?;
        File::open(&file)?.sync_all()?;
        sync_folder(&folder)?;
        let version = Version {
            number,
            created: now(),
            volumes,
        };
        job.versions.push(version.clone());
        Ok(Ok(version))
    });
    let version = saved
        .ok_or(VersionError::NotDone)?
        .map_err(|_| Refusal::Disk)??;
    queue.totals.versions.add(1);
    tracing::info!(job = %id, version = version.number, "a version of the labels was saved");
    Ok(version)
}

/// The labels in a file that was sent, which must be on the grid of the image.
fn checked(sent: &Path, folder: &Path, job: &Job, queue: &Queue) -> Result<LabelMap, VersionError> {
    let around = sent.parent().unwrap_or(sent);
    let refused =
        |error: vesalius_io::Error| VersionError::Labels(told(&error.to_string(), around));
    let mut options = ReadOptions::new();
    options.max_bytes = queue.limits.voxels.saturating_mul(2);
    let labels: LabelMap = vesalius_io::read_labels_with(sent, &options).map_err(refused)?;
    let image = vesalius_io::probe(image_file(folder, job)).map_err(refused)?;
    if let Err(error) = labels
        .geometry()
        .check_same(&image.geometry, "labels and image")
    {
        return Err(VersionError::Labels(format!(
            "the labels are not on the grid of the image: {error}; edit the labels that belong to this job"
        )));
    }
    Ok(labels)
}
