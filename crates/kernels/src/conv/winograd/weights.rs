//! Kernels in Winograd's components, in the order in which the innermost loop reads them.

use rayon::prelude::*;

use super::super::micro::CHANNELS;
use super::super::plan::ConvLayout;
use super::super::weights::padded_channels;
use super::{MOST, Taps};
use crate::buffer::{Scratch, Shared};

/// `G g Gᵀ` of every kernel plane: `[group][component][block of channels][input][z][channel]`.
pub(super) fn transform_weights(gather: &ConvLayout, taps: &Taps, weights: &[f32]) -> Scratch {
    let padded = padded_channels(gather.out_channels).next_multiple_of(CHANNELS);
    let terms = gather.in_channels * taps.z.len();
    let component = padded * terms;
    let (side, count) = (taps.side(), taps.order[0].len());
    let mut packed = Scratch::any(gather.groups * side * side * component);
    let shared = Shared::new(packed.as_mut_slice());
    let plane = gather.kernel[0] * gather.kernel[1];
    let blocks = padded / CHANNELS;
    (0..gather.groups * blocks).into_par_iter().for_each(|job| {
        let (group, first) = (job / blocks, job % blocks * CHANNELS);
        // SAFETY: components of a group stand one after the other, and within one the blocks of
        // different jobs are [`CHANNELS`] channels apart and as long.
        let place = |index: usize| unsafe {
            let start = (group * side * side + index) * component + first * terms;
            shared.part(start, terms * CHANNELS)
        };
        let mut to: Vec<&mut [f32]> = (0..side * side).map(place).collect();
        for input in 0..gather.in_channels {
            for (z, &(_, tap_z)) in taps.z.iter().enumerate() {
                let mut kernels = [[[0.0f32; CHANNELS]; MOST - 1]; MOST - 1];
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
                let found = transform_kernel(count, &kernels);
                for (index, to) in to.iter_mut().enumerate() {
                    let value = &found[index / side][index % side];
                    to[at..at + CHANNELS].copy_from_slice(value);
                }
            }
        }
    });
    packed
}

type Four = [f32; CHANNELS];

/// `G g Gᵀ` of one plane of a kernel of `count` taps along each axis, for four channels at once.
fn transform_kernel(count: usize, kernel: &[[Four; MOST - 1]; MOST - 1]) -> [[Four; MOST]; MOST] {
    let mut rows = [[[0.0; CHANNELS]; MOST]; MOST - 1];
    for (row, taps) in rows.iter_mut().zip(&kernel[..count]) {
        *row = transform_taps(count, taps);
    }
    let mut all = [[[0.0; CHANNELS]; MOST]; MOST];
    for x in 0..=count {
        let column = transform_taps(count, &rows.map(|row| row[x]));
        for (row, value) in all.iter_mut().zip(column) {
            row[x] = value;
        }
    }
    all
}

/// `G` times three or five taps: a polynomial's values at 0, 1, −1 (and 2, −2) and its last coefficient,
/// scaled so that `Bᵀ` is whole numbers.
fn transform_taps(count: usize, taps: &[Four; MOST - 1]) -> [Four; MOST] {
    let [a, b, c, d, e] = taps;
    let zero = [0.0; CHANNELS];
    if count == 3 {
        let half = |sign: f32| std::array::from_fn(|i| 0.5 * (a[i] + sign * b[i] + c[i]));
        return [*a, half(1.0), half(-1.0), *c, zero, zero];
    }
    let at = |point: f32, scale: f32| {
        let square = point * point;
        let value = |i: usize| {
            let even = a[i] + square * (c[i] + square * e[i]);
            let odd = point * (b[i] + square * d[i]);
            scale * (even + odd)
        };
        std::array::from_fn(value)
    };
    let quarter = std::array::from_fn(|i| 0.25 * a[i]);
    let (one, two) = (-1.0 / 6.0, 1.0 / 24.0);
    [
        quarter,
        at(1.0, one),
        at(-1.0, one),
        at(2.0, two),
        at(-2.0, two),
        *e,
    ]
}
