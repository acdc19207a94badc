//! MONAI's `AttentionUnet`: a U-Net whose skips are weighed by the features of the level below.

use super::parts::{bad, check_common};
use crate::{Architecture, Result, standard_channels};
use burn::module::Module;
use burn::tensor::activation::{relu, sigmoid};
use serde::{Deserialize, Serialize};
use vesalius_tensor::axes::PerAxis;
use vesalius_tensor::{
    ActivationConfig, BatchNormConfig, BlockNames, Conv3d, Conv3dConfig, ConvNormAct,
    ConvNormActConfig, ConvTranspose3dConfig, Device, DropoutConfig, NormConfig, Scope, Tensor,
    concatenate,
};

/// Configuration of an [`AttentionUnet`]; names and defaults are those of MONAI 1.6, vectors are
/// `[x, y, z]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AttentionUnetConfig {
    /// 2 or 3.
    pub spatial_dims: usize,
    /// Channels in.
    pub in_channels: usize,
    /// Channels out.
    pub out_channels: usize,
    /// Channels of each level, top first; even but for the lowest.
    pub channels: Vec<usize>,
    /// Stride into each level below the top; one fewer than `channels`.
    pub strides: Vec<PerAxis>,
    /// Size of the kernels; odd.
    pub kernel_size: PerAxis,
    /// Size of the transposed convolutions' kernels; odd.
    pub up_kernel_size: PerAxis,
    /// The share of numbers that dropout sets to zero.
    pub dropout: f64,
}

impl Default for AttentionUnetConfig {
    fn default() -> Self {
        Self {
            spatial_dims: 3,
            in_channels: 1,
            out_channels: 2,
            channels: vec![16, 32, 64, 128, 256],
            strides: vec![PerAxis::Same(2); 4],
            kernel_size: PerAxis::Same(3),
            up_kernel_size: PerAxis::Same(3),
            dropout: 0.0,
        }
    }
}

impl Architecture for AttentionUnetConfig {
    fn name(&self) -> &'static str {
        "attention_unet"
    }

    fn check(&self) -> Result<()> {
        let name = self.name();
        let relu = ActivationConfig::Relu;
        check_common(name, self.spatial_dims, &self.channels, relu, self.dropout)?;
        let levels = self.channels.len();
        if levels < 2 || self.strides.len() + 1 != levels {
            return bad(
                name,
                format!(
                    "`channels` needs two levels or more and `strides` one fewer, not {levels} and {}",
                    self.strides.len()
                ),
            );
        }
        if self.in_channels == 0
            || self.out_channels == 0
            || self.channels[..levels - 1].contains(&1)
        {
            return bad(
                name,
                "channels must be at least 1, and 2 above the lowest level",
            );
        }
        for (key, sizes) in [
            ("kernel_size", self.kernel_size),
            ("up_kernel_size", self.up_kernel_size),
        ] {
            let odd = |kernel: [usize; 3]| kernel.iter().all(|k| k % 2 == 1);
            if !sizes.resolve(self.spatial_dims).is_some_and(odd) {
                return bad(
                    name,
                    format!("`{key}` must be odd along each axis, not {sizes}"),
                );
            }
        }
        for stride in &self.strides {
            if stride
                .resolve(self.spatial_dims)
                .is_none_or(|s| s.contains(&0))
            {
                return bad(name, format!("`strides` must be at least 1, not {stride}"));
            }
        }
        Ok(())
    }

    standard_channels!();

    fn divisor(&self) -> [usize; 3] {
        self.strides.iter().fold([1; 3], |product, stride| {
            let stride = self.resolve(*stride);
            std::array::from_fn(|axis| product[axis] * stride[axis])
        })
    }
}

impl AttentionUnetConfig {
    /// The network with first weights of seed 0.
    ///
    /// # Errors
    /// As [`Architecture::check`].
    pub fn init(&self, device: &Device) -> Result<AttentionUnet> {
        self.check()?;
        Ok(self.build(&Scope::new(device, 0).with_spatial_dims(self.spatial_dims)))
    }

    /// `check` passed before, so that every vector resolves.
    fn resolve(&self, sizes: PerAxis) -> [usize; 3] {
        sizes.resolve(self.spatial_dims).unwrap_or([1; 3])
    }

