//! Networks of the user's own in model folders, by a registered name.

use crate::{Architecture, Error, NetworkConfig, PatchNetwork, Result, Weights};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use vesalius_registry::{Custom, Extension, Registry};
use vesalius_tensor::Device;

/// A network of the user's own: `network: {custom: {name: my_network, width: 8}}` in a `model.yaml`. It makes what
/// inferers run of a member's weights; `vesalius_training::fit` does not train it yet.
///
/// ```
/// use vesalius_networks::{CustomNetwork, NetworkConfig, PatchNetwork, RegisterNetwork, Result, Weights};
/// use vesalius_registry::Registry;
/// use vesalius_tensor::{Device, Tensor};
///
/// /// The image times a number for each of two classes.
/// #[derive(serde::Deserialize)]
/// struct Scaled {
///     sharpness: f32,
/// }
///
/// impl CustomNetwork for Scaled {
///     fn in_channels(&self) -> usize {
///         1
///     }
///     fn out_channels(&self) -> usize {
///         2
///     }
///     fn load(&self, weights: &Weights, device: &Device) -> Result<Box<dyn PatchNetwork + Send + Sync>> {
///         let factors = weights.tensor::<5>("factors", [1, 2, 1, 1, 1], device)? * self.sharpness;
///         Ok(Box::new(move |patches: Tensor<5>| patches * factors.clone()))
///     }
/// }
///
/// let mut registry = Registry::default();
/// registry.network::<Scaled>("scaled");
/// let text = r#"{"custom": {"name": "scaled", "sharpness": 2.0}}"#;
/// let mut config: NetworkConfig = serde_json::from_str(text).unwrap();
/// config.resolve(&registry).unwrap();
///
/// let mut weights = Weights::default();
/// weights.insert("factors".to_owned(), vec![1, 2, 1, 1, 1], vec![-1.0, 1.0]).unwrap();
/// let device = Device::flex();
/// let network = config.load_ready(&weights, &device).unwrap();
/// let output = network.forward(Tensor::ones([1, 1, 4, 4, 4], &device)).unwrap();
/// assert_eq!(output.dims(), [1, 2, 4, 4, 4]);
/// ```
pub trait CustomNetwork: Send + Sync {
    /// Channels in.
    fn in_channels(&self) -> usize;

    /// Channels out.
    fn out_channels(&self) -> usize;

    /// The network with a member's weights on a device.
    ///
    /// # Errors
    /// Weights that do not fit; [`Error::custom`] makes an error of a text or of another error.
    fn load(
        &self,
        weights: &Weights,
        device: &Device,
    ) -> Result<Box<dyn PatchNetwork + Send + Sync>>;

    /// 2 for a network that takes slices (Z = 1), else 3.
    fn spatial_dims(&self) -> usize {
        3
    }

    /// What the input's size `[x, y, z]` must be divisible by.
    fn divisor(&self) -> [usize; 3] {
        [1; 3]
    }

    /// Nothing when every option is in range.
    ///
    /// # Errors
    /// The option that is not.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

impl Extension for dyn CustomNetwork {
    const KIND: &'static str = "network";
}

/// Adds networks of the user's own to a [`Registry`].
pub trait RegisterNetwork {
    /// Makes `custom: name` in a network's place mean this type; its options are read by serde.
    fn network<N: CustomNetwork + DeserializeOwned + 'static>(&mut self, name: &str) -> &mut Self;
}

impl RegisterNetwork for Registry {
    fn network<N: CustomNetwork + DeserializeOwned + 'static>(&mut self, name: &str) -> &mut Self {
        self.add::<dyn CustomNetwork, N>(name, |network| Arc::new(network))
    }
}

/// A network that only a name is known of has no channels.
impl Architecture for Custom<dyn CustomNetwork> {
    fn name(&self) -> &'static str {
        "custom"
    }

    fn check(&self) -> Result<()> {
        self.get()?.check()
    }

    fn spatial_dims(&self) -> usize {
        self.get().map_or(3, |network| network.spatial_dims())
    }

    fn in_channels(&self) -> usize {
        self.get().map_or(0, |network| network.in_channels())
    }

    fn out_channels(&self) -> usize {
        self.get().map_or(0, |network| network.out_channels())
    }

    /// Its own options say how many there are.
    fn set_channels(&mut self, _: usize, _: usize) {}

    fn divisor(&self) -> [usize; 3] {
        self.get().map_or([1; 3], |network| network.divisor())
    }
}

impl NetworkConfig {
    /// A network of the user's own. Files that are written hold the name, so that reading them again needs a
    /// [`Registry`] that has it.
    pub fn custom(name: impl Into<String>, network: impl CustomNetwork + 'static) -> Self {
        Self::Custom(Custom::new(name, Arc::new(network)))
    }

    /// Makes the network of the user's own that a file named.
    ///
    /// # Errors
    /// [`Error::Registry`] for a name that the registry has not, or options that the network does not take.
    pub fn resolve(&mut self, registry: &Registry) -> Result<()> {
        match self {
            Self::Custom(custom) => Ok(custom.resolve(registry)?),
            _ => Ok(()),
        }
    }

    /// What inferers run: a network of ours or of the user's own, with its weights.
    ///
    /// # Errors
    /// As [`NetworkConfig::load`]; what a network of the user's own gives.
    pub fn load_ready(
        &self,
        weights: &Weights,
        device: &Device,
    ) -> Result<Box<dyn PatchNetwork + Send + Sync>> {
        match self {
            Self::Custom(custom) => custom.get()?.load(weights, device),
            _ => Ok(Box::new(self.load(weights, device)?)),
        }
    }

    /// Why a network of the user's own is not built.
    pub(crate) fn not_built() -> Error {
        Error::BadConfig {
            network: "custom",
            problem: "a network of the user's own is loaded with its weights (`load_ready`); it is not built with first weights, profiled or trained here".to_owned(),
        }
    }
}
