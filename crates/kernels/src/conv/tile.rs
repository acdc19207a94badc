//! A block of the input, copied into a buffer that stays in the caches and from which every tap of every output of a
//! tile can be read as whole vectors: zeros fill the padding, strides along x and y are split into phases. The
//! arithmetic is in the kernels.

use super::plan::ConvLayout;
use crate::simd::{Simd, prefetch_all, split_row};

/// How a block of grid rows (all of x, `block[0]` along y, `block[1]` along z) is laid out.
///
/// Two forms. *Rows*: when x is a multiple of the lanes, a vector never leaves its row; each row is
/// stored once per phase of the stride, with the kernel's reach around it. *Flat*: otherwise each
/// row is stored once per tap along x, shifted so that outputs x = 0… of neighbouring rows touch;
/// then vectors run across rows, and short rows waste nothing.
#[derive(Debug, Clone)]
pub(crate) struct TileLayout {
    /// Largest block of the grid, `[y, z]`.
    pub block: [usize; 2],
    /// Whether vectors stay within rows.
    pub rows: bool,
    grid_x: usize,
    lanes: usize,
    stride: [usize; 3],
    /// First input x of every stored copy of a row.
    copies: Vec<isize>,
    first: [isize; 3],
    /// Input rows and planes that a full block reads.
    count: [usize; 2],
    rows_per_phase: usize,
    /// Which phases of y any tap reads.
    used: Vec<bool>,
    row: usize,
    plane: usize,
    copy: usize,
    /// Values between two channels.
    pub channel: usize,
}

/// A block of the grid: start and length, `[y, z]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    pub start: [usize; 2],
    pub length: [usize; 2],
}

impl TileLayout {
    /// The layout for blocks of `block` rows.
    pub fn new(gather: &ConvLayout, block: [usize; 2], lanes: usize) -> Self {
        let offsets = [0, 1, 2].map(|axis| gather.offsets(axis));
        // A phase without taps reads nothing; then any place will do.
        let first = [0, 1, 2].map(|axis| offsets[axis].first().copied().unwrap_or(0));
        let reach = [0, 1, 2]
            .map(|axis| (offsets[axis].last().copied().unwrap_or(0) - first[axis]) as usize);
        let stride = gather.stride;
        let grid_x = gather.grid[0];
        let rows = grid_x.is_multiple_of(lanes) && grid_x >= 2 * lanes;
        let (copies, row) = if rows {
            let mut phases: Vec<isize> = offsets[0]
                .iter()
                .map(|offset| first[0] + (offset - first[0]) % stride[0] as isize)
                .collect();
            phases.sort_unstable();
            phases.dedup();
            (phases, grid_x + reach[0] / stride[0])
        } else {
            (offsets[0].clone(), grid_x)
        };
        let count = [
            (block[0] - 1) * stride[1] + reach[1] + 1,
            (block[1] - 1) * stride[2] + reach[2] + 1,
        ];
        let rows_per_phase = count[0].div_ceil(stride[1]);
        let mut used = vec![false; stride[1]];
        for offset in &offsets[1] {
            used[(offset - first[1]) as usize % stride[1]] = true;
        }
        let plane = rows_per_phase * stride[1] * row;
        let copy = count[1] * plane;
        // Channels that are a multiple of 4 KiB apart would fight for the same lines of the cache.
        let channel = (copy * copies.len()).next_multiple_of(16) + 16;
        Self {
            block,
            rows,
            grid_x,
            lanes,
            stride,
            copies,
            first,
            count,
            rows_per_phase,
            used,
            row,
            plane,
            copy,
            channel,
        }
    }

    /// Values a buffer for `channels` channels needs, slack for the last vector included.
    pub fn len(&self, channels: usize) -> usize {
        self.channel * channels + crate::simd::MAX_LANES
    }

    /// The offset of a tap's input, relative to the base of an output.
    pub fn tap(&self, [x, y, z]: [isize; 3]) -> usize {
        let [x, y, z] =
            [x - self.first[0], y - self.first[1], z - self.first[2]].map(|v| v as usize);
        let along_x = if self.rows {
            let start = self.first[0] + (x % self.stride[0]) as isize;
            self.copy_of(start) * self.copy + x / self.stride[0]
        } else {
            self.copy_of(x as isize + self.first[0]) * self.copy
        };
        let row = y % self.stride[1] * self.rows_per_phase + y / self.stride[1];
        along_x + z * self.plane + row * self.row
    }

    fn copy_of(&self, start: isize) -> usize {
        // Only offsets of the layout are requested, and each has its copy.
        self.copies
            .iter()
            .position(|&copy| copy == start)
            .unwrap_or(0)
    }

    /// Vectors of one plane of a block with `rows` rows.
    pub fn vectors(&self, rows: usize) -> usize {
        (rows * self.grid_x).div_ceil(self.lanes)
    }

    /// Values from one plane of outputs to the next.
    pub fn output_plane(&self) -> usize {
        self.stride[2] * self.plane
    }

    /// Values from one row of outputs to the next, and vectors of a row, for `rows` rows; a flat
    /// plane is one row.
    pub fn runs(&self, rows: usize) -> Runs {
        if self.rows {
            Runs {
                count: rows,
                vectors: self.grid_x / self.lanes,
                step: self.row,
            }
        } else {
            Runs {
                count: 1,
                vectors: self.vectors(rows),
                step: 0,
            }
        }
    }

    /// The base of every vector of a block, planes outermost.
    pub fn bases(&self, length: [usize; 2], bases: &mut Vec<usize>) {
        bases.clear();
        let runs = self.runs(length[0]);
        for z in 0..length[1] {
            for run in 0..runs.count {
                let start = z * self.output_plane() + run * runs.step;
                bases.extend((0..runs.vectors).map(|vector| start + vector * self.lanes));
            }
        }
    }

