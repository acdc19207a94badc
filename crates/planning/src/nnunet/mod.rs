//! nnU-Net v2's own files, `plans.json` and `dataset.json`, as types: read in every form that its
//! versions wrote, written with its keys in its order.
//!
//! Vectors have nnU-Net's order here, along an array's axes (z, y, x after its
//! `transpose_forward`); code that builds something from them reorders them to `[x, y, z]`.

mod dataset_json;
mod extract;
mod fingerprint;
mod ordered;
mod planner;
mod plans;

pub use dataset_json::{DatasetJson, LabelValues};
pub(crate) use extract::CaseFingerprint;
pub use fingerprint::Fingerprint;
pub use ordered::Ordered;
pub use planner::{PlanChoice, PlanOptions, Planned, Planner, Reason};
pub use plans::{Architecture, Configuration, IntensityProperties, Plans, Resampling};
