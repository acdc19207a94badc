//! Preprocessing and augmentation as data.
//!
//! A [`Transform`] is configuration: it describes a distribution. Sampling it gives [`Step`]s, whose numbers are fixed.
//! [`Chain::trace`] applies a list of transforms and returns a [`Trace`]: the steps that were applied, and their
//! inverse. Steps that move voxels are maps between grids: images and labels are resampled together, each by its
//! own rule, and consecutive moves are one interpolation. Random numbers follow from a seed and the number of the
//! sample.
//!
//! ```
//! use vesalius_transforms::{Chain, LabelSampling};
//! use vesalius_volume::{Geometry, LabelMap, Subject, Volume};
//!
//! // A case of 24 × 20 × 16 voxels of 1 × 1 × 2 mm.
//! let grid = Geometry::axis_aligned([24, 20, 16], [1.0, 1.0, 2.0])?;
//! let image = Volume::from_fn(grid, |[x, y, z]| (x + y + z) as f32);
//! let labels = LabelMap::from_fn(grid, |[x, _, _]| u16::from(x > 11));
//! let subject = Subject::new("case_01", image, Some(labels))?;
//!
//! // Chains are YAML or Rust values; keys that are left out have defaults.
//! let chain: Chain = serde_saphyr::from_str(
//!     "
//! - spacing: {to: [2, 2, 2]}
//! - z_score
//! - affine: {rotate: [0, 0, 15]}
//! ",
//! )?;
//! chain.check()?;
//!
//! // Sample 0 of the run with seed 42.
//! let (sample, trace) = chain.trace(subject, 42, 0)?;
//! assert_eq!(sample.geometry().spacing(), [2.0; 3]);
//! assert_eq!(trace.steps.len(), 3);
//!
//! // Labels on the sample's grid, brought to the grid of the case.
//! let back = trace.invert_labels(sample.labels().unwrap(), LabelSampling::Nearest)?;
//! assert_eq!(back.geometry(), &grid);
//! assert_eq!((back.get([2, 10, 8]), back.get([21, 10, 8])), (0, 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Contents
//!
//! | topic | items |
//! |---|---|
//! | applying transforms | [`Chain`], [`Transform`], [`Step`], [`Trace`], [`Coverage`], [`Context`] |
//! | randomness | [`keyed`], [`Stream`] |
//! | spacing, orientation, size | [`Spacing`], [`SpacingRule`], [`Resize`], [`MatchGrid`], [`Orient`] |
//! | crop and pad | [`CropForeground`], [`CropNonzero`], [`CropCentre`], [`CropRegion`], [`CropDivisible`], [`Pad`] |
//! | moving the anatomy | [`Flip`], [`Rotate90`], [`Affine`], [`Zoom`], [`Elastic`], [`GridDistortion`] |
//! | how moves are sampled | [`Sampling`], [`ImageSampling`], [`LabelSampling`], [`PaddingMode`], [`Displacement`], [`ControlInterpolation`] |
//! | normalising intensities | [`ZScore`], [`Window`], [`Clip`], [`ScalePercentiles`], [`ScaleMinMax`], [`MatchHistogram`], [`NnUnetNormalization`] |
//! | random intensities | [`Gamma`], [`Contrast`], [`Brightness`], [`ScaleIntensity`], [`ShiftIntensity`], [`HistogramShift`], [`BiasField`] |
//! | noise, blur, artefacts | [`GaussianNoise`], [`RicianNoise`], [`Blur`], [`Sharpen`], [`LowResolution`], [`Gibbs`], [`KSpaceSpike`] |
//! | missing boxes | [`CoarseDropout`], [`CutOut`] |
//! | labels | [`Remap`], [`MergeRegions`], [`DropSmall`] |
//! | channels | [`SelectChannels`], [`AddChannels`], [`ChannelArithmetic`], [`BoundaryWeights`], [`stack_on_first`] |
//! | patches | [`PatchConfig`], [`PatchSampling`], [`PatchPlacer`], [`LabelIndex`], [`GridPatch`], [`WeightedPatch`], [`grid_patches`] |
//! | transforms of transforms | [`OneOf`], [`SomeOf`], [`RandomApply`] |
//! | ready-made recipes | [`LightAugmentation`], [`NnUnet3d`], [`NnUnet2d`], [`Auto3dSegSegResNet`], [`Auto3dSegDints`], [`Auto3dSegSwinUnetr`] |
//! | batches | [`MixUp`], [`CutMix`] |
//! | user-defined | [`CustomTransform`], [`CustomStep`], [`RegisterTransform`], [`CustomSampler`], [`RegisterSampler`] |

mod batch;
mod chain;
mod channels;
mod config;
mod context;
mod control;
mod coverage;
mod custom;
mod error;
mod extent;
mod grid;
mod intensity;
mod labels;
mod map;
mod pending;
mod random;
mod sampling;
mod step;
mod trace;
mod transform;

pub use batch::{CutMix, CutMixStep, MixUp, MixUpStep};
pub use chain::Chain;
pub use channels::{
    AddChannels, BoundaryWeights, ChannelArithmetic, ChannelStep, Operation, SelectChannels,
    stack_on_first,
};
pub use context::Context;
pub use control::{
    Auto3dSegDints, Auto3dSegSegResNet, Auto3dSegSegResNet2d, Auto3dSegSwinUnetr,
    LightAugmentation, NnUnet2d, NnUnet3d, OneOf, RandomApply, SomeOf,
};
pub use coverage::Coverage;
pub use custom::{CustomStep, CustomTransform, RegisterTransform, TransformRng, name_transforms};
pub use error::Error;
pub use grid::{
    Affine, AffineSpace, ArrayResize, ArrayRule, CropCentre, CropDivisible, CropForeground,
    CropNonzero, CropRegion, Elastic, Flip, GridDistortion, GridStep, LowResolution,
    LowResolutionStep, MatchGrid, Orient, Pad, PadSide, PadStep, Padding, Resize,
    ResizeInterpolation, ResizeTo, Rotate90, Spacing, SpacingRule, Undo, Zoom,
};
pub use intensity::{
    BiasField, BiasFieldStep, Blur, BlurStep, Brightness, BrightnessStep, Clip, CoarseDropout,
    CoarseDropoutStep, Contrast, ContrastStep, CutOut, ForegroundIntensity, Gamma, GammaStep,
    GaussianNoise, GaussianNoiseStep, Gibbs, GibbsStep, HistogramShift, HistogramShiftStep,
    IntensityStep, KSpaceSpike, KSpaceSpikeStep, MatchHistogram, NnUnetNormalization, NnUnetScheme,
    RicianNoise, RicianNoiseStep, ScaleIntensity, ScaleIntensityStep, ScaleMinMax,
    ScalePercentiles, Sharpen, SharpenStep, ShiftIntensity, ShiftIntensityStep, Window, ZScore,
    nonzero_mask,
};
pub use labels::{DropSmall, LabelStep, MergeRegions, Remap};
pub use map::{
    ControlInterpolation, Displacement, ImageSampling, LabelSampling, PaddingMode, Sampling,
};
pub use random::{Stream, keyed};
pub use sampling::{
    Axis, ClassRatios, CustomSampler, ForcedForeground, GridPatch, LabelIndex, PatchConfig,
    PatchPlace, PatchPlacer, PatchSampling, Placed, PositiveNegative, RegisterSampler, SampledCase,
    WeightedClass, WeightedPatch, grid_patches,
};
pub use step::Step;
pub use trace::Trace;
pub use transform::Transform;
pub use vesalius_volume::{nearest_name, with_suggestion};

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
