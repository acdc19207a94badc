//! FreeSurfer's volumes, `.mgh` and, in gzip, `.mgz`: a header of 284 big-endian bytes, the voxels, and fields of the
//! acquisition behind them that are not read. The position is that of the grid's centre.

mod header;
mod parse;
mod write;

pub(crate) use header::detect;
pub(crate) use parse::parse;
pub(crate) use write::write;
