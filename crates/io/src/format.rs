//! Which format a file has: by content for reading, by name for writing and for folder listings.

use crate::layout::Packing;
use crate::place::Place;
use crate::{Error, ImageFormat, ReadOptions, Result, custom, gzip};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use vesalius_registry::Registry;

/// An image file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Format {
    /// NIfTI-1, `.nii`, `.nii.gz`, `.nii.zst` (read only) or a pair `.hdr` and `.img`.
    Nifti1,
    /// NIfTI-2.
    Nifti2,
    /// MetaImage, `.mha` or `.mhd` with its data file.
    MetaImage,
    /// NRRD, `.nrrd` or `.nhdr` with its data file.
    Nrrd,
    /// FreeSurfer's `.mgh`, `.mgz`.
    Mgh,
    /// ANALYZE 7.5, a pair `.hdr` and `.img` without a position; read only.
    Analyze,
    /// NumPy's `.npy`, `.npz`, without a position; read only.
    Numpy,
    /// DICOM, a file or a folder.
    Dicom,
    /// A user-defined format, an [`ImageFormat`](crate::ImageFormat).
    Custom,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nifti1 => "NIfTI-1",
            Self::Nifti2 => "NIfTI-2",
            Self::MetaImage => "MetaImage",
            Self::Nrrd => "NRRD",
            Self::Mgh => "MGH",
            Self::Analyze => "ANALYZE 7.5",
            Self::Numpy => "NumPy",
            Self::Dicom => "DICOM",
            Self::Custom => "a format of the program's own",
        })
    }
}

/// Name endings of files that hold one volume each. The `.img` of a pair is left
/// out, so that a listing names each image once.
const VOLUME_ENDINGS: [&str; 11] = [
    ".nii.gz", ".nii.zst", ".nii", ".hdr", ".mha", ".mhd", ".nrrd", ".nhdr", ".mgz", ".mgh.gz",
    ".mgh",
];

const OTHER_ENDINGS: [&str; 11] = [
    ".npy", ".npz", ".hdr.gz", ".img.gz", ".img", ".dcm", ".dicom", ".png", ".bmp", ".tif", ".tiff",
];

fn ending<'a>(name: &str, endings: &[&'a str]) -> Option<&'a str> {
    let lower = name.to_ascii_lowercase();
    endings
        .iter()
        .filter(|ending| lower.len() > ending.len() && lower.ends_with(**ending))
        .max_by_key(|ending| ending.len())
        .copied()
}

pub(crate) fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// Whether the name is that of a file with one volume in it (`.nii`, `.nii.gz`, `.nii.zst`, `.hdr`, `.mha`,
/// `.mhd`, `.nrrd`, `.nhdr`, `.mgh`, `.mgz`); hidden files are not. The file is not opened. DICOM series are folders
/// of files and are found by [`crate::probe`].
///
/// ```
/// use vesalius_io::is_image;
///
/// assert!(is_image("scans/case_01.nii.gz") && is_image("ct.mha"));
/// assert!(!is_image("notes.txt") && !is_image(".hidden.nii"));
/// ```
pub fn is_image(path: impl AsRef<Path>) -> bool {
    let name = file_name(path.as_ref());
    !name.starts_with('.') && ending(&name, &VOLUME_ENDINGS).is_some()
}

/// As [`is_image`], for the endings of user-defined formats too.
pub fn is_image_with(path: impl AsRef<Path>, registry: &Registry) -> bool {
    let path = path.as_ref();
    let hidden = file_name(path).starts_with('.');
    // A format that cannot be made is an error when the file is read.
    is_image(path) || !hidden && matches!(custom::of_name(path, registry), Ok(Some(_)))
}

/// The file's name without its folder and without the ending of its image format:
/// `scans/case.nii.gz` is `case`, `case.seg.nii` is `case.seg`. Other names stay whole.
///
/// ```
/// use vesalius_io::strip_extension;
///
/// assert_eq!(strip_extension("scans/case.nii.gz"), "case");
/// assert_eq!(strip_extension("scans/case.seg.nrrd"), "case.seg");
/// ```
pub fn strip_extension(path: impl AsRef<Path>) -> String {
    let mut name = file_name(path.as_ref());
    let found = ending(&name, &VOLUME_ENDINGS)
        .or_else(|| ending(&name, &OTHER_ENDINGS))
        .or_else(|| ending(&name, &crate::archive::ENDINGS));
    if let Some(found) = found {
        name.truncate(name.len() - found.len());
    }
    name
}

/// As [`strip_extension`], for the endings of user-defined formats too.
pub fn strip_extension_with(path: impl AsRef<Path>, registry: &Registry) -> String {
    let path = path.as_ref();
    let mut name = file_name(path);
    // A format that cannot be made is an error when the file is read.
    let own = custom::of_name(path, registry).ok().flatten();
    match own.as_ref().and_then(|own| ending(&name, own.endings())) {
        Some(found) => {
            name.truncate(name.len() - found.len());
            name
        }
        None => strip_extension(path),
    }
}

/// The kinds of file that can be written.
#[derive(Clone)]
pub(crate) enum Target {
    Nifti { gzip: bool },
    NiftiPair { gzip: bool },
    MetaImage { detached: bool },
    Nrrd { detached: bool },
    Mgh { gzip: bool },
    Custom(Arc<dyn ImageFormat>),
}

impl Target {
    pub fn is_nifti(&self) -> bool {
        matches!(self, Self::Nifti { .. } | Self::NiftiPair { .. })
    }

    /// Whether other programs find the names and colours of labels in the format; those in NIfTI only this crate reads.
    pub fn keeps_labels(&self) -> bool {
        match self {
            Self::Custom(format) => format.keeps_labels(),
            other => matches!(other, Self::Nrrd { .. }),
        }
    }
}

