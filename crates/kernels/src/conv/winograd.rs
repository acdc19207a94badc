//! Convolutions with 3 × 3 taps along x and y and stride 1 through Winograd's F(2×2, 3×3) (Lavin and
//! Gray 2016): 12 products an output where the sum has 27. Each 4 × 4 patch of the input becomes 16
//! components, each a convolution along z and over channels by itself; four outputs come of them.

use rayon::prelude::*;

use super::finish::{Finish, pad_bias};
use super::micro::{Accumulate, CHANNELS};
use super::plan::Gather;
use super::tile::{Block, blocks, choose_block, copy_row};
use super::weights::padded_channels;
use crate::buffer::{Scratch, Shared};
use crate::simd::{MAX_LANES, Path, Simd, Work, dispatch};

/// Components of a patch, along one axis and in all.
const SIDE: usize = 4;
const COMPONENTS: usize = SIDE * SIDE;
/// Fewest channels in and out for which the transforms cost less than they save.
const FEWEST: usize = 8;
/// Output channels of one task.
const SPLIT: usize = 64;
/// Values of one task's sums, and of its tile: they share the second cache.
const SUMS: usize = 64 * 1024;
const TILE: usize = 48 * 1024;

/// The taps of a gather that can be transformed.
pub(crate) struct Taps {
    /// Least offset along x and y, and the kernel's index for it and the two after it.
    first: [isize; 2],
    order: [[usize; 3]; 2],
    /// Offset and kernel's index along z.
    z: Vec<(isize, usize)>,
}

