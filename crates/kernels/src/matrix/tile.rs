//! The innermost product: four rows of one matrix with a panel of another, in registers, by the same loop as
//! the convolution's. `pack` packs both matrices.

use crate::simd::{Simd, Work, fma_tile};

/// Rows of a tile.
pub(crate) const ROWS: usize = 4;

/// Columns of a tile, three or four vectors.
#[inline(always)]
pub(crate) fn columns<S: Simd>() -> usize {
    vectors::<S>() * S::LANES
}

#[inline(always)]
fn vectors<S: Simd>() -> usize {
    if S::WIDE { 4 } else { 3 }
}

/// The most columns of a tile at any SIMD level.
pub(crate) const MAX_COLUMNS: usize = 64;

/// The offsets of the terms of a packed panel: `0, columns, 2 columns …`.
pub(crate) fn term_offsets(columns: usize, terms: usize) -> Vec<usize> {
    (0..terms).map(|term| term * columns).collect()
}

/// `to[r × step + c] (+)= Σ_k rows[4 k + r] × panel[offsets[k] + c]` for a whole tile.
pub(crate) struct Tile<'a> {
    /// The offset of each term's columns in the panel.
    pub offsets: &'a [usize],
    /// [`ROWS`] factors a term.
    pub rows: &'a [f32],
    /// The panel, from its first column on.
    pub panel: &'a [f32],
    /// The tile's first value.
    pub to: *mut f32,
    /// How many values may be written from there on.
    pub room: usize,
    /// Values from one row of the tile to the next.
    pub step: usize,
    /// Whether what `to` holds is added to.
    pub add: bool,
}

impl Tile<'_> {
    /// Computes the tile.
    ///
    /// # Safety
    /// `rows` must hold [`ROWS`] values a term, `panel` [`columns`] values at each offset, and `to`
    /// as many in each of [`ROWS`] rows, `step` apart.
    #[inline(always)]
    pub unsafe fn run<S: Simd>(self, simd: S) {
        simd.call_out_of_line(Checked(self));
    }
}

/// A tile under the promises of [`Tile::run`], which alone makes it.
struct Checked<'a>(Tile<'a>);

impl Work for Checked<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let tile = self.0;
        let wide = columns::<S>();
        debug_assert!(tile.rows.len() >= tile.offsets.len() * ROWS);
        debug_assert!((ROWS - 1) * tile.step + wide <= tile.room);
        let most = tile.offsets.iter().max();
        debug_assert!(most.is_none_or(|offset| offset + wide <= tile.panel.len()));
        let inputs = |vector: usize| tile.panel.as_ptr().wrapping_add(vector * S::LANES);
        // SAFETY: the caller of `Tile::run` promises that a term has `ROWS` factors and a whole row of
        // columns, all of whose vectors are read, and that the tile's rows may be written.
        unsafe {
            if S::WIDE {
                let inputs = std::array::from_fn(inputs);
                let sums = fma_tile::<S, ROWS, 4>(simd, tile.offsets, tile.rows.as_ptr(), inputs);
                tile.store(simd, sums);
            } else {
                let inputs = std::array::from_fn(inputs);
                let sums = simd.weigh_4x3(tile.offsets, tile.rows.as_ptr(), inputs);
                tile.store(simd, sums);
            }
        }
    }
}

impl Tile<'_> {
    /// # Safety
    /// As [`Tile::run`].
    #[inline(always)]
    unsafe fn store<S: Simd, const VECTORS: usize>(
        &self,
        simd: S,
        sums: [[S::Vector; VECTORS]; ROWS],
    ) {
        for (row, sums) in sums.into_iter().enumerate() {
            for (vector, sum) in sums.into_iter().enumerate() {
                debug_assert!(row * self.step + (vector + 1) * S::LANES <= self.room);
                // SAFETY: the caller promises `ROWS` rows of whole vectors, `step` apart.
                unsafe {
                    let to = self.to.add(row * self.step + vector * S::LANES);
                    let sum = if self.add {
                        simd.add(simd.load(to), sum)
                    } else {
                        sum
                    };
                    simd.store(to, sum);
                }
            }
        }
    }
}
