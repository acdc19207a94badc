//! Image processing in world space, without learning.
//!
//! Lengths are millimetres, 3-vectors are `[x, y, z]`, and every result is the same for any number
//! of threads. Nothing here opens a file or knows of a network.

mod components;
mod distance;
mod error;
mod grid;
mod lines;
mod nnunet;
mod resample;
mod scalar;
mod simd;
mod smooth;

pub use components::{
    ComponentOptions, Components, Connectivity, connected_components, keep_largest,
    largest_component,
};
pub use distance::{distance_map, squared_distance};
pub use error::Error;
pub use grid::{
    Bounds, OnGrid, PadMode, bounding_box, bounding_box_where, crop, crop_or_pad, flip, orient,
    permute,
};
pub use nnunet::{NnUnetOptions, SeparateAxis, resample_labels_nnunet, resample_nnunet};
pub use resample::{
    Convention, Interpolation, LabelInterpolation, LabelResampleOptions, Outside, ResampleOptions,
    resample, resample_labels, resample_labels_through, resample_through, resized_grid,
    target_grid,
};
pub use scalar::{Real, Sample};
pub use smooth::{
    DiffusionOptions, DiscreteGaussianOptions, Order, UnsharpMaskOptions,
    curvature_anisotropic_diffusion, discrete_gaussian, gaussian_kernel, gradient_magnitude,
    laplacian, laplacian_sharpening, median, recursive_gaussian, recursive_gaussian_derivative,
    unsharp_mask,
};

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