impl Taps {
    /// The taps, if there are three next to each other along x and y, and channels enough.
    pub fn of(gather: &Gather) -> Option<Self> {
        let channels = gather.in_channels.min(gather.out_channels);
        if gather.stride != [1; 3] || gather.step != [1; 3] || channels < FEWEST {
            return None;
        }
        let three = |axis: usize| {
            let mut taps = gather.taps[axis][0].clone();
            taps.sort_by_key(|tap| tap.offset);
            let [a, b, c] = *taps.as_array::<3>()?;
            let neighbours = b.offset == a.offset + 1 && c.offset == b.offset + 1;
            neighbours.then_some((a.offset, [a.kernel, b.kernel, c.kernel]))
        };
        let [x, y] = [three(0)?, three(1)?];
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
}

/// Computes the gather into `output`.
pub(crate) fn run(
    gather: &Gather,
    taps: &Taps,
    input: &[f32],
    weights: &[f32],
    bias: Option<&[f32]>,
    finish: &Finish,
    output: &mut [f32],
) {
    let path = Path::current();
    let plan = dispatch(path, MakePlan { gather, taps });
    let weights = transform_weights(&plan, gather, taps, weights);
    let grid = plan.grid;
    let blocks = blocks([grid[1], grid[2]], plan.block);
    let bias = pad_bias(gather, bias);
    let shared = Shared::new(output);
    let tasks = gather.batch * gather.groups * blocks.len() * plan.splits;
    (0..tasks).into_par_iter().for_each_init(
        || Buffers::new(&plan),
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

/// What all tiles of one gather share. Sizes along x and y are in patches.
struct Plan {
    grid: [usize; 3],
    /// Patches of a row, rounded up to whole vectors.
    width: usize,
    /// Largest block, `[y, z]`.
    block: [usize; 2],
    /// Input channels of a chunk.
    chunk: usize,
    /// Output channels of a task, and tasks for all.
    split: usize,
    splits: usize,
    first_z: isize,
    /// Input planes of a full block.
    planes: usize,
    /// Values of the tile from one plane, component and channel to the next.
    plane: usize,
    component: usize,
    channel: usize,
    /// Where every term of a component stands in the tile.
    offsets: Vec<usize>,
}

struct MakePlan<'a> {
    gather: &'a Gather,
    taps: &'a Taps,
}

impl Work for MakePlan<'_> {
    type Output = Plan;

    #[inline(always)]
    fn run<S: Simd>(self, _simd: S) -> Plan {
        Plan::new(self.gather, self.taps, S::LANES)
    }
}

impl Plan {
    fn new(gather: &Gather, taps: &Taps, lanes: usize) -> Self {
        let [x, y, z] = gather.grid;
        let grid = [x.div_ceil(2), y.div_ceil(2), z];
        let padded = padded_channels(gather.out_channels);
        let splits = padded.div_ceil(SPLIT);
        let split = padded.div_ceil(splits).next_multiple_of(CHANNELS);
        let splits = padded.div_ceil(split);
        let offsets_z = taps.z.iter().map(|tap| tap.0);
        // A kernel has at least one tap.
        let first_z = offsets_z.clone().min().unwrap_or(0);
        let reach = (offsets_z.max().unwrap_or(0) - first_z) as usize;
        let mut positions = (SUMS / (COMPONENTS * split)).clamp(48, 192);
        let block = loop {
            let block = choose_block(grid, positions, reach > 0);
            let tiles = grid[1].div_ceil(block[0]) * grid[2].div_ceil(block[1]);
            // Enough tasks that the last ones do not leave processors idle, unless they get tiny.
            if tiles * gather.batch * gather.groups * splits >= 16 || positions <= 32 {
                break block;
            }
            positions /= 2;
        };
        let plane = (block[0] * grid[0]).next_multiple_of(lanes);
        let planes = block[1] + reach;
        // Components that are a multiple of 4 KiB apart would fight for the same lines of the cache.
        let component = planes * plane + 16;
        let channel = component * COMPONENTS;
        let chunks = gather.in_channels.div_ceil((TILE / channel).clamp(8, 64));
        let chunk = gather.in_channels.div_ceil(chunks);
        let offsets = (0..chunk)
            .flat_map(|input| taps.z.iter().map(move |tap| (input, tap.0)))
            .map(|(input, z)| input * channel + (z - first_z) as usize * plane)
            .collect();
        Self {
            grid,
            width: grid[0].next_multiple_of(lanes),
            block,
            chunk,
            split,
            splits,
            first_z,
            planes,
            plane,
            component,
            channel,
            offsets,
        }
    }
}

/// `G g Gᵀ` of every kernel plane: `[group][component][block of channels][input][z][channel]`.
fn transform_weights(plan: &Plan, gather: &Gather, taps: &Taps, weights: &[f32]) -> Scratch {
    let padded = padded_channels(gather.out_channels).next_multiple_of(CHANNELS);
    let terms = gather.in_channels * taps.z.len();
    let component = padded * terms;
    let mut packed = Scratch::zeros(gather.groups * COMPONENTS * component);
    let shared = Shared::new(packed.as_mut_slice());
    let plane = gather.kernel[0] * gather.kernel[1];
    let blocks = padded / CHANNELS;
    debug_assert!(plan.split.is_multiple_of(CHANNELS));
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

struct Buffers {
    tile: Scratch,
    sums: Scratch,
    bases: Vec<usize>,
    /// An input row with the zeros around it.
    row: Vec<f32>,
    /// Rows of a plane, transformed along x, each component whole vectors.
    rows: Vec<f32>,
    /// A pair of output rows.
    pair: [Vec<f32>; 2],
}

impl Buffers {
    fn new(plan: &Plan) -> Self {
        let x = plan.width;
        Self {
            tile: Scratch::zeros(plan.chunk * plan.channel + MAX_LANES),
            sums: Scratch::zeros(COMPONENTS * plan.split * plan.block[1] * plan.plane + MAX_LANES),
            bases: Vec::new(),
            row: vec![0.0; 2 * x + 2],
            rows: vec![0.0; (2 * plan.block[0] + 2) * SIDE * x],
            pair: [vec![0.0; 2 * x], vec![0.0; 2 * x]],
        }
    }
}

/// One block of patches of one sample and group, for a range of its output channels.
struct TileTask<'a> {
    plan: &'a Plan,
    gather: &'a Gather,
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
        for z in 0..self.block.length[1] {
            bases.extend((0..vectors).map(|vector| z * self.plan.plane + vector * S::LANES));
        }
        let mut first = 0;
        while first < self.gather.in_channels {
            let count = self.plan.chunk.min(self.gather.in_channels - first);
            for channel in 0..count {
                self.fill(simd, first + channel, channel * self.plan.channel);
            }
            self.accumulate(simd, first, count);
            first += count;
        }
        self.finish(simd, vectors * S::LANES);
    }
}

