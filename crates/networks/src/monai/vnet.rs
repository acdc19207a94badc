//! MONAI's `VNet`: kernels of five, sums around every stage.

use super::parts::{bad, check_common, each_axis};
use crate::{Architecture, Result, standard_channels};
use burn::module::Module;
use serde::{Deserialize, Serialize};
use vesalius_tensor::{
    Activation, ActivationConfig, BatchNormConfig, BlockNames, Conv3d, Conv3dConfig, ConvNormAct,
    ConvNormActConfig, ConvTranspose3dConfig, Device, Dropout, DropoutConfig, NormConfig, Scope,
    Tensor, concatenate,
};

/// Configuration of a [`VNet`]; names and defaults are those of MONAI 1.6.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VNetConfig {
    /// 2 or 3.
    pub spatial_dims: usize,
    /// Channels in; they divide 16.
    pub in_channels: usize,
    /// Channels out.
    pub out_channels: usize,
    /// The activation after each norm; a PReLU has a slope for each channel.
    pub activation: ActivationConfig,
    /// The share of channels that dropout sets to zero in the two lowest stages on the way down.
    pub dropout_prob_down: f64,
    /// The same in the two lowest stages on the way up, and in their skips.
    pub dropout_prob_up: [f64; 2],
    /// Whether convolutions on the way down have a bias.
    pub bias: bool,
}

impl Default for VNetConfig {
    fn default() -> Self {
        Self {
            spatial_dims: 3,
            in_channels: 1,
            out_channels: 1,
            activation: ActivationConfig::Elu { alpha: 1.0 },
            dropout_prob_down: 0.5,
            dropout_prob_up: [0.5, 0.5],
            bias: false,
        }
    }
}

impl Architecture for VNetConfig {
    fn name(&self) -> &'static str {
        "vnet"
    }

    fn check(&self) -> Result<()> {
        let name = self.name();
        let channels = [self.in_channels, self.out_channels];
        check_common(
            name,
            self.spatial_dims,
            &channels,
            self.activation,
            self.dropout_prob_down,
        )?;
        for probability in self.dropout_prob_up {
            DropoutConfig::elements(probability).check()?;
        }
        if !16usize.is_multiple_of(self.in_channels) {
            return bad(
                name,
                format!(
                    "`in_channels` must divide 16, which {} does not",
                    self.in_channels
                ),
            );
        }
        Ok(())
    }

    standard_channels!();

    fn divisor(&self) -> [usize; 3] {
        each_axis(16, self.spatial_dims)
    }
}

impl VNetConfig {
    /// The network with first weights of seed 0.
    ///
    /// # Errors
    /// As [`Architecture::check`].
    pub fn init(&self, device: &Device) -> Result<VNet> {
        self.check()?;
        Ok(self.build(&Scope::new(device, 0).with_spatial_dims(self.spatial_dims)))
    }

    pub(crate) fn build(&self, scope: &Scope) -> VNet {
        let (down, [up, skip]) = (self.dropout_prob_down, self.dropout_prob_up);
        VNet {
            repeats: 16 / self.in_channels,
            first: self.conv5(
                [self.in_channels, 16],
                self.bias,
                &scope.at("in_tr.conv_block"),
            ),
            first_activation: self.activation(16, &scope.at("in_tr.act_function")),
            down: vec![
                self.down(16, 1, 0.0, &scope.at("down_tr32")),
                self.down(32, 2, 0.0, &scope.at("down_tr64")),
                self.down(64, 3, down, &scope.at("down_tr128")),
                self.down(128, 2, down, &scope.at("down_tr256")),
            ],
            up: vec![
                self.up([256, 256], 2, [up, skip], &scope.at("up_tr256")),
                self.up([256, 128], 2, [up, skip], &scope.at("up_tr128")),
                self.up([128, 64], 1, [0.0, 0.5], &scope.at("up_tr64")),
                self.up([64, 32], 1, [0.0, 0.5], &scope.at("up_tr32")),
            ],
            last: self.conv5(
                [32, self.out_channels],
                self.bias,
                &scope.at("out_tr.conv_block"),
            ),
            last_activation: self.activation(self.out_channels, &scope.at("out_tr.act_function1")),
            output: Conv3dConfig::same(self.out_channels, self.out_channels, [1; 3])
                .init(scope.at("out_tr.conv2")),
        }
    }

    fn activation(&self, channels: usize, scope: &Scope) -> Activation {
        self.activation.init_with_slopes(channels, scope)
    }

    /// A convolution of five along each axis, with batch norm.
    fn conv5(&self, [from, to]: [usize; 2], bias: bool, scope: &Scope) -> ConvNormAct {
        let conv = Conv3dConfig {
            bias,
            ..Conv3dConfig::same(from, to, each_axis(5, self.spatial_dims))
        };
        batch_norm().init(&conv, BlockNames::MONAI, scope)
    }

