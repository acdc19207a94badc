//! U-Net and its relatives, as in MONAI and nnU-Net, and the weights that were trained with them.
//!
//! A config is checked, then built: `XConfig` → `check()` → `init(&Device)`. Parameters have PyTorch's names and
//! layouts, so that weights can be imported and exported. All layers are those of `vesalius-tensor`; running a network
//! over a whole volume is the task of `vesalius-inferers`.
//!
//! ```
//! use vesalius_networks::{NetworkConfig, UNetConfig, Weights};
//! use vesalius_tensor::{Device, Tensor};
//!
//! let config = NetworkConfig::UNet(UNetConfig {
//!     channels: vec![4, 8],
//!     strides: vec![2.into()],
//!     ..UNetConfig::default()
//! })
//! .with_channels(1, 2)
//! .check()?;
//! let device = Device::flex();
//! let network = config.init_seeded(&device, 42)?;
//! let outputs = network.try_forward(Tensor::ones([1, 1, 8, 8, 8], &device))?;
//! assert_eq!(outputs[0].dims(), [1, 2, 8, 8, 8]);
//!
//! // Weights as a safetensors file, and back.
//! let bytes = network.weights().to_safetensors()?;
//! let weights = Weights::from_safetensors("the example", &bytes)?;
//! let same = config.load(&weights, &device)?;
//! assert_eq!(same.parameter_count(), network.parameter_count());
//! # Ok::<(), vesalius_networks::Error>(())
//! ```
//!
//! # Contents
//!
//! | topic | items |
//! |---|---|
//! | a network by name | [`NetworkConfig`], [`Network`], [`Architecture`] |
//! | MONAI | [`UNetConfig`], [`BasicUNetConfig`], [`DynUNetConfig`], [`DiNTSConfig`], [`AttentionUnetConfig`], [`VNetConfig`], [`SegResNetConfig`], [`SegResNetDSConfig`], [`MedNeXtConfig`], [`UnetrConfig`], [`SwinUnetrConfig`] |
//! | nnU-Net | [`PlainConvUNetConfig`], [`ResidualEncoderUNetConfig`] |
//! | user-defined | [`CustomNetwork`], [`NetworkModule`], [`RegisterNetwork`] |
//! | weights | [`Weights`], [`StoredTensor`], [`Wrapping`], [`Mismatch`], [`read_pytorch_values`], [`recognise()`] (the network of weights without a config) |
//! | cost | [`Profile`] |
//! | for inferers | [`PatchNetwork`], [`PatchOutput`] |

#![forbid(unsafe_code)]

mod config;
mod custom;
mod error;
mod limits;
mod monai;
mod network;
mod nnunet;
mod patch_network;
mod profile;
mod recognise;
mod reference;
mod weights;

pub use config::{Architecture, NetworkConfig};
pub use custom::{
    BuiltNetwork, CustomNetwork, CustomNetworkConfig, NetworkModule, RegisterNetwork,
};
pub use error::{Error, Mismatch};
pub use monai::{
    AttentionUnet, AttentionUnetConfig, BasicUNet, BasicUNetConfig, DiNTS, DiNTSConfig, DynUNet,
    DynUNetConfig, MedNeXt, MedNeXtConfig, Merging, PatchProjection, ResidualUnit, SegResNet,
    SegResNetConfig, SegResNetDS, SegResNetDSConfig, SwinUnetr, SwinUnetrConfig, UNet, UNetConfig,
    Unetr, UnetrConfig, UpsampleMode, VNet, VNetConfig,
};
pub use network::{AnyNetwork, Network};
pub use nnunet::{
    PerStage, PlainConvUNet, PlainConvUNetConfig, ResidualBlock, ResidualEncoderUNet,
    ResidualEncoderUNetConfig,
};
pub use patch_network::{PatchNetwork, PatchOutput};
pub use profile::Profile;
pub use recognise::{Recognised, recognise};
pub use weights::{StoredTensor, Weights, Wrapping, read_pickle, read_pytorch_values};

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
