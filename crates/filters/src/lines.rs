//! Running a one-dimensional filter along each axis of a buffer, many lines side by side.
//!
//! A block holds `length × width` values, the line index slow and the lane index fast, so that a
//! recursion along the line is a plain loop over lanes, which the compiler turns into vectors.

use crate::scalar::Real;
use rayon::prelude::*;

/// Lanes of a block that is gathered from contiguous lines.
const LANES: usize = 16;

/// Applies `filter` to blocks of lines along x, within the calling thread; `row` is a line's
/// length.
pub(crate) fn along_x<R: Real>(rows: &mut [R], row: usize, filter: &impl Fn(&mut [R], usize)) {
    let mut block = vec![R::ZERO; row * LANES];
    for lines in rows.chunks_mut((row * LANES).max(1)) {
        let width = lines.len() / row;
        let block = &mut block[..lines.len()];
        to_lanes(lines, block, row, width);
        filter(block, width);
        to_lanes(block, lines, width, row);
    }
}

/// Turns `width` lines of `row` values into `row` lines of `width` values.
pub(crate) fn to_lanes<R: Copy>(from: &[R], to: &mut [R], row: usize, width: usize) {
    const TILE: usize = 16;
    for x0 in (0..row).step_by(TILE) {
        let x1 = (x0 + TILE).min(row);
        for w0 in (0..width).step_by(TILE) {
            let w1 = (w0 + TILE).min(width);
            for x in x0..x1 {
                let target = &mut to[x * width + w0..x * width + w1];
                for (w, value) in (w0..w1).zip(target) {
                    *value = from[w * row + x];
                }
            }
        }
    }
}

/// Applies `filter` to blocks of lines along z, gathered from all slices.
pub(crate) fn along_z<R: Real>(
    data: &mut [R],
    size: [usize; 3],
    filter: impl Fn(&mut [R], usize) + Sync,
) {
    let slice = size[0] * size[1];
    if slice == 0 || size[2] == 0 {
        return;
    }
    let width = strip_width(slice, size[2]);
    strips(data, slice, width).into_par_iter().for_each_init(
        || vec![R::ZERO; width * size[2]],
        |block, mut lines| {
            let width = lines[0].len();
            let block = &mut block[..width * lines.len()];
            for (row, line) in block.chunks_mut(width).zip(&lines) {
                row.copy_from_slice(line);
            }
            filter(block, width);
            for (row, line) in block.chunks(width).zip(&mut lines) {
                line.copy_from_slice(row);
            }
        },
    );
}

/// A strip's width such that its lines together stay within a core's second-level cache.
pub(crate) fn strip_width(slice: usize, slices: usize) -> usize {
    (32 * 1024 / slices.max(1)).clamp(16, 256).min(slice)
}

/// The same stretch of every slice, for each stretch of `width` voxels of a slice.
pub(crate) fn strips<R>(data: &mut [R], slice: usize, width: usize) -> Vec<Vec<&mut [R]>> {
    let mut strips: Vec<Vec<&mut [R]>> = Vec::new();
    strips.resize_with(slice.div_ceil(width), Vec::new);
    for slice in data.chunks_mut(slice) {
        for (strip, part) in strips.iter_mut().zip(slice.chunks_mut(width)) {
            strip.push(part);
        }
    }
    strips
}
