//! Dropout with keyed masks: the same step of the same run drops the same numbers, always.

use crate::scope::keyed_rng;
use crate::{Error, Result, Scope, StepCounter, Tensor};
use burn::module::Module;
use burn::tensor::TensorData;
use rand::Rng;
use serde::{Deserialize, Serialize};

/// Configuration of a [`Dropout`].
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DropoutConfig {
    /// The share that is dropped, from 0 (nothing) to below 1.
    pub probability: f64,
    /// Whether whole channels are dropped at once.
    pub channels: bool,
}

impl DropoutConfig {
    /// Single numbers with this probability.
    pub fn elements(probability: f64) -> Self {
        Self {
            probability,
            channels: false,
        }
    }

    /// Checks that the probability is valid.
    ///
    /// # Errors
    /// [`Error::BadLayer`] outside of `[0, 1)`.
    pub fn check(&self) -> Result<()> {
        if (0.0..1.0).contains(&self.probability) {
            return Ok(());
        }
        Err(Error::BadLayer {
            layer: "Dropout",
            problem: format!("probability {} must lie in [0, 1)", self.probability),
        })
    }

    /// The layer; its masks are keyed by the network's seed, its place and the network's clock.
    pub fn init(&self, scope: impl Into<Scope>) -> Dropout {
        let scope = scope.into();
        Dropout {
            probability: self.probability,
            channels: self.channels,
            key: Key(scope.key()),
            step_counter: scope.step_counter().clone(),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Key([u64; 2]);

/// Sets numbers, or whole channels, to zero while training and scales the rest up to the same mean
/// (Srivastava et al. 2014). It drops where its input records gradients.
#[derive(Module, Debug)]
pub struct Dropout {
    probability: f64,
    channels: bool,
    #[module(skip)]
    key: Key,
    #[module(skip)]
    step_counter: StepCounter,
}

impl Dropout {
    /// Whether it would change this input.
    pub(crate) fn drops<const D: usize>(&self, input: &Tensor<D>) -> bool {
        self.probability > 0.0 && input.device().is_autodiff()
    }

    /// The same shape in and out; the first two axes are samples and channels.
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        if !self.drops(&input) {
            return input;
        }
        let device = input.device();
        let mut shape = input.dims();
        if self.channels {
            shape[2..].fill(1);
        }
        let mut rng = keyed_rng(self.key.0, self.step_counter.step());
        // A draw below this of 2³² drops.
        let limit = (self.probability * 4_294_967_296.0) as u64;
        let scale = (1.0 / (1.0 - self.probability)) as f32;
        let mask: Vec<f32> = (0..shape.iter().product())
            .map(|_| {
                if u64::from(rng.next_u32()) < limit {
                    0.0
                } else {
                    scale
                }
            })
            .collect();
        input * Tensor::from_data(TensorData::new(mask, shape), &device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Device;

    #[test]
    fn masks_are_keyed_by_seed_place_and_step() {
        let device = Device::flex().autodiff();
        let draw = |seed, place, step| {
            let scope = Scope::new(&device, seed).at(place);
            let layer = DropoutConfig::elements(0.3).init(&scope);
            scope.step_counter().set_step(step);
            layer
                .forward(Tensor::<5>::ones([2, 8, 10, 10, 10], &device))
                .into_data()
        };
        let first = draw(1, "a", 0);
        assert_eq!(first, draw(1, "a", 0));
        assert_ne!(first, draw(1, "a", 1));
        assert_ne!(first, draw(1, "b", 0));
        assert_ne!(first, draw(2, "a", 0));
        let kept = first.iter::<f32>().filter(|&v| v > 0.0).count() as f64 / 16_000.0;
        assert!((kept - 0.7).abs() < 0.02, "{kept}");
        let mean = first.iter::<f32>().sum::<f32>() / 16_000.0;
        assert!((mean - 1.0).abs() < 0.03, "{mean}");
    }

    #[test]
    fn nothing_is_dropped_without_gradients_and_channels_go_whole() {
        let scope = Scope::new(&Device::flex(), 0);
        let config = DropoutConfig {
            probability: 0.5,
            channels: true,
        };
        let ones = Tensor::<5>::ones([1, 4, 2, 2, 2], &Device::flex());
        let same = config.init(&scope).forward(ones.clone());
        assert_eq!(same.into_data(), ones.into_data());
        let training = Tensor::<5>::ones([1, 64, 2, 2, 2], &Device::flex().autodiff());
        let sums = config.init(&scope).forward(training).sum_dims(&[2, 3, 4]);
        let data = sums.into_data();
        assert!(data.iter::<f32>().all(|v| v == 0.0 || v == 16.0));
        assert!(data.iter::<f32>().any(|v| v == 0.0));
        assert!(data.iter::<f32>().any(|v| v == 16.0));
    }
}
