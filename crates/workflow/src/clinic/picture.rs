//! Labels over the image as a picture that every viewer shows.

use super::ClinicOptions;
use std::path::Path;
use vesalius_control::Control;
use vesalius_dicom::{
    Error, PictureWriter, Result, RgbPicture, Segment, WrittenPicture, WrittenSeg,
};
use vesalius_filters::{
    LabelResampleOptions, MeasureOptions, measure_labels_with, resample_labels,
};
use vesalius_io::{choose_series, read_labels_with, read_series};
use vesalius_view::{Picture, ResultSheet, Scene, SheetRow};
use vesalius_volume::{LabelMap, Volume};

/// Draws labels on the series that they were made from, with a table of volumes and diameters and the line that says that
/// software made them, and writes the picture as a secondary capture.
///
/// # Errors
/// As [`PictureWriter::new`] and [`PictureWriter::write`]; [`Error::Picture`] where nothing can be drawn.
///
/// ```
/// use vesalius_io::{LabelName, WriteOptions, write_labels_with};
/// use vesalius_volume::LabelMap;
/// use vesalius_workflow::clinic::{ClinicOptions, write_picture};
///
/// let folder = tempfile::tempdir()?;
/// let source = vesalius_dicom::example_series(folder.path(), "CT", [16, 15, 8])?;
/// let grid = *vesalius_io::read(&source)?.geometry();
/// let labels = LabelMap::<u16>::from_fn(grid, |[x, ..]| u16::from(x > 8));
/// let (path, output) = (folder.path().join("labels.nrrd"), folder.path().join("picture.dcm"));
/// let named = WriteOptions { labels: vec![LabelName::new(1, "liver")], ..WriteOptions::default() };
/// write_labels_with(&path, &labels, &named)?;
///
/// write_picture(&path, &source, &output, &ClinicOptions::default())?;
/// assert!(output.exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_picture(
    labels: impl AsRef<Path>,
    source: impl AsRef<Path>,
    output: impl AsRef<Path>,
    options: &ClinicOptions,
) -> Result<WrittenPicture> {
    let (labels, source, output) = (labels.as_ref(), source.as_ref(), output.as_ref());
    let series = choose_series(source, &options.source)?;
    let mut writer = PictureWriter::with_options(&series, &options.source_options())?;
    if let Ok(seg) = WrittenSeg::open(labels) {
        writer = writer.segmentation(&seg);
    }
    if let Some(description) = &options.description {
        writer = writer.description(description);
    }
    let map: LabelMap<u16> = read_labels_with(labels, &options.read)?;
    let image: Volume<f32> = read_series(&series, &options.source)?;
    let picture = draw(&image, &map, &options.meanings(labels)?, &options.control)?;
    write(&writer, &picture, output)
}

/// A picture as an object.
pub(crate) fn write(
    writer: &PictureWriter,
    picture: &Picture,
    output: &Path,
) -> Result<WrittenPicture> {
    let size = [picture.width(), picture.height()];
    writer.write(
        RgbPicture::new(size, picture.pixels().as_flattened())?,
        output,
    )
}

/// The sheet of an image and its labels. The table has what was measured on the labels' own grid.
pub(crate) fn draw(
    image: &Volume<f32>,
    labels: &LabelMap,
    segments: &[Segment],
    control: &Control,
) -> Result<Picture> {
    let failed = |error: vesalius_filters::Error| match error {
        vesalius_filters::Error::Cancelled(_) => Error::Cancelled,
        error => Error::Picture(error.to_string()),
    };
    let options = MeasureOptions::default();
    let measured = measure_labels_with(labels, None::<&Volume<f32>>, options, control);
    let rows = measured.map_err(failed)?.into_iter().map(|found| SheetRow {
        label: found.label,
        values: vec![
            format!("{:.2}", found.millilitres()),
            format!("{:.1}", found.slice_diameter.length),
            format!("{:.1}", found.diameter.length),
        ],
    });
    let sheet = ResultSheet {
        columns: ["volume, ml", "in a slice, mm", "longest, mm"]
            .map(str::to_owned)
            .to_vec(),
        rows: rows.collect(),
        ..ResultSheet::default()
    };
    let placed = match labels.geometry().is_same(image.geometry()) {
        true => None,
        false => Some(
            resample_labels(labels, image.geometry(), &LabelResampleOptions::default())
                .map_err(failed)?,
        ),
    };
    let scene = Scene {
        prediction: Some(placed.as_ref().unwrap_or(labels)),
        names: segments
            .iter()
            .map(|segment| (segment.label, segment.name.clone()))
            .collect(),
        colours: segments
            .iter()
            .map(|segment| (segment.label, segment.color))
            .collect(),
        ..Scene::of(image)
    };
    sheet
        .draw(&scene)
        .map_err(|error| Error::Picture(error.to_string()))
}
