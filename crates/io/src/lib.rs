//! Reads and writes medical images: NIfTI, MetaImage, NRRD, MGH; reads DICOM series, ANALYZE 7.5 and NumPy arrays.
//!
//! [`read()`] decides by a file's content, [`write()`] by its name; each has a form that ends in `_with` and takes
//! options. [`ImageBytes`], [`read_from`] and [`write_to`] do so for memory and streams. Every image has a geometry
//! in RAS+ millimetres, exact to the numbers in the file, or is refused with an error that names the remedy. Files are
//! written completely or not at all. All other crates read and write images through this one.
//!
//! ```
//! use vesalius_io::{WriteOptions, LabelName, probe, read, read_labels, write, write_labels_with};
//! use vesalius_volume::{Geometry, LabelMap, Volume};
//!
//! let folder = tempfile::tempdir()?;
//! let (scan, mask) = (folder.path().join("scan.nii.gz"), folder.path().join("mask.nrrd"));
//!
//! // A CT of 32 × 32 × 10 voxels of 0.8 × 0.8 × 2.5 mm.
//! let grid = Geometry::axis_aligned([32, 32, 10], [0.8, 0.8, 2.5])?.with_origin([-12.8, -12.8, 100.0])?;
//! write(&scan, &Volume::from_fn(grid, |[x, ..]| if x < 16 { -1000_i16 } else { 60 }))?;
//!
//! // Any format is read as f32 in RAS+ millimetres, with what had to be decided as warnings.
//! let image = read(&scan)?;
//! assert!(image.geometry().is_same(&grid) && image.warnings().is_empty());
//! assert_eq!(image.get(0, [20, 5, 5]), 60.0);
//!
//! // A label map, with the names of its labels.
//! let labels = LabelMap::from_fn(grid, |index| u16::from(image.get(0, index) > 0.0));
//! let liver = LabelName { value: 1, name: "liver".into(), color: [200, 80, 60], layer: 0 };
//! write_labels_with(&mask, &labels, &WriteOptions { labels: vec![liver], ..WriteOptions::new() })?;
//! assert_eq!(read_labels(&mask)?.data(), labels.data());
//! assert_eq!(probe(&mask)?.labels[0].name, "liver");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Contents
//!
//! | topic | items |
//! |---|---|
//! | reading images | [`read()`], [`read_as`] (another number type), [`read_with`], [`ReadOptions`], [`FourthAxis`], [`VolumeChoice`], [`OnWarning`] |
//! | what is ambiguous | [`NiftiForm`], [`ColorAs`], [`ComplexAs`], [`LabelChannels`], [`ArrayAxes`] |
//! | reading label maps | [`read_labels`], [`read_labels_as`], [`read_labels_with`] |
//! | writing | [`write()`], [`write_labels`], [`write_with`], [`write_labels_with`], [`write_made`], [`WriteOptions`] |
//! | headers alone | [`probe`], [`ImageInfo`], [`VoxelType`], [`Scaling`], [`describe`] and [`Described`] (everything below a path) |
//! | parts of an image | [`open`], [`ImageFile::read_region`], [`ImageFile::slabs`] |
//! | memory and streams | [`ImageBytes`], [`read_bytes`], [`read_from`], [`to_bytes`], [`write_to`], [`labels_to_bytes`] |
//! | DICOM | [`list_series`], [`read_series`], [`Series`], [`DicomOptions`], [`UnevenSlices`], [`SliceProblem`], [`Suv`] |
//! | BIDS sidecars (`.json`, `.bval`, `.bvec`) | [`read_sidecar`], [`sidecar_of`], [`Sidecar`] |
//! | contours (RTSTRUCT) as labels | [`read_structures`], [`StructureSet`], [`StructureOptions`], [`convert_structures`] |
//! | from format to format | [`convert`], [`ConvertOptions`], [`NiftiFields`], [`NiftiForms`], [`SliceTiming`], [`Extension`], [`orthonormalised`] |
//! | formats by name | [`Format`], [`is_image`], [`strip_extension`], [`check_name`] |
//! | image or label map | [`kind_of`], [`kind_of_file`], [`Kind`], [`Evidence`] |
//! | names of labels | [`LabelName`], [`read_label_names`], [`write_label_names`] |
//! | PNG, BMP, TIFF | [`read_picture`], [`write_picture`], [`is_picture`], [`PictureKind`] |
//! | objects of other crates | `nifti_object` (feature `nifti`), `Series::data_sets`, `Series::stored_frames` (feature `dicom-object`) |
//! | user-defined formats | [`ImageFormat`], [`RegisterImageFormat`], [`FormatImage`], [`FormatSource`] |
//! | files and folders | [`write_atomically`], [`write_bytes_atomically`], [`read_text`], [`FolderLock`], [`remove_unfinished`] |
//! | errors | [`Error`](enum@Error), [`Remedy`], [`RefusedImage`], [`machine_failure`] |

mod archive;
mod ascii;
mod atomic;
mod body;
mod budget;
mod bzip;
mod choices;
mod composite;
mod convert;
mod convert_slabs;
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
mod hex;
mod image;
mod kind;
mod label_values;
mod labels;
mod layout;
mod lock;
mod metaimage;
mod mgh;
mod neighbours;
mod nifti;
#[cfg(feature = "nifti")]
mod nifti_crate;
mod nrrd;
mod numpy;
mod options;
mod orthonormal;
mod picture;
mod place;
mod read;
mod remedy;
mod sink;
mod source;
mod stored_order;
mod stream;
mod streamed;
mod text;
mod text_header;
mod unfinished;
mod voxel_type;
mod watch;
mod whole_file;
mod write;
mod zstd;

pub use archive::is_archive;
pub use atomic::{write_atomically, write_bytes_atomically};
pub use choices::{ArrayAxes, ColorAs, ComplexAs, LabelChannels, NiftiForm};
pub use convert::{ConvertOptions, Converted, convert};
pub use custom::{FormatError, FormatImage, FormatSource, ImageFormat, RegisterImageFormat};
pub use describe::{Described, describe, describe_with};
#[cfg(feature = "dicom-object")]
pub use dicom::StoredFrame;
pub use dicom::{
    Contour, ConvertStructuresOptions, DicomOptions, OutsideContours, PartKey, Series, SeriesList,
    Sidecar, SliceProblem, Structure, StructureOptions, StructureSet, Suv, Tilt, UnevenSlices,
    choose_series, convert_structures, list_series, list_series_with, read_series, read_sidecar,
    read_structures, sidecar_of,
};
pub use encode::MakeValues;
pub use error::Error;
pub use failure::machine_failure;
pub use folder::files_below;
pub use format::{
    Format, check_name, is_image, is_image_with, strip_extension, strip_extension_with,
};
pub use image::{ImageFile, Slab, Slabs, open, open_with};
pub use kind::{Evidence, Kind, kind_of, kind_of_file};
pub use labels::{LabelName, read_label_names, write_label_names};
pub use layout::{ImageInfo, Scaling};
pub use lock::{FolderLock, LOCK_FILE, LockAccess, LockHolder};
pub use nifti::{NiftiFields, NiftiForms, SliceTiming};
#[cfg(feature = "nifti")]
pub use nifti_crate::nifti_object;
pub use options::{
    Extension, FourthAxis, NiftiVersion, OnWarning, ReadOptions, VolumeChoice, WriteOptions,
};
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
