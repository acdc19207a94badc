//! MONAI's `UNet`: strided convolutions down, transposed ones up, residual units if wanted.

use super::residual_unit::{ResidualUnit, ResidualUnitConfig};
use crate::{Architecture, Error, Result, standard_channels};
use burn::module::Module;
use serde::{Deserialize, Serialize};
use vesalius_tensor::axes::PerAxis;
use vesalius_tensor::{
    ActivationConfig, BlockNames, Conv3dConfig, ConvNormAct, ConvNormActConfig,
    ConvTranspose3dConfig, Device, DropoutConfig, NormConfig, Scope, Tensor, concatenate,
};

/// Configuration of a [`UNet`]; names and defaults are those of MONAI 1.6, vectors are `[x, y, z]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UNetConfig {
    /// 2 or 3.
    pub spatial_dims: usize,
    /// Channels in.
    pub in_channels: usize,
    /// Channels out.
    pub out_channels: usize,
    /// Channels of each level, top first.
    pub channels: Vec<usize>,
    /// Stride into each level below the top; one fewer than `channels`.
    pub strides: Vec<PerAxis>,
    /// Size of the kernels; odd.
    pub kernel_size: PerAxis,
    /// Size of the transposed convolutions' kernels; odd.
    pub up_kernel_size: PerAxis,
    /// Convolutions in each residual unit; 0 for plain convolutions.
    pub num_res_units: usize,
    /// The activation after each convolution.
    pub activation: ActivationConfig,
    /// The norm after each convolution, if any.
    pub norm: Option<NormConfig>,
    /// The share of numbers that dropout sets to zero.
    pub dropout: f64,
    /// Whether convolutions have a bias.
    pub bias: bool,
}

impl Default for UNetConfig {
    fn default() -> Self {
        Self {
            spatial_dims: 3,
            in_channels: 1,
            out_channels: 2,
            channels: vec![16, 32, 64, 128, 256],
            strides: vec![PerAxis::Same(2); 4],
            kernel_size: PerAxis::Same(3),
            up_kernel_size: PerAxis::Same(3),
            num_res_units: 0,
            activation: ActivationConfig::default(),
            norm: Some(NormConfig::default()),
            dropout: 0.0,
            bias: true,
        }
    }
}

impl Architecture for UNetConfig {
    fn name(&self) -> &'static str {
        "unet"
    }

    fn check(&self) -> Result<()> {
        let bad = |problem: String| {
            Err(Error::BadConfig {
                network: "unet",
                problem,
            })
        };
        let dims = self.spatial_dims;
        if dims != 2 && dims != 3 {
            return bad(format!("`spatial_dims` must be 2 or 3, not {dims}"));
        }
        if self.in_channels == 0 || self.out_channels == 0 || self.channels.contains(&0) {
            return bad("`in_channels`, `out_channels` and `channels` must be at least 1".into());
        }
        if self.channels.len() < 2 || self.strides.len() + 1 != self.channels.len() {
            return bad(format!(
                "`channels` needs two levels or more and `strides` one fewer, not {} and {}",
                self.channels.len(),
                self.strides.len()
            ));
        }
        for (key, sizes) in [
            ("kernel_size", self.kernel_size),
            ("up_kernel_size", self.up_kernel_size),
        ] {
            match sizes.resolve(dims) {
                Some(kernel) if kernel.iter().all(|k| k % 2 == 1) => {}
                _ => {
                    return bad(format!(
                        "`{key}` must be odd along {dims} axes, not {sizes}"
                    ));
                }
            }
        }
        for stride in &self.strides {
            if stride.resolve(dims).is_none_or(|s| s.contains(&0)) {
                return bad(format!(
                    "`strides` must be at least 1 along {dims} axes, not {stride}"
                ));
            }
        }
        self.activation.check()?;
        DropoutConfig::elements(self.dropout).check()?;
        if let Some(norm) = self.norm {
            for &channels in &self.channels {
                norm.check(channels)?;
            }
            if self.num_res_units > 0 || self.channels.len() > 2 {
                norm.check(self.out_channels_of_norms())?;
            }
        }
        Ok(())
    }

    standard_channels!();

    fn divisor(&self) -> [usize; 3] {
        self.strides
            .iter()
            .filter_map(|stride| stride.resolve(self.spatial_dims))
            .fold([1; 3], |product, stride| {
                std::array::from_fn(|axis| product[axis] * stride[axis])
            })
    }
}

impl UNetConfig {
    /// The network with first weights of seed 0.
    ///
    /// # Errors
    /// As [`Architecture::check`].
    pub fn init(&self, device: &Device) -> Result<UNet> {
        self.check()?;
        Ok(self.build(&Scope::new(device, 0).with_spatial_dims(self.spatial_dims)))
    }

    /// The channels of the narrowest norm, which may be the last: with residual units the last transposed
    /// convolution is followed by a norm over the output channels.
    fn out_channels_of_norms(&self) -> usize {
        if self.num_res_units > 0 {
            self.out_channels
        } else {
            self.channels[0]
        }
    }

