//! An RTSTRUCT file to a file of labels.

use super::{StructureOptions, read_structures};
use crate::{
    Error, LabelName, ReadOptions, Result, WriteOptions, list_series_with, probe_with,
    strip_extension, write_label_names, write_labels_with,
};
use std::path::{Path, PathBuf};
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
    let (mine, other) = (
        &structures.frame_of_reference,
        info.metadata.get("FrameOfReferenceUID"),
    );
    if let Some(other) = other.filter(|other| !mine.is_empty() && *other != mine) {
        return Err(Error::header(
            &structures.path,
            "FrameOfReferenceUID",
            mine,
            format!(
                "{other}, that of the image; choose the image on which the contours were drawn"
            ),
        ));
    }
    let (labels, names) = structures.label_map(&info.geometry, &options.structures)?;
    let write = WriteOptions {
        labels: names.clone(),
        ..options.write.clone()
    };
    write_labels_with(output, &labels, &write)?;
    if !target.keeps_labels() {
        let beside: PathBuf = output.with_file_name(format!("{}.label", strip_extension(output)));
        write_label_names(beside, &names)?;
    }
    let warnings = info.warnings.iter().chain(labels.warnings()).cloned();
    Ok((names, warnings.collect()))
}

/// The series of a folder that the contours name, where it is there and there are others.
fn drawn_on(named: &[String], image: &Path, read: &ReadOptions) -> Option<String> {
    let list = image
        .is_dir()
        .then(|| list_series_with(image, read).ok())??;
    let mut uids = list.series.iter().map(|series| &series.uid);
    uids.find(|uid| named.contains(uid)).cloned()
}
