//! Which files to look at: all below a folder, or those that a DICOMDIR names.

use super::file::DicomFile;
use super::tags;
use crate::folder::files_below;
use crate::place::Place;
use crate::{Error, ReadOptions, Result};
use std::path::{Component, Path, PathBuf};

/// The files to look at.
pub(super) fn candidates(place: &Place, options: &ReadOptions) -> Result<Vec<Place>> {
    if place.is_folder() {
        let mut files = files_below(place.path(), options.watch(place.path()))?;
        // A DICOMDIR lists files that the walk finds anyway.
        files.retain(|file| !file.ends_with("DICOMDIR"));
        return Ok(files.into_iter().map(Place::on_disk).collect());
    }
    let listed = directory(place, options)?;
    if listed.is_empty() {
        return Ok(vec![place.clone()]);
    }
    place.expect_neighbours("a DICOMDIR, which names other files,")?;
    Ok(listed.into_iter().map(Place::on_disk).collect())
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
