//! The candidate files: all below a folder or in an archive, or those that a DICOMDIR names.

use super::file::DicomFile;
use super::tags;
use crate::folder::{LEADS_NOWHERE, below};
use crate::place::Place;
use crate::{Error, ReadOptions, Result};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// A file that cannot be read, and why.
pub(super) type Unread = (PathBuf, String);

/// The candidate files, and those that cannot be read.
pub(super) fn candidates(
    place: &Place,
    options: &ReadOptions,
) -> Result<(Vec<Place>, Vec<Unread>)> {
    if let Some(archive) = place.archive() {
        let members = archive.members.iter();
        let members = members.filter(|member| !member.path().ends_with("DICOMDIR"));
        return Ok((members.cloned().collect(), archive.broken.clone()));
    }
    let on_disk = |files: Vec<PathBuf>| files.into_iter().map(Place::on_disk).collect();
    if place.is_folder() {
        let mut found = below(place.path(), options.watch(place.path()))?;
        // A DICOMDIR lists files that are found anyway.
        found.files.retain(|file| !file.ends_with("DICOMDIR"));
        found.broken.retain(|link| is_called_as_dicom(link));
        let broken = found.broken.into_iter();
        let broken = broken.map(|link| (link, LEADS_NOWHERE.to_owned()));
        return Ok((on_disk(found.files), broken.collect()));
    }
    let listed = directory(place, options)?;
    if listed.is_empty() {
        return Ok((vec![place.clone()], Vec::new()));
    }
    place.expect_neighbours("a DICOMDIR, which names other files,")?;
    Ok((on_disk(listed), Vec::new()))
}

/// Whether a file of this name may be a slice: `IM0001`, `1.2.840`, `a.dcm`, `a.ima`, `a.dcm.gz`.
fn is_called_as_dicom(path: &Path) -> bool {
    ending(path).is_none_or(|ending| {
        let ending = ending.to_ascii_lowercase();
        ending == "dcm" || ending == "ima" || ending == "dicom"
    })
}

/// Whether a file that is no DICOM has the name of one: by its ending, or without an ending where it may have been one.
pub(super) fn is_named_as_dicom(path: &Path, may_be: bool) -> bool {
    match ending(path) {
        None => may_be,
        Some(_) => is_called_as_dicom(path),
    }
}

/// The ending of a name, before that of gzip or Zstandard; a number is none, as it ends the UIDs that files are called by.
pub(super) fn ending(path: &Path) -> Option<OsString> {
    let own = path.extension()?;
    let stem = path.with_extension("");
    let is_packed = own.eq_ignore_ascii_case("gz") || own.eq_ignore_ascii_case("zst");
    let ending = match is_packed {
        true => stem.extension()?,
        false => own,
    };
    let is_number = ending.as_encoded_bytes().iter().all(u8::is_ascii_digit);
    (!is_number).then(|| ending.to_owned())
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
