//! Frames to groups that make one volume each: by what a volume shares, split where positions repeat.

use super::frame::{FileHeader, Frame};
use super::segmentation::{self, Kind, Segmentation};
use super::series::Series;
use super::stack::{Stack, height, stack};
use super::{DicomOptions, SliceProblem};
use crate::VoxelType;
use std::collections::BTreeMap;
use std::path::PathBuf;
use vesalius_volume::{Geometry, Warning};

/// Frames that may be one volume.
pub(super) struct Group {
    first: FileHeader,
    frames: Vec<Frame>,
    bits: (u16, bool, bool),
    part: Option<String>,
    warnings: Vec<Warning>,
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
        // A file of segments is a whole: another one numbers its own.
        let alone = first.segmentation.is_some() || header.segmentation.is_some();
        first.series_uid == header.series_uid
            && (!alone || mine.file.path() == frame.file.path())
            && first.frame_of_reference == header.frame_of_reference
            && (first.rows, first.columns) == (header.rows, header.columns)
            && close(
                orientation(mine).as_deref(),
                orientation(frame).as_deref(),
                1e-3,
            )
            && close(spacing(mine).as_deref(), spacing(frame).as_deref(), 1e-4)
    }

    /// The volumes of the frames: one, or several where positions repeat.
    pub fn finish(self, assumed: Option<[f64; 3]>, options: DicomOptions) -> Vec<Series> {
        match self.first.segmentation.clone() {
            Some(segmentation) => self.segmented(&segmentation, options),
            None => split_copies(self)
                .into_iter()
                .map(|part| part.stacked(assumed, options))
                .collect(),
        }
    }

    fn stacked(mut self, assumed: Option<[f64; 3]>, options: DicomOptions) -> Series {
        let plane = [self.first.columns, self.first.rows];
        let stacked = stack(&self.frames, plane, assumed, options);
        if let Ok(Stack { order, .. }) = &stacked {
            self.frames = order.iter().map(|&i| self.frames[i].clone()).collect();
        }
        let voxel_type = meant_type(self.bits, &self.frames);
        let depth = self.frames.len();
        let stacked = stacked.map(|stack| (stack.geometry, stack.warnings));
        self.series(depth, voxel_type, stacked)
    }

    /// A segmentation as one volume, or as one a segment where a frame holds shares of one segment.
    fn segmented(self, segmentation: &Segmentation, options: DicomOptions) -> Vec<Series> {
        let plane = [self.first.columns, self.first.rows];
        let kind = segmentation.kind;
        let placed = segmentation::on_one_grid(&self.frames, plane, kind, options);
        let depth = match &placed {
            Ok((grid, _)) => grid.geometry.size()[2],
            Err(_) => self.frames.len(),
        };
        let voxel_type = segmentation.voxel_type(self.first.bits_allocated);
        let found = placed.as_ref().map_err(SliceProblem::clone);
        let stacked = found.map(|(grid, warnings)| (grid.geometry, warnings.clone()));
        let labels = segmentation.segments.clone();
        let whole = Series {
            segments: placed.ok().map(|(grid, _)| grid),
            labels,
            ..self.series(depth, voxel_type, stacked)
        };
        match kind {
            Kind::Binary | Kind::LabelMap => vec![whole],
            Kind::Fractional { .. } => {
                let segments = segmentation.segments.iter();
                segments.filter_map(|s| whole.segment(s.value)).collect()
            }
        }
    }

    /// The series of these frames, with its grid and what was decided for it.
    fn series(
        self,
        depth: usize,
        voxel_type: VoxelType,
        stacked: std::result::Result<(Geometry, Vec<Warning>), SliceProblem>,
    ) -> Series {
        let (header, frames) = (self.first, self.frames);
        let text = |name: &str| header.metadata.get(name).cloned().unwrap_or_default();
        let mut files: Vec<PathBuf> = frames
            .iter()
            .map(|frame| frame.file.path().to_owned())
            .collect();
        files.dedup();
        let mut of_files = self.warnings;
        of_files.extend(replaced_scalings(&frames));
        let of_stack = stacked.iter().flat_map(|(_, warnings)| warnings.clone());
        let warnings = of_files.iter().cloned().chain(of_stack).collect();
        Series {
            uid: header.series_uid.clone(),
            part: self.part,
            number: header.metadata.get("SeriesNumber").cloned(),
            description: text("SeriesDescription"),
            modality: text("Modality"),
            study_uid: text("StudyInstanceUID"),
            frame_of_reference: header.frame_of_reference.clone(),
            size: [header.columns, header.rows, depth],
            voxel_type,
            geometry: stacked.as_ref().ok().map(|(geometry, _)| *geometry),
            problem: stacked.err(),
            labels: Vec::new(),
            segments: None,
            files,
            compressed: header.compressed,
            metadata: header.metadata,
            frames,
            warnings,
            of_files,
        }
    }

    /// Keeps one warning of a kind: slices of one scanner have equal warnings.
    fn warn(&mut self, warnings: &[Warning]) {
        for warning in warnings {
            let kind = std::mem::discriminant(warning);
            if !self
                .warnings
                .iter()
                .any(|w| std::mem::discriminant(w) == kind)
            {
                self.warnings.push(warning.clone());
            }
        }
    }
}

