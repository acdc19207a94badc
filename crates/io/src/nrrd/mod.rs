//! NRRD: `.nrrd` with the voxels inside, `.nhdr` with them in separate files. The header names
//! its world (`space`); the machine's is taken as LPS with a warning, any other that is not anatomical is no geometry.

mod axes;
mod header;
mod parse;
mod segments;
mod write;

pub(crate) use parse::parse;
pub(crate) use segments::{Extent, extents, widen};
pub(crate) use write::write;
