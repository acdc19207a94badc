//! MONAI's networks of convolutions, sketched.

use super::shape_tensor::ShapeTensor;
use crate::monai::parts::each_axis;
use crate::{
    AttentionUnetConfig, BasicUNetConfig, DynUNetConfig, UNetConfig, UpsampleMode, VNetConfig,
};
use vesalius_tensor::axes::PerAxis;
use vesalius_tensor::{
    ActivationConfig, BatchNormConfig, Conv3dConfig, ConvNormActConfig, ConvTranspose3dConfig,
    NormConfig,
};

mod residual;

pub(super) use residual::{mednext, segresnet, segresnet_ds};

/// `check` passed before, so that every vector resolves.
fn resolve(sizes: PerAxis, dims: usize) -> [usize; 3] {
    sizes.resolve(dims).unwrap_or([1; 3])
}

fn follow(norm: Option<NormConfig>, activation: Option<ActivationConfig>) -> ConvNormActConfig {
    ConvNormActConfig {
        norm,
        activation,
        ..ConvNormActConfig::default()
    }
}

pub(super) fn unet(config: &UNetConfig, input: ShapeTensor) -> ShapeTensor {
    let dims = config.spatial_dims;
    let depth = config.strides.len();
    let kernel = resolve(config.kernel_size, dims);
    let mut x = input;
    let mut skips = Vec::new();
    for level in 0..depth {
        let stride = resolve(config.strides[level], dims);
        x = unet_step(config, x, config.channels[level], kernel, stride);
        skips.push(x.clone());
    }
    x = unet_step(config, x, config.channels[depth], kernel, [1; 3]);
    let usual = follow(config.norm, Some(config.activation));
    for level in (0..depth).rev() {
        if let Some(skip) = skips.pop() {
            x = skip.concatenated(x);
        }
        let to = match level {
            0 => config.out_channels,
            _ => config.channels[level - 1],
        };
        let enlarge = ConvTranspose3dConfig {
            bias: config.bias,
            ..ConvTranspose3dConfig::same(
                x.channels,
                to,
                resolve(config.up_kernel_size, dims),
                resolve(config.strides[level], dims),
            )
        };
        let bare = ConvNormActConfig::default();
        let residual = config.num_res_units > 0;
        let after = if level == 0 && !residual {
            &bare
        } else {
            &usual
        };
        x = x.block_transposed(&enlarge, after);
        if residual {
            let conv = Conv3dConfig {
                bias: config.bias,
                ..Conv3dConfig::same(to, to, kernel)
            };
            let last = if level == 0 { &bare } else { &usual };
            let shortcut = x.clone();
            x = x.block(&conv, last).plus(shortcut);
        }
    }
    x
}

fn unet_step(
    config: &UNetConfig,
    input: ShapeTensor,
    to: usize,
    kernel: [usize; 3],
    stride: [usize; 3],
) -> ShapeTensor {
    let from = input.channels;
    let conv = |from: usize, kernel, stride| Conv3dConfig {
        stride,
        bias: config.bias,
        ..Conv3dConfig::same(from, to, kernel)
    };
    let usual = follow(config.norm, Some(config.activation));
    if config.num_res_units == 0 {
        return input.block(&conv(from, kernel, stride), &usual);
    }
    let strided = stride != [1; 3];
    let shortcut = if strided || from != to {
        let kernel = if strided { kernel } else { [1; 3] };
        input.clone().conv(&conv(from, kernel, stride))
    } else {
        input.clone()
    };
    let first = input.block(&conv(from, kernel, stride), &usual);
    let output =
        (1..config.num_res_units).fold(first, |x, _| x.block(&conv(to, kernel, [1; 3]), &usual));
    output.plus(shortcut)
}

/// MONAI's `UpSample`.
fn enlarged(
    input: ShapeTensor,
    mode: UpsampleMode,
    to: usize,
    kernel: [usize; 3],
    factor: [usize; 3],
    bias: bool,
) -> ShapeTensor {
    let from = input.channels;
    match mode {
        UpsampleMode::Deconv => input.conv_transposed(&ConvTranspose3dConfig {
            bias,
            ..match kernel == factor {
                true => ConvTranspose3dConfig::tiled(from, to, factor),
                false => ConvTranspose3dConfig::same(from, to, kernel, factor),
            }
        }),
        UpsampleMode::Nontrainable if from == to => input.upsampled(factor),
        UpsampleMode::Nontrainable => {
            let before = Conv3dConfig {
                bias,
                ..Conv3dConfig::same(from, to, [1; 3])
            };
            input.conv(&before).upsampled(factor)
        }
    }
}