    fn convs(&self, channels: usize, count: usize, bias: bool, scope: &Scope) -> Vec<LuConv> {
        (0..count)
            .map(|i| {
                let place = scope.at("ops").at(i);
                LuConv {
                    conv: self.conv5([channels; 2], bias, &place.at("conv_block")),
                    activation: self.activation(channels, &place.at("act_function")),
                }
            })
            .collect()
    }

    fn down(&self, from: usize, count: usize, dropout: f64, scope: &Scope) -> Stage {
        let to = 2 * from;
        let two = each_axis(2, self.spatial_dims);
        let conv = Conv3dConfig {
            stride: two,
            padding: [0; 3],
            bias: self.bias,
            ..Conv3dConfig::same(from, to, two)
        };
        Stage {
            change: batch_norm().init(&conv, names("down_conv"), scope),
            change_activation: self.activation(to, &scope.at("act_function1")),
            before: dropped(0.0, &scope.at("dropout_none")),
            inside: dropped(dropout, &scope.at("dropout")),
            convs: self.convs(to, count, self.bias, scope),
            activation: self.activation(to, &scope.at("act_function2")),
        }
    }

    fn up(&self, [from, to]: [usize; 2], count: usize, dropout: [f64; 2], scope: &Scope) -> Stage {
        let two = each_axis(2, self.spatial_dims);
        let conv = ConvTranspose3dConfig::tiled(from, to / 2, two);
        Stage {
            change: batch_norm().init_transposed(&conv, names("up_conv"), scope),
            change_activation: self.activation(to / 2, &scope.at("act_function1")),
            before: dropped(dropout[0], &scope.at("dropout")),
            inside: dropped(dropout[1], &scope.at("dropout2")),
            convs: self.convs(to, count, false, scope),
            activation: self.activation(to, &scope.at("act_function2")),
        }
    }
}

fn batch_norm() -> ConvNormActConfig {
    ConvNormActConfig {
        norm: Some(NormConfig::Batch(BatchNormConfig::default())),
        ..ConvNormActConfig::default()
    }
}

fn names(conv: &'static str) -> BlockNames {
    BlockNames {
        conv,
        norm: "bn1",
        activation: "act_function1",
    }
}

/// Whole channels are dropped.
fn dropped(probability: f64, scope: &Scope) -> Dropout {
    let config = DropoutConfig {
        probability,
        channels: true,
    };
    config.init(scope)
}

/// The V-Net of Milletari et al. 2016, as MONAI 1.6 builds it.
#[derive(Module, Debug)]
pub struct VNet {
    repeats: usize,
    first: ConvNormAct,
    first_activation: Activation,
    down: Vec<Stage>,
    up: Vec<Stage>,
    last: ConvNormAct,
    last_activation: Activation,
    output: Conv3d,
}

/// A change of size, convolutions, and the sum of both.
#[derive(Module, Debug)]
struct Stage {
    change: ConvNormAct,
    change_activation: Activation,
    before: Dropout,
    inside: Dropout,
    convs: Vec<LuConv>,
    activation: Activation,
}

#[derive(Module, Debug)]
struct LuConv {
    conv: ConvNormAct,
    activation: Activation,
}

impl Stage {
    fn change(&self, input: Tensor<5>) -> Tensor<5> {
        let output = self.change.forward(self.before.forward(input));
        self.change_activation.forward(output)
    }

    fn run(&self, input: Tensor<5>, shortcut: Tensor<5>) -> Tensor<5> {
        let convs = self.convs.iter();
        let output = convs.fold(input, |x, conv| {
            conv.activation.forward(conv.conv.forward(x))
        });
        self.activation.forward(output + shortcut)
    }
}

impl VNet {
    /// # Shapes
    /// - input `[N, in_channels, Z, Y, X]`, each axis divisible by 16
    /// - output `[N, out_channels, Z, Y, X]`
    pub fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        let repeated = input.clone().repeat_dim(1, self.repeats);
        let mut x = self
            .first_activation
            .forward(self.first.forward(input) + repeated);
        let mut skips = Vec::with_capacity(self.down.len());
        for stage in &self.down {
            skips.push(x.clone());
            let smaller = stage.change(x);
            x = stage.run(stage.inside.forward(smaller.clone()), smaller);
        }
        for stage in &self.up {
            x = stage.change(x);
            // Every stage pushed its skip on the way down.
            if let Some(skip) = skips.pop() {
                x = concatenate(x, stage.inside.forward(skip));
            }
            x = stage.run(x.clone(), x);
        }
        self.output
            .forward(self.last_activation.forward(self.last.forward(x)))
    }
}
