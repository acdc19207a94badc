//! Runs a gather (a convolution, or its gradient to the input) product by product: tiles of outputs in
//! parallel, each from a tile of the input in the caches, input channels in chunks of fixed size.

use rayon::prelude::*;

use super::finish::{Finish, FinishRows, pad_bias};
use super::micro::{Accumulate, CHANNELS};
use super::plan::ConvLayout;
use super::tile::{Block, TileLayout, blocks, choose_block};
use super::weights::{PackedWeights, channel_blocks, padded_channels};
use crate::buffer::{Scratch, Shared};
use crate::simd::{MAX_LANES, Simd, SimdLevel, Work, dispatch, interleave_rows, prefetch_all};

/// Terms summed from one filling of the tile; its part of 24 positions stays in the first cache.
const TERMS: usize = 256;
/// Sums of one tile, in values, that stay in the second cache.
const SUMS: usize = 40 * 1024;

/// Computes the gather into `output`; `bias` has one value an output channel of all groups.
pub(crate) fn run(
    gather: &ConvLayout,
    input: &[f32],
    weights: &[f32],
    bias: Option<&[f32]>,
    finish: &Finish,
    output: &mut [f32],
) {
    let path = SimdLevel::current();
    let packed = PackedWeights::new(gather, weights);
    let plan = dispatch(path, MakePlan { gather });
    let blocks = blocks([gather.grid[1], gather.grid[2]], plan.layout.block);
    let shared = Shared::new(output);
    let bias = pad_bias(gather, bias);
    let tasks = gather.batch * gather.groups * blocks.len();
    (0..tasks).into_par_iter().for_each_init(
        || Buffers::new(&plan),
        |buffers, task| {
            let block = blocks[task % blocks.len()];
            let group = task / blocks.len() % gather.groups;
            let sample = task / (blocks.len() * gather.groups);
            let tile = TileTask {
                plan: &plan,
                gather,
                input,
                packed: &packed,
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
    let plan = dispatch(SimdLevel::current(), MakePlan { gather });
    blocks([gather.grid[1], gather.grid[2]], plan.layout.block).len()
}

/// What all tiles of one gather share.
struct Plan {
    layout: TileLayout,
    /// Input channels of a chunk.
    chunk: usize,
    /// Each phase with its taps' places in the tile, for all channels of a chunk.
    phases: Vec<([usize; 3], Vec<usize>, usize)>,
    blocks: Vec<(usize, usize)>,
    channels: usize,
    lanes: usize,
}

struct MakePlan<'a> {
    gather: &'a ConvLayout,
}

impl Work for MakePlan<'_> {
    type Output = Plan;

    #[inline(always)]
    fn run<S: Simd>(self, _simd: S) -> Plan {
        Plan::new(self.gather, S::LANES)
    }
}

impl Plan {
    fn new(gather: &ConvLayout, lanes: usize) -> Self {
        let channels = padded_channels(gather.out_channels);
        let phases = gather.phases();
        let taps: Vec<_> = phases
            .iter()
            .map(|&phase| gather.phase_taps(phase))
            .collect();
        let most = taps.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let chunks = gather.in_channels.div_ceil((TERMS / most).max(1));
        let chunk = gather.in_channels.div_ceil(chunks);
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
}

impl Buffers {
    fn new(plan: &Plan) -> Self {
        Self {
            tile: Scratch::zeros(plan.layout.len(plan.chunk)),
            sums: Scratch::any(plan.phases.len() * plan.channels * plan.positions() + MAX_LANES),
            bases: Vec::new(),
        }
    }
}

/// One block of the grid of one sample and group: all its output channels and phases.
struct TileTask<'a> {
    plan: &'a Plan,
    gather: &'a ConvLayout,
    input: &'a [f32],
    packed: &'a PackedWeights,
    bias: &'a [f32],
    sample: usize,
    group: usize,
    block: Block,
    buffers: &'a mut Buffers,
    output: &'a Shared<'a>,
    finish: &'a Finish<'a>,
    /// Which block it is, of how many.
    index: usize,
    blocks: usize,
}

impl Work for TileTask<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        self.plan
            .layout
            .bases(self.block.length, &mut self.buffers.bases);
        let mut first = 0;
        while first < self.gather.in_channels {
            let count = self.plan.chunk.min(self.gather.in_channels - first);
            self.fill(simd, first, count);
            self.accumulate(simd, first, count);
            first += count;
        }
        self.finish(simd);
    }
}

