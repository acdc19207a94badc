//! One type of the user's own at every seam of Vesalius, and a registry that gives YAML their names.

pub mod callback;
pub mod inference;
pub mod learning;
pub mod measure;
pub mod source;
pub mod transform;

use vesalius::inferers::RegisterInference;
use vesalius::losses::RegisterLoss;
use vesalius::metrics::RegisterMeasure;
use vesalius::prelude::*;
use vesalius::training::{RegisterOptimizer, RegisterSchedule};
use vesalius::transforms::RegisterTransform;

/// A registry with all types of this crate.
pub fn registry() -> Registry {
    let mut registry = Registry::default();
    registry
        .transform::<transform::MetalStreaks>("metal_streaks")
        .loss::<learning::Brier>("brier")
        .schedule::<learning::Halving>("halving")
        .optimizer::<learning::PlainDescent>("plain_descent")
        .measure::<measure::Surplus>("surplus")
        .inferer::<inference::Tiles>("tiles")
        .merger::<inference::Latest>("latest")
        .postprocessing::<inference::WithoutSmall>("without_small");
    registry
}
