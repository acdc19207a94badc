//! Labels in a file as DICOM objects that belong to the series they were made from.

mod contours;
mod picture;
mod report;
mod seg;

pub use contours::{ContourForm, write_rtstruct};
pub use picture::write_picture;
pub(crate) use picture::{draw, write as write_drawn};
pub(crate) use report::on_image;
pub use report::write_report;
pub use seg::{SegForm, write_seg};

use crate::label_names::label_names;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vesalius_control::Control;
use vesalius_dicom::{
    Error, GridRule, OwnResultRule, Predecessor, Result, Segment, SegmentDescriptions,
    SourceOptions,
};
use vesalius_io::{ReadOptions, probe_with};

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
    /// An earlier object of the same patient and study, which the new one replaces and names.
    pub predecessor: Option<PathBuf>,
    /// What becomes of a source that this library made.
    pub own_results: OwnResultRule,
    /// Progress and cancellation.
    pub control: Control,
}

impl ClinicOptions {
    fn source_options(&self) -> SourceOptions {
        SourceOptions::default()
            .control(self.control.clone())
            .own_results(self.own_results)
    }

    fn earlier(&self) -> Result<Option<Predecessor>> {
        self.predecessor.as_ref().map(Predecessor::open).transpose()
    }

    /// What the labels of a file mean, by the description that is given, else by their names.
    fn meanings(&self, labels: &Path) -> Result<Vec<Segment>> {
        match &self.segments {
            Some(path) => Ok(SegmentDescriptions::read(path)?.segments),
            None => Ok(segments(labels, self)),
        }
    }
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
