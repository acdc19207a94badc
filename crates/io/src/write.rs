//! Images and label maps to files: the name decides the format, the options decide everything else.

use crate::encode::{MakeValues, Source};
use crate::format::{self, Target};
use crate::nrrd::Extent;
use crate::sink::Sink;
use crate::{
    Error, FileVoxel, Result, VoxelType, WriteOptions, custom, metaimage, mgh, nifti, nrrd,
    orthonormalised,
};
use std::path::Path;
use vesalius_volume::{Geometry, Label, LabelMap, Volume};

/// Writes an image in its own number type; the name's ending decides the format.
///
/// # Errors
/// [`Error::UnknownExtension`], [`Error::Write`]. The old file, if any, stays until the new one is whole.
///
/// ```
/// use vesalius_io::{Error, read_as, write};
/// use vesalius_volume::{Geometry, Volume};
///
/// let folder = tempfile::tempdir()?;
/// let image = Volume::filled(Geometry::axis_aligned([4, 4, 4], [1.0; 3])?, 5_u8);
/// for name in ["scan.nii", "scan.nii.gz", "scan.mha", "scan.nrrd"] {
///     let path = folder.path().join(name);
///     write(&path, &image)?;
///     assert_eq!(read_as::<u8>(&path)?, image);
/// }
/// assert!(matches!(write(folder.path().join("scan.xyz"), &image), Err(Error::UnknownExtension { .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write<T: FileVoxel>(path: impl AsRef<Path>, volume: &Volume<T>) -> Result<()> {
    write_with(path, volume, &WriteOptions::default())
}

/// As [`write()`], with options.
///
/// # Errors
/// As [`write()`]; [`Error::Value`] names a voxel that does not fit the requested type.
pub fn write_with<T: FileVoxel>(
    path: impl AsRef<Path>,
    volume: &Volume<T>,
    options: &WriteOptions,
) -> Result<()> {
    let (geometry, channels) = (volume.geometry(), volume.channels());
    let source = Source::Memory(volume.data());
    write_values(
        &mut Sink::File(path.as_ref()),
        None,
        (geometry, channels),
        source,
        options,
    )
}

/// Writes a label map in the smallest unsigned type that holds its labels.
///
/// # Errors
/// As [`write()`].
///
/// ```
/// use vesalius_io::{VoxelType, probe, write_labels};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("labels.nii.gz");
/// let grid = Geometry::axis_aligned([3, 1, 1], [1.0; 3])?;
/// write_labels(&path, &LabelMap::<u16>::new(grid, vec![0, 1, 2])?)?;
/// assert_eq!(probe(&path)?.voxel_type, VoxelType::U8);
/// write_labels(&path, &LabelMap::<u16>::new(grid, vec![0, 1, 300])?)?;
/// assert_eq!(probe(&path)?.voxel_type, VoxelType::U16);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
///
/// ```
/// use vesalius_io::{LabelName, WriteOptions, probe, write_labels_with};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("labels.nrrd");
/// let labels = LabelMap::<u16>::new(Geometry::axis_aligned([2, 1, 1], [1.0; 3])?, vec![0, 1])?;
/// let liver = LabelName { value: 1, name: "liver".into(), color: [200, 80, 60], layer: 0 };
/// let options = WriteOptions { labels: vec![liver], ..WriteOptions::new() };
/// write_labels_with(&path, &labels, &options)?;
/// assert_eq!(probe(&path)?.labels[0].name, "liver");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_labels_with<T: Label + FileVoxel>(
    path: impl AsRef<Path>,
    labels: &LabelMap<T>,
    options: &WriteOptions,
) -> Result<()> {
    labels_into(&mut Sink::File(path.as_ref()), None, labels, options)
}

/// Writes a label map in the smallest unsigned type that holds its labels.
pub(crate) fn labels_into<T: Label + FileVoxel>(
    sink: &mut Sink,
    target: Option<Target>,
    labels: &LabelMap<T>,
    options: &WriteOptions,
) -> Result<()> {
    let largest: u32 = labels.data().iter().max().map_or(0, |&label| label.into());
    let options = WriteOptions {
        voxel_type: options.voxel_type.or(Some(smallest(largest))),
        ..options.clone()
    };
    let source = Source::Memory(labels.data());
    write_values(sink, target, (labels.geometry(), 1), source, &options)
}

/// The smallest type that holds labels up to one.
pub(crate) fn smallest(largest: u32) -> VoxelType {
    match largest {
        0..=255 => VoxelType::U8,
        256..=65_535 => VoxelType::U16,
        _ => VoxelType::U32,
    }
}

