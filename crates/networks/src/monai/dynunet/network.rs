//! The network itself: blocks, with or without a residual, on the way down, transposed convolutions up.

use super::DynUNetConfig;
use crate::monai::two_convs::{TwoConvs, TwoConvsConfig, he_normal};
use burn::module::Module;
use vesalius_tensor::{
    BlockNames, Conv3dConfig, ConvNormAct, ConvNormActConfig, ConvTranspose3dConfig, DropoutConfig,
    Fill, Scope, Tensor, concatenate,
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
    ) -> TwoConvs {
        let config = TwoConvsConfig {
            in_channels: from,
            out_channels: to,
            kernel,
            stride,
            residual,
            norm: self.norm,
            activation: self.activation,
            dropout: self.dropout,
            he_normal: true,
        };
        config.init(scope)
    }
}

/// The dynamic U-Net (Isensee et al. 2019, as MONAI 1.6 builds it).
#[derive(Module, Debug)]
pub struct DynUNet {
    encoder: Vec<TwoConvs>,
    decoder: Vec<Up>,
    output: ConvNormAct,
    heads: Vec<ConvNormAct>,
}

#[derive(Module, Debug)]
struct Up {
    enlarge: ConvNormAct,
    convs: TwoConvs,
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
