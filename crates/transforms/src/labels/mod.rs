//! Steps that change labels.

mod drop_small;
mod regions;
mod remap;

pub use drop_small::DropSmall;
pub use regions::MergeRegions;
pub use remap::Remap;

use crate::Result;
use crate::transform::Configured;
use serde::{Deserialize, Serialize};
use vesalius_volume::LabelMap;

/// A change of labels; none of them is random.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // Each is the step of the transform of its name.
#[non_exhaustive]
pub enum LabelStep {
    DropSmall(DropSmall),
    MergeRegions(MergeRegions),
    Remap(Remap),
}

impl LabelStep {
    /// Changes the labels in place.
    ///
    /// # Errors
    /// Labels that the step does not fit.
    pub fn apply(&self, labels: &mut LabelMap) -> Result<()> {
        match self {
            Self::DropSmall(step) => step.check()?,
            Self::MergeRegions(step) => step.check()?,
            Self::Remap(step) => step.check()?,
        }
        match self {
            Self::DropSmall(step) => step.apply(labels),
            Self::MergeRegions(step) => step.apply(labels),
            Self::Remap(step) => step.apply(labels),
        }
    }
}
