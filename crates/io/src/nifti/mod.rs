//! NIfTI-1 and NIfTI-2, single files and pairs. The magic decides, never the name.
//!
//! Geometry: the sform when its code is above 0, else the qform when its code is above 0, else none
//! (as nibabel chooses). Lengths in metres or microns become millimetres.

mod fields;
mod fields_kept;
mod geometry;
mod header;
mod labels;
mod parse;
mod write;

pub use fields_kept::{NiftiFields, NiftiForms, SliceTiming};
pub(crate) use header::detect;
pub(crate) use parse::{header_beside, parse};
pub(crate) use write::write;
