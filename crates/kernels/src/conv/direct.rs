//! Runs a gather (a convolution, or its gradient to the input) product by product: tiles of outputs in
//! parallel, each from a tile of the input in the caches, input channels (or pairs of them) in chunks of fixed size.

use rayon::prelude::*;

use super::finish::{Finish, pad_bias};
use super::micro::{Accumulate, CHANNELS};
use super::plan::ConvLayout;
use super::terms::Terms;
use super::tile::{Block, TileLayout, blocks, choose_block};
use super::weights::{PackedWeights, channel_blocks, padded_channels};
use super::write::{Plane, Write};
use crate::buffer::{Scratch, Shared};
use crate::element::Stored;
use crate::simd::{MAX_LANES, Simd, SimdLevel, Work, dispatch};

/// Terms summed from one filling of the tile; its part of 24 positions stays in the first cache.
const TERMS: usize = 256;
/// Sums of one tile, in values, that stay in the second cache.
const SUMS: usize = 40 * 1024;

/// Computes the gather into `output`; weights were packed for the terms, and `bias` has one value an output channel of
/// all groups.
pub(crate) fn run<T: Terms, O: Stored>(
    gather: &ConvLayout,
    terms: T,
    packed: &PackedWeights,
    bias: Option<&[f32]>,
    finish: &Finish,
    output: &mut [O],
) {
    let path = SimdLevel::current();
    let channels = T::CHANNELS;
    let plan = dispatch(path, MakePlan { gather, channels });
    let blocks = blocks([gather.grid[1], gather.grid[2]], plan.layout.block);
    let shared = Shared::new(output);
    let bias = pad_bias(gather, bias);
    let tasks = gather.batch * gather.groups * blocks.len();
    (0..tasks).into_par_iter().for_each_init(
        || Buffers::new::<O>(&plan, gather.output[0]),
        |buffers, task| {
            let block = blocks[task % blocks.len()];
            let group = task / blocks.len() % gather.groups;
            let sample = task / (blocks.len() * gather.groups);
            let tile = TileTask {
                plan: &plan,
                gather,
                terms,
                packed,
                bias: &bias,
                sample,
                group,
                block,
                buffers,
                output: &shared,
                finish,
                index: task % blocks.len(),
                blocks: blocks.len(),
            };
            dispatch(path, tile);
        },
    );
}

/// The number of blocks that the outputs of one channel are computed in.
pub(crate) fn blocks_of(gather: &ConvLayout) -> usize {
    // Blocks do not depend on how many channels a term has.
    let channels = 1;
    let plan = dispatch(SimdLevel::current(), MakePlan { gather, channels });
    blocks([gather.grid[1], gather.grid[2]], plan.layout.block).len()
}

/// What all tiles of one gather share.
struct Plan {
    layout: TileLayout,
    /// Input channels, or pairs of them, and those of a chunk.
    inputs: usize,
    chunk: usize,
    /// Each phase with its taps' places in the tile, for all channels of a chunk.
    phases: Vec<([usize; 3], Vec<usize>, usize)>,
    blocks: Vec<(usize, usize)>,
    channels: usize,
    lanes: usize,
}

struct MakePlan<'a> {
    gather: &'a ConvLayout,
    /// Input channels of a term.
    channels: usize,
}

impl Work for MakePlan<'_> {
    type Output = Plan;

    #[inline(always)]
    fn run<S: Simd>(self, _simd: S) -> Plan {
        Plan::new(self.gather, self.channels, S::LANES)
    }
}

impl Plan {
    fn new(gather: &ConvLayout, in_term: usize, lanes: usize) -> Self {
        let inputs = gather.in_channels.div_ceil(in_term);
        let channels = padded_channels(gather.out_channels);
        let phases = gather.phases();
        let taps: Vec<_> = phases
            .iter()
            .map(|&phase| gather.phase_taps(phase))
            .collect();
        let most = taps.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let chunks = inputs.div_ceil((TERMS / most).max(1));
        let chunk = inputs.div_ceil(chunks);
        let block = choose(gather, channels * phases.len());
        let layout = TileLayout::new(gather, block, lanes);
        let phases = phases
            .into_iter()
            .zip(taps)
            .map(|(phase, taps)| {
                let places: Vec<usize> = taps.iter().map(|&(_, at)| layout.tap(at)).collect();
                let offsets = (0..chunk)
                    .flat_map(|channel| places.iter().map(move |place| (channel, *place)))
                    .map(|(channel, place)| channel * layout.channel + place)
                    .collect();
                (phase, offsets, taps.len())
            })
            .collect();
        Self {
            layout,
            inputs,
            chunk,
            phases,
            blocks: channel_blocks(gather.out_channels),
            channels,
            lanes,
        }
    }

    /// Values of one channel's sums of one phase.
    fn positions(&self) -> usize {
        self.layout.block[1] * self.layout.vectors(self.layout.block[0]) * self.lanes
    }
}

/// The block of the grid that one task computes.
fn choose(gather: &ConvLayout, sums: usize) -> [usize; 2] {
    let deep = gather.offsets(2).len() > 1;
    let mut positions = (SUMS / sums).clamp(96, 1024);
    loop {
        let block = choose_block(gather.grid, positions, deep);
        let tasks = gather.batch
            * gather.groups
            * gather.grid[1].div_ceil(block[0])
            * gather.grid[2].div_ceil(block[1]);
        // Enough tasks that the last ones do not leave processors idle, unless tiles get tiny.
        if tasks >= 16 || positions <= 96 {
            return block;
        }
        positions /= 2;
    }
}

