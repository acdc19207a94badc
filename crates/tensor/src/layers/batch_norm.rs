//! Batch normalisation.

use super::norm::both;
use crate::ops::batch_normalize;
use crate::probe::Place;
use crate::{Fill, Scope, Tensor};
use burn::module::{Module, Param, RunningState};
use serde::{Deserialize, Serialize};

/// Configuration of a [`BatchNorm`]; the default is PyTorch's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BatchNormConfig {
    /// Added to the variance.
    pub epsilon: f64,
    /// How much of the running statistics each batch replaces.
    pub momentum: f64,
    /// Whether each channel is scaled and shifted by learned numbers.
    pub affine: bool,
}

impl Default for BatchNormConfig {
    fn default() -> Self {
        Self {
            epsilon: 1e-5,
            momentum: 0.1,
            affine: true,
        }
    }
}

impl BatchNormConfig {
    /// The layer for that many channels.
    pub fn init(&self, channels: usize, scope: impl Into<Scope>) -> BatchNorm {
        let scope = scope.into();
        BatchNorm {
            weight: self
                .affine
                .then(|| scope.parameter("weight", [channels], Fill::Constant(1.0))),
            bias: self
                .affine
                .then(|| scope.parameter("bias", [channels], Fill::Constant(0.0))),
            running_mean: scope.buffer("running_mean", channels, 0.0),
            running_var: scope.buffer("running_var", channels, 1.0),
            momentum: self.momentum,
            epsilon: self.epsilon,
            place: scope.place(),
        }
    }
}

/// Every channel by its mean and variance over the batch; by running statistics for inference
/// (Ioffe & Szegedy 2015). It trains where its input records gradients.
#[derive(Module, Debug)]
pub struct BatchNorm {
    /// `[channels]`.
    pub weight: Option<Param<Tensor<1>>>,
    /// `[channels]`.
    pub bias: Option<Param<Tensor<1>>>,
    /// `[channels]`.
    pub running_mean: RunningState<Tensor<1>>,
    /// `[channels]`; unbiased, as PyTorch keeps it.
    pub running_var: RunningState<Tensor<1>>,
    momentum: f64,
    epsilon: f64,
    #[module(skip)]
    place: Place,
}

impl BatchNorm {
    /// `[N, C, Z, Y, X]` in and out.
    pub fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        let affine = both(&self.weight, &self.bias);
        if input.device().is_autodiff() {
            let [n, _, z, y, x] = input.dims();
            let (output, mean, variance) = batch_normalize(input, affine, self.epsilon);
            self.update(mean, variance, n * z * y * x);
            return self.place.seen(output);
        }
        let device = input.device();
        let mean = self.running_mean.value_sync().to_device(&device);
        let variance = self.running_var.value_sync().to_device(&device);
        let factor = (variance + self.epsilon).sqrt().recip();
        let (factor, addend) = match affine {
            Some((weight, bias)) => {
                let factor = factor * weight;
                (factor.clone(), bias - mean * factor)
            }
            None => (factor.clone(), (mean * factor).neg()),
        };
        let c = factor.dims()[0];
        let output = input * factor.reshape([1, c, 1, 1, 1]) + addend.reshape([1, c, 1, 1, 1]);
        self.place.seen(output)
    }

    /// Moves the running statistics towards the batch's, whose variance is biased.
    fn update(&self, mean: Tensor<1>, variance: Tensor<1>, count: usize) {
        let unbiased = count as f64 / count.saturating_sub(1).max(1) as f64;
        let blend = |old: Tensor<1>, new: Tensor<1>| {
            let old = old.without_autodiff();
            let new = new.to_device(&old.device());
            old.mul_scalar(1.0 - self.momentum) + new.mul_scalar(self.momentum)
        };
        let mean = blend(self.running_mean.value_sync(), mean);
        let variance = variance.mul_scalar(unbiased);
        let variance = blend(self.running_var.value_sync(), variance);
        self.running_mean.update(mean);
        self.running_var.update(variance);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Device;

    #[test]
    fn it_learns_running_statistics_in_training_and_uses_them_after() {
        let device = Device::flex().autodiff();
        let norm = BatchNormConfig {
            momentum: 1.0,
            ..BatchNormConfig::default()
        }
        .init(1, &device);
        let values = [0.0, 2.0, 4.0, 6.0];
        let input = Tensor::<5>::from_data(
            burn::tensor::TensorData::new(values.to_vec(), [2, 1, 1, 1, 2]),
            &device,
        );
        let output = norm.forward(input).into_data();
        let scale = 5f32.sqrt();
        let expected = values.map(|v| (v as f32 - 3.0) / scale);
        for (found, expected) in output.iter::<f32>().zip(expected) {
            assert!((found - expected).abs() < 1e-5);
        }
        let frozen = norm.valid();
        let mean: f32 = frozen.running_mean.value().into_scalar();
        let variance: f32 = frozen.running_var.value().into_scalar();
        assert!((mean - 3.0).abs() < 1e-6);
        assert!((variance - 20.0 / 3.0).abs() < 1e-5);
        let one = Tensor::<5>::full([1, 1, 1, 1, 1], 3.0, &Device::flex());
        let zero: f32 = frozen.forward(one).into_scalar();
        assert!(zero.abs() < 1e-6);
    }
}
