//! Kernels in Winograd's components, in the order in which the innermost loop reads them.

use rayon::prelude::*;

use super::super::micro::CHANNELS;
use super::super::plan::ConvLayout;
use super::super::weights::padded_channels;
use super::Taps;
use crate::buffer::{Scratch, Shared};

/// `G g Gᵀ` of every kernel plane: `[group][component][block of channels][input][z][channel]`.
pub(super) fn transform_weights(
    gather: &ConvLayout,
    taps: &Taps,
    layers: usize,
    weights: &[f32],
) -> Scratch {
    let padded = padded_channels(gather.out_channels).next_multiple_of(CHANNELS);
    let terms = gather.in_channels * if layers > 1 { 1 } else { taps.z.len() };
    let component = padded * terms;
    let (side, count) = (taps.side(), taps.order[0].len());
    // The place of each tap along z among them by offset.
    let order_z: Vec<usize> = (taps.z.iter())
        .map(|tap| taps.z.iter().filter(|other| other.0 < tap.0).count())
        .collect();
    let mut packed = Scratch::any(gather.groups * side * side * layers * component);
    let shared = Shared::new(packed.as_mut_slice());
    let plane = gather.kernel[0] * gather.kernel[1];
    let blocks = padded / CHANNELS;
    (0..gather.groups * blocks).into_par_iter().for_each(|job| {
        let (group, first) = (job / blocks, job % blocks * CHANNELS);
        // SAFETY: components of a group stand one after the other, and within one the blocks of
        // different jobs are [`CHANNELS`] channels apart and as long.
        let place = |index: usize| unsafe {
            let start = (group * side * side * layers + index) * component + first * terms;
            shared.part(start, terms * CHANNELS)
        };
        let mut to: Vec<&mut [f32]> = (0..side * side * layers).map(place).collect();
        let mut planes = [[[0.0; CHANNELS]; 16]; 3];
        for input in 0..gather.in_channels {
            for (z, &(_, tap_z)) in taps.z.iter().enumerate() {
                let at = (input * taps.z.len() + z) * CHANNELS;
                let kernels = Kernels {
                    weights: &weights[group * gather.weights.group
                        + first * gather.weights.output
                        + input * gather.weights.input
                        + tap_z * plane..],
                    channels: CHANNELS.min(gather.out_channels - first),
                    step: gather.weights.output,
                    width: gather.kernel[0],
                    order: &taps.order,
                };
                if layers > 1 {
                    kernels.transform(transform_three, |index, value| {
                        planes[order_z[z]][index] = value;
                    });
                } else if count == 3 {
                    kernels.transform(transform_three, |index, value| {
                        to[index][at..at + CHANNELS].copy_from_slice(&value);
                    });
                } else {
                    kernels.transform(transform_five, |index, value| {
                        to[index][at..at + CHANNELS].copy_from_slice(&value);
                    });
                }
            }
            if layers > 1 {
                let at = input * CHANNELS;
                for index in 0..16 {
                    let column = [planes[0][index], planes[1][index], planes[2][index]];
                    for (layer, value) in transform_three(column).into_iter().enumerate() {
                        to[16 * layer + index][at..at + CHANNELS].copy_from_slice(&value);
                    }
                }
            }
        }
    });
    packed
}

type Four = [f32; CHANNELS];

/// One plane of the kernels of up to four output channels.
struct Kernels<'a> {
    /// From the first value of the first channel's plane on.
    weights: &'a [f32],
    channels: usize,
    /// Values from one channel to the next, and from one row of a plane to the next.
    step: usize,
    width: usize,
    order: &'a [Vec<usize>; 2],
}

impl Kernels<'_> {
    /// `G g Gᵀ`, where `along` is `G` along one axis; `put` receives each component.
    #[inline(always)]
    fn transform<const TAPS: usize, const SIDE: usize>(
        &self,
        along: impl Fn([Four; TAPS]) -> [Four; SIDE],
        mut put: impl FnMut(usize, Four),
    ) {
        let mut rows = [[[0.0; CHANNELS]; SIDE]; TAPS];
        for (row, &y) in rows.iter_mut().zip(&self.order[1]) {
            let mut taps = [[0.0; CHANNELS]; TAPS];
            for (tap, &x) in taps.iter_mut().zip(&self.order[0]) {
                for (channel, value) in tap[..self.channels].iter_mut().enumerate() {
                    *value = self.weights[channel * self.step + y * self.width + x];
                }
            }
            *row = along(taps);
        }
        for x in 0..SIDE {
            for (y, value) in along(rows.map(|row| row[x])).into_iter().enumerate() {
                put(y * SIDE + x, value);
            }
        }
    }
}

/// `G` times three taps: a polynomial's values at 0, 1, −1 and its last coefficient.
#[inline(always)]
fn transform_three([a, b, c]: [Four; 3]) -> [Four; 4] {
    let half = |sign: f32| std::array::from_fn(|i| 0.5 * (a[i] + sign * b[i] + c[i]));
    [a, half(1.0), half(-1.0), c]
}

/// `G` times five taps: a polynomial's values at 0, 1, −1, 2, −2 and its last coefficient, scaled so that `Bᵀ`
/// is whole numbers.
#[inline(always)]
fn transform_five([a, b, c, d, e]: [Four; 5]) -> [Four; 6] {
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
        e,
    ]
}
