//! Labels as a DICOM segmentation object (PS3.3 A.51) on the frames of the images that they were made from.

mod anatomy;
mod color;
mod descriptor;
mod fractions;
mod frames;
mod grid;
mod header;
mod labels;
mod layer;
mod open;
mod pixels;
mod prepare;
mod segment;
mod slices;
mod write;

pub use descriptor::SegmentDescriptions;
pub use grid::GridRule;
pub use segment::{AlgorithmType, Code, Segment};
pub use slices::LabelSlices;

use crate::identity::VERSION;
use crate::predecessor::Predecessor;
use crate::source::{Source, SourceOptions};
use crate::target::Target;
use crate::{Error, Result};
use std::io::Write;
use std::path::{Path, PathBuf};
use vesalius_control::Control;
use vesalius_io::Series;
use vesalius_volume::{Label, LabelMap, Volume, Warning};
pub(crate) use write::Job;

/// What the pixels of a segmentation say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SegKind {
    /// A bit for each pixel and segment: what every program reads.
    #[default]
    Binary,
    /// A byte for each pixel and segment: a probability.
    Fractional,
    /// The number of the segment: smaller, but known to few programs.
    LabelMap,
}

/// How a file is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SegSyntax {
    /// Explicit little-endian, not compressed.
    #[default]
    Native,
    /// The same, all of it deflated: smaller, but archives and viewers may not read it.
    Deflated,
}

/// Which frames are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum FrameRule {
    /// Those with a voxel of the segment.
    #[default]
    Occupied,
    /// All, for old viewers that show the others at wrong places.
    All,
}

/// What is done where no voxel has a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum EmptyRule {
    /// Nothing is written, which is an error.
    #[default]
    Refuse,
    /// A frame without a voxel is written for each segment.
    Write,
}

/// Writes labels as a segmentation object that belongs to a series.
///
/// Frames lie on those of the series: with its positions as they are written there, and a reference to the image that
/// each was made from. Labels find their frame by the affine alone, whatever the order and direction of their axes.
///
/// ```
/// use vesalius_dicom::{Segment, SegWriter};
/// use vesalius_io::{ReadOptions, list_series, read_labels, read_series};
/// use vesalius_volume::LabelMap;
/// # let folder = tempfile::tempdir()?;
/// # let source = vesalius_dicom::example_series(folder.path(), "MR", [6, 5, 4])?;
///
/// let series = &list_series(&source)?.series[0];
/// let image = read_series::<f32>(series, &ReadOptions::default())?;
/// let labels = LabelMap::<u16>::from_fn(*image.geometry(), |[x, _, z]| u16::from(x > 2 && z > 0) * 5);
///
/// let file = folder.path().join("seg.dcm");
/// let written = SegWriter::new(series)?
///     .algorithm("my model", "1.0")
///     .segments([Segment::named(5, "liver")])
///     .write(&labels, &file)?;
/// assert_eq!(written.frames, 3, "slices without a voxel are left out");
///
/// let back: LabelMap = read_labels(&file)?;
/// assert_eq!(back.counts()[&1], labels.counts()[&5], "segments are numbered from 1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct SegWriter {
    pub(crate) source: Source,
    segments: Vec<Segment>,
    kind: SegKind,
    syntax: SegSyntax,
    grid: GridRule,
    frames: FrameRule,
    empty: EmptyRule,
    algorithm: (String, String),
    pub(crate) series_number: Option<u32>,
    pub(crate) description: String,
    creator: String,
    predecessor: Option<Predecessor>,
    pub(crate) control: Control,
}

/// A segmentation that was written.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WrittenSeg {
    /// The file, where it was not written to a stream.
    pub path: Option<PathBuf>,
    /// SOPClassUID.
    pub class_uid: String,
    /// SOPInstanceUID.
    pub instance_uid: String,
    /// SeriesInstanceUID.
    pub series_uid: String,
    /// How many frames it has.
    pub frames: usize,
    /// Each segment's number in the object and what it shows, tracking identifiers included.
    pub segments: Vec<(u16, Segment)>,
    /// What was decided.
    pub warnings: Vec<Warning>,
}

impl SegWriter {
    /// A writer of segmentations of `series`.
    ///
    /// # Errors
    /// [`Error::Source`] for a source without patient, study or instance, one whose frames have two orientations or
    /// share a place, or one that holds no image; [`Error::MixedSource`]; [`Error::OwnResult`].
    pub fn new(series: &Series) -> Result<Self> {
        Self::with_control(series, Control::new())
    }

    /// As [`SegWriter::new`], with progress and cancellation of reading the headers and of writing.
    ///
    /// # Errors
    /// As [`SegWriter::new`], and [`Error::Cancelled`].
    pub fn with_control(series: &Series, control: Control) -> Result<Self> {
        Self::with_options(series, &SourceOptions::default().control(control))
    }

    /// As [`SegWriter::new`], with options of the source.
    ///
    /// # Errors
    /// As [`SegWriter::with_control`].
    pub fn with_options(series: &Series, options: &SourceOptions) -> Result<Self> {
        let source = Source::with_options(series, options)?;
        header::check_frames(&source)?;
        Ok(Self {
            source,
            segments: Vec::new(),
            kind: SegKind::default(),
            syntax: SegSyntax::default(),
            grid: GridRule::default(),
            frames: FrameRule::default(),
            empty: EmptyRule::default(),
            algorithm: ("Vesalius".to_owned(), VERSION.to_owned()),
            series_number: None,
            description: "Segmentation".to_owned(),
            creator: "Vesalius^AI".to_owned(),
            predecessor: None,
            control: options.control.clone(),
        })
    }

