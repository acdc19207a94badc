//! Instance, group, batch and layer norm, forward and backward: one pass for the moments, one for the
//! values, while they are in the caches.

mod batch;
mod gradient;
mod group;
mod layer;
mod moments;
mod slope;

pub use batch::{batch_norm_backward, batch_norm_forward, batch_norm_inference};
pub(crate) use group::apply;
pub use group::{
    NormOptions, group_norm_backward, group_norm_forward, instance_norm_backward,
    instance_norm_forward,
};
pub use layer::{LayerNormOptions, layer_norm_backward, layer_norm_forward};
pub(crate) use moments::Moments;
pub use slope::group_norm_slope_gradient;