/// Refuses a name without the ending of a format that images are written in, as [`crate::write()`] does.
///
/// # Errors
/// [`Error::UnknownExtension`](crate::Error) with the endings that there are; [`Error::Unsupported`](crate::Error) for
/// `.zst`, which is read and not written.
///
/// ```
/// use vesalius_io::check_name;
/// use vesalius_registry::Registry;
///
/// assert!(check_name("result.nii.gz", &Registry::default()).is_ok());
/// let error = check_name("result.jpg", &Registry::default()).unwrap_err();
/// assert!(error.to_string().contains(".nii.gz"), "the message lists the endings");
/// ```
pub fn check_name(path: impl AsRef<Path>, registry: &Registry) -> Result<()> {
    target(path.as_ref(), registry).map(|_| ())
}

/// The kind of file of a name; user-defined formats come first.
pub(crate) fn target(path: &Path, registry: &Registry) -> Result<Target> {
    if let Some(format) = custom::of_name(path, registry)? {
        return Ok(Target::Custom(format));
    }
    let name = file_name(path).to_ascii_lowercase();
    let ends = |ending: &str| name.len() > ending.len() && name.ends_with(ending);
    Ok(if ends(".nii.gz") {
        Target::Nifti { gzip: true }
    } else if ends(".nii") {
        Target::Nifti { gzip: false }
    } else if ends(".hdr") || ends(".img") {
        Target::NiftiPair { gzip: false }
    } else if ends(".hdr.gz") || ends(".img.gz") {
        Target::NiftiPair { gzip: true }
    } else if ends(".mha") || ends(".mhd") {
        Target::MetaImage {
            detached: ends(".mhd"),
        }
    } else if ends(".nrrd") || ends(".nhdr") {
        Target::Nrrd {
            detached: ends(".nhdr"),
        }
    } else if ends(".mgh") {
        Target::Mgh { gzip: false }
    } else if ends(".mgz") || ends(".mgh.gz") {
        Target::Mgh { gzip: true }
    } else if ends(".zst") {
        return Err(Error::unsupported(
            path,
            "writing Zstandard (.zst)",
            "end the name in .nii.gz, or write .nii and pack it with `zstd`",
        ));
    } else {
        return Err(Error::UnknownExtension {
            path: path.to_owned(),
        });
    })
}

/// Bytes that are enough to recognise every format.
pub(crate) const HEAD: u64 = 1024;

/// The start of a file's content, and whether that is in a stream of gzip or Zstandard.
pub(crate) struct Head {
    pub bytes: Vec<u8>,
    pub packing: Packing,
}

/// The start of a file's content.
///
/// # Errors
/// A file that cannot be opened, and Zstandard data of which nothing can be unpacked: their first block is one piece.
pub(crate) fn head(place: &Place) -> Result<Head> {
    let mut bytes = Vec::new();
    let read = place.open_at(0)?.take(HEAD).read_to_end(&mut bytes);
    read.map_err(|source| Error::read(place.path(), source))?;
    let packing = Packing::of_file(&bytes);
    if packing == Packing::Raw {
        return Ok(Head { bytes, packing });
    }
    let (bytes, fault) = gzip::first_bytes(place.open_at(0)?, packing, HEAD);
    match fault {
        Some(fault) if packing == Packing::Zstd && bytes.is_empty() => {
            Err(gzip::fault(place.path(), 0, 0, &fault))
        }
        // What could be unpacked before a fault is enough here; reading the image reports the fault.
        _ => Ok(Head { bytes, packing }),
    }
}

/// The format of the first bytes.
pub(crate) fn detect(head: &[u8]) -> Option<Format> {
    if let Some(version) = crate::nifti::detect(head) {
        return Some(version);
    }
    if head.starts_with(b"NRRD000") {
        return Some(Format::Nrrd);
    }
    if crate::metaimage::detect(head) {
        return Some(Format::MetaImage);
    }
    if crate::numpy::detect(head) || crate::numpy::detect_archive(head) {
        return Some(Format::Numpy);
    }
    if crate::dicom::detect(head) {
        return Some(Format::Dicom);
    }
    // The weakest marks come last.
    if crate::nifti::detect_analyze(head) {
        return Some(Format::Analyze);
    }
    crate::mgh::detect(head).then_some(Format::Mgh)
}

/// Whether a place is a folder, an archive of DICOM files or a DICOM file, and not one of a user-defined format.
pub(crate) fn is_dicom(place: &Place, options: &ReadOptions) -> Result<bool> {
    if place.is_folder() {
        return Ok(true);
    }
    if let Some(archive) = place.archive() {
        return Ok(archive.holds_dicom());
    }
    if custom::of_content(place, &options.registry)?.is_some() {
        return Ok(false);
    }
    Ok(detect(&head(place)?.bytes) == Some(Format::Dicom))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_ending_of_the_format_is_stripped() {
        for (name, stem) in [
            ("a/case.nii.gz", "case"),
            ("case.seg.nii", "case.seg"),
            ("CASE.NII.GZ", "CASE"),
            ("case.nii.zst", "case"),
            ("x.mha", "x"),
            ("x.img", "x"),
            ("x.dcm", "x"),
            ("notes.txt", "notes.txt"),
            (".nii", ".nii"),
        ] {
            assert_eq!(strip_extension(name), stem);
        }
    }

    #[test]
    fn a_listing_names_each_volume_once() {
        assert!(is_image("a.nii.gz") && is_image("a.hdr") && is_image("b.NRRD"));
        assert!(!is_image("a.img") && !is_image("a.gz") && !is_image("._a.nii.gz"));
    }
}