impl TileTask<'_> {
    /// Copies the chunk's channels into the tile.
    #[inline(always)]
    fn fill<S: Simd>(&mut self, simd: S, first: usize, count: usize) {
        let voxels: usize = self.gather.input.iter().product();
        let layout = &self.plan.layout;
        let tiles = self.buffers.tile.as_mut_slice().chunks_mut(layout.channel);
        for (channel, tile) in (first..first + count).zip(tiles) {
            let channel =
                (self.sample * self.gather.groups + self.group) * self.gather.in_channels + channel;
            let next = self
                .input
                .get((channel + 1) * voxels..(channel + 2) * voxels);
            if let Some(next) = next {
                layout.fetch_ahead(next, self.gather.input, self.block);
            }
            let input = &self.input[channel * voxels..][..voxels];
            layout.fill(simd, input, self.gather.input, self.block, tile);
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
        for channel in 0..self.gather.out_channels {
            let within = self.group * self.gather.out_channels + channel;
            let all = self.gather.groups * self.gather.out_channels;
            let mut rows = self.finish.rows(within, self.sample * all + within);
            for z in 0..self.block.length[1] {
                for (index, (phase, _, _)) in plan.phases.iter().enumerate() {
                    // All phases of x are written at once.
                    if phase[0] == 0 {
                        let from = (index * plan.channels + channel) * step + z * lanes;
                        let phase_step = plan.channels * step;
                        self.write(
                            simd,
                            &sums[from..],
                            phase_step,
                            z,
                            [phase[1], phase[2]],
                            &mut rows,
                        );
                    }
                }
            }
            rows.done(self.index, self.blocks);
        }
    }

    /// Writes one plane of one channel and one phase of y and z.
    #[inline(always)]
    fn write<S: Simd>(
        &self,
        simd: S,
        sums: &[f32],
        phase_step: usize,
        z: usize,
        phase: [usize; 2],
        rows: &mut FinishRows,
    ) {
        let [size_x, size_y, size_z] = self.gather.output;
        let [step_x, step_y, step_z] = self.gather.step;
        let z = (self.block.start[1] + z) * step_z + phase[1];
        if z >= size_z {
            return;
        }
        let plane = (rows.row * size_z + z) * size_y;
        // The next channel's rows are in other pages, which hardware prefetching does not reach.
        let channel = size_x * size_y * size_z;
        let grid_x = self.gather.grid[0];
        if step_x == 1 && step_y == 1 {
            let start = (plane + self.block.start[0]) * size_x;
            let length = self.block.length[0] * size_x;
            // SAFETY: each task has a block, channel and sample of its own, and writes each of its
            // phases (one row in `step_y`, one plane in `step_z`) once, so no other part is alive here.
            let to = unsafe { self.output.part(start, length) };
            prefetch_all(to.as_ptr().wrapping_add(channel), length);
            to.copy_from_slice(&sums[..length]);
            rows.finish(to);
            return;
        }
        for row in 0..self.block.length[0] {
            let y = (self.block.start[0] + row) * step_y + phase[0];
            if y >= size_y {
                break;
            }
            // SAFETY: the row is of this task's own block, channel, sample and phase, as above.
            let to = unsafe { self.output.part((plane + y) * size_x, size_x) };
            prefetch_all(to.as_ptr().wrapping_add(channel), size_x);
            let from = &sums[row * grid_x..];
            match step_x {
                1 => to.copy_from_slice(&from[..size_x]),
                2 => interleave_rows(simd, &from[..grid_x], &from[phase_step..], to),
                _ => {
                    for (x, to) in to.iter_mut().enumerate() {
                        *to = from[x % step_x * phase_step + x / step_x];
                    }
                }
            }
            rows.finish(to);
        }
    }
}
