//! Convolution, norm, dropout, activation: the brick that every U-Net is built of.

use crate::cpu::{self, FusedFollow, FusedShape};
use crate::ops;
use crate::{
    Activation, ActivationConfig, Conv3d, Conv3dConfig, ConvTranspose3d, ConvTranspose3dConfig,
    Dropout, DropoutConfig, Norm, NormConfig, Scope, Tensor,
};
use burn::module::Module;

/// Configuration of a [`ConvNormAct`]: what follows the convolution, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ConvNormActConfig {
    /// The norm, if any.
    pub norm: Option<NormConfig>,
    /// The dropout, if any.
    pub dropout: Option<DropoutConfig>,
    /// The activation, if any.
    pub activation: Option<ActivationConfig>,
    /// Whether dropout comes before the norm (nnU-Net) and not after it (MONAI).
    pub dropout_first: bool,
}

/// What the parts of a block are called in a state dict, below the block's own name.
#[derive(Debug, Clone, Copy)]
pub struct BlockNames {
    /// The convolution.
    pub conv: &'static str,
    /// The norm.
    pub norm: &'static str,
    /// The activation.
    pub activation: &'static str,
}

impl BlockNames {
    /// MONAI's `Convolution`.
    pub const MONAI: Self = Self {
        conv: "conv",
        norm: "adn.N",
        activation: "adn.A",
    };
    /// nnU-Net's `ConvDropoutNormReLU`.
    pub const NNUNET: Self = Self {
        conv: "conv",
        norm: "norm",
        activation: "nonlin",
    };
}

impl ConvNormActConfig {
    /// A block around a convolution, its parts named by `names`.
    pub fn init(
        &self,
        conv: &Conv3dConfig,
        names: BlockNames,
        scope: impl Into<Scope>,
    ) -> ConvNormAct {
        let scope = scope.into();
        let layer = Convolution::Plain(conv.init(scope.at(names.conv)));
        self.around(layer, conv.out_channels, names, &scope)
    }

    /// A block around a transposed convolution, its parts named by `names`.
    pub fn init_transposed(
        &self,
        conv: &ConvTranspose3dConfig,
        names: BlockNames,
        scope: impl Into<Scope>,
    ) -> ConvNormAct {
        let scope = scope.into();
        let layer = Convolution::Transposed(conv.init(scope.at(names.conv)));
        self.around(layer, conv.out_channels, names, &scope)
    }

    fn around(
        &self,
        conv: Convolution,
        channels: usize,
        names: BlockNames,
        scope: &Scope,
    ) -> ConvNormAct {
        ConvNormAct {
            conv,
            norm: self
                .norm
                .map(|norm| norm.init(channels, scope.at(names.norm))),
            dropout: self
                .dropout
                .map(|dropout| dropout.init(scope.at("dropout"))),
            activation: self
                .activation
                .map(|activation| activation.init(scope.at(names.activation))),
            dropout_first: self.dropout_first,
        }
    }
}

/// A convolution of either direction.
#[derive(Module, Debug)]
pub enum Convolution {
    /// One that keeps or shrinks.
    Plain(Conv3d),
    /// One that enlarges.
    Transposed(ConvTranspose3d),
}

impl Convolution {
    /// As [`Conv3d::forward`] or [`ConvTranspose3d::forward`].
    pub fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        match self {
            Self::Plain(conv) => conv.forward(input),
            Self::Transposed(conv) => conv.forward(input),
        }
    }

    fn is_examined(&self) -> bool {
        match self {
            Self::Plain(conv) => conv.is_examined(),
            Self::Transposed(conv) => conv.is_examined(),
        }
    }
}

/// Convolution, then norm, dropout and activation as far as it has them.
#[derive(Module, Debug)]
pub struct ConvNormAct {
    /// The convolution.
    pub conv: Convolution,
    /// The norm.
    pub norm: Option<Norm>,
    /// The dropout.
    pub dropout: Option<Dropout>,
    /// The activation.
    pub activation: Option<Activation>,
    dropout_first: bool,
}

