//! An image as a DICOM series that is derived from another series.

use std::path::Path;
use vesalius_dicom::{Result, SeriesWriter, WrittenSeries};
use vesalius_io::{FileVoxel, ReadOptions, VoxelType, choose_series, probe_with, read_as_with};

/// How the image and the source are read, and what is written.
#[derive(Debug, Clone, Default)]
pub struct DeriveOptions {
    /// How the image is read.
    pub read: ReadOptions,
    /// How the source is read; [`ReadOptions::series`] names a series where there are several.
    pub source: ReadOptions,
    /// SeriesDescription; otherwise the source's and `derived`.
    pub description: Option<String>,
    /// The channel to write, from 0; needed for an image of several.
    pub channel: Option<usize>,
    /// The value for voxels that are not finite, which are refused otherwise.
    pub not_finite: Option<f64>,
}

/// Writes an image as DICOM files into a new folder, with patient, study and frame of reference of a source series. See
/// [`SeriesWriter`].
///
/// # Errors
/// As [`SeriesWriter::new`] and [`SeriesWriter::write`]; [`vesalius_dicom::Error::Io`] for files that cannot be read.
///
/// ```
/// use vesalius_io::{list_series, read_series};
/// use vesalius_workflow::derive::{DeriveOptions, derive_series};
///
/// let folder = tempfile::tempdir()?;
/// let source = vesalius_dicom::example_series(folder.path(), "MR", [6, 5, 4])?;
/// let image = vesalius_io::read(&source)?.map(|value| value / 2.0);
/// let (path, output) = (folder.path().join("half.nii.gz"), folder.path().join("half"));
/// vesalius_io::write(&path, &image)?;
///
/// let written = derive_series(&path, &source, &output, &DeriveOptions::default())?;
/// assert_eq!(written.files.len(), 4);
/// assert_eq!(list_series(&output)?.series[0].uid, written.series_uid);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn derive_series(
    image: impl AsRef<Path>,
    source: impl AsRef<Path>,
    output: impl AsRef<Path>,
    options: &DeriveOptions,
) -> Result<WrittenSeries> {
    let (image, source, output) = (image.as_ref(), source.as_ref(), output.as_ref());
    let mut writer = SeriesWriter::new(&choose_series(source, &options.source)?)?;
    if let Some(description) = &options.description {
        writer = writer.description(description);
    }
    if let Some(channel) = options.channel {
        writer = writer.channel(channel);
    }
    if let Some(value) = options.not_finite {
        writer = writer.not_finite(value);
    }
    if let Some(control) = &options.read.control {
        writer = writer.control(control.clone());
    }
    // Numbers are read as what holds all of them.
    match probe_with(image, &options.read)?.voxel_type {
        VoxelType::F32 => write::<f32>(&writer, image, output, options),
        VoxelType::F64 | VoxelType::U32 | VoxelType::U64 | VoxelType::I64 => {
            write::<f64>(&writer, image, output, options)
        }
        _ => write::<i32>(&writer, image, output, options),
    }
}

fn write<T: FileVoxel>(
    writer: &SeriesWriter,
    image: &Path,
    output: &Path,
    options: &DeriveOptions,
) -> Result<WrittenSeries> {
    let volume = read_as_with::<T>(image, &options.read)?;
    let mut written = writer.write(&volume, output)?;
    written.warnings.splice(0..0, volume.warnings().to_vec());
    Ok(written)
}
