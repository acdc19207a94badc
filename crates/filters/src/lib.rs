//! Image processing in world space, without learning.
//!
//! Lengths are millimetres, 3-vectors are `[x, y, z]`, and every result is the same for any number of threads. Filters
//! take images and label maps in memory; files are read and written by `vesalius-io`. A filter that may take longer
//! than a second has a second form whose name ends in `_with` and which takes a
//! [`Control`](vesalius_control::Control).
//!
//! ```
//! use vesalius_filters::{
//!     ComponentOptions, Element, Shape, closing, keep_largest, label_shapes, recursive_gaussian, threshold,
//! };
//! use vesalius_volume::{Geometry, Volume};
//!
//! // A CT with a bright ball of radius 6 mm and a bright voxel far from it; voxels of 1 × 1 × 2 mm.
//! let grid = Geometry::axis_aligned([32, 32, 16], [1.0, 1.0, 2.0])?;
//! let ct = Volume::from_fn(grid, |index| {
//!     let [x, y, z] = grid.index_to_world(index.map(|i| i as f64));
//!     let radius = ((x - 16.0).powi(2) + (y - 16.0).powi(2) + (z - 16.0).powi(2)).sqrt();
//!     if radius < 6.0 || index == [1, 1, 1] { 100.0_f32 } else { -100.0 }
//! });
//!
//! let smooth = recursive_gaussian(&ct, [0.5; 3])?;
//! let mask = threshold(&smooth, 0.0, 1000.0)?;
//! let mask = closing(&mask, &Element::millimetres(Shape::Ball, [2.0; 3]))?;
//! let mask = keep_largest(&mask, &ComponentOptions::default())?;
//!
//! let ball = &label_shapes(&mask)[0];
//! assert_eq!(ball.centroid.map(f64::round), [16.0; 3]);
//! // 4/3 π 6³ mm³ are 0.905 ml.
//! assert!((ball.millilitres - 0.905).abs() < 0.1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Contents
//!
//! | topic | items |
//! |---|---|
//! | resampling | [`resample`], [`resample_labels`], [`ResampleOptions`], [`LabelResampleOptions`], [`Interpolation`], [`LabelInterpolation`], [`Extrapolation`] |
//! | target grids | [`target_grid`] with a tool's [`Convention`], [`resized_grid`] |
//! | resampling through a transform | [`resample_through`], [`resample_labels_through`], [`resample_displaced`], [`resample_labels_displaced`] |
//! | nnU-Net's resampling | [`resample_nnunet`], [`resample_labels_nnunet`], [`resample_labels_torch`], [`SeparateAxis`], [`LinearParts`] |
//! | crop, pad, reorder | [`crop`], [`crop_or_pad`], [`bounding_box`], [`bounding_box_where`], [`Bounds`], [`flip`], [`permute`], [`orient`] |
//! | intensities | [`rescale_intensity`], [`window`], [`clip`], [`normalise`], [`percentile`], [`match_histogram`], [`clahe`], [`clahe_scikit_image`] |
//! | bias field of MR | [`n4_bias_field_correction`], [`N4Options`], [`N4Result`] |
//! | thresholds | [`threshold`], [`otsu_threshold`], [`multi_otsu_thresholds`], [`multi_otsu_labels`] |
//! | smoothing | [`recursive_gaussian`], [`discrete_gaussian`], [`median`], [`majority`] (labels), [`curvature_anisotropic_diffusion`] |
//! | derivatives and sharpening | [`recursive_gaussian_derivative`], [`gradient_magnitude`], [`laplacian`], [`laplacian_sharpening`], [`unsharp_mask`] |
//! | morphology | [`dilate`], [`erode`], [`opening`], [`closing`], [`fill_holes`], [`reconstruct`], [`Element`], [`Border`] |
//! | connected components | [`connected_components`], [`keep_largest`], [`keep_larger_than`], [`keep_touching`], [`component_statistics`], [`ComponentOptions`] |
//! | regions and outlines | [`watershed`], [`contour`], [`label_contour`] |
//! | distances | [`distance_map`], [`signed_distance`], [`squared_distance`] |
//! | measurements | [`label_shapes`], [`label_intensities`], [`measure_labels`] (volume, values and diameters for reports) |
//! | surfaces | [`marching_cubes`], [`label_surface`], [`Mesh`], [`write_stl`], [`write_obj`], [`write_ply`] |
//! | images larger than memory | [`SlabSource`], [`filter_slabs`], [`recursive_gaussian_slabs`], [`SlabResampler`], [`resample_slabs`], [`resample_labels_slabs`] |
//! | number types | [`Real`], [`Sample`] |

