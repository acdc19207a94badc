//! Which series stand in a file, a folder, a folder of folders or a DICOMDIR: grouped by what makes
//! a volume, never merged silently, and chosen by name.

use super::file::DicomFile;
use super::frame::{self, FileHeader, Frame};
use super::stack::{SliceProblem, Stack, height, normal, stack};
use super::{DicomOptions, tags};
use crate::{Error, ReadOptions, Result, VoxelType};
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use vesalius_volume::Geometry;

/// Folders in folders beyond this are not searched.
const DEEPEST: usize = 16;

/// Frames that make one volume.
#[derive(Debug, Clone, Serialize)]
pub struct Series {
    /// SeriesInstanceUID.
    pub uid: String,
    /// What tells this volume from others of the same series, such as `EchoTime 5.2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// SeriesNumber.
    pub number: Option<String>,
    /// SeriesDescription.
    pub description: String,
    /// Modality, such as `CT`.
    pub modality: String,
    /// StudyInstanceUID.
    pub study_uid: String,
    /// FrameOfReferenceUID: series that share it share their world.
    pub frame_of_reference: String,
    /// Columns, rows and frames.
    pub size: [usize; 3],
    /// The smallest type that holds the stored values.
    pub voxel_type: VoxelType,
    /// The grid, or nothing when the slices are not one uniform stack.
    #[serde(skip)]
    pub geometry: Option<Geometry>,
    /// Why there is no grid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<SliceProblem>,
    /// The files, in the order of their slices where that is known.
    pub files: Vec<PathBuf>,
    /// Patient, study and series attributes by the standard's keywords.
    pub metadata: BTreeMap<String, String>,
    #[serde(skip)]
    pub(super) frames: Vec<Frame>,
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

/// Lists the series at a path: a file, a folder with folders in it, or a DICOMDIR. Pixels are not
/// read; files that are not DICOM, and DICOM files without pixels, are passed over.
///
/// # Errors
/// [`Error::Read`] when the path cannot be read.
pub fn list_series(path: impl AsRef<Path>) -> Result<SeriesList> {
    list_series_with(path, &ReadOptions::default())
}

/// As [`list_series`], with options, which decide what counts as a problem.
///
/// # Errors
/// As [`list_series`].
pub fn list_series_with(path: impl AsRef<Path>, options: &ReadOptions) -> Result<SeriesList> {
    let path = path.as_ref();
    let files = candidates(path, options)?;
    let single = path.is_file() && files.len() == 1;
    let headers: Vec<_> = files
        .par_iter()
        .filter(|file| single || is_dicom(file))
        .map(|file| (file, header(file, options)))
        .collect();
    let mut list = SeriesList::default();
    let mut found = Vec::new();
    for (file, header) in headers {
        match header {
            Ok(Some(header)) => found.push(header),
            Ok(None) => {}
            Err(error) => list.unreadable.push((file.clone(), error.to_string())),
        }
    }
    let groups = group(found);
    list.series = groups
        .into_iter()
        .flat_map(split_copies)
        .map(|group| group.finish(options.assume_spacing, options.dicom))
        .collect();
    list.series.sort_by_key(|series| {
        let number: Option<i64> = series.number.as_ref().and_then(|n| n.parse().ok());
        (number, series.uid.clone(), series.part.clone())
    });
    Ok(list)
}

fn header(path: &Path, options: &ReadOptions) -> Result<Option<FileHeader>> {
    frame::read(&DicomFile::open(path, options.max_bytes)?)
}

fn is_dicom(path: &Path) -> bool {
    crate::format::head(path).is_ok_and(|head| !head.gzip && super::detect(&head.bytes))
}

/// The files to look at.
fn candidates(path: &Path, options: &ReadOptions) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    if path.is_dir() {
        walk(path, 0, &mut files)?;
        // A DICOMDIR lists files that the walk finds anyway.
        files.retain(|file| !file.ends_with("DICOMDIR"));
        files.sort();
        return Ok(files);
    }
    let listed = directory(path, options)?;
    Ok(if listed.is_empty() {
        vec![path.to_owned()]
    } else {
        listed
    })
}

