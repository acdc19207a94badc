//! What a file that is not an image is, by its first bytes, and what to do with it.

use crate::format::Head;
use crate::layout::Packing;

/// Where a mark stands, the mark, what has it, and what to do.
type Neighbour = (usize, &'static [u8], &'static str, &'static str);

/// More particular marks come before those that they contain.
const KNOWN: [Neighbour; 45] = [
    (0, b"\x89PNG\r\n", "a PNG picture", PICTURE),
    (
        0,
        b"\xff\xd8\xff",
        "a JPEG picture",
        "convert it to PNG, and read it with `read_picture`",
    ),
    (
        0,
        b"GIF8",
        "a GIF picture",
        "convert it to PNG, and read it with `read_picture`",
    ),
    (0, b"BM", "a BMP picture", PICTURE),
    (0, b"II*\0", "a TIFF picture", PICTURE),
    (0, b"MM\0*", "a TIFF picture", PICTURE),
    (
        0,
        b"II+\0",
        "a BigTIFF picture",
        "write it as TIFF or NIfTI",
    ),
    (
        0,
        b"MM\0+",
        "a BigTIFF picture",
        "write it as TIFF or NIfTI",
    ),
    (
        4,
        b"jP  \r\n",
        "a JPEG 2000 picture",
        "convert it to PNG or TIFF",
    ),
    (
        0,
        b"\xff\x4f\xff\x51",
        "a JPEG 2000 codestream",
        "convert it to PNG or TIFF",
    ),
    (
        0,
        b"v/1\x01",
        "an OpenEXR picture",
        "convert it to TIFF or NIfTI",
    ),
    (8, b"WEBP", "a WebP picture", "convert it to PNG"),
    (0, b"%PDF", "a PDF document", NO_VOXELS),
    (0, b"{\\rtf", "an RTF document", NO_VOXELS),
    (
        0,
        b"\xd0\xcf\x11\xe0",
        "an old Microsoft Office document",
        NO_VOXELS,
    ),
    (
        0,
        b"\x89HDF\r\n",
        "an HDF5 file (MINC 2, ISMRMRD or MATLAB 7.3 among others)",
        HDF5,
    ),
    (0, b"CDF\x01", "a NetCDF file (MINC 1 among others)", MINC),
    (0, b"CDF\x02", "a NetCDF file (MINC 1 among others)", MINC),
    (
        0,
        b"MATLAB 5.0",
        "a MATLAB 5 file",
        "save the array as NIfTI (`niftiwrite`)",
    ),
    (
        0,
        b"MATLAB 7.3",
        "a MATLAB 7.3 file",
        "save the array as NIfTI (`niftiwrite`)",
    ),
    (
        0,
        b"MATRIX7",
        "an ECAT 7 file",
        "convert it to NIfTI or DICOM (`dcm2niix` reads ECAT)",
    ),
    (
        0,
        b"# vtk DataFile",
        "a legacy VTK file",
        "write the image as NRRD or MetaImage (3D Slicer, ParaView, SimpleITK)",
    ),
    (0, b"solid ", "an STL mesh", MESH),
    (0, b"ply\n", "a PLY mesh", MESH),
    (0, b"ply\r", "a PLY mesh", MESH),
    (0, b"\xff\xff\xfe", "a FreeSurfer surface", MESH),
    (
        0,
        b"# === DATA DESCRIPTION FILE",
        "a Philips PAR header",
        "convert PAR and REC to NIfTI (`dcm2niix`)",
    ),
    (
        0,
        b"##TITLE",
        "a Bruker ParaVision parameter file",
        "convert the study to NIfTI (`dcm2niix`, `bruker2nifti`)",
    ),
    (
        0,
        b"!INTERFILE",
        "an Interfile header",
        "convert it to NIfTI or MetaImage",
    ),
    (
        0,
        b"\x80\x02",
        "a Python pickle (perhaps of PyTorch)",
        PICKLE,
    ),
    (0, b"\x80\x04", "a Python pickle", PICKLE),
    (0, b"\x80\x05", "a Python pickle", PICKLE),
    (0, b"IMGF", "a GE Signa image", "export the study as DICOM"),
    (
        0,
        b"GEMS",
        "a GE raw data file (P-file)",
        "reconstruct it on the scanner and export DICOM",
    ),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (0, b"Rar!\x1a\x07", "a RAR archive", UNPACK),
    (0, b"BZh", "a bzip2 archive", UNPACK),
    (0, b"\xfd7zXZ\0", "an xz archive", UNPACK),
    (257, b"ustar", "a tar archive", UNPACK),
    (
        0,
        b"SIMPLE  =",
        "a FITS file",
        "convert it to NIfTI with its spacing",
    ),
    (0, b"SQLite format 3\0", "a SQLite database", NO_VOXELS),
    (0, b"\x7fELF", "a program", NO_VOXELS),
    (0, b"MZ", "a Windows program", NO_VOXELS),
    (
        0,
        b"version https://git-lfs",
        "a Git LFS pointer (the file itself was not downloaded)",
        "fetch it with `git lfs pull`",
    ),
    (0, b"PK\x03\x04", "a zip archive", UNPACK),
];

const PICTURE: &str = "read it with `read_picture`";
const NO_VOXELS: &str = "it holds no volume";
const ZIP: &str = "a zip archive";
const UNPACK: &str = "unpack it first";
const MESH: &str = "it holds a surface, not voxels; export the segmentation as a label map";
const MINC: &str = "convert it to NIfTI (`mnc2nii`)";
const PICKLE: &str = "save the array with `numpy.save`, or as NIfTI";
const HDF5: &str = "convert it to NIfTI (MINC by `mnc2nii`), or reconstruct raw data first";

/// Marks anywhere in the first bytes: formats whose beginnings vary.
const INSIDE: [(&[u8], &str, &str); 8] = [
    (
        b"<VTKFile",
        "a VTK XML file",
        "write the image as NRRD or MetaImage (3D Slicer, ParaView, SimpleITK)",
    ),
    (
        b"ismrmrdHeader",
        "an ISMRMRD header (raw data)",
        "reconstruct the raw data first",
    ),
    (
        b"<xnat:",
        "an XNAT record",
        "download the scans as DICOM or NIfTI",
    ),
    (
        b"<html",
        "a web page, perhaps of a failed download",
        "download the file again",
    ),
    (
        b"<!DOCTYPE html",
        "a web page, perhaps of a failed download",
        "download the file again",
    ),
    (
        b"\"zarr_format\"",
        "the metadata of a Zarr array",
        "write the array as NIfTI or NRRD",
    ),
    (b"mtllib ", "an OBJ mesh", MESH),
    (b"GIFTI", "a GIFTI surface", MESH),
];

/// A few words for a file that is not an image, and what to do with it.
pub(crate) fn nature(head: &Head) -> String {
    let bytes = &head.bytes;
    let within = match head.packing {
        Packing::Raw => String::new(),
        packing => format!("{} data with ", packing.name()),
    };
    if bytes.is_empty() {
        return format!("{within}nothing (it is empty)");
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return format!("{within}{}", zipped(bytes));
    }
    let at = |(at, mark, ..): &&Neighbour| bytes.get(*at..).is_some_and(|b| b.starts_with(mark));
    if let Some((_, _, name, remedy)) = KNOWN.iter().find(at) {
        return format!("{within}{name}; {remedy}");
    }
    let inside = |mark: &[u8]| bytes.windows(mark.len()).any(|found| found == mark);
    if let Some((_, name, remedy)) = INSIDE.iter().find(|(mark, ..)| inside(mark)) {
        return format!("{within}{name}; {remedy}");
    }
    let start: String = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]).into_owned();
    if start
        .chars()
        .all(|c| !c.is_control() && c != '\u{fffd}' || c.is_ascii_whitespace())
    {
        format!("{within}text that begins {:?}", start)
    } else {
        format!(
            "{within}binary data that begin {:02x?}",
            &bytes[..bytes.len().min(8)]
        )
    }
}

