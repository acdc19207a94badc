//! Measurements of segments, written as a structured report (TID 1500) that refers to the segmentation.

mod content;
mod measure;
mod measurements;
mod places;
mod quantity;
mod tree;

pub use measurements::{Intensity, Measurements, ReportClass};

use crate::identity::{self, Moment};
use crate::predecessor::Predecessor;
use crate::seg::WrittenSeg;
use crate::set::Set;
use crate::source::{Source, SourceOptions};
use crate::target::Target;
use crate::text::Charset;
use crate::uid::new_uid;
use crate::{Error, Result, file};
use content::{Content, container};
use dicom_dictionary_std::tags;
use quantity::quantity;
use std::io::Write;
use std::path::{Path, PathBuf};
use vesalius_control::Control;
use vesalius_filters::Diameter;
use vesalius_io::{Series, Suv};
use vesalius_volume::Warning;

/// Writes measurements of the segments of a segmentation as a structured report (TID 1500). It has a group for each
/// segment, with the segment's tracking identifiers and a reference to the segment. Volumes are in mm³, diameters in
/// mm; intensities have the unit that the source states.
///
/// A report is for measurements of the patient. Measures of how well labels agree with a reference do not belong in it.
///
/// ```
/// use vesalius_dicom::{Intensity, Measurements, ReportWriter, SegWriter, Segment};
/// use vesalius_io::list_series;
/// use vesalius_volume::LabelMap;
/// # let folder = tempfile::tempdir()?;
/// # let source = vesalius_dicom::example_series(folder.path(), "CT", [6, 5, 4])?;
///
/// let series = &list_series(&source)?.series[0];
/// let labels = LabelMap::<u16>::from_fn(series.geometry.unwrap(), |[x, ..]| u16::from(x > 2));
/// let seg = SegWriter::new(series)?
///     .segments([Segment::named(1, "liver")])
///     .write(&labels, folder.path().join("seg.dcm"))?;
///
/// let voxels = labels.counts()[&1] as f64;
/// let measured = Measurements {
///     segment: 1,
///     volume: Some(voxels * series.geometry.unwrap().voxel_volume()),
///     intensity: Some(Intensity { mean: 57.5, median: 57.0, minimum: 3.0, maximum: 119.0, ..Intensity::default() }),
///     ..Measurements::default()
/// };
/// let report = ReportWriter::new(series, &seg)?.write(&[measured], folder.path().join("report.dcm"))?;
/// assert!(report.path.is_some_and(|path| path.exists()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct ReportWriter {
    source: Source,
    seg: WrittenSeg,
    algorithm: (String, String),
    series_number: Option<u32>,
    description: String,
    class: ReportClass,
    suv: Option<Suv>,
    predecessor: Option<Predecessor>,
    control: Control,
}

/// A report that was written.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct WrittenReport {
    /// The file, where it was not written to a stream.
    pub path: Option<PathBuf>,
    /// SOPInstanceUID.
    pub instance_uid: String,
    /// SeriesInstanceUID.
    pub series_uid: String,
    /// The measurements that were left out, and why.
    pub warnings: Vec<Warning>,
}

impl ReportWriter {
    /// A writer of reports about `seg`, a segmentation of `series`.
    ///
    /// # Errors
    /// As [`SegWriter::new`](crate::SegWriter::new).
    pub fn new(series: &Series, seg: &WrittenSeg) -> Result<Self> {
        Self::with_options(series, seg, &SourceOptions::default())
    }

    /// As [`ReportWriter::new`], with options for reading the source.
    ///
    /// # Errors
    /// As [`ReportWriter::new`]; [`Error::Cancelled`].
    pub fn with_options(
        series: &Series,
        seg: &WrittenSeg,
        options: &SourceOptions,
    ) -> Result<Self> {
        Ok(Self {
            source: Source::with_options(series, options)?,
            seg: seg.clone(),
            algorithm: ("Vesalius".to_owned(), identity::VERSION.to_owned()),
            series_number: None,
            description: "Measurements".to_owned(),
            class: ReportClass::default(),
            suv: None,
            predecessor: None,
            control: options.control.clone(),
        })
    }

    /// The class of the report; without this call [`ReportClass::Comprehensive`].
    pub fn class(mut self, class: ReportClass) -> Self {
        self.class = class;
        self
    }

    /// The kind of uptake values to which a PET image was converted by
    /// [`DicomOptions::suv`](vesalius_io::DicomOptions); without this call the values have the unit of the files.
    pub fn suv(mut self, suv: Suv) -> Self {
        self.suv = Some(suv);
        self
    }

    /// An earlier report of the same patient and study, which the new one replaces.
    pub fn predecessor(mut self, earlier: Predecessor) -> Self {
        self.predecessor = Some(earlier);
        self
    }

    /// The name and the version of the algorithm that made the segments; without this call those of Vesalius.
    pub fn algorithm(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.algorithm = (name.into(), version.into());
        self
    }

    /// SeriesNumber; without this call that of the source plus 400.
    pub fn series_number(mut self, number: u32) -> Self {
        self.series_number = Some(number);
        self
    }

    /// SeriesDescription, at most 64 characters; without this call `Measurements`.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// Writes the report to `path`, completely or not at all. An existing file is not replaced.
    ///
    /// # Errors
    /// [`Error::Exists`] for a path that exists; [`Error::Segments`] for a segment that the segmentation does not have,
    /// and if nothing can be written; [`Error::Source`] for a predecessor of another patient, study or class;
    /// [`Error::Text`] for a text that an attribute cannot hold; [`Error::Io`].
    pub fn write(
        &self,
        measurements: &[Measurements],
        path: impl AsRef<Path>,
    ) -> Result<WrittenReport> {
        self.write_target(measurements, Target::File(path.as_ref()))
    }

