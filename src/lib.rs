//! Medical image segmentation from the scan to the result, in Rust on Burn.
pub use vesalius_volume as volume;
