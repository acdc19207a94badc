//! Convolutions with 3 × 3 or 5 × 5 taps along x and y and stride 1 through Winograd's F(2×2, 3×3) and
//! F(2×2, 5×5) (Lavin and Gray 2016): 12 products an output where the sum has 27, 45 where it has 125.
//! Each 4 × 4 (6 × 6) patch of the input becomes 16 (36) components, each a convolution along z and over
//! channels by itself; they give four outputs. With three taps along z and AVX-512, large inputs are transformed
//! along z as well, F(2×2×2, 3×3×3): 8 products an output, 64 components that are sums over channels alone.

mod division;
mod fill;
mod kernels;
mod outer;
mod plan;
mod transform;
mod turn;
mod weight_gradient;
mod weights;

pub(crate) use weight_gradient::run as weight_gradient;

use rayon::prelude::*;

use self::fill::Fill;
use self::plan::{MakePlan, Plan};
use self::transform::{inverse, inverse_z};
use self::weights::transform_weights;
use super::finish::{Finish, pad_bias};
use super::micro::{Accumulate, CHANNELS};
use super::plan::ConvLayout;
use super::tile::{Block, blocks, copy_vectors};
use super::weights::padded_channels;
use crate::buffer::{Scratch, Shared};
use crate::simd::{MAX_LANES, Simd, SimdLevel, Work, dispatch, prefetch_all};

/// Components of a patch along one axis, at most: one more than there are taps.
const MOST: usize = 6;
/// Fewest channels in and out for which the transforms cost less than they save.
const FEWEST: usize = 8;
/// Fewest outputs of a channel for which five taps do: their weights cost more to transform.
const FEWEST_OUTPUTS: usize = 1024;
/// The taps of a gather that can be transformed.
pub(crate) struct Taps {
    /// Least offset along x and y, and the kernel's index for it and those after it.
    first: [isize; 2],
    order: [Vec<usize>; 2],
    /// Offset and kernel's index along z.
    z: Vec<(isize, usize)>,
}

impl Taps {
    /// The taps, if there are three or five next to each other along x and y, and channels enough.
    pub fn of(gather: &ConvLayout) -> Option<Self> {
        let channels = gather.in_channels.min(gather.out_channels);
        if gather.stride != [1; 3] || gather.step != [1; 3] || channels < FEWEST {
            return None;
        }
        let neighbours = |axis: usize| {
            let mut taps = gather.taps[axis][0].clone();
            taps.sort_by_key(|tap| tap.offset);
            let close = taps
                .windows(2)
                .all(|pair| pair[1].offset == pair[0].offset + 1);
            let order: Vec<usize> = taps.iter().map(|tap| tap.kernel).collect();
            (close && matches!(order.len(), 3 | 5)).then_some((taps[0].offset, order))
        };
        let [x, y] = [neighbours(0)?, neighbours(1)?];
        let outputs: usize = gather.grid.iter().product();
        if x.1.len() != y.1.len() || (x.1.len() == 5 && outputs < FEWEST_OUTPUTS) {
            return None;
        }
        let z = gather.taps[2][0]
            .iter()
            .map(|tap| (tap.offset, tap.kernel))
            .collect();
        Some(Self {
            first: [x.0, y.0],
            order: [x.1, y.1],
            z,
        })
    }

    /// Components of a patch along one axis.
    pub fn side(&self) -> usize {
        self.order[0].len() + 1
    }
}

/// Computes the gather into `output`.
pub(crate) fn run(
    gather: &ConvLayout,
    taps: &Taps,
    input: &[f32],
    weights: &[f32],
    bias: Option<&[f32]>,
    finish: &Finish,
    output: &mut [f32],
) {
    let path = SimdLevel::current();
    let plan = dispatch(path, MakePlan { gather, taps });
    let weights = transform_weights(gather, taps, plan.layers, weights);
    let grid = plan.grid;
    let blocks = blocks([grid[1], grid[2]], plan.block);
    let bias = pad_bias(gather, bias);
    let shared = Shared::new(output);
    let tasks = gather.batch * gather.groups * blocks.len() * plan.splits;
    (0..tasks).into_par_iter().for_each_init(
        || Buffers::new(&plan, gather.input[0]),
        |buffers, task| {
            let (split, task) = (task % plan.splits, task / plan.splits);
            let (index, task) = (task % blocks.len(), task / blocks.len());
            let tile = TileTask {
                plan: &plan,
                gather,
                taps,
                input,
                weights: weights.as_slice(),
                bias: &bias,
                finish,
                output: &shared,
                buffers,
                block: blocks[index],
                index,
                blocks: blocks.len(),
                group: task % gather.groups,
                sample: task / gather.groups,
                channels: split * plan.split
                    ..((split + 1) * plan.split).min(padded_channels(gather.out_channels)),
            };
            dispatch(path, tile);
        },
    );
}

