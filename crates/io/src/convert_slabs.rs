//! Conversion some slices at a time, for images larger than memory.

use crate::dicom::Slices;
use crate::label_values::as_label;
use crate::nrrd::{Extent, extents as extents_of, widen};
use crate::place::Place;
use crate::write::{smallest, write_made_labels};
use crate::{
    ConvertOptions, Error, FileVoxel, Format, FourthAxis, ImageFile, ImageInfo, MakeValues,
    OnWarning, ReadOptions, Result, VoxelType, WriteOptions, archive, open_with, write_made,
};
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use vesalius_volume::Warning;

/// The next values of an image, in the order in which they are written; none after the last.
type Next<'a, T> = Box<dyn FnMut() -> Result<Option<Vec<T>>> + Send + 'a>;

/// Converts within the memory that the options name, and gives the warnings; `None` where they name none, or enough for
/// the whole image, or where the input has to be read as a whole.
///
/// # Errors
/// As [`crate::convert`].
pub(crate) fn convert_slabs<T: FileVoxel>(
    input: &Path,
    output: &Path,
    info: &ImageInfo,
    options: &ConvertOptions,
    write: &WriteOptions,
) -> Result<Option<Vec<Warning>>> {
    let [x, y, depth] = info.geometry.size();
    let Some(thickness) = thickness::<T>(info, options.memory) else {
        return Ok(None);
    };
    if info.format == Format::Dicom {
        let place = Place::on_disk(input);
        let place = archive::opened(&place, &options.read)?;
        let Some(slices) = Slices::open(&place, &options.read)? else {
            return Ok(None);
        };
        let mut z = 0;
        let next = || {
            let count = thickness.min(depth - z);
            let mut values = vec![T::default(); count * x * y];
            slices.read(z, &mut values, &options.read)?;
            z += count;
            Ok((count > 0).then_some(values))
        };
        written(output, info, Box::new(next), write)?;
        return Ok(Some(slices.warnings));
    }
    let file = open_with(input, &options.read)?;
    // What follows the voxels is known when all is written, and would be refused then.
    let refuses = options.read.on_warning == OnWarning::Refuse;
    if refuses || !file.is_read_in_order() {
        return Ok(None);
    }
    from_file::<T>(&file, output, thickness, write).map(Some)
}

/// How many slices are in memory at a time; `None` for all, and where not even one is within the memory.
fn thickness<T>(info: &ImageInfo, memory: Option<u64>) -> Option<usize> {
    let [x, y, depth] = info.geometry.size();
    let slice = (x * y * size_of::<T>()) as u64;
    let whole = slice.saturating_mul((depth * info.channels) as u64);
    let memory = memory.filter(|memory| *memory < whole)?;
    // The stored bytes, those that are packed and those that are written are there beside the values.
    let thickness = usize::try_from(memory / 4 / slice.max(1)).unwrap_or(depth);
    Some(thickness.min(depth)).filter(|thickness| *thickness > 0)
}

/// As [`convert_slabs`], a label map of one layer, stored in the smallest type that holds its labels.
///
/// # Errors
/// As [`crate::convert`].
pub(crate) fn convert_label_slabs(
    input: &Path,
    output: &Path,
    info: &ImageInfo,
    (memory, read): (Option<u64>, &ReadOptions),
    write: &WriteOptions,
) -> Result<Option<Vec<Warning>>> {
    let Some(thickness) = thickness::<u32>(info, memory) else {
        return Ok(None);
    };
    let is_whole = info.format == Format::Dicom || info.channels > 1;
    if is_whole || read.on_warning == OnWarning::Refuse || read.layer.is_some_and(|l| l > 0) {
        return Ok(None);
    }
    let read = ReadOptions {
        fourth_axis: FourthAxis::Channels,
        ..read.clone()
    };
    let mut file = open_with(input, &read)?;
    file.take_as_whole();
    if !file.is_read_in_order() {
        return Ok(None);
    }
    let (voxel_type, extents) = survey(&file, thickness, write)?;
    let options = WriteOptions {
        voxel_type: Some(voxel_type),
        ..write.clone()
    };
    let mut slabs = file.slabs::<u32>(thickness)?;
    let next = || {
        let slab = slabs.next().transpose().map_err(as_label)?;
        Ok(slab.map(|slab| slab.volume.into_data()))
    };
    queued::<u32>(Box::new(next), |make| {
        write_made_labels(output, &info.geometry, make, &extents, &options)
    })?;
    let behind = slabs.finish()?;
    Ok(Some(
        file.info().warnings.iter().cloned().chain(behind).collect(),
    ))
}

