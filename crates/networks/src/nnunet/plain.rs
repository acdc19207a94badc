//! nnU-Net's plain U-Net, the network of its default plans.

use super::decoder::Decoder;
use super::stages::{Given, PerStage, Stages, run};
use crate::{Architecture, Result};
use burn::module::Module;
use serde::{Deserialize, Serialize};
use vesalius_tensor::axes::PerAxis;
use vesalius_tensor::{ActivationConfig, ConvNormAct, Device, NormConfig, Scope, Tensor};

/// Configuration of a [`PlainConvUNet`]; names are nnU-Net's, vectors are `[x, y, z]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlainConvUNetConfig {
    /// 2 or 3.
    pub spatial_dims: usize,
    /// Channels in.
    pub input_channels: usize,
    /// Channels out.
    pub num_classes: usize,
    /// Channels of each stage, top first.
    pub features_per_stage: Vec<usize>,
    /// Size of the kernels in each stage; odd.
    pub kernel_sizes: PerStage<PerAxis>,
    /// Stride into each stage; the first is usually 1.
    pub strides: PerStage<PerAxis>,
    /// Convolutions in each stage of the encoder.
    pub n_conv_per_stage: PerStage<usize>,
    /// Convolutions in each stage of the decoder, lowest resolution first; one stage fewer.
    pub n_conv_per_stage_decoder: PerStage<usize>,
    /// Whether convolutions have a bias.
    pub conv_bias: bool,
    /// The norm after each convolution, if any.
    pub norm: Option<NormConfig>,
    /// The activation after each norm.
    pub activation: ActivationConfig,
    /// The share of numbers that dropout sets to zero between convolution and norm.
    pub dropout: f64,
    /// Whether training returns an output for every stage of the decoder.
    pub deep_supervision: bool,
}

impl Default for PlainConvUNetConfig {
    fn default() -> Self {
        Self {
            spatial_dims: 3,
            input_channels: 1,
            num_classes: 2,
            features_per_stage: vec![32, 64, 128, 256, 320, 320],
            kernel_sizes: PerStage::Same(PerAxis::Same(3)),
            strides: PerStage::Each([1, 2, 2, 2, 2, 2].map(PerAxis::Same).to_vec()),
            n_conv_per_stage: PerStage::Same(2),
            n_conv_per_stage_decoder: PerStage::Same(2),
            conv_bias: true,
            norm: Some(NormConfig::instance_affine()),
            activation: ActivationConfig::LeakyRelu { slope: 0.01 },
            dropout: 0.0,
            deep_supervision: false,
        }
    }
}

impl PlainConvUNetConfig {
    pub(crate) fn stages(&self) -> Result<Stages> {
        Given {
            network: self.name(),
            spatial_dims: self.spatial_dims,
            channels: [self.input_channels, self.num_classes],
            features: &self.features_per_stage,
            kernels: &self.kernel_sizes,
            strides: &self.strides,
            encoder: ("n_conv_per_stage", &self.n_conv_per_stage),
            decoder: &self.n_conv_per_stage_decoder,
            bias: self.conv_bias,
            norm: self.norm,
            activation: self.activation,
            dropout: self.dropout,
        }
        .check()
    }

    /// The network with first weights of seed 0.
    ///
    /// # Errors
    /// As [`Architecture::check`].
    pub fn init(&self, device: &Device) -> Result<PlainConvUNet> {
        self.build(&Scope::new(device, 0).with_spatial_dims(self.spatial_dims))
    }

    pub(crate) fn build(&self, scope: &Scope) -> Result<PlainConvUNet> {
        let stages = self.stages()?;
        let mut from = self.input_channels;
        let mut encoder = Vec::new();
        for (s, &to) in stages.features.iter().enumerate() {
            encoder.push(stages.stack(
                stages.encoder[s],
                [from, to],
                stages.kernels[s],
                stages.strides[s],
                &scope.at("encoder.stages").at(s).at(0),
            ));
            from = to;
        }
        Ok(PlainConvUNet {
            encoder,
            decoder: Decoder::new(&stages, self.num_classes, scope),
            deep_supervision: self.deep_supervision,
        })
    }
}

impl Architecture for PlainConvUNetConfig {
    fn name(&self) -> &'static str {
        "plain_conv_unet"
    }

    fn check(&self) -> Result<()> {
        self.stages().map(drop)
    }

    fn spatial_dims(&self) -> usize {
        self.spatial_dims
    }

    fn in_channels(&self) -> usize {
        self.input_channels
    }

    fn out_channels(&self) -> usize {
        self.num_classes
    }

    fn set_channels(&mut self, in_channels: usize, out_channels: usize) {
        (self.input_channels, self.num_classes) = (in_channels, out_channels);
    }

    fn divisor(&self) -> [usize; 3] {
        self.stages().map_or([1; 3], |stages| stages.divisor())
    }

    fn heads(&self) -> usize {
        match self.deep_supervision {
            true => self.features_per_stage.len() - 1,
            false => 1,
        }
    }

    fn is_alias(&self, name: &str) -> bool {
        super::is_alias(name)
    }

    fn aliases(&self, name: &str) -> Vec<String> {
        super::aliases(name, self.dropout > 0.0)
    }
}

/// nnU-Net's plain U-Net (Isensee et al. 2021).
#[derive(Module, Debug)]
pub struct PlainConvUNet {
    encoder: Vec<Vec<ConvNormAct>>,
    decoder: Decoder,
    deep_supervision: bool,
}

impl PlainConvUNet {
    /// # Shapes
    /// - input `[N, input_channels, Z, Y, X]`, each axis divisible by the product of its strides
    /// - outputs `[N, num_classes, Z, Y, X]`, full resolution first; the lower ones only with deep
    ///   supervision and where the input records gradients
    pub fn forward(&self, input: Tensor<5>) -> Vec<Tensor<5>> {
        let all = self.deep_supervision && input.device().is_autodiff();
        let mut skips: Vec<Tensor<5>> = Vec::with_capacity(self.encoder.len());
        for stage in &self.encoder {
            let input = skips.last().unwrap_or(&input).clone();
            skips.push(run(stage, input));
        }
        self.decoder.forward(skips, all)
    }
}
