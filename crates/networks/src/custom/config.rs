//! A user-defined network as a config holds it: its name, its options, and the channels that the dataset decides.

use super::{CustomNetwork, parameters};
use crate::{AnyNetwork, Architecture, Result};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};
use std::sync::Arc;
use vesalius_registry::{Custom, Registry};
use vesalius_tensor::Scope;

/// The keys that are no options of the network's own.
const CHANNELS: [&str; 2] = ["in_channels", "out_channels"];

/// In YAML `custom: my_network`, or `custom: {name: my_network, in_channels: 1, out_channels: 2, width: 8}`, in which
/// all but the name and the channels are the network's own options.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomNetworkConfig {
    network: Custom<dyn CustomNetwork>,
    in_channels: usize,
    out_channels: usize,
}

impl CustomNetworkConfig {
    /// One channel in and two out, until a dataset or a model sets them.
    pub fn new(name: impl Into<String>, network: impl CustomNetwork + 'static) -> Self {
        Self {
            network: Custom::new(name, Arc::new(network)),
            in_channels: 1,
            out_channels: 2,
        }
    }

    /// With the options that a [`Registry`] makes the same network from, for files that are read again.
    #[must_use]
    pub fn with_options(mut self, options: Map<String, Value>) -> Self {
        self.network = self.network.with_options(options);
        self
    }

    /// The registered name.
    pub fn name(&self) -> &str {
        self.network.name()
    }

    /// The network.
    ///
    /// # Errors
    /// [`crate::Error::Registry`] where a file named it and no registry has made it.
    pub fn get(&self) -> Result<&Arc<dyn CustomNetwork>> {
        Ok(self.network.get()?)
    }

    pub(crate) fn resolve(&mut self, registry: &Registry) -> Result<()> {
        Ok(self.network.resolve(registry)?)
    }

    pub(crate) fn build(&self, scope: &Scope) -> Result<AnyNetwork> {
        let network = self
            .get()?
            .build(self.in_channels, self.out_channels, scope)?;
        parameters::check(self.name(), &network, scope)?;
        Ok(AnyNetwork::Custom(network))
    }
}

/// A network that only a name is known of has a 3-D architecture without limits.
impl Architecture for CustomNetworkConfig {
    fn name(&self) -> &'static str {
        "custom"
    }

    fn check(&self) -> Result<()> {
        self.get()?.check(self.in_channels, self.out_channels)
    }

    fn spatial_dims(&self) -> usize {
        self.get().map_or(3, |network| network.spatial_dims())
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

    fn divisor(&self) -> [usize; 3] {
        self.get().map_or([1; 3], |network| network.divisor())
    }

    fn minimum(&self) -> [usize; 3] {
        self.get().map_or([1; 3], |network| network.minimum())
    }

    fn fixed_size(&self) -> Option<[usize; 3]> {
        self.get().ok()?.fixed_size()
    }
}

impl Serialize for CustomNetworkConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let channels = [self.in_channels, self.out_channels].map(Value::from);
        let channels = CHANNELS.map(str::to_owned).into_iter().zip(channels);
        let mut options: Map<String, Value> = channels.collect();
        options.extend(self.network.options().clone());
        let written = self.network.clone().with_options(options);
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for CustomNetworkConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let network = Custom::<dyn CustomNetwork>::deserialize(deserializer)?;
        let mut options = network.options().clone();
        let [in_channels, out_channels] = CHANNELS.map(|key| (key, options.remove(key)));
        let count = |(key, value): (&str, Option<Value>), default: usize| match value {
            None => Ok(default),
            Some(value) => match value.as_u64().and_then(|n| usize::try_from(n).ok()) {
                Some(count) if count > 0 => Ok(count),
                _ => Err(de::Error::custom(format!(
                    "`{key}` is {value}, expected a number of at least 1"
                ))),
            },
        };
        Ok(Self {
            in_channels: count(in_channels, 1)?,
            out_channels: count(out_channels, 2)?,
            network: network.with_options(options),
        })
    }
}
