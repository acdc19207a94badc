//! The gradient of a convolution to its weights: for each tile of outputs, gradients and inputs are
//! correlated at every tap. Sums over tiles are taken in a fixed number of chunks and a fixed order.

use rayon::prelude::*;

use super::micro::{CHANNELS, Correlate};
use super::plan::ConvLayout;
use super::tile::{Block, TileLayout, blocks, choose_block};
use super::winograd;
use crate::buffer::{Scratch, Shared};
use crate::simd::{MAX_LANES, Simd, SimdLevel, Work, dispatch, prefetch_all};
use crate::sum::sum;

/// Grid positions of a tile: four channels of gradient and one of input stay in the first cache.
const POSITIONS: usize = 1024;
/// Terms whose inputs are in the tile at once.
const TERMS: usize = 512;
/// Tasks aimed at.
const TASKS: usize = 16;
/// Values of all partial sums together, at most.
const PARTIALS: usize = 16 << 20;

/// Writes the gradient to the weights of the convolution `gather` (one phase), and to its bias.
pub(crate) fn run(
    gather: &ConvLayout,
    input: &[f32],
    gradient: &[f32],
    weights: &mut [f32],
    bias: Option<&mut [f32]>,
) {
    if let Some(taps) = winograd::Taps::of(gather)
        && taps.side() == 4
    {
        return winograd::weight_gradient(gather, &taps, input, gradient, weights, bias);
    }
    let path = SimdLevel::current();
    let plan = dispatch(path, MakePlan { gather });
    let tasks = plan.chunks * gather.groups * plan.splits;
    let mut partials = Scratch::zeros(tasks * plan.partial());
    let shared = Shared::new(partials.as_mut_slice());
    (0..tasks).into_par_iter().for_each(|task| {
        // SAFETY: parts of tasks with different numbers are `partial` apart and as long.
        let partial = unsafe { shared.part(task * plan.partial(), plan.partial()) };
        let split = task % plan.splits;
        let group = task / plan.splits % gather.groups;
        let chunk = task / (plan.splits * gather.groups);
        dispatch(
            path,
            Chunk {
                plan: &plan,
                gather,
                input,
                gradient,
                chunk,
                group,
                split,
                partial,
            },
        );
    });
    reduce(&plan, gather, partials.as_slice(), weights, bias);
}

struct Plan {
    layout: TileLayout,
    blocks: Vec<Block>,
    /// Taps' places in the tile, for all channels of a filling.
    offsets: Vec<usize>,
    taps: usize,
    /// Input channels of a filling.
    filling: usize,
    /// Parts that the tiles (of all samples) are summed in.
    chunks: usize,
    /// Parts that the output channels are divided into, and channels of each.
    splits: usize,
    channels: usize,
    in_channels: usize,
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
        let taps = gather.phase_taps([0; 3]);
        let deep = gather.offsets(2).len() > 1;
        let block = choose_block(gather.grid, POSITIONS, deep);
        let layout = TileLayout::new(gather, block, lanes);
        let blocks = blocks([gather.grid[1], gather.grid[2]], block);
        let fillings = gather.in_channels.div_ceil((TERMS / taps.len()).max(1));
        let filling = gather.in_channels.div_ceil(fillings);
        let padded = gather.out_channels.next_multiple_of(CHANNELS);
        let whole = padded * gather.in_channels * taps.len() * gather.groups;
        let tiles = blocks.len() * gather.batch;
        let chunks = tiles.min(TASKS).min((PARTIALS / whole).max(1)).max(1);
        let wanted = TASKS
            .div_ceil(chunks * gather.groups)
            .min(padded / CHANNELS);
        let channels = (padded / CHANNELS).div_ceil(wanted) * CHANNELS;
        let places: Vec<usize> = taps.iter().map(|&(_, at)| layout.tap(at)).collect();
        let offsets = (0..filling)
            .flat_map(|channel| places.iter().map(move |place| (channel, *place)))
            .map(|(channel, place)| channel * layout.channel + place)
            .collect();
        Self {
            layout,
            blocks,
            offsets,
            taps: taps.len(),
            filling,
            chunks,
            splits: padded.div_ceil(channels),
            channels,
            in_channels: gather.in_channels,
            lanes,
        }
    }

    /// Values of one task's sums: `[block of channels][input][tap][channel]`, then the bias.
    fn partial(&self) -> usize {
        self.channels * (self.in_channels * self.taps + 1)
    }
}

/// The sums of one chunk of tiles, one group and one part of its output channels.
struct Chunk<'a> {
    plan: &'a Plan,
    gather: &'a ConvLayout,
    input: &'a [f32],
    gradient: &'a [f32],
    chunk: usize,
    group: usize,
    split: usize,
    partial: &'a mut [f32],
}

impl Work for Chunk<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let plan = self.plan;
        let tiles = plan.blocks.len() * self.gather.batch;
        let range = self.chunk * tiles / plan.chunks..(self.chunk + 1) * tiles / plan.chunks;
        let positions =
            plan.layout.block[1] * plan.layout.vectors(plan.layout.block[0]) * plan.lanes;
        let step = positions + 16;
        let mut gradients = Scratch::zeros(plan.channels * step + MAX_LANES);
        let mut tile = Scratch::zeros(plan.layout.len(plan.filling));
        for index in range {
            let (sample, block) = (
                index / plan.blocks.len(),
                plan.blocks[index % plan.blocks.len()],
            );
            self.copy_gradient(sample, block, step, gradients.as_mut_slice());
            let mut first = 0;
            while first < plan.in_channels {
                let count = plan.filling.min(plan.in_channels - first);
                self.fill(simd, sample, block, first, count, tile.as_mut_slice());
                self.correlate(simd, block, first..first + count, &tile, &gradients, step);
                first += count;
            }
        }
    }
}

