//! Networks run over whole volumes, and model folders.
//!
//! An [`Inferer`] takes a volume and any [`PatchNetwork`] and returns the network's output on the volume's own grid: by
//! sliding window, slice by slice or as a whole. A [`Segmenter`] is an opened model folder: it preprocesses an image, runs
//! the networks of its members by their inferer, and returns labels on the image's grid. [`NnUnetModelFolder`] reads
//! nnU-Net's trained models; MONAI's bundles are read without Python.
//!
//! ```
//! use vesalius_inferers::{Inferer, ModelDescription, PatchNetwork, Segmenter, SlidingWindow};
//! use vesalius_networks::NetworkConfig;
//! use vesalius_tensor::{Device, Tensor};
//! use vesalius_volume::{Geometry, LabelScheme, Volume};
//!
//! // Labels, windows, and a network: here a closure whose logit is the intensity less 10.
//! let labels = LabelScheme::regions(&[("bright", &[1], 1)])?;
//! let windows = SlidingWindow { patch_size: [8; 3], ..SlidingWindow::default() };
//! let model = ModelDescription::builder(labels, NetworkConfig::default().with_channels(1, 1))
//!     .inferer(Inferer::SlidingWindow(windows))
//!     .build()?;
//! let network: Box<dyn PatchNetwork + Send + Sync> = Box::new(|patch: Tensor<5>| patch.sub_scalar(10.0));
//! let segmenter = Segmenter::with_networks(model, vec![network], &Device::flex())?;
//!
//! let grid = Geometry::axis_aligned([20, 12, 9], [1.0, 1.0, 2.0])?;
//! let scan = Volume::from_fn(grid, |[x, ..]| x as f32);
//! let result = segmenter.segment(&scan)?;
//! let labels = result.into_labels()?;
//! assert_eq!((labels.get([9, 0, 0]), labels.get([11, 0, 0])), (0, 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Contents
//!
//! | topic | items |
//! |---|---|
//! | models | [`Segmenter`], [`Segmentation`], [`LabelStatistics`], [`SegmentOptions`], [`OpenOptions`] |
//! | model folders | [`ModelDescription`], [`convert_model`], [`join_ensemble`], [`join_cascade`], [`describe_model`] |
//! | unions of models | [`UnionDescription`], [`UnionMember`], [`CropTo`], [`Needs`], [`join_union`], [`Segmenter::union`], [`Segmenter::only`] |
//! | MONAI bundles | opened as model folders; [`OpenOptions::set`] gives values to ids of their config |
//! | nnU-Net | [`NnUnetModelFolder`], [`NnUnetFolderOptions`], [`NnUnetPipeline`] |
//! | inferers | [`Inferer`], [`SlidingWindow`], [`Simple`], [`Slice`], [`Slices`], [`Patches`], [`MultiScale`], [`TestTime`] |
//! | windows | [`window_starts`], [`window_weights`], [`WindowRule`], [`Blending`], [`WindowOutside`] |
//! | probabilities | [`ProbabilityMap`], [`ProbabilitySource`], [`combine`], [`Combination`], [`write_npz`], [`write_slabs`] |
//! | after the network | [`Inverse`], [`Carried`], [`PostprocessingStep`], [`Neighbours`], [`Counted`], [`postprocess`], [`RegionStage`], [`EmptyRegionPolicy`] |
//! | clicks | [`InteractiveSegmenter`], [`Prompt`], [`ClickChannels`] |
//! | memory | [`MemoryPlan`], [`Spilled`], [`ByteSize`] |
//! | networks of networks | [`Averaged`], [`Mirrored`], [`SelectedChannels`] |
//! | user-defined | [`PatchNetwork`], [`CustomInferer`], [`CustomMerger`], [`CustomPostprocessing`], [`RegisterInference`] |

#![forbid(unsafe_code)]

mod archive;
mod batch;
mod builder;
mod bundle;
mod byte_size;
mod checked;
mod checksum;
mod clicks;
mod coarse;
mod custom;
mod ensemble;
mod error;
mod export;
mod folder;
mod inferer;
mod input_rule;
mod inverse;
mod join;
mod locate;
mod memory;
mod merger;
mod model;
mod multi_scale;
mod network;
mod nnunet;
mod open_options;
mod patches;
mod pieces;
mod placement;
mod plan;
mod postprocessing;
mod probabilities;
mod progress;
mod region;
mod rows;
mod saved;
mod scratch;
mod segmenter;
mod simple;
mod slice;
mod slices;
mod sliding_window;
mod stitch;
mod store;
mod test_time;
mod union;
mod window;
mod windows;

pub use builder::ModelBuilder;
pub use byte_size::ByteSize;
pub use checksum::weights_checksum;
pub use clicks::ClickChannels;
pub use custom::{CustomInferer, CustomMerger, CustomPostprocessing, RegisterInference};
pub use ensemble::{Combination, combine, combine_each};
pub use error::{Error, FirstLayer, NotFiniteOutput};
pub use export::labels_on_file;
pub use folder::{WeightFile, describe_model};
pub use inferer::Inferer;
pub use input_rule::InputRule;
pub use inverse::{Carried, Inverse};
pub use join::{convert_model, join_cascade, join_ensemble};
pub use merger::{AverageMerger, MaximumMerger, Merger, PatchLocation, VolumeMerger};
pub use model::{AxisOrder, MODEL_FILE, ModelDescription, Provenance, weights_path};
pub use multi_scale::MultiScale;
pub use network::{Averaged, Mirrored, SelectedChannels};
pub use nnunet::{
    AcrossMode, NnUnetFolderOptions, NnUnetInterpolation, NnUnetModelFolder, NnUnetPipeline,
    TorchInterpolation, TorchLabels, TorchMode,
};
pub use open_options::OpenOptions;
pub use patches::{PatchMerger, Patches};
pub use pieces::{Counted, Neighbours};
pub use plan::{Estimate, MemoryPlan, Spilled};
pub use postprocessing::{PostprocessingStep, postprocess, postprocess_controlled};
pub use probabilities::{ProbabilityMap, ProbabilitySource, ProbabilityStore};
pub use region::{EmptyRegionPolicy, RegionStage};
#[doc(hidden)]
pub use saved::array_from_npy;
pub use saved::{
    SLABS_SUFFIX, read_npz, read_slabs, write_npz, write_probability_image, write_slabs,
};
pub use segmenter::{
    AxisOrderAdapter, InteractiveSegmenter, LabelStatistics, Prompt, SegmentOptions, Segmentation,
    Segmenter, label_names,
};
pub use simple::Simple;
pub use slice::Slice;
pub use slices::Slices;
pub use sliding_window::{SkipWindows, SlidingWindow};
pub use stitch::OutputSlice;
pub use test_time::TestTime;
pub use union::{
    CropTo, Needs, UNION_FILE, UnionDescription, UnionMember, UnionSpacing, join_union,
};
pub use window::{Blending, WindowOutside, WindowRule, window_starts, window_weights};

pub use vesalius_networks::{PatchNetwork, PatchOutput};

pub(crate) use segmenter::{Turn, check_alike, common_postprocessing};

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
