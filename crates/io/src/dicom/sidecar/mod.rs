//! BIDS sidecars of DICOM series: `.json` with the parameters of the acquisition, `.bval` and `.bvec` of diffusion. Keys and
//! units are those of dcm2niix; axes are those of this crate's images, whose rows keep their order.

pub mod describing;
mod description;
mod diffusion;
mod ge_protocol;
mod ge_slice_times;
mod phase;
mod slice_times;

use super::element::DataSet;
use super::file::DicomFile;
use super::frame::Frame;
use super::key::Key;
use super::series::Series;
use super::{choose, stack, suv, tags};
use crate::place::Place;
use crate::{ReadOptions, Result, SliceProblem, archive, strip_extension, write_bytes_atomically};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use vesalius_volume::{Geometry, Warning};

/// What BIDS wants to know beside an image. It has no name, number, age, sex or weight of the patient and no dates, but
/// times of the day and names of the institution and the device, as dcm2niix writes them.
///
/// ```
/// use vesalius_io::{ReadOptions, read_sidecar};
///
/// let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/images/ct_raw.dcm");
/// let sidecar = read_sidecar(file, &ReadOptions::default())?;
/// assert_eq!(sidecar.json["Modality"], "CT");
/// assert!(sidecar.bval.is_none() && sidecar.bvec.is_none());
///
/// let folder = tempfile::tempdir()?;
/// let written = sidecar.write_beside(folder.path().join("ct.nii.gz"))?;
/// assert_eq!(written, [folder.path().join("ct.json")]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Sidecar {
    /// Parameters by BIDS' and dcm2niix's keys; times in seconds.
    pub json: Map<String, Value>,
    /// The b-values of all volumes in s/mm², one line.
    pub bval: Option<String>,
    /// The directions of the gradients of all volumes: three lines, along the image's axes. As FSL and dcm2niix have it,
    /// the first is negated where the image's axes are right-handed.
    pub bvec: Option<String>,
    /// What is left out because it is not known for sure.
    pub warnings: Vec<Warning>,
}

impl Sidecar {
    /// The text of the `.json` file.
    pub fn json_text(&self) -> String {
        let text = serde_json::to_string_pretty(&self.json);
        // Names and finite numbers have a text.
        text.unwrap_or_default() + "\n"
    }

    /// Writes `NAME.json`, and `NAME.bval` and `NAME.bvec` where there are any, beside an image `NAME.nii.gz`, each
    /// completely or not at all; returns their paths.
    ///
    /// # Errors
    /// [`Error::Write`](crate::Error::Write).
    pub fn write_beside(&self, image: impl AsRef<Path>) -> Result<Vec<PathBuf>> {
        let texts = [Some(self.json_text()), self.bval.clone(), self.bvec.clone()];
        let paths = self.paths_beside(image);
        for (path, text) in paths.iter().zip(texts.into_iter().flatten()) {
            write_bytes_atomically(path, text.as_bytes())?;
        }
        Ok(paths)
    }

    /// The files that [`Sidecar::write_beside`] writes for an image.
    pub fn paths_beside(&self, image: impl AsRef<Path>) -> Vec<PathBuf> {
        let image = image.as_ref();
        let stem = strip_extension(image);
        [
            Some("json"),
            self.bval.as_ref().map(|_| "bval"),
            self.bvec.as_ref().map(|_| "bvec"),
        ]
        .into_iter()
        .flatten()
        .map(|ending| image.with_file_name(format!("{stem}.{ending}")))
        .collect()
    }
}

