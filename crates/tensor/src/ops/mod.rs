//! Operations on volumes that Burn lacks or that we have faster: each runs our own kernel on the CPU,
//! and Burn's operations everywhere else, with the same results.

mod activation;
mod attention;
mod concatenate;
mod convolution;
mod linear;
mod norm;
mod pool;
mod resize;
mod rows;
#[cfg(test)]
mod tests;

pub(crate) use activation::activate;
pub use attention::{AttentionOptions, attend};
pub use concatenate::concatenate;
pub(crate) use convolution::{
    ConvolutionOptions, TransposedOptions, convolution, convolution_shape, transposed_convolution,
    transposed_shape,
};
pub use linear::gelu;
pub(crate) use linear::{layer_norm, linear};
pub(crate) use norm::{Activated, batch_normalize, normalize_groups};
pub(crate) use pool::{average_pool, max_pool};
pub(crate) use resize::{resize_linear, resize_nearest};
pub use rows::{RowOrder, reorder_rows, transpose_rows};