pub(super) fn basic_unet(config: &BasicUNetConfig, input: ShapeTensor) -> ShapeTensor {
    let f = config.features;
    let two = each_axis(2, config.spatial_dims);
    let usual = follow(config.norm, Some(config.activation));
    let convs = |x: ShapeTensor, to: usize| {
        (0..2).fold(x, |x, _| {
            let conv = Conv3dConfig {
                bias: config.bias,
                ..Conv3dConfig::same(x.channels, to, each_axis(3, config.spatial_dims))
            };
            x.block(&conv, &usual)
        })
    };
    let mut x = convs(input, f[0]);
    let mut skips = Vec::new();
    for &to in &f[1..5] {
        skips.push(x.clone());
        x = convs(x.pooled(two), to);
    }
    for (between, to) in [
        (f[4] / 2, f[3]),
        (f[3] / 2, f[2]),
        (f[2] / 2, f[1]),
        (f[1], f[5]),
    ] {
        x = enlarged(x, config.upsample, between, two, two, true);
        if let Some(skip) = skips.pop() {
            // An odd size lost its last voxel, which is repeated.
            let size = skip.size;
            x = if x.size == size {
                x
            } else {
                x.rearranged(between, size)
            };
            x = skip.concatenated(x);
        }
        x = convs(x, to);
    }
    x.conv(&Conv3dConfig::same(f[5], config.out_channels, [1; 3]))
}

pub(super) fn dynunet(config: &DynUNetConfig, input: ShapeTensor) -> Vec<ShapeTensor> {
    let filters = config.filters();
    let last = config.strides.len() - 1;
    let block = |x, to, level: usize, stride, residual| {
        let shape = (config.at(&config.kernel_size, level), stride);
        two_convs(x, to, shape, residual, (config.norm, config.activation))
    };
    let mut x = input;
    let mut skips = Vec::new();
    for (level, &to) in filters.iter().enumerate().take(last + 1) {
        let stride = config.at(&config.strides, level);
        x = block(x, to, level, stride, config.res_block);
        skips.push(x.clone());
    }
    skips.pop();
    let heads = if config.deep_supervision {
        config.deep_supr_num
    } else {
        0
    };
    let head = |from| Conv3dConfig::same(from, config.out_channels, [1; 3]);
    let mut outputs = Vec::new();
    for level in (1..=last).rev() {
        let to = filters[level - 1];
        let factor = config.at(&config.upsample_kernel_size, level - 1);
        x = x.conv_transposed(&ConvTranspose3dConfig {
            bias: config.trans_bias,
            ..ConvTranspose3dConfig::tiled(filters[level], to, factor)
        });
        if let Some(skip) = skips.pop() {
            x = x.concatenated(skip);
        }
        x = block(x, to, level, [1; 3], false);
        if (1..=heads).contains(&(level - 1)) {
            if x.training() {
                outputs.push(x.clone().conv(&head(to)));
            } else {
                x = x.with_parameters((to + 1) * config.out_channels);
            }
        }
    }
    outputs.push(x.conv(&head(filters[0])));
    outputs.reverse();
    outputs
}

/// Two convolutions without bias, plain or with a residual (MONAI's `UnetBasicBlock`, `UnetResBlock`).
pub(super) fn two_convs(
    input: ShapeTensor,
    to: usize,
    (kernel, stride): ([usize; 3], [usize; 3]),
    residual: bool,
    (norm, activation): (NormConfig, ActivationConfig),
) -> ShapeTensor {
    let from = input.channels;
    let conv = |from, kernel: [usize; 3], stride: [usize; 3]| Conv3dConfig {
        in_channels: from,
        out_channels: to,
        kernel,
        stride,
        padding: std::array::from_fn(|a| (kernel[a] + 1 - stride[a]) / 2),
        bias: false,
        ..Conv3dConfig::default()
    };
    let usual = follow(Some(norm), Some(activation));
    let linear = follow(Some(norm), None);
    let changes = from != to || stride != [1; 3];
    if !residual {
        let first = input.block(&conv(from, kernel, stride), &usual);
        return first.block(&conv(to, kernel, [1; 3]), &usual);
    }
    let shortcut = match changes {
        true => input.clone().block(&conv(from, [1; 3], stride), &linear),
        false => input.clone(),
    };
    let first = input.block(&conv(from, kernel, stride), &usual);
    let second = first.block(&conv(to, kernel, [1; 3]), &linear);
    let slope = matches!(activation, ActivationConfig::Prelu { .. });
    second.plus(shortcut).pointwise(u64::from(slope))
}

