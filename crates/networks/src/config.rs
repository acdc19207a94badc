//! The networks by name: the enum that a config file's `network:` becomes, and what all networks describe.

use crate::{
    AnyNetwork, AttentionUnetConfig, BasicUNetConfig, CustomNetworkConfig, DiNTSConfig,
    DynUNetConfig, Error, MedNeXtConfig, Network, PlainConvUNetConfig, ResidualEncoderUNetConfig,
    Result, SegResNetConfig, SegResNetDSConfig, SwinUnetrConfig, UNetConfig, UnetrConfig,
    VNetConfig, Weights, Wrapping,
};
use serde::{Deserialize, Serialize};
use vesalius_tensor::{Device, Scope};

/// What a network's config describes before anything is built.
pub trait Architecture {
    /// Its name in a config, such as `unet`.
    fn name(&self) -> &'static str;

    /// Checks that the network can be built.
    ///
    /// # Errors
    /// [`Error::BadConfig`], with the key and what is allowed.
    fn check(&self) -> Result<()>;

    /// 2 or 3; a 2-D network takes one slice at a time, Z = 1.
    fn spatial_dims(&self) -> usize;

    /// Channels in.
    fn in_channels(&self) -> usize;

    /// Channels out, of every head.
    fn out_channels(&self) -> usize;

    /// Sets both: a dataset decides them.
    fn set_channels(&mut self, in_channels: usize, out_channels: usize);

    /// What the input's size `[x, y, z]` must be divisible by.
    fn divisor(&self) -> [usize; 3];

    /// The smallest size `[x, y, z]` that the network takes.
    fn minimum(&self) -> [usize; 3] {
        self.divisor()
    }

    /// The one size `[x, y, z]` that the network takes, for those that have one.
    fn fixed_size(&self) -> Option<[usize; 3]> {
        None
    }

    /// How many outputs `forward` returns, deep-supervision heads included.
    fn heads(&self) -> usize {
        1
    }

    /// Whether a name in the original's state dict only repeats a tensor that has another name there.
    fn is_alias(&self, _name: &str) -> bool {
        false
    }

    /// The other names that the original's state dict has for the tensor of this name.
    fn aliases(&self, _name: &str) -> Vec<String> {
        Vec::new()
    }

    /// Tensors of the original's state dict that follow from the config alone: name, shape, values.
    fn derived(&self) -> Vec<(String, Vec<usize>, Vec<f32>)> {
        Vec::new()
    }

    /// Checks that the network takes an input of that many channels and size `[x, y, z]`.
    ///
    /// # Errors
    /// [`Error::BadInput`] with the nearest sizes that fit.
    fn check_input(&self, channels: usize, size: [usize; 3]) -> Result<()> {
        let bad = |problem: String| {
            Err(Error::BadInput {
                network: self.name(),
                size,
                problem,
            })
        };
        if channels != self.in_channels() {
            return bad(format!(
                "it was built for {}, the input has {channels}",
                vesalius_volume::counted(self.in_channels(), "channel")
            ));
        }
        if self.spatial_dims() == 2 && size[2] != 1 {
            return bad(format!(
                "it is 2-D and takes one slice at a time, Z = 1, not {} slices",
                size[2]
            ));
        }
        if let Some(fixed) = self.fixed_size()
            && fixed != size
        {
            return bad(format!("its size is fixed to {fixed:?}"));
        }
        let (divisor, minimum) = (self.divisor(), self.minimum());
        if (0..3).any(|axis| size[axis] < minimum[axis]) {
            return bad(format!("each axis must be at least {minimum:?}"));
        }
        let divisor = divisor.map(|by| by.max(1));
        let fits = |axis: usize| size[axis] > 0 && size[axis].is_multiple_of(divisor[axis]);
        if (0..3).all(fits) {
            return Ok(());
        }
        let below: [usize; 3] = std::array::from_fn(|a| (size[a] / divisor[a]).max(1) * divisor[a]);
        let above: [usize; 3] = std::array::from_fn(|a| {
            let above = size[a].max(1).checked_next_multiple_of(divisor[a]);
            above.unwrap_or(usize::MAX)
        });
        let nearest = if below == above {
            format!("the nearest size that fits is {above:?}")
        } else {
            format!("the nearest sizes that fit are {below:?} and {above:?}")
        };
        bad(format!(
            "each axis must be divisible by {divisor:?}; {nearest}"
        ))
    }
}

/// `spatial_dims`, channels and their setter of a config whose fields have MONAI's names.
#[doc(hidden)]
#[macro_export]
macro_rules! standard_channels {
    () => {
        fn spatial_dims(&self) -> usize {
            self.spatial_dims
        }

        fn in_channels(&self) -> usize {
            self.in_channels
        }

        fn out_channels(&self) -> usize {
            self.out_channels
        }

        fn set_channels(&mut self, in_channels: usize, out_channels: usize) {
            (self.in_channels, self.out_channels) = (in_channels, out_channels);
        }
    };
}

