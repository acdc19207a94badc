//! The CPU kernels of the networks, on plain slices: convolution, pooling, norms, attention, resizing.
//!
//! Every tensor is a dense slice of `f32`, `[N, C, Z, Y, X]` with x fastest; every three-vector is `[x, y, z]`. Kernels
//! use all threads of the current rayon pool and the best vector instructions of the processor ([`SimdLevel`]). This
//! crate does not depend on Burn: `vesalius-tensor` makes operations with gradients of these functions.
//!
//! ```
//! use vesalius_kernels::{ConvShape, conv3d_forward};
//!
//! // The sum of the 3 × 3 × 3 voxels around each of 4 × 3 × 2 voxels of value 1.
//! let shape = ConvShape::new(1, [1, 1], [4, 3, 2], [3, 3, 3]).padded_for_kernel();
//! let (input, weight) = (vec![1.0; shape.input_len()], vec![1.0; shape.weight_len()]);
//! let mut output = vec![0.0; shape.output_len()?];
//! conv3d_forward(&shape, &input, &weight, None, &mut output)?;
//! assert_eq!(shape.output()?, [4, 3, 2]);
//! // A corner voxel has 2 × 2 × 2 neighbours within the image, itself included.
//! assert_eq!((output[0], output[5]), (8.0, 18.0));
//! # Ok::<(), vesalius_kernels::Error>(())
//! ```
//!
//! # Contents
//!
//! | topic | items |
//! |---|---|
//! | convolution | [`conv3d_forward`], [`conv3d_activation`], [`conv3d_instance_norm`], [`conv_transpose3d_forward`], [`ConvShape`], [`ConvTransposeShape`] |
//! | pooling and resizing | [`max_pool3d_forward`], [`avg_pool3d_forward`], [`PoolShape`], [`resize3d_forward`], [`Resize`], [`grid_sample3d_forward`] |
//! | norms | [`instance_norm_forward`], [`group_norm_forward`], [`batch_norm_forward`], [`layer_norm_forward`] |
//! | activations | [`Activation`], [`relu_forward`], [`leaky_relu_forward`], [`prelu_forward`], [`gelu_forward`] |
//! | transformers | [`attention_forward`], [`linear_forward`], [`take_rows`], [`transpose`] |
//! | padding and memory | [`pad3d_forward`], [`PadFill`], [`zeros`] |
//! | vector instructions | [`SimdLevel`], [`with_simd_level`] |
//!
//! Each `…_forward` has a `…_backward` for its gradients.

mod activation;
mod attention;
mod buffer;
mod conv;
mod error;
mod gelu;
mod grid_sample;
mod math;
mod matrix;
mod norm;
mod pad;
mod parallel;
mod pool;
mod resize;
mod rows;
mod simd;
mod sum;

pub use activation::{
    Activation, ChannelShape, leaky_relu_backward, leaky_relu_forward, leaky_relu_in_place,
    prelu_backward, prelu_forward, relu_backward, relu_forward, relu_in_place,
};
pub use attention::{
    AttentionGradients, AttentionShape, WindowMask, attention_backward, attention_forward,
};
pub use buffer::zeros;
pub use conv::{
    ConvShape, ConvTransposeShape, conv_transpose3d_activation, conv_transpose3d_backward_input,
    conv_transpose3d_backward_weight, conv_transpose3d_forward, conv3d_activation,
    conv3d_backward_input, conv3d_backward_weight, conv3d_forward, conv3d_instance_norm,
};
pub use error::{Error, Result};
pub use gelu::{gelu_backward, gelu_forward};
pub use grid_sample::{
    SampleMode, SampleOptions, SamplePadding, SampleShape, grid_sample3d_backward,
    grid_sample3d_forward,
};
pub use matrix::{LinearShape, linear_backward_input, linear_backward_weight, linear_forward};
pub use norm::{
    LayerNormOptions, NormOptions, batch_norm_backward, batch_norm_forward, batch_norm_inference,
    group_norm_backward, group_norm_forward, group_norm_slope_gradient, instance_norm_backward,
    instance_norm_forward, layer_norm_backward, layer_norm_forward,
};
pub use pad::{PadFill, PadShape, pad3d_backward, pad3d_forward};
pub use pool::{
    PoolShape, avg_pool3d_backward, avg_pool3d_forward, max_pool3d_backward, max_pool3d_forward,
};
pub use resize::{Resize, ResizeShape, resize3d_backward, resize3d_forward};
pub use rows::{NO_ROW, take_rows, transpose};
pub use simd::{SimdLevel, with_simd_level};
