//! A linear layer over the last axis; names and layout are PyTorch's.

use crate::ops::linear;
use crate::probe::Place;
use crate::{Error, Fill, Result, Scope, Tensor};
use burn::module::{Module, Param};

/// Configuration of a [`Linear`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinearConfig {
    /// Numbers in.
    pub in_features: usize,
    /// Numbers out.
    pub out_features: usize,
    /// Whether a number is added to each output.
    pub bias: bool,
    /// First values of the weight; `None` is PyTorch's default.
    pub weight_fill: Option<Fill>,
    /// First values of the bias; `None` is PyTorch's default.
    pub bias_fill: Option<Fill>,
}

impl LinearConfig {
    /// A layer with a bias and PyTorch's first values.
    pub fn new(in_features: usize, out_features: usize) -> Self {
        Self {
            in_features,
            out_features,
            bias: true,
            weight_fill: None,
            bias_fill: None,
        }
    }

    /// The config itself when it can be built.
    ///
    /// # Errors
    /// [`Error::BadLayer`] for a zero.
    pub fn check(self) -> Result<Self> {
        if self.in_features == 0 || self.out_features == 0 {
            return Err(Error::BadLayer {
                layer: "Linear",
                problem: "numbers in and out must be at least 1 each".to_owned(),
            });
        }
        Ok(self)
    }

    /// The layer, with keyed first weights.
    pub fn init(&self, scope: impl Into<Scope>) -> Linear {
        let scope = scope.into();
        let default = Fill::pytorch(self.in_features);
        Linear {
            weight: scope.parameter(
                "weight",
                [self.out_features, self.in_features],
                self.weight_fill.unwrap_or(default),
            ),
            bias: self.bias.then(|| {
                let fill = self.bias_fill.unwrap_or(default);
                scope.parameter("bias", [self.out_features], fill)
            }),
            place: scope.place(),
        }
    }
}

/// `x · weightᵀ + bias` along the last axis.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[out, in]`.
    pub weight: Param<Tensor<2>>,
    /// `[out]`.
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    place: Place,
}

impl Linear {
    /// # Shapes
    /// - input `[…, in]`
    /// - output `[…, out]`
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        let bias = self.bias.as_ref().map(Param::val);
        let weight = self.weight.val();
        let [_, from] = weight.dims();
        let output = linear(input, weight, bias);
        self.place.counted(output, |shape| {
            (shape.iter().product::<usize>() * from) as u64
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Device;
    use burn::tensor::TensorData;

    #[test]
    fn it_multiplies_by_the_transposed_weight() {
        let device = Device::flex();
        let tensor = |values: Vec<f32>, shape: [usize; 2]| {
            Tensor::<2>::from_data(TensorData::new(values, shape), &device)
        };
        let mut layer = LinearConfig::new(3, 2).init(&device);
        layer.weight = Param::from_tensor(tensor(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [2, 3]));
        layer.bias = Some(Param::from_tensor(
            tensor(vec![10.0, 20.0], [1, 2]).reshape([2]),
        ));
        let input = tensor(vec![1.0, 0.0, -1.0, 0.5, 1.0, 1.0], [2, 3]).reshape([1, 2, 1, 3]);
        let output: Tensor<4> = layer.forward(input);
        assert_eq!(output.dims(), [1, 2, 1, 2]);
        let found: Vec<f32> = output.into_data().iter().collect();
        assert_eq!(found, [8.0, 18.0, 15.5, 33.0]);
    }

    #[test]
    fn a_layer_of_nothing_is_refused() {
        let message = LinearConfig::new(3, 0).check().unwrap_err().to_string();
        assert!(message.contains("Linear"), "{message}");
    }
}
