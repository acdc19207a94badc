//! The gradient to the weights through Winograd's components: the input's and the output gradient's, multiplied
//! and summed over all patches, give the components of the kernels' gradients, with 16 products for 36.
//!
//! The gradients of a patch for all output channels of a task stand side by side, so that a product adds to the
//! sums of a vector of output channels and no sum over lanes is needed.

use rayon::prelude::*;

use super::super::plan::ConvLayout;
use super::super::tile::Block;
use super::division::{COMPONENTS, Division, MakeDivision, Place};
use super::fill::Fill;
use super::kernels::Kernels;
use super::outer::{INPUTS, Outer};
use super::turn::{Turn, transform_gradient};
use super::{Buffers, Taps};
use crate::buffer::{Scratch, Shared};
use crate::simd::{Simd, SimdLevel, Work, dispatch, prefetch_all};
use crate::sum::channel_sums;

/// Writes the gradient to the weights of the convolution `gather`, whose taps are `taps`, and to its bias.
pub(crate) fn run(
    gather: &ConvLayout,
    taps: &Taps,
    input: &[f32],
    gradient: &[f32],
    weights: &mut [f32],
    bias: Option<&mut [f32]>,
) {
    let path = SimdLevel::current();
    let division = dispatch(path, MakeDivision { gather, taps });
    let mut partials = Scratch::any(division.tasks(gather) * division.partial());
    let shared = Shared::new(partials.as_mut_slice());
    (0..division.tasks(gather))
        .into_par_iter()
        .for_each(|task| {
            // SAFETY: parts of tasks with different numbers are `partial` apart and as long.
            let partial = unsafe { shared.part(task * division.partial(), division.partial()) };
            let part = Part {
                division: &division,
                gather,
                taps,
                input,
                gradient,
                place: division.place(gather, task),
                partial,
            };
            dispatch(path, part);
        });
    let weights = Shared::new(weights);
    (0..division.tasks(gather) / division.chunks * division.quads())
        .into_par_iter()
        .for_each(|job| {
            let kernels = Kernels {
                division: &division,
                gather,
                taps,
                partials: partials.as_slice(),
                place: division.place(gather, job / division.quads()),
                quad: job % division.quads(),
                weights: &weights,
            };
            dispatch(path, kernels);
        });
    if let Some(bias) = bias {
        channel_sums(gradient, gather.batch, bias.len(), bias);
    }
}

/// The sums of one task.
struct Part<'a> {
    division: &'a Division,
    gather: &'a ConvLayout,
    taps: &'a Taps,
    input: &'a [f32],
    gradient: &'a [f32],
    place: Place,
    partial: &'a mut [f32],
}

impl Work for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let (division, plan) = (self.division, &self.division.plan);
        let tiles = division.blocks.len() * self.gather.batch;
        let range = self.place.chunk * tiles / division.chunks
            ..(self.place.chunk + 1) * tiles / division.chunks;
        if range.is_empty() {
            self.partial.fill(0.0);
            return;
        }
        let mut buffers = Buffers::new(plan, self.gather.input[0]);
        let mut gradients = Scratch::zeros(COMPONENTS * division.turned());
        let mut turn = Turn::new::<S>(plan, division.width);
        let first = self.place.input * division.inputs;
        let last = (first + division.inputs).min(self.gather.in_channels);
        for tile in range.clone() {
            let (sample, block) = (
                tile / division.blocks.len(),
                division.blocks[tile % division.blocks.len()],
            );
            self.turn(simd, sample, block, &mut turn, &mut gradients);
            for from in (first..last).step_by(plan.chunk) {
                let to = (from + plan.chunk).min(last);
                let fill = Fill {
                    plan,
                    gather: self.gather,
                    taps: self.taps,
                    input: self.input,
                    block,
                    group: self.place.group,
                    sample,
                };
                fill.run(simd, from..to, &mut buffers);
                let inputs = from - first..to - first;
                self.multiply(
                    simd,
                    block,
                    inputs,
                    &buffers,
                    &gradients,
                    tile > range.start,
                );
            }
        }
    }
}

impl Part<'_> {
    /// The tile's gradients in Winograd's components, `[component][patch][output channel]`.
    #[inline(always)]
    fn turn<S: Simd>(
        &self,
        simd: S,
        sample: usize,
        block: Block,
        turn: &mut Turn,
        gradients: &mut Scratch,
    ) {
        let division = self.division;
        let [size_x, size_y, size_z] = self.gather.output;
        let voxels = size_x * size_y * size_z;
        let (x, width) = (division.plan.grid[0], division.width);
        let first = self.place.out * width;
        let channels = width.min(self.gather.out_channels - first);
        let group = sample * self.gather.groups + self.place.group;
        let gradient = &self.gradient[(group * self.gather.out_channels + first) * voxels..];
        let gradient = &gradient[..channels * voxels];
        let mut patch = 0;
        for z in block.start[1]..block.start[1] + block.length[1] {
            for pair in block.start[0]..block.start[0] + block.length[0] {
                // The next rows of all channels are in other pages, which hardware prefetching does not reach.
                let (next_pair, next_z) = if pair + 1 < block.start[0] + block.length[0] {
                    (pair + 1, z)
                } else {
                    (block.start[0], z + 1)
                };
                let next = (next_z * size_y + 2 * next_pair) * size_x;
                for channel in 0..channels {
                    let from = gradient.as_ptr().wrapping_add(channel * voxels + next);
                    prefetch_all(from, 2 * size_x);
                }
                for row in 0..2 {
                    let y = 2 * pair + row;
                    let at = (y < size_y).then_some((z * size_y + y) * size_x);
                    turn.row(simd, row, gradient, voxels, at, size_x);
                }
                let to = &mut gradients.as_mut_slice()[patch * width..];
                transform_gradient(simd, turn, x, width, to, division.turned());
                patch += x;
            }
        }
    }

    /// Adds the products of the tile's inputs and gradients to the sums.
    #[inline(always)]
    fn multiply<S: Simd>(
        &mut self,
        simd: S,
        block: Block,
        inputs: std::ops::Range<usize>,
        buffers: &Buffers,
        gradients: &Scratch,
        add: bool,
    ) {
        let (division, plan) = (self.division, &self.division.plan);
        let quads = inputs.start / INPUTS..inputs.end.div_ceil(INPUTS);
        let size = INPUTS * division.width;
        for component in 0..COMPONENTS {
            let sums = component * division.component();
            let sums = &mut self.partial[sums..sums + division.component()];
            let outer = Outer {
                tile: &buffers.tile.as_slice()[component * plan.component..],
                offsets: &division.offsets[..quads.len() * division.taps],
                step: plan.channel,
                gradients: &gradients.as_slice()[component * division.turned()..],
                planes: [block.length[1], plan.plane],
                patches: block.length[0] * plan.grid[0],
                add,
            };
            let sums =
                &mut sums[quads.start * division.taps * size..quads.end * division.taps * size];
            // SAFETY: the offsets are the plan's own, of the fours of channels that the tile was made for,
            // and so are planes and patches; the gradients hold as many patches a plane.
            unsafe { outer.run(simd, division.width, sums) };
        }
    }
}
