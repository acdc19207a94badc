//! MONAI's `BasicUNet`: two convolutions a level, max pooling down, five levels.

use super::parts::{Enlarge, UpsampleMode, bad, check_common, each_axis};
use crate::{Architecture, Result, standard_channels};
use burn::module::Module;
use serde::{Deserialize, Serialize};
use vesalius_tensor::{
    ActivationConfig, BlockNames, Conv3d, Conv3dConfig, ConvNormAct, ConvNormActConfig, Device,
    DropoutConfig, MaxPool3d, NormConfig, Scope, Tensor, concatenate,
};

/// Configuration of a [`BasicUNet`]; names and defaults are those of MONAI 1.6.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BasicUNetConfig {
    /// 2 or 3.
    pub spatial_dims: usize,
    /// Channels in.
    pub in_channels: usize,
    /// Channels out.
    pub out_channels: usize,
    /// Channels of the five levels, top first, and of the last two convolutions.
    pub features: [usize; 6],
    /// The activation after each convolution.
    pub activation: ActivationConfig,
    /// The norm after each convolution, if any.
    pub norm: Option<NormConfig>,
    /// Whether convolutions have a bias.
    pub bias: bool,
    /// The share of numbers that dropout sets to zero.
    pub dropout: f64,
    /// How the decoder enlarges.
    pub upsample: UpsampleMode,
}

impl Default for BasicUNetConfig {
    fn default() -> Self {
        Self {
            spatial_dims: 3,
            in_channels: 1,
            out_channels: 2,
            features: [32, 32, 64, 128, 256, 32],
            activation: ActivationConfig::LeakyRelu { slope: 0.1 },
            norm: Some(NormConfig::instance_affine()),
            bias: true,
            dropout: 0.0,
            upsample: UpsampleMode::Deconv,
        }
    }
}

impl Architecture for BasicUNetConfig {
    fn name(&self) -> &'static str {
        "basic_unet"
    }

    fn check(&self) -> Result<()> {
        let name = self.name();
        check_common(
            name,
            self.spatial_dims,
            &self.features,
            self.activation,
            self.dropout,
        )?;
        if self.in_channels == 0 || self.out_channels == 0 {
            return bad(name, "`in_channels` and `out_channels` must be at least 1");
        }
        if self.features[2..5].iter().any(|f| f % 2 == 1) {
            return bad(
                name,
                "the third to fifth of `features` must be even: they are halved",
            );
        }
        for channels in self.features {
            self.norm.map_or(Ok(()), |norm| norm.check(channels))?;
        }
        Ok(())
    }

    standard_channels!();

    fn divisor(&self) -> [usize; 3] {
        [1; 3]
    }

    fn minimum(&self) -> [usize; 3] {
        each_axis(16, self.spatial_dims)
    }
}

impl BasicUNetConfig {
    /// The network with first weights of seed 0.
    ///
    /// # Errors
    /// As [`Architecture::check`].
    pub fn init(&self, device: &Device) -> Result<BasicUNet> {
        self.check()?;
        Ok(self.build(&Scope::new(device, 0).with_spatial_dims(self.spatial_dims)))
    }

    pub(crate) fn build(&self, scope: &Scope) -> BasicUNet {
        let f = self.features;
        let down = (1..5).map(|i| {
            let place = scope.at(format!("down_{i}")).at("convs");
            self.two([f[i - 1], f[i]], &place)
        });
        let ups = [
            ([f[4], f[4] / 2], f[3], f[3]),
            ([f[3], f[3] / 2], f[2], f[2]),
            ([f[2], f[2] / 2], f[1], f[1]),
            ([f[1], f[1]], f[0], f[5]),
        ];
        let factor = each_axis(2, self.spatial_dims);
        let up = ups
            .into_iter()
            .enumerate()
            .map(|(i, (channels, skip, to))| {
                let place = scope.at(format!("upcat_{}", 4 - i));
                let enlarge = Enlarge::new(
                    self.upsample,
                    channels,
                    factor,
                    factor,
                    true,
                    true,
                    &place.at("upsample"),
                );
                let convs = self.two([skip + channels[1], to], &place.at("convs"));
                Up { enlarge, convs }
            });
        BasicUNet {
            first: self.two([self.in_channels, f[0]], &scope.at("conv_0")),
            down: down.collect(),
            up: up.collect(),
            pool: MaxPool3d::new(factor),
            last: Conv3dConfig::same(f[5], self.out_channels, [1; 3]).init(scope.at("final_conv")),
        }
    }

    fn two(&self, [from, to]: [usize; 2], scope: &Scope) -> Vec<ConvNormAct> {
        let follow = ConvNormActConfig {
            norm: self.norm,
            dropout: Some(DropoutConfig::elements(self.dropout)),
            activation: Some(self.activation),
            dropout_first: false,
        };
        [from, to]
            .into_iter()
            .enumerate()
            .map(|(i, from)| {
                let conv = Conv3dConfig {
                    bias: self.bias,
                    ..Conv3dConfig::same(from, to, each_axis(3, self.spatial_dims))
                };
                follow.init(&conv, BlockNames::MONAI, scope.at(format!("conv_{i}")))
            })
            .collect()
    }
}

/// A U-Net of five levels (Falk et al. 2019, as MONAI 1.6 builds it).
#[derive(Module, Debug)]
pub struct BasicUNet {
    first: Vec<ConvNormAct>,
    down: Vec<Vec<ConvNormAct>>,
    up: Vec<Up>,
    pool: MaxPool3d,
    last: Conv3d,
}

#[derive(Module, Debug)]
struct Up {
    enlarge: Enlarge,
    convs: Vec<ConvNormAct>,
}

impl BasicUNet {
    /// # Shapes
    /// - input `[N, in_channels, Z, Y, X]`, each axis at least 16; an axis that cannot be halved
    ///   loses its last voxel on the way down and has the one before it repeated on the way up
    /// - output `[N, out_channels, Z, Y, X]`
    pub fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        let run = |blocks: &[ConvNormAct], x| blocks.iter().fold(x, |x, block| block.forward(x));
        let mut x = run(&self.first, input);
        let mut skips = Vec::with_capacity(self.down.len());
        for convs in &self.down {
            skips.push(x.clone());
            x = run(convs, self.pool.forward(x));
        }
        for up in &self.up {
            x = up.enlarge.forward(x);
            // Every level pushed its skip on the way down.
            if let Some(skip) = skips.pop() {
                x = extended(x, skip.dims());
                x = concatenate(skip, x);
            }
            x = run(&up.convs, x);
        }
        self.last.forward(x)
    }
}

/// Repeats the last voxel of every axis that is one short.
fn extended(x: Tensor<5>, dims: [usize; 5]) -> Tensor<5> {
    (2..5).fold(x, |x, axis| {
        let length = x.dims()[axis];
        if length == dims[axis] {
            return x;
        }
        let last = x.clone().narrow(axis, length - 1, 1);
        Tensor::cat(vec![x, last], axis)
    })
}
