//! Input channels into Winograd's components: from the input itself where a vector stays in its row, through
//! copied rows otherwise.

use std::ops::Range;

use super::super::plan::ConvLayout;
use super::super::tile::{Block, copy_row};
use super::plan::Plan;
use super::transform::{four, transform_column, transform_patches, transform_row};
use super::{Buffers, Taps};
use crate::buffer::Scratch;
use crate::simd::{Simd, prefetch_all};

/// What is transformed: the part of a sample's group of channels that a block reads.
pub(super) struct Fill<'a> {
    pub plan: &'a Plan,
    pub gather: &'a ConvLayout,
    pub taps: &'a Taps,
    pub input: &'a [f32],
    pub block: Block,
    pub group: usize,
    pub sample: usize,
}

impl Fill<'_> {
    /// Transforms input channels, `Bᵀ d B` of every patch, into the tile.
    #[inline(always)]
    pub fn run<S: Simd>(&self, simd: S, channels: Range<usize>, buffers: &mut Buffers) {
        let plan = self.plan;
        let straight = plan.side == 4 && plan.grid[0].is_multiple_of(S::LANES);
        let planes = plan.input_planes(self.block.length[1]);
        let deep = plan.layers > 1;
        for channel in channels.clone() {
            self.fetch_ahead(channel + 1, planes);
            let at = (channel - channels.start) * plan.channel;
            for plane in 0..planes {
                let to = if deep { 0 } else { at } + plane * plan.plane;
                let Some(input) = self.plane(channel, plane) else {
                    let length = (self.block.length[0] * plan.grid[0]).next_multiple_of(S::LANES);
                    for component in 0..plan.side * plan.side {
                        let (tile, step) = target(plan, &mut buffers.tile, &mut buffers.flat);
                        tile[component * step + to..][..length].fill(0.0);
                    }
                    continue;
                };
                if straight {
                    self.straight(simd, input, to, buffers);
                } else if plan.side == 4 {
                    self.through_rows(simd, input, to, buffers);
                } else {
                    self.by_rows(simd, input, to, buffers);
                }
            }
            if deep {
                self.along_z(simd, at, buffers);
            }
        }
    }

    /// The components along z of those along x and y, into the tile at `at`.
    #[inline(always)]
    fn along_z<S: Simd>(&self, simd: S, at: usize, buffers: &mut Buffers) {
        let plan = self.plan;
        let length = (self.block.length[0] * plan.grid[0]).next_multiple_of(S::LANES);
        let flat = buffers.flat.as_slice();
        let tile = buffers.tile.as_mut_slice();
        for component in 0..16 {
            for pair in 0..plan.sum_planes(self.block.length[1]) {
                let from = component * plan.whole + 2 * pair * plan.plane;
                let from = &flat[from..][..3 * plan.plane + length];
                let to = component * plan.component + at + pair * plan.plane;
                let to = &mut tile[to..][..48 * plan.component + length];
                for at in (0..length).step_by(S::LANES) {
                    // SAFETY: four planes and the four components along z were cut where their last row ends,
                    // which is whole vectors long.
                    unsafe {
                        let from = from.as_ptr().add(at);
                        let mut d = [simd.splat(0.0); 4];
                        for (plane, value) in d.iter_mut().enumerate() {
                            *value = simd.load(from.add(plane * plan.plane));
                        }
                        let to = to.as_mut_ptr().add(at);
                        for (layer, value) in four(simd, d).into_iter().enumerate() {
                            simd.store(to.add(16 * layer * plan.component), value);
                        }
                    }
                }
            }
        }
    }

    /// The input's plane that is the tile's `plane`, if there is one.
    #[inline(always)]
    fn plane(&self, channel: usize, plane: usize) -> Option<&[f32]> {
        let [size_x, size_y, size_z] = self.gather.input;
        let z = (self.block.start[1] + plane) as isize + self.plan.first_z;
        if !(0..size_z as isize).contains(&z) {
            return None;
        }
        let row =
            (self.sample * self.gather.groups + self.group) * self.gather.in_channels + channel;
        let length = size_x * size_y;
        Some(&self.input[(row * size_z + z as usize) * length..][..length])
    }

    /// Row `index` of those that the block reads, if there is one.
    #[inline(always)]
    fn row<'a>(&self, input: &'a [f32], index: usize) -> Option<&'a [f32]> {
        let [size_x, size_y, _] = self.gather.input;
        let y = (2 * self.block.start[0] + index) as isize + self.taps.first[1];
        (0..size_y as isize)
            .contains(&y)
            .then(|| &input[y as usize * size_x..][..size_x])
    }

    /// Requests a channel's part of the input: short pieces of many pages, which hardware prefetching does not reach.
    #[inline(always)]
    fn fetch_ahead(&self, channel: usize, planes: usize) {
        if channel >= self.gather.in_channels {
            return;
        }
        let size_x = self.gather.input[0];
        let rows = 2 * self.block.length[0] + self.plan.side - 2;
        for plane in 0..planes {
            let Some(input) = self.plane(channel, plane) else {
                continue;
            };
            let first = (0..rows).find_map(|index| self.row(input, index));
            let last = (0..rows).rev().find_map(|index| self.row(input, index));
            let (Some(first), Some(last)) = (first, last) else {
                continue;
            };
            let length = (last.as_ptr().addr() - first.as_ptr().addr()) / size_of::<f32>() + size_x;
            prefetch_all(first.as_ptr(), length);
        }
    }

    /// Three taps, rows of whole vectors of patches: nothing is copied.
    #[inline(always)]
    fn straight<S: Simd>(&self, simd: S, input: &[f32], to: usize, buffers: &mut Buffers) {
        let (plan, first_x) = (self.plan, self.taps.first[0]);
        let zeros = &buffers.zeros[..self.gather.input[0]];
        let (tile, component) = target(plan, &mut buffers.tile, &mut buffers.flat);
        let tile = &mut tile[to..];
        for pair in 0..self.block.length[0] {
            let mut rows = [zeros; 4];
            for (index, row) in rows.iter_mut().enumerate() {
                *row = self.row(input, 2 * pair + index).unwrap_or(zeros);
            }
            for at in (0..plan.grid[0]).step_by(S::LANES) {
                let start = 2 * at as isize + first_x;
                let mut values = [[simd.splat(0.0); 4]; 4];
                for (row, values) in rows.iter().zip(&mut values) {
                    for (index, value) in values.iter_mut().enumerate() {
                        let place = (index / 2 * 2 + index % 2 * S::LANES) as isize;
                        *value = load_within(simd, row, start + place);
                    }
                }
                let to = &mut tile[pair * plan.grid[0] + at..];
                transform_patches(simd, values, to, component);
            }
        }
    }

    /// Three taps, any rows: the even and the odd ones are copied one after the other, without and with the first
    /// two values, so that a vector may take patches of several rows.
    #[inline(always)]
    fn through_rows<S: Simd>(&self, simd: S, input: &[f32], to: usize, buffers: &mut Buffers) {
        let plan = self.plan;
        let (x, pairs) = (plan.grid[0], self.block.length[0]);
        let step = plan.copied;
        let rows = buffers.rows.as_mut_slice();
        debug_assert!(2 * x * (pairs + 1) + 3 * S::LANES <= step && 4 * step <= rows.len());
        for parity in 0..2 {
            for half in 0..=pairs {
                let row = self.row(input, 2 * half + parity).unwrap_or(&[]);
                for place in 0..2 {
                    let start = self.taps.first[0] + 2 * place as isize;
                    let to = (2 * parity + place) * step + half * 2 * x;
                    for at in (0..2 * x).step_by(S::LANES) {
                        debug_assert!(to + at + S::LANES <= rows.len());
                        let value = load_within(simd, row, start + at as isize);
                        // SAFETY: the copies of all rows, with vectors after them, are inside the buffer.
                        unsafe { simd.store(rows.as_mut_ptr().add(to + at), value) };
                    }
                }
            }
        }
        let (tile, component) = target(plan, &mut buffers.tile, &mut buffers.flat);
        let tile = &mut tile[to..];
        for at in (0..pairs * x).step_by(S::LANES) {
            let mut values = [[simd.splat(0.0); 4]; 4];
            for (row, values) in values.iter_mut().enumerate() {
                for (index, value) in values.iter_mut().enumerate() {
                    let copy = 2 * (row % 2) + index / 2;
                    let from = copy * step + 2 * (at + row / 2 * x) + index % 2 * S::LANES;
                    debug_assert!(from + S::LANES <= rows.len());
                    // SAFETY: `at` is less than a vector before the end of the patches, so two vectors from
                    // twice there, or a row further, end in the three vectors after a copy's rows.
                    *value = unsafe { simd.load(rows.as_ptr().add(from)) };
                }
            }
            transform_patches(simd, values, &mut tile[at..], component);
        }
    }

    /// Five taps: each row along x, then along y.
    #[inline(always)]
    fn by_rows<S: Simd>(&self, simd: S, input: &[f32], to: usize, buffers: &mut Buffers) {
        let (x, width, side) = (self.plan.grid[0], self.plan.width, self.plan.side);
        let rows = buffers.rows.as_mut_slice();
        for index in 0..2 * self.block.length[0] + side - 2 {
            let to = &mut rows[index * side * width..][..side * width];
            match self.row(input, index) {
                Some(from) => {
                    copy_row(simd, from, self.taps.first[0], 1, &mut buffers.row);
                    transform_row(simd, side, &buffers.row, to);
                }
                None => to.fill(0.0),
            }
        }
        for pair in 0..self.block.length[0] {
            let rows = &rows[2 * pair * side * width..][..side * side * width];
            let tile = &mut buffers.tile.as_mut_slice()[to + pair * x..];
            transform_column(simd, side, rows, tile, self.plan.component);
        }
    }
}

/// A vector of the values of `row` from `start` on, zeros for those before and after them.
#[inline(always)]
fn load_within<S: Simd>(simd: S, row: &[f32], start: isize) -> S::Vector {
    let (length, lanes) = (row.len() as isize, S::LANES as isize);
    let from = row.as_ptr().wrapping_offset(start);
    if start >= 0 && start + lanes <= length {
        // SAFETY: a whole vector from `start` on is in the row.
        return unsafe { simd.load(from) };
    }
    let low = (-start).clamp(0, lanes);
    let high = (length - start).clamp(low, lanes);
    // SAFETY: lane l is the row's value at `start + l`, which is one of its values for the lanes from `low`
    // to `high`.
    unsafe { simd.load_lanes(from, low as usize..high as usize) }
}

/// Where components along x and y go, and values from one to the next.
#[inline(always)]
fn target<'a>(plan: &Plan, tile: &'a mut Scratch, flat: &'a mut Scratch) -> (&'a mut [f32], usize) {
    if plan.layers > 1 {
        (flat.as_mut_slice(), plan.whole)
    } else {
        (tile.as_mut_slice(), plan.component)
    }
}
