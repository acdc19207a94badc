//! Winograd's three transforms: of inputs and of sums with whole vectors along x, and of weights.

use super::{COMPONENTS, SIDE};
use crate::simd::Simd;

/// One row of patches along x, `from` two values more than twice as long as a component of `to`.
#[inline(always)]
pub(super) fn transform_row<S: Simd>(simd: S, from: &[f32], to: &mut [f32]) {
    let width = to.len() / SIDE;
    let from = &from[..2 * width + 2];
    for at in (0..width).step_by(S::LANES) {
        // SAFETY: `width` is whole vectors; `from` ends two values after twice that.
        unsafe {
            let load = |place: usize| simd.load(from.as_ptr().add(2 * at + place));
            let [d0, d1] = simd.deinterleave(load(0), load(S::LANES));
            let [d2, d3] = simd.deinterleave(load(2), load(S::LANES + 2));
            let to = to.as_mut_ptr().add(at);
            simd.store(to, simd.sub(d0, d2));
            simd.store(to.add(width), simd.add(d1, d2));
            simd.store(to.add(2 * width), simd.sub(d2, d1));
            simd.store(to.add(3 * width), simd.sub(d1, d3));
        }
    }
}

/// One row of patches along y, from four rows transformed along x, into all components. The last
/// vector may reach beyond the row: into what is written later, or into the slack of the component.
#[inline(always)]
pub(super) fn transform_column<S: Simd>(simd: S, rows: &[f32], tile: &mut [f32], component: usize) {
    let width = rows.len() / COMPONENTS;
    let tile = &mut tile[..(COMPONENTS - 1) * component + width];
    for along_x in 0..SIDE {
        for at in (0..width).step_by(S::LANES) {
            // SAFETY: `width` is whole vectors; `tile` was cut to what is written.
            unsafe {
                let load =
                    |row: usize| simd.load(rows.as_ptr().add((row * SIDE + along_x) * width + at));
                let [d0, d1, d2, d3] = [load(0), load(1), load(2), load(3)];
                let to = tile.as_mut_ptr().add(along_x * component + at);
                simd.store(to, simd.sub(d0, d2));
                simd.store(to.add(SIDE * component), simd.add(d1, d2));
                simd.store(to.add(2 * SIDE * component), simd.sub(d2, d1));
                simd.store(to.add(3 * SIDE * component), simd.sub(d1, d3));
            }
        }
    }
}

/// Two output rows from the sixteen components of a row of patches; the rows are pairs of whole
/// vectors.
#[inline(always)]
pub(super) fn inverse<S: Simd>(
    simd: S,
    sums: &[f32],
    step: usize,
    even: &mut [f32],
    odd: &mut [f32],
) {
    let width = even.len() / 2;
    let (sums, odd) = (
        &sums[..(COMPONENTS - 1) * step + width],
        &mut odd[..2 * width],
    );
    for at in (0..width).step_by(S::LANES) {
        // SAFETY: `width` is whole vectors; the slices were cut to what is read and written.
        unsafe {
            let (mut top, mut bottom) = ([simd.splat(0.0); SIDE], [simd.splat(0.0); SIDE]);
            for x in 0..SIDE {
                let load = |y: usize| simd.load(sums.as_ptr().add((y * SIDE + x) * step + at));
                [top[x], bottom[x]] = outputs(simd, [load(0), load(1), load(2), load(3)]);
            }
            for (values, to) in [(top, &mut *even), (bottom, &mut *odd)] {
                let [a, b] = outputs(simd, values);
                let [low, high] = simd.interleave(a, b);
                let to = to.as_mut_ptr().add(2 * at);
                simd.store(to, low);
                simd.store(to.add(S::LANES), high);
            }
        }
    }
}

/// `Aᵀ m` along one axis.
#[inline(always)]
fn outputs<S: Simd>(simd: S, [a, b, c, d]: [S::Vector; SIDE]) -> [S::Vector; 2] {
    [simd.add(simd.add(a, b), c), simd.sub(simd.sub(b, c), d)]
}
