//! MONAI's networks of residual blocks, sketched.

use super::enlarged;
use crate::monai::parts::each_axis;
use crate::profile::shape_tensor::ShapeTensor;
use crate::{MedNeXtConfig, SegResNetConfig, SegResNetDSConfig};
use vesalius_tensor::{ActivationConfig, Conv3dConfig, ConvTranspose3dConfig, NormConfig};

/// Norm, activation, convolution, twice, around a sum.
fn pre_activated(
    input: ShapeTensor,
    kernel: [usize; 3],
    norm: &NormConfig,
    activation: ActivationConfig,
) -> ShapeTensor {
    let conv = Conv3dConfig {
        bias: false,
        ..Conv3dConfig::same(input.channels, input.channels, kernel)
    };
    let x = input.clone().norm(norm, Some(activation)).conv(&conv);
    x.norm(norm, Some(activation)).conv(&conv).plus(input)
}

pub(in crate::profile) fn segresnet(config: &SegResNetConfig, input: ShapeTensor) -> ShapeTensor {
    let axes = |n| each_axis(n, config.spatial_dims);
    let conv = |x: ShapeTensor, to: usize, kernel, stride| {
        let conv = Conv3dConfig {
            stride: axes(stride),
            bias: false,
            ..Conv3dConfig::same(x.channels, to, axes(kernel))
        };
        x.conv(&conv)
    };
    let blocks = |x: ShapeTensor, count: usize| {
        (0..count).fold(x, |x, _| {
            pre_activated(x, axes(3), &config.norm, config.activation)
        })
    };
    let mut x = conv(input, config.init_filters, 3, 1);
    let mut skips = Vec::new();
    for (level, &count) in config.blocks_down.iter().enumerate() {
        if level > 0 {
            x = conv(x, config.init_filters << level, 3, 2);
        }
        x = blocks(x, count);
        skips.push(x.clone());
    }
    skips.pop();
    for &count in &config.blocks_up {
        let to = x.channels / 2;
        x = conv(x, to, 1, 1);
        x = enlarged(x, config.upsample_mode, to, axes(2), axes(2), true);
        if let Some(skip) = skips.pop() {
            x = x.plus(skip);
        }
        x = blocks(x, count);
    }
    let last = Conv3dConfig::same(config.init_filters, config.out_channels, [1; 3]);
    x.norm(&config.norm, Some(config.activation)).conv(&last)
}

pub(in crate::profile) fn segresnet_ds(
    config: &SegResNetDSConfig,
    input: ShapeTensor,
) -> Vec<ShapeTensor> {
    let scales = config.scales();
    let last = config.blocks_down.len() - 1;
    let conv = |x: ShapeTensor, to: usize, kernel, stride| {
        let conv = Conv3dConfig {
            stride,
            bias: false,
            ..Conv3dConfig::same(x.channels, to, kernel)
        };
        x.conv(&conv)
    };
    let blocks = |x: ShapeTensor, count: usize, kernel| {
        (0..count).fold(x, |x, _| {
            pre_activated(x, kernel, &config.norm, config.activation)
        })
    };
    let mut x = conv(input, config.init_filters, config.kernel(scales[0]), [1; 3]);
    let mut skips = Vec::new();
    for (level, &count) in config.blocks_down.iter().enumerate() {
        let kernel = config.kernel(scales[level]);
        x = blocks(x, count, kernel);
        if level < last {
            skips.push(x.clone());
            let to = 2 * x.channels;
            x = conv(x, to, kernel, scales[level]);
        }
    }
    let mut outputs = Vec::new();
    for (i, count) in config.blocks_up().into_iter().enumerate() {
        let level = last - 1 - i;
        let (to, kernel) = (config.init_filters << level, config.kernel(scales[level]));
        x = enlarged(x, config.upsample_mode, to, kernel, scales[level], false);
        if let Some(skip) = skips.pop() {
            x = x.plus(skip);
        }
        x = blocks(x, count, kernel);
        if last - i > config.dsdepth.max(1) {
            continue;
        }
        let head = Conv3dConfig::same(to, config.out_channels, [1; 3]);
        if x.training() || skips.is_empty() {
            outputs.push(x.clone().conv(&head));
        } else {
            x = x.with_parameters((to + 1) * config.out_channels);
        }
    }
    outputs.reverse();
    outputs
}

