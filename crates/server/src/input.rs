//! Looks at an input before it waits for a device, and makes the image that the page shows.

use crate::archive;
use crate::job::{InputKind, Job};
use crate::limits::Limits;
use std::path::{Path, PathBuf};
use vesalius_control::Control;
use vesalius_io::{FourthAxis, ReadOptions};

/// The image of a job that is no NIfTI file, as NIfTI for the page.
const VIEW: &str = "view.nii.gz";

/// What the engine reads: the file that was sent, or the folder of an archive's series.
pub(crate) fn input_path(folder: &Path, job: &Job) -> PathBuf {
    match job.kind {
        InputKind::Zip => folder.join("series"),
        kind => folder.join(kind.file_name()),
    }
}

/// How inputs are read.
pub(crate) fn read_options(job: &Job, limits: &Limits, control: &Control) -> ReadOptions {
    let mut options = ReadOptions::new().control(control.clone());
    options.series = job.series.clone();
    options.fourth_axis = FourthAxis::Channels;
    let voxels = limits.voxels.saturating_mul(size_of::<f32>() as u64);
    options.max_bytes = voxels;
    options
}

/// Checks that the input is an image within the limits. An input that the page cannot show is converted.
///
/// # Errors
/// A sentence for the person who sent it.
pub(crate) fn examine(
    folder: &Path,
    job: &Job,
    limits: &Limits,
    control: &Control,
) -> Result<(), String> {
    let path = input_path(folder, job);
    if job.kind == InputKind::Zip {
        archive::unpack(&folder.join(job.kind.file_name()), &path, limits, control)?;
    }
    let options = read_options(job, limits, control);
    let info = vesalius_io::probe_with(&path, &options)
        .map_err(|error| told(&error.to_string(), folder))?;
    let size = info.geometry.size();
    let voxels = size.iter().map(|&side| side as u64).product::<u64>();
    if voxels.saturating_mul(info.channels.max(1) as u64) > limits.voxels {
        let [x, y, z] = size;
        return Err(format!(
            "the image has {x} × {y} × {z} voxels; this server takes at most {} million, so resample it first",
            limits.voxels / 1_000_000
        ));
    }
    if matches!(job.kind, InputKind::Nifti | InputKind::NiftiGz) {
        return Ok(());
    }
    let image = vesalius_io::read_with(&path, &options)
        .map_err(|error| told(&error.to_string(), folder))?;
    vesalius_io::write(folder.join(VIEW), &image).map_err(|error| told(&error.to_string(), folder))
}

/// The image that the page shows: NIfTI.
pub(crate) fn image_file(folder: &Path, job: &Job) -> PathBuf {
    match job.kind {
        InputKind::Nifti | InputKind::NiftiGz => folder.join(job.kind.file_name()),
        _ => folder.join(VIEW),
    }
}

/// An error without the folder of the spool, which means nothing to the person who sent the file.
pub(crate) fn told(error: &str, folder: &Path) -> String {
    let folder = folder.display().to_string();
    error
        .replace(&format!("{folder}/"), "")
        .replace(&folder, "the input")
}
