//! Whole images and label maps from files.

use crate::image::open_place;
use crate::label_values::labels_at;
use crate::place::Place;
use crate::{FileVoxel, ImageInfo, ReadOptions, Result, archive, dicom, format};
use std::path::Path;
use vesalius_volume::{Label, LabelMap, Volume};

/// Reads any image as real numbers: a file, whose content decides the format, or a DICOM series by its folder, its
/// DICOMDIR, or a zip or tar archive (`.zip`, `.tar`, `.tar.gz`) of either. A folder with several series needs [`ReadOptions::series`]; one file of a series is one slice, with
/// a warning ([`Volume::warnings`]).
///
/// # Errors
/// [`Error`](crate::Error), with the file and what to do.
///
/// ```
/// use vesalius_io::{read, write};
/// use vesalius_volume::{Geometry, Volume};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("scan.nii.gz");
/// let grid = Geometry::axis_aligned([4, 4, 2], [0.8, 0.8, 2.5])?;
/// write(&path, &Volume::from_fn(grid, |[x, y, z]| (x + 10 * y + 100 * z) as i16))?;
///
/// let scan = read(&path)?;
/// assert_eq!(scan.get(0, [3, 2, 1]), 123.0);
/// assert!((scan.geometry().spacing()[2] - 2.5).abs() < 1e-6, "millimetres");
/// assert!(scan.warnings().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read(path: impl AsRef<Path>) -> Result<Volume<f32>> {
    read_as(path)
}

/// As [`read()`], with options.
///
/// # Errors
/// As [`read()`].
///
/// ```
/// use vesalius_io::{Error, ReadOptions, Remedy, read_with, write};
/// use vesalius_volume::{Geometry, Volume};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("scan.nii.gz");
/// write(&path, &Volume::filled(Geometry::axis_aligned([8, 8, 8], [1.0; 3])?, 0.0_f32))?;
///
/// // At most 1000 bytes of voxels; the image has 2048.
/// let options = ReadOptions { max_bytes: 1000, ..ReadOptions::new() };
/// let error = read_with(&path, &options).unwrap_err();
/// assert!(matches!(error, Error::TooLarge { needed: 2048, limit: 1000, .. }));
/// assert_eq!(error.remedy(), Some(Remedy::RaiseMemoryLimit { needed: 2048 }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_with(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Volume<f32>> {
    read_as_with(path, options)
}

/// Reads any image as numbers of type `T`: an integer type takes only values that it holds exactly,
/// a floating type takes the nearest.
///
/// # Errors
/// As [`read()`]; [`Error::Value`](crate::Error::Value) names the first voxel that does not fit.
///
/// ```
/// use vesalius_io::{Error, read_as, write};
/// use vesalius_volume::{Geometry, Volume};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("scan.nii.gz");
/// let image = Volume::new(Geometry::axis_aligned([2, 1, 1], [1.0; 3])?, 1, vec![40_i16, 300])?;
/// write(&path, &image)?;
/// assert_eq!(read_as::<i16>(&path)?.data(), [40, 300]);
/// // 300 does not fit a u8.
/// assert!(matches!(read_as::<u8>(&path), Err(Error::Value { index: [1, 0, 0], .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_as<T: FileVoxel>(path: impl AsRef<Path>) -> Result<Volume<T>> {
    read_as_with(path, &ReadOptions::default())
}

/// As [`read_as`], with options.
///
/// # Errors
/// As [`read_as`].
pub fn read_as_with<T: FileVoxel>(
    path: impl AsRef<Path>,
    options: &ReadOptions,
) -> Result<Volume<T>> {
    image_at(&Place::on_disk(path.as_ref()), options)
}

/// The image at a place.
pub(crate) fn image_at<T: FileVoxel>(place: &Place, options: &ReadOptions) -> Result<Volume<T>> {
    let place = &*archive::opened(place, options)?;
    match format::is_dicom(place, options)? {
        true => dicom::read(place, options),
        false => open_place(place, options)?.read(),
    }
}