fn walk(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = std::fs::read_dir(folder).map_err(|e| Error::read(folder, e))?;
    for entry in entries {
        let path = entry.map_err(|e| Error::read(folder, e))?.path();
        if path.is_dir() && depth < DEEPEST {
            walk(&path, depth + 1, files)?;
        } else if path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

/// The files that a DICOMDIR names, all of them below its folder; none for another file.
fn directory(path: &Path, options: &ReadOptions) -> Result<Vec<PathBuf>> {
    let file = DicomFile::open(path, options.max_bytes)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut files = Vec::new();
    for record in file.set.items(tags::DIRECTORY_RECORDS) {
        let Some(name) = file.text(record, tags::REFERENCED_FILE) else {
            continue;
        };
        let relative: PathBuf = name.split('\\').collect();
        let inside = relative
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !inside {
            return Err(Error::header(
                path,
                "ReferencedFileID",
                format!("`{name}`"),
                "a file in the folder of the DICOMDIR or below it",
            ));
        }
        files.push(folder.join(relative));
    }
    Ok(files)
}

/// Frames that may be one volume.
struct Group {
    first: FileHeader,
    frames: Vec<Frame>,
    bits: (u16, bool, bool),
    part: Option<String>,
}

fn close(a: Option<&[f64]>, b: Option<&[f64]>, tolerance: f64) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance),
        (None, None) => true,
        _ => false,
    }
}

impl Group {
    fn takes(&self, header: &FileHeader, frame: &Frame) -> bool {
        let (first, mine) = (&self.first, &self.frames[0]);
        let orientation = |f: &Frame| f.orientation.map(|o| o.to_vec());
        let spacing = |f: &Frame| f.spacing.map(|s| s.to_vec());
        first.series_uid == header.series_uid
            && first.frame_of_reference == header.frame_of_reference
            && (first.rows, first.columns) == (header.rows, header.columns)
            && close(
                orientation(mine).as_deref(),
                orientation(frame).as_deref(),
                1e-3,
            )
            && close(spacing(mine).as_deref(), spacing(frame).as_deref(), 1e-4)
    }

    fn finish(self, assumed: Option<[f64; 3]>, options: DicomOptions) -> Series {
        let header = self.first;
        let text = |name: &str| header.metadata.get(name).cloned().unwrap_or_default();
        let plane = [header.columns, header.rows];
        let stacked = stack(&self.frames, plane, assumed, options);
        let mut frames = self.frames;
        if let Ok(Stack { order, .. }) = &stacked {
            frames = order.iter().map(|&i| frames[i].clone()).collect();
        }
        let mut files: Vec<PathBuf> = frames.iter().map(|frame| frame.file.clone()).collect();
        files.dedup();
        let scaled = frames
            .iter()
            .any(|f| f.scaling.slope.fract() != 0.0 || f.scaling.intercept.fract() != 0.0);
        let (bits, signed, float) = self.bits;
        Series {
            uid: header.series_uid.clone(),
            part: self.part,
            number: header.metadata.get("SeriesNumber").cloned(),
            description: text("SeriesDescription"),
            modality: text("Modality"),
            study_uid: text("StudyInstanceUID"),
            frame_of_reference: header.frame_of_reference.clone(),
            size: [header.columns, header.rows, frames.len()],
            voxel_type: match (
                float || scaled,
                bits,
                signed || frames.iter().any(|f| f.scaling.intercept < 0.0),
            ) {
                (true, ..) => VoxelType::F32,
                (_, 0..=8, false) => VoxelType::U8,
                (_, 0..=16, false) => VoxelType::U16,
                (_, _, false) => VoxelType::U32,
                (_, 0..=16, true) => VoxelType::I16,
                (_, _, true) => VoxelType::I32,
            },
            geometry: stacked.as_ref().ok().map(|stack| stack.geometry),
            problem: stacked.err(),
            files,
            compressed: header.compressed,
            metadata: header.metadata,
            frames,
        }
    }
}

