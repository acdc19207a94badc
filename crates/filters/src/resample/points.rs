//! Resampling voxel by voxel, for oblique grids and for maps that are not affine.

use super::Extrapolation;
use super::axis::resolved;
use super::kernel::Kernel;
use super::window::Window;
use crate::scalar::Real;
use crate::simd::vectorised;
use crate::work::Work;
use rayon::prelude::*;
use vesalius_volume::Voxel;

vectorised! {
    fn row<R: Real, K: Kernel<N>; const N: usize>(
        source: &Window<R>,
        positions: &[[f64; 3]],
        outside: Extrapolation,
        target: &mut [R],
    ) {
        let length = source.whole.map(|n| n - 2 * K::MARGIN);
        let [nx, ny, _] = source.size;
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
            let tap = |start: i64, k: usize, axis: usize| {
                source.nearest(axis, start + k as i64 + K::MARGIN as i64)
            };
            let xs: [usize; N] = std::array::from_fn(|k| tap(x0, k, 0));
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
                    let begin = (tap(z0, k, 2) * ny + tap(y0, j, 1)) * nx;
                    let line = &source.values[begin..begin + nx];
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
/// where nothing is found; `position` maps a target voxel to the source's index space. The source, padded as the
/// kernel requires, holds at least what the target depends on.
pub(crate) fn interpolate<R: Real, K: Kernel<N>, const N: usize>(
    source: &Window<R>,
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
            row::<R, K, N>(source, positions, outside, target);
        },
    );
}

/// As [`interpolate`], for voxels that are copied, not mixed.
pub(crate) fn nearest<T: Voxel>(
    source: &Window<T>,
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
                let index: [Option<i64>; 3] = std::array::from_fn(|axis| {
                    resolved(at[axis], source.whole[axis], outside, 0.0)
                        .map(|at| (at + 0.5).floor() as i64)
                });
                if let [Some(x), Some(y), Some(z)] = index {
                    *value = source.get([x, y, z]);
                }
            }
        });
}