mod buffer;
mod components;
mod contour;
mod distance;
mod each_label;
mod erf;
mod error;
mod grid;
mod intensity;
mod lines;
mod measures;
mod mesh;
mod morphology;
mod nnunet;
mod resample;
mod resampled_slabs;
mod scalar;
mod simd;
mod slabs;
mod smooth;
mod statistics;
mod watershed;
mod work;

pub use components::{
    ComponentOptions, ComponentStatistics, Components, Connectivity, component_statistics,
    component_statistics_with, connected_components, connected_components_with, keep_larger_than,
    keep_larger_than_with, keep_largest, keep_largest_and_equals, keep_largest_and_equals_with,
    keep_largest_with, keep_touching, keep_touching_with,
};
pub use contour::{contour, label_contour, label_contour_with};
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
    ScikitImageClaheOptions, clahe, clahe_scikit_image, clahe_scikit_image_with, clahe_with, clip,
    match_histogram, match_histogram_with, multi_otsu_labels, multi_otsu_labels_with,
    multi_otsu_thresholds, multi_otsu_thresholds_with, n4_bias_field_correction,
    n4_bias_field_correction_with, normalise, normalise_with, otsu_threshold, percentile,
    rescale_intensity, threshold, window,
};
pub use measures::{
    Diameter, IntensityMeasures, LabelMeasures, MeasureOptions, measure_labels, measure_labels_with,
};
pub use mesh::{
    Mesh, label_surface, label_surface_with, marching_cubes, marching_cubes_with, write_obj,
    write_ply, write_stl,
};
pub use morphology::{
    Border, Element, HoleOptions, Reconstruction, Shape, closing, closing_with, dilate,
    dilate_with, erode, erode_with, fill_holes, fill_holes_with, opening, opening_with,
    reconstruct, reconstruct_with,
};
pub use nnunet::{
    AxisRule, LabelVote, MaskInterpolation, NnUnetLabelOptions, NnUnetOptions, SeparateAxis,
    TorchLabelOptions, TorchVote, resample_labels_nnunet, resample_labels_nnunet_with,
    resample_labels_torch, resample_labels_torch_with, resample_nnunet, resample_nnunet_with,
};
pub use resample::{
    Convention, Extrapolation, IndexBox, Interpolation, LabelInterpolation, LabelResampleOptions,
    LinearParts, ResampleOptions, resample, resample_displaced, resample_displaced_with,
    resample_labels, resample_labels_displaced, resample_labels_displaced_with,
    resample_labels_through, resample_labels_through_with, resample_through, resample_through_with,
    resized_grid, target_grid,
};
pub use resampled_slabs::{ResampledSlabs, SlabResampler, resample_labels_slabs, resample_slabs};
pub use scalar::{Real, Sample};
pub use slabs::{SlabSource, filter_slabs, recursive_gaussian_slabs};
pub use smooth::{
    DiffusionOptions, DiscreteGaussianOptions, Order, UnsharpMaskOptions,
    curvature_anisotropic_diffusion, curvature_anisotropic_diffusion_with, discrete_gaussian,
    discrete_gaussian_with, gaussian_kernel, gradient_magnitude, gradient_magnitude_with,
    integrated_gaussian_kernel, laplacian, laplacian_sharpening, laplacian_sharpening_with,
    laplacian_with, majority, majority_with, median, median_with, recursive_gaussian,
    recursive_gaussian_derivative, recursive_gaussian_derivative_with, recursive_gaussian_with,
    unsharp_mask, unsharp_mask_with,
};
pub use statistics::{
    LabelIntensity, LabelShape, label_intensities, label_intensities_with, label_shapes,
    label_shapes_with,
};
pub use watershed::{WatershedOptions, watershed, watershed_with};

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
