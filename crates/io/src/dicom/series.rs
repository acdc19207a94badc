//! The series of a file, a folder, a folder of folders or a DICOMDIR: grouped by what makes
//! a volume, never merged silently, and chosen by name.

use super::SliceProblem;
use super::choose::choose;
use super::frame::Frame;
use super::key::Key;
use super::listing::list_at;
use super::part_key::PartKey;
use super::segmentation::{Kind, SegmentGrid, Segmentation};
use super::stack::normal;
use crate::place::Place;
use crate::{Error, LabelName, ReadOptions, Result, Scaling, VoxelType, archive};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vesalius_volume::{Geometry, Warning};

/// Frames that make one volume.
#[derive(Debug, Clone, Serialize)]
pub struct Series {
    /// SeriesInstanceUID.
    pub uid: String,
    /// What distinguishes this volume from others of the same series, such as `echo 2` or `b 800 direction 3`; unique
    /// in its series.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// The attributes by which it differs from the other parts: times, b-values, directions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<PartKey>,
    /// SeriesNumber.
    pub number: Option<String>,
    /// SeriesDescription.
    pub description: String,
    /// Modality, such as `CT`.
    pub modality: String,
    /// StudyInstanceUID.
    pub study_uid: String,
    /// FrameOfReferenceUID: series that share it have one coordinate system.
    pub frame_of_reference: String,
    /// Columns, rows and frames.
    pub size: [usize; 3],
    /// The smallest type that holds the scaled values.
    pub voxel_type: VoxelType,
    /// The grid, or nothing when the slices are not one uniform stack.
    #[serde(skip)]
    pub geometry: Option<Geometry>,
    /// Why there is no grid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<SliceProblem>,
    /// The files, in the order of their slices where that is known.
    pub files: Vec<PathBuf>,
    /// Names and colours of a segmentation's segments, by their numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<LabelName>,
    /// Patient, study and series attributes by the standard's keywords.
    pub metadata: BTreeMap<String, String>,
    /// What was decided where the files are ambiguous, wrong or incomplete.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// Those of `warnings` that do not depend on how the slices are stacked.
    #[serde(skip)]
    pub(super) of_files: Vec<Warning>,
    #[serde(skip)]
    pub(super) frames: Vec<Frame>,
    /// Where the frames of a segmentation lie.
    #[serde(skip)]
    pub(super) segments: Option<SegmentGrid>,
    #[serde(skip)]
    pub(super) compressed: bool,
}

/// What was found at a path.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SeriesList {
    /// Volumes, by series number, then by part.
    pub series: Vec<Series>,
    /// DICOM files that could not be read, and why.
    pub unreadable: Vec<(PathBuf, String)>,
}

/// Lists the series at a path: a file, a folder with folders in it, a DICOMDIR, or a zip or tar archive of these, whose
/// files are called by their names below its path. Files may be packed by gzip. Pixels are not read; files that are not DICOM, and DICOM files without pixels, are skipped.
///
/// # Errors
/// [`Error::Read`](crate::Error::Read) when the path cannot be read.
///
/// ```
/// use vesalius_io::list_series;
///
/// let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/images/ct_raw.dcm");
/// let list = list_series(file)?;
/// assert_eq!(list.series.len(), 1);
/// assert_eq!(list.series[0].modality, "CT");
/// assert!(list.unreadable.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn list_series(path: impl AsRef<Path>) -> Result<SeriesList> {
    list_series_with(path, &ReadOptions::default())
}

/// As [`list_series`], with options, which decide what counts as a problem.
///
/// # Errors
/// As [`list_series`].
pub fn list_series_with(path: impl AsRef<Path>, options: &ReadOptions) -> Result<SeriesList> {
    list_at(&Place::on_disk(path.as_ref()), options)
}

/// The one volume that the options choose, without its pixels: what [`read_with`](crate::read_with) would read.
///
/// # Errors
/// As [`read_with`](crate::read_with) of a DICOM file or folder, where it concerns the choice.
///
/// ```
/// use vesalius_io::{ReadOptions, choose_series};
///
/// let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/images/ct_raw.dcm");
/// let series = choose_series(file, &ReadOptions::default())?;
/// assert_eq!(series.modality, "CT");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn choose_series(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Series> {
    let path = path.as_ref();
    let place = Place::on_disk(path);
    let mut chosen = choose(&*archive::opened(&place, options)?, options)?;
    match (chosen.len(), chosen.pop()) {
        (1, Some(series)) => Ok(series),
        _ => Err(Error::SeveralVolumes {
            path: path.to_owned(),
            found: chosen
                .iter()
                .map(Series::label)
                .collect::<Vec<_>>()
                .join("; "),
        }),
    }
}