/// Rule one: series, frame of reference, orientation, size and spacing make a group.
fn group(headers: Vec<FileHeader>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for mut header in headers {
        let bits = (header.bits_stored, header.signed, header.float);
        for frame in std::mem::take(&mut header.frames) {
            match groups.iter_mut().find(|group| group.takes(&header, &frame)) {
                Some(group) => {
                    group.bits.0 = group.bits.0.max(bits.0);
                    group.bits.1 |= bits.1;
                    group.bits.2 |= bits.2;
                    group.frames.push(frame);
                }
                None => groups.push(Group {
                    first: header.clone(),
                    frames: vec![frame],
                    bits,
                    part: None,
                }),
            }
        }
    }
    groups
}

/// Whether two frames lie at one place.
fn has_copies(frames: &[Frame]) -> bool {
    let mut heights: Vec<f64> = frames.iter().filter_map(height).collect();
    heights.sort_by(f64::total_cmp);
    heights.windows(2).any(|pair| pair[1] - pair[0] < 1e-4)
}

/// Where positions repeat, a group is split by the first mark that tells the copies apart.
fn split_copies(group: Group) -> Vec<Group> {
    // A series of segments is split always: each is a volume of its own.
    let segmented = group
        .frames
        .iter()
        .any(|f| f.marks.iter().any(|m| m.0 == "SegmentNumber"));
    if !segmented && !has_copies(&group.frames) {
        return vec![group];
    }
    let names = [
        "SegmentNumber",
        "AcquisitionNumber",
        "TemporalPosition",
        "EchoTime",
        "DiffusionBValue",
        "ImageType",
    ];
    for name in names {
        let mut parts: BTreeMap<String, Vec<Frame>> = BTreeMap::new();
        for frame in &group.frames {
            let mark = frame.marks.iter().find(|mark| mark.0 == name);
            let value = mark.map(|mark| mark.1.clone()).unwrap_or_default();
            parts.entry(value).or_default().push(frame.clone());
        }
        let apart = parts.values().all(|frames| !has_copies(frames));
        if parts.len() > 1 && apart || name == "SegmentNumber" && segmented {
            return parts
                .into_iter()
                .map(|(value, frames)| Group {
                    first: group.first.clone(),
                    frames,
                    bits: group.bits,
                    part: Some(format!("{name} {value}")),
                })
                .collect();
        }
    }
    vec![group]
}

impl Series {
    /// A line that says which series this is.
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
    pub fn is_called(&self, name: &str) -> bool {
        let (base, part) = match (name.rsplit_once('/'), &self.part) {
            (Some((base, part)), Some(mine)) if part.eq_ignore_ascii_case(mine) => (base, true),
            _ => (name, false),
        };
        let whole = part || self.part.is_none() || !name.contains('/');
        whole
            && (self.uid == base
                || self.number.as_deref() == Some(base)
                || self.description.eq_ignore_ascii_case(base))
    }

    /// Unit normal of the slices in RAS, when they have an orientation.
    pub fn normal(&self) -> Option<[f64; 3]> {
        let [x, y, z] = normal(&self.frames.first()?.orientation?);
        Some([-x, -y, z])
    }
}

/// The one series that the options ask for.
pub(super) fn choose(path: &Path, options: &ReadOptions) -> Result<Series> {
    let list = list_series_with(path, options)?;
    if let Some((file, reason)) = list.unreadable.first() {
        if path.is_file() && file == path {
            // The file itself is what is wrong, not one among many.
            header(path, options)?;
        }
        return Err(Error::Unreadable {
            path: path.to_owned(),
            count: list.unreadable.len(),
            file: file.clone(),
            reason: reason.clone(),
        });
    }
    let all: Vec<String> = list.series.iter().map(Series::label).collect();
    let mut matching: Vec<Series> = match &options.series {
        Some(name) => list
            .series
            .into_iter()
            .filter(|s| s.is_called(name))
            .collect(),
        None => list.series,
    };
    match (matching.len(), &options.series) {
        (1, _) => Ok(matching.remove(0)),
        (0, None) => Err(Error::NotAnImage {
            path: path.to_owned(),
            found: "no DICOM file with pixels".to_owned(),
        }),
        (0, Some(name)) => Err(Error::NoSuchSeries {
            path: path.to_owned(),
            name: name.clone(),
            found: all.join("; "),
        }),
        _ => Err(Error::SeveralSeries {
            path: path.to_owned(),
            found: matching
                .iter()
                .map(Series::label)
                .collect::<Vec<_>>()
                .join("; "),
        }),
    }
}
