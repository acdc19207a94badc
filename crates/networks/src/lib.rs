//! U-Net and its relatives, and the weights that people already have for them.
//!
//! A config is checked, then built: `XConfig` → `check()` → `init(&Device)`. Parameters carry
//! PyTorch's names and layouts, so that weights can be imported and exported. Networks are built of the layers
//! of `vesalius-tensor` alone; how volumes are cut for them is the inferers' affair.

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
mod reference;
mod weights;

pub use config::{Architecture, NetworkConfig};
pub use custom::{
    BuiltNetwork, CustomNetwork, CustomNetworkConfig, NetworkModule, RegisterNetwork,
};
pub use error::{Error, Mismatch};
pub use monai::{
    AttentionUnet, AttentionUnetConfig, BasicUNet, BasicUNetConfig, DynUNet, DynUNetConfig,
    MedNeXt, MedNeXtConfig, Merging, PatchProjection, ResidualUnit, SegResNet, SegResNetConfig,
    SegResNetDS, SegResNetDSConfig, SwinUnetr, SwinUnetrConfig, UNet, UNetConfig, Unetr,
    UnetrConfig, UpsampleMode, VNet, VNetConfig,
};
pub use network::{AnyNetwork, Network};
pub use nnunet::{
    PerStage, PlainConvUNet, PlainConvUNetConfig, ResidualBlock, ResidualEncoderUNet,
    ResidualEncoderUNetConfig,
};
pub use patch_network::{PatchNetwork, PatchOutput};
pub use profile::Profile;
pub use weights::{StoredTensor, Weights, read_pickle, read_pytorch_values};

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
