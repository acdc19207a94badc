//! Instance and group normalisation, and the choice among norms that configs make.

use super::named::{NameOrOptions, name_or_options};
use crate::ops::{Activated, normalize_groups};
use crate::probe::Place;
use crate::{Activation, BatchNorm, BatchNormConfig, Error, Fill, Result, Scope, Tensor};
use burn::module::{Module, Param};
use serde::{Deserialize, Deserializer, Serialize};

/// Configuration of an [`InstanceNorm`]; the default is PyTorch's, without scale and shift.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InstanceNormConfig {
    /// Added to the variance.
    pub epsilon: f64,
    /// Whether each channel is scaled and shifted by learned numbers.
    pub affine: bool,
}

impl Default for InstanceNormConfig {
    fn default() -> Self {
        Self {
            epsilon: 1e-5,
            affine: false,
        }
    }
}

impl InstanceNormConfig {
    /// The layer for that many channels.
    pub fn init(&self, channels: usize, scope: impl Into<Scope>) -> InstanceNorm {
        let scope = scope.into();
        InstanceNorm {
            weight: self
                .affine
                .then(|| scope.parameter("weight", [channels], Fill::Constant(1.0))),
            bias: self
                .affine
                .then(|| scope.parameter("bias", [channels], Fill::Constant(0.0))),
            epsilon: self.epsilon,
            place: scope.place(),
        }
    }
}

/// Every channel of every sample by its own mean and variance (Ulyanov et al. 2016).
#[derive(Module, Debug)]
pub struct InstanceNorm {
    /// `[channels]`.
    pub weight: Option<Param<Tensor<1>>>,
    /// `[channels]`.
    pub bias: Option<Param<Tensor<1>>>,
    pub(crate) epsilon: f64,
    #[module(skip)]
    place: Place,
}

impl InstanceNorm {
    /// `[N, C, Z, Y, X]` in and out.
    pub fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        self.activated(input, Activated::identity())
    }

    pub(crate) fn activated(&self, input: Tensor<5>, activated: Activated) -> Tensor<5> {
        let channels = input.dims()[1];
        let affine = self.affine();
        let output = normalize_groups(input, channels, affine, self.epsilon, activated);
        self.place.seen(output)
    }

    /// The learned scale and shift, if any.
    pub(crate) fn affine(&self) -> Option<(Tensor<1>, Tensor<1>)> {
        both(&self.weight, &self.bias)
    }
}

/// Configuration of a [`GroupNorm`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GroupNormConfig {
    /// Number of groups that the channels are divided into.
    pub groups: usize,
    /// Added to the variance.
    pub epsilon: f64,
    /// Whether each channel is scaled and shifted by learned numbers.
    pub affine: bool,
}

impl Default for GroupNormConfig {
    fn default() -> Self {
        Self {
            groups: 8,
            epsilon: 1e-5,
            affine: true,
        }
    }
}

impl GroupNormConfig {
    /// The layer for that many channels.
    pub fn init(&self, channels: usize, scope: impl Into<Scope>) -> GroupNorm {
        let scope = scope.into();
        GroupNorm {
            weight: self
                .affine
                .then(|| scope.parameter("weight", [channels], Fill::Constant(1.0))),
            bias: self
                .affine
                .then(|| scope.parameter("bias", [channels], Fill::Constant(0.0))),
            groups: self.groups,
            epsilon: self.epsilon,
            place: scope.place(),
        }
    }
}

/// Every group of channels of every sample by its own mean and variance (Wu & He 2018).
#[derive(Module, Debug)]
pub struct GroupNorm {
    /// `[channels]`.
    pub weight: Option<Param<Tensor<1>>>,
    /// `[channels]`.
    pub bias: Option<Param<Tensor<1>>>,
    pub(crate) groups: usize,
    pub(crate) epsilon: f64,
    #[module(skip)]
    place: Place,
}

impl GroupNorm {
    /// `[N, C, Z, Y, X]` in and out.
    pub fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        self.activated(input, Activated::identity())
    }

    pub(crate) fn activated(&self, input: Tensor<5>, activated: Activated) -> Tensor<5> {
        let affine = both(&self.weight, &self.bias);
        let output = normalize_groups(input, self.groups, affine, self.epsilon, activated);
        self.place.seen(output)
    }
}

pub(super) fn both(
    weight: &Option<Param<Tensor<1>>>,
    bias: &Option<Param<Tensor<1>>>,
) -> Option<(Tensor<1>, Tensor<1>)> {
    Some((weight.as_ref()?.val(), bias.as_ref()?.val()))
}