    /// What the labels mean; a label without a segment is refused.
    pub fn segments(mut self, segments: impl IntoIterator<Item = Segment>) -> Self {
        self.segments = segments.into_iter().collect();
        self
    }

    /// Segments, description and number of a description file.
    pub fn described(mut self, descriptions: SegmentDescriptions) -> Self {
        self.segments = descriptions.segments;
        self.description = descriptions.description.unwrap_or(self.description);
        self.creator = descriptions.creator.unwrap_or(self.creator);
        self.series_number = descriptions.number.or(self.series_number);
        self
    }

    /// What the pixels say; [`SegKind::Fractional`] needs [`SegWriter::write_fractions`].
    pub fn kind(mut self, kind: SegKind) -> Self {
        self.kind = kind;
        self
    }

    /// How the file is encoded.
    pub fn syntax(mut self, syntax: SegSyntax) -> Self {
        self.syntax = syntax;
        self
    }

    /// What becomes of labels on another grid than the source's.
    pub fn grid(mut self, rule: GridRule) -> Self {
        self.grid = rule;
        self
    }

    /// Which frames are written.
    pub fn frames(mut self, rule: FrameRule) -> Self {
        self.frames = rule;
        self
    }

    /// What is done where no voxel has a label.
    pub fn empty(mut self, rule: EmptyRule) -> Self {
        self.empty = rule;
        self
    }

    /// The name and the version of what made the labels, at most 64 characters each.
    pub fn algorithm(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.algorithm = (name.into(), version.into());
        self
    }

    /// SeriesNumber; otherwise the source's and 300.
    pub fn series_number(mut self, number: u32) -> Self {
        self.series_number = Some(number);
        self
    }

    /// SeriesDescription and ContentDescription, at most 64 characters.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// ContentCreatorName: family name, `^`, given name.
    pub fn creator(mut self, name: impl Into<String>) -> Self {
        self.creator = name.into();
        self
    }

    /// An earlier segmentation that the new one replaces.
    pub fn predecessor(mut self, earlier: Predecessor) -> Self {
        self.predecessor = Some(earlier);
        self
    }

    /// Writes a label map. A file appears when it is complete; one that exists is not replaced.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::OtherGrid`], [`Error::OffSource`], [`Error::Segments`] for labels without segment
    /// and where no voxel has a label, [`Error::Text`], [`Error::Cancelled`], [`Error::Io`].
    pub fn write<T: Label>(
        &self,
        labels: &LabelMap<T>,
        path: impl AsRef<Path>,
    ) -> Result<WrittenSeg> {
        self.write_layers(std::slice::from_ref(labels), path)
    }

    /// Writes several label maps, whose segments may overlap; [`Segment::layer`] says which is in which.
    ///
    /// # Errors
    /// As [`SegWriter::write`].
    pub fn write_layers<T: Label>(
        &self,
        layers: &[LabelMap<T>],
        path: impl AsRef<Path>,
    ) -> Result<WrittenSeg> {
        self.refuse_labels_as_fractions()?;
        Job::new(self, Target::File(path.as_ref()))?.labels(layers)
    }

    /// Writes a label map that is kept as runs: a hundred segments on a thousand slices need little more memory than the
    /// headers of the source.
    ///
    /// # Errors
    /// As [`SegWriter::write`]; [`Error::Segments`] while slices are missing.
    pub fn write_slices(&self, labels: &LabelSlices, path: impl AsRef<Path>) -> Result<WrittenSeg> {
        self.refuse_labels_as_fractions()?;
        Job::new(self, Target::File(path.as_ref()))?.slices(labels)
    }

    /// Writes label maps as [`SegWriter::write_layers`] does, to a stream such as a connection or a buffer.
    ///
    /// # Errors
    /// As [`SegWriter::write`], and [`Error::Stream`], after which the stream holds a part of the object.
    pub fn write_to<T: Label>(
        &self,
        layers: &[LabelMap<T>],
        mut to: impl Write,
    ) -> Result<WrittenSeg> {
        self.refuse_labels_as_fractions()?;
        Job::new(self, Target::Stream(&mut to))?.labels(layers)
    }

    /// Writes probabilities from 0 to 1, a channel for each segment in the order of the segments, as shares of 255. The
    /// labels of the segments do not matter.
    ///
    /// # Errors
    /// As [`SegWriter::write`]; [`Error::Segments`] for another number of channels and for values outside of 0 to 1.
    pub fn write_fractions(
        &self,
        fractions: &Volume<f32>,
        path: impl AsRef<Path>,
    ) -> Result<WrittenSeg> {
        Job::new(self, Target::File(path.as_ref()))?.fractions(fractions)
    }

    /// Writes probabilities as [`SegWriter::write_fractions`] does, to a stream.
    ///
    /// # Errors
    /// As [`SegWriter::write_fractions`], and [`Error::Stream`].
    pub fn write_fractions_to(
        &self,
        fractions: &Volume<f32>,
        mut to: impl Write,
    ) -> Result<WrittenSeg> {
        Job::new(self, Target::Stream(&mut to))?.fractions(fractions)
    }

    fn refuse_labels_as_fractions(&self) -> Result<()> {
        if self.kind != SegKind::Fractional {
            return Ok(());
        }
        let what = "labels have no fractions; give probabilities to `SegWriter::write_fractions`, or choose `SegKind::Binary`";
        Err(Error::Segments(what.to_owned()))
    }
}
