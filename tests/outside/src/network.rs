//! A network: two convolutions of Vesalius' layers in a Burn module.

use serde::Deserialize;
use vesalius::burn;
use vesalius::burn::module::Module;
use vesalius::networks::{BuiltNetwork, CustomNetwork, Error, NetworkModule, Result};
use vesalius::prelude::*;
use vesalius::tensor::{Conv3d, Conv3dConfig, Scope};

/// Options of the network.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TwoLayers {
    /// Channels between the layers.
    pub width: usize,
}

#[derive(Module, Debug)]
struct TwoLayersModule {
    first: Conv3d,
    last: Conv3d,
}

impl NetworkModule for TwoLayersModule {
    fn forward(&self, input: Tensor<5>) -> Vec<Tensor<5>> {
        let features = burn::tensor::activation::relu(self.first.forward(input));
        vec![self.last.forward(features)]
    }
}

impl CustomNetwork for TwoLayers {
    fn build(&self, from: usize, to: usize, scope: &Scope) -> Result<BuiltNetwork> {
        let first = Conv3dConfig::same(from, self.width, [3; 3]);
        let last = Conv3dConfig::same(self.width, to, [1; 3]);
        Ok(BuiltNetwork::new(TwoLayersModule {
            first: first.init(scope.at("first")),
            last: last.init(scope.at("last")),
        }))
    }

    fn check(&self, _: usize, _: usize) -> Result<()> {
        match self.width {
            0 => Err(Error::custom("two_layers: `width` must be positive")),
            _ => Ok(()),
        }
    }
}
