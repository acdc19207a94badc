//! An RTSTRUCT file to a file of labels.

use super::{StructureOptions, read_structures};
use crate::convert::write_names_beside;
use crate::{
    LabelName, ReadOptions, Result, WriteOptions, list_series_with, probe_with, write_labels_with,
};
use std::path::Path;
use vesalius_volume::Warning;

/// How contours become a file of labels.
#[derive(Debug, Clone, Default)]
pub struct ConvertStructuresOptions {
    /// Which structures, and what becomes of contours beyond the image.
    pub structures: StructureOptions,
    /// How the image on which they were drawn is read.
    pub read: ReadOptions,
    /// How the output is written; its label names are those of the structures.
    pub write: WriteOptions,
}

/// Fills the contours of `input` on the grid of `image`, any image file or DICOM series, and writes them as labels with
/// names and colours. Gives the names, and what was left out. A format that cannot hold names gets a label description
/// file beside it.
///
/// # Errors
/// As [`read_structures`], [`StructureSet::label_map_on`](super::StructureSet::label_map_on) and
/// [`write_labels_with`].
///
/// ```no_run
/// use vesalius_io::{ConvertStructuresOptions, convert_structures};
///
/// let options = ConvertStructuresOptions::default();
/// convert_structures("plan/RS.dcm", "plan/CT", "organs.seg.nrrd", &options)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn convert_structures(
    input: impl AsRef<Path>,
    image: impl AsRef<Path>,
    output: impl AsRef<Path>,
    options: &ConvertStructuresOptions,
) -> Result<(Vec<LabelName>, Vec<Warning>)> {
    let (image, output) = (image.as_ref(), output.as_ref());
    let target = crate::format::target(output, &options.write.registry)?;
    let structures = read_structures(input)?;
    let mut read = options.read.clone();
    if read.series.is_none() {
        read.series = drawn_on(&structures.series, image, &read);
    }
    let info = probe_with(image, &read)?;
    let frame = info.metadata.get("FrameOfReferenceUID");
    structures.check_frame(frame.map_or("", String::as_str), "image")?;
    let (labels, names) = structures.label_map(&info.geometry, &options.structures)?;
    let write = WriteOptions {
        labels: names.clone(),
        ..options.write.clone()
    };
    write_labels_with(output, &labels, &write)?;
    if !target.keeps_labels() {
        write_names_beside(output, &names)?;
    }
    let warnings = info.warnings.iter().chain(labels.warnings()).cloned();
    Ok((names, warnings.collect()))
}

/// The series of a folder or an archive that the contours name, where it is there and there are others.
fn drawn_on(named: &[String], image: &Path, read: &ReadOptions) -> Option<String> {
    let list = list_series_with(image, read).ok()?;
    let mut uids = list.series.iter().map(|series| &series.uid);
    uids.find(|uid| named.contains(uid)).cloned()
}
