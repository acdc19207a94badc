//! Zip and tar archives of images, read as the folder that they unpack to. Members are read in memory, one by one where
//! the archive allows it; nothing is unpacked to disk, so the paths of members are names alone.

mod kind;
mod member;
mod names;
mod tar;
mod zip;

pub(crate) use kind::Kind;
pub(crate) use member::Member;

use crate::place::Place;
use crate::{Error, ReadOptions, Result, custom, dicom, format, is_image};
use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// The files of an archive.
#[derive(Debug, Default)]
pub(crate) struct Archive {
    /// Those that can be read, by name.
    pub members: Vec<Place>,
    /// Those that cannot, and why.
    pub broken: Vec<(PathBuf, String)>,
}

/// A place whose content is that of an archive, where it is one, else the place itself. Archives of another kind, such
/// as `.npz`, and those of user-defined formats stay files.
///
/// # Errors
/// A damaged archive, and one that unpacks to far more than its length.
pub(crate) fn opened<'a>(place: &'a Place, options: &ReadOptions) -> Result<Cow<'a, Place>> {
    let usual = Cow::Borrowed(place);
    if place.is_folder()
        || place.archive().is_some()
        || custom::of_content(place, &options.registry)?.is_some()
    {
        return Ok(usual);
    }
    let head = format::head(place)?;
    if format::detect(&head.bytes).is_some() {
        return Ok(usual);
    }
    let Some(kind) = Kind::of(&head) else {
        return Ok(usual);
    };
    let mut archive = match kind {
        Kind::Zip => zip::read(place, options)?,
        Kind::Tar | Kind::PackedTar(_) => tar::read(place, kind, options)?,
    };
    archive.members.sort_by(|a, b| a.path().cmp(b.path()));
    names::make_unique(&mut archive.members);
    Ok(Cow::Owned(place.opened(archive)))
}

/// Whether a file is called as a zip or tar archive, which is read as the folder that it unpacks to.
///
/// ```
/// assert!(vesalius_io::is_archive("study.zip") && vesalius_io::is_archive("study.tar.gz"));
/// assert!(!vesalius_io::is_archive("scan.nii.gz"));
/// ```
pub fn is_archive(path: impl AsRef<Path>) -> bool {
    let name = path.as_ref().to_string_lossy().to_ascii_lowercase();
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// The endings of the names of archives.
pub(crate) const ENDINGS: [&str; 5] = [".zip", ".tar", ".tar.gz", ".tgz", ".tar.zst"];

impl Archive {
    /// Whether a member is a DICOM file.
    pub fn holds_dicom(&self) -> bool {
        self.members.iter().any(dicom::is_file)
    }

    /// The only image of an archive that holds no DICOM, in memory.
    ///
    /// # Errors
    /// No image, or several, by their names; a member that cannot be unpacked.
    pub fn lone_image(&self, path: &Path, options: &ReadOptions) -> Result<Place> {
        let is_named = |member: &&Place| is_image(member.path());
        let images: Vec<&Place> = self.members.iter().filter(is_named).collect();
        match images[..] {
            [image] if !self.holds_dicom() => image.unpacked(options.max_bytes),
            _ if self.holds_dicom() => Err(Error::unsupported(
                path,
                "opening an archive of DICOM files for reading in parts",
                "read it whole",
            )),
            [] => Err(self.without_image(path)),
            _ => Err(Error::unsupported(
                path,
                format!("an archive of several images ({})", listed(path, &images)),
                "unpack it, and read one of them",
            )),
        }
    }

    fn without_image(&self, path: &Path) -> Error {
        let path = path.to_owned();
        match &self.broken[..] {
            [] => {
                let members: Vec<&Place> = self.members.iter().collect();
                let members = match listed(&path, &members) {
                    none if none.is_empty() => "no file".to_owned(),
                    some => some,
                };
                Error::NotAnImage {
                    path,
                    found: format!(
                        "a zip archive or tar archive without DICOM files or a volume ({members}); unpack it to read what it holds"
                    ),
                }
            }
            [(file, reason), ..] => Error::Unreadable {
                path,
                count: self.broken.len(),
                file: file.clone(),
                reason: reason.clone(),
            },
        }
    }
}

/// The first names of members, without that of the archive.
fn listed(path: &Path, members: &[&Place]) -> String {
    const MOST: usize = 8;
    let name = |member: &&Place| {
        let within = member.path().strip_prefix(path);
        within.unwrap_or(member.path()).display().to_string()
    };
    let mut names: Vec<String> = members.iter().take(MOST).map(name).collect();
    if members.len() > MOST {
        names.push(format!("and {} more", members.len() - MOST));
    }
    names.join(", ")
}
