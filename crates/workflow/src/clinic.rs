//! Labels in a file as DICOM objects that belong to the series they were made from.

use crate::label_names::label_names;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vesalius_control::Control;
use vesalius_dicom::{
    EmptyRule, Error, FrameRule, GridRule, HoleRule, Result, RtStructWriter, SegKind, SegSyntax,
    SegWriter, Segment, SegmentDescriptions, WrittenRtStruct, WrittenSeg,
};
use vesalius_io::{ReadOptions, Series, choose_series, probe_with, read_as_with, read_labels_with};
use vesalius_volume::{LabelMap, Volume};

/// What a result belongs to, and what its labels mean.
#[derive(Debug, Clone, Default)]
pub struct ClinicOptions {
    /// How the source is read; [`ReadOptions::series`] names a series where there are several.
    pub source: ReadOptions,
    /// How the labels are read.
    pub read: ReadOptions,
    /// A file in dcmqi's form that says what the labels mean. Without one the names in the file of labels, or in the
    /// record beside it, decide.
    pub segments: Option<PathBuf>,
    /// What becomes of labels on another grid than the source's.
    pub grid: GridRule,
    /// SeriesDescription.
    pub description: Option<String>,
    /// The name and the version of what made the labels.
    pub algorithm: Option<(String, String)>,
    /// Progress and cancellation.
    pub control: Control,
}

/// How a segmentation object is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct SegForm {
    /// What the pixels say.
    pub kind: SegKind,
    /// How the file is encoded.
    pub syntax: SegSyntax,
    /// Which frames are written.
    pub frames: FrameRule,
    /// What is done where no voxel has a label.
    pub empty: EmptyRule,
}

/// Writes a label map as a segmentation object (SEG); with [`SegKind::Fractional`] an image of probabilities, a channel for
/// each segment, and one for the background before them or none.
///
/// # Errors
/// As [`SegWriter::new`] and [`SegWriter::write`]; [`Error::Segments`] for a label without a name.
///
/// ```
/// use vesalius_dicom::SegWriter;
/// use vesalius_io::{LabelName, WriteOptions, read_labels, write_labels_with};
/// use vesalius_volume::LabelMap;
/// use vesalius_workflow::clinic::{ClinicOptions, SegForm, write_seg};
///
/// let folder = tempfile::tempdir()?;
/// let source = vesalius_dicom::example_series(folder.path(), "CT", [6, 5, 4])?;
/// let grid = *vesalius_io::read(&source)?.geometry();
/// let labels = LabelMap::<u16>::from_fn(grid, |[x, ..]| u16::from(x > 2));
/// let (path, output) = (folder.path().join("labels.nrrd"), folder.path().join("seg.dcm"));
/// let named = WriteOptions { labels: vec![LabelName::new(1, "liver")], ..WriteOptions::default() };
/// write_labels_with(&path, &labels, &named)?;
///
/// let written = write_seg(&path, &source, &output, &ClinicOptions::default(), SegForm::default())?;
/// assert_eq!(written.segments[0].1.kind.meaning, "Liver");
/// assert_eq!(read_labels(&output)?.data(), labels.data());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_seg(
    labels: &Path,
    source: &Path,
    output: &Path,
    options: &ClinicOptions,
    form: SegForm,
) -> Result<WrittenSeg> {
    let series = choose_series(source, &options.source)?;
    let mut writer = SegWriter::with_control(&series, options.control.clone())?
        .kind(form.kind)
        .syntax(form.syntax)
        .frames(form.frames)
        .empty(form.empty)
        .grid(options.grid);
    if let Some((name, version)) = &options.algorithm {
        writer = writer.algorithm(name, version);
    }
    if let Some(path) = &options.segments {
        writer = writer.described(SegmentDescriptions::read(path)?);
    }
    if let Some(description) = &options.description {
        writer = writer.description(description);
    }
    if form.kind == SegKind::Fractional {
        return write_fractions(writer, labels, output, options);
    }
    let map: LabelMap<u32> = read_labels_with(labels, &options.read)?;
    if options.segments.is_none() {
        writer = writer.segments(segments(labels, options));
    }
    writer.write(&map, output)
}

/// The channels of an image of probabilities as segments.
fn write_fractions(
    writer: SegWriter,
    image: &Path,
    output: &Path,
    options: &ClinicOptions,
) -> Result<WrittenSeg> {
    let Some(path) = &options.segments else {
        let what = "probabilities have no names of their own; give a file with a description of each segment";
        return Err(Error::Segments(what.to_owned()));
    };
    let wanted = SegmentDescriptions::read(path)?.segments.len();
    let fractions = read_as_with::<f32>(image, &options.read)?;
    match fractions.channels() == wanted + 1 {
        // The first channel is the background's.
        true => {
            let grid = *fractions.geometry();
            let foreground = fractions.into_data().split_off(grid.voxel_count());
            writer.write_fractions(&Volume::new(grid, wanted, foreground)?, output)
        }
        false => writer.write_fractions(&fractions, output),
    }
}

/// How contours are written.
#[derive(Debug, Clone, Default)]
pub struct ContourForm {
    /// How holes are written.
    pub holes: HoleRule,
    /// StructureSetLabel, at most 16 characters.
    pub label: Option<String>,
}

/// Writes a label map as contours (RTSTRUCT).
///
/// # Errors
/// As [`RtStructWriter::new`] and [`RtStructWriter::write`]; [`Error::Segments`] for a label without a name.
pub fn write_rtstruct(
    labels: &Path,
    source: &Path,
    output: &Path,
    options: &ClinicOptions,
    form: &ContourForm,
) -> Result<WrittenRtStruct> {
    let series: Series = choose_series(source, &options.source)?;
    let map: LabelMap<u32> = read_labels_with(labels, &options.read)?;
    let segments = match &options.segments {
        Some(path) => SegmentDescriptions::read(path)?.segments,
        None => segments(labels, options),
    };
    let mut writer = RtStructWriter::with_control(&series, options.control.clone())?
        .segments(segments)
        .grid(options.grid)
        .holes(form.holes);
    if let Some(label) = &form.label {
        writer = writer.label(label);
    }
    if let Some(description) = &options.description {
        writer = writer.description(description);
    }
    writer.write(&map, output)
}

/// Writes a file by `write`, which refuses one that exists: the new one replaces it when it is complete.
///
/// # Errors
/// Those of `write`; [`Error::Io`] where the folder cannot be written.
pub fn replacing<T>(output: &Path, write: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    if !output.exists() {
        return write(output);
    }
    let folder = match output.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let failed = |source| {
        let path = output.to_path_buf();
        Error::Io(vesalius_io::Error::Write { path, source })
    };
    let beside = tempfile::tempdir_in(folder).map_err(failed)?;
    let made = beside.path().join("object.dcm");
    let written = write(&made)?;
    std::fs::rename(&made, output).map_err(failed)?;
    Ok(written)
}

/// The segments of a label map whose names stand in its file or beside it, with the colours of its file. A label that the
/// model knows and the map lacks is an empty segment.
fn segments(file: &Path, options: &ClinicOptions) -> Vec<Segment> {
    let mut names: BTreeMap<u32, String> = label_names(file, &options.read);
    names.retain(|label, _| *label != 0);
    let in_header = probe_with(file, &options.read).map(|info| info.labels);
    let in_header = in_header.unwrap_or_default();
    names
        .into_iter()
        .map(|(label, name)| {
            let mut segment = Segment::named(label, name);
            let known = in_header.iter().find(|known| known.value == label);
            segment.color = known.map_or(segment.color, |known| known.color);
            segment
        })
        .collect()
}
