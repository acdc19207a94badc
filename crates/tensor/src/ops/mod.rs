//! Operations on volumes that Burn lacks or that we have faster: each runs our own kernel on the CPU,
//! and Burn's operations everywhere else, with the same results.

mod activation;
mod concatenate;
mod convolution;
mod norm;
mod pool;
mod resize;
#[cfg(test)]
mod tests;

pub(crate) use activation::activate;
pub use concatenate::concatenate;
pub(crate) use convolution::{
    ConvolutionOptions, TransposedOptions, convolution, convolution_shape, transposed_convolution,
    transposed_shape,
};
pub(crate) use norm::{Activated, batch_normalize, normalize_groups};
pub(crate) use pool::{average_pool, max_pool};
pub(crate) use resize::{resize_linear, resize_nearest};
