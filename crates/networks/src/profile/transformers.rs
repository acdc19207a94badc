//! MONAI's transformers, sketched: tokens are voxels of a coarse grid, their length its channels.

use super::monai::two_convs;
use super::shape_tensor::ShapeTensor;
use crate::monai::parts::each_axis;
use crate::{PatchProjection, SwinUnetrConfig, UnetrConfig};
use vesalius_tensor::{ActivationConfig, Conv3dConfig, ConvTranspose3dConfig, NormConfig};

const LEAKY: ActivationConfig = ActivationConfig::LeakyRelu { slope: 0.01 };

/// How the convolutions around a transformer are made.
#[derive(Clone, Copy)]
struct Around {
    dims: usize,
    norm: NormConfig,
    residual: bool,
}

impl Around {
    fn convs(&self, input: ShapeTensor, to: usize) -> ShapeTensor {
        let shape = (each_axis(3, self.dims), [1; 3]);
        two_convs(input, to, shape, self.residual, (self.norm, LEAKY))
    }

    fn double(&self, input: ShapeTensor, to: usize) -> ShapeTensor {
        let config = ConvTranspose3dConfig {
            bias: false,
            ..ConvTranspose3dConfig::tiled(input.channels, to, each_axis(2, self.dims))
        };
        input.conv_transposed(&config)
    }

    fn up(&self, input: ShapeTensor, skip: ShapeTensor, to: usize) -> ShapeTensor {
        self.convs(self.double(input, to).concatenated(skip), to)
    }
}

/// Mean, deviation and scale, a step each.
fn layer_norm(input: ShapeTensor, affine: bool) -> ShapeTensor {
    let channels = if affine { 2 * input.channels } else { 0 };
    input.pointwise(channels as u64)
}

/// Attention among each `places` of the tokens, biased by what is looked up in a table of `rows` rows.
fn attention(
    input: ShapeTensor,
    heads: usize,
    places: usize,
    qkv_bias: bool,
    rows: usize,
) -> ShapeTensor {
    let width = input.channels;
    let tokens = input.size.iter().product::<usize>();
    let products = (input.batch * tokens * places * width) as u64;
    let qkv = input.linear(3 * width, qkv_bias);
    // The bias is kept for the backward pass; it is looked up a row a pair and then transposed.
    let bias = (rows > 0).then(|| {
        let looked_up = qkv.clone().rearranged(heads, [places, places, 1]);
        looked_up.copied().with_parameters(rows * heads)
    });
    let mixed = match bias {
        Some(bias) => qkv.attended_with(bias, width, products),
        None => qkv.attended(width, products),
    };
    mixed.linear(width, true)
}

fn perceptron(input: ShapeTensor, hidden: usize) -> ShapeTensor {
    let width = input.channels;
    input.linear(hidden, true).pointwise(0).linear(width, true)
}

pub(super) fn unetr(config: &UnetrConfig, input: ShapeTensor) -> ShapeTensor {
    let around = Around {
        dims: config.spatial_dims,
        norm: config.norm,
        residual: config.res_block,
    };
    let patch = each_axis(16, config.spatial_dims);
    let (hidden, features) = (config.hidden_size, |level: usize| {
        config.feature_size << level
    });
    let embed = Conv3dConfig {
        stride: patch,
        padding: [0; 3],
        ..Conv3dConfig::same(config.in_channels, hidden, patch)
    };
    let mut x = input.clone().conv(&embed);
    if config.proj_type == PatchProjection::Perceptron {
        x = x.copied();
    }
    let (grid, count) = (x.size, x.size.iter().product::<usize>());
    x = x
        .pointwise((count * hidden) as u64)
        .seeing([f64::INFINITY; 3]);
    let mut kept = Vec::new();
    for layer in 0..12 {
        let attended = attention(
            layer_norm(x.clone(), true),
            config.num_heads,
            count,
            config.qkv_bias,
            0,
        );
        x = x.plus(attended);
        let widened = perceptron(layer_norm(x.clone(), true), config.mlp_dim);
        // MONAI's has a norm more in each layer, which it never runs.
        x = x.plus(widened).with_parameters(2 * hidden);
        if [3, 6, 9].contains(&layer) {
            kept.push(x.clone());
        }
    }
    let volume = |x: ShapeTensor| x.rearranged(hidden, grid);
    let mut skips = vec![around.convs(input, features(0))];
    for (level, tokens) in (1..4).zip(kept) {
        let mut skip = around.double(volume(tokens), features(level));
        for _ in level..3 {
            skip = around.double(skip, features(level));
            if config.conv_block {
                skip = around.convs(skip, features(level));
            }
        }
        skips.push(skip);
    }
    let mut x = volume(layer_norm(x, true));
    for level in (0..4).rev() {
        if let Some(skip) = skips.pop() {
            x = around.up(x, skip, features(level));
        }
    }
    x.conv(&Conv3dConfig::same(
        features(0),
        config.out_channels,
        [1; 3],
    ))
}

