//! Measurements of a segmentation object as a structured report.

use super::ClinicOptions;
use std::path::Path;
use vesalius_dicom::{Error, ReportWriter, Result, WrittenReport, WrittenSeg};
use vesalius_filters::{LabelResampleOptions, resample_labels};
use vesalius_io::{choose_series, read_labels_with, read_series};
use vesalius_volume::{Geometry, Label, LabelMap, Volume};

/// Measures the segments of a segmentation object on the series that it was made from, and writes volumes, intensities and
/// longest diameters as a structured report (TID 1500) that refers to it.
///
/// # Errors
/// As [`WrittenSeg::open`], [`ReportWriter::measure`] and [`ReportWriter::write`]; [`Error::Segments`] for segments that
/// do not lie on the pixels of the series, [`Error::Io`] for overlapping ones, which are no label map.
///
/// ```
/// use vesalius_dicom::{SegWriter, Segment};
/// use vesalius_io::{ReadOptions, choose_series};
/// use vesalius_volume::LabelMap;
/// use vesalius_workflow::clinic::{ClinicOptions, write_report};
///
/// let folder = tempfile::tempdir()?;
/// let source = vesalius_dicom::example_series(folder.path(), "CT", [6, 5, 4])?;
/// let series = choose_series(&source, &ReadOptions::default())?;
/// let labels = LabelMap::<u16>::from_fn(series.geometry.unwrap(), |[x, ..]| u16::from(x > 2));
/// let [seg, output] = ["seg.dcm", "report.dcm"].map(|name| folder.path().join(name));
/// SegWriter::new(&series)?.segments([Segment::named(1, "liver")]).write(&labels, &seg)?;
///
/// let report = write_report(&seg, &source, &output, &ClinicOptions::default())?;
/// assert!(report.path.is_some_and(|path| path.exists()) && report.warnings.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_report(
    seg: impl AsRef<Path>,
    source: impl AsRef<Path>,
    output: impl AsRef<Path>,
    options: &ClinicOptions,
) -> Result<WrittenReport> {
    let (seg, source, output) = (seg.as_ref(), source.as_ref(), output.as_ref());
    let series = choose_series(source, &options.source)?;
    let written = WrittenSeg::open(seg)?;
    let labels: LabelMap<u32> = read_labels_with(seg, &options.read)?;
    let image: Volume<f32> = read_series(&series, &options.source)?;
    let labels = on_image(labels, image.geometry())?;
    let mut writer = ReportWriter::with_options(&series, &written, &options.source_options())?;
    if let Some(suv) = options.source.dicom.suv {
        writer = writer.suv(suv);
    }
    if let Some(earlier) = options.earlier()? {
        writer = writer.predecessor(earlier);
    }
    if let Some(description) = &options.description {
        writer = writer.description(description);
    }
    let measured = writer.measure(&labels, Some(&image))?;
    writer.write(&measured, output)
}

/// The labels on the grid of the image, of which they cover a part; no voxel may be lost or made.
///
/// # Errors
/// [`Error::Segments`] for labels between the voxels of the image.
pub(crate) fn on_image<T: Label>(labels: LabelMap<T>, grid: &Geometry) -> Result<LabelMap<T>> {
    if labels.geometry().is_same(grid) {
        return Ok(labels);
    }
    let failed = |error: vesalius_filters::Error| Error::Segments(error.to_string());
    let placed =
        resample_labels(&labels, grid, &LabelResampleOptions::default()).map_err(failed)?;
    let without_background = |map: &LabelMap<T>| {
        let mut counts = map.counts();
        counts.retain(|label, _| *label != 0);
        counts
    };
    if without_background(&placed) != without_background(&labels) {
        return Err(Error::Segments(
            "the segments do not lie on the pixels of the series, so that measures would depend on how they are resampled; choose the series that the segmentation was made from".to_owned(),
        ));
    }
    Ok(placed)
}
