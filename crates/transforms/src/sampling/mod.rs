//! Patches of a case: where they lie and how they are drawn.

mod axis;
mod custom;
mod grid_patch;
mod label_index;
mod patch;
mod patch_sampling;
mod placer;
mod runs;
mod weighted_patch;

pub use axis::Axis;
pub use custom::{CustomSampler, PatchPlace, RegisterSampler, SampledCase};
pub use grid_patch::{GridPatch, grid_patches};
pub use label_index::LabelIndex;
pub use patch::PatchConfig;
pub use patch_sampling::{ClassRatios, ForcedForeground, PatchSampling, PositiveNegative};
pub use placer::{PatchPlacer, Placed, WeightedClass};
pub use weighted_patch::WeightedPatch;
