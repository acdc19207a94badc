//! Winograd's three transforms: of inputs and of sums with whole vectors along x, and of weights.

use super::MOST;
use crate::simd::Simd;

/// `Bᵀ d` along one axis, for patches of four or six.
#[inline(always)]
fn components<S: Simd>(simd: S, side: usize, d: [S::Vector; MOST]) -> [S::Vector; MOST] {
    let [d0, d1, d2, d3, d4, d5] = d;
    let zero = simd.splat(0.0);
    if side == 4 {
        let (first, last) = (simd.sub(d0, d2), simd.sub(d1, d3));
        return [first, simd.add(d1, d2), simd.sub(d2, d1), last, zero, zero];
    }
    let times = |factor: f32, a, b| simd.mul_add(simd.splat(factor), a, b);
    // What components of opposite points share, and what has the opposite sign.
    let (ones, one) = (times(-4.0, d2, d4), times(-4.0, d1, d3));
    let (twos, two) = (simd.sub(d4, d2), simd.sub(d3, d1));
    [
        times(4.0, d0, times(-5.0, d2, d4)),
        simd.add(ones, one),
        simd.sub(ones, one),
        times(2.0, two, twos),
        times(-2.0, two, twos),
        times(4.0, d1, times(-5.0, d3, d5)),
    ]
}

/// A vector of patches of four by four, along x and y, into all components. Of each row `values` are two vectors
/// from its first value on, and two from its third.
#[inline(always)]
pub(super) fn transform_patches<S: Simd>(
    simd: S,
    values: [[S::Vector; 4]; 4],
    to: &mut [f32],
    component: usize,
) {
    // Loops: closures might not be compiled for the chosen SIMD level.
    let to = &mut to[..15 * component + S::LANES];
    let mut rows = values;
    for row in &mut rows {
        let [d0, d1] = simd.deinterleave(row[0], row[1]);
        let [d2, d3] = simd.deinterleave(row[2], row[3]);
        *row = four(simd, [d0, d1, d2, d3]);
    }
    let [first, second, third, fourth] = rows;
    for x in 0..4 {
        let found = four(simd, [first[x], second[x], third[x], fourth[x]]);
        for (y, value) in found.into_iter().enumerate() {
            debug_assert!((4 * y + x) * component + S::LANES <= to.len());
            // SAFETY: `to` was cut a vector after the start of the last of sixteen components.
            unsafe { simd.store(to.as_mut_ptr().add((4 * y + x) * component), value) };
        }
    }
}

/// `Bᵀ d` along one axis, for patches of four.
#[inline(always)]
pub(super) fn four<S: Simd>(simd: S, [d0, d1, d2, d3]: [S::Vector; 4]) -> [S::Vector; 4] {
    [
        simd.sub(d0, d2),
        simd.add(d1, d2),
        simd.sub(d2, d1),
        simd.sub(d1, d3),
    ]
}

/// One row of patches along x; `from` is `side − 2` values more than twice as long as a component of `to`.
#[inline(always)]
pub(super) fn transform_row<S: Simd>(simd: S, side: usize, from: &[f32], to: &mut [f32]) {
    let width = to.len() / side;
    let from = &from[..2 * width + side - 2];
    debug_assert!(width.is_multiple_of(S::LANES) && matches!(side, 4 | 6));
    for at in (0..width).step_by(S::LANES) {
        debug_assert!(2 * (at + S::LANES) + side - 2 <= from.len());
        debug_assert!((side - 1) * width + at + S::LANES <= to.len());
        // SAFETY: `width` is whole vectors, so the last one of a pair ends at most at `2 width + side − 2`,
        // where `from` was cut; `to` has `side` times `width` values.
        unsafe {
            let load = |place: usize| simd.load(from.as_ptr().add(2 * at + place));
            let mut d = [simd.splat(0.0); MOST];
            for pair in 0..side / 2 {
                let place = 2 * pair;
                let [even, odd] = simd.deinterleave(load(place), load(S::LANES + place));
                (d[place], d[place + 1]) = (even, odd);
            }
            let found = components(simd, side, d);
            for (index, value) in found.into_iter().enumerate().take(side) {
                simd.store(to.as_mut_ptr().add(index * width + at), value);
            }
        }
    }
}

