//! The gradient to the weights through Winograd's components: the input's and the output gradient's, multiplied
//! and summed over all patches, give the components of the kernels' gradients, with 16 products for 36.
//!
//! The gradients of a patch for all output channels of a task stand side by side, so that a product adds to the
//! sums of a vector of output channels and no sum over lanes is needed.

use rayon::prelude::*;

use super::super::plan::ConvLayout;
use super::super::tile::{Block, blocks};
use super::fill::Fill;
use super::outer::{INPUTS, Outer};
use super::plan::Plan;
use super::turn::{Turn, transform_gradient};
use super::{Buffers, Taps};
use crate::buffer::{Scratch, Shared};
use crate::simd::{MAX_LANES, Simd, SimdLevel, Work, dispatch, prefetch_all};
use crate::sum::channel_sums;

/// Patches of a tile.
const POSITIONS: usize = 128;
/// Input channels of a task, and of one filling of its tile.
const TASK_INPUTS: usize = 64;
const FILLING: usize = 16;
/// Tasks aimed at.
const TASKS: usize = 16;
/// Values of all partial sums together, at most.
const PARTIALS: usize = 16 << 20;
/// Components of a patch.
const COMPONENTS: usize = 16;

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

/// How the sums are divided into tasks.
struct Division {
    plan: Plan,
    blocks: Vec<Block>,
    /// Parts that the tiles of all samples are summed in.
    chunks: usize,
    /// Parts of the output channels, and the channels of each: one vector or two.
    outs: usize,
    width: usize,
    /// Parts of the input channels, and the channels of each, a multiple of [`INPUTS`].
    ins: usize,
    inputs: usize,
    taps: usize,
    /// The offset in the tile of the first of each four of channels at each tap along z.
    offsets: Vec<usize>,
}

/// What a task computes.
#[derive(Clone, Copy)]
struct Place {
    chunk: usize,
    group: usize,
    out: usize,
    input: usize,
}

struct MakeDivision<'a> {
    gather: &'a ConvLayout,
    taps: &'a Taps,
}

impl Work for MakeDivision<'_> {
    type Output = Division;

    #[inline(always)]
    fn run<S: Simd>(self, _simd: S) -> Division {
        Division::new(self.gather, self.taps, S::LANES)
    }
}

impl Division {
    fn new(gather: &ConvLayout, taps: &Taps, lanes: usize) -> Self {
        let width = if gather.out_channels > lanes {
            2 * lanes
        } else {
            lanes
        };
        let outs = gather.out_channels.div_ceil(width);
        let ins = gather.in_channels.div_ceil(TASK_INPUTS);
        let inputs = gather.in_channels.div_ceil(ins).next_multiple_of(INPUTS);
        let ins = gather.in_channels.div_ceil(inputs);
        let fillings = inputs.div_ceil(FILLING);
        let filling = inputs.div_ceil(fillings).next_multiple_of(INPUTS);
        let plan = Plan::of_patches(gather, taps, lanes, POSITIONS, filling);
        let offsets = plan
            .offsets
            .chunks_exact(taps.z.len() * INPUTS)
            .flat_map(|four| &four[..taps.z.len()])
            .copied()
            .collect();
        let blocks = blocks([plan.grid[1], plan.grid[2]], plan.block);
        let tiles = blocks.len() * gather.batch;
        let whole = COMPONENTS * inputs * taps.z.len() * width * outs * ins * gather.groups;
        let chunks = TASKS
            .div_ceil(gather.groups * outs * ins)
            .min(PARTIALS / whole)
            .clamp(1, tiles.max(1));
        Self {
            plan,
            blocks,
            chunks,
            outs,
            width,
            ins,
            inputs,
            taps: taps.z.len(),
            offsets,
        }
    }

    fn tasks(&self, gather: &ConvLayout) -> usize {
        self.chunks * gather.groups * self.outs * self.ins
    }

    /// Tasks of one chunk are next to each other.
    fn place(&self, gather: &ConvLayout, task: usize) -> Place {
        let (input, task) = (task % self.ins, task / self.ins);
        let (out, task) = (task % self.outs, task / self.outs);
        let (group, chunk) = (task % gather.groups, task / gather.groups);
        Place {
            chunk,
            group,
            out,
            input,
        }
    }

    fn task(&self, gather: &ConvLayout, place: Place) -> usize {
        ((place.chunk * gather.groups + place.group) * self.outs + place.out) * self.ins
            + place.input
    }

    /// Fours of input channels of a task.
    fn quads(&self) -> usize {
        self.inputs / INPUTS
    }

    /// Values of a task's sums of one component: `[four inputs][z][input][output]`.
    fn component(&self) -> usize {
        self.inputs * self.taps * self.width
    }

    /// Values of one component of a tile's gradients; not a multiple of 4 KiB (see [`Plan`]).
    fn turned(&self) -> usize {
        self.plan.block[1] * self.plan.block[0] * self.plan.grid[0] * self.width + 16
    }

    fn partial(&self) -> usize {
        COMPONENTS * self.component()
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
                // The next rows of all channels are in other pages, which processors do not foresee.
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

/// The gradients of the kernels of four input channels and a task's output channels.
struct Kernels<'a> {
    division: &'a Division,
    gather: &'a ConvLayout,
    taps: &'a Taps,
    partials: &'a [f32],
    place: Place,
    quad: usize,
    weights: &'a Shared<'a>,
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
