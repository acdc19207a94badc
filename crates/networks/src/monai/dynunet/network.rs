//! The network itself: blocks, with or without a residual, on the way down, transposed convolutions up.

use super::DynUNetConfig;
use burn::module::Module;
use vesalius_tensor::{
    Activation, BlockNames, Conv3dConfig, ConvNormAct, ConvNormActConfig, ConvTranspose3dConfig,
    DropoutConfig, Fill, Scope, Tensor, concatenate,
};

impl DynUNetConfig {
    pub(crate) fn build(&self, scope: &Scope) -> DynUNet {
        let filters = self.filters();
        let last = self.strides.len() - 1;
        let mut from = self.in_channels;
        let mut encoder = Vec::new();
        for (level, &to) in filters.iter().enumerate().take(last + 1) {
            let place = match level {
                0 => scope.at("input_block"),
                _ if level == last => scope.at("bottleneck"),
                _ => scope.at("downsamples").at(level - 1),
            };
            let (kernel, stride) = (
                self.at(&self.kernel_size, level),
                self.at(&self.strides, level),
            );
            encoder.push(self.block([from, to], kernel, stride, self.res_block, &place));
            from = to;
        }
        let decoder = (0..last).map(|j| {
            let level = last - j;
            let (below, to) = (filters[level], filters[level - 1]);
            let place = scope.at("upsamples").at(j);
            let enlarge = ConvTranspose3dConfig::tiled(
                below,
                to,
                self.at(&self.upsample_kernel_size, level - 1),
            );
            let fan_in = to * enlarge.kernel.iter().product::<usize>();
            let enlarge = ConvTranspose3dConfig {
                bias: self.trans_bias,
                weight_fill: Some(Fill::he_normal(fan_in, 0.01)),
                bias_fill: Some(Fill::Constant(0.0)),
                ..enlarge
            };
            let follow = ConvNormActConfig {
                dropout: Some(DropoutConfig::elements(self.dropout)),
                ..ConvNormActConfig::default()
            };
            let kernel = self.at(&self.kernel_size, level);
            Up {
                enlarge: follow.init_transposed(
                    &enlarge,
                    BlockNames::MONAI,
                    place.at("transp_conv"),
                ),
                convs: self.block([2 * to, to], kernel, [1; 3], false, &place.at("conv_block")),
            }
        });
        let heads = if self.deep_supervision {
            self.deep_supr_num
        } else {
            0
        };
        DynUNet {
            decoder: decoder.collect(),
            output: self.head(filters[0], &scope.at("output_block")),
            heads: (0..heads)
                .map(|i| self.head(filters[i + 1], &scope.at("deep_supervision_heads").at(i)))
                .collect(),
            encoder,
        }
    }

    fn head(&self, from: usize, scope: &Scope) -> ConvNormAct {
        let follow = ConvNormActConfig {
            dropout: Some(DropoutConfig::elements(self.dropout)),
            ..ConvNormActConfig::default()
        };
        let conv = he_normal(Conv3dConfig::same(from, self.out_channels, [1; 3]));
        follow.init(&conv, BlockNames::MONAI, scope.at("conv"))
    }

    fn block(
        &self,
        [from, to]: [usize; 2],
        kernel: [usize; 3],
        stride: [usize; 3],
        residual: bool,
        scope: &Scope,
    ) -> Block {
        let conv = |from, kernel: [usize; 3], stride: [usize; 3], names, activation| {
            let config = Conv3dConfig {
                in_channels: from,
                out_channels: to,
                kernel,
                stride,
                padding: std::array::from_fn(|a| (kernel[a] + 1 - stride[a]) / 2),
                bias: false,
                ..Conv3dConfig::default()
            };
            let follow = ConvNormActConfig {
                norm: Some(self.norm),
                dropout: Some(DropoutConfig::elements(self.dropout)),
                activation,
                dropout_first: true,
            };
            follow.init(&he_normal(config), names, scope)
        };
        let activation = Some(self.activation);
        let shortcut = residual && (from != to || stride != [1; 3]);
        Block {
            first: conv(from, kernel, stride, NAMES[0], activation),
            second: conv(
                to,
                kernel,
                [1; 3],
                NAMES[1],
                if residual { None } else { activation },
            ),
            shortcut: shortcut.then(|| conv(from, [1; 3], stride, NAMES[2], None)),
            residual: residual.then(|| self.activation.init(scope.at("lrelu"))),
        }
    }
}

/// Names of a block's convolutions and norms.
const NAMES: [BlockNames; 3] = [
    BlockNames {
        conv: "conv1.conv",
        norm: "norm1",
        activation: "lrelu",
    },
    BlockNames {
        conv: "conv2.conv",
        norm: "norm2",
        activation: "lrelu",
    },
    BlockNames {
        conv: "conv3.conv",
        norm: "norm3",
        activation: "lrelu",
    },
];

fn he_normal(conv: Conv3dConfig) -> Conv3dConfig {
    let fan_in = conv.in_channels * conv.kernel.iter().product::<usize>();
    Conv3dConfig {
        weight_fill: Some(Fill::he_normal(fan_in, 0.01)),
        bias_fill: Some(Fill::Constant(0.0)),
        ..conv
    }
}

/// The dynamic U-Net (Isensee et al. 2019, as MONAI 1.6 builds it).
#[derive(Module, Debug)]
pub struct DynUNet {
    encoder: Vec<Block>,
    decoder: Vec<Up>,
    output: ConvNormAct,
    heads: Vec<ConvNormAct>,
}

#[derive(Module, Debug)]
struct Up {
    enlarge: ConvNormAct,
    convs: Block,
}

#[derive(Module, Debug)]
struct Block {
    first: ConvNormAct,
    second: ConvNormAct,
    shortcut: Option<ConvNormAct>,
    /// The activation after the sum, of a residual block.
    residual: Option<Activation>,
}

impl Block {
    fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        let Some(activation) = &self.residual else {
            return self.second.forward(self.first.forward(input));
        };
        let shortcut = match &self.shortcut {
            Some(conv) => conv.forward(input.clone()),
            None => input.clone(),
        };
        activation.forward(self.second.forward(self.first.forward(input)) + shortcut)
    }
}

impl DynUNet {
    /// # Shapes
    /// - input `[N, in_channels, Z, Y, X]`, each axis divisible by the product of its strides
    /// - outputs `[N, out_channels, Z', Y', X']`, smaller than the input by the first stride, then,
    ///   with deep supervision and where the input records gradients, those of the levels below,
    ///   each on its own grid (MONAI enlarges them to the first and stacks them)
    pub fn forward(&self, input: Tensor<5>) -> Vec<Tensor<5>> {
        let all = input.device().is_autodiff();
        let mut skips: Vec<Tensor<5>> = Vec::with_capacity(self.encoder.len());
        let mut x = input;
        for block in &self.encoder {
            x = block.forward(x);
            skips.push(x.clone());
        }
        skips.pop();
        let mut outputs = Vec::new();
        for up in &self.decoder {
            x = up.enlarge.forward(x);
            // Every level pushed its skip on the way down; `skips.len()` is the level after this.
            if let Some(skip) = skips.pop() {
                x = concatenate(x, skip);
            }
            x = up.convs.forward(x);
            let level = skips.len();
            if all && level > 0 && level <= self.heads.len() {
                outputs.push(self.heads[level - 1].forward(x.clone()));
            }
        }
        outputs.push(self.output.forward(x));
        outputs.reverse();
        outputs
    }
}
