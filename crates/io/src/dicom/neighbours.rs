//! Whether a file that is read by itself is one slice of a series whose other slices are in the same folder.

use super::examine::is_dicom;
use super::frame::FileHeader;
use super::group::group;
use super::listing::{Found, header};
use crate::ReadOptions;
use crate::place::Place;
use std::path::{Path, PathBuf};
use vesalius_volume::Warning;

/// How many files of the folder are examined, those nearest by name: a folder may hold thousands of other series.
const LOOKED_AT: usize = 32;

/// A warning where another file in the folder makes one volume with this one.
pub(super) fn one_of_several(
    place: &Place,
    own: &FileHeader,
    options: &ReadOptions,
) -> Option<Warning> {
    // Pictures without a place, such as X-rays, are no stack.
    let is_slice = own.frames.len() == 1 && own.frames[0].position.is_some();
    if place.is_in_memory() || !is_slice {
        return None;
    }
    let folder = match place.path().parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let found = nearest(folder, place.path()).any(|path| {
        let other = Place::on_disk(path);
        let header = is_dicom(&other).then(|| header(&other, options));
        match header {
            Some(Ok(Found::Image(other))) => !is_copy(own, &other) && is_one_volume(own, other),
            _ => false,
        }
    });
    found.then(|| Warning::OneSliceOfSeries {
        folder: folder.to_owned(),
    })
}

/// The files beside one whose names are nearest to its own, the nearest first. No more of them are looked up in the
/// file system than are taken.
fn nearest(folder: &Path, own: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let name = own.file_name();
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.sort_unstable();
    let at = files.iter().position(|file| file.file_name() == name);
    let at = at.unwrap_or(0);
    let mut numbered: Vec<(usize, PathBuf)> = files.into_iter().enumerate().collect();
    numbered.sort_by_key(|(number, _)| number.abs_diff(at));
    let others = numbered
        .into_iter()
        .filter(move |(number, _)| *number != at);
    let files = others.map(|(_, path)| path).filter(|path| path.is_file());
    files.take(LOOKED_AT)
}

/// Whether two files say that they are the same instance.
fn is_copy(own: &FileHeader, other: &FileHeader) -> bool {
    !own.instance_uid.is_empty() && own.instance_uid == other.instance_uid
}

fn is_one_volume(own: &FileHeader, other: Box<FileHeader>) -> bool {
    let groups = group(vec![Box::new(own.clone()), other]);
    let parts = groups.into_iter().map(|group| group.separated(None).len());
    parts.sum::<usize>() == 1
}
