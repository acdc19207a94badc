//! Volumes through networks: whole, by sliding window, by slice; and the folder that a model lives in.
//!
//! An [`Inferer`] takes a volume and anything that is a [`PatchNetwork`] and returns the network's
//! output on the volume's own grid. A [`Segmenter`] is a model folder made ready: preprocessing, the
//! networks of its members, inferer, labels back on the file's grid.

mod ensemble;
mod error;
mod export;
mod folder;
mod inferer;
mod memory;
mod model;
mod network;
mod nnunet;
mod own;
mod placement;
mod postprocessing;
mod probability_map;
mod rows;
mod saved;
mod segmenter;
mod simple;
mod slice;
mod sliding_window;
mod stitch;
mod window;
mod windows;

pub use ensemble::{Combination, combine};
pub use error::Error;
pub use folder::{OpenOptions, convert_model};
pub use inferer::Inferer;
pub use memory::{Bytes, MemoryPlan};
pub use model::{AxisOrder, MODEL_FILE, ModelDescription, Provenance, weights_path};
pub use network::{Averaged, Mirrored, Observer, PatchNetwork};
pub use nnunet::{NnUnetModelFolder, NnUnetPipeline};
pub use own::OwnNetwork;
pub use postprocessing::{PostprocessingStep, postprocess};
pub use probability_map::ProbabilityMap;
pub use saved::{SLABS_SUFFIX, read_npz, read_slabs, write_npz, write_slabs};
pub use segmenter::{SegmentOptions, Segmented, Segmenter, TurnedNetwork, back_to_grid, labels_of};
pub use simple::Simple;
pub use slice::Slice;
pub use sliding_window::{SkipWindows, SlidingWindow};
pub use stitch::OutputSlice;
pub use window::{Blending, WindowRule, window_starts, window_weights};

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
