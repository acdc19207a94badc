//! Saved probabilities: as nnU-Net's `--save_probabilities` writes them, in slabs of our own that can be
//! read one after another, and as an image to look at.

mod image;
mod latched;
mod npy;
mod npz;
mod pickle;
mod slabs;

pub use image::write_probability_image;
pub use npy::array_from_npy;
pub use npz::{read_npz, write_npz};
pub use slabs::{SLABS_SUFFIX, read_slabs, write_slabs};
