//! User-defined networks: a type of the program that builds a Burn module, by a registered name wherever a
//! config has a network, in training and in inference.

mod config;
mod erased;
mod module;
mod parameters;

pub use config::CustomNetworkConfig;
pub use module::{BuiltNetwork, NetworkModule};

use crate::{NetworkConfig, Profile, Result};
use vesalius_registry::Registry;
use vesalius_tensor::Scope;

/// A user-defined network: `network: {custom: {name: my_network, width: 8}}` in a training config and in a
/// `model.yaml`. It is trained, checkpointed, exported, opened and run as the built-in ones are.
///
/// ```
/// use burn::module::Module;
/// use vesalius_networks::{
///     BuiltNetwork, CustomNetwork, NetworkConfig, NetworkModule, PatchNetwork, RegisterNetwork, Result,
/// };
/// use vesalius_registry::Registry;
/// use vesalius_tensor::{Conv3d, Conv3dConfig, Device, Scope, Tensor};
///
/// /// Two convolutions.
/// #[derive(serde::Deserialize)]
/// struct Small {
///     width: usize,
/// }
///
/// #[derive(Module, Debug)]
/// struct SmallModule {
///     first: Conv3d,
///     last: Conv3d,
/// }
///
/// impl NetworkModule for SmallModule {
///     fn forward(&self, input: Tensor<5>) -> Vec<Tensor<5>> {
///         let features = burn::tensor::activation::relu(self.first.forward(input));
///         vec![self.last.forward(features)]
///     }
/// }
///
/// impl CustomNetwork for Small {
///     fn build(&self, in_channels: usize, out_channels: usize, scope: &Scope) -> Result<BuiltNetwork> {
///         let first = Conv3dConfig::same(in_channels, self.width, [3; 3]);
///         let last = Conv3dConfig::same(self.width, out_channels, [1; 3]);
///         Ok(BuiltNetwork::new(SmallModule {
///             first: first.init(scope.at("first")),
///             last: last.init(scope.at("last")),
///         }))
///     }
/// }
///
/// let mut registry = Registry::default();
/// registry.network::<Small>("small");
/// let text = r#"{"custom": {"name": "small", "width": 4}}"#;
/// let mut config: NetworkConfig = serde_json::from_str(text).unwrap();
/// config.resolve(&registry).unwrap();
///
/// let device = Device::flex();
/// let network = config.with_channels(1, 3).init_seeded(&device, 7).unwrap();
/// assert_eq!(network.parameters()[0].name, "first.weight");
/// let output = PatchNetwork::forward(&network, Tensor::ones([1, 1, 4, 4, 4], &device)).unwrap();
/// assert_eq!(output.dims(), [1, 3, 4, 4, 4]);
/// ```
pub trait CustomNetwork: Send + Sync {
    /// The network for these numbers of channels, which the dataset decides. Every parameter is made by the scope:
    /// `scope.at("name")` for a layer of `vesalius_tensor`, [`Scope::parameter`] and [`Scope::buffer`] for others. Their
    /// names, first values (of the run's seed) and identities come from there.
    ///
    /// # Errors
    /// Options that cannot be built; [`crate::Error::custom`] makes an error of a text or of another error.
    fn build(&self, in_channels: usize, out_channels: usize, scope: &Scope)
    -> Result<BuiltNetwork>;

    /// Checks that every option is in range and the network can be built for these numbers of channels.
    ///
    /// # Errors
    /// The option that is not, or the channels.
    fn check(&self, _in_channels: usize, _out_channels: usize) -> Result<()> {
        Ok(())
    }

    /// 2 for a network that takes slices (Z = 1), else 3.
    fn spatial_dims(&self) -> usize {
        3
    }

    /// What the input's size `[x, y, z]` must be divisible by.
    fn divisor(&self) -> [usize; 3] {
        [1; 3]
    }

    /// The smallest size `[x, y, z]` that the network takes.
    fn minimum(&self) -> [usize; 3] {
        self.divisor()
    }

    /// The one size `[x, y, z]` that the network takes, for those that have one.
    fn fixed_size(&self) -> Option<[usize; 3]> {
        None
    }

    /// The network's cost on a batch of patches `[x, y, z]`, if it can compute it. Otherwise the cost is estimated from
    /// a pass over a small patch, by the outputs of the layers of `vesalius_tensor`.
    fn profile(
        &self,
        _in_channels: usize,
        _out_channels: usize,
        _patch: [usize; 3],
        _batch: usize,
    ) -> Option<Profile> {
        None
    }
}

vesalius_registry::registered! {
    /// Adds user-defined networks to a [`Registry`].
    pub trait RegisterNetwork {
        /// Makes `custom: name` in a network's place mean this type; its options are read by serde.
        fn network => CustomNetwork, "network";
    }
}

impl NetworkConfig {
    /// A user-defined network. Files that are written hold its name and channels, so that reading them again needs
    /// a [`Registry`] that has it; see [`CustomNetworkConfig::with_options`] for its options.
    pub fn custom(name: impl Into<String>, network: impl CustomNetwork + 'static) -> Self {
        Self::Custom(CustomNetworkConfig::new(name, network))
    }

    /// Makes the user-defined network that a file named.
    ///
    /// # Errors
    /// [`crate::Error::Registry`] for a name that is not in the registry, or options that the network does not take.
    pub fn resolve(&mut self, registry: &Registry) -> Result<()> {
        match self {
            Self::Custom(custom) => custom.resolve(registry),
            _ => Ok(()),
        }
    }

    /// Checks that a user-defined network was made, by a registry or a program.
    ///
    /// # Errors
    /// [`crate::Error::Registry`] with its name.
    pub fn check_resolved(&self) -> Result<()> {
        match self {
            Self::Custom(custom) => custom.get().map(drop),
            _ => Ok(()),
        }
    }
}
