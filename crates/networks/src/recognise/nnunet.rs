//! nnU-Net's networks. The kernels of the decoder's transposed convolutions are the encoder's strides.

use super::{Candidate, Shapes};
use crate::{NetworkConfig, PerStage, PlainConvUNetConfig, ResidualEncoderUNetConfig, Weights};
use vesalius_tensor::NormConfig;
use vesalius_tensor::axes::PerAxis;

/// What both networks share.
struct Stages {
    features: Vec<usize>,
    kernels: Vec<PerAxis>,
    strides: Vec<PerAxis>,
    /// Convolutions or blocks of each stage of the encoder.
    encoder: Vec<usize>,
    decoder: Vec<usize>,
    classes: usize,
    norm: Option<NormConfig>,
}

/// `first` is the weight of the first convolution of a block of a stage.
fn stages(shapes: &Shapes, first: impl Fn(usize, usize) -> String, norm: &str) -> Option<Stages> {
    let count = shapes.count(0, |stage| first(stage, 0));
    let mut found = Stages {
        features: Vec::new(),
        kernels: Vec::new(),
        strides: vec![PerAxis::Same(1)],
        encoder: Vec::new(),
        decoder: Vec::new(),
        classes: shapes.axis(
            &format!("decoder.seg_layers.{}.weight", count.checked_sub(2)?),
            0,
        )?,
        norm: match shapes.has(&format!("{norm}.weight")) {
            true => shapes.norms(norm).into_iter().next(),
            false => None,
        },
    };
    for stage in 0..count {
        found.features.push(shapes.axis(&first(stage, 0), 0)?);
        found.kernels.push(shapes.kernel(&first(stage, 0))?);
        found
            .encoder
            .push(shapes.count(0, |block| first(stage, block)));
    }
    for up in (0..count - 1).rev() {
        found
            .strides
            .push(shapes.kernel(&format!("decoder.transpconvs.{up}.weight"))?);
    }
    for up in 0..count - 1 {
        let convs = shapes.count(0, |conv| {
            format!("decoder.stages.{up}.convs.{conv}.conv.weight")
        });
        found.decoder.push(convs);
    }
    Some(found)
}

const ASSUMED: [&str; 3] = ["activation", "dropout", "strides of the first stage"];

/// `PlainConvUNet`.
pub(super) fn plain(weights: &Weights) -> Option<Vec<Candidate>> {
    let anchor = "encoder.stages.0.0.convs.0.conv.weight";
    let shapes = Shapes::around(weights, anchor)?;
    let first = |stage, conv| format!("encoder.stages.{stage}.0.convs.{conv}.conv.weight");
    let found = stages(&shapes, first, "encoder.stages.0.0.convs.0.norm")?;
    let config = PlainConvUNetConfig {
        spatial_dims: shapes.spatial_dims(anchor)?,
        input_channels: shapes.axis(anchor, 1)?,
        num_classes: found.classes,
        features_per_stage: found.features,
        kernel_sizes: PerStage::Each(found.kernels),
        strides: PerStage::Each(found.strides),
        n_conv_per_stage: PerStage::Each(found.encoder),
        n_conv_per_stage_decoder: PerStage::Each(found.decoder),
        conv_bias: shapes.has("encoder.stages.0.0.convs.0.conv.bias"),
        norm: found.norm,
        ..PlainConvUNetConfig::default()
    };
    Some(vec![Candidate {
        config: NetworkConfig::PlainConvUNet(config),
        assumed: ASSUMED.to_vec(),
    }])
}

/// `ResidualEncoderUNet`.
pub(super) fn residual(weights: &Weights) -> Option<Vec<Candidate>> {
    let anchor = "encoder.stem.convs.0.conv.weight";
    let shapes = Shapes::around(weights, anchor)?;
    let first = |stage, block| format!("encoder.stages.{stage}.blocks.{block}.conv1.conv.weight");
    let found = stages(&shapes, first, "encoder.stem.convs.0.norm")?;
    let stem = shapes.axis(anchor, 0)?;
    let config = ResidualEncoderUNetConfig {
        spatial_dims: shapes.spatial_dims(anchor)?,
        input_channels: shapes.axis(anchor, 1)?,
        num_classes: found.classes,
        stem_channels: (stem != *found.features.first()?).then_some(stem),
        features_per_stage: found.features,
        kernel_sizes: PerStage::Each(found.kernels),
        strides: PerStage::Each(found.strides),
        n_blocks_per_stage: PerStage::Each(found.encoder),
        n_conv_per_stage_decoder: PerStage::Each(found.decoder),
        conv_bias: shapes.has("encoder.stem.convs.0.conv.bias"),
        norm: found.norm,
        ..ResidualEncoderUNetConfig::default()
    };
    Some(vec![Candidate {
        config: NetworkConfig::ResidualEncoderUNet(config),
        assumed: ASSUMED.to_vec(),
    }])
}
