//! The volume of a segmentation: each frame's voxels on the slice where it lies, background where there is no frame.

use super::file::DicomFile;
use super::fill::{as_listed, misfit};
use super::frame::{FileHeader, Frame};
use super::pixels::{self, Samples};
use super::segmentation::{Kind, SegmentGrid, Segmentation};
use super::series::Series;
use crate::{Error, FileVoxel, ReadOptions, Result};
use rayon::prelude::*;
use std::path::Path;

/// Reads all frames onto the grid, whose voxels `data` are, all of them 0.
///
/// # Errors
/// Frames that cannot be decoded, two segments of a binary segmentation in one voxel, a number that the type of voxel
/// does not hold.
pub(super) fn compose<T: FileVoxel>(
    path: &Path,
    series: &Series,
    grid: &SegmentGrid,
    options: &ReadOptions,
    data: &mut [T],
) -> Result<()> {
    let [columns, rows, depth] = grid.geometry.size();
    if let Some(first) = series.frames.first() {
        let file = DicomFile::open(&first.file, options.max_bytes)?;
        let composer = Composer {
            header: as_listed(path, &file, series)?,
            file,
            series,
            kind: grid.kind,
        };
        let mut by_slice: Vec<Vec<&Frame>> = vec![Vec::new(); depth];
        for (frame, &slice) in series.frames.iter().zip(&grid.slices) {
            by_slice[slice].push(frame);
        }
        let watch = options.watch(path);
        let work = watch.count("slices", depth as u64);
        data.par_chunks_exact_mut(columns * rows)
            .zip(by_slice)
            .enumerate()
            .try_for_each(|(z, (slice, frames))| {
                work.done(0)?;
                for frame in frames {
                    composer.add(path, frame, slice, [columns, z])?;
                }
                work.done(1)
            })?;
    }
    Ok(())
}

struct Composer<'a> {
    header: FileHeader,
    file: DicomFile,
    series: &'a Series,
    kind: Kind,
}

impl Composer<'_> {
    /// Adds a frame to its slice, number `z`.
    fn add<T: FileVoxel>(
        &self,
        path: &Path,
        frame: &Frame,
        slice: &mut [T],
        [columns, z]: [usize; 2],
    ) -> Result<()> {
        let number = Segmentation::shown(frame).unwrap_or(0);
        if self.kind == Kind::Binary
            && let Some(bits) = pixels::bit_frame(&self.file, &self.header, frame.index)?
        {
            let value = T::from_f64(f64::from(number));
            return bits.for_each(|i| {
                let index = || [i % columns, i / columns, z];
                let value = value.ok_or_else(|| misfit::<T>(path, number.into(), index()))?;
                let voxel = &mut slice[i];
                if *voxel != T::default() && *voxel != value {
                    return Err(self.overlap(path, number, index()));
                }
                *voxel = value;
                Ok(())
            });
        }
        let samples = pixels::frame(&self.file, &self.header, frame.index)?;
        for (i, voxel) in slice.iter_mut().enumerate() {
            let stored = match &samples {
                Samples::Whole(values) => values[i] as f64,
                Samples::Real(values) => values[i],
            };
            if stored == 0.0 {
                continue;
            }
            let meant = match self.kind {
                Kind::Binary => f64::from(number),
                Kind::Fractional { maximum } => stored / maximum,
                Kind::LabelMap => stored,
            };
            let index = [i % columns, i / columns, z];
            let value = T::from_f64(meant).ok_or_else(|| misfit::<T>(path, meant, index))?;
            if self.kind == Kind::Binary && *voxel != T::default() && *voxel != value {
                return Err(self.overlap(path, number, index));
            }
            *voxel = value;
        }
        Ok(())
    }

    /// Two segments in one voxel, with the names by which each can be read.
    fn overlap(&self, path: &Path, number: u32, index: [usize; 3]) -> Error {
        let label = self.series.labels.iter().find(|l| l.value == number);
        let name = label.map_or("", |label| &label.name);
        Error::unsupported(
            path,
            format!(
                "a segmentation whose segments overlap (segment {number}, `{name}`, and another one at voxel {index:?})"
            ),
            format!(
                "a label map has one label a voxel; read one segment by the name of its series, such as `{}/SegmentNumber {number}`",
                self.series.number.as_deref().unwrap_or(&self.series.uid)
            ),
        )
    }
}