impl TileTask<'_> {
    /// Transforms one input channel's part, `Bᵀ d B` of every patch, into the tile at `at`.
    #[inline(always)]
    fn fill<S: Simd>(&mut self, simd: S, channel: usize, at: usize) {
        let plan = self.plan;
        let [size_x, size_y, size_z] = self.gather.input;
        let voxels = size_x * size_y * size_z;
        let row =
            (self.sample * self.gather.groups + self.group) * self.gather.in_channels + channel;
        let input = &self.input[row * voxels..][..voxels];
        let tile = &mut self.buffers.tile.as_mut_slice()[at..at + plan.channel];
        let first_y = 2 * self.block.start[0] as isize + self.taps.first[1];
        let (x, width) = (plan.grid[0], plan.width);
        for plane in 0..plan.planes - (plan.block[1] - self.block.length[1]) {
            let z = (self.block.start[1] + plane) as isize + plan.first_z;
            let to = plane * plan.plane;
            if !(0..size_z as isize).contains(&z) {
                let length = self.block.length[0] * x;
                (0..COMPONENTS).for_each(|i| tile[i * plan.component + to..][..length].fill(0.0));
                continue;
            }
            let rows = &mut self.buffers.rows;
            for (index, row) in rows.chunks_exact_mut(SIDE * width).enumerate() {
                let y = first_y + index as isize;
                if index >= 2 * self.block.length[0] + 2 {
                    break;
                }
                if !(0..size_y as isize).contains(&y) {
                    row.fill(0.0);
                    continue;
                }
                let from = &input[(z as usize * size_y + y as usize) * size_x..][..size_x];
                copy_row(simd, from, self.taps.first[0], 1, &mut self.buffers.row);
                transform_row(simd, &self.buffers.row, row);
            }
            for pair in 0..self.block.length[0] {
                let rows = &rows[2 * pair * SIDE * width..][..SIDE * SIDE * width];
                transform_column(simd, rows, &mut tile[to + pair * x..], plan.component);
            }
        }
    }

    /// Adds the chunk to the sums of all components and channels.
    #[inline(always)]
    fn accumulate<S: Simd>(&mut self, simd: S, first: usize, count: usize) {
        let plan = self.plan;
        let step = self.buffers.bases.len() * S::LANES;
        let taps = self.taps.z.len();
        let terms = self.gather.in_channels * taps;
        let padded = padded_channels(self.gather.out_channels).next_multiple_of(CHANNELS);
        for component in 0..COMPONENTS {
            let tile = &self.buffers.tile.as_slice()[component * plan.component..];
            for channel in self.channels.clone().step_by(CHANNELS) {
                let weights = (self.group * COMPONENTS + component) * padded * terms
                    + channel * terms
                    + first * taps * CHANNELS;
                let mut bias = [0.0; CHANNELS];
                if component == SIDE + 1 {
                    // The one component that goes into all four outputs with the factor 1.
                    let from = padded_channels(self.gather.out_channels);
                    let from = &self.bias[self.group * from..][..from];
                    from[channel..]
                        .iter()
                        .zip(&mut bias)
                        .for_each(|(from, to)| *to = *from);
                }
                let sums = (component * plan.split + channel - self.channels.start) * step;
                let sums = &mut self.buffers.sums.as_mut_slice()[sums..sums + CHANNELS * step];
                let block = Accumulate {
                    tile: tile.as_ptr(),
                    offsets: &plan.offsets[..count * taps],
                    weights: self.weights[weights..weights + count * taps * CHANNELS].as_ptr(),
                    sums: sums.as_mut_ptr(),
                    sum_step: step,
                    start: if first == 0 {
                        bias.as_ptr()
                    } else {
                        std::ptr::null()
                    },
                };
                // SAFETY: bases and offsets are the plan's own, for whose block and channels the tile
                // was made; planes are whole vectors; the others were cut to length.
                unsafe { block.run_all::<S, CHANNELS>(simd, &self.buffers.bases) };
            }
        }
    }

    /// `Aᵀ m A` of every patch, to where its outputs belong. `plane` is the sums' step along z.
    #[inline(always)]
    fn finish<S: Simd>(&mut self, simd: S, plane: usize) {
        let [size_x, size_y, size_z] = self.gather.output;
        let x = self.plan.grid[0];
        let step = plane * self.block.length[1];
        let sums = self.buffers.sums.as_slice();
        let [even, odd] = &mut self.buffers.pair;
        for channel in self.channels.start..self.channels.end.min(self.gather.out_channels) {
            let within = self.group * self.gather.out_channels + channel;
            let all = self.gather.groups * self.gather.out_channels;
            let mut rows = self.finish.rows(within, self.sample * all + within);
            for z in 0..self.block.length[1] {
                for pair in 0..self.block.length[0] {
                    let at = (channel - self.channels.start) * step + z * plane + pair * x;
                    let sums = &sums[at..];
                    let component = self.plan.split * step;
                    let y = 2 * (self.block.start[0] + pair);
                    let start =
                        ((rows.row * size_z + self.block.start[1] + z) * size_y + y) * size_x;
                    let count = if y + 1 < size_y { 2 } else { 1 };
                    // SAFETY: blocks and channels of the output do not overlap.
                    let to = unsafe { self.output.part(start, count * size_x) };
                    if count == 2 && size_x == 2 * self.plan.width {
                        let (even, odd) = to.split_at_mut(size_x);
                        inverse(simd, sums, component, even, odd);
                    } else {
                        inverse(simd, sums, component, even, odd);
                        for (to, from) in to.chunks_exact_mut(size_x).zip([&*even, &*odd]) {
                            to.copy_from_slice(&from[..size_x]);
                        }
                    }
                    rows.finish(to);
                }
            }
            rows.done(self.index, self.blocks);
        }
    }
}

