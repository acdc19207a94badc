//! Volumes through networks: whole, by sliding window, by slice; and the folder that a model lives in.
//!
//! An [`Inferer`] takes a volume and anything that is a [`PatchNetwork`] and returns the network's
//! output on the volume's own grid. A [`Segmenter`] is a model folder made ready: preprocessing, the
//! networks of its members, inferer, labels back on the file's grid.

#![forbid(unsafe_code)]

mod archive;
mod batch;
mod builder;
mod byte_size;
mod checksum;
mod coarse;
mod custom;
mod ensemble;
mod error;
mod export;
mod folder;
mod inferer;
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
mod window;
mod windows;

pub use builder::ModelBuilder;
pub use byte_size::ByteSize;
pub use checksum::weights_checksum;
pub use custom::{CustomInferer, CustomMerger, CustomPostprocessing, RegisterInference};
pub use ensemble::{Combination, combine, combine_each};
pub use error::{Error, FirstLayer, NotFiniteOutput};
pub use export::labels_on_file;
pub use folder::{WeightFile, describe_model};
pub use inferer::Inferer;
pub use join::{convert_model, join_cascade, join_ensemble};
pub use merger::{AverageMerger, MaximumMerger, Merger, PatchLocation, VolumeMerger};
pub use model::{AxisOrder, MODEL_FILE, ModelDescription, Provenance, weights_path};
pub use multi_scale::MultiScale;
pub use network::{Averaged, Mirrored};
pub use nnunet::{
    AcrossMode, NnUnetFolderOptions, NnUnetInterpolation, NnUnetModelFolder, NnUnetPipeline,
    TorchInterpolation, TorchLabels, TorchMode,
};
pub use open_options::OpenOptions;
pub use patches::{PatchMerger, Patches};
pub use plan::{Estimate, MemoryPlan, Spilled};
pub use postprocessing::{PostprocessingStep, postprocess, postprocess_controlled};
pub use probabilities::{ProbabilityMap, ProbabilitySource, ProbabilityStore};
pub use region::{EmptyRegionPolicy, RegionStage};
pub use saved::{
    SLABS_SUFFIX, read_npz, read_slabs, write_npz, write_probability_image, write_slabs,
};
pub use segmenter::{AxisOrderAdapter, SegmentOptions, Segmentation, Segmenter, label_names};
pub use simple::Simple;
pub use slice::Slice;
pub use slices::Slices;
pub use sliding_window::{SkipWindows, SlidingWindow};
pub use stitch::OutputSlice;
pub use test_time::TestTime;
pub use window::{Blending, WindowRule, window_starts, window_weights};

pub use vesalius_networks::{PatchNetwork, PatchOutput};

pub(crate) use segmenter::{Turn, check_alike, common_postprocessing};

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
