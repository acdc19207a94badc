//! Reads and writes medical images: NIfTI, DICOM series, MetaImage, NRRD.
//!
//! [`read()`] decides by a file's content, [`write()`] by its name; options structs stand beside them. [`ImageBytes`],
//! [`read_from`] and [`write_to`] do the same for memory and streams.
//! Every image has a geometry in RAS+ millimetres, exact to the numbers in the file, or is refused.
//! Files are written whole or not at all. Nothing above this crate opens an image file.

mod ascii;
mod atomic;
mod body;
mod convert;
mod custom;
mod decode;
mod describe;
mod dicom;
mod encode;
mod error;
mod failure;
mod folder;
mod format;
mod gzip;
mod image;
mod kind;
mod labels;
mod layout;
mod lock;
mod metaimage;
mod nifti;
mod nrrd;
mod options;
mod orthonormal;
mod picture;
mod place;
mod read;
mod remedy;
mod sink;
mod source;
mod stream;
mod text;
mod text_header;
mod unfinished;
mod voxel_type;
mod watch;
mod write;

pub use atomic::{write_atomically, write_bytes_atomically};
pub use convert::{ConvertOptions, Converted, convert};
pub use custom::{FormatError, FormatImage, FormatSource, ImageFormat, RegisterImageFormat};
pub use describe::{Described, describe, describe_with};
pub use dicom::{
    DicomOptions, Series, SeriesList, SliceProblem, UnevenSlices, list_series, list_series_with,
    read_series,
};
pub use encode::MakeValues;
pub use error::Error;
pub use failure::machine_failure;
pub use format::{
    Format, check_name, is_image, is_image_with, strip_extension, strip_extension_with,
};
pub use image::{ImageFile, Slab, Slabs, open, open_with};
pub use kind::{Evidence, Kind, kind_of};
pub use labels::{LabelName, read_label_names, write_label_names};
pub use layout::{ImageInfo, Scaling};
pub use lock::{FolderLock, LOCK_FILE, LockAccess, LockHolder};
pub use options::{Extension, FourthAxis, NiftiVersion, OnWarning, ReadOptions, WriteOptions};
pub use orthonormal::orthonormalised;
pub use picture::{PictureKind, is_picture, read_picture, read_picture_with, write_picture};
pub use read::{
    probe, probe_with, read, read_as, read_as_with, read_labels, read_labels_as, read_labels_with,
    read_with,
};
pub use remedy::{RefusedImage, Remedy};
pub use stream::{
    ImageBytes, labels_to_bytes, picture_to_bytes, read_bytes, read_from, read_labels_bytes,
    read_labels_from, to_bytes, write_labels_to, write_picture_to, write_to,
};
pub use text::read_text;
pub use unfinished::remove_unfinished;
pub use voxel_type::{FileVoxel, VoxelType};
pub use write::{write, write_labels, write_labels_with, write_made, write_with};

pub(crate) use layout::Layout;

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
