//! Burn for volumes: devices chosen at run time, conversions, volumetric layers, and the conversion of logits to labels.
//!
//! This is the only crate that uses a Burn backend. A tensor is `[N, C, Z, Y, X]`, so that its memory is the volume's
//! memory. Kernels, strides and paddings are given as `[x, y, z]` like every 3-vector, and [`axes`] alone converts
//! between the two orders. Networks are in `vesalius-networks`, losses in `vesalius-losses`.
//!
//! ```
//! use vesalius_tensor::{Conv3dConfig, Device, Logits, tensor_from_volume};
//! use vesalius_volume::{Geometry, LabelScheme, Volume};
//!
//! let grid = Geometry::axis_aligned([6, 5, 4], [1.0; 3])?;
//! let scan = Volume::from_fn(grid, |[x, ..]| x as f32 - 2.5);
//! let device = Device::flex();
//! let input = tensor_from_volume(&scan, &device);
//! assert_eq!(input.dims(), [1, 1, 4, 5, 6]);
//!
//! // A layer is a config, which is checked, and a module that is built from it.
//! let features = Conv3dConfig::same(1, 8, [3, 3, 3]).check()?.init(&device).forward(input.clone());
//! assert_eq!(features.dims(), [1, 8, 4, 5, 6]);
//!
//! // Logits become probabilities once, by the sigmoid or softmax of their label scheme.
//! let scheme = LabelScheme::regions(&[("bright", &[1], 1)])?;
//! let labels = Logits::new(input, &scheme)?.probabilities().labels(grid)?;
//! assert_eq!((labels.get([2, 0, 0]), labels.get([3, 0, 0])), (0, 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Layers take what their `# Shapes` say, and panic on other shapes as Burn's tensor operations do; a network checks its
//! input before (`Network::try_forward` in `vesalius-networks`), and [`on_device`] makes errors of a device's panics.
//!
//! # Contents
//!
//! | topic | items |
//! |---|---|
//! | devices | [`parse_device`], [`DeviceName`], [`device_words`], [`is_cpu`], [`on_device`] |
//! | volumes and tensors | [`tensor_from_volume`], [`label_tensor`], [`volume_from_tensor`], [`label_map_from_tensor`] |
//! | outputs of networks | [`Logits`], [`Probabilities`], [`LogitsSlab`], [`ProbabilitiesSlab`], [`Presence`] |
//! | convolutions | [`Conv3d`], [`ConvTranspose3d`], [`ConvNormAct`], [`MaxPool3d`], [`AvgPool3d`], [`Upsample`], [`resize`] |
//! | norms and activations | [`Norm`], [`NormConfig`], [`Activation`], [`ActivationConfig`], [`Dropout`] |
//! | transformers | [`Linear`], [`LayerNorm`], [`gelu`] |
//! | construction | [`Scope`], [`Fill`], [`ParameterInfo`], [`StepCounter`] |
//! | finding faults | [`Probe`], [`all_finite`] |

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
/// Operations of this workspace's own networks, which panic on rows and sizes that do not fit.
#[doc(hidden)]
pub use ops::{AttentionOptions, RowOrder, attend, reorder_rows, transpose_rows};
pub use ops::{concatenate, gelu};
pub use probabilities::Probabilities;
pub use probe::{LayerOutput, Probe};
pub use scope::{Fill, ParameterInfo, Scope, StepCounter};
pub use slab::{LogitsSlab, Presence, ProbabilitiesSlab};

/// The version of Burn whose tensors and modules these crates take.
pub use burn;
pub use burn::tensor::{Device, Int, Tensor};
pub use vesalius_kernels::zeros;

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
