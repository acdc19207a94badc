//! One user-defined type for every extension point of Vesalius, and a registry that gives YAML their names.

pub mod callback;
pub mod format;
pub mod gradients;
pub mod inference;
pub mod learning;
pub mod measure;
pub mod network;
pub mod planner;
pub mod sampler;
pub mod source;
pub mod transform;

use vesalius::auto::RegisterPlanner;
use vesalius::inferers::RegisterInference;
use vesalius::io::RegisterImageFormat;
use vesalius::losses::RegisterLoss;
use vesalius::metrics::RegisterMeasure;
use vesalius::networks::RegisterNetwork;
use vesalius::prelude::*;
use vesalius::training::{RegisterOptimizer, RegisterSchedule};
use vesalius::transforms::{RegisterSampler, RegisterTransform};

// ANCHOR: registry
/// A registry with all types of this crate.
pub fn registry() -> Registry {
    let mut registry = Registry::default();
    registry
        .transform::<transform::MetalStreaks>("metal_streaks")
        .sampler::<sampler::AtHeight>("at_height")
        .network::<network::TwoLayers>("two_layers")
        .loss::<learning::Brier>("brier")
        .schedule::<learning::Halving>("halving")
        .optimizer::<learning::PlainDescent>("plain_descent")
        .measure::<measure::Surplus>("surplus")
        .inferer::<inference::Tiles>("tiles")
        .merger::<inference::Latest>("latest")
        .postprocessing::<inference::WithoutSmall>("without_small")
        .planner::<planner::SmallPlanner>("small_planner")
        .image_format::<format::Cube>("cube");
    registry
}
// ANCHOR_END: registry