pub(super) fn swin_unetr(config: &SwinUnetrConfig, input: ShapeTensor) -> ShapeTensor {
    let around = Around {
        dims: config.spatial_dims,
        norm: config.norm,
        residual: true,
    };
    let features = config.feature_size;
    let two = each_axis(2, config.spatial_dims);
    let embed = Conv3dConfig {
        stride: two,
        padding: [0; 3],
        ..Conv3dConfig::same(config.in_channels, features, two)
    };
    let mut x = input.clone().conv(&embed);
    if config.patch_norm {
        x = layer_norm(x.copied(), true).copied();
    }
    let normalized = |x: ShapeTensor| match config.normalize {
        true => layer_norm(x.copied(), false).copied(),
        false => x,
    };
    let mut skips = vec![around.convs(input, features)];
    for stage in 0..4 {
        let skip = normalized(x.clone());
        skips.push(match stage {
            3 => skip,
            _ => {
                let to = skip.channels;
                around.convs(skip, to)
            }
        });
        x = swin_stage(config, x, stage);
    }
    let to = x.channels;
    let mut x = around.convs(normalized(x), to);
    for level in (0..5usize).rev() {
        if let Some(skip) = skips.pop() {
            x = around.up(x, skip, features << level.saturating_sub(1));
        }
    }
    x.conv(&Conv3dConfig::same(features, config.out_channels, [1; 3]))
}

/// Layers of attention within windows, then half the grid with twice the channels.
fn swin_stage(config: &SwinUnetrConfig, input: ShapeTensor, stage: usize) -> ShapeTensor {
    let mut x = input;
    if config.use_v2 {
        let around = Around {
            dims: config.spatial_dims,
            norm: NormConfig::default(),
            residual: true,
        };
        let to = x.channels;
        x = around.convs(x, to);
    }
    // `check` passed before, so that the window resolves.
    let whole = config
        .window_size
        .resolve(config.spatial_dims)
        .unwrap_or([1; 3]);
    let size = x.size;
    let window: [usize; 3] = std::array::from_fn(|a| whole[a].min(size[a]));
    let padded: [usize; 3] = std::array::from_fn(|a| size[a].next_multiple_of(window[a]));
    let places = window.iter().product();
    let rows: usize = whole.iter().map(|w| 2 * w - 1).product();
    let (channels, heads) = (x.channels, config.num_heads[stage]);
    x = x.copied();
    for _ in 0..config.depths[stage] {
        let cut = layer_norm(x.clone(), true).rearranged(channels, padded);
        let attended = attention(cut, heads, places, config.qkv_bias, rows);
        let joined = attended.rearranged(channels, size);
        x = x.plus(joined.seeing(window.map(|w| (w - 1) as f64)));
        let widened = perceptron(layer_norm(x.clone(), true), config.mlp_width(stage));
        x = x.plus(widened);
    }
    let factor = each_axis(2, config.spatial_dims);
    let corners = channels * factor.iter().product::<usize>();
    let pooled = factor.map(|f| (f - 1) as f64);
    let half = std::array::from_fn(|a| size[a] / factor[a]);
    let joined = x.seeing(pooled).coarser(factor).rearranged(corners, half);
    layer_norm(joined, true)
        .linear(2 * channels, false)
        .copied()
}