/// Whether a zip archive is that of no format of its own.
pub(crate) fn is_plain_zip(bytes: &[u8]) -> bool {
    let is_empty = bytes.starts_with(b"PK\x05\x06");
    is_empty || bytes.starts_with(b"PK\x03\x04") && zip_nature(bytes).0 == ZIP
}

/// Whether the bytes begin an archive of any kind.
pub(crate) fn is_archive(head: &Head) -> bool {
    let bytes = &head.bytes;
    let packed = KNOWN.iter().filter(|(.., remedy)| *remedy == UNPACK);
    let mut packed = packed.filter(|(_, mark, ..)| *mark != b"PK\x03\x04");
    let begins = |(at, mark, ..): &Neighbour| bytes.get(*at..).is_some_and(|b| b.starts_with(mark));
    is_plain_zip(bytes) || crate::archive::Kind::of(head).is_some() || packed.any(begins)
}

/// What a zip archive is, by the name of its first member.
fn zipped(bytes: &[u8]) -> String {
    let (what, remedy) = zip_nature(bytes);
    format!("{what}; {remedy}")
}

fn zip_nature(bytes: &[u8]) -> (&'static str, &'static str) {
    let length = bytes
        .get(26..28)
        .map_or(0, |b| usize::from(u16::from_le_bytes([b[0], b[1]])));
    let name = bytes.get(30..30 + length).unwrap_or(&[]);
    let ends = |ending: &[u8]| name.ends_with(ending);
    match () {
        () if ends(b"/data.pkl") || ends(b".format_version") => {
            ("a PyTorch file (a zip archive with a pickle)", PICKLE)
        }
        () if ends(b".zarray") || ends(b".zgroup") || ends(b"zarr.json") => {
            ("a zipped Zarr array", "write the array as NIfTI or NRRD")
        }
        () if name.starts_with(b"[Content_Types]") => ("an Office document", NO_VOXELS),
        () if ends(b".mrml") || ends(b".mrb") => {
            ("a scene of 3D Slicer", "save its volumes as NRRD or NIfTI")
        }
        () => (ZIP, UNPACK),
    }
}
