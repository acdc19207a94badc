//! Writes the sums of a block of outputs where they belong, finished and rounded to what is stored: rows of all phases
//! along x at once.

use super::finish::FinishRows;
use super::plan::ConvLayout;
use super::tile::Block;
use crate::buffer::Shared;
use crate::element::Stored;
use crate::simd::{Simd, interleave_rows, prefetch_all};

/// A block of one sample and group.
pub(super) struct Write<'a, O> {
    pub gather: &'a ConvLayout,
    pub block: Block,
    pub output: &'a Shared<'a, O>,
}

/// The sums of one plane of one channel and one phase of y and z.
pub(super) struct Plane<'a> {
    /// Those of the first phase along x, row by row.
    pub sums: &'a [f32],
    /// Values from one phase along x to the next.
    pub phase_step: usize,
    /// Which plane of the block it is.
    pub z: usize,
    /// Phases of y and z.
    pub phase: [usize; 2],
}

impl<O: Stored> Write<'_, O> {
    /// Writes a plane; `buffer` has room for its rows if outputs are rounded.
    #[inline(always)]
    pub fn plane<S: Simd>(&self, simd: S, plane: Plane, rows: &mut FinishRows, buffer: &mut [f32]) {
        let [size_x, size_y, size_z] = self.gather.output;
        let [step_x, step_y, step_z] = self.gather.step;
        let z = (self.block.start[1] + plane.z) * step_z + plane.phase[1];
        if z >= size_z {
            return;
        }
        let start = (rows.row * size_z + z) * size_y;
        // The next channel's rows are in other pages, which hardware prefetching does not reach.
        let channel = size_x * size_y * size_z;
        let grid_x = self.gather.grid[0];
        if step_x == 1 && step_y == 1 {
            let start = (start + self.block.start[0]) * size_x;
            let length = self.block.length[0] * size_x;
            // SAFETY: each task has a block, channel and sample of its own, and writes each of its
            // phases (one row in `step_y`, one plane in `step_z`) once, so no other part is alive here.
            let to = unsafe { self.output.part(start, length) };
            prefetch_all(to.as_ptr().wrapping_add(channel), length);
            let row = O::row(to, buffer);
            row.copy_from_slice(&plane.sums[..length]);
            rows.finish(row);
            O::put(simd, buffer, to);
            return;
        }
        for row in 0..self.block.length[0] {
            let y = (self.block.start[0] + row) * step_y + plane.phase[0];
            if y >= size_y {
                break;
            }
            // SAFETY: the row is of this task's own block, channel, sample and phase, as above.
            let to = unsafe { self.output.part((start + y) * size_x, size_x) };
            prefetch_all(to.as_ptr().wrapping_add(channel), size_x);
            let from = &plane.sums[row * grid_x..];
            let outputs = O::row(to, buffer);
            match step_x {
                1 => outputs.copy_from_slice(&from[..size_x]),
                2 => interleave_rows(simd, &from[..grid_x], &from[plane.phase_step..], outputs),
                _ => {
                    for (x, to) in outputs.iter_mut().enumerate() {
                        *to = from[x % step_x * plane.phase_step + x / step_x];
                    }
                }
            }
            rows.finish(outputs);
            O::put(simd, buffer, to);
        }
    }
}
