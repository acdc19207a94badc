//! Gradients of outputs with a vector's lanes for output channels, and their transform.

use super::plan::Plan;
use crate::buffer::Scratch;
use crate::simd::{MAX_LANES, Simd, turn_square};

/// A pair of rows of gradients, `[row][x][output channel]`.
pub(super) struct Turn {
    values: Scratch,
    /// Values of a row.
    step: usize,
    width: usize,
    square: [[f32; MAX_LANES]; MAX_LANES],
}

impl Turn {
    pub fn new<S: Simd>(plan: &Plan, width: usize) -> Self {
        let step = (2 * plan.grid[0]).next_multiple_of(S::LANES) * width;
        Self {
            values: Scratch::zeros(2 * step),
            step,
            width,
            square: [[0.0; MAX_LANES]; MAX_LANES],
        }
    }

    /// Turns row `row` of the pair: `size_x` values from `at` on in each channel of `gradient`, which are `voxels`
    /// apart; zeros where there is no such row.
    #[inline(always)]
    pub fn row<S: Simd>(
        &mut self,
        simd: S,
        row: usize,
        gradient: &[f32],
        voxels: usize,
        at: Option<usize>,
        size_x: usize,
    ) {
        let (step, width) = (self.step, self.width);
        let to = &mut self.values.as_mut_slice()[row * step..][..step];
        let Some(at) = at else {
            to.fill(0.0);
            return;
        };
        for first in (0..width).step_by(S::LANES) {
            for x in (0..size_x).step_by(S::LANES) {
                let whole = (first + S::LANES) * voxels <= gradient.len() && x + S::LANES <= size_x;
                debug_assert!((x + S::LANES - 1) * width + first + S::LANES <= to.len());
                // SAFETY: either a whole square of channels and values is inside the gradient, or it is
                // copied, where it is, into one; `to` is whole squares for as many channels.
                unsafe {
                    let to = to.as_mut_ptr().add(x * width + first);
                    if whole {
                        let from = &gradient[first * voxels + at + x..];
                        debug_assert!((S::LANES - 1) * voxels + S::LANES <= from.len());
                        turn_square(simd, from.as_ptr(), voxels, to, width);
                    } else {
                        for (lane, row) in self.square[..S::LANES].iter_mut().enumerate() {
                            let from = gradient.get((first + lane) * voxels + at + x..);
                            let from = from.unwrap_or(&[]);
                            let lanes = from.len().min(size_x - x).min(S::LANES);
                            let values = simd.load_lanes(from.as_ptr(), 0..lanes);
                            simd.store(row.as_mut_ptr(), values);
                        }
                        turn_square(simd, self.square.as_ptr().cast(), MAX_LANES, to, width);
                    }
                }
            }
        }
    }
}

/// `A g Aᵀ` of each of a row of `x` patches of two by two, into all components. The last component along each axis
/// has the other sign.
#[inline(always)]
pub(super) fn transform_gradient<S: Simd>(
    simd: S,
    turn: &Turn,
    x: usize,
    width: usize,
    to: &mut [f32],
    component: usize,
) {
    let rows = turn.values.as_slice();
    let to = &mut to[..15 * component + x * width];
    for patch in 0..x {
        for lane in (0..width).step_by(S::LANES) {
            let at = patch * width + lane;
            debug_assert!(turn.step + (2 * patch + 1) * width + lane + S::LANES <= rows.len());
            debug_assert!(15 * component + at + S::LANES <= to.len());
            // SAFETY: both rows hold twice `x` places of `width` channels, whole vectors, and `to` was cut
            // where the last component's patches end.
            unsafe {
                let first = rows.as_ptr().add(2 * patch * width + lane);
                let second = first.add(turn.step);
                let left = spread(simd, simd.load(first), simd.load(second));
                let right = spread(
                    simd,
                    simd.load(first.add(width)),
                    simd.load(second.add(width)),
                );
                for y in 0..4 {
                    let found = spread(simd, left[y], right[y]);
                    for (x, value) in found.into_iter().enumerate() {
                        simd.store(to.as_mut_ptr().add((4 * y + x) * component + at), value);
                    }
                }
            }
        }
    }
}

/// `A g` along one axis, but for the sign of the last.
#[inline(always)]
fn spread<S: Simd>(simd: S, a: S::Vector, b: S::Vector) -> [S::Vector; 4] {
    [a, simd.add(a, b), simd.sub(a, b), b]
}