pub(super) fn attention_unet(config: &AttentionUnetConfig, input: ShapeTensor) -> ShapeTensor {
    let dims = config.spatial_dims;
    let batch = Some(NormConfig::Batch(BatchNormConfig::default()));
    let relu = follow(batch, Some(ActivationConfig::Relu));
    let kernel = resolve(config.kernel_size, dims);
    let two = |x: ShapeTensor, to: usize, stride| {
        let first = Conv3dConfig {
            stride,
            ..Conv3dConfig::same(x.channels, to, kernel)
        };
        let x = x.block(&first, &relu);
        x.block(&Conv3dConfig::same(to, to, kernel), &relu)
    };
    let mut x = two(input, config.channels[0], [1; 3]);
    let mut skips = Vec::new();
    for (level, stride) in config.strides.iter().enumerate() {
        skips.push(x.clone());
        x = two(x, config.channels[level + 1], resolve(*stride, dims));
    }
    for level in (0..config.strides.len()).rev() {
        let to = config.channels[level];
        let stride = resolve(config.strides[level], dims);
        let up = resolve(config.up_kernel_size, dims);
        let enlarge = ConvTranspose3dConfig::same(x.channels, to, up, stride);
        let below = x.block_transposed(&enlarge, &relu);
        x = match skips.pop() {
            Some(skip) => {
                let weighed = gated(below.clone(), skip, batch);
                let joined = weighed.concatenated(below);
                let merge = Conv3dConfig::same(2 * to, to, each_axis(3, dims));
                let usual = follow(
                    Some(NormConfig::default()),
                    Some(ActivationConfig::default()),
                );
                joined.block(&merge, &usual)
            }
            None => below,
        };
    }
    x.conv(&Conv3dConfig::same(
        config.channels[0],
        config.out_channels,
        [1; 3],
    ))
}

fn gated(below: ShapeTensor, skip: ShapeTensor, norm: Option<NormConfig>) -> ShapeTensor {
    let channels = below.channels;
    let linear = follow(norm, None);
    let half = Conv3dConfig::same(channels, channels / 2, [1; 3]);
    let gate = below.block(&half, &linear);
    let sum = gate.plus(skip.clone().block(&half, &linear));
    let one = Conv3dConfig::same(channels / 2, 1, [1; 3]);
    let share = sum.pointwise(0).block(&one, &linear).pointwise(0);
    skip.times(share)
}

pub(super) fn vnet(config: &VNetConfig, input: ShapeTensor) -> ShapeTensor {
    let dims = config.spatial_dims;
    let (two, five) = (each_axis(2, dims), each_axis(5, dims));
    let linear = follow(Some(NormConfig::Batch(BatchNormConfig::default())), None);
    let activated = |x: ShapeTensor| {
        let slopes = matches!(config.activation, ActivationConfig::Prelu { .. });
        let slopes = if slopes { x.channels } else { 0 };
        x.pointwise(slopes as u64)
    };
    let conv5 = |x: ShapeTensor, to: usize, bias| {
        let conv = Conv3dConfig {
            bias,
            ..Conv3dConfig::same(x.channels, to, five)
        };
        x.block(&conv, &linear)
    };
    let stage = |x: ShapeTensor, shortcut: ShapeTensor, count: usize, bias| {
        let to = x.channels;
        let output = (0..count).fold(x, |x, _| activated(conv5(x, to, bias)));
        activated(output.plus(shortcut))
    };
    let repeated = input.clone().rearranged(16, input.size);
    let mut x = activated(conv5(input, 16, config.bias).plus(repeated));
    let mut skips = Vec::new();
    for (to, count) in [(32, 1), (64, 2), (128, 3), (256, 2)] {
        skips.push(x.clone());
        let shrink = Conv3dConfig {
            stride: two,
            padding: [0; 3],
            bias: config.bias,
            ..Conv3dConfig::same(x.channels, to, two)
        };
        x = activated(x.block(&shrink, &linear));
        x = stage(x.clone(), x, count, config.bias);
    }
    for (to, count) in [(256, 2), (128, 2), (64, 1), (32, 1)] {
        let enlarge = ConvTranspose3dConfig::tiled(x.channels, to / 2, two);
        x = activated(x.block_transposed(&enlarge, &linear));
        if let Some(skip) = skips.pop() {
            let skip = if x.training() {
                skip.pointwise(0)
            } else {
                skip
            };
            x = x.concatenated(skip);
        }
        x = stage(x.clone(), x, count, false);
    }
    x = activated(conv5(x, config.out_channels, config.bias));
    x.conv(&Conv3dConfig::same(
        config.out_channels,
        config.out_channels,
        [1; 3],
    ))
}