/// Which norm follows a convolution. In YAML a name, or a name with options (`group: {groups: 4}`).
///
/// ```
/// use vesalius_tensor::{Device, NormConfig, Tensor};
///
/// let device = Device::flex();
/// let norm = NormConfig::instance_affine();
/// norm.check(2)?;
/// let input = Tensor::<5>::from_data([[[[[1.0, 3.0]]], [[[10.0, 30.0]]]]], &device);
/// // Each channel of a sample has mean 0 and deviation 1.
/// let output: Vec<f32> = norm.init(2, &device).forward(input).into_data().to_vec()?;
/// assert!(output.iter().zip([-1.0, 1.0, -1.0, 1.0]).all(|(a, b)| (a - b).abs() < 1e-4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NormConfig {
    /// A channel of a sample at a time.
    Instance(InstanceNormConfig),
    /// A channel over the batch, with running statistics for inference.
    Batch(BatchNormConfig),
    /// A group of channels of a sample at a time.
    Group(GroupNormConfig),
}

/// The form with options.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum WithOptions {
    Instance(InstanceNormConfig),
    Batch(BatchNormConfig),
    Group(GroupNormConfig),
}

impl<'de> Deserialize<'de> for NormConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let options = name_or_options::<D, Self, WithOptions>(
            deserializer,
            "a norm: instance, batch or group, with options if wanted",
            |name| match name {
                "instance" => Some(Self::Instance(InstanceNormConfig::default())),
                "batch" => Some(Self::Batch(BatchNormConfig::default())),
                "group" => Some(Self::Group(GroupNormConfig::default())),
                _ => None,
            },
        )?;
        Ok(match options {
            NameOrOptions::Name(named) => named,
            NameOrOptions::Options(WithOptions::Instance(config)) => Self::Instance(config),
            NameOrOptions::Options(WithOptions::Batch(config)) => Self::Batch(config),
            NameOrOptions::Options(WithOptions::Group(config)) => Self::Group(config),
        })
    }
}

impl Default for NormConfig {
    fn default() -> Self {
        Self::Instance(InstanceNormConfig::default())
    }
}

impl NormConfig {
    /// Instance norm with learned scale and shift, as nnU-Net uses it.
    pub fn instance_affine() -> Self {
        Self::Instance(InstanceNormConfig {
            affine: true,
            ..InstanceNormConfig::default()
        })
    }

    /// Checks that the norm can work on that many channels.
    ///
    /// # Errors
    /// [`Error::BadLayer`] for groups that do not divide the channels, or numbers out of range.
    pub fn check(&self, channels: usize) -> Result<()> {
        let bad = |layer, problem| Err(Error::BadLayer { layer, problem });
        let positive = |e: f64| e.is_finite() && e > 0.0;
        match self {
            Self::Instance(config) if !positive(config.epsilon) => bad(
                "InstanceNorm",
                format!("epsilon {} must be positive", config.epsilon),
            ),
            Self::Batch(config) if !positive(config.epsilon) => bad(
                "BatchNorm",
                format!("epsilon {} must be positive", config.epsilon),
            ),
            Self::Batch(config) if !(0.0..=1.0).contains(&config.momentum) => bad(
                "BatchNorm",
                format!("momentum {} must lie in [0, 1]", config.momentum),
            ),
            Self::Group(config) if !positive(config.epsilon) => bad(
                "GroupNorm",
                format!("epsilon {} must be positive", config.epsilon),
            ),
            Self::Group(config)
                if config.groups == 0 || !channels.is_multiple_of(config.groups) =>
            {
                bad(
                    "GroupNorm",
                    format!("{} groups do not divide {channels} channels", config.groups),
                )
            }
            _ => Ok(()),
        }
    }

    /// The layer for that many channels.
    pub fn init(&self, channels: usize, scope: impl Into<Scope>) -> Norm {
        match self {
            Self::Instance(config) => Norm::Instance(config.init(channels, scope)),
            Self::Batch(config) => Norm::Batch(config.init(channels, scope)),
            Self::Group(config) => Norm::Group(config.init(channels, scope)),
        }
    }
}

/// One of the norms.
#[derive(Module, Debug)]
pub enum Norm {
    /// See [`InstanceNorm`].
    Instance(InstanceNorm),
    /// See [`BatchNorm`].
    Batch(BatchNorm),
    /// See [`GroupNorm`].
    Group(GroupNorm),
}

impl Norm {
    /// `[N, C, Z, Y, X]` in and out.
    pub fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        match self {
            Self::Instance(norm) => norm.forward(input),
            Self::Batch(norm) => norm.forward(input),
            Self::Group(norm) => norm.forward(input),
        }
    }

    /// The norm and then an activation, in one pass over memory where there is a kernel for both.
    pub fn forward_then(&self, input: Tensor<5>, activation: &Activation) -> Tensor<5> {
        match (self, activation.simple()) {
            (Self::Instance(norm), Some(activated)) => norm.activated(input, activated),
            (Self::Group(norm), Some(activated)) => norm.activated(input, activated),
            _ => activation.forward(self.forward(input)),
        }
    }
}
