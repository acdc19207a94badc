//! Preprocessing and augmentation as data.
//!
//! A [`Transform`] is configuration: it describes a distribution, from which steps are drawn that are
//! facts. [`Chain::trace`] applies a list of them and returns a [`Trace`]: what was done, and the way
//! back. Steps that move voxels are maps between grids, so that images and labels go through one
//! resampler, each in its own way, and neighbouring moves are one interpolation. There is no second
//! form of anything for dictionaries of arrays.
//!
//! ```
//! use vesalius_transforms::{Affine, Chain, LabelSampling, Transform};
//! use vesalius_volume::{Geometry, LabelMap, Subject, Volume};
//!
//! let grid = Geometry::axis_aligned([24, 20, 16], [1.0, 1.0, 2.0])?;
//! let image = Volume::from_fn(grid, |[x, y, z]| (x + y + z) as f32);
//! let labels = LabelMap::from_fn(grid, |[x, _, _]| u16::from(x > 11));
//! let subject = Subject::new("made", image, Some(labels))?;
//!
//! let affine = Affine { rotate: [0.0, 0.0, 15.0], ..Affine::default() };
//! let chain = Chain(vec![Transform::Affine(affine)]);
//! let (turned, trace) = chain.trace(subject, 1, 0)?;
//! assert_eq!(trace.interpolations, 1);
//! let back = trace.invert_labels(turned.labels().unwrap(), LabelSampling::Nearest)?;
//! assert_eq!(back.geometry(), &grid);
//! # Ok::<(), vesalius_transforms::Error>(())
//! ```

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
mod random;
mod sampling;
mod step;
mod trace;
mod transform;
mod work;

pub use batch::{CutMix, CutMixStep, MixUp, MixUpStep};
pub use chain::Chain;
pub use channels::{
    BoundaryWeights, ChannelArithmetic, ChannelStep, Operation, SelectChannels, stack_on_first,
};
pub use context::Context;
pub use control::{
    Auto3dSegDints, Auto3dSegSegResNet, Auto3dSegSegResNet2d, Auto3dSegSwinUnetr, Light, Maybe,
    NnUnet2d, NnUnet3d, OneOf, SomeOf,
};
pub use coverage::Coverage;
pub use custom::{CustomStep, CustomTransform, RegisterTransform, TransformRng, name_transforms};
pub use error::Error;
pub use grid::{
    Affine, AffineSpace, CropCentre, CropDivisible, CropForeground, CropNonzero, CropRegion,
    Elastic, Flip, GridDistortion, GridStep, LowResolution, LowResolutionStep, MatchGrid, Orient,
    Pad, PadStep, Padding, Resize, ResizeTo, Rotate90, Spacing, Zoom,
};
pub use intensity::{
    BiasField, BiasFieldStep, Blur, BlurStep, Brightness, BrightnessStep, Clip, CoarseDropout,
    CoarseDropoutStep, Contrast, ContrastStep, CutOut, ForegroundIntensity, Gamma, GammaStep,
    GaussianNoise, GaussianNoiseStep, Gibbs, GibbsStep, HistogramShift, HistogramShiftStep,
    IntensityStep, KSpaceSpike, KSpaceSpikeStep, MatchHistogram, NnUnetNormalization, NnUnetScheme,
    RicianNoise, RicianNoiseStep, ScaleIntensity, ScaleIntensityStep, ScalePercentiles, Sharpen,
    SharpenStep, ShiftIntensity, ShiftIntensityStep, Window, ZScore, nonzero_mask,
};
pub use labels::{DropSmall, LabelStep, MergeRegions, Remap};
pub use map::{Beyond, Displacement, ImageSampling, LabelSampling, Lattice, Sampling};
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
