//! Labels or probabilities as a segmentation object.

use super::{ClinicOptions, segments};
use std::path::Path;
use vesalius_dicom::{
    EmptyRule, Error, FrameRule, LabelSlices, Result, SegKind, SegSyntax, SegWriter,
    SegmentDescriptions, WrittenSeg,
};
use vesalius_io::{ImageFile, choose_series, open_with, read_as_with, read_labels_with};
use vesalius_volume::{LabelMap, Volume};

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
    labels: impl AsRef<Path>,
    source: impl AsRef<Path>,
    output: impl AsRef<Path>,
    options: &ClinicOptions,
    form: SegForm,
) -> Result<WrittenSeg> {
    let (labels, source, output) = (labels.as_ref(), source.as_ref(), output.as_ref());
    let series = choose_series(source, &options.source)?;
    let mut writer = SegWriter::with_options(&series, &options.source_options())?
        .kind(form.kind)
        .syntax(form.syntax)
        .frames(form.frames)
        .empty(form.empty)
        .grid(options.grid);
    if let Some((name, version)) = &options.algorithm {
        writer = writer.algorithm(name, version);
    }
    if let Some(earlier) = options.earlier()? {
        writer = writer.predecessor(earlier);
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
    if options.segments.is_none() {
        writer = writer.segments(segments(labels, options));
    }
    match in_slices(labels, options)? {
        Some(slices) => writer.write_slices(&slices, output),
        None => {
            let map: LabelMap<u32> = read_labels_with(labels, &options.read)?;
            writer.write(&map, output)
        }
    }
}

/// The labels of a file of one channel, read a few slices at a time; `None` for what must be read whole.
fn in_slices(labels: &Path, options: &ClinicOptions) -> Result<Option<LabelSlices>> {
    /// Slices at a time.
    const SLICES: usize = 8;
    let Ok(file) = open_with(labels, &options.read).and_then(ImageFile::as_labels) else {
        return Ok(None);
    };
    let geometry = file.info().geometry;
    let [x, y, z] = geometry.size();
    let mut slices = LabelSlices::new(geometry);
    let stage = options.control.stage("labels", z as u64);
    for slab in file.slabs::<u32>(SLICES)? {
        options.control.check()?;
        let slab = slab?.volume;
        slab.data()
            .chunks((x * y).max(1))
            .try_for_each(|slice| slices.push(slice))?;
        stage.advance(slab.geometry().size()[2] as u64);
    }
    Ok(Some(slices))
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
