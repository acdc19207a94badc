//! Everything found at a path, for people and for programs: one entry per volume.

use crate::folder::{LEADS_NOWHERE, below};
use crate::place::Place;
use crate::read::info_at;
use crate::{
    Error, Format, ImageInfo, LabelName, ReadOptions, RefusedImage, Result, Scaling, Series,
    VoxelType, archive, dicom, format, is_image_with, probe_with,
};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vesalius_volume::{Geometry, Warning};

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
    /// Whether the voxels are compressed.
    pub compressed: bool,
    /// The scaling of stored values; `None` when slices differ in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scaling: Option<Scaling>,
    /// Names and colours of labels, where the format has them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<LabelName>,
    /// Text fields of the header; those of a DICOM series are in `series`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// The DICOM series.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<Series>,
    /// What was decided where the file is ambiguous, wrong or incomplete.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// Why it cannot be read, or not without a decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The option of reading that would make it usable, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<RefusedImage>,
}

/// Describes a file, or every image file and DICOM series in a folder and its folders, or the DICOM series of an
/// archive. A file that
/// cannot be read is described by its problem, and so is a link to no file.
///
/// # Errors
/// [`Error::Read`] when the path itself cannot be read, [`Error::NotAnImage`] when nothing is there.
///
/// ```
/// use vesalius_io::{Format, describe, write};
/// use vesalius_volume::{Geometry, Volume};
///
/// let folder = tempfile::tempdir()?;
/// let image = Volume::filled(Geometry::axis_aligned([4, 4, 2], [1.0; 3])?, 0_u8);
/// write(folder.path().join("a.nii.gz"), &image)?;
/// write(folder.path().join("b.nrrd"), &image)?;
/// std::fs::write(folder.path().join("notes.txt"), "not an image")?;
///
/// let found = describe(folder.path())?;
/// let formats: Vec<_> = found.iter().map(|one| one.format).collect();
/// assert_eq!(formats, [Some(Format::Nifti1), Some(Format::Nrrd)]);
/// assert_eq!(found[0].geometry.unwrap().size(), [4, 4, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn describe(path: impl AsRef<Path>) -> Result<Vec<Described>> {
    describe_with(path, &ReadOptions::default())
}

/// As [`describe`], with options.
///
/// # Errors
/// As [`describe`].
pub fn describe_with(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Vec<Described>> {
    let path = path.as_ref();
    let place = Place::on_disk(path);
    let place = archive::opened(&place, options)?;
    if !format::is_dicom(&place, options)? {
        return info_at(&place, options).map(|info| vec![of_info(info)]);
    }
    let list = dicom::list_at(&place, options)?;
    let mut all: Vec<Described> = list.series.into_iter().map(of_series).collect();
    let unreadable = list.unreadable.into_iter();
    all.extend(unreadable.map(|(path, problem)| of_problem(path, Some(Format::Dicom), problem)));
    if path.is_dir() {
        let watch = options.watch(path);
        let found = below(path, watch)?;
        let broken = found.broken.into_iter();
        all.extend(broken.map(|link| of_problem(link, None, LEADS_NOWHERE.to_owned())));
        let files = found.files.into_iter();
        for file in files.filter(|file| is_image_with(file, &options.registry)) {
            watch.check()?;
            all.push(match probe_with(&file, options) {
                Ok(info) => of_info(info),
                Err(error @ Error::Cancelled { .. }) => return Err(error),
                Err(error) => Described {
                    refused: RefusedImage::of(&error),
                    ..of_problem(file, None, error.to_string())
                },
            });
        }
    }
    if all.is_empty() {
        return Err(Error::NotAnImage {
            path: path.to_owned(),
            found: "no image file and no DICOM series".to_owned(),
        });
    }
    Ok(all)
}

fn of_info(info: ImageInfo) -> Described {
    Described {
        path: info.path,
        format: Some(info.format),
        geometry: Some(info.geometry),
        voxel_type: Some(info.voxel_type),
        channels: info.channels,
        compressed: info.compressed,
        scaling: Some(info.scaling),
        labels: info.labels,
        metadata: info.metadata,
        series: None,
        warnings: info.warnings,
        problem: None,
        refused: None,
    }
}

/// The file of a series of one, else the innermost folder that holds all its files.
fn place(files: &[PathBuf]) -> PathBuf {
    let (first, rest) = match files {
        [] => return PathBuf::new(),
        [one] => return one.clone(),
        [first, rest @ ..] => (first, rest),
    };
    let holds_all = |folder: &&Path| rest.iter().all(|file| file.starts_with(folder));
    let folder = first.ancestors().skip(1).find(holds_all);
    folder.unwrap_or(Path::new("")).to_owned()
}

fn of_series(series: Series) -> Described {
    let nothing = nothing(place(&series.files));
    Described {
        format: Some(Format::Dicom),
        geometry: series.geometry,
        voxel_type: Some(series.voxel_type),
        channels: 1,
        compressed: series.is_compressed(),
        scaling: series.scaling(),
        problem: series.problem.as_ref().map(ToString::to_string),
        warnings: series.warnings.clone(),
        series: Some(series),
        ..nothing
    }
}

fn of_problem(path: PathBuf, format: Option<Format>, problem: String) -> Described {
    Described {
        format,
        problem: Some(problem),
        ..nothing(path)
    }
}

fn nothing(path: PathBuf) -> Described {
    Described {
        path,
        format: None,
        geometry: None,
        voxel_type: None,
        channels: 0,
        compressed: false,
        scaling: None,
        labels: Vec::new(),
        metadata: BTreeMap::new(),
        series: None,
        warnings: Vec::new(),
        problem: None,
        refused: None,
    }
}
