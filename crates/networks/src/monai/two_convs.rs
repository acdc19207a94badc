//! Two convolutions with norms, plain or with a residual, as `DynUNet` and the transformers' decoders
//! have them (MONAI's `UnetBasicBlock` and `UnetResBlock`).

use burn::module::Module;
use vesalius_tensor::{
    Activation, ActivationConfig, BlockNames, Conv3dConfig, ConvNormAct, ConvNormActConfig,
    DropoutConfig, Fill, NormConfig, Scope, Tensor,
};

/// What a block is made of; vectors are `[x, y, z]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct TwoConvsConfig {
    pub in_channels: usize,
    pub out_channels: usize,
    pub kernel: [usize; 3],
    pub stride: [usize; 3],
    pub residual: bool,
    pub norm: NormConfig,
    pub activation: ActivationConfig,
    pub dropout: f64,
    /// Whether first weights are He's and not PyTorch's default.
    pub he_normal: bool,
}

impl TwoConvsConfig {
    pub fn init(&self, scope: &Scope) -> TwoConvs {
        let conv = |from, kernel: [usize; 3], stride: [usize; 3], names, activation| {
            let config = Conv3dConfig {
                in_channels: from,
                out_channels: self.out_channels,
                kernel,
                stride,
                padding: std::array::from_fn(|a| (kernel[a] + 1 - stride[a]) / 2),
                bias: false,
                ..Conv3dConfig::default()
            };
            let config = match self.he_normal {
                true => he_normal(config),
                false => config,
            };
            let follow = ConvNormActConfig {
                norm: Some(self.norm),
                dropout: Some(DropoutConfig::elements(self.dropout)),
                activation,
                dropout_first: true,
            };
            follow.init(&config, names, scope)
        };
        let (from, to) = (self.in_channels, self.out_channels);
        let activation = Some(self.activation);
        let last = if self.residual { None } else { activation };
        let shortcut = self.residual && (from != to || self.stride != [1; 3]);
        TwoConvs {
            first: conv(from, self.kernel, self.stride, NAMES[0], activation),
            second: conv(to, self.kernel, [1; 3], NAMES[1], last),
            shortcut: shortcut.then(|| conv(from, [1; 3], self.stride, NAMES[2], None)),
            residual: self
                .residual
                .then(|| self.activation.init(scope.at("lrelu"))),
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

/// The convolution with He's first weights for a leaky ReLU of slope 0.01.
pub(super) fn he_normal(conv: Conv3dConfig) -> Conv3dConfig {
    let fan_in = conv.in_channels * conv.kernel.iter().product::<usize>();
    Conv3dConfig {
        weight_fill: Some(Fill::he_normal(fan_in, 0.01)),
        bias_fill: Some(Fill::Constant(0.0)),
        ..conv
    }
}

/// Convolution, norm, activation, twice; with a residual, the last activation follows the sum.
#[derive(Module, Debug)]
pub(super) struct TwoConvs {
    first: ConvNormAct,
    second: ConvNormAct,
    shortcut: Option<ConvNormAct>,
    /// The activation after the sum, of a residual block.
    residual: Option<Activation>,
}

impl TwoConvs {
    /// `[N, in, Z, Y, X]` to `[N, out, Z', Y', X']`, smaller by the stride.
    pub fn forward(&self, input: Tensor<5>) -> Tensor<5> {
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