/// Reads a label map; every value must be a whole number from 0 to 65,535, but for rounding in single
/// precision. The file may store them in any type.
///
/// # Errors
/// As [`read_as`].
///
/// ```
/// use vesalius_io::{read_labels, write, write_labels};
/// use vesalius_volume::{Geometry, LabelMap, Volume};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("labels.nii.gz");
/// let grid = Geometry::axis_aligned([3, 1, 1], [1.0; 3])?;
/// write_labels(&path, &LabelMap::<u16>::new(grid, vec![0, 1, 2])?)?;
/// assert_eq!(read_labels(&path)?.data(), [0, 1, 2]);
///
/// // An image with a value between two whole numbers is not a label map.
/// write(&path, &Volume::new(grid, 1, vec![0.0_f32, 1.5, 2.0])?)?;
/// assert!(read_labels(&path).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_labels(path: impl AsRef<Path>) -> Result<LabelMap> {
    read_labels_as(path)
}

/// Reads a label map of another integer type, such as `u32` for the components of a noisy mask.
///
/// # Errors
/// As [`read_as`].
pub fn read_labels_as<T: Label + FileVoxel>(path: impl AsRef<Path>) -> Result<LabelMap<T>> {
    read_labels_with(path, &ReadOptions::default())
}

/// As [`read_labels_as`], with options.
///
/// # Errors
/// As [`read_as`]; [`Error::LabelChannels`](crate::Error::LabelChannels) for more than one channel or time, unless [`ReadOptions::layer`] or
/// [`ReadOptions::label_channels`] say what becomes of them.
///
/// ```
/// use vesalius_io::{Error, LabelChannels, ReadOptions, read_labels_with, write};
/// use vesalius_volume::{Geometry, Volume};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("one_hot.nrrd");
/// let grid = Geometry::axis_aligned([3, 1, 1], [1.0; 3])?;
/// write(&path, &Volume::new(grid, 2, vec![1_u8, 0, 0, 0, 1, 0])?)?;
///
/// let mut options = ReadOptions::new();
/// assert!(matches!(read_labels_with::<u16>(&path, &options), Err(Error::LabelChannels { .. })));
/// options.label_channels = LabelChannels::OneHot;
/// assert_eq!(read_labels_with::<u16>(&path, &options)?.data(), [1, 2, 0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_labels_with<T: Label + FileVoxel>(
    path: impl AsRef<Path>,
    options: &ReadOptions,
) -> Result<LabelMap<T>> {
    labels_at(&Place::on_disk(path.as_ref()), options)
}

/// Reads the header alone: geometry, type, channels, format. No voxel is read.
///
/// # Errors
/// As [`read()`].
///
/// ```
/// use vesalius_io::{VoxelType, probe, write};
/// use vesalius_volume::{Geometry, Volume};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("scan.mha");
/// write(&path, &Volume::filled(Geometry::axis_aligned([64, 64, 30], [1.0; 3])?, 0_u8))?;
/// let info = probe(&path)?;
/// assert_eq!((info.geometry.size(), info.voxel_type), ([64, 64, 30], VoxelType::U8));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn probe(path: impl AsRef<Path>) -> Result<ImageInfo> {
    probe_with(path, &ReadOptions::default())
}

/// As [`probe`], with options.
///
/// # Errors
/// As [`read()`].
pub fn probe_with(path: impl AsRef<Path>, options: &ReadOptions) -> Result<ImageInfo> {
    info_at(&Place::on_disk(path.as_ref()), options)
}

/// The header at a place.
pub(crate) fn info_at(place: &Place, options: &ReadOptions) -> Result<ImageInfo> {
    let place = &*archive::opened(place, options)?;
    match format::is_dicom(place, options)? {
        true => dicom::probe(place, options),
        false => Ok(open_place(place, options)?.info().clone()),
    }
}
