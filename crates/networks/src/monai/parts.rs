//! Parts that several of MONAI's networks share: ways of enlarging, pre-activated residual blocks, checks.

use crate::{Error, Result};
use burn::module::Module;
use serde::{Deserialize, Serialize};
use vesalius_tensor::{
    Activation, ActivationConfig, Conv3d, Conv3dConfig, ConvTranspose3d, ConvTranspose3dConfig,
    DropoutConfig, Norm, NormConfig, ResizeMode, Scope, Tensor, Upsample,
};

/// How a decoder enlarges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UpsampleMode {
    /// A transposed convolution.
    Deconv,
    /// Linear interpolation, after a 1×1×1 convolution where channels change.
    Nontrainable,
}

/// Enlarges by a convolution of its own or by interpolation (MONAI's `UpSample`).
#[derive(Module, Debug)]
pub(super) enum Enlarge {
    Deconv(ConvTranspose3d),
    Interpolate(Interpolate),
}

#[derive(Module, Debug)]
pub(super) struct Interpolate {
    before: Option<Conv3d>,
    upsample: Upsample,
}

impl Enlarge {
    /// `kernel` is that of the transposed convolution; its padding is half of it. `aligned` is which corners
    /// interpolation keeps in place.
    pub fn new(
        mode: UpsampleMode,
        [from, to]: [usize; 2],
        kernel: [usize; 3],
        factor: [usize; 3],
        bias: bool,
        aligned: bool,
        scope: &Scope,
    ) -> Self {
        match mode {
            UpsampleMode::Deconv => {
                let config = ConvTranspose3dConfig {
                    in_channels: from,
                    out_channels: to,
                    kernel,
                    stride: factor,
                    // A kernel as large as its stride makes tiles; an odd one overlaps by half.
                    padding: if kernel == factor {
                        [0; 3]
                    } else {
                        kernel.map(|k| (k - 1) / 2)
                    },
                    output_padding: if kernel == factor {
                        [0; 3]
                    } else {
                        std::array::from_fn(|a| factor[a].saturating_sub(1 + (kernel[a] - 1) % 2))
                    },
                    bias,
                    ..ConvTranspose3dConfig::default()
                };
                Self::Deconv(config.init(scope.at("deconv")))
            }
            UpsampleMode::Nontrainable => {
                let before = (from != to).then(|| {
                    let conv = Conv3dConfig {
                        bias,
                        ..Conv3dConfig::same(from, to, [1; 3])
                    };
                    conv.init(scope.at("preconv"))
                });
                let interpolation = match aligned {
                    true => ResizeMode::LinearAligned,
                    false => ResizeMode::Linear,
                };
                Self::Interpolate(Interpolate {
                    before,
                    upsample: Upsample {
                        factor,
                        interpolation,
                    },
                })
            }
        }
    }

    /// `[N, from, Z, Y, X]` to `[N, to, Z · fz, Y · fy, X · fx]`.
    pub fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        match self {
            Self::Deconv(conv) => conv.forward(input),
            Self::Interpolate(Interpolate { before, upsample }) => {
                let input = match before {
                    Some(conv) => conv.forward(input),
                    None => input,
                };
                upsample.forward(input)
            }
        }
    }
}

/// Norm, activation, convolution, twice, added to the input (Myronenko 2018).
#[derive(Module, Debug)]
pub(super) struct PreActivated {
    norms: Vec<Norm>,
    convs: Vec<Conv3d>,
    activation: Activation,
}

impl PreActivated {
    /// `conv` is what a convolution is called below `conv1` and `conv2`.
    pub fn new(
        channels: usize,
        kernel: [usize; 3],
        norm: NormConfig,
        activation: ActivationConfig,
        conv: &str,
        scope: &Scope,
    ) -> Self {
        let config = Conv3dConfig {
            bias: false,
            ..Conv3dConfig::same(channels, channels, kernel)
        };
        let norms = [1, 2].map(|i| norm.init(channels, scope.at(format!("norm{i}"))));
        let convs = [1, 2].map(|i| config.init(scope.at(format!("conv{i}{conv}"))));
        Self {
            norms: norms.into(),
            convs: convs.into(),
            activation: activation.init(scope.at("act")),
        }
    }

    /// `[N, C, Z, Y, X]` in and out.
    pub fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        let parts = self.norms.iter().zip(&self.convs);
        let output = parts.fold(input.clone(), |x, (norm, conv)| {
            conv.forward(norm.forward_then(x, &self.activation))
        });
        output + input
    }
}

/// A failed check of a config.
pub(super) fn bad<T>(network: &'static str, problem: impl Into<String>) -> Result<T> {
    Err(Error::BadConfig {
        network,
        problem: problem.into(),
    })
}

/// What every network's config needs: 2 or 3 dimensions, channels, sound layers.
pub(super) fn check_common(
    network: &'static str,
    spatial_dims: usize,
    channels: &[usize],
    activation: ActivationConfig,
    dropout: f64,
) -> Result<()> {
    if spatial_dims != 2 && spatial_dims != 3 {
        return bad(
            network,
            format!("`spatial_dims` must be 2 or 3, not {spatial_dims}"),
        );
    }
    if channels.contains(&0) {
        return bad(network, "no number of channels may be 0");
    }
    activation.check()?;
    DropoutConfig::elements(dropout).check()?;
    Ok(())
}

/// A learned slope would be shared by several activations, which these networks do not do.
pub(super) fn check_no_slope(network: &'static str, activation: ActivationConfig) -> Result<()> {
    match activation {
        ActivationConfig::Prelu { .. } => bad(network, "`activation` may not be prelu here"),
        _ => Ok(()),
    }
}

/// The same along each axis, 1 along the Z axis of a 2-D network.
pub(crate) fn each_axis(n: usize, spatial_dims: usize) -> [usize; 3] {
    [n, n, if spatial_dims == 2 { 1 } else { n }]
}
