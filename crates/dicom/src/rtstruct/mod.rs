//! Labels as contours: an RTSTRUCT (PS3.3 A.19) on the images that they were made from.

mod change;
mod polygon;
mod simplify;
mod trace;

pub use change::Simplified;
pub use trace::HoleRule;

use crate::identity::{self, Moment, code_item, reference};
use crate::predecessor::Predecessor;
use crate::seg::{GridRule, Job, SegWriter, Segment};
use crate::set::Set;
use crate::source::SourceOptions;
use crate::space::Plane;
use crate::target::Target;
use crate::text::Charset;
use crate::uid::new_uid;
use crate::{Error, Result, file, raw};
use change::Change;
use dicom_dictionary_std::{tags, uids};
use polygon::{Place, fill, keyholes};
use simplify::simplify;
use std::io::Write;
use std::path::{Path, PathBuf};
use trace::trace;
use vesalius_control::Control;
use vesalius_io::Series;
use vesalius_volume::{Label, LabelMap, Warning};

/// The class of the study that contours refer to (retired, and still asked for).
const STUDY: &str = "1.2.840.10008.3.1.2.3.1";

/// Writes labels as contours of an RTSTRUCT that belongs to a series.
///
/// Contours run along the edges of pixels, on the planes of the series' frames: a reader that takes the pixels whose
/// centres lie inside finds the same labels.
///
/// ```
/// use vesalius_dicom::{RtStructWriter, Segment};
/// use vesalius_io::{StructureOptions, list_series, read_structures};
/// use vesalius_volume::LabelMap;
/// # let folder = tempfile::tempdir()?;
/// # let source = vesalius_dicom::example_series(folder.path(), "CT", [9, 8, 4])?;
///
/// let series = &list_series(&source)?.series[0];
/// let labels = LabelMap::<u16>::from_fn(series.geometry.unwrap(), |[x, y, z]| u16::from(x > 2 && y < 5 && z == 1));
/// let file = folder.path().join("contours.dcm");
/// RtStructWriter::new(series)?.segments([Segment::named(1, "liver")]).write(&labels, &file)?;
///
/// let (back, names) = read_structures(&file)?.label_map_on(series, &StructureOptions::default())?;
/// assert_eq!(back.data(), labels.data());
/// assert_eq!(names[0].name, "liver");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct RtStructWriter {
    labels: SegWriter,
    holes: HoleRule,
    label: String,
    predecessor: Option<Predecessor>,
    tolerance: f64,
}

/// Contours that were written.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WrittenRtStruct {
    /// The file, where it was not written to a stream.
    pub path: Option<PathBuf>,
    /// SOPInstanceUID.
    pub instance_uid: String,
    /// SeriesInstanceUID.
    pub series_uid: String,
    /// How many contours each structure has, by its ROINumber, which counts from 1.
    pub contours: Vec<(u32, Segment, usize)>,
    /// How far each structure changed, where contours were simplified.
    pub simplified: Vec<Simplified>,
    /// What was decided.
    pub warnings: Vec<Warning>,
}

impl RtStructWriter {
    /// A writer of contours on `series`.
    ///
    /// # Errors
    /// As [`SegWriter::new`], and [`Error::Source`] for a series without places.
    pub fn new(series: &Series) -> Result<Self> {
        Self::with_control(series, Control::new())
    }

    /// As [`RtStructWriter::new`], with progress and cancellation.
    ///
    /// # Errors
    /// As [`RtStructWriter::new`], and [`Error::Cancelled`].
    pub fn with_control(series: &Series, control: Control) -> Result<Self> {
        Self::with_options(series, &SourceOptions::default().control(control))
    }

    /// As [`RtStructWriter::new`], with options of the source.
    ///
    /// # Errors
    /// As [`RtStructWriter::with_control`].
    pub fn with_options(series: &Series, options: &SourceOptions) -> Result<Self> {
        let labels = SegWriter::with_options(series, options)?.description("Contours");
        if labels.source.normal().is_none() {
            let what =
                "its frames have no places, in which contours are; choose a series that has them";
            return Err(Error::source(labels.source.path(), what));
        }
        Ok(Self {
            labels,
            holes: HoleRule::default(),
            label: "AI".to_owned(),
            predecessor: None,
            tolerance: 0.0,
        })
    }

