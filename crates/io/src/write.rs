//! Images and label maps to files: the name decides the format, the options everything else.

use crate::format::{Target, target};
use crate::{
    Error, FileVoxel, Result, VoxelType, WriteOptions, metaimage, nifti, nrrd, orthonormalised,
};
use std::path::Path;
use vesalius_volume::{Geometry, Label, LabelMap, Volume};

/// Writes an image in its own number type; the name's ending decides the format.
///
/// # Errors
/// [`Error::UnknownExtension`], [`Error::Write`]. The old file, if any, stays until the new one is whole.
pub fn write<T: FileVoxel>(path: impl AsRef<Path>, volume: &Volume<T>) -> Result<()> {
    write_with(path, volume, &WriteOptions::default())
}

/// As [`write()`], with options.
///
/// # Errors
/// As [`write()`]; [`Error::Value`] names a voxel that does not fit the type asked for.
pub fn write_with<T: FileVoxel>(
    path: impl AsRef<Path>,
    volume: &Volume<T>,
    options: &WriteOptions,
) -> Result<()> {
    let (geometry, channels) = (volume.geometry(), volume.channels());
    write_values(path.as_ref(), geometry, channels, volume.data(), options)
}

/// Writes a label map in the smallest unsigned type that holds its labels.
///
/// # Errors
/// As [`write()`].
pub fn write_labels<T: Label + FileVoxel>(
    path: impl AsRef<Path>,
    labels: &LabelMap<T>,
) -> Result<()> {
    write_labels_with(path, labels, &WriteOptions::default())
}

/// As [`write_labels`], with options; [`WriteOptions::voxel_type`] chooses another type.
///
/// # Errors
/// As [`write_with`].
pub fn write_labels_with<T: Label + FileVoxel>(
    path: impl AsRef<Path>,
    labels: &LabelMap<T>,
    options: &WriteOptions,
) -> Result<()> {
    let largest: u32 = labels.data().iter().max().map_or(0, |&label| label.into());
    let smallest = match largest {
        0..=255 => VoxelType::U8,
        256..=65_535 => VoxelType::U16,
        _ => VoxelType::U32,
    };
    let options = WriteOptions {
        voxel_type: options.voxel_type.or(Some(smallest)),
        ..options.clone()
    };
    write_values(path.as_ref(), labels.geometry(), 1, labels.data(), &options)
}

fn write_values<T: FileVoxel>(
    path: &Path,
    geometry: &Geometry,
    channels: usize,
    data: &[T],
    options: &WriteOptions,
) -> Result<()> {
    let straight;
    let geometry = if options.orthonormalise {
        straight = orthonormalised(geometry).map_err(|source| Error::volume(path, source))?;
        &straight
    } else {
        geometry
    };
    match target(path)? {
        Target::Nifti { gzip } => {
            nifti::write(path, geometry, channels, data, (false, gzip), options)
        }
        Target::NiftiPair { gzip } => {
            nifti::write(path, geometry, channels, data, (true, gzip), options)
        }
        Target::MetaImage { detached } => {
            metaimage::write(path, geometry, channels, data, detached, options)
        }
        Target::Nrrd { detached } => nrrd::write(path, geometry, channels, data, detached, options),
    }
}
