//! Operations on volumes that Burn lacks or that we have faster: each picks our own kernel where
//! one fits the device, and Burn's operations everywhere else, with the same results.

mod convolution;
mod norm;
mod pool;
mod resize;

pub(crate) use convolution::{
    ConvolutionOptions, TransposedOptions, convolution, transposed_convolution,
};
pub(crate) use norm::normalize_groups;
pub(crate) use pool::{average_pool, max_pool};
pub(crate) use resize::{resize_linear, resize_nearest};
