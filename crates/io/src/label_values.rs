//! Label maps out of images: whole numbers, one channel, or what the options make of several.

use crate::image::open_place;
use crate::place::Place;
use crate::{
    Error, FileVoxel, FourthAxis, LabelChannels, LabelName, ReadOptions, Result, archive, dicom,
    format,
};
use std::fmt::Write;
use std::path::Path;
use vesalius_volume::{Label, LabelMap, Volume, Warning};

/// The end of an error about a value that rounding would make a label.
pub(crate) const ROUND_LABELS: &str =
    "; if it is a label map all the same, `ReadOptions::round` rounds it";

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
    let place = &*archive::opened(place, &options)?;
    let volume: Volume<T> = if format::is_dicom(place, &options)? {
        let volume: Volume<T> = dicom::read(place, &options).map_err(as_label)?;
        refuse_mixed(path, volume.warnings())?;
        one_channel(path, volume, &[], &options)?
    } else {
        let mut file = open_place(place, &options)?;
        file.take_as_whole();
        let names = file.info().labels.clone();
        let several = file.info().channels > 1 && options.layer.is_none();
        if several && options.label_channels == LabelChannels::Largest {
            largest(&file.read::<f32>()?, path)?
        } else {
            one_channel(path, file.read().map_err(as_label)?, &names, &options)?
        }
    };
    let warnings = volume.warnings().to_vec();
    let labels = LabelMap::new(*volume.geometry(), volume.into_data())
        .map_err(|source| Error::volume(path, source))?;
    Ok(labels.with_warnings(warnings))
}

/// Refuses labels between slices.
fn refuse_mixed(path: &Path, warnings: &[Warning]) -> Result<()> {
    let mixes = |warning: &Warning| {
        matches!(
            warning,
            Warning::SlicesInterpolated { .. } | Warning::TiltResampled { .. }
        )
    };
    match warnings.iter().any(mixes) {
        true => Err(mixed(path)),
        false => Ok(()),
    }
}

/// The error for labels between slices.
fn mixed(path: &Path) -> Error {
    Error::unsupported(
        path,
        "a label map whose voxels lie between those of its slices",
        "a mean of two labels is no label: read it as an image, or get the whole series",
    )
}

/// A value that no label has means that the file is an image, unless it is nearly whole.
pub(crate) fn as_label(mut error: Error) -> Error {
    /// Values that are as close to a whole number were labels before they were resampled or rescaled.
    const NEAR: f64 = 0.05;
    if let Error::Interpolated { path, .. } = &error {
        return mixed(path);
    }
    if let Error::Value {
        value, expected, ..
    } = &mut error
        && let Ok(value) = value.parse::<f64>()
    {
        let rest = (value - value.round()).abs();
        if rest != 0.0 || value < 0.0 {
            expected.push_str("; this looks like an image, and a label map is wanted here");
        }
        if rest != 0.0 && rest <= NEAR && value.round() >= 0.0 {
            expected.push_str(ROUND_LABELS);
        }
    }
    error
}

/// One value a voxel, as the options ask.
fn one_channel<T: Label + FileVoxel>(
    path: &Path,
    volume: Volume<T>,
    names: &[LabelName],
    options: &ReadOptions,
) -> Result<Volume<T>> {
    let channels = volume.channels();
    let voxels = volume.geometry().voxel_count();
    let channel = |c: usize| &volume.data()[c * voxels..][..voxels];
    let data = match (options.layer, options.label_channels) {
        (Some(layer), _) if layer < channels => channel(layer).to_vec(),
        (Some(layer), _) => {
            let path = path.to_owned();
            let layers = format!(", numbered 0 to {}, and none is {layer}", channels - 1);
            return Err(Error::LabelChannels {
                path,
                channels,
                layers,
            });
        }
        _ if channels == 1 => return Ok(volume),
        (None, LabelChannels::OneHot) => one_hot(path, &volume)?,
        (None, _) => {
            return Err(Error::LabelChannels {
                path: path.to_owned(),
                channels,
                layers: layers(names),
            });
        }
    };
    rebuilt(path, &volume, data)
}

/// A volume of one channel in the place of another.
fn rebuilt<S: FileVoxel, T: FileVoxel>(
    path: &Path,
    of: &Volume<S>,
    data: Vec<T>,
) -> Result<Volume<T>> {
    let volume = Volume::new(*of.geometry(), 1, data);
    let volume = volume.map_err(|source| Error::volume(path, source))?;
    Ok(volume.with_warnings(of.warnings().iter().cloned()))
}

/// What each layer holds, by the names of the segments.
fn layers(names: &[LabelName]) -> String {
    /// Names of a layer that are listed.
    const MOST: usize = 8;
    let mut text = String::new();
    let last = names.iter().map(|name| name.layer).max().unwrap_or(0);
    for layer in 0..=last.min(MOST as u32) {
        let here = names.iter().filter(|name| name.layer == layer);
        let listed: Vec<&str> = here.map(|name| name.name.as_str()).take(MOST).collect();
        if !listed.is_empty() {
            // Writing to a string does not fail.
            let _ = write!(text, "; layer {layer}: {}", listed.join(", "));
        }
    }
    match text.strip_prefix("; ") {
        Some(text) => format!(" of segments that may overlap ({text})"),
        None => text,
    }
}

/// The number, from 1 on, of the channel that is not 0.
fn one_hot<T: Label + FileVoxel>(path: &Path, volume: &Volume<T>) -> Result<Vec<T>> {
    let voxels = volume.geometry().voxel_count();
    let mut labels = vec![T::default(); voxels];
    for (c, channel) in volume.data().chunks_exact(voxels).enumerate() {
        let number = number::<T>(path, c + 1)?;
        for (at, value) in channel.iter().enumerate() {
            if *value == T::default() {
                continue;
            }
            if labels[at] != T::default() {
                return Err(Error::Value {
                    path: path.to_owned(),
                    value: format!("{value:?}"),
                    index: volume.geometry().index(at),
                    channel: c,
                    expected:
                        "0, as an earlier channel has this voxel: labels that overlap are read \
                               one by one with `ReadOptions::layer`"
                            .to_owned(),
                });
            }
            labels[at] = number;
        }
    }
    Ok(labels)
}

/// The number, from 0 on, of the channel with the largest value.
fn largest<T: Label + FileVoxel>(volume: &Volume<f32>, path: &Path) -> Result<Volume<T>> {
    let voxels = volume.geometry().voxel_count();
    let mut best = vec![f32::NEG_INFINITY; voxels];
    let mut labels = vec![T::default(); voxels];
    for (c, channel) in volume.data().chunks_exact(voxels).enumerate() {
        let number = number::<T>(path, c)?;
        for (at, &value) in channel.iter().enumerate() {
            if value.is_nan() {
                return Err(Error::Value {
                    path: path.to_owned(),
                    value: value.to_string(),
                    index: volume.geometry().index(at),
                    channel: c,
                    expected: "a number, of which the largest can be found".to_owned(),
                });
            }
            if value > best[at] {
                (best[at], labels[at]) = (value, number);
            }
        }
    }
    rebuilt(path, volume, labels)
}

/// A channel's number as a label.
fn number<T: FileVoxel>(path: &Path, channel: usize) -> Result<T> {
    T::from_u64(channel as u64).ok_or_else(|| {
        Error::header(
            path,
            "the number of channels",
            channel,
            "as many as the label type can number",
        )
    })
}