impl ConvNormAct {
    /// As [`Convolution::forward`]. Norm and activation are one pass over memory where no dropout
    /// stands between them.
    pub fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        if let Some(output) = self.fused(&input) {
            return output;
        }
        let mut output = self.conv.forward(input);
        let drops = |dropout: &&Dropout| dropout.drops(&output);
        let mut dropout = self.dropout.as_ref().filter(drops);
        if let (true, Some(first)) = (self.dropout_first, dropout) {
            output = first.forward(output);
            dropout = None;
        }
        let fused = match (&self.activation, dropout) {
            (Some(activation), None) => activation.simple(),
            _ => None,
        };
        match (&self.norm, fused) {
            (Some(Norm::Instance(norm)), Some(activated)) => norm.activated(output, activated),
            (Some(Norm::Group(norm)), Some(activated)) => norm.activated(output, activated),
            _ => self.step_by_step(output, dropout),
        }
    }

    /// All of it in one, for inference on the CPU; `None` where that does not apply.
    fn fused(&self, input: &Tensor<5>) -> Option<Tensor<5>> {
        // Layers that are examined are run one by one.
        if input.device().is_autodiff() || self.conv.is_examined() || !cpu::fits(input) {
            return None;
        }
        let norm = match &self.norm {
            None => None,
            Some(Norm::Instance(norm)) => Some((norm.epsilon, norm.affine())),
            Some(_) => return None,
        };
        let activation = match &self.activation {
            None => None,
            Some(activation) => activation.simple().map(|a| Some((a.kind, a.slopes)))?,
        };
        let (weight, bias, shape) = match &self.conv {
            Convolution::Plain(conv) => {
                let weight = conv.weight.val();
                let shape = ops::convolution_shape(input, &weight, conv.options());
                (weight, &conv.bias, FusedShape::Plain(shape))
            }
            // The norm after a transposed convolution takes a pass of its own.
            Convolution::Transposed(_) if norm.is_some() => return None,
            Convolution::Transposed(conv) => {
                let weight = conv.weight.val();
                let shape = ops::transposed_shape(input, &weight, conv.options());
                (weight, &conv.bias, FusedShape::Transposed(shape))
            }
        };
        let bias = bias.as_ref().map(|bias| bias.val());
        let follow = FusedFollow { norm, activation };
        cpu::fused(input.clone(), weight, bias, shape, follow)
    }

    fn step_by_step(&self, input: Tensor<5>, dropout: Option<&Dropout>) -> Tensor<5> {
        let mut output = match &self.norm {
            Some(norm) => norm.forward(input),
            None => input,
        };
        if let Some(dropout) = dropout {
            output = dropout.forward(output);
        }
        match &self.activation {
            Some(activation) => activation.forward(output),
            None => output,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Device, Fill, NormConfig};

    #[test]
    fn inference_in_one_agrees_with_training_step_by_step() {
        let activations = [
            None,
            Some(ActivationConfig::Relu),
            Some(ActivationConfig::LeakyRelu { slope: 0.1 }),
            Some(ActivationConfig::default()),
            Some(ActivationConfig::Gelu),
        ];
        let norms = [
            None,
            Some(NormConfig::default()),
            Some(NormConfig::instance_affine()),
        ];
        let training = Device::flex().autodiff();
        let scope = Scope::new(&training, 3);
        let shape = [2, 3, 4, 6, 5];
        let input = scope.parameter("x", shape, Fill::Normal(1.0)).val();
        for (norm, activation) in norms
            .into_iter()
            .flat_map(|norm| activations.map(|activation| (norm, activation)))
        {
            let follow = ConvNormActConfig {
                norm,
                dropout: Some(DropoutConfig::elements(0.0)),
                activation,
                dropout_first: false,
            };
            let plain = Conv3dConfig::same(3, 4, [3, 3, 1]);
            let larger = ConvTranspose3dConfig::same(3, 4, [3; 3], [2; 3]);
            for block in [
                follow.init(&plain, BlockNames::MONAI, &scope),
                follow.init_transposed(&larger, BlockNames::MONAI, &scope),
            ] {
                let trained = block.forward(input.clone()).inner();
                let inferred = block.valid().forward(input.clone().inner());
                let gap: f32 = (trained - inferred).abs().max().into_scalar();
                assert!(gap < 1e-5, "{norm:?} {activation:?}: {gap}");
            }
        }
    }
}
