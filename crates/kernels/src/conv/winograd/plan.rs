//! How a convolution is divided for Winograd's transform, and where its parts are in a task's tile.

use super::super::micro::CHANNELS;
use super::super::plan::ConvLayout;
use super::super::weights::padded_channels;
use super::Taps;
use crate::simd::{MAX_LANES, Simd, Work};

/// Fewest outputs of a channel for components along z.
const FEWEST_DEEP: usize = 16 * 1024;

/// What one task takes on; its sums and its tile share the second cache.
struct Limits {
    /// Output channels.
    split: usize,
    /// Values of its sums and of its tile.
    sums: usize,
    tile: usize,
    /// Patches at least and at most.
    positions: [usize; 2],
}

impl Limits {
    /// AVX-512 is on processors with a second cache of a megabyte or more.
    fn of(side: usize, layers: usize, lanes: usize) -> Self {
        if layers > 1 {
            return Self {
                split: 64,
                sums: 160 * 1024,
                tile: 160 * 1024,
                positions: [64, 192],
            };
        }
        if side == 4 && lanes == MAX_LANES {
            return Self {
                split: 128,
                sums: 128 * 1024,
                tile: 112 * 1024,
                positions: [48, 192],
            };
        }
        if side == 4 {
            return Self {
                split: 64,
                sums: 64 * 1024,
                tile: 48 * 1024,
                positions: [48, 192],
            };
        }
        // Five planes go into one of outputs: blocks that are not deep would transform each as often.
        Self {
            split: 32,
            sums: 192 * 1024,
            tile: 96 * 1024,
            positions: [96, 256],
        }
    }
}

/// What all tiles of one gather share. Sizes along x and y are in patches.
pub(super) struct Plan {
    pub grid: [usize; 3],
    /// Components of a patch along one axis.
    pub side: usize,
    /// Components of a patch along z: 1, or 4 of a pair of planes.
    pub layers: usize,
    /// Values of a channel's components along x and y, before those along z are made of them.
    pub whole: usize,
    /// Patches of a row, rounded up to whole vectors.
    pub width: usize,
    /// Largest block, `[y, z]`.
    pub block: [usize; 2],
    /// Input channels of a chunk.
    pub chunk: usize,
    /// Output channels of a task, and tasks for all.
    pub split: usize,
    pub splits: usize,
    pub first_z: isize,
    /// Input planes of a full block.
    pub planes: usize,
    /// Values of the tile from one plane, channel and component to the next.
    pub plane: usize,
    pub channel: usize,
    pub component: usize,
    /// Values of a copy of a plane's rows of one parity.
    pub copied: usize,
    /// The offset of every term of a component in the tile.
    pub offsets: Vec<usize>,
}

pub(super) struct MakePlan<'a> {
    pub gather: &'a ConvLayout,
    pub taps: &'a Taps,
}

impl Work for MakePlan<'_> {
    type Output = Plan;

    #[inline(always)]
    fn run<S: Simd>(self, _simd: S) -> Plan {
        Plan::new(self.gather, self.taps, S::LANES)
    }
}

impl Plan {
    fn new(gather: &ConvLayout, taps: &Taps, lanes: usize) -> Self {
        let padded = padded_channels(gather.out_channels);
        let (side, layers) = (taps.side(), layers(taps, gather, lanes));
        let limits = Limits::of(side, layers, lanes);
        let splits = padded.div_ceil(limits.split);
        let split = padded.div_ceil(splits).next_multiple_of(CHANNELS);
        let splits = padded.div_ceil(split);
        let grid = grid(gather);
        let [least, most] = limits.positions;
        let mut positions =
            (limits.sums / (side * side * split * layers.div_ceil(2))).clamp(least, most);
        let block = loop {
            let block = if layers > 1 {
                let [y, z] = choose(
                    [grid[0], grid[1], grid[2].div_ceil(2)],
                    positions / 2,
                    lanes,
                );
                [y, 2 * z]
            } else {
                choose(grid, positions, lanes)
            };
            let tiles = grid[1].div_ceil(block[0]) * grid[2].div_ceil(block[1]);
            // Enough tasks that the last ones do not leave processors idle, unless they get tiny.
            if tiles * gather.batch * gather.groups * splits >= 16 || positions <= 32 {
                break block;
            }
            positions /= 2;
        };
        let mut plan = Self::of_block(gather, taps, lanes, block, layers);
        let most = limits.tile / (plan.channel * plan.components());
        let chunks = gather.in_channels.div_ceil(most.clamp(8, 64));
        plan.fill_with(taps, gather.in_channels.div_ceil(chunks));
        Self {
            split,
            splits,
            ..plan
        }
    }

