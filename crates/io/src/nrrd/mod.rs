//! NRRD: `.nrrd` with the voxels inside, `.nhdr` with them in separate files. The header names
//! its world (`space`); one that is not anatomical, or none, is no geometry.

mod axes;
mod header;
mod parse;
mod segments;
mod write;

pub(crate) use parse::parse;
pub(crate) use write::write;
