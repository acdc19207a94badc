//! Layer normalisation over the last axis, for tokens.

use super::norm::both;
use crate::ops::layer_norm;
use crate::probe::Place;
use crate::{Error, Fill, Result, Scope, Tensor};
use burn::module::{Module, Param};

/// Configuration of a [`LayerNorm`]; the default is PyTorch's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LayerNormConfig {
    /// Added to the variance.
    pub epsilon: f64,
    /// Whether each number is scaled and shifted by learned ones.
    pub affine: bool,
}

impl Default for LayerNormConfig {
    fn default() -> Self {
        Self {
            epsilon: 1e-5,
            affine: true,
        }
    }
}

impl LayerNormConfig {
    /// The config itself when it can be built.
    ///
    /// # Errors
    /// [`Error::BadLayer`] for an epsilon that is not positive.
    pub fn check(self) -> Result<Self> {
        if self.epsilon.is_finite() && self.epsilon > 0.0 {
            return Ok(self);
        }
        Err(Error::BadLayer {
            layer: "LayerNorm",
            problem: format!("epsilon {} must be positive", self.epsilon),
        })
    }

    /// The layer for a last axis of that length.
    pub fn init(&self, length: usize, scope: impl Into<Scope>) -> LayerNorm {
        let scope = scope.into();
        let parameter = |name, value| {
            self.affine
                .then(|| scope.parameter(name, [length], Fill::Constant(value)))
        };
        LayerNorm {
            weight: parameter("weight", 1.0),
            bias: parameter("bias", 0.0),
            epsilon: self.epsilon,
            place: scope.place(),
        }
    }
}

/// Every vector along the last axis by its own mean and variance (Ba et al. 2016).
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// `[length]`.
    pub weight: Option<Param<Tensor<1>>>,
    /// `[length]`.
    pub bias: Option<Param<Tensor<1>>>,
    epsilon: f64,
    #[module(skip)]
    place: Place,
}

impl LayerNorm {
    /// The same shape in and out.
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        let affine = both(&self.weight, &self.bias);
        self.place.seen(layer_norm(input, affine, self.epsilon))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Device;
    use burn::tensor::TensorData;

    #[test]
    fn each_vector_is_brought_to_mean_0_and_variance_1() {
        let device = Device::flex();
        let values = vec![1.0f32, 2.0, 3.0, 4.0, -10.0, 0.0, 0.0, 10.0];
        let input = Tensor::<3>::from_data(TensorData::new(values, [1, 2, 4]), &device);
        let config = LayerNormConfig {
            affine: false,
            ..LayerNormConfig::default()
        };
        let bare = config.check().unwrap().init(4, &device);
        let found: Vec<f32> = bare.forward(input.clone()).into_data().iter().collect();
        let root = 2f32.sqrt();
        let expected = [
            -1.341_635_4,
            -0.447_211_8,
            0.447_211_8,
            1.341_635_4,
            -root,
            0.0,
            0.0,
            root,
        ];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
        let mut scaled = LayerNormConfig::default().init(4, &device);
        let vector =
            |values: [f32; 4]| Some(Param::from_tensor(Tensor::from_data(values, &device)));
        scaled.weight = vector([2.0, 1.0, 1.0, 1.0]);
        scaled.bias = vector([0.0, 0.0, 0.0, 5.0]);
        let data = scaled.forward(input).into_data();
        let again: Vec<f32> = data.iter().collect();
        assert!((again[0] - 2.0 * found[0]).abs() < 1e-5);
        assert!((again[7] - found[7] - 5.0).abs() < 1e-5);
    }

    #[test]
    fn an_epsilon_of_nothing_is_refused() {
        let config = LayerNormConfig {
            epsilon: 0.0,
            ..LayerNormConfig::default()
        };
        assert!(
            config
                .check()
                .unwrap_err()
                .to_string()
                .contains("LayerNorm")
        );
    }
}