    /// Requests what [`TileLayout::fill`] will read of a channel: short pieces of several pages, which hardware prefetching
    /// does not reach.
    #[inline(always)]
    pub fn fetch_ahead(&self, input: &[f32], size: [usize; 3], block: Block) {
        let [size_x, size_y, size_z] = size;
        let range = |axis: usize, size: usize| {
            let first = (block.start[axis] * self.stride[axis + 1]) as isize + self.first[axis + 1];
            let count =
                self.count[axis] - (self.block[axis] - block.length[axis]) * self.stride[axis + 1];
            let end = (first + count as isize).clamp(0, size as isize) as usize;
            (first.max(0) as usize).min(end)..end
        };
        let rows = range(0, size_y);
        for z in range(1, size_z) {
            let from = input[(z * size_y + rows.start) * size_x..].as_ptr();
            prefetch_all(from, rows.len() * size_x);
        }
    }

    /// Copies one channel's part under `block` into `tile`. `input` is the channel, `[Z, Y, X]`.
    #[inline(always)]
    pub fn fill<S: Simd>(
        &self,
        simd: S,
        input: &[f32],
        size: [usize; 3],
        block: Block,
        tile: &mut [f32],
    ) {
        let [size_x, size_y, size_z] = size;
        let first_y = (block.start[0] * self.stride[1]) as isize + self.first[1];
        let first_z = (block.start[1] * self.stride[2]) as isize + self.first[2];
        let rows = self.count[0] - (self.block[0] - block.length[0]) * self.stride[1];
        let planes = self.count[1] - (self.block[1] - block.length[1]) * self.stride[2];
        for plane in 0..planes {
            let z = first_z + plane as isize;
            for row in 0..rows {
                let phase = row % self.stride[1];
                if !self.used[phase] {
                    continue;
                }
                let y = first_y + row as isize;
                let place = phase * self.rows_per_phase + row / self.stride[1];
                let inside = (0..size_y as isize).contains(&y) && (0..size_z as isize).contains(&z);
                let source = if inside {
                    let start = (z as usize * size_y + y as usize) * size_x;
                    &input[start..start + size_x]
                } else {
                    &[]
                };
                for (index, &start) in self.copies.iter().enumerate() {
                    let to = index * self.copy + plane * self.plane + place * self.row;
                    copy_row(
                        simd,
                        source,
                        start,
                        self.stride[0],
                        &mut tile[to..to + self.row],
                    );
                }
            }
        }
    }
}

/// Consecutive vectors that are `step` values apart from the next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Runs {
    pub count: usize,
    pub vectors: usize,
    pub step: usize,
}

/// `row[i] = source[start + i × stride]`, zero outside.
#[inline(always)]
pub(super) fn copy_row<S: Simd>(
    simd: S,
    source: &[f32],
    start: isize,
    stride: usize,
    row: &mut [f32],
) {
    let length = row.len();
    let low = if start < 0 {
        (start.unsigned_abs()).div_ceil(stride)
    } else {
        0
    }
    .min(length);
    let end = source.len() as isize - start;
    let high = if end > 0 {
        (end as usize).div_ceil(stride)
    } else {
        0
    }
    .clamp(low, length);
    row[..low].fill(0.0);
    row[high..].fill(0.0);
    if low == high {
        return;
    }
    let source = &source[(start + (low * stride) as isize) as usize..];
    let inner = &mut row[low..high];
    match stride {
        1 => copy_vectors(simd, &source[..inner.len()], inner),
        2 => split_row(simd, source, inner),
        _ => inner
            .iter_mut()
            .zip(source.iter().step_by(stride))
            .for_each(|(to, &from)| *to = from),
    }
}

/// A copy that does not call out for a handful of values.
#[inline(always)]
pub(super) fn copy_vectors<S: Simd>(simd: S, from: &[f32], to: &mut [f32]) {
    let length = to.len();
    let from = &from[..length];
    for at in (0..length).step_by(S::LANES) {
        let rest = length - at;
        // SAFETY: both have `length` values, of which `rest` are at `at` and after it.
        unsafe {
            let (from, to) = (from.as_ptr().add(at), to.as_mut_ptr().add(at));
            if rest >= S::LANES {
                simd.store(to, simd.load(from));
            } else {
                simd.store_first(to, simd.load_lanes(from, 0..rest), rest);
            }
        }
    }
}

/// Divides a grid of `[y, z]` rows into blocks of at most `block`.
pub(crate) fn blocks(grid: [usize; 2], block: [usize; 2]) -> Vec<Block> {
    let mut blocks = Vec::new();
    for z in (0..grid[1]).step_by(block[1]) {
        for y in (0..grid[0]).step_by(block[0]) {
            let length = [block[0].min(grid[0] - y), block[1].min(grid[1] - z)];
            blocks.push(Block {
                start: [y, z],
                length,
            });
        }
    }
    blocks
}

/// A block of about `positions` grid positions of `[x, y, z]` size `grid`; near a square of rows
/// when the kernel reaches along z, flat when it does not. Depends on nothing but its arguments.
pub(crate) fn choose_block(grid: [usize; 3], positions: usize, deep: bool) -> [usize; 2] {
    let [x, y, z] = grid.map(|size| size.max(1));
    let rows = (positions / x).clamp(1, y * z);
    let depth = if deep { rows.isqrt().clamp(1, z) } else { 1 };
    let height = (rows / depth).clamp(1, y);
    let depth = (rows / height).clamp(1, z);
    // Equal blocks: 9 rows are 5 + 4 and not 8 + 1.
    [
        y.div_ceil(y.div_ceil(height)),
        z.div_ceil(z.div_ceil(depth)),
    ]
}
