//! Volumes through networks: whole, by sliding window, by slice; and the folder that a model lives in.
//!
//! An [`Inferer`] takes a volume and anything that is a [`PatchNetwork`] and returns the network's
//! output on the volume's own grid. A [`Segmenter`] is a model folder made ready: preprocessing, the
//! networks of its members, inferer, labels back on the file's grid.

mod error;
mod inferer;
mod model;
mod network;
mod own;
mod probability_map;
mod segmenter;
mod simple;
mod slice;
mod sliding_window;
mod window;

pub use error::Error;
pub use inferer::Inferer;
pub use model::{AxisOrder, MODEL_FILE, ModelDescription, Provenance, weights_path};
pub use network::PatchNetwork;
pub use own::OwnNetwork;
pub use probability_map::ProbabilityMap;
pub use segmenter::{Segmenter, TurnedNetwork, back_to_grid, labels_of};
pub use simple::Simple;
pub use slice::Slice;
pub use sliding_window::SlidingWindow;
pub use window::{Blending, window_starts, window_weights};

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