/// The number of blocks that the outputs of one channel are computed in.
pub(crate) fn blocks_of(gather: &ConvLayout, taps: &Taps) -> usize {
    let plan = dispatch(SimdLevel::current(), MakePlan { gather, taps });
    blocks([plan.grid[1], plan.grid[2]], plan.block).len()
}

struct Buffers {
    tile: Scratch,
    /// Components along x and y of a channel, where there are some along z.
    flat: Scratch,
    sums: Scratch,
    bases: Vec<usize>,
    /// Zeros in the place of an input row.
    zeros: Vec<f32>,
    /// An input row with the zeros around it.
    row: Vec<f32>,
    /// Rows of a plane: copied, or transformed along x, each component whole vectors.
    rows: Scratch,
    /// Even and odd output rows of a plane.
    pair: [Vec<f32>; 2],
}

impl Buffers {
    /// For inputs with rows of `size_x`.
    fn new(plan: &Plan, size_x: usize) -> Self {
        let (x, side) = (plan.width, plan.side);
        let rows = (2 * plan.block[0] + side - 2) * side * x;
        Self {
            tile: Scratch::zeros(plan.components() * plan.component + MAX_LANES),
            flat: Scratch::zeros(if plan.layers > 1 {
                16 * plan.whole.max(2 * plan.plane + 16)
            } else {
                0
            }),
            sums: Scratch::any(
                plan.components() * plan.sums(plan.sum_planes(plan.block[1]) * plan.plane)
                    + MAX_LANES,
            ),
            bases: Vec::new(),
            zeros: vec![0.0; size_x],
            row: vec![0.0; 2 * x + side - 2],
            rows: Scratch::zeros(rows.max(4 * plan.copied)),
            pair: [vec![0.0; 2 * plan.plane], vec![0.0; 2 * plan.plane]],
        }
    }
}

/// One block of patches of one sample and group, for a range of its output channels.
struct TileTask<'a> {
    plan: &'a Plan,
    gather: &'a ConvLayout,
    taps: &'a Taps,
    input: &'a [f32],
    weights: &'a [f32],
    bias: &'a [f32],
    finish: &'a Finish<'a>,
    output: &'a Shared<'a>,
    buffers: &'a mut Buffers,
    block: Block,
    /// Which block it is, of how many.
    index: usize,
    blocks: usize,
    group: usize,
    sample: usize,
    channels: std::ops::Range<usize>,
}

impl Work for TileTask<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let vectors = (self.block.length[0] * self.plan.grid[0]).div_ceil(S::LANES);
        let bases = &mut self.buffers.bases;
        bases.clear();
        for z in 0..self.plan.sum_planes(self.block.length[1]) {
            bases.extend((0..vectors).map(|vector| z * self.plan.plane + vector * S::LANES));
        }
        let mut first = 0;
        while first < self.gather.in_channels {
            let count = self.plan.chunk.min(self.gather.in_channels - first);
            let fill = Fill {
                plan: self.plan,
                gather: self.gather,
                taps: self.taps,
                input: self.input,
                block: self.block,
                group: self.group,
                sample: self.sample,
            };
            fill.run(simd, first..first + count, self.buffers);
            self.accumulate(simd, first, count);
            first += count;
        }
        self.finish(simd, vectors * S::LANES);
    }
}

