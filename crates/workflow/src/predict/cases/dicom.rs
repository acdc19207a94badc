//! DICOM in an input: a folder that holds a series, and a file that is one slice of many.

use std::path::Path;
use vesalius_io::{Format, ReadOptions, list_series_with, probe};

/// What is wrong with one slice in the place of a volume.
pub(super) const ONE_SLICE: &str = "is one slice of a DICOM series, whose other slices stand beside it; give the folder, so that the whole volume is segmented";

/// Whether a folder, or a folder in it, holds DICOM files with pixels; several series are told apart when they
/// are read.
pub(super) fn holds_series(folder: &Path) -> bool {
    let listed = list_series_with(folder, &ReadOptions::default());
    listed.is_ok_and(|list| !list.series.is_empty() || !list.unreadable.is_empty())
}

/// Whether a file is a DICOM file whose series has more files in its folder.
pub(super) fn is_part_of_series(file: &Path) -> bool {
    if !probe(file).is_ok_and(|info| info.format == Format::Dicom && info.geometry.size()[2] == 1) {
        return false;
    }
    let folder = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let Some(name) = file.file_name() else {
        return false;
    };
    let listed = list_series_with(folder, &ReadOptions::default());
    listed.is_ok_and(|list| {
        let mut series = list.series.into_iter();
        series.any(|series| {
            series.files.len() > 1
                && series
                    .files
                    .iter()
                    .any(|other| other.file_name() == Some(name))
        })
    })
}
