//! Rows split into their even and odd values, and joined again; squares transposed.

use super::{MAX_LANES, Simd};

/// `to[2 i] = even[i]`, `to[2 i + 1] = odd[i]`; `odd` may be one shorter.
#[inline(always)]
pub(crate) fn interleave_rows<S: Simd>(simd: S, even: &[f32], odd: &[f32], to: &mut [f32]) {
    let pairs = to.len() / 2;
    let (even, odd_pairs) = (&even[..to.len() - pairs], &odd[..pairs]);
    let mut done = 0;
    while done + S::LANES <= pairs {
        debug_assert!(done + S::LANES <= even.len() && done + S::LANES <= odd_pairs.len());
        debug_assert!(2 * (done + S::LANES) <= to.len());
        // SAFETY: both rows have `pairs` values at least and `to` twice as many, and the condition of the
        // loop keeps a whole vector within `pairs`.
        unsafe {
            let a = simd.load(even.as_ptr().add(done));
            let b = simd.load(odd_pairs.as_ptr().add(done));
            let [low, high] = simd.interleave(a, b);
            simd.store(to.as_mut_ptr().add(2 * done), low);
            simd.store(to.as_mut_ptr().add(2 * done + S::LANES), high);
        }
        done += S::LANES;
    }
    let rest = to[2 * done..]
        .chunks_mut(2)
        .zip(even[done..].iter().enumerate());
    for (pair, (index, &even)) in rest {
        pair[0] = even;
        if let Some(to) = pair.get_mut(1) {
            *to = odd_pairs[done + index];
        }
    }
}

/// `even[i] = from[2 i]`, for as many as there are in `even`.
#[inline(always)]
pub(crate) fn split_row<S: Simd>(simd: S, from: &[f32], even: &mut [f32]) {
    let mut done = 0;
    while done + S::LANES <= even.len() && 2 * (done + S::LANES) <= from.len() {
        debug_assert!(2 * (done + S::LANES) <= from.len() && done + S::LANES <= even.len());
        // SAFETY: the condition of the loop keeps a vector of `even` and two of `from` inside.
        unsafe {
            let a = simd.load(from.as_ptr().add(2 * done));
            let b = simd.load(from.as_ptr().add(2 * done + S::LANES));
            simd.store(even.as_mut_ptr().add(done), simd.deinterleave(a, b)[0]);
        }
        done += S::LANES;
    }
    for (index, to) in even.iter_mut().enumerate().skip(done) {
        *to = from[2 * index];
    }
}

/// Turns a square of as many rows as a vector has lanes over: `to[c × to_step + r] = from[r × from_step + c]`.
///
/// # Safety
/// `from` and `to` must be valid for whole vectors at each of that many rows.
#[inline(always)]
pub(crate) unsafe fn turn_square<S: Simd>(
    simd: S,
    from: *const f32,
    from_step: usize,
    to: *mut f32,
    to_step: usize,
) {
    let mut rows = [simd.splat(0.0); MAX_LANES];
    for (row, vector) in rows[..S::LANES].iter_mut().enumerate() {
        // SAFETY: the caller promises whole vectors at as many rows of `from` as there are lanes.
        *vector = unsafe { simd.load(from.add(row * from_step)) };
    }
    // Interleaving each row with the one half a square below, as often as halving reaches one.
    let mut left = S::LANES;
    while left > 1 {
        let mut next = rows;
        for row in 0..S::LANES / 2 {
            let [low, high] = simd.interleave(rows[row], rows[row + S::LANES / 2]);
            next[2 * row] = low;
            next[2 * row + 1] = high;
        }
        rows = next;
        left /= 2;
    }
    for (row, vector) in rows[..S::LANES].iter().enumerate() {
        // SAFETY: the caller promises whole vectors at as many rows of `to` as there are lanes.
        unsafe { simd.store(to.add(row * to_step), *vector) };
    }
}
