//! NIfTI-1 and NIfTI-2, single files and pairs, and the pairs of ANALYZE 7.5 that they come from. The magic decides, never the name.
//!
//! Geometry: the sform when its code is above 0, else the qform when its code is above 0, else none
//! (as nibabel chooses). Lengths in metres or microns become millimetres.

mod analyze;
mod extensions;
mod fields;
mod fields_kept;
mod geometry;
mod header;
mod labels;
mod pair;
mod parse;
mod write;

pub(crate) use analyze::parse as parse_analyze;
pub use fields_kept::{NiftiFields, NiftiForms, SliceTiming};
pub(crate) use header::{detect, detect_analyze};
pub(crate) use pair::header_beside;
pub(crate) use parse::parse;
pub(crate) use write::write;
