//! Rows taken apart into their even and odd values, and put together again.

use super::Simd;

/// `to[2 i] = even[i]`, `to[2 i + 1] = odd[i]`; `odd` may be one shorter.
#[inline(always)]
pub(crate) fn interleave_rows<S: Simd>(simd: S, even: &[f32], odd: &[f32], to: &mut [f32]) {
    let pairs = to.len() / 2;
    let (even, odd_pairs) = (&even[..to.len() - pairs], &odd[..pairs]);
    let mut done = 0;
    while done + S::LANES <= pairs {
        // SAFETY: both rows have `pairs` values, `to` twice as many.
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
        // SAFETY: the condition of the loop keeps both within their slices.
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
