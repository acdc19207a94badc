//! What the two networks share: numbers for each stage, checked and resolved.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use vesalius_tensor::axes::PerAxis;
use vesalius_tensor::{
    ActivationConfig, BlockNames, Conv3dConfig, ConvNormAct, ConvNormActConfig, DropoutConfig,
    Fill, NormConfig, Scope,
};

/// A value for every stage, or one each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected one value, or a list with one for each stage"
)]
pub enum PerStage<T> {
    /// One for each stage, top first.
    Each(Vec<T>),
    /// The same for every stage.
    Same(T),
}

impl<T: Clone> PerStage<T> {
    /// As many as there are stages, or nothing when their number differs.
    pub fn resolve(&self, stages: usize) -> Option<Vec<T>> {
        match self {
            Self::Same(value) => Some(vec![value.clone(); stages]),
            Self::Each(values) => (values.len() == stages).then(|| values.clone()),
        }
    }
}

/// The numbers of both networks, every vector `[x, y, z]`.
#[derive(Debug, Clone)]
pub(crate) struct Stages {
    pub features: Vec<usize>,
    pub kernels: Vec<[usize; 3]>,
    pub strides: Vec<[usize; 3]>,
    pub encoder: Vec<usize>,
    pub decoder: Vec<usize>,
    pub bias: bool,
    pub follow: ConvNormActConfig,
}

/// What a config gives, under the names of its keys.
pub(super) struct Given<'a> {
    pub network: &'static str,
    pub spatial_dims: usize,
    pub channels: [usize; 2],
    pub features: &'a [usize],
    pub kernels: &'a PerStage<PerAxis>,
    pub strides: &'a PerStage<PerAxis>,
    pub encoder: (&'static str, &'a PerStage<usize>),
    pub decoder: &'a PerStage<usize>,
    pub bias: bool,
    pub norm: Option<NormConfig>,
    pub activation: ActivationConfig,
    pub dropout: f64,
}

impl Given<'_> {
    /// The numbers, when a network can be built of them.
    ///
    /// # Errors
    /// [`Error::BadConfig`], with the key and what is allowed; an error of a layer.
    pub fn check(&self) -> Result<Stages> {
        let bad = |problem: String| Error::BadConfig {
            network: self.network,
            problem,
        };
        let dims = self.spatial_dims;
        if dims != 2 && dims != 3 {
            return Err(bad(format!("`spatial_dims` must be 2 or 3, not {dims}")));
        }
        let count = self.features.len();
        if count < 2 || self.features.contains(&0) || self.channels.contains(&0) {
            return Err(bad(
                "`features_per_stage` needs two stages or more, and no number of channels may be 0"
                    .to_owned(),
            ));
        }
        let vectors = |key: &str, given: &PerStage<PerAxis>| {
            let vectors = given.resolve(count).ok_or_else(|| {
                bad(format!(
                    "`{key}` needs one entry for each of {count} stages"
                ))
            })?;
            vectors
                .into_iter()
                .map(|v| v.resolve(dims).filter(|v| !v.contains(&0)).ok_or(v))
                .collect::<std::result::Result<Vec<[usize; 3]>, PerAxis>>()
                .map_err(|v| {
                    bad(format!(
                        "`{key}` must be at least 1 along {dims} axes, not {v}"
                    ))
                })
        };
        let counts = |key: &str, given: &PerStage<usize>, stages: usize| {
            given
                .resolve(stages)
                .filter(|counts| !counts.contains(&0))
                .ok_or_else(|| {
                    bad(format!(
                        "`{key}` needs {stages} numbers of at least 1, or one"
                    ))
                })
        };
        let kernels = vectors("kernel_sizes", self.kernels)?;
        if kernels.as_flattened().iter().any(|k| k % 2 == 0) {
            return Err(bad(
                "`kernel_sizes` must be odd, so that sizes are kept".to_owned()
            ));
        }
        let dropout = DropoutConfig::elements(self.dropout);
        dropout.check()?;
        self.activation.check()?;
        for &channels in self.features {
            self.norm.map_or(Ok(()), |norm| norm.check(channels))?;
        }
        Ok(Stages {
            features: self.features.to_vec(),
            kernels,
            strides: vectors("strides", self.strides)?,
            encoder: counts(self.encoder.0, self.encoder.1, count)?,
            decoder: counts("n_conv_per_stage_decoder", self.decoder, count - 1)?,
            bias: self.bias,
            follow: ConvNormActConfig {
                norm: self.norm,
                dropout: Some(dropout),
                activation: Some(self.activation),
                dropout_first: true,
            },
        })
    }
}

impl Stages {
    /// What the input must be divisible by.
    pub fn divisor(&self) -> [usize; 3] {
        self.strides.iter().fold([1; 3], |product, stride| {
            std::array::from_fn(|axis| product[axis] * stride[axis])
        })
    }

    /// One block of convolution, norm and activation, with nnU-Net's first weights: He-normal for a
    /// slope of 0.01, no bias.
    pub fn block(
        &self,
        channels: [usize; 2],
        kernel: [usize; 3],
        stride: [usize; 3],
        follow: &ConvNormActConfig,
        scope: &Scope,
    ) -> ConvNormAct {
        let conv = Conv3dConfig {
            stride,
            bias: self.bias,
            ..he_normal(Conv3dConfig::same(channels[0], channels[1], kernel))
        };
        follow.init(&conv, BlockNames::NNUNET, scope)
    }

    /// Blocks one after another, the first of which changes channels and size.
    pub fn stack(
        &self,
        count: usize,
        [from, to]: [usize; 2],
        kernel: [usize; 3],
        stride: [usize; 3],
        scope: &Scope,
    ) -> Vec<ConvNormAct> {
        (0..count)
            .map(|i| {
                let (from, stride) = if i == 0 { (from, stride) } else { (to, [1; 3]) };
                let scope = scope.at("convs").at(i);
                self.block([from, to], kernel, stride, &self.follow, &scope)
            })
            .collect()
    }
}

/// nnU-Net's first weights for a convolution.
pub(super) fn he_normal(conv: Conv3dConfig) -> Conv3dConfig {
    let fan_in = conv.in_channels / conv.groups * conv.kernel.iter().product::<usize>();
    Conv3dConfig {
        weight_fill: Some(Fill::he_normal(fan_in, 0.01)),
        bias_fill: Some(Fill::Constant(0.0)),
        ..conv
    }
}

/// A stack's output.
pub(super) fn run(
    stack: &[ConvNormAct],
    input: vesalius_tensor::Tensor<5>,
) -> vesalius_tensor::Tensor<5> {
    stack.iter().fold(input, |x, block| block.forward(x))
}