    /// What the labels mean; a label without a segment is refused.
    pub fn segments(mut self, segments: impl IntoIterator<Item = Segment>) -> Self {
        self.labels = self.labels.segments(segments);
        self
    }

    /// What becomes of labels on another grid than the source's.
    pub fn grid(mut self, rule: GridRule) -> Self {
        self.labels = self.labels.grid(rule);
        self
    }

    /// How holes are written.
    pub fn holes(mut self, rule: HoleRule) -> Self {
        self.holes = rule;
        self
    }

    /// Leaves out corners that lie within so many mm of the line between those that are kept (Douglas and Peucker);
    /// otherwise contours run along the edges of pixels. No contour crosses itself or another, holes stay holes, and
    /// what the labels lose is told in [`WrittenRtStruct::simplified`].
    pub fn simplify(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// StructureSetLabel, at most 16 characters.
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.label = text.into();
        self
    }

    /// SeriesDescription, at most 64 characters.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.labels = self.labels.description(text);
        self
    }

    /// SeriesNumber; otherwise the source's and 300.
    pub fn series_number(mut self, number: u32) -> Self {
        self.labels = self.labels.series_number(number);
        self
    }

    /// Earlier contours that the new ones replace.
    pub fn predecessor(mut self, earlier: Predecessor) -> Self {
        self.predecessor = Some(earlier);
        self
    }

    /// Writes the contours of a label map. A file appears when it is complete; one that exists is not replaced.
    ///
    /// # Errors
    /// As [`SegWriter::write`].
    pub fn write<T: Label>(
        &self,
        labels: &LabelMap<T>,
        path: impl AsRef<Path>,
    ) -> Result<WrittenRtStruct> {
        self.write_target(labels, Target::File(path.as_ref()))
    }

    /// Writes the contours of a label map to a stream such as a connection or a buffer.
    ///
    /// # Errors
    /// As [`SegWriter::write_to`].
    pub fn write_to<T: Label>(
        &self,
        labels: &LabelMap<T>,
        mut to: impl Write,
    ) -> Result<WrittenRtStruct> {
        self.write_target(labels, Target::Stream(&mut to))
    }

    fn write_target<T: Label>(
        &self,
        labels: &LabelMap<T>,
        target: Target,
    ) -> Result<WrittenRtStruct> {
        let writer = &self.labels;
        if !(self.tolerance.is_finite() && self.tolerance >= 0.0) {
            return Err(Error::Tolerance {
                found: self.tolerance,
            });
        }
        let mut job = Job::new(writer, target)?;
        if let Some(earlier) = &self.predecessor {
            earlier.check(&writer.source, &[uids::RT_STRUCTURE_SET_STORAGE])?;
        }
        let layers = std::slice::from_ref(labels);
        let segments = job.segments(layers.len())?;
        let grid = job.grid(std::iter::once(labels.geometry()))?;
        let found = job.occurrence(&grid, layers, &segments)?;
        if found.iter().all(Vec::is_empty) {
            let what = "no voxel has a label, so that there is no contour to write";
            return Err(Error::Segments(what.to_owned()));
        }
        let mut own: Vec<&str> = segments
            .iter()
            .map(|segment| segment.name.as_str())
            .collect();
        own.extend([self.label.as_str(), &writer.description]);
        let charset = Charset::of(writer.source.head(), &own);
        let (instance, series) = (new_uid()?, new_uid()?);
        let mut set = Set::new(&charset);
        self.header(&mut set, &instance, &series)?;
        self.structures(&mut set, &segments)?;
        let stage = writer.control.stage("contours", segments.len() as u64);
        let mut structures = Vec::with_capacity(segments.len());
        let mut counts = Vec::with_capacity(segments.len());
        let mut simplified = Vec::new();
        for ((number, segment), frames) in (1..).zip(&segments).zip(&found) {
            let mut contours = Vec::new();
            let mut change = Change::default();
            for &frame in frames {
                writer.control.check()?;
                let inside: Vec<bool> = grid
                    .frame(labels.data(), frame)
                    .iter()
                    .map(|&value| value.into() == segment.label)
                    .collect();
                for corners in self.outlines(&inside, frame, &mut change) {
                    contours.push(self.contour(&set, frame, &corners)?);
                }
            }
            let mut item = set.item();
            item.decimal_integers(tags::ROI_DISPLAY_COLOR, &segment.color.map(i64::from));
            item.integer(tags::REFERENCED_ROI_NUMBER, number);
            counts.push((number as u32, segment.clone(), contours.len()));
            if !contours.is_empty() {
                item.items(tags::CONTOUR_SEQUENCE, contours);
            }
            structures.push(item);
            if self.tolerance > 0.0 {
                simplified.push(change.of(number as u32));
            }
            stage.advance(1);
        }
        set.items(tags::ROI_CONTOUR_SEQUENCE, structures);
        let path = job.target.write(|to| {
            file::begin(
                to,
                uids::RT_STRUCTURE_SET_STORAGE,
                &instance,
                file::IMPLICIT,
            )?;
            file::implicit_elements(to, set.object())
        })?;
        Ok(WrittenRtStruct {
            path,
            instance_uid: instance,
            series_uid: series,
            contours: counts,
            simplified,
            warnings: job.warnings,
        })
    }

    /// The outlines of the pixels of a frame, simplified where that is wanted.
    fn outlines(&self, inside: &[bool], frame: usize, change: &mut Change) -> Vec<Vec<Place>> {
        let [columns, rows] = self.labels.source.size;
        let plane = self.labels.source.frames[frame].plane;
        let Some(plane) = plane.filter(|_| self.tolerance > 0.0) else {
            return real(&trace(inside, columns, self.holes));
        };
        let loops = trace(inside, columns, HoleRule::Nested);
        let simple = simplify(&loops, plane.spacing, self.tolerance);
        change.add(inside, &fill(&real(&simple), columns, rows));
        let points = |loops: &[Vec<trace::Corner>]| loops.iter().map(Vec::len).sum::<usize>();
        change.points += points(&simple);
        change.points_before += points(&loops);
        match self.holes {
            HoleRule::Nested => real(&simple),
            HoleRule::Keyhole => keyholes(&simple),
        }
    }

    fn header(&self, set: &mut Set, instance: &str, series: &str) -> Result<()> {
        let (writer, source) = (&self.labels, &self.labels.source);
        identity::patient_and_study(set, source);
        identity::frame_of_reference(set, source);
        identity::equipment(set)?;
        set.text(tags::SOP_CLASS_UID, uids::RT_STRUCTURE_SET_STORAGE)?;
        set.text(tags::SOP_INSTANCE_UID, instance)?;
        set.text(tags::SERIES_INSTANCE_UID, series)?;
        set.text(tags::MODALITY, "RTSTRUCT")?;
        let number = identity::series_number(source, writer.series_number, 300);
        set.integer(tags::SERIES_NUMBER, number);
        set.text(tags::SERIES_DESCRIPTION, &writer.description)?;
        set.empty(tags::OPERATORS_NAME);
        set.integer(tags::INSTANCE_NUMBER, 1);
        set.text(tags::STRUCTURE_SET_LABEL, &self.label)?;
        Moment::now().write(set, [tags::STRUCTURE_SET_DATE, tags::STRUCTURE_SET_TIME])?;
        set.text(tags::APPROVAL_STATUS, "UNAPPROVED")?;
        if let Some(earlier) = &self.predecessor {
            let item = earlier.reference(set)?;
            set.items(tags::PREDECESSOR_STRUCTURE_SET_SEQUENCE, vec![item]);
        }
        self.images(set)
    }

    /// All images of the series, and the frame of reference of the contours.
    fn images(&self, set: &mut Set) -> Result<()> {
        let source = &self.labels.source;
        let images = source
            .instances
            .iter()
            .map(|instance| reference(set, &instance.class, &instance.uid));
        let images = images.collect::<Result<Vec<_>>>()?;
        let mut series = set.item();
        series.copy(source.head(), tags::SERIES_INSTANCE_UID);
        series.items(tags::CONTOUR_IMAGE_SEQUENCE, images);
        let uid = raw::text(source.head(), tags::STUDY_INSTANCE_UID).unwrap_or_default();
        let mut study = reference(set, STUDY, &uid)?;
        study.items(tags::RT_REFERENCED_SERIES_SEQUENCE, vec![series]);
        let mut frame = set.item();
        frame.copy(source.head(), tags::FRAME_OF_REFERENCE_UID);
        frame.items(tags::RT_REFERENCED_STUDY_SEQUENCE, vec![study]);
        set.items(tags::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE, vec![frame]);
        Ok(())
    }

    fn structures(&self, set: &mut Set, segments: &[Segment]) -> Result<()> {
        let source = &self.labels.source;
        let frame = raw::text(source.head(), tags::FRAME_OF_REFERENCE_UID).unwrap_or_default();
        let (mut structures, mut observations) = (Vec::new(), Vec::new());
        for (number, segment) in (1..).zip(segments) {
            let mut structure = set.item();
            structure.integer(tags::ROI_NUMBER, number);
            structure.text(tags::REFERENCED_FRAME_OF_REFERENCE_UID, &frame)?;
            structure.text(tags::ROI_NAME, &segment.name)?;
            structure.text(
                tags::ROI_GENERATION_ALGORITHM,
                segment.algorithm_type.name(),
            )?;
            structures.push(structure);
            let mut observation = set.item();
            observation.integer(tags::OBSERVATION_NUMBER, number);
            observation.integer(tags::REFERENCED_ROI_NUMBER, number);
            let kind = code_item(
                set,
                &segment.kind.value,
                &segment.kind.scheme,
                &segment.kind.meaning,
            )?;
            observation.items(tags::RTROI_IDENTIFICATION_CODE_SEQUENCE, vec![kind]);
            observation.text(tags::RTROI_INTERPRETED_TYPE, interpreted(segment))?;
            observation.empty(tags::ROI_INTERPRETER);
            observations.push(observation);
        }
        set.items(tags::STRUCTURE_SET_ROI_SEQUENCE, structures);
        set.items(tags::RTROI_OBSERVATIONS_SEQUENCE, observations);
        Ok(())
    }

    fn contour<'s>(&self, set: &Set<'s>, frame: usize, corners: &[Place]) -> Result<Set<'s>> {
        let source = &self.labels.source;
        let frame = &source.frames[frame];
        let instance = &source.instances[frame.instance];
        let mut image = reference(set, &instance.class, &instance.uid)?;
        if instance.multi_frame {
            image.integer(tags::REFERENCED_FRAME_NUMBER, frame.number as i64);
        }
        let mut contour = set.item();
        contour.items(tags::CONTOUR_IMAGE_SEQUENCE, vec![image]);
        contour.text(tags::CONTOUR_GEOMETRIC_TYPE, "CLOSED_PLANAR")?;
        contour.integer(tags::NUMBER_OF_CONTOUR_POINTS, corners.len() as i64);
        // The writer was made for a source with places.
        if let Some(plane) = frame.plane {
            contour.decimals(tags::CONTOUR_DATA, &points(&plane, corners));
        }
        Ok(contour)
    }
}

/// Corners of pixels as places.
fn real(loops: &[Vec<trace::Corner>]) -> Vec<Vec<Place>> {
    let places = |corners: &Vec<trace::Corner>| corners.iter().map(|c| c.map(f64::from)).collect();
    loops.iter().map(places).collect()
}

/// Corners of pixels in LPS mm, to a hundred-thousandth.
fn points(plane: &Plane, corners: &[Place]) -> Vec<f64> {
    let places = corners
        .iter()
        .flat_map(|[x, y]| plane.pixel(x - 0.5, y - 0.5));
    places.map(|v| (v * 1e5).round() / 1e5).collect()
}

/// RTROIInterpretedType: an organ, or nothing where it is no part of the anatomy.
fn interpreted(segment: &Segment) -> &'static str {
    match segment.category.value.as_str() {
        "91723000" | "123037004" => "ORGAN",
        _ => "",
    }
}
