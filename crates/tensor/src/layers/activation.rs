//! Activations.

use super::named::{NameOrOptions, name_or_options};
use crate::cpu::ActivationKind;
use crate::ops::{Activated, activate, gelu};
use crate::{Error, Fill, Result, Scope, Tensor};
use burn::module::{Module, Param};
use burn::tensor::activation::elu;
use serde::{Deserialize, Deserializer, Serialize};

/// Which activation follows a convolution. In YAML a name, or a name with options
/// (`leaky_relu: {slope: 0.01}`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivationConfig {
    /// `max(0, x)`.
    Relu,
    /// `x` above zero, `slope · x` below.
    LeakyRelu {
        /// The slope below zero; PyTorch's and nnU-Net's is 0.01.
        slope: f64,
    },
    /// `x` above zero, a learned slope times `x` below; one slope for all channels.
    Prelu {
        /// The slope that training starts from; PyTorch's is 0.25.
        slope: f64,
    },
    /// `x` times the probability that a standard normal number is below `x`.
    Gelu,
    /// `x` above zero, `alpha · (eˣ - 1)` below.
    Elu {
        /// What it tends to, negated; PyTorch's is 1.
        alpha: f64,
    },
}

/// The form with options, each with its default.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum WithOptions {
    LeakyRelu {
        #[serde(default = "leaky_slope")]
        slope: f64,
    },
    Prelu {
        #[serde(default = "prelu_slope")]
        slope: f64,
    },
    Elu {
        #[serde(default = "elu_alpha")]
        alpha: f64,
    },
}

fn elu_alpha() -> f64 {
    1.0
}

fn leaky_slope() -> f64 {
    0.01
}

fn prelu_slope() -> f64 {
    0.25
}

impl<'de> Deserialize<'de> for ActivationConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let options = name_or_options::<D, Self, WithOptions>(
            deserializer,
            "an activation: relu, leaky_relu, prelu, elu or gelu, those in the middle with a number if wanted",
            |name| match name {
                "relu" => Some(Self::Relu),
                "leaky_relu" => Some(Self::LeakyRelu {
                    slope: leaky_slope(),
                }),
                "prelu" => Some(Self::Prelu {
                    slope: prelu_slope(),
                }),
                "gelu" => Some(Self::Gelu),
                "elu" => Some(Self::Elu { alpha: elu_alpha() }),
                _ => None,
            },
        )?;
        Ok(match options {
            NameOrOptions::Name(named) => named,
            NameOrOptions::Options(WithOptions::LeakyRelu { slope }) => Self::LeakyRelu { slope },
            NameOrOptions::Options(WithOptions::Prelu { slope }) => Self::Prelu { slope },
            NameOrOptions::Options(WithOptions::Elu { alpha }) => Self::Elu { alpha },
        })
    }
}

impl Default for ActivationConfig {
    fn default() -> Self {
        Self::Prelu { slope: 0.25 }
    }
}

impl ActivationConfig {
    /// Checks that the numbers are valid.
    ///
    /// # Errors
    /// [`Error::BadLayer`] for a slope that is not finite.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::LeakyRelu { slope } | Self::Prelu { slope } | Self::Elu { alpha: slope }
                if !slope.is_finite() =>
            {
                Err(Error::BadLayer {
                    layer: "activation",
                    problem: format!("slope {slope} must be a finite number"),
                })
            }
            _ => Ok(()),
        }
    }

    /// The layer; a PReLU has one slope for all channels.
    pub fn init(&self, scope: impl Into<Scope>) -> Activation {
        self.init_with_slopes(1, scope)
    }

    /// The layer; a PReLU has `slopes` slopes, one or one for each channel.
    pub fn init_with_slopes(&self, slopes: usize, scope: impl Into<Scope>) -> Activation {
        match *self {
            Self::Relu => Activation::Relu(Relu),
            Self::LeakyRelu { slope } => Activation::LeakyRelu(LeakyRelu { slope }),
            Self::Prelu { slope } => Activation::Prelu(Prelu {
                weight: scope
                    .into()
                    .parameter("weight", [slopes], Fill::Constant(slope as f32)),
            }),
            Self::Gelu => Activation::Gelu(Gelu),
            Self::Elu { alpha } => Activation::Elu(Elu { alpha }),
        }
    }
}

/// One of the activations.
#[derive(Module, Debug)]
pub enum Activation {
    /// `max(0, x)`.
    Relu(Relu),
    /// A fixed slope below zero.
    LeakyRelu(LeakyRelu),
    /// A learned slope below zero (He et al. 2015).
    Prelu(Prelu),
    /// Gaussian error linear unit, by the error function (Hendrycks & Gimpel 2016).
    Gelu(Gelu),
    /// Exponential linear unit (Clevert et al. 2015).
    Elu(Elu),
}

/// See [`Activation::Relu`].
#[derive(Module, Debug)]
pub struct Relu;

/// See [`Activation::LeakyRelu`].
#[derive(Module, Debug)]
pub struct LeakyRelu {
    pub(crate) slope: f64,
}

/// See [`Activation::Prelu`].
#[derive(Module, Debug)]
pub struct Prelu {
    /// `[1]`.
    pub weight: Param<Tensor<1>>,
}

/// See [`Activation::Gelu`].
#[derive(Module, Debug)]
pub struct Gelu;

/// See [`Activation::Elu`].
#[derive(Module, Debug)]
pub struct Elu {
    alpha: f64,
}

impl Activation {
    /// The same shape in and out; channels are the second axis.
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        match (self, self.simple()) {
            (_, Some(simple)) => activate(input, simple.kind, simple.slopes),
            (Self::Elu(layer), None) => elu(input, layer.alpha),
            (_, None) => gelu(input),
        }
    }

    /// The form that kernels fuse into a norm; `None` when there is none.
    pub(crate) fn simple(&self) -> Option<Activated> {
        let (kind, slopes) = match self {
            Self::Relu(_) => (ActivationKind::Relu, None),
            Self::LeakyRelu(layer) => (ActivationKind::LeakyRelu(layer.slope as f32), None),
            Self::Prelu(layer) => (ActivationKind::Prelu, Some(layer.weight.val())),
            Self::Gelu(_) | Self::Elu(_) => return None,
        };
        Some(Activated { kind, slopes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Device;

    #[test]
    fn each_does_what_its_formula_says() {
        let device = Device::flex();
        let input = Tensor::<5>::from_data(
            burn::tensor::TensorData::new(vec![-2.0f32, 0.0, 3.0], [1, 1, 1, 1, 3]),
            &device,
        );
        for (config, expected) in [
            (ActivationConfig::Relu, [0.0, 0.0, 3.0]),
            (
                ActivationConfig::LeakyRelu { slope: 0.01 },
                [-0.02, 0.0, 3.0],
            ),
            (ActivationConfig::Prelu { slope: 0.25 }, [-0.5, 0.0, 3.0]),
            (ActivationConfig::Gelu, [-0.045_500_26, 0.0, 2.995_950_2]),
            (
                ActivationConfig::Elu { alpha: 0.5 },
                [0.5 * ((-2f32).exp() - 1.0), 0.0, 3.0],
            ),
        ] {
            let output = config.init(&device).forward(input.clone()).into_data();
            for (found, expected) in output.iter::<f32>().zip(expected) {
                assert!((found - expected).abs() < 1e-6, "{config:?}: {found}");
            }
        }
    }
}