    /// For tiles of about `positions` patches of `chunk` channels, whose products are others than a gather's.
    pub fn of_patches(
        gather: &ConvLayout,
        taps: &Taps,
        lanes: usize,
        positions: usize,
        chunk: usize,
    ) -> Self {
        let block = choose(grid(gather), positions, lanes);
        let mut plan = Self::of_block(gather, taps, lanes, block, 1);
        plan.fill_with(taps, chunk);
        plan
    }

    /// Without channels.
    fn of_block(
        gather: &ConvLayout,
        taps: &Taps,
        lanes: usize,
        block: [usize; 2],
        layers: usize,
    ) -> Self {
        let grid = grid(gather);
        let offsets_z = taps.z.iter().map(|tap| tap.0);
        // A kernel has at least one tap.
        let first_z = offsets_z.clone().min().unwrap_or(0);
        let reach = (offsets_z.max().unwrap_or(0) - first_z) as usize;
        let plane = (block[0] * grid[0]).next_multiple_of(lanes);
        let planes = block[1] + reach;
        Self {
            grid,
            side: taps.side(),
            width: grid[0].next_multiple_of(lanes),
            block,
            chunk: 0,
            split: 0,
            splits: 0,
            first_z,
            planes,
            plane,
            // Channels and components that are a multiple of 4 KiB apart would fight for the same lines of
            // the cache.
            channel: plane * if layers > 1 { block[1] / 2 } else { planes } + 16,
            layers,
            whole: planes * plane + 16,
            component: 0,
            copied: (2 * grid[0] * (block[0] + 1) + 3 * lanes).next_multiple_of(16),
            offsets: Vec::new(),
        }
    }

    /// Gives the tile `chunk` channels.
    fn fill_with(&mut self, taps: &Taps, chunk: usize) {
        let (plane, channel) = (self.plane, self.channel);
        self.chunk = chunk;
        self.component = chunk * channel + 16;
        let along_z: Vec<usize> = if self.layers > 1 {
            vec![0]
        } else {
            let taps = taps.z.iter();
            taps.map(|tap| (tap.0 - self.first_z) as usize * plane)
                .collect()
        };
        self.offsets = (0..chunk)
            .flat_map(|input| along_z.iter().map(move |z| input * channel + z))
            .collect();
    }

    /// Components of a patch.
    pub fn components(&self) -> usize {
        self.side * self.side * self.layers
    }

    /// Planes of sums, or pairs of planes, of a block of `length` planes.
    #[inline(always)]
    pub fn sum_planes(&self, length: usize) -> usize {
        if self.layers > 1 {
            length.div_ceil(2)
        } else {
            length
        }
    }

    /// Input planes of a block of `length` planes.
    #[inline(always)]
    pub fn input_planes(&self, length: usize) -> usize {
        if self.layers > 1 {
            2 * length.div_ceil(2) + 2
        } else {
            self.planes - (self.block[1] - length)
        }
    }

    /// Values of the sums from one component to the next, with `step` a channel.
    #[inline(always)]
    pub fn sums(&self, step: usize) -> usize {
        self.split * step + 16
    }
}

/// Components along z: four on AVX-512, where there are three taps next to each other and so many outputs a channel
/// that kernels of 64 components are read often enough.
fn layers(taps: &Taps, gather: &ConvLayout, lanes: usize) -> usize {
    let mut z: Vec<isize> = taps.z.iter().map(|tap| tap.0).collect();
    z.sort_unstable();
    let close = z.len() == 3 && z[1] == z[0] + 1 && z[2] == z[0] + 2;
    let outputs: usize = gather.grid.iter().product();
    let many = gather.grid[2] > 1 && outputs >= FEWEST_DEEP;
    if lanes == MAX_LANES && close && many && taps.side() == 4 {
        4
    } else {
        1
    }
}

/// Patches along x and y, planes along z.
fn grid(gather: &ConvLayout) -> [usize; 3] {
    let [x, y, z] = gather.grid;
    [x.div_ceil(2), y.div_ceil(2), z]
}

/// A block of about `positions` patches. Planes that neighbouring blocks share are transformed twice,
/// so blocks are deep along z; along y as few rows as fill whole vectors.
fn choose([x, y, z]: [usize; 3], positions: usize, lanes: usize) -> [usize; 2] {
    let computed = |rows: usize| (rows * x).next_multiple_of(lanes) * y.div_ceil(rows);
    let most = (positions / (2 * x)).clamp(1, y);
    // The range is not empty, so there is a minimum.
    let rows = (1..=most).min_by_key(|&rows| computed(rows)).unwrap_or(1);
    let depth = (positions / (rows * x)).clamp(1, z);
    [y.div_ceil(y.div_ceil(rows)), z.div_ceil(z.div_ceil(depth))]
}
