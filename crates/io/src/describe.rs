//! Everything that stands at a path, for people and for machines: one entry a volume.

use crate::{
    Error, Format, ImageInfo, ReadOptions, Result, Series, VoxelType, dicom, format, is_image,
    list_series_with, probe_with,
};
use serde::Serialize;
use std::path::{Path, PathBuf};
use vesalius_volume::Geometry;

/// One volume that was found, or a file that should be one and is not.
#[derive(Debug, Clone, Serialize)]
pub struct Described {
    /// The file, or the folder of the series.
    pub path: PathBuf,
    /// Its format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// Size, spacing, origin, direction, affine and world.
    #[serde(flatten)]
    pub geometry: Option<Geometry>,
    /// The type that the file stores.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub voxel_type: Option<VoxelType>,
    /// Channels; a fourth axis counts as channels.
    pub channels: usize,
    /// The DICOM series.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<Series>,
    /// What the header says beyond that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub info: Option<ImageInfo>,
    /// Why it cannot be read, or not without a decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Describes a file, or every image file and DICOM series in a folder and its folders. A file that
/// cannot be read is described by its problem.
///
/// # Errors
/// [`Error::Read`] when the path itself cannot be read, [`Error::NotAnImage`] when nothing is there.
pub fn describe(path: impl AsRef<Path>) -> Result<Vec<Described>> {
    describe_with(path, &ReadOptions::default())
}

/// As [`describe`], with options.
///
/// # Errors
/// As [`describe`].
pub fn describe_with(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Vec<Described>> {
    let path = path.as_ref();
    if !path.is_dir() && !format::is_dicom(path)? {
        return probe_with(path, options).map(|info| vec![of_info(info)]);
    }
    let list = list_series_with(path, options)?;
    let mut all: Vec<Described> = list
        .series
        .into_iter()
        .map(|series| of_series(path, series))
        .collect();
    let unreadable = list.unreadable.into_iter();
    all.extend(unreadable.map(|(path, problem)| of_problem(path, Some(Format::Dicom), problem)));
    if path.is_dir() {
        let mut files = Vec::new();
        image_files(path, 0, &mut files)?;
        files.sort();
        all.extend(
            files
                .into_iter()
                .map(|file| match probe_with(&file, options) {
                    Ok(info) => of_info(info),
                    Err(error) => of_problem(file, None, error.to_string()),
                }),
        );
    }
    if all.is_empty() {
        return Err(Error::NotAnImage {
            path: path.to_owned(),
            found: "no image file and no DICOM series".to_owned(),
        });
    }
    Ok(all)
}

fn image_files(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<()> {
    const DEEPEST: usize = 16;
    for entry in std::fs::read_dir(folder).map_err(|e| Error::read(folder, e))? {
        let path = entry.map_err(|e| Error::read(folder, e))?.path();
        if path.is_dir() && depth < DEEPEST {
            image_files(&path, depth + 1, files)?;
        } else if path.is_file() && is_image(&path) {
            files.push(path);
        }
    }
    Ok(())
}

fn of_info(info: ImageInfo) -> Described {
    Described {
        path: info.path.clone(),
        format: Some(info.format),
        geometry: Some(info.geometry),
        voxel_type: Some(info.voxel_type),
        channels: info.channels,
        series: None,
        info: Some(info),
        problem: None,
    }
}

fn of_series(path: &Path, series: Series) -> Described {
    Described {
        path: path.to_owned(),
        format: Some(Format::Dicom),
        geometry: series.geometry,
        voxel_type: Some(series.voxel_type),
        channels: 1,
        info: dicom::series_info(path, &series).ok(),
        problem: series.problem.as_ref().map(ToString::to_string),
        series: Some(series),
    }
}

fn of_problem(path: PathBuf, format: Option<Format>, problem: String) -> Described {
    Described {
        path,
        format,
        geometry: None,
        voxel_type: None,
        channels: 0,
        series: None,
        info: None,
        problem: Some(problem),
    }
}