impl TileTask<'_> {
    /// Adds the chunk to the sums of all components and channels.
    #[inline(always)]
    fn accumulate<S: Simd>(&mut self, simd: S, first: usize, count: usize) {
        let plan = self.plan;
        let step = self.buffers.bases.len() * S::LANES;
        let taps = if plan.layers > 1 {
            1
        } else {
            self.taps.z.len()
        };
        let terms = self.gather.in_channels * taps;
        let padded = padded_channels(self.gather.out_channels).next_multiple_of(CHANNELS);
        for component in 0..plan.components() {
            let tile = &self.buffers.tile.as_slice()[component * plan.component..];
            for channel in self.channels.clone().step_by(CHANNELS) {
                let weights = (self.group * plan.components() + component) * padded * terms
                    + channel * terms
                    + first * taps * CHANNELS;
                let mut bias = [0.0; CHANNELS];
                if component == plan.side + 1 + if plan.layers > 1 { 16 } else { 0 } {
                    // The one component that goes into all outputs with the factor 1.
                    let from = padded_channels(self.gather.out_channels);
                    let from = &self.bias[self.group * from..][..from];
                    from[channel..]
                        .iter()
                        .zip(&mut bias)
                        .for_each(|(from, to)| *to = *from);
                }
                let sums = component * plan.sums(step) + (channel - self.channels.start) * step;
                let sums = &mut self.buffers.sums.as_mut_slice()[sums..sums + CHANNELS * step];
                let block = Accumulate {
                    tile,
                    offsets: &plan.offsets[..count * taps],
                    weights: &self.weights[weights..weights + count * taps * CHANNELS],
                    sum_step: step,
                    start: (first == 0).then_some(&bias[..]),
                };
                // SAFETY: bases and offsets are the plan's own, for whose block and channels the tile
                // was made; planes are whole vectors; the others were cut to length.
                unsafe { block.run_all::<S, CHANNELS>(simd, &self.buffers.bases, sums) };
            }
        }
    }

    /// `Aᵀ m A` of every patch, to where its outputs belong. `plane` is the sums' step along z.
    #[inline(always)]
    fn finish<S: Simd>(&mut self, simd: S, plane: usize) {
        let [size_x, size_y, size_z] = self.gather.output;
        let x = self.plan.grid[0];
        let step = plane * self.plan.sum_planes(self.block.length[1]);
        let sums = self.buffers.sums.as_slice();
        let deep = self.plan.layers > 1;
        let flat = self.buffers.flat.as_mut_slice();
        let [even, odd] = &mut self.buffers.pair;
        let straight = size_x == 2 * x && x.is_multiple_of(S::LANES);
        for channel in self.channels.start..self.channels.end.min(self.gather.out_channels) {
            let within = self.group * self.gather.out_channels + channel;
            let all = self.gather.groups * self.gather.out_channels;
            let mut rows = self.finish.rows(within, self.sample * all + within);
            for z in 0..self.block.length[1] {
                let at = (channel - self.channels.start) * step;
                let (sums, component) = if deep {
                    let flat_step = 2 * plane + 16;
                    if z % 2 == 0 {
                        let sums = &sums[at + z / 2 * plane..];
                        inverse_z(simd, sums, self.plan.sums(step), plane, flat, flat_step);
                    }
                    (&flat[z % 2 * plane..], flat_step)
                } else {
                    (&sums[at + z * plane..], self.plan.sums(step))
                };
                if !straight {
                    // Patches of all rows one after the other.
                    let (even, odd) = (&mut even[..2 * plane], &mut odd[..2 * plane]);
                    inverse(simd, self.plan.side, sums, component, even, odd);
                }
                for pair in 0..self.block.length[0] {
                    let y = 2 * (self.block.start[0] + pair);
                    let start =
                        ((rows.row * size_z + self.block.start[1] + z) * size_y + y) * size_x;
                    let count = if y + 1 < size_y { 2 } else { 1 };
                    // SAFETY: each task has a block, channels and a sample of its own, and goes through
                    // its pairs of rows one after the other.
                    let to = unsafe { self.output.part(start, count * size_x) };
                    // The next channel's rows are in other pages, which hardware prefetching does not reach.
                    let next = to.as_ptr().wrapping_add(size_x * size_y * size_z);
                    prefetch_all(next, to.len());
                    if straight && count == 2 {
                        let (even, odd) = to.split_at_mut(size_x);
                        inverse(
                            simd,
                            self.plan.side,
                            &sums[pair * x..],
                            component,
                            even,
                            odd,
                        );
                    } else if straight {
                        let odd = &mut odd[..size_x];
                        inverse(simd, self.plan.side, &sums[pair * x..], component, to, odd);
                    } else {
                        for (to, from) in to.chunks_exact_mut(size_x).zip([&*even, &*odd]) {
                            copy_vectors(simd, &from[2 * pair * x..][..size_x], to);
                        }
                    }
                    rows.finish(to);
                }
            }
            rows.done(self.index, self.blocks);
        }
    }
}
