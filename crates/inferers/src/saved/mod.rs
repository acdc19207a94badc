//! Probabilities in files: as nnU-Net's `--save_probabilities` writes them, and in slabs of our own that
//! can be read one after another.

mod npz;
mod pickle;
mod slabs;

pub use npz::{read_npz, write_npz};
pub use slabs::{SLABS_SUFFIX, read_slabs, write_slabs};
