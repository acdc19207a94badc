//! MONAI's `SegResNet`: pre-activated residual blocks, sums instead of concatenated skips.

use super::parts::{
    Enlarge, PreActivated, UpsampleMode, bad, check_common, check_no_slope, each_axis,
};
use crate::{Architecture, Result, standard_channels};
use burn::module::Module;
use serde::{Deserialize, Serialize};
use vesalius_tensor::{
    Activation, ActivationConfig, Conv3d, Conv3dConfig, Device, Dropout, DropoutConfig,
    GroupNormConfig, Norm, NormConfig, Scope, Tensor,
};

/// Configuration of a [`SegResNet`]; names and defaults are those of MONAI 1.6.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SegResNetConfig {
    /// 2 or 3.
    pub spatial_dims: usize,
    /// Channels of the top level; each level below has twice those of the one above.
    pub init_filters: usize,
    /// Channels in.
    pub in_channels: usize,
    /// Channels out.
    pub out_channels: usize,
    /// The share of numbers that dropout sets to zero after the first convolution.
    pub dropout_prob: f64,
    /// The activation after each norm.
    pub activation: ActivationConfig,
    /// The norm before each convolution.
    pub norm: NormConfig,
    /// Residual blocks of each level of the encoder, top first.
    pub blocks_down: Vec<usize>,
    /// Residual blocks of each level of the decoder, lowest resolution first.
    pub blocks_up: Vec<usize>,
    /// How the decoder enlarges.
    pub upsample_mode: UpsampleMode,
}

impl Default for SegResNetConfig {
    fn default() -> Self {
        Self {
            spatial_dims: 3,
            init_filters: 8,
            in_channels: 1,
            out_channels: 2,
            dropout_prob: 0.0,
            activation: ActivationConfig::Relu,
            norm: NormConfig::Group(GroupNormConfig::default()),
            blocks_down: vec![1, 2, 2, 4],
            blocks_up: vec![1, 1, 1],
            upsample_mode: UpsampleMode::Nontrainable,
        }
    }
}

impl Architecture for SegResNetConfig {
    fn name(&self) -> &'static str {
        "segresnet"
    }

    fn check(&self) -> Result<()> {
        let name = self.name();
        let channels = [self.init_filters, self.in_channels, self.out_channels];
        check_common(
            name,
            self.spatial_dims,
            &channels,
            self.activation,
            self.dropout_prob,
        )?;
        check_no_slope(name, self.activation)?;
        let levels = self.blocks_down.len();
        if !(2..=16).contains(&levels) || self.blocks_up.len() + 1 != levels {
            return bad(
                name,
                format!(
                    "`blocks_down` needs 2 to 16 levels and `blocks_up` one fewer, not {levels} and {}",
                    self.blocks_up.len()
                ),
            );
        }
        for level in 0..levels {
            self.norm.check(self.init_filters << level)?;
        }
        Ok(())
    }

    standard_channels!();

    fn divisor(&self) -> [usize; 3] {
        each_axis(1 << (self.blocks_down.len() - 1), self.spatial_dims)
    }
}

impl SegResNetConfig {
    /// The network with first weights of seed 0.
    ///
    /// # Errors
    /// As [`Architecture::check`].
    pub fn init(&self, device: &Device) -> Result<SegResNet> {
        self.check()?;
        Ok(self.build(&Scope::new(device, 0).with_spatial_dims(self.spatial_dims)))
    }

    pub(crate) fn build(&self, scope: &Scope) -> SegResNet {
        let conv = |from, to, kernel, stride, bias, place: Scope| {
            let config = Conv3dConfig {
                stride: each_axis(stride, self.spatial_dims),
                bias,
                ..Conv3dConfig::same(from, to, each_axis(kernel, self.spatial_dims))
            };
            config.init(place.at("conv"))
        };
        let blocks = |count: usize, channels: usize, first: usize, place: &Scope| {
            (0..count)
                .map(|b| {
                    let kernel = each_axis(3, self.spatial_dims);
                    let place = place.at(first + b);
                    PreActivated::new(
                        channels,
                        kernel,
                        self.norm,
                        self.activation,
                        ".conv",
                        &place,
                    )
                })
                .collect()
        };
        let filters = self.init_filters;
        let down = self.blocks_down.iter().enumerate().map(|(i, &count)| {
            let place = scope.at("down_layers").at(i);
            let channels = filters << i;
            Down {
                shrink: (i > 0).then(|| conv(channels / 2, channels, 3, 2, false, place.at(0))),
                blocks: blocks(count, channels, 1, &place),
            }
        });
        let levels = self.blocks_up.len();
        let factor = each_axis(2, self.spatial_dims);
        let up = self.blocks_up.iter().enumerate().map(|(i, &count)| {
            let channels = filters << (levels - 1 - i);
            let place = scope.at("up_samples").at(i);
            Up {
                reduce: conv(2 * channels, channels, 1, 1, false, place.at(0)),
                enlarge: Enlarge::new(
                    self.upsample_mode,
                    [channels; 2],
                    factor,
                    factor,
                    true,
                    false,
                    &place.at(1),
                ),
                blocks: blocks(count, channels, 0, &scope.at("up_layers").at(i)),
            }
        });
        SegResNet {
            first: conv(self.in_channels, filters, 3, 1, false, scope.at("convInit")),
            dropout: DropoutConfig::elements(self.dropout_prob).init(scope.at("dropout")),
            down: down.collect(),
            up: up.collect(),
            norm: self.norm.init(filters, scope.at("conv_final.0")),
            activation: self.activation.init(scope.at("act_mod")),
            last: conv(
                filters,
                self.out_channels,
                1,
                1,
                true,
                scope.at("conv_final.2"),
            ),
        }
    }
}

/// The encoder and decoder of Myronenko 2018, without its autoencoder branch, as MONAI 1.6 builds it.
#[derive(Module, Debug)]
pub struct SegResNet {
    first: Conv3d,
    dropout: Dropout,
    down: Vec<Down>,
    up: Vec<Up>,
    norm: Norm,
    activation: Activation,
    last: Conv3d,
}

#[derive(Module, Debug)]
struct Down {
    shrink: Option<Conv3d>,
    blocks: Vec<PreActivated>,
}

#[derive(Module, Debug)]
struct Up {
    reduce: Conv3d,
    enlarge: Enlarge,
    blocks: Vec<PreActivated>,
}

impl SegResNet {
    /// # Shapes
    /// - input `[N, in_channels, Z, Y, X]`, each axis divisible by 2 to the power of levels - 1
    /// - output `[N, out_channels, Z, Y, X]`
    pub fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        let run = |blocks: &[PreActivated], x| blocks.iter().fold(x, |x, block| block.forward(x));
        let mut x = self.dropout.forward(self.first.forward(input));
        let mut skips = Vec::with_capacity(self.down.len());
        for down in &self.down {
            if let Some(shrink) = &down.shrink {
                x = shrink.forward(x);
            }
            x = run(&down.blocks, x);
            skips.push(x.clone());
        }
        skips.pop();
        for up in &self.up {
            x = up.enlarge.forward(up.reduce.forward(x));
            if let Some(skip) = skips.pop() {
                x = x + skip;
            }
            x = run(&up.blocks, x);
        }
        self.last
            .forward(self.norm.forward_then(x, &self.activation))
    }
}
