//! Image processing in world space, without learning.
//!
//! Lengths are millimetres, 3-vectors are `[x, y, z]`, and every result is the same for any number
//! of threads. Nothing here opens a file or knows of a network. Filters that may take longer than a second have
//! a twin that ends in `_with` and takes a [`Control`](vesalius_control::Control).

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
mod work;

pub use components::{
    ComponentOptions, ComponentStatistics, Components, Connectivity, component_statistics,
    connected_components, connected_components_with, keep_larger_than, keep_largest,
    keep_largest_and_equals, keep_touching,
};
pub use contour::{contour, label_contour};
pub use distance::{
    distance_map, distance_map_with, signed_distance, signed_distance_with, squared_distance,
    squared_distance_with,
};
pub use error::Error;
pub use grid::{
    Bounds, OnGrid, PadMode, bounding_box, bounding_box_where, crop, crop_or_pad, flip, orient,
    permute,
};
pub use intensity::{
    ClaheOptions, Deviation, HistogramMatchingOptions, N4Options, N4Result,
    ScikitImageClaheOptions, clahe, clahe_scikit_image, clip, match_histogram, multi_otsu_labels,
    multi_otsu_thresholds, n4_bias_field_correction, n4_bias_field_correction_with, normalise,
    otsu_threshold, percentile, rescale_intensity, threshold, window,
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
    Outside, ResampleOptions, resample, resample_displaced, resample_displaced_with,
    resample_labels, resample_labels_displaced, resample_labels_displaced_with,
    resample_labels_through, resample_labels_through_with, resample_through, resample_through_with,
    resized_grid, target_grid,
};
pub use scalar::{Real, Sample};
pub use slabs::{
    SlabSource, filter_slabs, recursive_gaussian_slabs, resample_labels_slabs, resample_slabs,
};
pub use smooth::{
    DiffusionOptions, DiscreteGaussianOptions, Order, UnsharpMaskOptions,
    curvature_anisotropic_diffusion, curvature_anisotropic_diffusion_with, discrete_gaussian,
    gaussian_kernel, gradient_magnitude, laplacian, laplacian_sharpening, majority, majority_with,
    median, median_with, recursive_gaussian, recursive_gaussian_derivative, unsharp_mask,
};
pub use statistics::{LabelIntensity, LabelShape, label_intensities, label_shapes};
pub use watershed::{WatershedOptions, watershed};

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
