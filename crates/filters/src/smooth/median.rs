//! The median of each voxel's neighbourhood.
//!
//! Forgetful selection: of a bit more than half of the window the smallest and the largest cannot
//! be its median, so both go and the next value comes in. Lanes of voxels do it side by side.

use crate::buffer;
use crate::scalar::Real;
use crate::simd::vectorised;
use crate::work::Work;
use crate::{Error, Result};
use rayon::prelude::*;
use vesalius_control::Control;
use vesalius_volume::Volume;

/// Voxels whose medians are selected side by side.
const LANES: usize = 16;

/// The median over a box of `radius` voxels to each side; the border voxel is repeated beyond the image
/// (ITK `Median`).
///
/// # Errors
/// [`Error::BadOption`] when the box has more than 4096 voxels.
///
/// ```
/// use vesalius_filters::median;
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([5, 1, 1], [1.0; 3])?;
/// let spike = Volume::new(grid, 1, vec![1.0_f32, 2.0, 900.0, 4.0, 5.0])?;
/// assert_eq!(median(&spike, [1, 0, 0])?.data(), [1.0, 2.0, 4.0, 5.0, 5.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn median<R: Real>(input: &Volume<R>, radius: [usize; 3]) -> Result<Volume<R>> {
    medians(input, radius, &Work::unwatched())
}

/// As [`median`], cancelled and followed through a control, in the stage `median`.
///
/// # Errors
/// As [`median`]; [`Error::Cancelled`].
pub fn median_with<R: Real>(
    input: &Volume<R>,
    radius: [usize; 3],
    control: &Control,
) -> Result<Volume<R>> {
    let rows = input.data().len() / input.geometry().size()[0].max(1);
    medians(input, radius, &Work::new(control, "median", rows))
}

fn medians<R: Real>(input: &Volume<R>, radius: [usize; 3], work: &Work) -> Result<Volume<R>> {
    let window = check_radius(radius)?;
    let [nx, ny, nz] = input.geometry().size();
    let mut out = buffer::filled(R::ZERO, input.data().len());
    if out.is_empty() {
        return Ok(input.clone());
    }
    let width = nx.next_multiple_of(LANES) + 2 * radius[0];
    let lines = (2 * radius[1] + 1) * (2 * radius[2] + 1);
    out.par_chunks_mut(nx).enumerate().for_each_init(
        || {
            (
                vec![R::ZERO; width * lines],
                vec![[R::ZERO; LANES]; window / 2 + 2],
            )
        },
        |(rows, kept), (line, target)| {
            if !work.goes_on() {
                return;
            }
            let (y, z, channel) = (line % ny, line / ny % nz, line / (ny * nz));
            let source = input.channel(channel);
            for (i, row) in rows.chunks_mut(width).enumerate() {
                let near = |centre: usize, step: usize, radius: usize, length: usize| {
                    (centre + step).saturating_sub(radius).min(length - 1)
                };
                let y = near(y, i % (2 * radius[1] + 1), radius[1], ny);
                let z = near(z, i / (2 * radius[1] + 1), radius[2], nz);
                let from = &source[(z * ny + y) * nx..][..nx];
                row[..radius[0]].fill(from[0]);
                row[radius[0]..radius[0] + nx].copy_from_slice(from);
                row[radius[0] + nx..].fill(from[nx - 1]);
            }
            for (block, target) in target.chunks_mut(LANES).enumerate() {
                let medians = select(rows, width, block * LANES, 2 * radius[0] + 1, kept);
                target.copy_from_slice(&medians[..target.len()]);
            }
            work.advance(1);
        },
    );
    work.check()?;
    Ok(Volume::new(*input.geometry(), input.channels(), out)?)
}

/// The voxels of a box of this radius, when they are few enough.
pub(super) fn check_radius(radius: [usize; 3]) -> Result<usize> {
    let window = radius.iter().try_fold(1usize, |voxels, r| {
        voxels.checked_mul(r.checked_mul(2)?.checked_add(1)?)
    });
    window
        .filter(|&voxels| voxels <= 4096)
        .ok_or_else(|| Error::option("median", "radius", radius, "a box of at most 4096 voxels"))
}

vectorised! {
    /// The medians of `LANES` windows that start at `first` of each row and are `across` wide.
    fn select<R: Real>(
        rows: &[R],
        width: usize,
        first: usize,
        across: usize,
        kept: &mut [[R; LANES]],
    ) -> [R; LANES] {
        let mut size = 0;
        let mut capacity = kept.len().min(rows.len() / width * across);
        for row in rows.chunks(width) {
            for start in first..first + across {
                let mut value = [R::ZERO; LANES];
                value.copy_from_slice(&row[start..start + LANES]);
                kept[size] = value;
                size += 1;
                if size == capacity && size > 1 {
                    to_ends(&mut kept[..size]);
                    // The largest is dropped at the end; the new value replaces the smallest at the start.
                    capacity -= 1;
                    size -= 2;
                    kept[0] = kept[size];
                }
            }
        }
        kept[0]
    }
}

/// Moves each lane's smallest value to the front and its largest to the back.
#[inline(always)]
fn to_ends<R: Real>(values: &mut [[R; LANES]]) {
    let last = values.len() - 1;
    let (mut low, mut high) = (values[0], values[last]);
    for l in 0..LANES {
        (low[l], high[l]) = (low[l].min(high[l]), low[l].max(high[l]));
    }
    for value in &mut values[1..last] {
        for l in 0..LANES {
            let (a, b) = (low[l].min(value[l]), low[l].max(value[l]));
            low[l] = a;
            value[l] = b.min(high[l]);
            high[l] = b.max(high[l]);
        }
    }
    values[0] = low;
    values[last] = high;
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    #[test]
    fn the_selection_agrees_with_sorting() {
        for (size, radius) in [
            ([19, 5, 4], [1, 1, 1]),
            ([7, 6, 1], [2, 1, 0]),
            ([3, 2, 2], [0; 3]),
            ([33, 3, 5], [2, 2, 2]),
        ] {
            let grid = Geometry::axis_aligned(size, [1.0; 3]).unwrap();
            let v = Volume::from_fn(grid, |[x, y, z]| {
                ((x * 7919 + y * 104_729 + z * 1299) % 211) as f32
            });
            let ours = median(&v, radius).unwrap();
            for offset in 0..v.data().len() {
                let index = grid.index(offset);
                let mut window = Vec::new();
                let r = radius.map(|r| r as i64);
                for dz in -r[2]..=r[2] {
                    for dy in -r[1]..=r[1] {
                        for dx in -r[0]..=r[0] {
                            let d = [dx, dy, dz];
                            window.push(v.get(
                                0,
                                std::array::from_fn(|a| {
                                    (index[a] as i64 + d[a]).clamp(0, size[a] as i64 - 1) as usize
                                }),
                            ));
                        }
                    }
                }
                window.sort_by(f32::total_cmp);
                assert_eq!(
                    ours.data()[offset],
                    window[window.len() / 2],
                    "{size:?} {index:?}"
                );
            }
        }
    }
}
