//! The parts that MONAI's transformers share: tokens, attention, the perceptron after it, and the convolutional
//! decoder at the end of both `UNETR` and `SwinUNETR`. Each network chooses what is attended to.

use super::parts::each_axis;
use super::two_convs::{TwoConvs, TwoConvsConfig};
use burn::module::Module;
use std::sync::Arc;
use vesalius_tensor::{
    Activation, ActivationConfig, AttentionOptions, Conv3d, Conv3dConfig, ConvTranspose3d,
    ConvTranspose3dConfig, Dropout, DropoutConfig, Linear, LinearConfig, NormConfig, Scope, Tensor,
    attend, concatenate, transpose_rows,
};

/// `[N, C, Z, Y, X]` as `[N, Z · Y · X, C]`: a token a voxel, x fastest.
pub(super) fn tokens(volume: Tensor<5>) -> Tensor<3> {
    let [n, c, z, y, x] = volume.dims();
    transpose_rows(volume.reshape([n, c, z * y * x]))
}

/// The inverse of [`tokens`] for a size `[z, y, x]`.
pub(super) fn volume(tokens: Tensor<3>, [z, y, x]: [usize; 3]) -> Tensor<5> {
    let [n, _, c] = tokens.dims();
    transpose_rows(tokens).reshape([n, c, z, y, x])
}

/// What an [`Attention`] is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct AttentionConfig {
    /// Length of a token.
    pub width: usize,
    /// How many heads share it.
    pub heads: usize,
    /// Whether queries, keys and values have a bias.
    pub qkv_bias: bool,
    /// The share of the attention that dropout sets to zero.
    pub attention_dropout: f64,
    /// The same of the output.
    pub output_dropout: f64,
    /// What the last linear layer is called.
    pub output_name: &'static str,
}

impl AttentionConfig {
    pub fn init(&self, scope: &Scope) -> Attention {
        let qkv = LinearConfig {
            bias: self.qkv_bias,
            ..LinearConfig::new(self.width, 3 * self.width)
        };
        Attention {
            qkv: qkv.init(scope.at("qkv")),
            output: LinearConfig::new(self.width, self.width).init(scope.at(self.output_name)),
            drop_weights: DropoutConfig::elements(self.attention_dropout)
                .init(scope.at("attn_drop")),
            drop_output: DropoutConfig::elements(self.output_dropout).init(scope.at("out_drop")),
            heads: self.heads,
        }
    }
}

/// Attention of every token to every token by several heads (Vaswani et al. 2017).
#[derive(Module, Debug)]
pub(super) struct Attention {
    qkv: Linear,
    output: Linear,
    drop_weights: Dropout,
    drop_output: Dropout,
    heads: usize,
}

impl Attention {
    /// `[N, tokens, width]` in and out; a bias and regions as in [`AttentionOptions`].
    pub fn forward(
        &self,
        input: Tensor<3>,
        bias: Option<Tensor<3>>,
        regions: Option<Arc<Vec<u32>>>,
    ) -> Tensor<3> {
        let options = AttentionOptions {
            heads: self.heads,
            bias,
            regions,
        };
        let mixed = attend(self.qkv.forward(input), &options, &self.drop_weights);
        let output = self.output.forward(mixed);
        self.drop_output.forward(output)
    }
}

/// Two linear layers with a GELU between.
#[derive(Module, Debug)]
pub(super) struct Perceptron {
    first: Linear,
    second: Linear,
    activation: Activation,
    drops: Vec<Dropout>,
}

impl Perceptron {
    pub fn new(width: usize, hidden: usize, dropout: f64, scope: &Scope) -> Self {
        let drop = |name| DropoutConfig::elements(dropout).init(scope.at(name));
        Self {
            first: LinearConfig::new(width, hidden).init(scope.at("linear1")),
            second: LinearConfig::new(hidden, width).init(scope.at("linear2")),
            activation: ActivationConfig::Gelu.init(scope.at("fn")),
            drops: vec![drop("drop1"), drop("drop2")],
        }
    }

    /// `[N, tokens, width]` in and out.
    pub fn forward(&self, input: Tensor<3>) -> Tensor<3> {
        let hidden = self.activation.forward(self.first.forward(input));
        let output = self.second.forward(self.drops[0].forward(hidden));
        self.drops[1].forward(output)
    }
}

/// How the convolutions around a transformer are made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around {
    pub spatial_dims: usize,
    pub norm: NormConfig,
    pub residual: bool,
}

impl Around {
    /// Two convolutions of kernel 3.
    pub fn convs(&self, [from, to]: [usize; 2], scope: &Scope) -> TwoConvs {
        let config = TwoConvsConfig {
            in_channels: from,
            out_channels: to,
            kernel: each_axis(3, self.spatial_dims),
            stride: [1; 3],
            residual: self.residual,
            norm: self.norm,
            activation: ActivationConfig::LeakyRelu { slope: 0.01 },
            dropout: 0.0,
            he_normal: false,
        };
        config.init(scope)
    }

    /// A transposed convolution that doubles.
    pub fn double(&self, [from, to]: [usize; 2], scope: &Scope) -> ConvTranspose3d {
        let config = ConvTranspose3dConfig {
            bias: false,
            ..ConvTranspose3dConfig::tiled(from, to, each_axis(2, self.spatial_dims))
        };
        config.init(scope.at("conv"))
    }

    /// A level of the decoder.
    pub fn up(&self, [from, to]: [usize; 2], scope: &Scope) -> Up {
        Up {
            double: self.double([from, to], &scope.at("transp_conv")),
            convs: self.convs([2 * to, to], &scope.at("conv_block")),
        }
    }

    /// The convolution to the output's channels.
    pub fn head(&self, from: usize, to: usize, scope: &Scope) -> Conv3d {
        Conv3dConfig::same(from, to, [1; 3]).init(scope.at("conv.conv"))
    }
}

/// Doubles, joins the skip, convolves twice.
#[derive(Module, Debug)]
pub(super) struct Up {
    double: ConvTranspose3d,
    convs: TwoConvs,
}

impl Up {
    /// `[N, from, Z, Y, X]` and a skip of twice the size to `[N, to, 2Z, 2Y, 2X]`.
    pub fn forward(&self, input: Tensor<5>, skip: Tensor<5>) -> Tensor<5> {
        self.convs
            .forward(concatenate(self.double.forward(input), skip))
    }
}
