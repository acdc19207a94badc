//! What can be wrong with a file: what was found, what was expected, where, and what to do.

use std::path::{Path, PathBuf};
use vesalius_volume::ErrorKind;

/// An error of this crate. Every message names the file and a remedy.
///
/// ```
/// use vesalius_io::{Error, read};
/// use vesalius_volume::ErrorKind;
///
/// let error = read("no/such/scan.nii.gz").unwrap_err();
/// assert!(matches!(error, Error::Read { .. }));
/// assert_eq!(error.kind(), ErrorKind::NotFound);
/// assert!(error.to_string().contains("scan.nii.gz"), "the message names the file");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is missing or may not be read.
    #[error("cannot read {path}: {source}; check the name and the permissions")]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The file could not be written; an existing file is unchanged.
    #[error(
        "cannot write {path}: {source}; the folder must exist, be writable and have room (what stood there before is untouched)"
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// Another process writes the folder.
    #[error("{} is being written by {}; {advice}", folder.display(), named(holders))]
    Locked {
        /// The folder.
        folder: PathBuf,
        /// The holders; none where the lock file could not be read.
        holders: Vec<crate::LockHolder>,
        /// The remedy.
        advice: String,
    },
    /// A folder cannot be locked for writing.
    #[error(
        "{path} cannot be locked ({source}); choose an output folder that exists or can be made, and that can be written"
    )]
    Lock {
        /// The lock file, or the folder.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The file ends before the data in its header.
    #[error(
        "{path} is truncated: {what} need {expected} bytes, but the data end at byte {offset}; copy or download the file again"
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// What was being read.
        what: String,
        /// Bytes needed, counted in the uncompressed stream.
        expected: u64,
        /// Where the data end, counted in the uncompressed stream.
        offset: u64,
    },
    /// The compressed stream is damaged.
    #[error(
        "{path} is damaged: its compressed data fail at byte {offset} of the uncompressed stream ({reason}); copy or download the file again"
    )]
    Compression {
        /// The file.
        path: PathBuf,
        /// How far decompression came.
        offset: u64,
        /// What failed, such as the check sum.
        reason: String,
    },
    /// The content is not an image of a known format.
    #[error(
        "{path} is not an image this program reads: found {found}; expected NIfTI, MetaImage, NRRD, MGH, ANALYZE, NumPy or DICOM (the content decides, not the name)"
    )]
    NotAnImage {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: String,
    },
    /// An RTSTRUCT file holds contours and no voxels.
    #[error(
        "{path} holds contours (RTSTRUCT) and no voxels; `read_structures` reads them, and `convert_structures` fills them on the image on which they were drawn"
    )]
    Contours {
        /// The file.
        path: PathBuf,
    },
    /// The name has no ending of a format to write.
    #[error(
        "cannot tell from the name {path} which format to write; end it in .nii, .nii.gz, .hdr, .img, .mha, .mhd, .nrrd, .nhdr, .mgh or .mgz"
    )]
    UnknownExtension {
        /// The file.
        path: PathBuf,
    },
    /// A field of the header contradicts the format.
    #[error("{path}: {field} is {found}, expected {expected}")]
    Header {
        /// The file.
        path: PathBuf,
        /// The field of the header.
        field: String,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: String,
    },
    /// A valid file that this crate does not read or write.
    #[error("{path}: {what} is not supported; {remedy}")]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What the file has.
        what: String,
        /// What to do instead.
        remedy: String,
    },
    /// The file has no position of its voxels.
    #[error(
        "{path} does not say where its voxels lie: {found}; if you know the spacing, give it as `ReadOptions::assume_spacing` [x, y, z] in mm"
    )]
    NoGeometry {
        /// The file.
        path: PathBuf,
        /// What the header holds instead.
        found: String,
    },
    /// A NIfTI file without the form that was asked for.
    #[error("{path} has no {form} (its code is 0), which `ReadOptions::form` asks for; {remedy}")]
    NoSuchForm {
        /// The file.
        path: PathBuf,
        /// `sform` or `qform`.
        form: &'static str,
        /// What to do instead.
        remedy: String,
    },
    /// The image has more axes than three.
    #[error(
        "{path} has {axes} ({extent:?} voxels); a volume has three axes: ask for `FourthAxis::Channels` if they are channels, or split the series"
    )]
    FourthAxis {
        /// The file.
        path: PathBuf,
        /// What the axes are.
        axes: String,
        /// All dimensions as the file has them.
        extent: Vec<u64>,
    },
    /// Voxels that are colours, of which nothing was chosen.
    #[error(
        "{path} holds colours, of which a voxel has several values; choose `ColorAs::Luminance` or `ColorAs::Channels` in `ReadOptions::color`"
    )]
    Color {
        /// The file.
        path: PathBuf,
    },
    /// Voxels that are complex numbers, of which nothing was chosen.
    #[error(
        "{path} holds complex numbers; choose `ComplexAs::Magnitude`, `ComplexAs::Phase` or `ComplexAs::Channels` in `ReadOptions::complex`"
    )]
    Complex {
        /// The file.
        path: PathBuf,
    },
    /// A label map of several channels, of which none was chosen.
    #[error(
        "{path} has {channels} channels{layers}, and a label map has one value a voxel; choose one by `ReadOptions::layer`, or combine them by `LabelChannels::OneHot` or `LabelChannels::Largest` in `ReadOptions::label_channels`"
    )]
    LabelChannels {
        /// The file.
        path: PathBuf,
        /// How many.
        channels: usize,
        /// What the layers hold, where the file names it.
        layers: String,
    },
    /// A voxel that does not fit the requested type.
    #[error(
        "{path}: value {value} at voxel {index:?}, channel {channel}, does not fit; expected {expected}"
    )]
    Value {
        /// The file.
        path: PathBuf,
        /// The value found.
        value: String,
        /// The voxel, `[x, y, z]`.
        index: [usize; 3],
        /// The channel.
        channel: usize,
        /// What the caller can hold.
        expected: String,
    },
    /// A value between those of DICOM slices, which is not whole, where whole numbers are read.
    #[error(
        "{path}: value {value} at voxel {index:?} lies between those of the slices and is no whole number; read real numbers (`read_as::<f32>`), or round with `ReadOptions::round`"
    )]
    Interpolated {
        /// The file or folder.
        path: PathBuf,
        /// The value.
        value: f64,
        /// The voxel, `[x, y, z]`.
        index: [usize; 3],
    },
    /// A value that the type to be stored cannot hold.
    #[error(
        "{path}: value {value} at voxel {index:?}, channel {channel}, does not fit; expected {expected} (choose another type, or round real values with `WriteOptions::round`)"
    )]
    NotStorable {
        /// The file to be written.
        path: PathBuf,
        /// The value.
        value: String,
        /// The voxel, `[x, y, z]`.
        index: [usize; 3],
        /// The channel.
        channel: usize,
        /// What the type holds.
        expected: String,
    },
    /// The image needs more memory than allowed.
    #[error(
        "{path} needs {needed} bytes of memory, the limit is {limit}; raise `ReadOptions::max_bytes` if the file is right"
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Bytes the image needs.
        needed: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// A region that reaches outside of the image.
    #[error(
        "{path}: the region that starts at {start:?} with size {region:?} reaches outside of the image's {size:?} voxels"
    )]
    Region {
        /// The file.
        path: PathBuf,
        /// First voxel of the region.
        start: [usize; 3],
        /// Size of the region.
        region: [usize; 3],
        /// Size of the image.
        size: [usize; 3],
    },
    /// The slices of a DICOM series are not one uniform stack.
    #[error("{path}: series {series}: {problem}")]
    Slices {
        /// The file or folder.
        path: PathBuf,
        /// Which series.
        series: String,
        /// What is wrong with it.
        problem: crate::SliceProblem,
    },
    /// A series whose standardised uptake values (SUV) cannot be known.
    #[error(
        "{path}: no SUV can be computed: {reason}; read it without `DicomOptions::suv` for the numbers of the files, or {remedy}"
    )]
    Suv {
        /// The file or folder.
        path: PathBuf,
        /// What is missing or contradictory, with its tag.
        reason: String,
        /// What would make it computable.
        remedy: &'static str,
    },
    /// Several arrays in one `.npz`, and none, or one that is not there, was chosen.
    #[error("{path} holds several arrays; name one in `ReadOptions::array`: {found}")]
    SeveralArrays {
        /// The file.
        path: PathBuf,
        /// The arrays.
        found: String,
    },
    /// Several DICOM series, and none was chosen.
    #[error(
        "{path} holds several series; name one by UID, number or description in `ReadOptions::series`: {found}"
    )]
    SeveralSeries {
        /// The file or folder.
        path: PathBuf,
        /// The series.
        found: String,
    },
    /// The DICOM series has several volumes, such as echoes or times, and none was chosen.
    #[error(
        "{path} holds a series of several volumes; name one by its name or number in `ReadOptions::volume`, or after `/` in `ReadOptions::series`, or read all with `VolumeChoice::All`: {found}"
    )]
    SeveralVolumes {
        /// The file or folder.
        path: PathBuf,
        /// The volumes.
        found: String,
    },
    /// No DICOM series has the name that was given.
    #[error("{path} holds no series `{name}`; there are: {found}")]
    NoSuchSeries {
        /// The file or folder.
        path: PathBuf,
        /// The name that was given.
        name: String,
        /// The series.
        found: String,
    },
    /// No volume of the DICOM series has the name or the number that was given.
    #[error("{path} holds no volume `{name}` of the series asked for; there are: {found}")]
    NoSuchVolume {
        /// The file or folder.
        path: PathBuf,
        /// The name or number that was given.
        name: String,
        /// The volumes.
        found: String,
    },
    /// Some of the requested DICOM files cannot be read.
    #[error(
        "{count} in {path} cannot be read, so a slice may be missing; the first: {file}: {reason}; remove or replace them",
        count = match count {
            1 => "1 DICOM file".to_owned(),
            _ => format!("{count} DICOM files"),
        }
    )]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// How many.
        count: usize,
        /// The first of them.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Something had to be decided that is missing or wrong in the file, and the options refuse that.
    #[error(
        "{path}: {warning}; refused, as `ReadOptions::on_warning` asks: correct the file, or accept what is decided"
    )]
    Warned {
        /// The file.
        path: PathBuf,
        /// What had to be decided.
        warning: Box<vesalius_volume::Warning>,
    },
    /// The work was cancelled through [`ReadOptions::control`](crate::ReadOptions::control) or
    /// [`WriteOptions::control`](crate::WriteOptions::control); nothing was written.
    #[error("{path}: {source}")]
    Cancelled {
        /// The file or folder.
        path: PathBuf,
        /// That it was cancelled.
        source: vesalius_control::Cancelled,
    },
    /// A user-defined format refused the file or the image.
    #[error("{path}: {format}: {source}")]
    Custom {
        /// The file.
        path: PathBuf,
        /// The format's name.
        format: String,
        /// Its error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A user-defined format that the registry cannot make.
    #[error("{path}: {source}")]
    Registry {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: vesalius_registry::Error,
    },
    /// A geometry that is not usable, or voxels that memory does not hold.
    #[error("{path}: {source}")]
    Volume {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: vesalius_volume::Error,
    },
}