/// One row of patches along y, from `side` rows transformed along x, into all components. The last
/// vector may reach beyond the row: into what is written later, or into the slack of the component.
#[inline(always)]
pub(super) fn transform_column<S: Simd>(
    simd: S,
    side: usize,
    rows: &[f32],
    tile: &mut [f32],
    component: usize,
) {
    let width = rows.len() / (side * side);
    let tile = &mut tile[..(side * side - 1) * component + width];
    for along_x in 0..side {
        for at in (0..width).step_by(S::LANES) {
            debug_assert!(((side - 1) * side + along_x) * width + at + S::LANES <= rows.len());
            let last = along_x + (side - 1) * side;
            debug_assert!(last * component + at + S::LANES <= tile.len());
            // SAFETY: `width` is whole vectors, `rows` has `side²` times as many values, and `tile` was
            // cut where the last component's row ends.
            unsafe {
                let mut d = [simd.splat(0.0); MOST];
                for (row, value) in d[..side].iter_mut().enumerate() {
                    let place = (row * side + along_x) * width + at;
                    *value = simd.load(rows.as_ptr().add(place));
                }
                let found = components(simd, side, d);
                let to = tile.as_mut_ptr().add(along_x * component + at);
                for (index, value) in found.into_iter().enumerate().take(side) {
                    simd.store(to.add(index * side * component), value);
                }
            }
        }
    }
}

/// Two output rows from the components of a row of patches; the rows are pairs of whole vectors.
#[inline(always)]
pub(super) fn inverse<S: Simd>(
    simd: S,
    side: usize,
    sums: &[f32],
    step: usize,
    even: &mut [f32],
    odd: &mut [f32],
) {
    debug_assert!(matches!(side, 4 | 6));
    if side == 4 {
        inverse_of::<S, 4>(simd, sums, step, even, odd);
    } else {
        inverse_of::<S, 6>(simd, sums, step, even, odd);
    }
}

#[inline(always)]
fn inverse_of<S: Simd, const SIDE: usize>(
    simd: S,
    sums: &[f32],
    step: usize,
    even: &mut [f32],
    odd: &mut [f32],
) {
    let width = even.len() / 2;
    let sums = &sums[..(SIDE * SIDE - 1) * step + width];
    let odd = &mut odd[..2 * width];
    debug_assert!(even.len() == 2 * width && width.is_multiple_of(S::LANES));
    for at in (0..width).step_by(S::LANES) {
        debug_assert!((SIDE * SIDE - 1) * step + at + S::LANES <= sums.len());
        // SAFETY: `width` is whole vectors; the sums were cut where the last component's row ends, and
        // both rows to twice the width.
        unsafe {
            let (mut top, mut bottom) = ([simd.splat(0.0); SIDE], [simd.splat(0.0); SIDE]);
            for x in 0..SIDE {
                let mut column = [simd.splat(0.0); SIDE];
                for (y, value) in column.iter_mut().enumerate() {
                    *value = simd.load(sums.as_ptr().add((y * SIDE + x) * step + at));
                }
                [top[x], bottom[x]] = outputs(simd, column);
            }
            let [a, b] = outputs(simd, top);
            let [low, high] = simd.interleave(a, b);
            simd.store(even.as_mut_ptr().add(2 * at), low);
            simd.store(even.as_mut_ptr().add(2 * at + S::LANES), high);
            let [a, b] = outputs(simd, bottom);
            let [low, high] = simd.interleave(a, b);
            simd.store(odd.as_mut_ptr().add(2 * at), low);
            simd.store(odd.as_mut_ptr().add(2 * at + S::LANES), high);
        }
    }
}

/// A pair of planes of components along x and y from the four components along z; `to` has `step` values a
/// component, both planes of one after the other.
#[inline(always)]
pub(super) fn inverse_z<S: Simd>(
    simd: S,
    sums: &[f32],
    component: usize,
    plane: usize,
    to: &mut [f32],
    step: usize,
) {
    let sums = &sums[..63 * component + plane];
    let to = &mut to[..16 * step];
    debug_assert!(step >= 2 * plane && plane.is_multiple_of(S::LANES));
    for index in 0..16 {
        for at in (0..plane).step_by(S::LANES) {
            // SAFETY: the sums were cut where the last component's plane ends, which is whole vectors long;
            // `to` has room for two planes in each of sixteen steps.
            unsafe {
                let from = sums.as_ptr().add(index * component + at);
                let mut column = [simd.splat(0.0); 4];
                for (layer, value) in column.iter_mut().enumerate() {
                    *value = simd.load(from.add(16 * layer * component));
                }
                let [first, second] = outputs(simd, column);
                let to = to.as_mut_ptr().add(index * step + at);
                simd.store(to, first);
                simd.store(to.add(plane), second);
            }
        }
    }
}

/// `Aᵀ m` along one axis.
#[inline(always)]
fn outputs<S: Simd, const SIDE: usize>(simd: S, m: [S::Vector; SIDE]) -> [S::Vector; 2] {
    let (both, apart) = (simd.add(m[1], m[2]), simd.sub(m[1], m[2]));
    if SIDE == 4 {
        return [simd.add(m[0], both), simd.sub(apart, m[3])];
    }
    let far = simd.mul_add(simd.splat(2.0), simd.sub(m[3], m[4]), apart);
    [
        simd.add(simd.add(m[0], both), simd.add(m[3], m[4])),
        simd.add(far, m[5]),
    ]
}
