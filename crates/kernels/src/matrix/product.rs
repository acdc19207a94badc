//! The product of two strided matrices, in tiles on all threads. Every sum is taken in the same order
//! whatever the number of threads: tasks differ in which sums they take, never in how.

use rayon::prelude::*;

use super::pack::Matrix;
use super::tile::{MAX_COLUMNS, ROWS, Tile, columns, term_offsets};
use crate::buffer::{Scratch, Shared};
use crate::simd::{Simd, SimdLevel, Work, dispatch};

/// Terms of one packing: a panel of 24 columns then fits the first cache.
const TERMS: usize = 256;
/// Rows of one packing; with their terms they fit the second cache.
const BLOCK_ROWS: usize = 192;
/// Terms from which on a small product is summed in parts, each a task.
const LONG: usize = 4096;
/// Parts of such a sum at most.
const PARTS: usize = 16;
/// Multiplications that are worth a task of their own.
const TASK: usize = 1 << 19;

/// Sizes of a product: `[rows, terms] × [terms, columns]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub rows: usize,
    pub columns: usize,
    pub terms: usize,
}

/// `output = a × b + start`, `output` dense `[rows, columns]`, `start` a value a column if given.
pub(crate) fn product(
    sizes: Sizes,
    a: Matrix,
    b: Matrix,
    start: Option<&[f32]>,
    output: &mut [f32],
) {
    let area = sizes.rows * sizes.columns;
    if area == 0 {
        return;
    }
    if sizes.terms == 0 {
        for row in output.chunks_exact_mut(sizes.columns) {
            match start {
                Some(start) => row.copy_from_slice(start),
                None => row.fill(0.0),
            }
        }
        return;
    }
    let path = SimdLevel::current();
    // A long sum for few outputs: parts of fixed length, joined in order.
    let parts = (sizes.terms / LONG * 2).min(PARTS);
    if parts >= 2 && area <= 1 << 18 && start.is_none() {
        in_parts(path, sizes, parts, a, b, output);
        return;
    }
    let shared = Shared::new(output);
    let whole = 0..sizes.terms;
    tasks(sizes).into_par_iter().for_each(|[rows, column]| {
        let task = Task {
            width: sizes.columns,
            terms: whole.clone(),
            rows,
            columns: column,
            a,
            b,
            start,
            output: &shared,
        };
        dispatch(path, task);
    });
}

fn in_parts(path: SimdLevel, sizes: Sizes, parts: usize, a: Matrix, b: Matrix, output: &mut [f32]) {
    let area = sizes.rows * sizes.columns;
    let length = sizes.terms.div_ceil(parts);
    let mut sums = Scratch::any(parts * area);
    let shared = Shared::new(sums.as_mut_slice());
    (0..parts).into_par_iter().for_each(|part| {
        let terms = (part * length).min(sizes.terms)..((part + 1) * length).min(sizes.terms);
        // SAFETY: sums of parts with different numbers are `area` apart and as long.
        let sums = unsafe { shared.part(part * area, area) };
        if terms.is_empty() {
            sums.fill(0.0);
            return;
        }
        let sums = Shared::new(sums);
        let task = Task {
            width: sizes.columns,
            terms,
            rows: 0..sizes.rows,
            columns: 0..sizes.columns,
            a,
            b,
            start: None,
            output: &sums,
        };
        dispatch(path, task);
    });
    let sums = sums.as_slice();
    output.copy_from_slice(&sums[..area]);
    for part in sums[area..parts * area].chunks_exact(area) {
        for (to, from) in output.iter_mut().zip(part) {
            *to += from;
        }
    }
}

type Range = std::ops::Range<usize>;

/// Blocks of outputs, `[rows, columns]`: enough to keep threads busy, large enough to pay for packing.
fn tasks(sizes: Sizes) -> Vec<[Range; 2]> {
    let threads = rayon::current_num_threads();
    let work = sizes.rows * sizes.columns * sizes.terms;
    let wanted = (work / TASK).clamp(1, 4 * threads);
    let by_rows = sizes.rows.div_ceil(BLOCK_ROWS).min(wanted);
    let by_columns = wanted
        .div_ceil(by_rows)
        .min(sizes.columns.div_ceil(4 * MAX_COLUMNS));
    let rows = sizes.rows.div_ceil(by_rows).next_multiple_of(ROWS);
    let columns = sizes
        .columns
        .div_ceil(by_columns)
        .next_multiple_of(MAX_COLUMNS * 3);
    let mut tasks = Vec::new();
    for row in (0..sizes.rows).step_by(rows) {
        for column in (0..sizes.columns).step_by(columns) {
            tasks.push([
                row..(row + rows).min(sizes.rows),
                column..(column + columns).min(sizes.columns),
            ]);
        }
    }
    tasks
}