impl Chunk<'_> {
    /// Copies the tile's gradients, whole vectors a plane, zeros after the last position; adds them
    /// to the bias' sums.
    #[inline(always)]
    fn copy_gradient(&mut self, sample: usize, block: Block, step: usize, to: &mut [f32]) {
        let [x, y, z] = self.gather.grid;
        let plane = self.plan.layout.vectors(block.length[0]) * self.plan.lanes;
        let length = block.length[0] * x;
        let bias = self.partial.len() - self.plan.channels;
        for channel in 0..self.plan.channels {
            let to = &mut to[channel * step..][..block.length[1] * plane];
            let of = self.split * self.plan.channels + channel;
            if of >= self.gather.out_channels {
                to.fill(0.0);
                continue;
            }
            let of = (sample * self.gather.groups + self.group) * self.gather.out_channels + of;
            for (index, to) in to.chunks_exact_mut(plane).enumerate() {
                let start = ((of * z + block.start[1] + index) * y + block.start[0]) * x;
                let from = &self.gradient[start..start + length];
                // The next channel's rows are in other pages, which hardware prefetching does not reach.
                prefetch_all(from.as_ptr().wrapping_add(x * y * z), length);
                to[..length].copy_from_slice(from);
                to[length..].fill(0.0);
            }
            self.partial[bias + channel] += sum(to) as f32;
        }
    }

    #[inline(always)]
    fn fill<S: Simd>(
        &self,
        simd: S,
        sample: usize,
        block: Block,
        first: usize,
        count: usize,
        tile: &mut [f32],
    ) {
        let voxels: usize = self.gather.input.iter().product();
        let layout = &self.plan.layout;
        for (channel, tile) in (first..first + count).zip(tile.chunks_mut(layout.channel)) {
            let of = (sample * self.gather.groups + self.group) * self.gather.in_channels + channel;
            if let Some(next) = self.input.get((of + 1) * voxels..(of + 2) * voxels) {
                layout.fetch_ahead(next, self.gather.input, block);
            }
            layout.fill(
                simd,
                &self.input[of * voxels..][..voxels],
                self.gather.input,
                block,
                tile,
            );
        }
    }

    #[inline(always)]
    fn correlate<S: Simd>(
        &mut self,
        simd: S,
        block: Block,
        inputs: std::ops::Range<usize>,
        tile: &Scratch,
        gradients: &Scratch,
        step: usize,
    ) {
        let plan = self.plan;
        let terms = plan.in_channels * plan.taps;
        for channel in (0..plan.channels).step_by(CHANNELS) {
            let weights = (channel * terms) + inputs.start * plan.taps * CHANNELS;
            let block = Correlate {
                tile: tile.as_slice(),
                offsets: &plan.offsets[..inputs.len() * plan.taps],
                gradient: &gradients.as_slice()[channel * step..],
                gradient_step: step,
                planes: [block.length[1], plan.layout.output_plane()],
                runs: plan.layout.runs(block.length[0]),
            };
            let weights = &mut self.partial[weights..weights + inputs.len() * plan.taps * CHANNELS];
            // SAFETY: runs and offsets are the layout's own, for whose block and channels the tile was
            // made; the gradients hold as many whole vectors a plane.
            unsafe { block.run(simd, weights) };
        }
    }
}

/// Adds the chunks' sums in order and puts weights into their place.
fn reduce(
    plan: &Plan,
    gather: &ConvLayout,
    partials: &[f32],
    weights: &mut [f32],
    bias: Option<&mut [f32]>,
) {
    let terms = plan.in_channels * plan.taps;
    let task = |chunk: usize, channel: usize| {
        let (group, of) = (channel / gather.out_channels, channel % gather.out_channels);
        let task = (chunk * gather.groups + group) * plan.splits + of / plan.channels;
        (
            &partials[task * plan.partial()..][..plan.partial()],
            of % plan.channels,
        )
    };
    weights
        .par_chunks_exact_mut(terms)
        .enumerate()
        .for_each(|(channel, weights)| {
            for chunk in 0..plan.chunks {
                let (partial, of) = task(chunk, channel);
                let block = &partial[of / CHANNELS * CHANNELS * terms..][..CHANNELS * terms];
                let from = block
                    .as_chunks::<CHANNELS>()
                    .0
                    .iter()
                    .map(|four| four[of % CHANNELS]);
                if chunk == 0 {
                    weights
                        .iter_mut()
                        .zip(from)
                        .for_each(|(to, from)| *to = from);
                } else {
                    weights
                        .iter_mut()
                        .zip(from)
                        .for_each(|(to, from)| *to += from);
                }
            }
        });
    if let Some(bias) = bias {
        for (channel, bias) in bias.iter_mut().enumerate() {
            *bias = (0..plan.chunks)
                .map(|chunk| {
                    let (partial, of) = task(chunk, channel);
                    partial[plan.channels * terms + of]
                })
                .sum();
        }
    }
}
