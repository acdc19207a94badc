//! MONAI's networks, as version 1.6 builds them: names of arguments, defaults, names of weights.

mod attention_unet;
mod basic_unet;
pub(crate) mod dints;
mod dynunet;
mod mednext;
pub(crate) mod parts;
mod residual_unit;
mod segresnet;
mod segresnet_ds;
mod swin_unetr;
mod transformer;
mod two_convs;
mod unet;
mod unetr;
mod vnet;

pub use attention_unet::{AttentionUnet, AttentionUnetConfig};
pub use basic_unet::{BasicUNet, BasicUNetConfig};
pub use dints::{DiNTS, DiNTSConfig};
pub use dynunet::{DynUNet, DynUNetConfig};
pub use mednext::{MedNeXt, MedNeXtConfig};
pub use parts::UpsampleMode;
pub use residual_unit::ResidualUnit;
pub use segresnet::{SegResNet, SegResNetConfig};
pub use segresnet_ds::{SegResNetDS, SegResNetDSConfig};
pub use swin_unetr::{Merging, SwinUnetr, SwinUnetrConfig};
pub use unet::{UNet, UNetConfig};
pub use unetr::{PatchProjection, Unetr, UnetrConfig};
pub use vnet::{VNet, VNetConfig};
