//! The candidate files: all below a folder, or those that a DICOMDIR names.

use super::file::DicomFile;
use super::tags;
use crate::folder::below;
use crate::place::Place;
use crate::{Error, ReadOptions, Result};
use std::path::{Component, Path, PathBuf};

/// The candidate files, and links that lead to no file.
pub(super) fn candidates(
    place: &Place,
    options: &ReadOptions,
) -> Result<(Vec<Place>, Vec<PathBuf>)> {
    let on_disk = |files: Vec<PathBuf>| files.into_iter().map(Place::on_disk).collect();
    if place.is_folder() {
        let mut found = below(place.path(), options.watch(place.path()))?;
        // A DICOMDIR lists files that are found anyway.
        found.files.retain(|file| !file.ends_with("DICOMDIR"));
        found.broken.retain(|link| is_called_as_dicom(link));
        return Ok((on_disk(found.files), found.broken));
    }
    let listed = directory(place, options)?;
    if listed.is_empty() {
        return Ok((vec![place.clone()], Vec::new()));
    }
    place.expect_neighbours("a DICOMDIR, which names other files,")?;
    Ok((on_disk(listed), Vec::new()))
}

/// Whether a file of this name may be a slice: `IM0001`, `a.dcm`, `a.ima`.
fn is_called_as_dicom(path: &Path) -> bool {
    path.extension().is_none_or(|ending| {
        let ending = ending.to_ascii_lowercase();
        ending == "dcm" || ending == "ima" || ending == "dicom"
    })
}

/// Whether a file that is no DICOM has the name of one: by its ending, or without an ending and empty.
pub(super) fn is_named_as_dicom(path: &Path, is_empty: bool) -> bool {
    match path.extension() {
        None => is_empty,
        Some(_) => is_called_as_dicom(path),
    }
}

/// The files that a DICOMDIR names, all of them below its folder; none for another file.
fn directory(place: &Place, options: &ReadOptions) -> Result<Vec<PathBuf>> {
    let path = place.path();
    let file = DicomFile::open(place, options.max_bytes)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut files = Vec::new();
    for record in file.set.items(tags::DIRECTORY_RECORDS) {
        let Some(name) = file.text(record, tags::REFERENCED_FILE) else {
            continue;
        };
        let relative: PathBuf = name.split('\\').collect();
        let inside = relative
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !inside {
            return Err(Error::header(
                path,
                "ReferencedFileID",
                format!("`{name}`"),
                "a file in the folder of the DICOMDIR or below it",
            ));
        }
        files.push(folder.join(relative));
    }
    Ok(files)
}
