//! Image processing in world space, without learning.
//!
//! Lengths are millimetres, 3-vectors are `[x, y, z]`, and every result is the same for any number
//! of threads. Nothing here opens a file or knows of a network.

mod buffer;
mod components;
mod contour;
mod distance;
mod each_label;
mod error;
mod grid;
mod intensity;
mod lines;
mod mesh;
mod morphology;
mod nnunet;
mod resample;
mod scalar;
mod simd;
mod slabs;
mod smooth;
mod statistics;
mod watershed;

pub use components::{
    ComponentOptions, ComponentStatistics, Components, Connectivity, component_statistics,
    connected_components, keep_larger_than, keep_largest, keep_largest_and_equals, keep_touching,
};
pub use contour::{contour, label_contour};
pub use distance::{distance_map, signed_distance, squared_distance};
pub use error::Error;
pub use grid::{
    Bounds, OnGrid, PadMode, bounding_box, bounding_box_where, crop, crop_or_pad, flip, orient,
    permute,
};
pub use intensity::{
    ClaheOptions, Deviation, HistogramMatchingOptions, N4Options, N4Result,
    ScikitImageClaheOptions, clahe, clahe_scikit_image, clip, match_histogram, multi_otsu_labels,
    multi_otsu_thresholds, n4_bias_field_correction, normalise, otsu_threshold, percentile,
    rescale_intensity, threshold, window,
};
pub use mesh::{Mesh, label_surface, marching_cubes, write_obj, write_ply, write_stl};
pub use morphology::{
    Border, Element, HoleOptions, Reconstruction, Shape, closing, dilate, erode, fill_holes,
    opening, reconstruct,
};
pub use nnunet::{
    AxisRule, LabelVote, MaskInterpolation, NnUnetLabelOptions, NnUnetOptions, SeparateAxis,
    TorchLabelOptions, TorchVote, resample_labels_nnunet, resample_labels_torch, resample_nnunet,
};
pub use resample::{
    Convention, IndexBox, Interpolation, LabelInterpolation, LabelResampleOptions, LinearParts,
    Outside, ResampleOptions, resample, resample_displaced, resample_labels,
    resample_labels_displaced, resample_labels_through, resample_through, resized_grid,
    target_grid,
};
pub use scalar::{Real, Sample};
pub use slabs::{
    SlabSource, filter_slabs, recursive_gaussian_slabs, resample_labels_slabs, resample_slabs,
};
pub use smooth::{
    DiffusionOptions, DiscreteGaussianOptions, Order, UnsharpMaskOptions,
    curvature_anisotropic_diffusion, discrete_gaussian, gaussian_kernel, gradient_magnitude,
    laplacian, laplacian_sharpening, majority, median, recursive_gaussian,
    recursive_gaussian_derivative, unsharp_mask,
};
pub use statistics::{LabelIntensity, LabelShape, label_intensities, label_shapes};
pub use watershed::{WatershedOptions, watershed};

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
