//! Images and label maps with a position in the world: the types that all other crates of Vesalius work on.
//!
//! Every 3-vector is `[x, y, z]` with x fastest in memory; the world is RAS+ in millimetres. A [`Volume`] holds
//! numbers that may be interpolated, a [`LabelMap`] holds labels that may not, and both always carry a [`Geometry`].
//! This crate reads and writes no files and processes no images.
//!
//! ```
//! use vesalius_volume::{Geometry, LabelMap, LabelScheme, Subject, Volume};
//!
//! // A CT of 64 × 64 × 20 voxels of 0.8 × 0.8 × 2.5 mm, with a bright cube of 4 voxels a side.
//! let grid = Geometry::axis_aligned([64, 64, 20], [0.8, 0.8, 2.5])?.with_origin([-25.6, -25.6, 0.0])?;
//! let inside = |index: [usize; 3]| index.iter().all(|&i| (8..12).contains(&i));
//! let image = Volume::from_fn(grid, |index| if inside(index) { 60.0 } else { -1000.0 });
//! let labels = LabelMap::from_fn(grid, |index| u16::from(inside(index)));
//!
//! let scheme = LabelScheme::exclusive(&[("lesion", 1)])?;
//! scheme.check_labels(&labels)?;
//! let voxels = labels.counts()[&1];
//! assert_eq!(voxels, 64);
//! assert!((voxels as f64 * grid.voxel_volume() - 102.4).abs() < 1e-9, "cubic millimetres");
//!
//! // Image and labels on one grid, or an error.
//! let subject = Subject::new("case_01", image, Some(labels))?;
//! assert_eq!(subject.image().get(0, [8, 8, 8]), 60.0);
//! # Ok::<(), vesalius_volume::Error>(())
//! ```
//!
//! # Contents
//!
//! | topic | items |
//! |---|---|
//! | where voxels lie | [`Geometry`] (size and position), [`Affine`] (4×4 map), [`Orientation`] and [`AxisCode`] (`RAS`, `LPS`, …) |
//! | images | [`Volume`]; [`Voxel`] lists the number types |
//! | segmentations | [`LabelMap`]; [`Label`] lists the integer types; [`label_colour`] |
//! | meaning of labels | [`LabelScheme`] with [`Class`], [`Region`], [`NamedLabel`], [`CheckedList`] |
//! | one case | [`Subject`]: image and labels on one grid |
//! | `ndarray` | [`Volume::from_zyx`], [`Volume::from_xyz`], [`Volume::view_zyx`], [`LabelMap::from_zyx`] and others |
//! | memory | [`check_memory`], [`available_memory`], [`MemoryLimit`] |
//! | rounding of lengths | [`limits`]: comparisons of millimetres with multiples of a spacing |
//! | warnings and errors | [`Warning`], [`FileWarning`], [`Error`], [`ErrorKind`] |
//! | names in messages | [`nearest_name`], [`unknown_name`], [`with_suggestion`] |

#![forbid(unsafe_code)]

mod affine;
mod arrays;
mod checked_list;
mod error;
mod error_kind;
mod file_warning;
mod geometry;
mod label_colour;
mod label_map;
mod label_scheme;
pub mod limits;
mod memory;
mod orientation;
mod spelling;
mod subject;
mod volume;
mod warning;

pub use affine::Affine;
pub use checked_list::CheckedList;
pub use error::Error;
pub use error_kind::ErrorKind;
pub use file_warning::FileWarning;
pub use geometry::Geometry;
pub use label_colour::label_colour;
pub use label_map::{Label, LabelMap};
pub use label_scheme::{Class, LabelScheme, NamedLabel, Region};
pub use memory::{MemoryLimit, available_memory, check_memory};
pub use orientation::{AxisCode, Orientation};
pub use spelling::{counted, nearest as nearest_name, unknown as unknown_name, with_suggestion};
pub use subject::Subject;
pub use volume::{Volume, Voxel};
pub use warning::Warning;

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
