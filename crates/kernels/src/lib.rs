//! The CPU's hot loops on plain slices: convolution, pooling, norms, resize.
//! Every tensor is dense `[N, C, Z, Y, X]` f32; every three-vector is `[x, y, z]`; no Burn here.

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