impl Series {
    /// A line that identifies the series.
    pub fn label(&self) -> String {
        let part = self
            .part
            .as_ref()
            .map_or(String::new(), |part| format!(" ({part})"));
        format!(
            "number {}, {} `{}`{part}, {:?} voxels, UID {}",
            self.number.as_deref().unwrap_or("none"),
            self.modality,
            self.description,
            self.size,
            self.uid
        )
    }

    /// Whether `name` is this series' UID, number or description, or one of them followed by `/` and
    /// its part.
    ///
    /// ```
    /// use vesalius_io::list_series;
    ///
    /// let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/images/ct_raw.dcm");
    /// let series = &list_series(file)?.series[0];
    /// assert!(series.is_called(&series.uid));
    /// assert!(!series.is_called("no such series"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_called(&self, name: &str) -> bool {
        let parts = self.after_name(name);
        parts
            .iter()
            .any(|part| part.is_none_or(|part| self.is_part(part)))
    }

    /// What follows this series' UID, number or description in a name, behind `/`; none where the name is another's.
    pub(super) fn after_name<'a>(&self, name: &'a str) -> Vec<Option<&'a str>> {
        let bases = [
            Some(&self.uid),
            self.number.as_ref(),
            Some(&self.description),
        ];
        let bases = bases.into_iter().flatten().filter(|base| !base.is_empty());
        let rest = bases.filter_map(|base| {
            let (start, rest) = name.split_at_checked(base.len())?;
            let same = start.eq_ignore_ascii_case(base);
            match rest {
                "" => same.then_some(None),
                _ => rest.strip_prefix('/').filter(|_| same).map(Some),
            }
        });
        rest.collect()
    }

    /// Whether this part is called so: by its name, or by the keyword and the value of one of its keys.
    pub(super) fn is_part(&self, name: &str) -> bool {
        let name = name.trim();
        let by_name = self
            .part
            .as_deref()
            .is_some_and(|part| part.eq_ignore_ascii_case(name));
        by_name || self.keys.iter().any(|key| key.is_called(name))
    }

    /// One segment of a segmentation, on the grid of all; `None` for a series that has none of this number.
    pub(super) fn segment(&self, number: u32) -> Option<Self> {
        let grid = self.segments.as_ref()?;
        if grid.kind == Kind::LabelMap {
            return None;
        }
        let shows = |frame: &Frame| Segmentation::shown(frame) == Some(number);
        let label = self.labels.iter().find(|label| label.value == number)?;
        let of_it = self.frames.iter().zip(&grid.slices);
        let (frames, slices) = of_it
            .filter(|(frame, _)| shows(frame))
            .map(|(frame, slice)| (frame.clone(), *slice))
            .unzip();
        Some(Self {
            part: Some(format!("SegmentNumber {number}")),
            labels: vec![label.clone()],
            frames,
            segments: Some(SegmentGrid {
                slices,
                ..grid.clone()
            }),
            ..self.clone()
        })
    }

    /// The segment that a name such as `4/SegmentNumber 2` asks for.
    pub(super) fn segment_called(&self, name: &str) -> Option<Self> {
        let parts = self.after_name(name);
        parts
            .into_iter()
            .flatten()
            .find_map(|part| self.segment_part(part))
    }

    /// The segment that a part such as `SegmentNumber 2` asks for.
    pub(super) fn segment_part(&self, part: &str) -> Option<Self> {
        let (word, number) = part.trim().rsplit_once(' ')?;
        let named = word.eq_ignore_ascii_case("SegmentNumber");
        named.then(|| self.segment(number.parse().ok()?))?
    }

    /// Whether all frames are scouts, by ImageType.
    pub fn is_localizer(&self) -> bool {
        let scout = |frame: &Frame| {
            let kind = frame.mark(Key::ImageType).map(|mark| mark.text.as_str());
            kind.is_some_and(|kind| kind.split('\\').any(|part| part.trim() == "LOCALIZER"))
        };
        !self.frames.is_empty() && self.frames.iter().all(scout)
    }

    /// Whether the pixels are compressed.
    pub fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// The scaling that all slices share, if they do; a PET series has one for each slice.
    pub fn scaling(&self) -> Option<Scaling> {
        let first = self.frames.first()?.scaling;
        let same = self.frames.iter().all(|frame| frame.scaling == first);
        same.then_some(first)
    }

    /// Unit normal of the slices in RAS, when they have an orientation.
    pub fn normal(&self) -> Option<[f64; 3]> {
        let [x, y, z] = normal(&self.frames.first()?.orientation?);
        Some([-x, -y, z])
    }
}
