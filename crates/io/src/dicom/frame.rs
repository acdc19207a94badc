//! The frames of one file: position, scaling and distinguishing attributes.

use super::element::{DataSet, Value};
use super::facts::{check_mappings, is_monochrome1, is_whole_slide, metadata, not_applied};
use super::file::DicomFile;
use super::key::Key;
use super::keys::{Mark, Marks, marks};
use super::mosaic::mosaic;
use super::rescaling::{mapping, scaling};
use super::root_place;
use super::segmentation::{self, Segmentation};
use super::tags;
use crate::place::Place;
use crate::{Error, Result, Scaling};
use std::collections::BTreeMap;
use std::sync::Arc;
use vesalius_volume::Warning;

/// One frame: a slice of a volume.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub file: Arc<Place>,
    /// Number of the stored frame in its file, from 0.
    pub index: usize,
    /// First column and row in the stored frame, of which this one is a part.
    pub tile: Option<[usize; 2]>,
    /// Centre of the first voxel, LPS mm.
    pub position: Option<[f64; 3]>,
    /// Directions of growing column and growing row index, LPS.
    pub orientation: Option<[f64; 6]>,
    /// Between rows, then between columns, mm.
    pub spacing: Option<[f64; 2]>,
    pub thickness: Option<f64>,
    pub spacing_between: Option<f64>,
    pub scaling: Scaling,
    /// Attributes of the scaling that hold no usable number: which, what they hold, what is taken.
    pub unusable: Vec<(&'static str, String, f64)>,
    /// The number of the segment that the frame shows.
    pub segment: Option<u32>,
    /// InstanceNumber of the file; 0 where a file of several frames has none.
    pub instance: Option<f64>,
    /// What may distinguish frames at one place.
    pub marks: Marks,
}

impl Frame {
    /// What the frame holds for a key.
    pub fn mark(&self, key: Key) -> Option<&Mark> {
        self.marks.get(key)
    }

    /// The number by which frames are sorted: that of a key's value, of time in seconds, of InstanceNumber with the
    /// number of the frame in its file.
    pub fn number(&self, key: Key) -> Option<f64> {
        match key {
            Key::InstanceNumber => Some(self.instance? * 1e7 + self.index as f64),
            _ => self.mark(key)?.number,
        }
    }
}

/// What all frames of a file have in common.
#[derive(Debug, Clone)]
pub(super) struct FileHeader {
    pub series_uid: Arc<str>,
    /// SOPInstanceUID.
    pub instance_uid: String,
    pub frame_of_reference: Arc<str>,
    pub columns: usize,
    pub rows: usize,
    /// Columns and rows of a stored frame, of which a mosaic has several slices.
    pub stored: [usize; 2],
    /// How many of them there are.
    pub stored_frames: usize,
    pub bits_stored: u16,
    pub bits_allocated: u16,
    pub signed: bool,
    pub float: bool,
    /// Whether low values are bright.
    pub monochrome1: bool,
    pub compressed: bool,
    /// What is carried along, which the files of a series share where it is equal.
    pub metadata: Arc<BTreeMap<String, String>>,
    /// What a segmentation shows.
    pub segmentation: Option<Arc<Segmentation>>,
    /// What is not applied, or not read.
    pub warnings: Vec<Warning>,
    pub frames: Vec<Frame>,
}

