//! Voxels that know where they are.
//!
//! Every 3-vector is `[x, y, z]` with x fastest in memory; the world is RAS+ in millimetres.
//! A [`Volume`] holds numbers that may be interpolated, a [`LabelMap`] holds names that may not,
//! and both carry a [`Geometry`], always. This crate opens no file and changes no voxel on its own.

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
mod nearest;
mod orientation;
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
pub use nearest::{nearest as nearest_name, unknown as unknown_name, with_suggestion};
pub use orientation::{AxisCode, Orientation};
pub use subject::Subject;
pub use volume::{Volume, Voxel};
pub use warning::Warning;

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
