//! Resampling voxel by voxel, for oblique grids and for maps that are not affine.

use super::Extrapolation;
use super::axis::resolved;
use super::kernel::Kernel;
use crate::scalar::Real;
use crate::simd::vectorised;
use crate::work::Work;
use rayon::prelude::*;
use vesalius_volume::Voxel;

vectorised! {
    fn row<R: Real, K: Kernel<N>; const N: usize>(
        source: &[R],
        padded: [usize; 3],
        positions: &[[f64; 3]],
        outside: Extrapolation,
        target: &mut [R],
    ) {
        let length = padded.map(|n| n - 2 * K::MARGIN);
        for (value, at) in target.iter_mut().zip(positions) {
            let (Some(x), Some(y), Some(z)) = (
                resolved(at[0], length[0], outside, K::REACH),
                resolved(at[1], length[1], outside, K::REACH),
                resolved(at[2], length[2], outside, K::REACH),
            ) else {
                continue;
            };
            let (x0, wx) = K::weights(x);
            let (y0, wy) = K::weights(y);
            let (z0, wz) = K::weights(z);
            let tap = |start: i64, k: usize, n: usize| {
                (start + k as i64 + K::MARGIN as i64).clamp(0, n as i64 - 1) as usize
            };
            let xs: [usize; N] = std::array::from_fn(|k| tap(x0, k, padded[0]));
            let mut sum = R::ZERO;
            for (k, &wz) in wz.iter().enumerate() {
                if wz == 0.0 {
                    continue;
                }
                let mut slice = R::ZERO;
                for (j, &wy) in wy.iter().enumerate() {
                    if wy == 0.0 {
                        continue;
                    }
                    let begin = (tap(z0, k, padded[2]) * padded[1] + tap(y0, j, padded[1])) * padded[0];
                    let line = &source[begin..begin + padded[0]];
                    let mut mixed = R::ZERO;
                    for i in 0..N {
                        // A voxel of weight 0 is skipped, so that it has no effect even when it is not a number.
                        if wx[i] != 0.0 {
                            mixed += line[xs[i]] * R::from_f64(wx[i]);
                        }
                    }
                    slice += mixed * R::from_f64(wy);
                }
                sum += slice * R::from_f64(wz);
            }
            *value = sum;
        }
    }
}

/// Writes one channel into `out`, which is filled with the outside value
/// where nothing is found; `position` maps a target voxel to the source's index space.
pub(crate) fn interpolate<R: Real, K: Kernel<N>, const N: usize>(
    source: &[R],
    padded: [usize; 3],
    position: &(impl Fn([usize; 3]) -> [f64; 3] + Sync),
    outside: Extrapolation,
    out: &mut [R],
    size: [usize; 3],
    work: &Work,
) {
    out.par_chunks_mut(size[0]).enumerate().for_each_init(
        || vec![[0.0; 3]; size[0]],
        |positions, (line, target)| {
            if !work.goes_on() {
                return;
            }
            work.advance(1);
            let (y, z) = (line % size[1], line / size[1]);
            for (x, at) in positions.iter_mut().enumerate() {
                *at = position([x, y, z]);
            }
            row::<R, K, N>(source, padded, positions, outside, target);
        },
    );
}

/// As [`interpolate`], for voxels that are copied, not mixed.
pub(crate) fn nearest<T: Voxel>(
    source: &[T],
    length: [usize; 3],
    position: &(impl Fn([usize; 3]) -> [f64; 3] + Sync),
    outside: Extrapolation,
    out: &mut [T],
    size: [usize; 3],
    work: &Work,
) {
    out.par_chunks_mut(size[0])
        .enumerate()
        .for_each(|(line, target)| {
            if !work.goes_on() {
                return;
            }
            work.advance(1);
            let (y, z) = (line % size[1], line / size[1]);
            for (x, value) in target.iter_mut().enumerate() {
                let at = position([x, y, z]);
                let index: [Option<usize>; 3] = std::array::from_fn(|axis| {
                    resolved(at[axis], length[axis], outside, 0.0)
                        .map(|at| ((at + 0.5).floor().max(0.0) as usize).min(length[axis] - 1))
                });
                if let [Some(x), Some(y), Some(z)] = index {
                    *value = source[(z * length[1] + y) * length[0] + x];
                }
            }
        });
}