struct Buffers {
    tile: Scratch,
    sums: Scratch,
    bases: Vec<usize>,
    /// A row of outputs, or a plane of rows, before it is rounded.
    row: Vec<f32>,
}

impl Buffers {
    /// For outputs with rows of `size_x`.
    fn new<O: Stored>(plan: &Plan, size_x: usize) -> Self {
        let row = if O::BF16 {
            plan.layout.block[0] * size_x
        } else {
            0
        };
        Self {
            row: vec![0.0; row],
            tile: Scratch::zeros(plan.layout.len(plan.chunk)),
            sums: Scratch::any(plan.phases.len() * plan.channels * plan.positions() + MAX_LANES),
            bases: Vec::new(),
        }
    }
}

/// One block of the grid of one sample and group: all its output channels and phases.
struct TileTask<'a, T, O> {
    plan: &'a Plan,
    gather: &'a ConvLayout,
    terms: T,
    packed: &'a PackedWeights,
    bias: &'a [f32],
    sample: usize,
    group: usize,
    block: Block,
    buffers: &'a mut Buffers,
    output: &'a Shared<'a, O>,
    finish: &'a Finish<'a>,
    /// Which block it is, of how many.
    index: usize,
    blocks: usize,
}

impl<T: Terms, O: Stored> Work for TileTask<'_, T, O> {
    type Output = ();
    const BF16: bool = T::BF16 || O::BF16;

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        self.plan
            .layout
            .bases(self.block.length, &mut self.buffers.bases);
        let mut first = 0;
        while first < self.plan.inputs {
            let count = self.plan.chunk.min(self.plan.inputs - first);
            self.fill(simd, first, count);
            self.accumulate(simd, first, count);
            first += count;
        }
        self.finish(simd);
    }
}

impl<T: Terms, O: Stored> TileTask<'_, T, O> {
    /// Copies the chunk's channels into the tile.
    #[inline(always)]
    fn fill<S: Simd>(&mut self, simd: S, first: usize, count: usize) {
        let (size, layout) = (self.gather.input, &self.plan.layout);
        let lanes = |index| {
            self.terms
                .lanes(self.gather, self.sample, self.group, index)
        };
        let tiles = self.buffers.tile.as_mut_slice().chunks_mut(layout.channel);
        for (index, tile) in (first..first + count).zip(tiles) {
            if let Some(next) = lanes(index + 1) {
                layout.fetch_ahead(next, size, self.block);
            }
            if let Some(input) = lanes(index) {
                layout.fill(simd, input, size, self.block, tile);
            }
        }
    }

    /// Adds the chunk to the sums of all phases and channels.
    #[inline(always)]
    fn accumulate<S: Simd>(&mut self, simd: S, first: usize, count: usize) {
        let plan = self.plan;
        let step = self.buffers.bases.len() * S::LANES;
        for (index, (_, offsets, taps)) in plan.phases.iter().enumerate() {
            for &(channel, width) in &plan.blocks {
                let weights = self
                    .packed
                    .block(index, self.group, (channel, width), first);
                let bias = &self.bias[self.group * plan.channels + channel..][..width];
                let sums = (index * plan.channels + channel) * step;
                let bases = &self.buffers.bases;
                let sums = &mut self.buffers.sums.as_mut_slice()[sums..sums + width * step];
                let block = Accumulate {
                    product: self.terms.product(),
                    tile: self.buffers.tile.as_slice(),
                    offsets: &offsets[..count * taps],
                    weights: &weights[..count * taps * width],
                    sum_step: step,
                    start: (first == 0).then_some(bias),
                };
                // SAFETY: bases and offsets are the layout's own, for whose block and channels the
                // tile was made, with slack for the last vector; the others were cut to length, of
                // which there are four, two or one channels (`channel_blocks`).
                unsafe {
                    match width {
                        CHANNELS => block.run_all::<S, CHANNELS>(simd, bases, sums),
                        2 => block.run_all::<S, 2>(simd, bases, sums),
                        _ => block.run_all::<S, 1>(simd, bases, sums),
                    }
                }
            }
        }
    }

    /// Writes the sums where they belong.
    #[inline(always)]
    fn finish<S: Simd>(&mut self, simd: S) {
        let plan = self.plan;
        let lanes = self.buffers.bases.len() / self.block.length[1] * plan.lanes;
        let step = lanes * self.block.length[1];
        let sums = self.buffers.sums.as_slice();
        let write = Write {
            gather: self.gather,
            block: self.block,
            output: self.output,
        };
        for channel in 0..self.gather.out_channels {
            let within = self.group * self.gather.out_channels + channel;
            let all = self.gather.groups * self.gather.out_channels;
            let mut rows = self.finish.rows(within, self.sample * all + within);
            for z in 0..self.block.length[1] {
                for (index, (phase, _, _)) in plan.phases.iter().enumerate() {
                    // All phases of x are written at once.
                    if phase[0] == 0 {
                        let from = (index * plan.channels + channel) * step + z * lanes;
                        let plane = Plane {
                            sums: &sums[from..],
                            phase_step: plan.channels * step,
                            z,
                            phase: [phase[1], phase[2]],
                        };
                        write.plane(simd, plane, &mut rows, &mut self.buffers.row);
                    }
                }
            }
            rows.done(self.index, self.blocks);
        }
    }
}