/// The header of an image file; `None` when the file holds no pixels (a report, a plan).
pub(super) fn read(file: &DicomFile) -> Result<Option<FileHeader>> {
    let set = &file.set;
    let (Some(rows), Some(columns)) = (file.u16(set, tags::ROWS), file.u16(set, tags::COLUMNS))
    else {
        return Ok(None);
    };
    let float = set.get(tags::FLOAT_PIXELS).is_some() || set.get(tags::DOUBLE_PIXELS).is_some();
    if set.get(tags::PIXELS).is_none() && !float {
        return Ok(None);
    }
    if rows == 0 || columns == 0 {
        let found = format!("{rows} × {columns}");
        return Err(Error::header(
            &file.path,
            "Rows × Columns",
            found,
            "positive numbers",
        ));
    }
    if is_whole_slide(file) {
        return Err(Error::unsupported(
            &file.path,
            "a whole-slide microscopy image",
            "its tiles are no slices of a volume; read it with a program for microscopy",
        ));
    }
    let samples = file.u16(set, tags::SAMPLES).unwrap_or(1);
    if samples != 1 {
        return Err(Error::unsupported(
            &file.path,
            format!("a colour image (SamplesPerPixel {samples})"),
            "a volume has one number a voxel; choose another series",
        ));
    }
    let bits_allocated = file.u16(set, tags::BITS_ALLOCATED).unwrap_or(16);
    if !matches!(bits_allocated, 1 | 8 | 16 | 32 | 64) {
        return Err(Error::header(
            &file.path,
            "BitsAllocated",
            bits_allocated,
            "1, 8, 16 or 32 (64 for floats)",
        ));
    }
    let bits_stored = file.u16(set, tags::BITS_STORED).unwrap_or(bits_allocated);
    if bits_stored == 0 || bits_stored > bits_allocated {
        let expected = format!("1 to {bits_allocated} (BitsAllocated)");
        return Err(Error::header(
            &file.path,
            "BitsStored",
            bits_stored,
            expected,
        ));
    }
    let stored = [usize::from(columns), usize::from(rows)];
    let (mut frames, told) = frames(file)?;
    check_mappings(file)?;
    let mut warnings = not_applied(file);
    warnings.extend(told);
    let (mut size, stored_frames) = (stored, frames.len());
    if let Some(mosaic) = mosaic(file, stored)? {
        let sheets = std::mem::take(&mut frames);
        for sheet in &sheets {
            let (slices, told) = mosaic.frames(file, sheet);
            frames.extend(slices);
            warnings.extend(told);
        }
        size = mosaic.size;
    }
    let segmentation = segmentation::read(file)?;
    if let Some(segmentation) = &segmentation {
        segmentation.check(file, &frames)?;
    }
    Ok(Some(FileHeader {
        series_uid: file.text(set, tags::SERIES_UID).unwrap_or_default().into(),
        instance_uid: file.text(set, tags::SOP_INSTANCE).unwrap_or_default(),
        frame_of_reference: file
            .text(set, tags::FRAME_OF_REFERENCE)
            .unwrap_or_default()
            .into(),
        columns: size[0],
        rows: size[1],
        stored,
        stored_frames,
        bits_stored,
        bits_allocated,
        signed: file.u16(set, tags::PIXEL_REPRESENTATION) == Some(1),
        float,
        monochrome1: is_monochrome1(file) && !float,
        compressed: !file.transfer_syntax.is_empty()
            && !file.transfer_syntax.starts_with("1.2.840.10008.1.2.1")
            && file.transfer_syntax != "1.2.840.10008.1.2"
            && file.transfer_syntax != "1.2.840.10008.1.2.2",
        metadata: Arc::new(metadata(file)),
        frames,
        segmentation: segmentation.map(Arc::new),
        warnings,
    }))
}

/// The frames, and what had to be decided about their places.
fn frames(file: &DicomFile) -> Result<(Vec<Frame>, Option<Warning>)> {
    /// No scanner makes more slices in one file.
    const MOST: f64 = 1_000_000.0;
    let set = &file.set;
    let count = file.real(set, tags::FRAMES).unwrap_or(1.0);
    if !(1.0..=MOST).contains(&count) || count.fract() != 0.0 {
        return Err(Error::header(
            &file.path,
            "NumberOfFrames",
            count,
            "1 to 1,000,000",
        ));
    }
    let count = count as usize;
    check_count(file, count)?;
    let groups = set.items(tags::FRAME_GROUPS);
    let shared = set.item(tags::SHARED_GROUPS);
    if !groups.is_empty() && groups.len() != count {
        return Err(Error::header(
            &file.path,
            "PerFrameFunctionalGroupsSequence",
            format!("{} items", groups.len()),
            format!("{count}, as NumberOfFrames says"),
        ));
    }
    let common = marks(file, None, shared);
    let mut frames: Vec<Frame> = if groups.is_empty() && count > 1 {
        // They differ by nothing; the one place that all share is that of the first.
        let first = Frame {
            position: None,
            ..frame(file, 0, None, shared, &common)
        };
        let numbered = |index| Frame {
            index,
            ..first.clone()
        };
        (0..count).map(numbered).collect()
    } else {
        (0..count)
            .map(|i| frame(file, i, groups.get(i), shared, &common))
            .collect()
    };
    let told = root_place::place(file, &mut frames)?;
    Ok((frames, told))
}

