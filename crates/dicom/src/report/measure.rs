//! Measuring the segments of a segmentation for its report.

use super::{Intensity, Measurements, ReportWriter};
use crate::space::{dot, flip};
use crate::{Error, Result};
use vesalius_filters::{LabelMeasures, MeasureOptions, Real, measure_labels_with};
use vesalius_volume::{Geometry, Label, LabelMap, Volume};

impl ReportWriter {
    /// Measures the segments: volume, values of the image (its first channel), and the longest diameters within a slice
    /// of the source and in space. `labels` are those that the segmentation was written from, `image` lies on the same
    /// grid. A segment without a voxel has no measurements.
    ///
    /// # Errors
    /// [`Error::Volume`] for an image on another grid, [`Error::Segments`] for a label without a segment,
    /// [`Error::Cancelled`].
    ///
    /// ```
    /// use vesalius_dicom::{ReportWriter, SegWriter, Segment};
    /// use vesalius_io::{ReadOptions, list_series, read_series};
    /// use vesalius_volume::LabelMap;
    /// # let folder = tempfile::tempdir()?;
    /// # let source = vesalius_dicom::example_series(folder.path(), "CT", [6, 5, 4])?;
    ///
    /// let series = &list_series(&source)?.series[0];
    /// let image = read_series::<f32>(series, &ReadOptions::default())?;
    /// let labels = LabelMap::<u16>::from_fn(*image.geometry(), |[x, ..]| u16::from(x > 2));
    /// let seg = SegWriter::new(series)?
    ///     .segments([Segment::named(1, "liver")])
    ///     .write(&labels, folder.path().join("seg.dcm"))?;
    ///
    /// let writer = ReportWriter::new(series, &seg)?;
    /// let measured = writer.measure(&labels, Some(&image))?;
    /// // 60 voxels of 0.8 × 0.7 × 2.5 mm.
    /// assert!((measured[0].volume.unwrap() - 84.0).abs() < 1e-9);
    /// let report = writer.write(&measured, folder.path().join("report.dcm"))?;
    /// assert!(report.warnings.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn measure<T: Label, R: Real>(
        &self,
        labels: &LabelMap<T>,
        image: Option<&Volume<R>>,
    ) -> Result<Vec<Measurements>> {
        self.measure_layers(std::slice::from_ref(labels), image)
    }

    /// As [`ReportWriter::measure`] for the label maps of segments that overlap.
    ///
    /// # Errors
    /// As [`ReportWriter::measure`], and [`Error::Segments`] for a segment of a layer that is not given.
    pub fn measure_layers<T: Label, R: Real>(
        &self,
        layers: &[LabelMap<T>],
        image: Option<&Volume<R>>,
    ) -> Result<Vec<Measurements>> {
        let mut measured = Vec::with_capacity(layers.len());
        for (layer, labels) in layers.iter().enumerate() {
            let options = MeasureOptions::default().slices_along(self.across(labels.geometry()));
            let found =
                measure_labels_with(labels, image, options, &self.control).map_err(failed)?;
            let has_segment = |label: u32| {
                let mut segments = self.seg.segments.iter();
                segments.any(|(_, segment)| (segment.layer, segment.label) == (layer, label))
            };
            if let Some(other) = found.iter().find(|found| !has_segment(found.label)) {
                return Err(Error::Segments(format!(
                    "label {} ({} voxels) is no segment of the segmentation; measure the labels that it was written from",
                    other.label, other.voxels
                )));
            }
            measured.push(found);
        }
        let of = |(number, segment): &(u16, crate::Segment)| {
            let layer = measured.get(segment.layer).ok_or_else(|| {
                Error::Segments(format!(
                    "segment `{}` is in layer {}, and there are {} label maps (layers count from 0)",
                    segment.name,
                    segment.layer,
                    measured.len()
                ))
            })?;
            let found = layer.iter().find(|found| found.label == segment.label);
            Ok(found.map_or_else(
                || Measurements::of(*number),
                |found| measurements(*number, found),
            ))
        };
        self.seg.segments.iter().map(of).collect()
    }

    /// The axis of a grid across the slices of the source.
    fn across(&self, grid: &Geometry) -> usize {
        let Some(normal) = self.source.normal().map(flip) else {
            return 2;
        };
        let directions = grid.direction();
        let along = |axis: usize| dot([0, 1, 2].map(|i| directions[i][axis]), normal).abs();
        (0..3).fold(2, |best, axis| match along(axis) > along(best) {
            true => axis,
            false => best,
        })
    }
}

fn measurements(segment: u16, found: &LabelMeasures) -> Measurements {
    Measurements {
        volume: Some(found.volume),
        intensity: found.intensity.map(|found| Intensity {
            mean: found.mean,
            deviation: found.deviation,
            median: found.median,
            minimum: found.minimum,
            maximum: found.maximum,
            not_finite: found.not_finite,
        }),
        slice_diameter: Some(found.slice_diameter),
        diameter: Some(found.diameter),
        ..Measurements::of(segment)
    }
}

fn failed(error: vesalius_filters::Error) -> Error {
    match error {
        vesalius_filters::Error::Cancelled(_) => Error::Cancelled,
        vesalius_filters::Error::Volume(error) => Error::Volume(error),
        other => Error::Segments(other.to_string()),
    }
}
