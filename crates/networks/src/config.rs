//! The networks by name: one enum that a config file's `network:` becomes, and what all of them tell.

use crate::{AnyNetwork, Error, Network, Result, UNetConfig};
use serde::{Deserialize, Serialize};
use vesalius_tensor::{Device, Scope};

/// What a network's config tells before anything is built.
pub trait Architecture {
    /// Its name in a config, such as `unet`.
    fn name(&self) -> &'static str;

    /// Nothing when the network can be built.
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

    /// What the input's size `[x, y, z]` must be divisible by.
    fn divisor(&self) -> [usize; 3];

    /// The one size `[x, y, z]` that the network takes, for those that have one.
    fn fixed_size(&self) -> Option<[usize; 3]> {
        None
    }

    /// How many outputs `forward` returns, deep-supervision heads included.
    fn heads(&self) -> usize {
        1
    }

    /// Nothing when the network takes an input of that many channels and size `[x, y, z]`.
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
                "it was built for {} channel(s), the input has {channels}",
                self.in_channels()
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
        let divisor = self.divisor();
        let fits = |axis: usize| size[axis] > 0 && size[axis].is_multiple_of(divisor[axis]);
        if (0..3).all(fits) {
            return Ok(());
        }
        let below: [usize; 3] = std::array::from_fn(|a| (size[a] / divisor[a]).max(1) * divisor[a]);
        let above: [usize; 3] =
            std::array::from_fn(|a| size[a].max(1).next_multiple_of(divisor[a]));
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

/// A network by name, with its options: in YAML `unet: {channels: [16, 32, 64], …}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkConfig {
    /// MONAI's `UNet`.
    #[serde(rename = "unet")]
    UNet(UNetConfig),
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self::UNet(UNetConfig::default())
    }
}

impl NetworkConfig {
    /// The network's own config, for what all of them tell.
    pub fn architecture(&self) -> &dyn Architecture {
        match self {
            Self::UNet(config) => config,
        }
    }

    /// The same network for other numbers of channels in and out: a dataset decides them.
    pub fn with_channels(mut self, in_channels: usize, out_channels: usize) -> Self {
        match &mut self {
            Self::UNet(config) => {
                (config.in_channels, config.out_channels) = (in_channels, out_channels);
            }
        }
        self
    }

    /// The config itself when the network can be built.
    ///
    /// # Errors
    /// [`Error::BadConfig`], with the key and what is allowed.
    pub fn check(self) -> Result<Self> {
        self.architecture().check()?;
        Ok(self)
    }

    /// Nothing when the network takes an input of that many channels and size `[x, y, z]`.
    ///
    /// # Errors
    /// [`Error::BadInput`] with the nearest sizes that fit.
    pub fn check_input(&self, channels: usize, size: [usize; 3]) -> Result<()> {
        self.architecture().check_input(channels, size)
    }

    /// The network with first weights of seed 0, ready for weights to be loaded.
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
        self.architecture().check()?;
        let dims = self.architecture().spatial_dims();
        let scope = Scope::new(device, seed).with_spatial_dims(dims);
        let model = match self {
            Self::UNet(config) => AnyNetwork::UNet(config.build(&scope)),
        };
        Ok(Network::new(model, self.clone(), &scope))
    }
}
