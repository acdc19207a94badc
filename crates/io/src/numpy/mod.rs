//! NumPy's arrays: `.npy`, and `.npz`, a zip archive of them. They have no position, so that a spacing has to be
//! given, and their axes have no names: they are x, y, z unless the options say that they are z, y, x.

mod archive;
mod header;
mod parse;

pub(crate) use archive::{detect as detect_archive, parse as parse_archive};
pub(crate) use parse::{detect, parse};