    /// `check` passed before, so that every vector resolves.
    pub(crate) fn build(&self, scope: &Scope) -> UNet {
        let depth = self.strides.len();
        let mut place = scope.at("model");
        let mut levels = Vec::with_capacity(depth);
        for level in 0..depth {
            let below = self.channels[level];
            let (top, out) = match level {
                0 => (self.in_channels, self.out_channels),
                _ => (self.channels[level - 1], self.channels[level - 1]),
            };
            // The lowest skip meets the bottom's channels, the others a level's own, twice.
            let joined = if level + 1 == depth {
                below + self.channels[depth]
            } else {
                2 * below
            };
            let stride = self.resolve(self.strides[level]);
            levels.push(Level {
                down: self.down(top, below, stride, &place.at(0)),
                up: self.up(joined, out, stride, level == 0, &place.at(2)),
            });
            place = place.at("1.submodule");
        }
        UNet {
            levels,
            bottom: self.down(
                self.channels[depth - 1],
                self.channels[depth],
                [1; 3],
                &place,
            ),
        }
    }

    fn resolve(&self, sizes: PerAxis) -> [usize; 3] {
        sizes.resolve(self.spatial_dims).unwrap_or([1; 3])
    }

    fn follow(&self) -> ConvNormActConfig {
        ConvNormActConfig {
            norm: self.norm,
            dropout: Some(DropoutConfig::elements(self.dropout)),
            activation: Some(self.activation),
            dropout_first: false,
        }
    }

    fn down(&self, from: usize, to: usize, stride: [usize; 3], scope: &Scope) -> Step {
        let kernel = self.resolve(self.kernel_size);
        if self.num_res_units > 0 {
            let unit = ResidualUnitConfig {
                in_channels: from,
                out_channels: to,
                kernel,
                stride,
                subunits: self.num_res_units,
                bias: self.bias,
                last_conv_only: false,
                follow: self.follow(),
            };
            return Step::Residual(unit.init(scope));
        }
        let conv = Conv3dConfig {
            stride,
            bias: self.bias,
            ..Conv3dConfig::same(from, to, kernel)
        };
        Step::Plain(self.follow().init(&conv, BlockNames::MONAI, scope))
    }

    fn up(&self, from: usize, to: usize, stride: [usize; 3], top: bool, scope: &Scope) -> Up {
        let conv = ConvTranspose3dConfig {
            bias: self.bias,
            ..ConvTranspose3dConfig::same(from, to, self.resolve(self.up_kernel_size), stride)
        };
        if self.num_res_units == 0 {
            let follow = if top {
                ConvNormActConfig::default()
            } else {
                self.follow()
            };
            return Up {
                enlarge: follow.init_transposed(&conv, BlockNames::MONAI, scope),
                refine: None,
            };
        }
        let unit = ResidualUnitConfig {
            in_channels: to,
            out_channels: to,
            kernel: self.resolve(self.kernel_size),
            stride: [1; 3],
            subunits: 1,
            bias: self.bias,
            last_conv_only: top,
            follow: self.follow(),
        };
        Up {
            enlarge: self
                .follow()
                .init_transposed(&conv, BlockNames::MONAI, scope.at(0)),
            refine: Some(unit.init(&scope.at(1))),
        }
    }
}

/// The residual U-Net of Kerfoot et al. 2018, as MONAI 1.6 builds it.
#[derive(Module, Debug)]
pub struct UNet {
    levels: Vec<Level>,
    bottom: Step,
}

#[derive(Module, Debug)]
struct Level {
    down: Step,
    up: Up,
}

#[derive(Module, Debug)]
// Both are modules that Burn's derive needs unboxed; a network has a handful of them.
#[allow(clippy::large_enum_variant)]
enum Step {
    Plain(ConvNormAct),
    Residual(ResidualUnit),
}

#[derive(Module, Debug)]
struct Up {
    enlarge: ConvNormAct,
    refine: Option<ResidualUnit>,
}

impl Step {
    fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        match self {
            Self::Plain(block) => block.forward(input),
            Self::Residual(unit) => unit.forward(input),
        }
    }
}

impl UNet {
    /// # Shapes
    /// - input `[N, in_channels, Z, Y, X]`, each axis divisible by the product of its strides
    /// - output `[N, out_channels, Z, Y, X]`
    pub fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        let mut skips = Vec::with_capacity(self.levels.len());
        let mut output = input;
        for level in &self.levels {
            output = level.down.forward(output);
            skips.push(output.clone());
        }
        output = self.bottom.forward(output);
        for level in self.levels.iter().rev() {
            // Every level pushed its skip on the way down.
            if let Some(skip) = skips.pop() {
                output = concatenate(skip, output);
            }
            output = level.up.enlarge.forward(output);
            if let Some(refine) = &level.up.refine {
                output = refine.forward(output);
            }
        }
        output
    }
}
