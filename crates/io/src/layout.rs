//! Where a file's voxels are and how they are stored: the common form of every format's header.

use crate::composite::Composite;
use crate::place::Place;
use crate::stored_order::StoredOrder;
use crate::{Error, FileVoxel, Format, LabelName, Result, VoxelType, zstd};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vesalius_volume::{Geometry, Warning, check_memory};

/// The scaling of stored values: `slope · value + intercept`, in f64.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Scaling {
    /// Factor.
    pub slope: f64,
    /// Summand.
    pub intercept: f64,
}

impl Scaling {
    /// No scaling.
    pub const IDENTITY: Self = Self {
        slope: 1.0,
        intercept: 0.0,
    };
}

/// The content of a header, without the voxels.
///
/// ```
/// use vesalius_io::{Format, VoxelType, probe, write};
/// use vesalius_volume::{Geometry, Volume};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("scan.nii.gz");
/// let grid = Geometry::axis_aligned([4, 4, 2], [0.5, 0.5, 3.0])?;
/// write(&path, &Volume::filled(grid, -1000_i16))?;
///
/// let info = probe(&path)?;
/// assert_eq!((info.format, info.voxel_type), (Format::Nifti1, VoxelType::I16));
/// assert_eq!(info.geometry.spacing(), [0.5, 0.5, 3.0]);
/// assert!(info.compressed && info.warnings.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImageInfo {
    /// The file or folder.
    pub path: PathBuf,
    /// Its format.
    pub format: Format,
    /// Size and position, RAS+ mm.
    pub geometry: Geometry,
    /// Channels; a fourth axis counts as channels here.
    pub channels: usize,
    /// The type the file stores.
    pub voxel_type: VoxelType,
    /// The scaling of stored values.
    pub scaling: Scaling,
    /// Whether the voxels are compressed.
    pub compressed: bool,
    /// Names and colours of labels, where the format has them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<LabelName>,
    /// Text fields of the header, by their names there.
    pub metadata: BTreeMap<String, String>,
    /// Fields of a NIfTI header that conversions and results carry on; of DICOM the time from volume to volume.
    #[serde(skip)]
    pub nifti: Option<Box<crate::NiftiFields>>,
    /// What was decided where the header is ambiguous, wrong or incomplete.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// How the bytes of the voxels, or of a file, are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    Raw,
    Gzip,
    Zlib,
    Zstd,
    Bzip2,
    Ascii,
    Hex,
}

impl Packing {
    /// How a file is packed that begins with these bytes.
    pub fn of_file(bytes: &[u8]) -> Self {
        match bytes {
            [0x1f, 0x8b, ..] => Self::Gzip,
            _ if zstd::detect(bytes) => Self::Zstd,
            _ => Self::Raw,
        }
    }

    /// Whether it is a stream that [`crate::gzip::Unpack`] reads.
    pub fn is_stream(self) -> bool {
        matches!(self, Self::Gzip | Self::Zlib | Self::Zstd)
    }

    /// How many times their length bytes can unpack to.
    pub fn largest_ratio(self) -> u64 {
        match self {
            // A block of 128 KiB takes four bytes.
            Self::Zstd => 1 << 15,
            _ => 1032,
        }
    }

    /// What users call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "plain",
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Zstd => "Zstandard",
            Self::Bzip2 => "bzip2",
            Self::Ascii => "text",
            Self::Hex => "hex",
        }
    }
}

/// Which real numbers count as whole ones, for an integer type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Whole {
    /// Whole numbers.
    #[default]
    Exact,
    /// Whole numbers but for rounding in single precision.
    Near,
    /// All, rounded.
    Round,
}

/// Where the voxels lie.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// The data file; several when each holds an equal share.
    pub files: Vec<Place>,
    /// Byte of the file where the voxels, or the packed stream, begin.
    pub start: u64,
    pub packing: Packing,
    /// Bytes of the unpacked stream before the voxels.
    pub skip: u64,
    pub voxel_type: VoxelType,
    pub big_endian: bool,
    pub scaling: Scaling,
    pub size: [usize; 3],
    pub channels: usize,
    /// Whether the channels of a voxel are interleaved.
    pub interleaved: bool,
    /// The order of the axes, where it is neither x, y, z, channels nor that with the channels first.
    pub order: Option<StoredOrder>,
    /// Whether bytes behind the voxels belong to the format.
    pub open_end: bool,
    /// Which real numbers an integer type takes.
    pub whole: Whole,
}

impl Layout {
    /// The first data file; every parser names at least one.
    pub fn file(&self) -> &Place {
        &self.files[0]
    }

    pub fn truncated(&self, file: usize, expected: u64, offset: u64) -> Error {
        Error::Truncated {
            path: self.files[file].path().to_owned(),
            what: "header and voxels".to_owned(),
            expected,
            offset,
        }
    }

    /// Whether the voxels can only be loaded together.
    pub fn is_loaded_whole(&self) -> bool {
        let unpacked_at_once =
            matches!(self.packing, Packing::Bzip2 | Packing::Ascii | Packing::Hex);
        self.files.len() > 1 || unpacked_at_once || self.order.is_some()
    }

    pub fn values(&self) -> usize {
        // The header was refused if this product overflowed.
        self.size.iter().product::<usize>() * self.channels
    }

    pub fn bytes(&self) -> u64 {
        self.values() as u64 * self.voxel_type.bytes() as u64
    }

    /// Refuses voxels that take more than the caller's limit, before anything is allocated.
    pub fn check_limit<T: FileVoxel>(&self, path: &Path, limit: u64) -> Result<()> {
        let width = self.voxel_type.bytes().max(T::TYPE.bytes()) as u64;
        let needed = (self.values() as u64).saturating_mul(width);
        if needed > limit {
            return Err(Error::TooLarge {
                path: path.to_owned(),
                needed,
                limit,
            });
        }
        Ok(())
    }

    /// Refuses voxels that do not fit into the machine's memory, with `beside` more bytes each.
    pub fn check_machine<T: FileVoxel>(&self, path: &Path, beside: usize) -> Result<()> {
        let width = T::TYPE.bytes() + beside;
        check_memory("the image", self.size, self.channels, width, None)
            .map_err(|source| Error::volume(path, source))
    }

    /// The warning about bytes after the voxels.
    pub fn surplus(&self, bytes: u64) -> Option<Warning> {
        (bytes > 0 && !self.open_end).then(|| Warning::SurplusData {
            file: self.file().path().to_owned(),
            bytes,
        })
    }
}

/// A header in full: its content, and where the voxels are.
#[derive(Debug, Clone)]
pub(crate) struct Parsed {
    pub info: ImageInfo,
    pub layout: Layout,
    /// All dimensions as the file has them.
    pub extent: Vec<u64>,
    /// Name of an axis that may be time, when the file has one with more than one voxel.
    pub fourth_axis: Option<String>,
    /// What the channels of a voxel are together, where they are parts of one value.
    pub composite: Option<Composite>,
    pub extensions: Vec<crate::Extension>,
}

/// The product of all dimensions, if the voxels of `width` bytes can be addressed.
pub(crate) fn checked_values(path: &Path, extent: &[u64], width: usize) -> Result<usize> {
    extent
        .iter()
        .try_fold(1u64, |product, &n| product.checked_mul(n))
        .filter(|&n| {
            n.checked_mul(width as u64)
                .is_some_and(|b| b <= i64::MAX as u64)
        })
        .and_then(|n| usize::try_from(n).ok())
        .ok_or_else(|| {
            Error::header(
                path,
                "the size",
                format!("{extent:?}"),
                "a number of voxels that a computer can address",
            )
        })
}
