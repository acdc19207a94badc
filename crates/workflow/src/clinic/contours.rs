//! Labels as contours.

use super::ClinicOptions;
use std::path::Path;
use vesalius_dicom::{HoleRule, Result, RtStructWriter, WrittenRtStruct};
use vesalius_io::{Series, choose_series, read_labels_with};
use vesalius_volume::LabelMap;

/// How contours are written.
#[derive(Debug, Clone, Default)]
pub struct ContourForm {
    /// How holes are written.
    pub holes: HoleRule,
    /// By how many mm contours may leave the edges of pixels to have fewer points; 0 follows every edge.
    pub simplify: f64,
    /// StructureSetLabel, at most 16 characters.
    pub label: Option<String>,
}

/// Writes a label map as contours (RTSTRUCT).
///
/// # Errors
/// As [`RtStructWriter::new`] and [`RtStructWriter::write`]; [`Error::Segments`](vesalius_dicom::Error::Segments) for a label without a name.
pub fn write_rtstruct(
    labels: impl AsRef<Path>,
    source: impl AsRef<Path>,
    output: impl AsRef<Path>,
    options: &ClinicOptions,
    form: &ContourForm,
) -> Result<WrittenRtStruct> {
    let (labels, source, output) = (labels.as_ref(), source.as_ref(), output.as_ref());
    let series: Series = choose_series(source, &options.source)?;
    let map: LabelMap<u32> = read_labels_with(labels, &options.read)?;
    let mut writer = RtStructWriter::with_options(&series, &options.source_options())?
        .segments(options.meanings(labels)?)
        .grid(options.grid)
        .holes(form.holes);
    if form.simplify != 0.0 {
        writer = writer.simplify(form.simplify);
    }
    if let Some(earlier) = options.earlier()? {
        writer = writer.predecessor(earlier);
    }
    if let Some(label) = &form.label {
        writer = writer.label(label);
    }
    if let Some(description) = &options.description {
        writer = writer.description(description);
    }
    writer.write(&map, output)
}
