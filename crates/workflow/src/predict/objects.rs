//! DICOM objects of a result, beside its label map, for cases that were DICOM series.

use super::channels;
use super::{InputCase, PredictOptions};
use crate::clinic::{draw, on_image, replacing, write_drawn};
use std::path::{Path, PathBuf};
use vesalius_control::Control;
use vesalius_dicom::{
    Error, PictureWriter, ReportWriter, Result, RtStructWriter, SegWriter, Segment, SourceOptions,
    WrittenSeg,
};
use vesalius_inferers::{ModelDescription, label_names};
use vesalius_io::{ReadOptions, Series, choose_series, read_labels, read_series};
use vesalius_volume::{LabelMap, Volume, Warning};

/// An object that a PACS stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DicomObject {
    /// `NAME_seg.dcm`: a segmentation.
    Seg,
    /// `NAME_rtstruct.dcm`: contours.
    RtStruct,
    /// `NAME_sr.dcm`: measurements as a structured report on the segmentation, which is written, too.
    Report,
    /// `NAME_picture.dcm`: a picture as a secondary capture.
    Picture,
}

impl DicomObject {
    /// What it is called in names of files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Seg => "seg",
            Self::RtStruct => "rtstruct",
            Self::Report => "sr",
            Self::Picture => "picture",
        }
    }

    /// The file beside a result.
    pub(super) fn beside(self, target: &Path) -> PathBuf {
        let name = vesalius_io::strip_extension(target);
        target.with_file_name(format!("{name}_{}.dcm", self.name()))
    }
}

/// The objects, with the segmentation before those that refer to it; a report has no meaning without one.
pub(super) fn with_segmentation(objects: &[DicomObject]) -> Vec<DicomObject> {
    let mut all = objects.to_vec();
    if all.contains(&DicomObject::Report) {
        all.push(DicomObject::Seg);
    }
    all.sort();
    all.dedup();
    all
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

/// What the objects of a result are made from.
pub(super) struct Segmented<'a> {
    pub series: &'a Series,
    /// The file of the labels.
    pub target: &'a Path,
    pub model: &'a ModelDescription,
    /// How the case was read.
    pub read: &'a ReadOptions,
    pub control: &'a Control,
}

/// Writes the objects of a result. Where no voxel has a label there is none, which is told.
///
/// # Errors
/// As [`SegWriter::write`] and the writers of the other objects.
pub(super) fn write(objects: &[DicomObject], of: &Segmented) -> Result<Vec<Warning>> {
    let labels = read_labels(of.target)?;
    let mut told = Vec::new();
    if labels.data().iter().all(|&label| label == 0) {
        for object in with_segmentation(objects) {
            remove(&object.beside(of.target))?;
            told.push(Warning::NothingToWrite {
                object: object.name().to_owned(),
            });
        }
        return Ok(told);
    }
    let mut seg = None;
    let mut image = None;
    for object in with_segmentation(objects) {
        let path = object.beside(of.target);
        let measures = matches!(object, DicomObject::Report | DicomObject::Picture);
        if measures && image.is_none() {
            image = Some(read_series::<f32>(of.series, of.read)?);
        }
        told.extend(replacing(&path, |path| match (object, &image) {
            (DicomObject::Seg, _) => {
                let written = of.seg(&labels, path)?;
                let told = written.warnings.clone();
                seg = Some(written);
                Ok(told)
            }
            (DicomObject::RtStruct, _) => of.contours(&labels, path),
            (DicomObject::Report, Some(image)) => of.report(&labels, image, seg.as_ref(), path),
            (DicomObject::Picture, Some(image)) => of.picture(&labels, image, seg.as_ref(), path),
            (_, None) => Ok(Vec::new()),
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

impl Segmented<'_> {
    fn seg(&self, labels: &LabelMap, path: &Path) -> Result<WrittenSeg> {
        let mut writer = SegWriter::with_control(self.series, self.control.clone())?
            .segments(segments(self.model));
        if let Some((name, version)) = self.algorithm() {
            writer = writer.algorithm(name, version);
        }
        writer.write(labels, path)
    }

    fn contours(&self, labels: &LabelMap, path: &Path) -> Result<Vec<Warning>> {
        let writer = RtStructWriter::with_control(self.series, self.control.clone())?;
        let written = writer.segments(segments(self.model)).write(labels, path)?;
        Ok(written.warnings)
    }

    fn report(
        &self,
        labels: &LabelMap,
        image: &Volume<f32>,
        seg: Option<&WrittenSeg>,
        path: &Path,
    ) -> Result<Vec<Warning>> {
        let Some(seg) = seg else {
            // `with_segmentation` puts one before every report.
            return Ok(Vec::new());
        };
        let options = SourceOptions::default().control(self.control.clone());
        let mut writer = ReportWriter::with_options(self.series, seg, &options)?;
        if let Some(suv) = self.read.dicom.suv {
            writer = writer.suv(suv);
        }
        if let Some((name, version)) = self.algorithm() {
            writer = writer.algorithm(name, version);
        }
        let labels = on_image(labels.clone(), image.geometry())?;
        let measured = writer.measure(&labels, Some(image))?;
        Ok(writer.write(&measured, path)?.warnings)
    }

    fn picture(
        &self,
        labels: &LabelMap,
        image: &Volume<f32>,
        seg: Option<&WrittenSeg>,
        path: &Path,
    ) -> Result<Vec<Warning>> {
        let options = SourceOptions::default().control(self.control.clone());
        let mut writer = PictureWriter::with_options(self.series, &options)?;
        if let Some(seg) = seg {
            writer = writer.segmentation(seg);
        }
        let picture = draw(image, labels, &segments(self.model), self.control)?;
        write_drawn(&writer, &picture, path)?;
        Ok(Vec::new())
    }

    /// Name and version of the model, where it has a name.
    fn algorithm(&self) -> Option<(String, String)> {
        let (name, made_by) = (&self.model.provenance.name, &self.model.provenance.made_by);
        let version = match made_by.is_empty() {
            true => env!("CARGO_PKG_VERSION"),
            false => made_by,
        };
        (!name.is_empty()).then(|| (shortened(name), shortened(version)))
    }
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
