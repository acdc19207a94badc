//! nnU-Net's two networks, sketched.

use super::shape_tensor::ShapeTensor;
use crate::Result;
use crate::nnunet::{PlainConvUNetConfig, ResidualEncoderUNetConfig, Stages};
use vesalius_tensor::{Conv3dConfig, ConvNormActConfig, ConvTranspose3dConfig};

pub(super) fn plain(config: &PlainConvUNetConfig, input: ShapeTensor) -> Result<Vec<ShapeTensor>> {
    let stages = config.stages()?;
    let mut x = input;
    let mut skips = Vec::new();
    for s in 0..stages.features.len() {
        let shape = (stages.kernels[s], stages.strides[s]);
        x = stack(&stages, x, stages.encoder[s], stages.features[s], shape);
        skips.push(x.clone());
    }
    drop(x);
    let heads = config.deep_supervision;
    Ok(decoder(&stages, skips, config.num_classes, heads))
}

pub(super) fn residual(
    config: &ResidualEncoderUNetConfig,
    input: ShapeTensor,
) -> Result<Vec<ShapeTensor>> {
    let stages = config.stages()?;
    let stem = config.stem_channels.unwrap_or(stages.features[0]);
    let mut x = stack(&stages, input, 1, stem, (stages.kernels[0], [1; 3]));
    let mut skips = Vec::new();
    for s in 0..stages.features.len() {
        for b in 0..stages.encoder[s] {
            let stride = if b == 0 { stages.strides[s] } else { [1; 3] };
            x = block(&stages, x, stages.features[s], stages.kernels[s], stride);
        }
        skips.push(x.clone());
    }
    drop(x);
    let heads = config.deep_supervision;
    Ok(decoder(&stages, skips, config.num_classes, heads))
}

fn conv(
    stages: &Stages,
    from: usize,
    to: usize,
    kernel: [usize; 3],
    stride: [usize; 3],
) -> Conv3dConfig {
    Conv3dConfig {
        stride,
        bias: stages.bias,
        ..Conv3dConfig::same(from, to, kernel)
    }
}

fn stack(
    stages: &Stages,
    input: ShapeTensor,
    count: usize,
    to: usize,
    (kernel, stride): ([usize; 3], [usize; 3]),
) -> ShapeTensor {
    (0..count).fold(input, |x, i| {
        let stride = if i == 0 { stride } else { [1; 3] };
        let conv = conv(stages, x.channels, to, kernel, stride);
        x.block(&conv, &stages.follow)
    })
}

fn block(
    stages: &Stages,
    input: ShapeTensor,
    to: usize,
    kernel: [usize; 3],
    stride: [usize; 3],
) -> ShapeTensor {
    let linear = ConvNormActConfig {
        activation: None,
        ..stages.follow
    };
    let from = input.channels;
    let mut shortcut = input.clone();
    if stride != [1; 3] {
        shortcut = shortcut.pooled(stride);
    }
    if from != to {
        let project = Conv3dConfig {
            bias: false,
            ..Conv3dConfig::same(from, to, [1; 3])
        };
        shortcut = shortcut.block(&project, &linear);
    }
    let first = input.block(&conv(stages, from, to, kernel, stride), &stages.follow);
    let output = first.block(&conv(stages, to, to, kernel, [1; 3]), &linear);
    output.plus(shortcut).pointwise(0)
}

fn decoder(
    stages: &Stages,
    mut skips: Vec<ShapeTensor>,
    classes: usize,
    heads: bool,
) -> Vec<ShapeTensor> {
    let last = stages.features.len() - 1;
    let mut outputs = Vec::new();
    let Some(mut x) = skips.pop() else {
        return outputs;
    };
    let all = heads && x.training();
    for j in 0..last {
        let level = last - j;
        let to = stages.features[level - 1];
        let enlarge = ConvTranspose3dConfig {
            bias: stages.bias,
            ..ConvTranspose3dConfig::tiled(x.channels, to, stages.strides[level])
        };
        x = x.conv_transposed(&enlarge);
        if let Some(skip) = skips.pop() {
            x = x.concatenated(skip);
        }
        x = stack(
            stages,
            x,
            stages.decoder[j],
            to,
            (stages.kernels[level - 1], [1; 3]),
        );
        let head = Conv3dConfig::same(to, classes, [1; 3]);
        if all || skips.is_empty() {
            outputs.push(x.clone().conv(&head));
        } else {
            // A head that only training with deep supervision runs.
            x = x.with_parameters(to * classes + classes);
        }
    }
    outputs.reverse();
    outputs
}
