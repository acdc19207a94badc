//! nnU-Net's U-Net with a residual encoder, the network of its newer plans.

use super::decoder::Decoder;
use super::stages::{Given, PerStage, Stages, he_normal, run};
use crate::{Architecture, Result};
use burn::module::Module;
use serde::{Deserialize, Serialize};
use vesalius_tensor::axes::PerAxis;
use vesalius_tensor::{
    Activation, ActivationConfig, AvgPool3d, BlockNames, Conv3dConfig, ConvNormAct,
    ConvNormActConfig, Device, NormConfig, Scope, Tensor,
};

/// Configuration of a [`ResidualEncoderUNet`]; names are nnU-Net's, vectors are `[x, y, z]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResidualEncoderUNetConfig {
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
    /// Residual blocks in each stage of the encoder.
    pub n_blocks_per_stage: PerStage<usize>,
    /// Convolutions in each stage of the decoder, lowest resolution first; one stage fewer.
    pub n_conv_per_stage_decoder: PerStage<usize>,
    /// Channels of the stem; `None` for those of the first stage.
    pub stem_channels: Option<usize>,
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

impl Default for ResidualEncoderUNetConfig {
    fn default() -> Self {
        Self {
            spatial_dims: 3,
            input_channels: 1,
            num_classes: 2,
            features_per_stage: vec![32, 64, 128, 256, 320, 320],
            kernel_sizes: PerStage::Same(PerAxis::Same(3)),
            strides: PerStage::Each([1, 2, 2, 2, 2, 2].map(PerAxis::Same).to_vec()),
            n_blocks_per_stage: PerStage::Each(vec![1, 3, 4, 6, 6, 6]),
            n_conv_per_stage_decoder: PerStage::Same(1),
            stem_channels: None,
            conv_bias: true,
            norm: Some(NormConfig::instance_affine()),
            activation: ActivationConfig::LeakyRelu { slope: 0.01 },
            dropout: 0.0,
            deep_supervision: false,
        }
    }
}

impl ResidualEncoderUNetConfig {
    pub(crate) fn stages(&self) -> Result<Stages> {
        Given {
            network: self.name(),
            spatial_dims: self.spatial_dims,
            channels: [
                self.input_channels.min(self.stem_channels.unwrap_or(1)),
                self.num_classes,
            ],
            features: &self.features_per_stage,
            kernels: &self.kernel_sizes,
            strides: &self.strides,
            encoder: ("n_blocks_per_stage", &self.n_blocks_per_stage),
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
    pub fn init(&self, device: &Device) -> Result<ResidualEncoderUNet> {
        self.build(&Scope::new(device, 0).with_spatial_dims(self.spatial_dims))
    }

    pub(crate) fn build(&self, scope: &Scope) -> Result<ResidualEncoderUNet> {
        let stages = self.stages()?;
        let place = scope.at("encoder");
        let stem_channels = self.stem_channels.unwrap_or(stages.features[0]);
        let stem = stages.stack(
            1,
            [self.input_channels, stem_channels],
            stages.kernels[0],
            [1; 3],
            &place.at("stem"),
        );
        let mut from = stem_channels;
        let mut encoder = Vec::new();
        for (s, &to) in stages.features.iter().enumerate() {
            let blocks = (0..stages.encoder[s]).map(|b| {
                let (from, stride) = match b {
                    0 => (from, stages.strides[s]),
                    _ => (to, [1; 3]),
                };
                let place = place.at("stages").at(s).at("blocks").at(b);
                ResidualBlock::new(&stages, [from, to], stages.kernels[s], stride, &place)
            });
            encoder.push(blocks.collect());
            from = to;
        }
        Ok(ResidualEncoderUNet {
            stem,
            encoder,
            decoder: Decoder::new(&stages, self.num_classes, scope),
            deep_supervision: self.deep_supervision,
        })
    }
}

impl Architecture for ResidualEncoderUNetConfig {
    fn name(&self) -> &'static str {
        "residual_encoder_unet"
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

/// Two blocks and a shortcut, which shrinks by averaging and changes channels by a 1×1×1
/// convolution (nnU-Net's `BasicBlockD`, after He et al. 2019).
#[derive(Module, Debug)]
pub struct ResidualBlock {
    first: ConvNormAct,
    second: ConvNormAct,
    shrink: Option<AvgPool3d>,
    project: Option<ConvNormAct>,
    activation: Activation,
}

impl ResidualBlock {
    fn new(
        stages: &Stages,
        [from, to]: [usize; 2],
        kernel: [usize; 3],
        stride: [usize; 3],
        scope: &Scope,
    ) -> Self {
        let linear = ConvNormActConfig {
            dropout: None,
            activation: None,
            ..stages.follow
        };
        let strided = stride != [1; 3];
        let project = (from != to).then(|| {
            let conv = Conv3dConfig {
                bias: false,
                ..he_normal(Conv3dConfig::same(from, to, [1; 3]))
            };
            let place = scope.at("skip").at(usize::from(strided));
            linear.init(&conv, BlockNames::NNUNET, place)
        });
        // The config always has an activation.
        let activation = stages.follow.activation.unwrap_or_default();
        Self {
            first: stages.block(
                [from, to],
                kernel,
                stride,
                &stages.follow,
                &scope.at("conv1"),
            ),
            second: stages.block([to, to], kernel, [1; 3], &linear, &scope.at("conv2")),
            shrink: strided.then(|| AvgPool3d::new(stride)),
            project,
            activation: activation.init(scope.at("nonlin2")),
        }
    }

    /// `[N, in, Z, Y, X]` to `[N, out, Z', Y', X']`, smaller by the stride.
    pub fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        let mut shortcut = input.clone();
        if let Some(shrink) = &self.shrink {
            shortcut = shrink.forward(shortcut);
        }
        if let Some(project) = &self.project {
            shortcut = project.forward(shortcut);
        }
        let output = self.second.forward(self.first.forward(input));
        self.activation.forward(output + shortcut)
    }
}

/// nnU-Net's U-Net with a residual encoder (Isensee et al. 2024).
#[derive(Module, Debug)]
pub struct ResidualEncoderUNet {
    stem: Vec<ConvNormAct>,
    encoder: Vec<Vec<ResidualBlock>>,
    decoder: Decoder,
    deep_supervision: bool,
}

impl ResidualEncoderUNet {
    /// # Shapes
    /// - input `[N, input_channels, Z, Y, X]`, each axis divisible by the product of its strides
    /// - outputs `[N, num_classes, Z, Y, X]`, full resolution first; the lower ones only with deep
    ///   supervision and where the input records gradients
    pub fn forward(&self, input: Tensor<5>) -> Vec<Tensor<5>> {
        let all = self.deep_supervision && input.device().is_autodiff();
        let input = run(&self.stem, input);
        let mut skips: Vec<Tensor<5>> = Vec::with_capacity(self.encoder.len());
        for stage in &self.encoder {
            let input = skips.last().unwrap_or(&input).clone();
            skips.push(stage.iter().fold(input, |x, block| block.forward(x)));
        }
        self.decoder.forward(skips, all)
    }
}