/// A network by name, with its options: in YAML `unet: {channels: [16, 32, 64], …}`.
///
/// ```
/// use vesalius_networks::NetworkConfig;
///
/// let yaml = "unet: {channels: [8, 16], strides: [2], out_channels: 3}";
/// let config: NetworkConfig = serde_saphyr::from_str(yaml)?;
/// let architecture = config.architecture();
/// assert_eq!((architecture.name(), architecture.out_channels()), ("unet", 3));
/// // Two levels: sizes are multiples of 2.
/// assert_eq!(architecture.divisor(), [2, 2, 2]);
/// assert!(config.check_input(1, [15, 16, 16]).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NetworkConfig {
    /// MONAI's `UNet`.
    #[serde(rename = "unet")]
    UNet(UNetConfig),
    /// MONAI's `BasicUNet`.
    #[serde(rename = "basic_unet")]
    BasicUNet(BasicUNetConfig),
    /// MONAI's `DiNTS` of an architecture that was found.
    #[serde(rename = "dints")]
    DiNTS(DiNTSConfig),
    /// MONAI's `DynUNet`.
    #[serde(rename = "dynunet")]
    DynUNet(DynUNetConfig),
    /// MONAI's `SegResNet`.
    #[serde(rename = "segresnet")]
    SegResNet(SegResNetConfig),
    /// MONAI's `SegResNetDS`.
    #[serde(rename = "segresnet_ds")]
    SegResNetDS(SegResNetDSConfig),
    /// MONAI's `AttentionUnet`.
    #[serde(rename = "attention_unet")]
    AttentionUnet(AttentionUnetConfig),
    /// MONAI's `VNet`.
    #[serde(rename = "vnet")]
    VNet(VNetConfig),
    /// MONAI's `MedNeXt`.
    #[serde(rename = "mednext")]
    MedNeXt(MedNeXtConfig),
    /// MONAI's `UNETR`.
    #[serde(rename = "unetr")]
    Unetr(UnetrConfig),
    /// MONAI's `SwinUNETR`.
    #[serde(rename = "swin_unetr")]
    SwinUnetr(SwinUnetrConfig),
    /// nnU-Net's `PlainConvUNet`.
    #[serde(rename = "plain_conv_unet")]
    PlainConvUNet(PlainConvUNetConfig),
    /// nnU-Net's `ResidualEncoderUNet`.
    #[serde(rename = "residual_encoder_unet")]
    ResidualEncoderUNet(ResidualEncoderUNetConfig),
    /// A user-defined network: in YAML `custom: my_network` or `custom: {name: my_network, width: 8}`, for
    /// which [`NetworkConfig::resolve`] is called after reading.
    Custom(CustomNetworkConfig),
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self::UNet(UNetConfig::default())
    }
}

impl NetworkConfig {
    /// The network's own config, as the trait of all of them.
    pub fn architecture(&self) -> &dyn Architecture {
        match self {
            Self::UNet(config) => config,
            Self::BasicUNet(config) => config,
            Self::DiNTS(config) => config,
            Self::DynUNet(config) => config,
            Self::SegResNet(config) => config,
            Self::SegResNetDS(config) => config,
            Self::AttentionUnet(config) => config,
            Self::VNet(config) => config,
            Self::MedNeXt(config) => config,
            Self::Unetr(config) => config,
            Self::SwinUnetr(config) => config,
            Self::PlainConvUNet(config) => config,
            Self::ResidualEncoderUNet(config) => config,
            Self::Custom(config) => config,
        }
    }

    fn architecture_mut(&mut self) -> &mut dyn Architecture {
        match self {
            Self::UNet(config) => config,
            Self::BasicUNet(config) => config,
            Self::DiNTS(config) => config,
            Self::DynUNet(config) => config,
            Self::SegResNet(config) => config,
            Self::SegResNetDS(config) => config,
            Self::AttentionUnet(config) => config,
            Self::VNet(config) => config,
            Self::MedNeXt(config) => config,
            Self::Unetr(config) => config,
            Self::SwinUnetr(config) => config,
            Self::PlainConvUNet(config) => config,
            Self::ResidualEncoderUNet(config) => config,
            Self::Custom(config) => config,
        }
    }

    /// The same network for other numbers of channels in and out: a dataset decides them.
    pub fn with_channels(mut self, in_channels: usize, out_channels: usize) -> Self {
        self.architecture_mut()
            .set_channels(in_channels, out_channels);
        self
    }

    /// The config itself when the network can be built.
    ///
    /// # Errors
    /// [`Error::BadConfig`], with the key and what is allowed.
    pub fn check(self) -> Result<Self> {
        self.validate()?;
        Ok(self)
    }

