//! The cost of a user-defined network: its own figure, or an estimate from a pass over a small patch. The estimate
//! knows each layer's output, but not for how long an output is needed.

use super::{BESIDE, Profile};
use crate::{Architecture, CustomNetworkConfig, NetworkConfig, Result};
use std::collections::BTreeMap;
use vesalius_tensor::{Device, LayerOutput, Tensor, on_device};

/// The small patch has this many voxels along an axis, or the next number that the network takes.
const SMALL: usize = 16;
/// Tensors of the largest layer's size that inference holds at once: its input, its output, and one that is made of
/// both.
const AT_WORK: u64 = 3;
/// A backward pass keeps a layer's output and what an activation makes of it.
const KEPT: u64 = 2;
/// Tensors of an output's size that the loss and its gradient hold at once.
const LOSS_TENSORS: u64 = 8;

pub(super) fn profile(
    custom: &CustomNetworkConfig,
    config: &NetworkConfig,
    patch: [usize; 3],
    batch: usize,
) -> Result<Profile> {
    let (from, to) = (custom.in_channels(), custom.out_channels());
    if let Some(profile) = custom.get()?.profile(from, to, patch, batch) {
        return Ok(profile);
    }
    let small = small(custom, patch);
    let device = Device::flex();
    let network = config.init(&device)?;
    let outputs = on_device(&device, || {
        let [x, y, z] = small;
        network.outputs(Tensor::zeros([1, from, z, y, x], &device))
    })??;
    let voxels = |size: [usize; 3]| size.iter().product::<usize>().max(1) as f64;
    let scale = batch as f64 * voxels(patch) / voxels(small);
    let scaled = |count: u64| (count as f64 * scale).ceil() as u64;
    let ends = [from, to].map(|channels| 4 * (channels as f64 * voxels(small)) as u64);
    let sizes = Sizes::of(&outputs, ends);
    let parameters = network.parameter_count() as u64;
    let activations = scaled(sizes.inference);
    let weights = 4 * parameters;
    let multiplications = outputs.iter().map(|layer| layer.multiplications).sum();
    Ok(Profile {
        parameters,
        flops: 2 * scaled(multiplications),
        inference_activations: activations,
        inference_memory: weights + activations + BESIDE,
        training_memory: 4 * weights + scaled(sizes.training) + BESIDE,
        receptive_field: None,
    })
}

/// The smallest patch that the network takes and that is not tiny, no larger than `patch`.
fn small(custom: &CustomNetworkConfig, patch: [usize; 3]) -> [usize; 3] {
    if custom.fixed_size().is_some() {
        return patch;
    }
    let (least, divisor) = (custom.minimum(), custom.divisor());
    std::array::from_fn(|axis| {
        let least = least[axis]
            .max(SMALL)
            .next_multiple_of(divisor[axis].max(1));
        least.min(patch[axis])
    })
}

/// Bytes of a pass over one small patch.
struct Sizes {
    inference: u64,
    training: u64,
}

impl Sizes {
    /// `ends` are the bytes of the input and of the first output.
    fn of(outputs: &[LayerOutput], ends: [u64; 2]) -> Self {
        let bytes = |layer: &LayerOutput| 4 * layer.shape.iter().product::<usize>() as u64;
        let each = || outputs.iter().map(bytes);
        let largest = each().chain(ends).max().unwrap_or(0);
        // Of each resolution one output may be held for a layer far behind, as U-Nets do.
        let mut levels: BTreeMap<&[usize], u64> = BTreeMap::new();
        for layer in outputs {
            let level = levels
                .entry(layer.shape.get(2..).unwrap_or(&[]))
                .or_default();
            *level = bytes(layer).max(*level);
        }
        let held: u64 = levels.values().sum();
        Self {
            inference: ends[0] + held + AT_WORK * largest,
            training: ends[0]
                + KEPT * each().sum::<u64>()
                + AT_WORK * largest
                + LOSS_TENSORS * ends[1],
        }
    }
}
