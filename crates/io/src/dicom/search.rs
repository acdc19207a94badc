//! Which files to look at: all below a folder, or those that a DICOMDIR names.

use super::file::DicomFile;
use super::tags;
use crate::folder::files_below;
use crate::{Error, ReadOptions, Result};
use std::path::{Component, Path, PathBuf};

/// The files to look at.
pub(super) fn candidates(path: &Path, options: &ReadOptions) -> Result<Vec<PathBuf>> {
    if path.is_dir() {
        let mut files = files_below(path)?;
        // A DICOMDIR lists files that the walk finds anyway.
        files.retain(|file| !file.ends_with("DICOMDIR"));
        return Ok(files);
    }
    let listed = directory(path, options)?;
    Ok(if listed.is_empty() {
        vec![path.to_owned()]
    } else {
        listed
    })
}

/// The files that a DICOMDIR names, all of them below its folder; none for another file.
fn directory(path: &Path, options: &ReadOptions) -> Result<Vec<PathBuf>> {
    let file = DicomFile::open(path, options.max_bytes)?;
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
