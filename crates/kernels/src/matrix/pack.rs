//! Parts of strided matrices, brought into the order in which the innermost product reads them.
//! What lies outside of the matrix becomes zero.

use super::tile::ROWS;

/// A matrix within a slice: its entry (r, c) is at `start + r × row + c × column`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrix<'a> {
    pub values: &'a [f32],
    pub start: usize,
    pub row: usize,
    pub column: usize,
}

impl<'a> Matrix<'a> {
    /// `[rows, columns]`, dense.
    pub fn dense(values: &'a [f32], columns: usize) -> Self {
        Self {
            values,
            start: 0,
            row: columns,
            column: 1,
        }
    }

    /// Rows become columns.
    pub fn transposed(self) -> Self {
        Self {
            row: self.column,
            column: self.row,
            ..self
        }
    }

    /// The values from entry (r, c) on.
    #[inline(always)]
    fn from(&self, row: usize, column: usize) -> &'a [f32] {
        &self.values[self.start + row * self.row + column * self.column..]
    }

    /// Packs `rows` rows from `first` on, columns `terms`, in blocks of [`ROWS`]: for each block and
    /// column its [`ROWS`] values.
    #[inline(always)]
    pub fn pack_rows(
        &self,
        first: usize,
        rows: usize,
        terms: std::ops::Range<usize>,
        to: &mut [f32],
    ) {
        let block_len = terms.len() * ROWS;
        if block_len == 0 {
            return;
        }
        let blocks = to[..rows.div_ceil(ROWS) * block_len].chunks_exact_mut(block_len);
        for (index, block) in blocks.enumerate() {
            let row = first + index * ROWS;
            let count = (first + rows - row).min(ROWS);
            let (quads, _) = block.as_chunks_mut::<ROWS>();
            if count == ROWS && self.row == 1 {
                for (quad, term) in quads.iter_mut().zip(terms.clone()) {
                    quad.copy_from_slice(&self.from(row, term)[..ROWS]);
                }
            } else if count == ROWS && self.column == 1 {
                let [a, b, c, d]: [&[f32]; ROWS] =
                    std::array::from_fn(|r| &self.from(row + r, terms.start)[..terms.len()]);
                for (term, quad) in quads.iter_mut().enumerate() {
                    *quad = [a[term], b[term], c[term], d[term]];
                }
            } else {
                for (quad, term) in quads.iter_mut().zip(terms.clone()) {
                    *quad = std::array::from_fn(|r| match r < count {
                        true => self.from(row + r, term)[0],
                        false => 0.0,
                    });
                }
            }
        }
    }

    /// Packs a panel: for each row of `terms` the `count` columns from `first` on, `width` apart.
    #[inline(always)]
    pub fn pack_panel(
        &self,
        terms: std::ops::Range<usize>,
        first: usize,
        count: usize,
        width: usize,
        to: &mut [f32],
    ) {
        if terms.is_empty() || count == 0 {
            return;
        }
        let to = &mut to[..terms.len() * width];
        if self.column == 1 {
            for (to, term) in to.chunks_exact_mut(width).zip(terms) {
                to[..count].copy_from_slice(&self.from(term, first)[..count]);
                to[count..].fill(0.0);
            }
            return;
        }
        if count < width {
            to.fill(0.0);
        }
        // Eight by eight: lines are read and written along.
        const SIDE: usize = 8;
        let whole_terms = match self.row {
            1 => terms.len() / SIDE * SIDE,
            _ => 0,
        };
        let whole = count / SIDE * SIDE;
        for top in (0..whole_terms).step_by(SIDE) {
            for left in (0..whole).step_by(SIDE) {
                let mut block = [[0.0f32; SIDE]; SIDE];
                for (c, line) in block.iter_mut().enumerate() {
                    let from = self.from(terms.start + top, first + left + c);
                    line.copy_from_slice(&from[..SIDE]);
                }
                for r in 0..SIDE {
                    let line: [f32; SIDE] = std::array::from_fn(|c| block[c][r]);
                    to[(top + r) * width + left..][..SIDE].copy_from_slice(&line);
                }
            }
        }
        for (index, to) in to.chunks_exact_mut(width).enumerate() {
            let from = if index < whole_terms { whole } else { 0 };
            for (c, to) in to[..count].iter_mut().enumerate().skip(from) {
                *to = self.from(terms.start + index, first + c)[0];
            }
        }
    }
}