/// The sidecar of the DICOM volume that the options choose, or of all volumes of a series along a fourth axis, in the order
/// in which they are read.
///
/// # Errors
/// As [`probe_with`](crate::probe_with) of a DICOM file or folder.
pub fn read_sidecar(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Sidecar> {
    let place = Place::on_disk(path.as_ref());
    let place = archive::opened(&place, options)?;
    sidecar_of(&choose::choose(&place, options)?, options)
}

/// The sidecar of volumes on one grid, such as those of [`list_series`](crate::list_series) with one UID.
///
/// # Errors
/// [`Error::Slices`](crate::Error::Slices) for volumes without a grid, and what opening their files may give.
pub fn sidecar_of(volumes: &[Series], options: &ReadOptions) -> Result<Sidecar> {
    let path = volumes.first().and_then(|series| series.files.first());
    let path = path.map_or(Path::new(""), PathBuf::as_path);
    // The unit is that of the numbers that are read.
    let volumes = suv::scaled(path, volumes.to_vec(), options)?;
    let parts: Vec<Part> = volumes
        .iter()
        .map(|series| Part::of(series, options))
        .collect::<Result<_>>()?;
    let mut warnings = Vec::new();
    let mut json = Map::new();
    let (mut bval, mut bvec) = (None, None);
    if let Some(first) = parts.first() {
        description::describe(&parts, &mut json);
        phase::describe(first, &mut json);
        slice_times::describe(first, &mut json);
        (bval, bvec) = diffusion::tables(&parts, &mut warnings).unzip();
    }
    Ok(Sidecar {
        json,
        bval,
        bvec,
        warnings,
    })
}

/// A volume, its grid, and the frame that was stored first, with its file.
pub(super) struct Part<'a> {
    pub series: &'a Series,
    pub grid: Geometry,
    pub first: &'a Frame,
    pub file: DicomFile,
}

impl<'a> Part<'a> {
    fn of(series: &'a Series, options: &ReadOptions) -> Result<Self> {
        let path = series.files.first().map_or(Path::new(""), PathBuf::as_path);
        let problem = || series.problem.clone().unwrap_or(SliceProblem::NoThickness);
        let refused = || stack::refuse(path, &series.label(), problem());
        let grid = series.geometry.ok_or_else(refused)?;
        let stored = |a: &&Frame, b: &&Frame| {
            let number = |frame: &Frame| frame.number(Key::InstanceNumber).unwrap_or(0.0);
            number(a).total_cmp(&number(b))
        };
        let first = series.frames.iter().min_by(stored).ok_or_else(refused)?;
        let file = DicomFile::open_described(&first.file, options.max_bytes)?;
        Ok(Self {
            series,
            grid,
            first,
            file,
        })
    }

    /// The functional groups of the first frame: its own, and the shared ones.
    pub fn groups(&self) -> (Option<&DataSet>, Option<&DataSet>) {
        let set = &self.file.set;
        let own = set.items(tags::FRAME_GROUPS).get(self.first.index);
        (own, set.item(tags::SHARED_GROUPS))
    }

    /// A data set that holds an attribute: the file, or an item of a functional group of the first frame.
    pub fn holder(&self, tag: u32) -> Option<&DataSet> {
        let (own, shared) = self.groups();
        let inside = [own, shared].into_iter().flatten();
        let items = inside.flat_map(|group| {
            let sequences = GROUPS.iter();
            sequences.filter_map(|&sequence| group.item(sequence))
        });
        let mut sets = std::iter::once(&self.file.set).chain(items);
        sets.find(|set| set.get(tag).is_some())
    }

    pub fn text(&self, tag: u32) -> Option<String> {
        self.file.text(self.holder(tag)?, tag)
    }

    /// A finite number that is written as text.
    pub fn real(&self, tag: u32) -> Option<f64> {
        let value = self.file.real(self.holder(tag)?, tag);
        value.filter(|value| value.is_finite())
    }

    pub fn is_made_by(&self, maker: &str) -> bool {
        let text = self.text(tags::MANUFACTURER).unwrap_or_default();
        text.to_ascii_uppercase().starts_with(maker)
    }

    /// Whether the acquisition is of single slices.
    pub fn is_planar(&self) -> bool {
        let kind = self.text(describing::ACQUISITION_TYPE);
        kind.is_none_or(|kind| kind.trim() != "3D")
    }
}

/// The functional groups with parameters of the acquisition.
const GROUPS: [u32; 7] = [
    tags::MR_TIMING,
    tags::MR_ECHO,
    tags::MR_MODIFIER,
    tags::MR_FIELD_OF_VIEW,
    tags::MR_AVERAGES,
    tags::PIXEL_MEASURES,
    tags::CT_RECONSTRUCTION,
];

/// A number without the noise of its unit's conversion.
pub(super) fn number(value: f64) -> Value {
    let rounded: f64 = format!("{value:.8e}").parse().unwrap_or(value);
    match rounded.fract() == 0.0 && rounded.abs() < 1e15 {
        true => Value::from(rounded as i64),
        false => Value::from(rounded),
    }
}