/// The type that labels are stored in, and how far each that has a name reaches.
fn survey(
    file: &ImageFile,
    thickness: usize,
    write: &WriteOptions,
) -> Result<(VoxelType, Vec<Extent>)> {
    let mut largest = 0;
    let mut extents: Vec<Extent> = vec![None; write.labels.len()];
    for slab in file.slabs::<u32>(thickness)? {
        let slab = slab.map_err(as_label)?;
        let values = slab.volume.data();
        largest = values.iter().copied().fold(largest, u32::max);
        if !write.labels.is_empty() {
            let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            let here = extents_of(&write.labels, &bytes, 4, slab.volume.geometry().size());
            widen(&mut extents, &here, slab.z);
        }
    }
    let voxel_type = write.voxel_type.unwrap_or(smallest(largest));
    if !voxel_type.is_integer() {
        extents.clear();
    }
    Ok((voxel_type, extents))
}

fn from_file<T: FileVoxel>(
    file: &ImageFile,
    output: &Path,
    thickness: usize,
    write: &WriteOptions,
) -> Result<Vec<Warning>> {
    let mut slabs = file.slabs::<T>(thickness)?;
    let next = || {
        slabs
            .next()
            .transpose()
            .map(|slab| slab.map(|slab| slab.volume.into_data()))
    };
    written(output, file.info(), Box::new(next), write)?;
    let behind = slabs.finish()?;
    Ok(file.info().warnings.iter().cloned().chain(behind).collect())
}

/// Values that were read and not yet written.
struct Queue<'a, T> {
    next: Next<'a, T>,
    values: Vec<T>,
    /// How many of them were written.
    taken: usize,
    /// How many values were written altogether.
    at: usize,
    /// Why reading ended early.
    error: Option<Error>,
}

impl<T: FileVoxel> Queue<'_, T> {
    fn take(&mut self, first: usize, mut out: &mut [T]) -> io::Result<()> {
        if first != self.at {
            return Err(io::Error::other("the voxels are read once, in their order"));
        }
        self.at += out.len();
        while !out.is_empty() {
            if self.taken == self.values.len() {
                // Freed before the next are made.
                self.values = Vec::new();
                self.taken = 0;
                match (self.next)() {
                    Ok(Some(values)) => self.values = values,
                    Ok(None) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Err(error) => {
                        self.error = Some(error);
                        return Err(io::Error::other("the input cannot be read"));
                    }
                }
            }
            let count = out.len().min(self.values.len() - self.taken);
            let (now, later) = out.split_at_mut(count);
            now.copy_from_slice(&self.values[self.taken..self.taken + count]);
            self.taken += count;
            out = later;
        }
        Ok(())
    }
}

fn written<T: FileVoxel>(
    output: &Path,
    info: &ImageInfo,
    next: Next<'_, T>,
    write: &WriteOptions,
) -> Result<()> {
    queued(next, |make| {
        write_made::<T>(output, &info.geometry, info.channels, make, write)
    })
}

/// Writes values that are read one slab after another.
fn queued<T: FileVoxel>(
    next: Next<'_, T>,
    write: impl FnOnce(MakeValues<T>) -> Result<()>,
) -> Result<()> {
    let queue = Mutex::new(Queue {
        next,
        values: Vec::new(),
        taken: 0,
        at: 0,
        error: None,
    });
    let make = |first: usize, out: &mut [T]| {
        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.take(first, out)
    };
    let done = write(&make);
    let queue = queue.into_inner().unwrap_or_else(PoisonError::into_inner);
    match queue.error {
        Some(error) => Err(error),
        None => done,
    }
}