/// Refuses more frames than the pixel data can hold, before anything is made for each of them.
fn check_count(file: &DicomFile, count: usize) -> Result<()> {
    let set = &file.set;
    let word = |tag| u64::from(file.u16(set, tag).unwrap_or(1));
    let there = match set.get(tags::PIXELS) {
        // The offset table comes first; a frame takes a fragment or more.
        Some(Value::Fragments(fragments)) => fragments.len().saturating_sub(1) as u64,
        _ => {
            let tag = [tags::PIXELS, tags::FLOAT_PIXELS, tags::DOUBLE_PIXELS];
            let bytes = tag.iter().find_map(|&tag| set.bytes(file.raw(), tag));
            let bits = word(tags::ROWS) * word(tags::COLUMNS) * word(tags::BITS_ALLOCATED);
            let held = bytes.map_or(0, |bytes| bytes.len() as u64 * 8);
            if held < bits.saturating_mul(count as u64) {
                return Err(Error::Truncated {
                    path: file.path.clone(),
                    what: format!(
                        "the pixel data of {}",
                        vesalius_volume::counted(count, "frame")
                    ),
                    expected: bits.saturating_mul(count as u64).div_ceil(8),
                    offset: held / 8,
                });
            }
            return Ok(());
        }
    };
    if there < count as u64 {
        return Err(Error::header(
            &file.path,
            "NumberOfFrames",
            count,
            format!("at most {there}, the fragments of the pixel data"),
        ));
    }
    Ok(())
}

/// A frame from its own functional group, the shared one, or the file's plain attributes.
fn frame(
    file: &DicomFile,
    index: usize,
    own: Option<&DataSet>,
    shared: Option<&DataSet>,
    common: &Marks,
) -> Frame {
    let grouped = own.is_some() || shared.is_some();
    let group = |sequence: u32| {
        // Own groups overrule shared ones.
        own.and_then(|set| set.item(sequence))
            .or_else(|| shared.and_then(|set| set.item(sequence)))
            .or_else(|| file.set.item(sequence))
            .or((!grouped).then_some(&file.set))
    };
    let measures = group(tags::PIXEL_MEASURES).or(Some(&file.set));
    let real = |set: Option<&DataSet>, tag| file.real(set?, tag).filter(|v| v.is_finite());
    let transformation = group(tags::VALUE_TRANSFORMATION).unwrap_or(&file.set);
    let (scaling, unusable) = match mapping(file, group(tags::MAPPINGS)) {
        Some(scaling) => (scaling, Vec::new()),
        None => scaling(file, transformation),
    };
    let in_volume = |sequence, tag| {
        let bytes = group(sequence)?.bytes(file.raw(), tag)?;
        Some(file.doubles(bytes))
    };
    Frame {
        file: file.place.clone(),
        index,
        tile: None,
        position: group(tags::PLANE_POSITION)
            .and_then(|set| file.vector(set, tags::POSITION))
            .or_else(|| {
                finite(in_volume(
                    tags::PLANE_POSITION_IN_VOLUME,
                    tags::POSITION_IN_VOLUME,
                )?)
            }),
        orientation: group(tags::PLANE_ORIENTATION)
            .and_then(|set| file.vector(set, tags::ORIENTATION))
            .or_else(|| file.vector(&file.set, tags::ORIENTATION))
            .or_else(|| {
                let numbers = in_volume(
                    tags::PLANE_ORIENTATION_IN_VOLUME,
                    tags::ORIENTATION_IN_VOLUME,
                );
                finite(numbers?)
            }),
        spacing: measures.and_then(|set| file.vector(set, tags::PIXEL_SPACING)),
        thickness: real(measures, tags::SLICE_THICKNESS),
        spacing_between: real(measures, tags::SPACING_BETWEEN_SLICES),
        scaling,
        unusable,
        segment: segment(file, own, shared),
        instance: instance(file),
        marks: match own {
            Some(_) => marks(file, own, shared),
            None => common.clone(),
        },
    }
}

fn finite<const N: usize>(numbers: Vec<f64>) -> Option<[f64; N]> {
    let numbers: [f64; N] = numbers.try_into().ok()?;
    numbers
        .iter()
        .all(|number| number.is_finite())
        .then_some(numbers)
}

/// The segment that a frame of a segmentation shows.
fn segment(file: &DicomFile, own: Option<&DataSet>, shared: Option<&DataSet>) -> Option<u32> {
    let identified = |set: &DataSet| {
        let item = set.item(tags::SEGMENT_IDENTIFICATION)?;
        file.u16(item, tags::REFERENCED_SEGMENT).map(u32::from)
    };
    own.and_then(identified)
        .or_else(|| shared.and_then(identified))
}

fn instance(file: &DicomFile) -> Option<f64> {
    let number = file.real(&file.set, tags::INSTANCE_NUMBER);
    let several = file
        .real(&file.set, tags::FRAMES)
        .is_some_and(|count| count > 1.0);
    number
        .filter(|number| number.is_finite())
        .or(several.then_some(0.0))
}
