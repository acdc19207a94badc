//! DICOM in an input: a folder that holds a series, and a file that is one slice of many.

use std::path::Path;
use vesalius_io::{ReadOptions, list_series_with, probe};
use vesalius_volume::Warning;

/// Whether a folder, or a folder in it, or an archive, holds DICOM files with pixels; several series are separated when they are
/// read.
pub(super) fn holds_series(folder: &Path) -> bool {
    let listed = list_series_with(folder, &ReadOptions::default());
    listed.is_ok_and(|list| !list.series.is_empty() || !list.unreadable.is_empty())
}

/// The warning for a file that is one slice of many, which is no case.
pub(super) fn one_of_series(file: &Path) -> Option<Warning> {
    let told = probe(file).ok()?.warnings.into_iter();
    let mut told = told.filter(|told| matches!(told, Warning::OneSliceOfSeries { .. }));
    told.next()
}