    /// Writes the report to a stream such as a connection or a buffer.
    ///
    /// # Errors
    /// As [`ReportWriter::write`], and [`Error::Stream`], after which the stream holds a part of the report.
    pub fn write_to(
        &self,
        measurements: &[Measurements],
        mut to: impl Write,
    ) -> Result<WrittenReport> {
        self.write_target(measurements, Target::Stream(&mut to))
    }

    fn write_target(&self, measurements: &[Measurements], target: Target) -> Result<WrittenReport> {
        target.check()?;
        if measurements.iter().all(Measurements::is_empty) {
            let what = "there are no measurements, so that there is nothing to report; measure labels that have voxels";
            return Err(Error::Segments(what.to_owned()));
        }
        if let Some(earlier) = &self.predecessor {
            let classes = [ReportClass::Comprehensive, ReportClass::Comprehensive3d];
            earlier.check(&self.source, &classes.map(ReportClass::uid))?;
        }
        let mut own: Vec<&str> = vec![&self.algorithm.0, &self.algorithm.1, &self.description];
        own.extend(
            self.seg
                .segments
                .iter()
                .map(|(_, segment)| segment.name.as_str()),
        );
        let charset = Charset::of(self.source.head(), &own);
        let mut written = WrittenReport {
            path: None,
            instance_uid: new_uid()?,
            series_uid: new_uid()?,
            warnings: self.left_out(measurements),
        };
        let mut set = Set::new(&charset);
        self.header(&mut set, &written)?;
        self.evidence(&mut set)?;
        let like = Set::new(&charset);
        let content = Content { like: &like };
        set.text(tags::VALUE_TYPE, "CONTAINER")?;
        let title = content.code(("126000", "DCM", "Imaging Measurement Report"))?;
        set.items(tags::CONCEPT_NAME_CODE_SEQUENCE, vec![title]);
        let items = self.content(content, measurements)?;
        container(&mut set, Some("1500"), items)?;
        written.path = target.write(|to| {
            file::begin(to, self.class.uid(), &written.instance_uid, file::EXPLICIT)?;
            file::elements(to, set.object())
        })?;
        Ok(written)
    }

    /// Warnings about values that are not finite, segments without measurements, and intensities of unknown unit.
    fn left_out(&self, measurements: &[Measurements]) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut tell = |what: String, reason: &str| {
            let reason = reason.to_owned();
            warnings.push(Warning::MeasurementLeftOut { what, reason });
        };
        let unknown = quantity(&self.source, self.suv).is_none();
        for measured in measurements {
            let segment = measured.segment;
            let length = |diameter: Option<Diameter>| diameter.map(|diameter| diameter.length);
            let values = measured.intensity.map(|i| {
                let deviation = i.deviation.unwrap_or_default();
                [i.mean, deviation, i.median, i.minimum, i.maximum]
            });
            let finite = |value: Option<f64>| value.is_none_or(f64::is_finite);
            for (name, finite) in [
                ("volume", finite(measured.volume)),
                (
                    "diameter within a slice",
                    finite(length(measured.slice_diameter)),
                ),
                ("diameter", finite(length(measured.diameter))),
                (
                    "intensity",
                    values.unwrap_or_default().iter().all(|v| v.is_finite()),
                ),
            ] {
                if !finite {
                    tell(
                        format!("the {name} of segment {segment}"),
                        "a number is not finite",
                    );
                }
            }
            match measured.intensity {
                Some(_) if unknown => tell(
                    format!("the intensities of segment {segment}"),
                    "the source does not say their unit",
                ),
                Some(Intensity { not_finite, .. }) if not_finite > 0 => tell(
                    format!("{not_finite} values of segment {segment}"),
                    "they are not finite",
                ),
                _ => {}
            }
            if measured.is_empty() {
                tell(
                    format!("segment {segment}"),
                    "nothing of it was measured, as of one without a voxel",
                );
            }
        }
        warnings
    }

    fn header(&self, set: &mut Set, written: &WrittenReport) -> Result<()> {
        identity::patient_and_study(set, &self.source);
        identity::equipment(set)?;
        set.text(tags::SOP_CLASS_UID, self.class.uid())?;
        set.text(tags::SOP_INSTANCE_UID, &written.instance_uid)?;
        set.text(tags::SERIES_INSTANCE_UID, &written.series_uid)?;
        set.text(tags::MODALITY, "SR")?;
        let number = identity::series_number(&self.source, self.series_number, 400);
        set.integer(tags::SERIES_NUMBER, number);
        set.integer(tags::INSTANCE_NUMBER, 1);
        set.text(tags::SERIES_DESCRIPTION, &self.description)?;
        Moment::now().write(set, [tags::CONTENT_DATE, tags::CONTENT_TIME])?;
        set.text(tags::COMPLETION_FLAG, "COMPLETE")?;
        set.text(tags::VERIFICATION_FLAG, "UNVERIFIED")?;
        set.text(tags::PRELIMINARY_FLAG, "PRELIMINARY")?;
        set.empty(tags::REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE);
        set.empty(tags::PERFORMED_PROCEDURE_CODE_SEQUENCE);
        if let Some(earlier) = &self.predecessor {
            let document = earlier.document(set)?;
            set.items(tags::PREDECESSOR_DOCUMENTS_SEQUENCE, vec![document]);
        }
        Ok(())
    }
}
