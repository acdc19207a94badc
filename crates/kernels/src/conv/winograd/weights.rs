//! Kernels in Winograd's components, in the order in which the innermost loop reads them.

use rayon::prelude::*;

use super::super::micro::CHANNELS;
use super::super::plan::Gather;
use super::super::weights::padded_channels;
use super::{COMPONENTS, SIDE, Taps};
use crate::buffer::{Scratch, Shared};

/// `G g Gᵀ` of every kernel plane: `[group][component][block of channels][input][z][channel]`.
pub(super) fn transform_weights(gather: &Gather, taps: &Taps, weights: &[f32]) -> Scratch {
    let padded = padded_channels(gather.out_channels).next_multiple_of(CHANNELS);
    let terms = gather.in_channels * taps.z.len();
    let component = padded * terms;
    let mut packed = Scratch::any(gather.groups * COMPONENTS * component);
    let shared = Shared::new(packed.as_mut_slice());
    let plane = gather.kernel[0] * gather.kernel[1];
    let blocks = padded / CHANNELS;
    (0..gather.groups * blocks).into_par_iter().for_each(|job| {
        let (group, first) = (job / blocks, job % blocks * CHANNELS);
        // SAFETY: each job has its own block of every component.
        let mut to: [&mut [f32]; COMPONENTS] = std::array::from_fn(|index| unsafe {
            let start = (group * COMPONENTS + index) * component + first * terms;
            shared.part(start, terms * CHANNELS)
        });
        for input in 0..gather.in_channels {
            for (z, &(_, tap_z)) in taps.z.iter().enumerate() {
                let mut kernels = [[[0.0f32; CHANNELS]; 3]; 3];
                for channel in 0..CHANNELS.min(gather.out_channels - first) {
                    let from = group * gather.weights.group
                        + (first + channel) * gather.weights.output
                        + input * gather.weights.input
                        + tap_z * plane;
                    for (row, &y) in kernels.iter_mut().zip(&taps.order[1]) {
                        for (value, &x) in row.iter_mut().zip(&taps.order[0]) {
                            value[channel] = weights[from + y * gather.kernel[0] + x];
                        }
                    }
                }
                let at = (input * taps.z.len() + z) * CHANNELS;
                for (to, value) in to.iter_mut().zip(transform_kernel(&kernels).as_flattened()) {
                    to[at..at + CHANNELS].copy_from_slice(value);
                }
            }
        }
    });
    packed
}

type Four = [f32; CHANNELS];

/// `G g Gᵀ` of one plane of a kernel, for four channels at once.
fn transform_kernel(kernel: &[[Four; 3]; 3]) -> [[Four; SIDE]; SIDE] {
    let rows: [[Four; SIDE]; 3] = kernel.map(transform_taps);
    let mut all = [[[0.0; CHANNELS]; SIDE]; SIDE];
    for x in 0..SIDE {
        for (y, value) in transform_taps(rows.map(|row| row[x]))
            .into_iter()
            .enumerate()
        {
            all[y][x] = value;
        }
    }
    all
}

/// `G` times three taps.
fn transform_taps([a, b, c]: [Four; 3]) -> [Four; SIDE] {
    let half = |sign: f32| std::array::from_fn(|i| 0.5 * (a[i] + sign * b[i] + c[i]));
    [a, half(1.0), half(-1.0), c]
}