    /// As [`NetworkConfig::check`], for a config that stays where it is.
    ///
    /// # Errors
    /// As [`NetworkConfig::check`].
    pub fn validate(&self) -> Result<()> {
        self.check_limits()?;
        self.architecture().check()
    }

    /// Checks that the network takes an input of that many channels and size `[x, y, z]`.
    ///
    /// # Errors
    /// [`Error::BadInput`] with the nearest sizes that fit.
    pub fn check_input(&self, channels: usize, size: [usize; 3]) -> Result<()> {
        self.architecture().check_input(channels, size)
    }

    /// The network with initial weights of seed 0, into which weights can be loaded.
    ///
    /// # Errors
    /// As [`NetworkConfig::check`].
    pub fn init(&self, device: &Device) -> Result<Network> {
        self.init_seeded(device, 0)
    }

    /// The network with first weights keyed by `seed`; on a device with autodiff it can be trained.
    ///
    /// # Errors
    /// As [`NetworkConfig::check`].
    pub fn init_seeded(&self, device: &Device, seed: u64) -> Result<Network> {
        self.build(Scope::new(device, seed))
    }

    /// The network with the weights of its names, as [`Network::load`] puts them in: each is in memory
    /// once, and first weights are never made.
    ///
    /// # Errors
    /// As [`NetworkConfig::check`] and [`Network::load`].
    pub fn load(&self, weights: &Weights, device: &Device) -> Result<Network> {
        self.outline(device)?.load(weights)
    }

    /// The weights that belong to this network, under every name of MONAI's or nnU-Net's own state dict, so that
    /// PyTorch loads them with `strict=True`. Values are read when they are used.
    ///
    /// # Errors
    /// As [`NetworkConfig::check`] and [`Network::load`].
    pub fn own_weights(&self, weights: &Weights) -> Result<Weights> {
        self.outline(&Device::flex())?.named_as_the_peer(weights)
    }

    /// What the names of this network's weights begin with in a file, and under what the file has the network again.
    ///
    /// # Errors
    /// As [`NetworkConfig::check`].
    pub fn wrapping(&self, weights: &Weights) -> Result<Wrapping> {
        Ok(self.outline(&Device::flex())?.wrapping(weights))
    }

    /// As [`NetworkConfig::load`], where weights that the network has no use for are left out: MONAI's `strict=False`, except
    /// that none may be missing.
    ///
    /// # Errors
    /// As [`NetworkConfig::load`].
    pub fn load_among(&self, weights: &Weights, device: &Device) -> Result<Network> {
        let outline = self.outline(device)?;
        let prefix = outline.wrapping(weights).prefix;
        let own = match prefix.strip_suffix('.') {
            Some(name) => weights.entry(name).unwrap_or_default(),
            None => weights.clone(),
        };
        let names: Vec<String> = outline
            .parameters()
            .iter()
            .map(|p| p.name.clone())
            .collect();
        outline.load(&own.only(names.iter().map(String::as_str)))
    }

    /// The network's shapes and names, with no values.
    pub(crate) fn outline(&self, device: &Device) -> Result<Network> {
        self.build(Scope::new(device, 0).without_values())
    }

    fn build(&self, scope: Scope) -> Result<Network> {
        self.validate()?;
        let scope = scope.with_spatial_dims(self.architecture().spatial_dims());
        let model = match self {
            Self::UNet(config) => AnyNetwork::UNet(config.build(&scope)),
            Self::BasicUNet(config) => AnyNetwork::BasicUNet(config.build(&scope)),
            Self::DiNTS(config) => AnyNetwork::DiNTS(config.build(&scope)),
            Self::DynUNet(config) => AnyNetwork::DynUNet(config.build(&scope)),
            Self::SegResNet(config) => AnyNetwork::SegResNet(config.build(&scope)),
            Self::SegResNetDS(config) => AnyNetwork::SegResNetDS(config.build(&scope)),
            Self::AttentionUnet(config) => AnyNetwork::AttentionUnet(config.build(&scope)),
            Self::VNet(config) => AnyNetwork::VNet(config.build(&scope)),
            Self::MedNeXt(config) => AnyNetwork::MedNeXt(config.build(&scope)),
            Self::Unetr(config) => AnyNetwork::Unetr(config.build(&scope)),
            Self::SwinUnetr(config) => AnyNetwork::SwinUnetr(config.build(&scope)),
            Self::PlainConvUNet(config) => AnyNetwork::PlainConvUNet(config.build(&scope)?),
            Self::ResidualEncoderUNet(config) => {
                AnyNetwork::ResidualEncoderUNet(config.build(&scope)?)
            }
            Self::Custom(config) => config.build(&scope)?,
        };
        Ok(Network::new(model, self.clone(), &scope))
    }
}
