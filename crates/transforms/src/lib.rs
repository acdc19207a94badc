//! Preprocessing and augmentation as data.
//!
//! A [`Transform`] is configuration: it describes a distribution. [`Transform::sample`] draws a
//! [`Step`] from it, a fact; [`Step::apply`] is deterministic. Steps that move voxels are maps
//! between grids, so that images and labels go through one resampler, each in its own way, and the
//! way back to the file's grid is a resample to its geometry. There is no second form of anything
//! for dictionaries of arrays.

mod chain;
mod error;
mod grid;
mod intensity;
mod patch;
mod random;
mod step;
mod transform;

pub use chain::Chain;
pub use error::Error;
pub use grid::{CropNonzero, Flip, GridStep, Orient, Spacing};
pub use intensity::{
    ForegroundIntensity, GaussianNoise, IntensityStep, NnUnetNormalization, NnUnetScheme,
    ScaleIntensity, ShiftIntensity, ZScore, nonzero_mask,
};
pub use patch::{Axis, LabelIndex, PatchConfig, PatchSampling, PositiveNegative};
pub use random::{Stream, keyed};
pub use step::Step;
pub use transform::Transform;

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
