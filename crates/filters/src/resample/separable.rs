//! Resampling axis by axis, for grids whose axes are parallel to the image's.
//!
//! Each target slice mixes the source slices it needs, then rows, then voxels: the first two are
//! plain sums of contiguous rows.

use super::axis::Axis;
use crate::scalar::Real;
use crate::simd::vectorised;
use crate::work::Work;
use rayon::prelude::*;
use vesalius_volume::Voxel;

vectorised! {
    /// `out = Σ weight·row` over one to four rows.
    pub(crate) fn blend<R: Real>(out: &mut [R], rows: &[(&[R], R)]) {
        let n = out.len();
        match *rows {
            [] => out.fill(R::ZERO),
            [(a, wa)] => {
                for (o, &a) in out.iter_mut().zip(&a[..n]) {
                    *o = a * wa;
                }
            }
            [(a, wa), (b, wb)] => {
                let rows = a[..n].iter().zip(&b[..n]);
                for (o, (&a, &b)) in out.iter_mut().zip(rows) {
                    *o = a * wa + b * wb;
                }
            }
            [(a, wa), (b, wb), (c, wc)] => {
                let rows = a[..n].iter().zip(&b[..n]).zip(&c[..n]);
                for (o, ((&a, &b), &c)) in out.iter_mut().zip(rows) {
                    *o = a * wa + b * wb + c * wc;
                }
            }
            [(a, wa), (b, wb), (c, wc), (d, wd), ..] => {
                let rows = a[..n].iter().zip(&b[..n]).zip(&c[..n]).zip(&d[..n]);
                for (o, (((&a, &b), &c), &d)) in out.iter_mut().zip(rows) {
                    *o = a * wa + b * wb + c * wc + d * wd;
                }
            }
        }
    }
}

vectorised! {
    fn gather<R: Real; const N: usize>(axis: &Axis<R, N>, source: &[R], target: &mut [R]) {
        axis.gather(source, target);
    }
}

/// Scratch of one thread: a mixed slice and a mixed row.
struct Scratch<R> {
    slice: Vec<R>,
    row: Vec<R>,
}

/// Writes one channel into `out`, whole slices of `size[0] × size[1]`, which is filled with the outside value where
/// nothing is found; `source` is padded as the kernel requires.
pub(crate) fn separable<R: Real, const N: usize>(
    source: &[R],
    source_size: [usize; 3],
    axes: &[Axis<R, N>; 3],
    out: &mut [R],
    size: [usize; 3],
    work: &Work,
) {
    let [nx, ny, _] = source_size;
    let rows = axes[1].used();
    let copied = axes[0].copied_from();
    out.par_chunks_mut(size[0] * size[1])
        .enumerate()
        .for_each_init(
            || Scratch {
                slice: vec![R::ZERO; nx * rows.len()],
                row: vec![R::ZERO; nx],
            },
            |scratch, (z, target)| {
                if !work.goes_on() {
                    return;
                }
                work.advance(size[1]);
                if !axes[2].inside.contains(&z) {
                    return;
                }
                let Scratch { slice, row } = scratch;
                let parts: Vec<(&[R], R)> = axes[2]
                    .mix(z)
                    .map(|(tap, weight)| {
                        let begin = (tap * ny + rows.start) * nx;
                        (&source[begin..][..nx * rows.len()], weight)
                    })
                    .collect();
                // A slice that is a source slice as it is needs no copy.
                let mixed = match parts[..] {
                    [(only, weight)] if weight == R::ONE => only,
                    _ => {
                        blend(slice, &parts);
                        &slice[..]
                    }
                };
                for y in axes[1].inside.clone() {
                    let target = &mut target[y * size[0]..][..size[0]];
                    let line = |tap: usize| &mixed[(tap - rows.start) * nx..][..nx];
                    let mut parts: [(&[R], R); N] = [(&[], R::ZERO); N];
                    let mut count = 0;
                    for (tap, weight) in axes[1].mix(y) {
                        parts[count] = (line(tap), weight);
                        count += 1;
                    }
                    let source = match parts[..count] {
                        [(only, weight)] if weight == R::ONE => only,
                        _ => {
                            blend(row, &parts[..count]);
                            &row[..]
                        }
                    };
                    match copied {
                        Some(from) => {
                            let range = axes[0].inside.clone();
                            let from = &source[from..][..range.len()];
                            target[range].copy_from_slice(from);
                        }
                        None => gather(&axes[0], source, target),
                    }
                }
            },
        );
}

/// As [`separable`], for voxels that are copied, not mixed.
pub(crate) fn separable_nearest<T: Voxel>(
    source: &[T],
    source_size: [usize; 3],
    axes: &[Axis<f32, 1>; 3],
    out: &mut [T],
    size: [usize; 3],
    work: &Work,
) {
    let [nx, ny, _] = source_size;
    let copied = axes[0].copied_from();
    out.par_chunks_mut(size[0] * size[1])
        .enumerate()
        .for_each(|(z, target)| {
            if !work.goes_on() {
                return;
            }
            work.advance(size[1]);
            if !axes[2].inside.contains(&z) {
                return;
            }
            let Some((from_z, _)) = axes[2].mix(z).next() else {
                return;
            };
            let mut previous = None;
            for y in axes[1].inside.clone() {
                let Some((from_y, _)) = axes[1].mix(y).next() else {
                    continue;
                };
                let (done, rest) = target.split_at_mut(y * size[0]);
                let row = &mut rest[..size[0]];
                let source = &source[(from_z * ny + from_y) * nx..][..nx];
                match copied {
                    Some(from) => {
                        let range = axes[0].inside.clone();
                        let from = &source[from..][..range.len()];
                        row[range].copy_from_slice(from);
                    }
                    // Going to a finer grid, rows repeat.
                    None if previous == Some(from_y) => {
                        row.copy_from_slice(&done[done.len() - size[0]..]);
                    }
                    None => axes[0].pick(source, row),
                }
                previous = Some(from_y);
            }
        });
}