/// Slopes and intercepts that are no usable numbers, one warning an attribute.
fn replaced_scalings(frames: &[Frame]) -> Vec<Warning> {
    let mut by_name: BTreeMap<&str, (String, f64, usize)> = BTreeMap::new();
    for (name, text, taken) in frames.iter().flat_map(|frame| &frame.unusable) {
        let entry = by_name.entry(name).or_insert((text.clone(), *taken, 0));
        entry.2 += 1;
    }
    let warning = |(name, (found, taken, frames)): (&str, (String, f64, usize))| {
        let attribute = name.to_owned();
        Warning::ScalingReplaced {
            attribute,
            found,
            taken,
            frames,
        }
    };
    by_name.into_iter().map(warning).collect()
}

/// The smallest type that holds every scaled value: whole numbers as long as all slopes and
/// intercepts are whole.
fn meant_type((bits, signed, float): (u16, bool, bool), frames: &[Frame]) -> VoxelType {
    let whole = |v: f64| v.fract() == 0.0 && v.abs() < 2f64.powi(31);
    let wide = if bits > 24 {
        VoxelType::F64
    } else {
        VoxelType::F32
    };
    if float {
        return if bits > 32 {
            VoxelType::F64
        } else {
            VoxelType::F32
        };
    }
    if bits > 32
        || !frames
            .iter()
            .all(|f| whole(f.scaling.slope) && whole(f.scaling.intercept))
    {
        return wide;
    }
    let (lowest, highest) = match signed {
        true => (
            -(2f64.powi(i32::from(bits) - 1)),
            2f64.powi(i32::from(bits) - 1) - 1.0,
        ),
        false => (0.0, 2f64.powi(i32::from(bits)) - 1.0),
    };
    let ends = frames.iter().flat_map(|f| {
        [lowest, highest].map(|stored| stored * f.scaling.slope + f.scaling.intercept)
    });
    let (low, high) = ends.fold((0f64, 0f64), |(low, high), v| (low.min(v), high.max(v)));
    let holds = |low_end: f64, high_end: f64| low >= low_end && high <= high_end;
    let choices = [
        (VoxelType::U8, 0.0, f64::from(u8::MAX)),
        (VoxelType::U16, 0.0, f64::from(u16::MAX)),
        (VoxelType::I16, f64::from(i16::MIN), f64::from(i16::MAX)),
        (VoxelType::U32, 0.0, f64::from(u32::MAX)),
        (VoxelType::I32, f64::from(i32::MIN), f64::from(i32::MAX)),
    ];
    choices
        .into_iter()
        .find(|&(_, low_end, high_end)| holds(low_end, high_end))
        .map_or(VoxelType::F64, |(voxel_type, ..)| voxel_type)
}

/// Rule one: series, frame of reference, orientation, size and spacing make a group.
pub(super) fn group(headers: Vec<FileHeader>) -> Vec<Group> {
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
                    group.warn(&header.warnings);
                }
                None => groups.push(Group {
                    first: header.clone(),
                    frames: vec![frame],
                    bits,
                    part: None,
                    warnings: header.warnings.clone(),
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

/// Where positions repeat, a group is split by the first mark that distinguishes the copies.
pub(super) fn split_copies(group: Group) -> Vec<Group> {
    // A series of segments is always split: each is one volume.
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
                    warnings: group.warnings.clone(),
                })
                .collect();
        }
    }
    vec![group]
}
