//! The gradients of kernels from the sums of their components.

use super::super::plan::ConvLayout;
use super::Taps;
use super::division::{Division, Place};
use super::outer::INPUTS;
use crate::buffer::Shared;
use crate::simd::{MAX_LANES, Simd, Work};

/// The gradients of the kernels of four input channels and a task's output channels.
pub(super) struct Kernels<'a> {
    pub division: &'a Division,
    pub gather: &'a ConvLayout,
    pub taps: &'a Taps,
    pub partials: &'a [f32],
    pub place: Place,
    pub quad: usize,
    pub weights: &'a Shared<'a>,
}

impl Work for Kernels<'_> {
    type Output = ();

    /// Adds the chunks' sums in order, `Gᵀ m G`, and puts the kernels into their places.
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (division, gather) = (self.division, self.gather);
        let (first_in, first_out) = (
            self.place.input * division.inputs + self.quad * INPUTS,
            self.place.out * division.width,
        );
        let volume: usize = gather.kernel.iter().product();
        let mut found = [[0.0; MAX_LANES]; 9];
        for channel in 0..INPUTS.min(gather.in_channels.saturating_sub(first_in)) {
            for (z, &(_, kernel_z)) in self.taps.z.iter().enumerate() {
                let row = ((self.quad * division.taps + z) * INPUTS + channel) * division.width;
                for lane in (0..division.width).step_by(S::LANES) {
                    self.kernel(simd, row + lane, &mut found);
                    let outs = gather.out_channels.saturating_sub(first_out + lane);
                    for out in 0..outs.min(S::LANES) {
                        let at = self.place.group * gather.weights.group
                            + (first_out + lane + out) * gather.weights.output
                            + (first_in + channel) * gather.weights.input
                            + kernel_z * gather.kernel[0] * gather.kernel[1];
                        debug_assert!(volume >= (kernel_z + 1) * 9);
                        // SAFETY: no other job has these input and output channels, and this one goes
                        // through the planes of their kernels one after the other.
                        let to = unsafe { self.weights.part(at, 9) };
                        for (index, found) in found.iter().enumerate() {
                            let [y, x] = [index / 3, index % 3];
                            to[self.taps.order[1][y] * 3 + self.taps.order[0][x]] = found[out];
                        }
                    }
                }
            }
        }
    }
}

impl Kernels<'_> {
    /// One vector of output channels: a plane of a kernel each.
    #[inline(always)]
    fn kernel<S: Simd>(&self, simd: S, row: usize, found: &mut [[f32; MAX_LANES]; 9]) {
        let division = self.division;
        let mut m = [[simd.splat(0.0); 4]; 4];
        for chunk in 0..division.chunks {
            let task = division.task(
                self.gather,
                Place {
                    chunk,
                    ..self.place
                },
            );
            let partial = &self.partials[task * division.partial()..][..division.partial()];
            for (index, sum) in m.as_flattened_mut().iter_mut().enumerate() {
                let from = &partial[index * division.component() + row..][..S::LANES];
                // SAFETY: the slice is a vector long.
                *sum = unsafe { simd.add(*sum, simd.load(from.as_ptr())) };
            }
        }
        let mut rows = [[simd.splat(0.0); 3]; 4];
        for (to, row) in rows.iter_mut().zip(m) {
            *to = taps(simd, row);
        }
        for x in 0..3 {
            let column = taps(simd, [rows[0][x], rows[1][x], rows[2][x], rows[3][x]]);
            for (y, value) in column.into_iter().enumerate() {
                let to = &mut found[3 * y + x];
                // SAFETY: no level has more lanes than there is room for.
                unsafe { simd.store(to.as_mut_ptr(), value) };
            }
        }
    }
}

/// `Gᵀ m` along one axis. The last component has the other sign, as the gradients' last has (see
/// [`transform_gradient`]).
#[inline(always)]
fn taps<S: Simd>(simd: S, [a, b, c, d]: [S::Vector; 4]) -> [S::Vector; 3] {
    let (half, zero) = (simd.splat(0.5), simd.splat(0.0));
    let both = simd.add(b, c);
    [
        simd.mul_add(half, both, a),
        simd.mul_add(half, simd.sub(b, c), zero),
        simd.sub(simd.mul_add(half, both, zero), d),
    ]
}
