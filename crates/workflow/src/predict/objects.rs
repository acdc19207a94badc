//! DICOM objects of a result, beside its label map, for cases that were DICOM series.

use super::channels;
use super::{InputCase, PredictOptions};
use crate::clinic::replacing;
use std::path::{Path, PathBuf};
use vesalius_control::Control;
use vesalius_dicom::{Error, Result, RtStructWriter, SegWriter, Segment};
use vesalius_inferers::{ModelDescription, label_names};
use vesalius_io::{ReadOptions, Series, choose_series, read_labels};
use vesalius_volume::{LabelMap, Warning};

/// An object that a PACS stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DicomObject {
    /// `NAME_seg.dcm`: a segmentation.
    Seg,
    /// `NAME_rtstruct.dcm`: contours.
    RtStruct,
}

impl DicomObject {
    /// What it is called in names of files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Seg => "seg",
            Self::RtStruct => "rtstruct",
        }
    }

    /// The file beside a result.
    pub(super) fn beside(self, target: &Path) -> PathBuf {
        let name = vesalius_io::strip_extension(target);
        target.with_file_name(format!("{name}_{}.dcm", self.name()))
    }
}

/// The series to which the objects of a case belong: that of its first channel.
///
/// # Errors
/// A case that is no DICOM series, or one of which no result can be made.
pub(super) fn source(
    case: &InputCase,
    model: &ModelDescription,
    options: &PredictOptions,
    read: &ReadOptions,
) -> std::result::Result<Series, String> {
    let none = "a DICOM object belongs to the series from which it was made; leave the objects out for images of other formats";
    let [path] = &case.files[..] else {
        return Err(format!("the case is several files, and {none}"));
    };
    let chosen = channels::choose(path, model, &options.series, read);
    let first =
        chosen.map(|chosen| chosen.and_then(|(modalities, _)| modalities.into_iter().next()));
    let series = first.and_then(|first| match first {
        Some(first) => choose_series(&first.path, &first.options),
        None => choose_series(path, read),
    });
    let series = series.map_err(|error| format!("{error}; {none}"))?;
    // What cannot be a source is known before the case is segmented.
    match SegWriter::new(&series) {
        Ok(_) => Ok(series),
        Err(error) => Err(error.to_string()),
    }
}

/// Writes the objects of a result whose labels are in `target`. Where no voxel has a label there is none, which is told.
///
/// # Errors
/// As [`SegWriter::write`] and [`RtStructWriter::write`].
pub(super) fn write(
    objects: &[DicomObject],
    series: &Series,
    target: &Path,
    model: &ModelDescription,
    control: &Control,
) -> Result<Vec<Warning>> {
    let labels = read_labels(target)?;
    let mut told = Vec::new();
    for &object in objects {
        let path = object.beside(target);
        if labels.data().iter().all(|&label| label == 0) {
            remove(&path)?;
            told.push(Warning::NothingToWrite {
                object: object.name().to_owned(),
            });
            continue;
        }
        told.extend(replacing(&path, |path| match object {
            DicomObject::Seg => seg(series, &labels, model, control, path),
            DicomObject::RtStruct => contours(series, &labels, model, control, path),
        })?);
    }
    Ok(told)
}

/// Removes what an earlier result left.
fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            let path = path.to_path_buf();
            Err(Error::Io(vesalius_io::Error::Write { path, source }))
        }
        _ => Ok(()),
    }
}

fn seg(
    series: &Series,
    labels: &LabelMap,
    model: &ModelDescription,
    control: &Control,
    path: &Path,
) -> Result<Vec<Warning>> {
    let (name, made_by) = (&model.provenance.name, &model.provenance.made_by);
    let mut writer = SegWriter::with_control(series, control.clone())?.segments(segments(model));
    if !name.is_empty() {
        let version = match made_by.is_empty() {
            true => env!("CARGO_PKG_VERSION"),
            false => made_by,
        };
        writer = writer.algorithm(shortened(name), shortened(version));
    }
    Ok(writer.write(labels, path)?.warnings)
}

fn contours(
    series: &Series,
    labels: &LabelMap,
    model: &ModelDescription,
    control: &Control,
    path: &Path,
) -> Result<Vec<Warning>> {
    let writer = RtStructWriter::with_control(series, control.clone())?;
    Ok(writer
        .segments(segments(model))
        .write(labels, path)?
        .warnings)
}

/// What the labels of a model mean.
fn segments(model: &ModelDescription) -> Vec<Segment> {
    label_names(&model.labels)
        .iter()
        .map(Segment::from)
        .collect()
}

/// At most 64 characters, as many as the attribute holds.
fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}
