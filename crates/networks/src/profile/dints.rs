//! MONAI's `DiNTS`, sketched.

use super::layers::norm_weights;
use super::shape_tensor::ShapeTensor;
use crate::DiNTSConfig;
use crate::monai::dints::{Change, Operation, Path};
use crate::monai::parts::each_axis;
use vesalius_tensor::Conv3dConfig;

pub(super) fn dints(config: &DiNTSConfig, input: ShapeTensor) -> ShapeTensor {
    let factor = each_axis(2, config.spatial_dims);
    let mut depths: Vec<Option<ShapeTensor>> = (0..config.num_depths)
        .map(|depth| Some(stem(config, &input, depth)))
        .collect();
    for block in 0..config.num_blocks {
        let mut next: Vec<Option<ShapeTensor>> = vec![None; config.num_depths];
        for path in config.paths(block) {
            let Some(x) = &depths[path.from] else {
                continue;
            };
            let y = cell(config, x.clone(), &path);
            let sum = &mut next[path.to];
            *sum = Some(match sum.take() {
                Some(sum) => sum.plus(y),
                None => y,
            });
        }
        depths = next;
    }
    let mut x: Option<ShapeTensor> = None;
    let deepest = config.deepest().unwrap_or(0);
    for depth in (0..=deepest).rev() {
        let sum = match (depths[depth].take(), x) {
            (Some(own), Some(below)) => Some(own.plus(below)),
            (own, below) => own.or(below),
        };
        x = sum.map(|sum| {
            let conv = config.conv(sum.channels, config.enlarged(depth), 3);
            let y = activated(sum).block(&conv, &config.normed(None));
            match config.use_downsample || depth > 0 {
                true => y.upsampled(factor),
                false => y,
            }
        });
    }
    let unused = (deepest + 1..config.num_depths).map(|depth| after_parameters(config, depth));
    let x = x.unwrap_or(input).with_parameters(unused.sum());
    let first = config.filters(0);
    let merged = activated(x).block(&config.conv(first, first, 3), &config.normed(None));
    merged.conv(&Conv3dConfig::same(first, config.out_channels, [1; 3]))
}

/// Parameters of what enlarges from a depth that is not used.
fn after_parameters(config: &DiNTSConfig, depth: usize) -> usize {
    let conv = config.conv(config.width(depth), config.enlarged(depth), 3);
    let taps = conv.kernel.iter().product::<usize>();
    let norm = norm_weights(&config.norm, conv.out_channels) as usize;
    conv.in_channels * conv.out_channels * taps + norm
}

fn activated(x: ShapeTensor) -> ShapeTensor {
    x.pointwise(0)
}

fn stem(config: &DiNTSConfig, input: &ShapeTensor, depth: usize) -> ShapeTensor {
    let factor = each_axis(1 << depth, config.spatial_dims);
    let image = match depth {
        0 => input.clone(),
        _ => {
            let size = std::array::from_fn(|a| (input.size[a] / factor[a]).max(1));
            let seen = factor.map(|f| if f > 1 { 1.0 } else { 0.0 });
            let smaller = input.clone().rearranged(input.channels, size);
            smaller.seeing(seen).coarser(factor)
        }
    };
    let conv = config.conv(config.in_channels, config.filters(depth), 3);
    let activation = config.use_downsample.then_some(config.activation);
    let x = image.block(&conv, &config.normed(activation));
    match config.use_downsample {
        true => x.block(&config.halving(depth), &config.normed(None)),
        false => x,
    }
}

fn cell(config: &DiNTSConfig, x: ShapeTensor, path: &Path) -> ShapeTensor {
    let to = config.width(path.to);
    let factor = each_axis(2, config.spatial_dims);
    let normed = config.normed(None);
    let x = match path.change() {
        Change::Kept => x,
        Change::Doubled => {
            let conv = config.conv(x.channels, to, 1);
            activated(x.upsampled(factor)).block(&conv, &normed)
        }
        Change::Halved => {
            let x = activated(x);
            let half = |channels: usize| Conv3dConfig {
                stride: factor,
                ..config.conv(x.channels, channels, 1)
            };
            let (first, second) = (half(to / 2), half(to - to / 2));
            let further = x.clone().rearranged(x.channels, x.size);
            let neighbour = factor.map(|f| (f - 1) as f64);
            let second = further.seeing(neighbour).conv(&second);
            x.conv(&first).concatenated(second).norm(&config.norm, None)
        }
    };
    match path.operation {
        Operation::Nothing => x,
        Operation::Whole => activated(x).block(&config.conv(to, to, 3), &normed),
        Operation::Parted(axis) => {
            let [first, second] = Operation::kernels(axis).map(|kernel| Conv3dConfig {
                bias: false,
                ..Conv3dConfig::same(to, to, kernel)
            });
            activated(x).conv(&first).block(&second, &normed)
        }
    }
}