    pub(crate) fn build(&self, scope: &Scope) -> AttentionUnet {
        let last = self.strides.len();
        let mut place = scope.at("model").at(1);
        let mut levels = Vec::with_capacity(last);
        for level in 0..last {
            let (above, below) = (self.channels[level], self.channels[level + 1]);
            let stride = self.resolve(self.strides[level]);
            let inner = place.at("submodule");
            // All but the lowest level have their blocks next to the level below.
            let block = if level + 1 == last {
                inner.clone()
            } else {
                inner.at(0)
            };
            let up = ConvTranspose3dConfig::same(
                below,
                above,
                self.resolve(self.up_kernel_size),
                stride,
            );
            let merge = Conv3dConfig::same(2 * above, above, self.odd(3));
            let follow = ConvNormActConfig {
                norm: Some(NormConfig::default()),
                dropout: Some(DropoutConfig::elements(self.dropout)),
                activation: Some(ActivationConfig::default()),
                dropout_first: false,
            };
            levels.push(Level {
                down: self.two([above, below], stride, &block),
                up: follow_relu(0.0).init_transposed(&up, BlockNames::MONAI, place.at("upconv.up")),
                attention: Attention::new(above, &place.at("attention")),
                merge: follow.init(&merge, BlockNames::MONAI, place.at("merge")),
            });
            place = inner.at(1);
        }
        AttentionUnet {
            head: self.two(
                [self.in_channels, self.channels[0]],
                [1; 3],
                &scope.at("model").at(0),
            ),
            levels,
            last: Conv3dConfig::same(self.channels[0], self.out_channels, [1; 3])
                .init(scope.at("model").at(2).at("conv")),
        }
    }

    fn odd(&self, n: usize) -> [usize; 3] {
        self.resolve(PerAxis::Same(n))
    }

    fn two(&self, [from, to]: [usize; 2], stride: [usize; 3], scope: &Scope) -> Vec<ConvNormAct> {
        let kernel = self.resolve(self.kernel_size);
        [(from, stride), (to, [1; 3])]
            .into_iter()
            .enumerate()
            .map(|(i, (from, stride))| {
                let conv = Conv3dConfig {
                    stride,
                    ..Conv3dConfig::same(from, to, kernel)
                };
                let place = scope.at("conv").at(i);
                follow_relu(self.dropout).init(&conv, BlockNames::MONAI, place)
            })
            .collect()
    }
}

fn follow_relu(dropout: f64) -> ConvNormActConfig {
    ConvNormActConfig {
        norm: Some(NormConfig::Batch(BatchNormConfig::default())),
        dropout: Some(DropoutConfig::elements(dropout)),
        activation: Some(ActivationConfig::Relu),
        dropout_first: false,
    }
}

/// The attention U-Net of Oktay et al. 2018, as MONAI 1.6 builds it.
#[derive(Module, Debug)]
pub struct AttentionUnet {
    head: Vec<ConvNormAct>,
    levels: Vec<Level>,
    last: Conv3d,
}

#[derive(Module, Debug)]
struct Level {
    down: Vec<ConvNormAct>,
    up: ConvNormAct,
    attention: Attention,
    merge: ConvNormAct,
}

/// Weighs a skip by a gate between 0 and 1.
#[derive(Module, Debug)]
struct Attention {
    gate: ConvNormAct,
    skip: ConvNormAct,
    psi: ConvNormAct,
}

impl Attention {
    fn new(channels: usize, scope: &Scope) -> Self {
        let names = BlockNames {
            conv: "0.conv",
            norm: "1",
            activation: "2",
        };
        let follow = ConvNormActConfig {
            norm: Some(NormConfig::Batch(BatchNormConfig::default())),
            ..ConvNormActConfig::default()
        };
        let part = |from, to, place: Scope| {
            follow.init(&Conv3dConfig::same(from, to, [1; 3]), names, place)
        };
        Self {
            gate: part(channels, channels / 2, scope.at("W_g")),
            skip: part(channels, channels / 2, scope.at("W_x")),
            psi: part(channels / 2, 1, scope.at("psi")),
        }
    }

    fn forward(&self, below: Tensor<5>, skip: Tensor<5>) -> Tensor<5> {
        let sum = self.gate.forward(below) + self.skip.forward(skip.clone());
        skip * sigmoid(self.psi.forward(relu(sum)))
    }
}

impl AttentionUnet {
    /// # Shapes
    /// - input `[N, in_channels, Z, Y, X]`, each axis divisible by the product of its strides
    /// - output `[N, out_channels, Z, Y, X]`
    pub fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        let run = |blocks: &[ConvNormAct], x| blocks.iter().fold(x, |x, block| block.forward(x));
        let mut x = run(&self.head, input);
        let mut skips = Vec::with_capacity(self.levels.len());
        for level in &self.levels {
            skips.push(x.clone());
            x = run(&level.down, x);
        }
        for level in self.levels.iter().rev() {
            let below = level.up.forward(x);
            // Every level pushed its skip on the way down.
            x = match skips.pop() {
                Some(skip) => {
                    let weighed = level.attention.forward(below.clone(), skip);
                    level.merge.forward(concatenate(weighed, below))
                }
                None => below,
            };
        }
        self.last.forward(x)
    }
}
