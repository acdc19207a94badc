//! MONAI's residual unit: convolution blocks and a shortcut around them.

use burn::module::Module;
use vesalius_tensor::{
    BlockNames, Conv3d, Conv3dConfig, ConvNormAct, ConvNormActConfig, Scope, Tensor,
};

/// What a [`ResidualUnit`] is built of; every array is `[x, y, z]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResidualUnitConfig {
    pub in_channels: usize,
    pub out_channels: usize,
    pub kernel: [usize; 3],
    pub stride: [usize; 3],
    pub subunits: usize,
    pub bias: bool,
    pub last_conv_only: bool,
    pub follow: ConvNormActConfig,
}

impl ResidualUnitConfig {
    pub fn init(&self, scope: &Scope) -> ResidualUnit {
        let subunits = self.subunits.max(1);
        let units = (0..subunits)
            .map(|i| {
                let conv = Conv3dConfig {
                    stride: if i == 0 { self.stride } else { [1; 3] },
                    bias: self.bias,
                    ..Conv3dConfig::same(
                        if i == 0 {
                            self.in_channels
                        } else {
                            self.out_channels
                        },
                        self.out_channels,
                        self.kernel,
                    )
                };
                let follow = if self.last_conv_only && i + 1 == subunits {
                    ConvNormActConfig::default()
                } else {
                    self.follow
                };
                follow.init(&conv, BlockNames::MONAI, scope.at(format!("conv.unit{i}")))
            })
            .collect();
        ResidualUnit {
            units,
            shortcut: self.shortcut().map(|conv| conv.init(scope.at("residual"))),
        }
    }

    /// The shortcut's convolution where shape changes: as large as the others where it strides.
    fn shortcut(&self) -> Option<Conv3dConfig> {
        let strided = self.stride != [1; 3];
        if !strided && self.in_channels == self.out_channels {
            return None;
        }
        let kernel = if strided { self.kernel } else { [1; 3] };
        Some(Conv3dConfig {
            stride: self.stride,
            bias: self.bias,
            ..Conv3dConfig::same(self.in_channels, self.out_channels, kernel)
        })
    }
}

/// Blocks one after another, added to a shortcut around all of them (MONAI 1.6's `ResidualUnit`).
#[derive(Module, Debug)]
pub struct ResidualUnit {
    units: Vec<ConvNormAct>,
    shortcut: Option<Conv3d>,
}

impl ResidualUnit {
    /// `[N, in, Z, Y, X]` to `[N, out, Z', Y', X']`, smaller by the stride.
    pub fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        let shortcut = match &self.shortcut {
            Some(conv) => conv.forward(input.clone()),
            None => input.clone(),
        };
        let output = self
            .units
            .iter()
            .fold(input, |output, unit| unit.forward(output));
        output + shortcut
    }
}
