//! Layers for volumes with PyTorch's names and layouts of weights. Each is a config, which is checked
//! before anything is built, and a module.

mod activation;
mod batch_norm;
mod block;
mod conv;
mod conv_transpose;
mod dropout;
mod layer_norm;
mod linear;
mod named;
mod norm;
mod pool;
mod upsample;

pub use activation::{Activation, ActivationConfig};
pub use batch_norm::{BatchNorm, BatchNormConfig};
pub use block::{BlockNames, ConvNormAct, ConvNormActConfig, Convolution};
pub use conv::{Conv3d, Conv3dConfig};
pub use conv_transpose::{ConvTranspose3d, ConvTranspose3dConfig};
pub use dropout::{Dropout, DropoutConfig};
pub use layer_norm::{LayerNorm, LayerNormConfig};
pub use linear::{Linear, LinearConfig};
pub use norm::{GroupNorm, GroupNormConfig, InstanceNorm, InstanceNormConfig, Norm, NormConfig};
pub use pool::{AvgPool3d, MaxPool3d};
pub use upsample::{ResizeMode, Upsample, resize};
