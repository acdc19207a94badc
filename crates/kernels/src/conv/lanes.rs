//! Rows of the input as the 32-bit lanes that products take: one `f32` each, of values stored as either type, or two
//! bfloat16 numbers of two channels. Copied into a tile, with strides.

use std::ops::Range;

use crate::element::{Stored, bf16};
use crate::simd::{Simd, pair_bits, prefetch_all};

/// Values of one channel of the input, or of two next to each other, as lanes of 32 bits.
pub(crate) trait Lanes: Copy {
    /// How many there are.
    fn len(self) -> usize;

    /// Those of a range, which must be inside.
    fn part(self, range: Range<usize>) -> Self;

    /// One of them.
    fn value(self, at: usize) -> f32;

    /// The `count` lanes from `at` on; the vector's other lanes are zero.
    ///
    /// # Safety
    /// `at + count` must not be more than [`Lanes::len`], and `count` not more than [`Simd::LANES`].
    unsafe fn load<S: Simd>(self, simd: S, at: usize, count: usize) -> S::Vector;

    /// Requests all from memory.
    fn fetch_ahead(self);
}

impl<E: Stored> Lanes for &[E] {
    #[inline(always)]
    fn len(self) -> usize {
        <[E]>::len(self)
    }

    #[inline(always)]
    fn part(self, range: Range<usize>) -> Self {
        &self[range]
    }

    #[inline(always)]
    fn value(self, at: usize) -> f32 {
        self[at].widen()
    }

    #[inline(always)]
    unsafe fn load<S: Simd>(self, simd: S, at: usize, count: usize) -> S::Vector {
        debug_assert!(at + count <= <[E]>::len(self) && count <= S::LANES);
        // SAFETY: the caller promises `count` values from `at` on.
        unsafe {
            let from = self.as_ptr().add(at);
            if count == S::LANES {
                E::load(simd, from)
            } else {
                E::load_first(simd, from, count)
            }
        }
    }

    #[inline(always)]
    fn fetch_ahead(self) {
        prefetch_all(self.as_ptr(), <[E]>::len(self));
    }
}

/// The values of two channels, the first one's in the lower halves of the lanes. There may be no second one, which then
/// stands for zeros.
#[derive(Clone, Copy)]
pub(crate) struct TwoChannels<'a> {
    pub first: &'a [bf16],
    pub second: Option<&'a [bf16]>,
}

impl Lanes for TwoChannels<'_> {
    #[inline(always)]
    fn len(self) -> usize {
        self.first.len()
    }

    #[inline(always)]
    fn part(self, range: Range<usize>) -> Self {
        Self {
            first: &self.first[range.clone()],
            second: self.second.map(|second| &second[range]),
        }
    }

    #[inline(always)]
    fn value(self, at: usize) -> f32 {
        let second = self.second.map_or(bf16::ZERO, |second| second[at]);
        pair_bits([self.first[at], second])
    }

    #[inline(always)]
    unsafe fn load<S: Simd>(self, simd: S, at: usize, count: usize) -> S::Vector {
        debug_assert!(at + count <= self.first.len() && count <= S::LANES);
        debug_assert!(self.second.is_none_or(|s| s.len() == self.first.len()));
        // SAFETY: the caller promises `count` values from `at` on; both channels are as long.
        unsafe {
            let first = self.first.as_ptr().add(at);
            let second = self.second.map(|second| second.as_ptr().add(at));
            simd.load_pairs(first, second, count)
        }
    }

    #[inline(always)]
    fn fetch_ahead(self) {
        self.first.fetch_ahead();
        if let Some(second) = self.second {
            second.fetch_ahead();
        }
    }
}

/// `row[i] = source[start + i × stride]`, zero outside.
#[inline(always)]
pub(super) fn copy_row<S: Simd, L: Lanes>(
    simd: S,
    source: L,
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
    let source = source.part((start + (low * stride) as isize) as usize..source.len());
    let inner = &mut row[low..high];
    match stride {
        1 => copy_vectors(simd, source.part(0..inner.len()), inner),
        2 => split_row(simd, source, inner),
        _ => {
            for (index, to) in inner.iter_mut().enumerate() {
                *to = source.value(index * stride);
            }
        }
    }
}

/// A copy that does not call out for a handful of values.
#[inline(always)]
pub(super) fn copy_vectors<S: Simd, L: Lanes>(simd: S, from: L, to: &mut [f32]) {
    let length = to.len();
    let from = from.part(0..length);
    for at in (0..length).step_by(S::LANES) {
        let count = (length - at).min(S::LANES);
        // SAFETY: both have `length` values, `count` of them from `at` on.
        unsafe {
            let value = from.load(simd, at, count);
            let to = to.as_mut_ptr().add(at);
            if count == S::LANES {
                simd.store(to, value);
            } else {
                simd.store_first(to, value, count);
            }
        }
    }
}

/// `even[i] = from[2 i]`, for as many as there are in `even`.
#[inline(always)]
fn split_row<S: Simd, L: Lanes>(simd: S, from: L, even: &mut [f32]) {
    let mut done = 0;
    while done + S::LANES <= even.len() && 2 * (done + S::LANES) <= from.len() {
        debug_assert!(2 * (done + S::LANES) <= from.len() && done + S::LANES <= even.len());
        // SAFETY: the condition of the loop keeps a vector of `even` and two of `from` inside.
        unsafe {
            let a = from.load(simd, 2 * done, S::LANES);
            let b = from.load(simd, 2 * done + S::LANES, S::LANES);
            simd.store(even.as_mut_ptr().add(done), simd.deinterleave(a, b)[0]);
        }
        done += S::LANES;
    }
    for (index, to) in even.iter_mut().enumerate().skip(done) {
        *to = from.value(2 * index);
    }
}