/// Writes values that are never in memory together: `make` fills a run of them from a number on, x
/// fastest, channels outermost, and is called in rising order. The voxels go out run by run; MetaImage and NRRD gather
/// those of several channels, which they store side by side.
///
/// # Errors
/// As [`write_with`]; what `make` gives.
///
/// ```
/// use vesalius_io::{WriteOptions, read_as, write_made};
/// use vesalius_volume::Geometry;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("ramp.nii.gz");
/// let grid = Geometry::axis_aligned([4, 2, 1], [1.0; 3])?;
/// // The values of a run from number `first` on.
/// let make = |first: usize, run: &mut [u16]| {
///     run.iter_mut().enumerate().for_each(|(i, value)| *value = (first + i) as u16);
///     Ok(())
/// };
/// write_made(&path, &grid, 1, &make, &WriteOptions::default())?;
/// assert_eq!(read_as::<u16>(&path)?.data(), [0, 1, 2, 3, 4, 5, 6, 7]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_made<T: FileVoxel>(
    path: impl AsRef<Path>,
    geometry: &Geometry,
    channels: usize,
    make: MakeValues<T>,
    options: &WriteOptions,
) -> Result<()> {
    let source = Source::Made(make);
    let mut sink = Sink::File(path.as_ref());
    write_values(&mut sink, None, (geometry, channels), source, options)
}

/// Writes labels that are made run by run, whose segments reach as far as `extents` say, to a file of the name's format.
pub(crate) fn write_made_labels<T: FileVoxel>(
    path: &Path,
    geometry: &Geometry,
    make: MakeValues<T>,
    extents: &[Extent],
    options: &WriteOptions,
) -> Result<()> {
    let (mut sink, source) = (Sink::File(path), Source::Made(make));
    match format::target(path, &options.registry)? {
        Target::Nrrd { detached } => {
            let geometry = placed(path, geometry, options)?;
            let grid = (&geometry, 1);
            nrrd::write(&mut sink, grid, source, detached, Some(extents), options)
        }
        target => write_values(&mut sink, Some(target), (geometry, 1), source, options),
    }
}

/// The grid that is written.
fn placed(path: &Path, geometry: &Geometry, options: &WriteOptions) -> Result<Geometry> {
    match options.orthonormalise {
        true => orthonormalised(geometry).map_err(|source| Error::volume(path, source)),
        false => Ok(*geometry),
    }
}

/// Writes values as a kind of file, or as the kind of the sink's name.
pub(crate) fn write_values<T: FileVoxel>(
    sink: &mut Sink,
    target: Option<Target>,
    (geometry, channels): (&Geometry, usize),
    source: Source<T>,
    options: &WriteOptions,
) -> Result<()> {
    let geometry = &placed(sink.path(), geometry, options)?;
    let target = match target {
        Some(target) => target,
        None => format::target(sink.path(), &options.registry)?,
    };
    match target {
        Target::Nifti { gzip } => {
            nifti::write(sink, geometry, channels, source, (false, gzip), options)
        }
        Target::NiftiPair { gzip } => {
            nifti::write(sink, geometry, channels, source, (true, gzip), options)
        }
        Target::MetaImage { detached } => {
            metaimage::write(sink, geometry, channels, source, detached, options)
        }
        Target::Mgh { gzip } => mgh::write(sink, geometry, channels, source, gzip, options),
        Target::Custom(format) => {
            custom::write(sink, &*format, (geometry, channels), source, options)
        }
        Target::Nrrd { detached } => {
            nrrd::write(sink, (geometry, channels), source, detached, None, options)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn what_is_made_run_by_run_is_what_stands_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let grid = Geometry::axis_aligned([31, 20, 9], [1.0, 0.5, 2.0]).unwrap();
        let value = |at: usize| (at * 7919 % 251) as u8;
        let all: Vec<u8> = (0..2 * grid.voxel_count()).map(value).collect();
        let volume = Volume::new(grid, 2, all).unwrap();
        let make = |first: usize, run: &mut [u8]| {
            (first..).zip(run).for_each(|(at, to)| *to = value(at));
            Ok(())
        };
        for name in ["a.nii", "a.nii.gz", "a.mha", "a.nrrd"] {
            let (whole, made) = (
                folder.path().join(name),
                folder.path().join(format!("m{name}")),
            );
            write(&whole, &volume).unwrap();
            write_made::<u8>(&made, &grid, 2, &make, &WriteOptions::default()).unwrap();
            assert_eq!(
                std::fs::read(&whole).unwrap(),
                std::fs::read(&made).unwrap()
            );
        }
        let broken = |_: usize, _: &mut [u8]| Err(io::Error::other("the well is dry"));
        let path = folder.path().join("b.nii.gz");
        let error = write_made::<u8>(&path, &grid, 1, &broken, &WriteOptions::default());
        let error = error.unwrap_err();
        assert!(
            std::error::Error::source(&error)
                .unwrap()
                .to_string()
                .contains("dry")
        );
        assert!(!path.exists());
    }
}
