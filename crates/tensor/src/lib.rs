//! Burn for volumes: devices chosen at run time, conversions, volumetric layers, and the one-way
//! road from logits to labels.
//!
//! This is the only crate that touches a Burn backend. A tensor is `[N, C, Z, Y, X]`, so that its
//! memory is the volume's memory; kernels, strides and paddings are given as `[x, y, z]` like every
//! 3-vector, and [`axes`] is the one place that turns them around. No network and no loss lives here.

#![forbid(unsafe_code)]

pub mod axes;
mod convert;
mod cpu;
mod device;
mod error;
mod failure;
mod finite;
mod layers;
mod logits;
mod ops;
mod probabilities;
mod probe;
mod scope;
mod slab;

pub use convert::{
    label_map_from_tensor, label_maps_from_tensor, label_tensor, label_tensor_of,
    tensor_from_values, tensor_from_volume, tensor_from_volumes, values_of, volume_from_tensor,
    volumes_from_tensor,
};
pub use device::{DEVICE_SEARCH_THREAD, DeviceName, device_words, parse_device, processor_name};
pub use error::Error;
pub use failure::{is_cpu, on_device};
pub use finite::all_finite;
pub use layers::*;
pub use logits::Logits;
pub use ops::{
    AttentionOptions, RowOrder, attend, concatenate, gelu, reorder_rows, transpose_rows,
};
pub use probabilities::Probabilities;
pub use probe::{LayerOutput, Probe};
pub use scope::{Fill, ParameterInfo, Scope, StepCounter};
pub use slab::{LogitsSlab, ProbabilitiesSlab};

/// The version of Burn whose tensors and modules these crates take.
pub use burn;
pub use burn::tensor::{Device, Int, Tensor};
pub use vesalius_kernels::zeros;

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
