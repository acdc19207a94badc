//! The exponential moving average of a network's weights over a run's steps (Polyak and Juditsky 1992;
//! with a decay, as in Tarvainen and Valpola 2017).

use crate::WeightAverageConfig;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use vesalius_networks::Network;
use vesalius_tensor::Tensor;

/// A network that follows another slowly; never trained itself.
#[derive(Debug, Clone)]
pub(crate) struct WeightAverage {
    network: Network,
    decay: f64,
}

impl WeightAverage {
    /// Begins at the network as it is.
    pub fn new(network: &Network, config: WeightAverageConfig) -> Self {
        Self {
            network: network.valid(),
            decay: config.decay,
        }
    }

    /// The average.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The same with another network as the average so far.
    pub fn with_network(self, network: Network) -> Self {
        Self { network, ..self }
    }

    /// Moves towards the network as it is after `step` steps.
    pub fn update(&mut self, trained: &Network, step: u64) {
        let mut values = Values::default();
        trained.valid().visit(&mut values);
        let early = (1.0 + step as f64) / (10.0 + step as f64);
        let mut blend = Blend {
            values: values.0,
            decay: self.decay.min(early),
        };
        self.network = self.network.clone().map(&mut blend);
    }
}

/// Parameters by identity. Burn's container for gradients holds tensors of any rank by parameter,
/// which is all that is needed.
#[derive(Default)]
struct Values(GradientsParams);

impl ModuleVisitor for Values {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.register(param.id, param.val());
    }
}

struct Blend {
    values: GradientsParams,
    decay: f64,
}

impl ModuleMapper for Blend {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(value) = self.values.remove::<D>(param.id) else {
            return param;
        };
        let decay = self.decay;
        param.map(|average| average.mul_scalar(decay) + value.mul_scalar(1.0 - decay))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_networks::{NetworkConfig, UNetConfig};
    use vesalius_tensor::Device;

    fn first_weight(network: &Network) -> f32 {
        let name = &network.parameters()[0].name;
        network.weights().get(name).unwrap().values().unwrap()[0]
    }

    #[test]
    fn the_average_follows_slowly_and_early_steps_count_more() {
        let config = NetworkConfig::UNet(UNetConfig {
            channels: vec![4, 8],
            strides: vec![2.into()],
            ..UNetConfig::default()
        });
        let device = Device::flex().autodiff();
        let start = config.init_seeded(&device, 0).unwrap();
        let other = config.init_seeded(&device, 1).unwrap();
        let (a, b) = (first_weight(&start), first_weight(&other));
        let mut average = WeightAverage::new(&start, WeightAverageConfig { decay: 0.9 });
        average.update(&other, 0);
        let after_first = 0.1 * a + 0.9 * b;
        assert!((first_weight(average.network()) - after_first).abs() < 1e-6);
        average.update(&start, 1_000);
        let later = 0.9 * after_first + 0.1 * a;
        assert!((first_weight(average.network()) - later).abs() < 1e-6);
        assert_eq!(first_weight(&start), a);
    }
}