/// One row of patches along x, `from` two values more than twice as long as a component of `to`.
#[inline(always)]
fn transform_row<S: Simd>(simd: S, from: &[f32], to: &mut [f32]) {
    let width = to.len() / SIDE;
    let from = &from[..2 * width + 2];
    for at in (0..width).step_by(S::LANES) {
        // SAFETY: `width` is whole vectors; `from` ends two values after twice that.
        unsafe {
            let load = |place: usize| simd.load(from.as_ptr().add(2 * at + place));
            let [d0, d1] = simd.deinterleave(load(0), load(S::LANES));
            let [d2, d3] = simd.deinterleave(load(2), load(S::LANES + 2));
            let to = to.as_mut_ptr().add(at);
            simd.store(to, simd.sub(d0, d2));
            simd.store(to.add(width), simd.add(d1, d2));
            simd.store(to.add(2 * width), simd.sub(d2, d1));
            simd.store(to.add(3 * width), simd.sub(d1, d3));
        }
    }
}

/// One row of patches along y, from four rows transformed along x, into all components. The last
/// vector may reach beyond the row: into what is written later, or into the slack of the component.
#[inline(always)]
fn transform_column<S: Simd>(simd: S, rows: &[f32], tile: &mut [f32], component: usize) {
    let width = rows.len() / COMPONENTS;
    let tile = &mut tile[..(COMPONENTS - 1) * component + width];
    for along_x in 0..SIDE {
        for at in (0..width).step_by(S::LANES) {
            // SAFETY: `width` is whole vectors; `tile` was cut to what is written.
            unsafe {
                let load =
                    |row: usize| simd.load(rows.as_ptr().add((row * SIDE + along_x) * width + at));
                let [d0, d1, d2, d3] = [load(0), load(1), load(2), load(3)];
                let to = tile.as_mut_ptr().add(along_x * component + at);
                simd.store(to, simd.sub(d0, d2));
                simd.store(to.add(SIDE * component), simd.add(d1, d2));
                simd.store(to.add(2 * SIDE * component), simd.sub(d2, d1));
                simd.store(to.add(3 * SIDE * component), simd.sub(d1, d3));
            }
        }
    }
}

/// Two output rows from the sixteen components of a row of patches; the rows are pairs of whole
/// vectors.
#[inline(always)]
fn inverse<S: Simd>(simd: S, sums: &[f32], step: usize, even: &mut [f32], odd: &mut [f32]) {
    let width = even.len() / 2;
    let (sums, odd) = (
        &sums[..(COMPONENTS - 1) * step + width],
        &mut odd[..2 * width],
    );
    for at in (0..width).step_by(S::LANES) {
        // SAFETY: `width` is whole vectors; the slices were cut to what is read and written.
        unsafe {
            let (mut top, mut bottom) = ([simd.splat(0.0); SIDE], [simd.splat(0.0); SIDE]);
            for x in 0..SIDE {
                let load = |y: usize| simd.load(sums.as_ptr().add((y * SIDE + x) * step + at));
                [top[x], bottom[x]] = outputs(simd, [load(0), load(1), load(2), load(3)]);
            }
            for (values, to) in [(top, &mut *even), (bottom, &mut *odd)] {
                let [a, b] = outputs(simd, values);
                let [low, high] = simd.interleave(a, b);
                let to = to.as_mut_ptr().add(2 * at);
                simd.store(to, low);
                simd.store(to.add(S::LANES), high);
            }
        }
    }
}

/// `Aᵀ m` along one axis.
#[inline(always)]
fn outputs<S: Simd>(simd: S, [a, b, c, d]: [S::Vector; SIDE]) -> [S::Vector; 2] {
    [simd.add(simd.add(a, b), c), simd.sub(simd.sub(b, c), d)]
}