/// One block of outputs, over a part of the terms.
struct Task<'a> {
    /// Columns of the whole output.
    width: usize,
    terms: Range,
    rows: Range,
    columns: Range,
    a: Matrix<'a>,
    b: Matrix<'a>,
    start: Option<&'a [f32]>,
    output: &'a Shared<'a>,
}

impl Work for Task<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let wide = columns::<S>();
        let most = self.terms.len().min(TERMS);
        let offsets = term_offsets(wide, most);
        let block_rows = self.rows.len().min(BLOCK_ROWS).next_multiple_of(ROWS);
        let mut rows = Scratch::any(block_rows * most);
        let mut panel = Scratch::any(wide * most);
        let mut first = self.rows.start;
        while first < self.rows.end {
            let count = (self.rows.end - first).min(BLOCK_ROWS);
            let mut term = self.terms.start;
            while term < self.terms.end {
                let terms = term..(term + TERMS).min(self.terms.end);
                self.a
                    .pack_rows(first, count, terms.clone(), rows.as_mut_slice());
                let mut column = self.columns.start;
                while column < self.columns.end {
                    let some = (self.columns.end - column).min(wide);
                    self.b
                        .pack_panel(terms.clone(), column, some, wide, panel.as_mut_slice());
                    let strip = Strip {
                        task: &self,
                        first: [first, column],
                        count: [count, some],
                        offsets: &offsets[..terms.len()],
                        rows: rows.as_slice(),
                        panel: panel.as_slice(),
                        begin: terms.start == self.terms.start,
                    };
                    strip.run(simd);
                    column += wide;
                }
                term = terms.end;
            }
            first += count;
        }
    }
}

/// A panel's columns of the outputs of some packed rows.
struct Strip<'a> {
    task: &'a Task<'a>,
    first: [usize; 2],
    count: [usize; 2],
    offsets: &'a [usize],
    rows: &'a [f32],
    panel: &'a [f32],
    /// Whether these are the first terms of the sum.
    begin: bool,
}

impl Strip<'_> {
    #[inline(always)]
    fn run<S: Simd>(&self, simd: S) {
        let ([row, column], [rows, some]) = (self.first, self.count);
        let (width, wide) = (self.task.width, columns::<S>());
        let start = self.task.start.filter(|_| self.begin);
        let start = start.map(|start| &start[column..column + some]);
        let block = self.offsets.len() * ROWS;
        let mut sums = [0.0f32; ROWS * MAX_COLUMNS];
        for (index, packed) in self.rows.chunks_exact(block).enumerate() {
            let at = index * ROWS;
            if at >= rows {
                break;
            }
            let whole = some == wide && at + ROWS <= rows;
            if whole {
                self.whole_tile(simd, packed, row + at, column, start);
                continue;
            }
            let tile = Tile {
                offsets: self.offsets,
                rows: packed,
                panel: self.panel,
                to: sums.as_mut_ptr(),
                room: sums.len(),
                step: wide,
                add: false,
            };
            // SAFETY: `packed` has `ROWS` values an offset and the panel `wide`; the sums have space for
            // `ROWS` rows of the widest tile there is.
            unsafe { tile.run(simd) };
            for r in 0..ROWS.min(rows - at) {
                // SAFETY: the task's ranges of rows and columns are no other's, and no part of them is alive.
                let to = unsafe { self.task.output.part((row + at + r) * width + column, some) };
                let sums = &sums[r * wide..][..some];
                match (self.begin, start) {
                    (true, None) => to.copy_from_slice(sums),
                    (true, Some(start)) => {
                        for ((to, sum), start) in to.iter_mut().zip(sums).zip(start) {
                            *to = start + sum;
                        }
                    }
                    (false, _) => {
                        for (to, sum) in to.iter_mut().zip(sums) {
                            *to += sum;
                        }
                    }
                }
            }
        }
    }

    /// A tile with no row or column missing, straight into the output.
    #[inline(always)]
    fn whole_tile<S: Simd>(
        &self,
        simd: S,
        packed: &[f32],
        row: usize,
        column: usize,
        start: Option<&[f32]>,
    ) {
        let (width, wide) = (self.task.width, columns::<S>());
        let first = row * width + column;
        if let Some(start) = start {
            for r in 0..ROWS {
                // SAFETY: the task's ranges of rows and columns are no other's, and no part of them is alive.
                let line = unsafe { self.task.output.part(first + r * width, wide) };
                line.copy_from_slice(start);
            }
        }
        let tile = Tile {
            offsets: self.offsets,
            rows: packed,
            panel: self.panel,
            // SAFETY: the task's ranges of rows and columns are no other's, and no part of them is alive.
            to: unsafe { self.task.output.block(first, ROWS, width, wide) },
            room: (ROWS - 1) * width + wide,
            step: width,
            add: start.is_some() || !self.begin,
        };
        // SAFETY: `packed` has `ROWS` values an offset and the panel `wide`; `block` checked that all of
        // the tile's rows are inside the output.
        unsafe { tile.run(simd) };
    }
}
