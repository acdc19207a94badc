//! Whole images and label maps from files: the short way in.

use crate::image::open_place;
use crate::place::Place;
use crate::{Error, FileVoxel, FourthAxis, ImageInfo, ReadOptions, Result, dicom, format};
use std::path::Path;
use vesalius_volume::{Label, LabelMap, Volume};

/// Reads any image as real numbers: a file, whose content decides the format, or a DICOM series by its folder or
/// its DICOMDIR. A folder with several series wants [`ReadOptions::series`]; one file of a series is one slice, which
/// a warning tells ([`Volume::warnings`]).
///
/// # Errors
/// [`Error`], with the file and what to do.
pub fn read(path: impl AsRef<Path>) -> Result<Volume<f32>> {
    read_as(path)
}

/// As [`read()`], with options.
///
/// # Errors
/// As [`read()`].
pub fn read_with(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Volume<f32>> {
    read_as_with(path, options)
}

/// Reads any image as numbers of type `T`: an integer type takes only values that it holds exactly,
/// a floating type takes the nearest.
///
/// # Errors
/// As [`read()`]; [`Error::Value`] names the first voxel that does not fit.
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
    match format::is_dicom(place, options)? {
        true => dicom::read(place, options),
        false => open_place(place, options)?.read(),
    }
}

/// Reads a label map; every value must be a whole number from 0 to 65,535, whatever type the file
/// stores.
///
/// # Errors
/// As [`read_as`].
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
/// As [`read_as`]; [`Error::Unsupported`] for more than one channel or time, as a label map has none.
pub fn read_labels_with<T: Label + FileVoxel>(
    path: impl AsRef<Path>,
    options: &ReadOptions,
) -> Result<LabelMap<T>> {
    labels_at(&Place::on_disk(path.as_ref()), options)
}

/// A value that no label has, as a sign of an image in a label map's place.
fn as_label(mut error: Error) -> Error {
    if let Error::Value {
        value, expected, ..
    } = &mut error
        && value
            .parse()
            .is_ok_and(|value: f64| value.fract() != 0.0 || value < 0.0)
    {
        expected.push_str("; this looks like an image, and a label map is wanted here");
    }
    error
}

/// The label map at a place.
pub(crate) fn labels_at<T: Label + FileVoxel>(
    place: &Place,
    options: &ReadOptions,
) -> Result<LabelMap<T>> {
    let path = place.path();
    let options = ReadOptions {
        fourth_axis: FourthAxis::Channels,
        ..options.clone()
    };
    let volume: Volume<T> = image_at(place, &options).map_err(as_label)?;
    if volume.channels() > 1 {
        return Err(Error::unsupported(
            path,
            format!("a label map of {} channels", volume.channels()),
            "a label map has one value a voxel; merge or split the channels first",
        ));
    }
    let warnings = volume.warnings().to_vec();
    let labels = LabelMap::new(*volume.geometry(), volume.into_data())
        .map_err(|source| Error::volume(path, source))?;
    Ok(labels.with_warnings(warnings))
}

/// Reads the header alone: geometry, type, channels, format. No voxel is touched.
///
/// # Errors
/// As [`read()`].
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

/// What the header at a place says.
pub(crate) fn info_at(place: &Place, options: &ReadOptions) -> Result<ImageInfo> {
    match format::is_dicom(place, options)? {
        true => dicom::probe(place, options),
        false => Ok(open_place(place, options)?.info().clone()),
    }
}
