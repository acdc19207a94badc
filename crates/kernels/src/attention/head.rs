//! One head of one window: the places of its queries, keys and values, and the probabilities of a block
//! of queries. A block has a column a query, so that no sum goes across a vector.

use super::{APART, AttentionShape, WindowMask};
use crate::math::exp;
use crate::matrix::{MAX_COLUMNS, Matrix, ROWS, Tile, columns};
use crate::simd::Simd;

/// What a head reads.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    pub shape: AttentionShape,
    pub input: &'a [f32],
    /// `[keys, queries]`.
    pub bias: Option<&'a [f32]>,
    pub regions: Option<&'a [u32]>,
    pub window: usize,
    pub head: usize,
}

/// Which of the three an input holds side by side.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Query,
    Key,
    Value,
}

impl<'a> Head<'a> {
    pub fn new(
        shape: AttentionShape,
        input: &'a [f32],
        bias: Option<&'a [f32]>,
        mask: Option<WindowMask<'a>>,
        [window, head]: [usize; 2],
    ) -> Self {
        let square = shape.tokens * shape.tokens;
        Self {
            shape,
            input,
            bias: bias.map(|bias| &bias[head * square..][..square]),
            regions: mask.map(|mask| mask.of(window, shape.tokens)),
            window,
            head,
        }
    }

    /// Where a part of a token's numbers start.
    pub fn place(&self, part: Part, token: usize) -> usize {
        let width = self.shape.width();
        let row = (self.window * self.shape.tokens + token) * 3 + part as usize;
        row * width + self.head * self.shape.depth
    }

    /// A part, `[tokens, depth]`.
    pub fn part(&self, part: Part) -> Matrix<'a> {
        Matrix {
            values: self.input,
            start: self.place(part, 0),
            row: 3 * self.shape.width(),
            column: 1,
        }
    }

    /// The head's place in a tensor of the output's shape.
    pub fn output_place(&self, token: usize) -> usize {
        (self.window * self.shape.tokens + token) * self.shape.width()
            + self.head * self.shape.depth
    }

    /// The head's part of a tensor of the output's shape, `[tokens, depth]`.
    pub fn of_output(&self, values: &'a [f32]) -> Matrix<'a> {
        Matrix {
            values,
            start: self.output_place(0),
            row: self.shape.width(),
            column: 1,
        }
    }

    /// `1 / √depth`.
    pub fn scale(&self) -> f32 {
        (self.shape.depth as f64).powf(-0.5) as f32
    }

    /// Adds bias and mask to the scores `[keys, columns]` of the queries from `first` on.
    #[inline(always)]
    pub fn adjust(&self, wide: usize, first: usize, count: usize, scores: &mut [f32]) {
        let tokens = self.shape.tokens;
        if let Some(bias) = self.bias {
            for (scores, bias) in scores.chunks_exact_mut(wide).zip(bias.chunks_exact(tokens)) {
                let bias = &bias[first..first + count];
                for (score, bias) in scores[..count].iter_mut().zip(bias) {
                    *score += bias;
                }
            }
        }
        if let Some(regions) = self.regions {
            let queries = &regions[first..first + count];
            for (scores, &key) in scores.chunks_exact_mut(wide).zip(regions) {
                for (score, &query) in scores[..count].iter_mut().zip(queries) {
                    *score += if key == query { 0.0 } else { APART };
                }
            }
        }
    }
}

/// The largest of each column.
#[inline(always)]
pub(super) fn largest(wide: usize, scores: &[f32]) -> [f32; MAX_COLUMNS] {
    let mut most = [f32::NEG_INFINITY; MAX_COLUMNS];
    for row in scores.chunks_exact(wide) {
        for (most, &score) in most[..wide].iter_mut().zip(row) {
            *most = if score > *most { score } else { *most };
        }
    }
    most
}

/// `scores = exp(scores − shift)` a column; the sum of each.
#[inline(always)]
pub(super) fn exponentials(
    wide: usize,
    shift: &[f32; MAX_COLUMNS],
    scores: &mut [f32],
) -> [f32; MAX_COLUMNS] {
    let mut sums = [0.0f32; MAX_COLUMNS];
    for row in scores.chunks_exact_mut(wide) {
        for ((score, &shift), sum) in row.iter_mut().zip(shift).zip(&mut sums) {
            *score = exp(*score - shift);
            *sum += *score;
        }
    }
    sums
}

/// `to[r] = Σ_k rows[r][k] × panel[k]` for all packed rows: `[packed rows, columns]`, or added to it.
pub(super) struct Tiles<'a> {
    /// The offsets of the panel's terms.
    pub offsets: &'a [usize],
    /// Blocks of [`ROWS`] rows, a term after the other.
    pub rows: &'a [f32],
    pub panel: &'a [f32],
    /// Values from one row of `to` to the next.
    pub step: usize,
    pub add: bool,
}

impl Tiles<'_> {
    /// `count` rows, rounded up to whole blocks.
    #[inline(always)]
    pub fn run<S: Simd>(&self, simd: S, count: usize, to: &mut [f32]) {
        let (block, wide) = (self.offsets.len() * ROWS, columns::<S>());
        let blocks = count.div_ceil(ROWS);
        let last = self.offsets.last().copied().unwrap_or(0);
        debug_assert!(self.offsets.is_sorted());
        assert!(self.rows.len() >= blocks * block && self.panel.len() >= last + wide);
        assert!(to.len() >= (blocks * ROWS).saturating_sub(1) * self.step + wide);
        for index in 0..blocks {
            let tile = Tile {
                offsets: self.offsets,
                rows: &self.rows[index * block..],
                panel: self.panel,
                room: to.len() - index * ROWS * self.step,
                to: to[index * ROWS * self.step..].as_mut_ptr(),
                step: self.step,
                add: self.add,
            };
            // SAFETY: `rows` has a block for each of these. The panel has a row of columns at the last offset and, since
            // offsets ascend, at every offset. `to` has space for the last row of the last block.
            unsafe { tile.run(simd) };
        }
    }
}
