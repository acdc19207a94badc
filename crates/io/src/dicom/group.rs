//! Frames to groups that make one volume each: by what a volume shares, split where positions repeat.

use super::assemble::told;
use super::frame::{FileHeader, Frame};
use super::key::Key;
use super::part_names::{Named, named};
use super::parts::split;
use super::scaled::{Computed, meant_type, replaced_scalings};
use super::segmentation::{self, Kind, Segmentation};
use super::series::Series;
use super::stack::{Stack, stack};
use super::untilt::AIR;
use super::{DicomOptions, SliceProblem};
use crate::{ReadOptions, VoxelType};
use std::path::PathBuf;
use vesalius_volume::{Geometry, Warning};

/// Frames that may be one volume.
pub(super) struct Group {
    pub first: FileHeader,
    pub frames: Vec<Frame>,
    bits: (u16, bool, bool),
    part: Option<String>,
    warnings: Vec<Warning>,
}

pub(super) fn close(a: Option<&[f64]>, b: Option<&[f64]>, tolerance: f64) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance),
        (None, None) => true,
        _ => false,
    }
}

impl Group {
    fn takes(&self, header: &FileHeader, frame: &Frame) -> bool {
        let (first, mine) = (&self.first, &self.frames[0]);
        fn as_slice<const N: usize>(values: &Option<[f64; N]>) -> Option<&[f64]> {
            values.as_ref().map(|values| &values[..])
        }
        // A file of segments is a whole: another one numbers its own.
        let alone = first.segmentation.is_some() || header.segmentation.is_some();
        first.series_uid == header.series_uid
            && (!alone || mine.file.path() == frame.file.path())
            && first.frame_of_reference == header.frame_of_reference
            && (first.rows, first.columns) == (header.rows, header.columns)
            && close(
                as_slice(&mine.orientation),
                as_slice(&frame.orientation),
                1e-3,
            )
            && close(as_slice(&mine.spacing), as_slice(&frame.spacing), 1e-4)
    }

    /// The volumes of the frames: one, or several where frames share places. Names begin with `prefix`, which tells the
    /// group from others of its series.
    pub fn finish(self, prefix: Option<&str>, options: &ReadOptions) -> Vec<Series> {
        match self.first.segmentation.clone() {
            Some(segmentation) => {
                let part = prefix.map(str::to_owned);
                Self { part, ..self }.segmented(&segmentation, options.dicom)
            }
            None => self
                .separated(prefix)
                .into_iter()
                .map(|part| part.stacked(options))
                .collect(),
        }
    }

    /// The parts of the group, in the order of their keys.
    pub fn separated(self, prefix: Option<&str>) -> Vec<Self> {
        let named_by = |name: Option<String>| match (prefix, name) {
            (Some(prefix), Some(name)) => Some(format!("{prefix}, {name}")),
            (prefix, name) => name.or(prefix.map(str::to_owned)),
        };
        let Some(split) = split(&self.frames) else {
            let part = named_by(None);
            return vec![Self { part, ..self }];
        };
        let parts = named(&self.frames, &split);
        let mut warnings = self.warnings.clone();
        if split.rank == Some(Key::InstanceNumber) {
            let (parts, frames) = (parts.len(), self.frames.len());
            warnings.push(Warning::PartsByInstanceNumber { parts, frames });
        }
        let most = parts.iter().map(|part| part.frames.len()).max();
        let most = most.unwrap_or(0);
        let part = |part: Named| {
            let slices = part.frames.len();
            let fewer = (slices < most).then_some(Warning::FewerSlices { slices, most });
            Self {
                first: self.first.clone(),
                frames: part
                    .frames
                    .iter()
                    .map(|&i| self.frames[i].clone())
                    .collect(),
                bits: self.bits,
                part: named_by(Some(part.name)),
                warnings: warnings.iter().cloned().chain(fewer).collect(),
            }
        };
        parts.into_iter().map(part).collect()
    }

    fn stacked(mut self, options: &ReadOptions) -> Series {
        let plane = [self.first.columns, self.first.rows];
        let stacked = stack(&self.frames, plane, options.assume_spacing, options.dicom);
        if let Ok(Stack { order, .. }) = &stacked {
            self.frames = order.iter().map(|&i| self.frames[i].clone()).collect();
        }
        let computed = match &stacked {
            Ok(stack) if !stack.is_uniform() && options.round => Computed::Rounded(AIR),
            Ok(stack) if !stack.is_uniform() => Computed::Real,
            _ => Computed::No,
        };
        let voxel_type = meant_type(self.bits, &self.frames, computed);
        let depth = self.frames.len();
        let stacked = stacked.map(|stack| (stack.geometry, stack.warnings));
        self.series(depth, voxel_type, stacked, options.dicom)
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
            ..self.series(depth, voxel_type, stacked, options)
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
        options: DicomOptions,
    ) -> Series {
        let (header, frames) = (self.first, self.frames);
        let text = |name: &str| header.metadata.get(name).cloned().unwrap_or_default();
        let mut files: Vec<PathBuf> = Vec::new();
        for path in frames.iter().map(|frame| frame.file.path()) {
            if files.last().is_none_or(|last| last != path) {
                files.push(path.to_owned());
            }
        }
        let mut of_files = self.warnings;
        of_files.extend(replaced_scalings(&frames));
        let of_stack = stacked.iter().flat_map(|(_, warnings)| warnings.clone());
        let warnings = told(&of_files, options)
            .into_iter()
            .chain(of_stack)
            .collect();
        Series {
            uid: header.series_uid.to_string(),
            part: self.part,
            keys: Vec::new(),
            number: header.metadata.get("SeriesNumber").cloned(),
            description: text("SeriesDescription"),
            modality: text("Modality"),
            study_uid: text("StudyInstanceUID"),
            frame_of_reference: header.frame_of_reference.to_string(),
            size: [header.columns, header.rows, depth],
            voxel_type,
            geometry: stacked.as_ref().ok().map(|(geometry, _)| *geometry),
            problem: stacked.err(),
            labels: Vec::new(),
            segments: None,
            files,
            compressed: header.compressed,
            metadata: (*header.metadata).clone(),
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

/// Rule one: series, frame of reference, orientation, size and spacing make a group.
#[expect(
    clippy::vec_box,
    reason = "headers are large, and each is freed on its own"
)]
pub(super) fn group(headers: Vec<Box<FileHeader>>) -> Vec<Group> {
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
                    first: (*header).clone(),
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