/// What a block of MedNeXt does to the size.
#[derive(Clone, Copy, PartialEq)]
enum Change {
    Keep,
    Halve,
    Double,
}

pub(in crate::profile) fn mednext(config: &MedNeXtConfig, input: ShapeTensor) -> Vec<ShapeTensor> {
    let levels = config.blocks_down.len();
    let at = |level: usize| config.init_filters << level;
    // `check` passed before, so that there is a ratio for every level.
    let down = config.encoder_expansion_ratio.resolve(levels);
    let up = config.decoder_expansion_ratio.resolve(levels);
    let (down, up) = (down.unwrap_or_default(), up.unwrap_or_default());
    let run = |x: ShapeTensor, count: usize, ratio| {
        (0..count).fold(x, |x, _| {
            let to = x.channels;
            mednext_block(config, x, to, ratio, Change::Keep)
        })
    };
    let mut x = input.conv(&Conv3dConfig::same(config.in_channels, at(0), [1; 3]));
    let mut skips = Vec::new();
    for (level, ratio) in down.into_iter().enumerate() {
        x = run(x, config.blocks_down[level], ratio);
        skips.push(x.clone());
        x = mednext_block(config, x, at(level + 1), ratio, Change::Halve);
    }
    x = run(
        x,
        config.blocks_bottleneck,
        config.bottleneck_expansion_ratio,
    );
    let head = |from| ConvTranspose3dConfig::tiled(from, config.out_channels, [1; 3]);
    let mut outputs = Vec::new();
    for (i, ratio) in up.into_iter().enumerate() {
        let level = levels - i - 1;
        if config.deep_supervision && x.training() {
            outputs.push(x.clone().conv_transposed(&head(x.channels)));
        } else if config.deep_supervision {
            let count = (x.channels + 1) * config.out_channels;
            x = x.with_parameters(count);
        }
        x = mednext_block(config, x, at(level), ratio, Change::Double);
        if let Some(skip) = skips.pop() {
            x = x.plus(skip);
        }
        x = run(x, config.blocks_up[i], ratio);
    }
    outputs.push(x.conv_transposed(&head(at(0))));
    outputs.reverse();
    outputs
}

fn mednext_block(
    config: &MedNeXtConfig,
    input: ShapeTensor,
    to: usize,
    ratio: usize,
    change: Change,
) -> ShapeTensor {
    let from = input.channels;
    let (kernel, two) = (
        each_axis(config.kernel_size, config.spatial_dims),
        each_axis(2, config.spatial_dims),
    );
    let convolved = |x: ShapeTensor, to: usize, kernel: [usize; 3], groups| match change {
        Change::Double => x.conv_transposed(&ConvTranspose3dConfig {
            in_channels: from,
            out_channels: to,
            kernel,
            stride: two,
            padding: kernel.map(|k| k / 2),
            groups,
            ..ConvTranspose3dConfig::default()
        }),
        _ => x.conv(&Conv3dConfig {
            stride: if change == Change::Halve { two } else { [1; 3] },
            groups,
            ..Conv3dConfig::same(from, to, kernel)
        }),
    };
    // Doubling gives one voxel too few along an axis; zeros are put before the first.
    let padded = |x: ShapeTensor| match change {
        Change::Double => {
            let size = std::array::from_fn(|a| x.size[a] + two[a] - 1);
            let channels = x.channels;
            x.rearranged(channels, size)
        }
        _ => x,
    };
    let x = convolved(input.clone(), from, kernel, from);
    let mut x = x.norm(&NormConfig::instance_affine(), None);
    let wide = ratio * from;
    x = x.conv(&Conv3dConfig::same(from, wide, [1; 3])).pointwise(0);
    if config.global_resp_norm && change != Change::Halve {
        let scaled = x.clone().pointwise(wide as u64).pointwise(wide as u64);
        x = scaled.plus(x);
    }
    x = padded(x.conv(&Conv3dConfig::same(wide, to, [1; 3])));
    match (config.use_residual_connection, change) {
        (false, _) => x,
        (true, Change::Keep) => x.plus(input),
        (true, _) => x.plus(padded(convolved(input, to, [1; 3], 1))),
    }
}
