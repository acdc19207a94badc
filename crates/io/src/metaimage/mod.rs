//! MetaImage: `.mha` with the voxels inside, `.mhd` with them in separate files. The world is
//! LPS, as ITK reads and writes it; a missing `TransformMatrix` or `Offset` is the format's default.

mod parse;
mod write;

pub(crate) use parse::{detect, parse};
pub(crate) use write::write;