fn named(holders: &[crate::LockHolder]) -> String {
    match holders {
        [] => "another process".to_owned(),
        _ => {
            let each: Vec<String> = holders.iter().map(ToString::to_string).collect();
            each.join(", ")
        }
    }
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Read { source, .. } | Self::Write { source, .. } | Self::Lock { source, .. } => {
                ErrorKind::of_io(source)
            }
            Self::Locked { .. } => ErrorKind::Busy,
            Self::Truncated { .. }
            | Self::Compression { .. }
            | Self::Header { .. }
            | Self::Unreadable { .. } => ErrorKind::Corrupt,
            Self::Unsupported { .. } | Self::Suv { .. } => ErrorKind::Unsupported,
            Self::TooLarge { .. } => ErrorKind::OutOfMemory,
            Self::Custom { source, .. } => match source.downcast_ref() {
                Some(system) => ErrorKind::of_io(system),
                None => ErrorKind::BadInput,
            },
            Self::Registry { source, .. } => source.kind(),
            Self::Cancelled { .. } => ErrorKind::Cancelled,
            Self::NoSuchSeries { .. } | Self::NoSuchVolume { .. } => ErrorKind::NotFound,
            Self::Volume { source, .. } => source.kind(),
            Self::NotAnImage { .. }
            | Self::Contours { .. }
            | Self::UnknownExtension { .. }
            | Self::NoGeometry { .. }
            | Self::NoSuchForm { .. }
            | Self::FourthAxis { .. }
            | Self::Color { .. }
            | Self::Complex { .. }
            | Self::LabelChannels { .. }
            | Self::Value { .. }
            | Self::Interpolated { .. }
            | Self::NotStorable { .. }
            | Self::Region { .. }
            | Self::Slices { .. }
            | Self::SeveralSeries { .. }
            | Self::SeveralArrays { .. }
            | Self::SeveralVolumes { .. }
            | Self::Warned { .. } => ErrorKind::BadInput,
        }
    }

    pub(crate) fn read(path: &Path, source: std::io::Error) -> Self {
        Self::Read {
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn header(
        path: &Path,
        field: impl Into<String>,
        found: impl ToString,
        expected: impl Into<String>,
    ) -> Self {
        Self::Header {
            path: path.to_owned(),
            field: field.into(),
            found: found.to_string(),
            expected: expected.into(),
        }
    }

    pub(crate) fn unsupported(
        path: &Path,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::Unsupported {
            path: path.to_owned(),
            what: what.into(),
            remedy: remedy.into(),
        }
    }

    pub(crate) fn volume(path: &Path, source: vesalius_volume::Error) -> Self {
        Self::Volume {
            path: path.to_owned(),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_tells_damage_from_absence_a_full_disk_and_a_wish_that_makes_no_sense() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.nii.gz");
        let kind = || crate::read(&path).unwrap_err().kind();
        assert_eq!(kind(), ErrorKind::NotFound);
        std::fs::write(&path, "no image").unwrap();
        assert_eq!(kind(), ErrorKind::BadInput);
        let grid = vesalius_volume::Geometry::axis_aligned([8; 3], [1.0; 3]).unwrap();
        let image = vesalius_volume::Volume::from_fn(grid, |[x, ..]| x as f32);
        crate::write(&path, &image).unwrap();
        let small = crate::ReadOptions {
            max_bytes: 100,
            ..crate::ReadOptions::default()
        };
        let refused = crate::read_with(&path, &small).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::OutOfMemory);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 9]).unwrap();
        assert_eq!(kind(), ErrorKind::Corrupt);
        let full = Error::Write {
            path,
            source: std::io::ErrorKind::StorageFull.into(),
        };
        assert_eq!(full.kind(), ErrorKind::System);
    }
}
