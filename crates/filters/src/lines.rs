//! Running one-dimensional filters along the axes of a buffer, several lines side by side.
//!
//! A block holds the lines as `[position][lane]`, so that a recursion along the line is a plain
//! loop over lanes, which the compiler turns into vectors.

use crate::scalar::Real;
use crate::work::Work;
use rayon::prelude::*;
use vesalius_volume::Volume;

/// Lines that a [`LineFilter`] works on side by side.
pub(crate) const LANES: usize = 8;

/// A filter along one line, from samples to as many results, in `f64` as ITK computes.
pub(crate) trait LineFilter: Sync {
    /// Filters [`LANES`] lines; both slices have the line's length.
    fn run(&self, input: &[[f64; LANES]], output: &mut [[f64; LANES]]);
}

/// One thread's blocks.
struct Blocks {
    input: Vec<[f64; LANES]>,
    output: Vec<[f64; LANES]>,
}

impl Blocks {
    fn new(length: usize) -> Self {
        Self {
            input: vec![[0.0; LANES]; length],
            output: vec![[0.0; LANES]; length],
        }
    }

    /// Filters across `rows`: position `k` of each line is in `rows[k]`.
    fn across<R: Real>(&mut self, rows: &mut [&mut [R]], filter: &dyn LineFilter) {
        let (input, output) = (
            &mut self.input[..rows.len()],
            &mut self.output[..rows.len()],
        );
        for lane in (0..rows[0].len()).step_by(LANES) {
            let width = LANES.min(rows[0].len() - lane);
            for (block, row) in input.iter_mut().zip(rows.iter()) {
                for (to, from) in block.iter_mut().zip(&row[lane..lane + width]) {
                    *to = from.to_f64();
                }
            }
            filter.run(input, output);
            for (block, row) in output.iter().zip(rows.iter_mut()) {
                for (from, to) in block.iter().zip(&mut row[lane..lane + width]) {
                    *to = R::from_f64(*from);
                }
            }
        }
    }

    /// Filters along each of the rows of length `row`.
    fn along<R: Real>(&mut self, rows: &mut [R], row: usize, filter: &dyn LineFilter) {
        let (input, output) = (&mut self.input[..row], &mut self.output[..row]);
        for lines in rows.chunks_mut(row * LANES) {
            for (lane, line) in lines.chunks(row).enumerate() {
                for (block, from) in input.iter_mut().zip(line) {
                    block[lane] = from.to_f64();
                }
            }
            filter.run(input, output);
            for (lane, line) in lines.chunks_mut(row).enumerate() {
                for (block, to) in output.iter().zip(line) {
                    *to = R::from_f64(block[lane]);
                }
            }
        }
    }
}

/// The parts that [`filter_axes`] counts for all channels of a volume: each voxel twice.
pub(crate) fn filtered_parts<R: Real>(input: &Volume<R>) -> usize {
    2 * input.data().len()
}

/// Applies a filter along each axis that has one, in place, to one channel; counts each voxel twice.
pub(crate) fn filter_axes<R: Real>(
    data: &mut [R],
    size: [usize; 3],
    filters: [Option<&dyn LineFilter>; 3],
    work: &Work,
) {
    let [nx, ny, nz] = size;
    if data.is_empty() {
        return;
    }
    if filters[0].is_some() || filters[1].is_some() {
        data.par_chunks_mut(nx * ny).for_each_init(
            || Blocks::new(nx.max(ny)),
            |blocks, slice| {
                work.part(slice.len(), || {
                    if let Some(filter) = filters[0] {
                        blocks.along(slice, nx, filter);
                    }
                    if let Some(filter) = filters[1] {
                        let mut rows: Vec<&mut [R]> = slice.chunks_mut(nx).collect();
                        blocks.across(&mut rows, filter);
                    }
                });
            },
        );
    } else {
        work.part(data.len(), || ());
    }
    if let Some(filter) = filters[2] {
        // Whole cache lines of each slice, and enough of them that threads share the work.
        let width = strip_width(nx * ny, nz);
        strips(data, nx * ny, width).into_par_iter().for_each_init(
            || Blocks::new(nz),
            |blocks, mut rows| {
                work.part(rows[0].len() * nz, || blocks.across(&mut rows, filter));
            },
        );
    } else {
        work.part(data.len(), || ());
    }
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

/// Applies `filter` in place to blocks of `length × width` along z, gathered from all slices; stops where the work is
/// cancelled, and counts nothing.
pub(crate) fn along_z<R: Real>(
    data: &mut [R],
    size: [usize; 3],
    filter: impl Fn(&mut [R], usize) + Sync,
    work: &Work,
) {
    let slice = size[0] * size[1];
    if slice == 0 || size[2] == 0 {
        return;
    }
    let width = strip_width(slice, size[2]);
    strips(data, slice, width).into_par_iter().for_each_init(
        || vec![R::ZERO; width * size[2]],
        |block, mut lines| {
            if !work.goes_on() {
                return;
            }
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

/// Applies `filter` in place to blocks of lines along x, within the calling thread; `row` is a
/// line's length.
pub(crate) fn along_x<R: Real>(rows: &mut [R], row: usize, filter: &impl Fn(&mut [R], usize)) {
    const WIDTH: usize = 16;
    let mut block = vec![R::ZERO; row * WIDTH];
    for lines in rows.chunks_mut((row * WIDTH).max(1)) {
        let width = lines.len() / row;
        let block = &mut block[..lines.len()];
        to_lanes(lines, block, row, width);
        filter(block, width);
        to_lanes(block, lines, width, row);
    }
}

/// Turns `width` lines of `row` values into `row` lines of `width` values.
fn to_lanes<R: Copy>(from: &[R], to: &mut [R], row: usize, width: usize) {
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
