//! RTSTRUCT: named structures as closed contours (PS3.3 C.8.8.5 and C.8.8.6), read into points in RAS+ mm. `label_map`
//! fills them on a grid.

mod convert;
mod fill;
mod label_map;
mod parse;

pub use convert::{ConvertStructuresOptions, convert_structures};
pub use label_map::{OutsideContours, StructureOptions};

use super::file::DicomFile;
use crate::place::Place;
use crate::{ReadOptions, Result};
use std::path::{Path, PathBuf};

/// The structures of an RTSTRUCT file.
#[derive(Debug, Clone, PartialEq)]
pub struct StructureSet {
    pub(super) path: PathBuf,
    /// StructureSetLabel.
    pub label: String,
    /// FrameOfReferenceUID of the images on which the contours were drawn; empty where the file does not say.
    pub frame_of_reference: String,
    /// SeriesInstanceUID of those images; empty where the file does not say.
    pub series: Vec<String>,
    /// The structures, in the file's order.
    pub structures: Vec<Structure>,
}

/// One structure (region of interest).
#[derive(Debug, Clone, PartialEq)]
pub struct Structure {
    /// ROINumber.
    pub number: i64,
    /// ROIName.
    pub name: String,
    /// ROIDisplayColor: red, green and blue.
    pub color: Option<[u8; 3]>,
    /// Its closed contours.
    pub contours: Vec<Contour>,
    /// Contours that enclose no area and were not read, by their ContourGeometricType, and how many: points, open lines.
    pub left_out: Vec<(String, usize)>,
}

/// A closed planar contour; the last point is joined to the first.
#[derive(Debug, Clone, PartialEq)]
pub struct Contour {
    /// Points in RAS+ mm.
    pub points: Vec<[f64; 3]>,
}

/// Whether a file by itself is an RTSTRUCT.
pub(super) fn are_in(place: &Place) -> bool {
    let file =
        (!place.holds_files()).then(|| DicomFile::open(place, ReadOptions::default().max_bytes));
    file.is_some_and(|file| {
        file.is_ok_and(|file| !file.set.items(super::tags::STRUCTURES).is_empty())
    })
}

/// Reads the contours of an RTSTRUCT file.
///
/// # Errors
/// [`Error::Header`](crate::Error::Header) for a file that has no structures, contours of a structure that the file does
/// not name, a number of points that does not fit their coordinates, coordinates that are not finite, and more than
/// five million points; otherwise as [`read`](crate::read()).
///
/// ```no_run
/// use vesalius_io::{StructureOptions, list_series, read_structures};
///
/// let structures = read_structures("plan/RS.dcm")?;
/// let list = list_series("plan/CT")?;
/// let (labels, names) = structures.label_map_on(&list.series[0], &StructureOptions::default())?;
/// println!("{names:?}: {:?}", labels.counts());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_structures(path: impl AsRef<Path>) -> Result<StructureSet> {
    let file = DicomFile::open(
        &Place::on_disk(path.as_ref()),
        ReadOptions::default().max_bytes,
    )?;
    parse::structures(&file)
}
