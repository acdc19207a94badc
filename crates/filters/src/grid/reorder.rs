//! Flips and permutations of axes: every voxel keeps its position in the world.

use super::OnGrid;
use crate::Result;
use crate::buffer;
use crate::work::Work;
use rayon::prelude::*;
use vesalius_volume::{Orientation, Voxel};

/// The same voxels in reverse order along each axis that `axes` marks.
///
/// # Errors
/// None that a well-made input can cause.
///
/// ```
/// use vesalius_filters::flip;
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([3, 1, 1], [1.0; 3])?;
/// let flipped = flip(&Volume::new(grid, 1, vec![1.0_f32, 2.0, 3.0])?, [true, false, false])?;
/// assert_eq!(flipped.data(), [3.0, 2.0, 1.0]);
/// // Value 3 is still at 2 mm: position and buffer are reversed together.
/// assert_eq!(flipped.geometry().index_to_world([0.0; 3]), [2.0, 0.0, 0.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn flip<G: OnGrid>(input: &G, axes: [bool; 3]) -> Result<G> {
    let [nx, ny, nz] = input.grid().size();
    let mut out = buffer::filled(G::Value::default(), input.values().len());
    if !out.is_empty() {
        let rows = ny * nz;
        out.par_chunks_mut(nx)
            .enumerate()
            .for_each(|(row, target)| {
                let (channel, y, z) = (row / rows, row % ny, row % rows / ny);
                let y = if axes[1] { ny - 1 - y } else { y };
                let z = if axes[2] { nz - 1 - z } else { z };
                let start = (channel * rows + z * ny + y) * nx;
                target.copy_from_slice(&input.values()[start..start + nx]);
                if axes[0] {
                    target.reverse();
                }
            });
    }
    Ok(input.rebuild(input.grid().flipped(axes), out)?)
}

/// The same voxels with the axes in another order: axis `i` of the result is axis `order[i]` of
/// the input.
///
/// # Errors
/// [`crate::Error::BadOption`] when `order` is not a permutation of 0, 1, 2.
///
/// ```
/// use vesalius_filters::permute;
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([2, 3, 4], [1.0, 2.0, 3.0])?;
/// let image = Volume::from_fn(grid, |[x, y, z]| (100 * x + 10 * y + z) as f32);
/// let permuted = permute(&image, [2, 1, 0])?;
/// assert_eq!(permuted.geometry().size(), [4, 3, 2]);
/// assert_eq!(permuted.get(0, [3, 2, 1]), 123.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn permute<G: OnGrid>(input: &G, order: [usize; 3]) -> Result<G> {
    permute_within(input, order, &Work::unwatched())
}

/// [`permute`] as a step of other work: stops where that is cancelled, and counts nothing.
///
/// # Errors
/// As [`permute`]; [`crate::Error::Cancelled`].
pub(crate) fn permute_within<G: OnGrid>(input: &G, order: [usize; 3], work: &Work) -> Result<G> {
    let mut seen = order;
    seen.sort_unstable();
    if seen != [0, 1, 2] {
        return Err(crate::Error::option(
            "permute",
            "order",
            order,
            "each of 0, 1, 2 once",
        ));
    }
    let size = input.grid().size();
    let values = permuted(input.values(), size, order, work);
    work.check()?;
    Ok(input.rebuild(input.grid().permuted(order), values)?)
}

/// The buffer of one or more channels with its axes in another order.
pub(crate) fn permuted<T: Voxel>(
    values: &[T],
    size: [usize; 3],
    order: [usize; 3],
    work: &Work,
) -> Vec<T> {
    if order == [0, 1, 2] || values.is_empty() {
        return values.to_vec();
    }
    let strides = [1, size[0], size[0] * size[1]];
    let [nx, ny, nz] = order.map(|axis| size[axis]);
    let [sx, sy, sz] = order.map(|axis| strides[axis]);
    let voxels = nx * ny * nz;
    let mut out = buffer::filled(T::default(), values.len());
    out.par_chunks_mut(nx * ny)
        .enumerate()
        .for_each(|(slice, target)| {
            if !work.goes_on() {
                return;
            }
            let source = &values[slice / nz * voxels + slice % nz * sz..];
            // Tiles keep both the strided reads and the writes within the cache.
            const TILE: usize = 32;
            for y0 in (0..ny).step_by(TILE) {
                for x0 in (0..nx).step_by(TILE) {
                    for y in y0..(y0 + TILE).min(ny) {
                        for x in x0..(x0 + TILE).min(nx) {
                            target[y * nx + x] = source[y * sy + x * sx];
                        }
                    }
                }
            }
        });
    out
}

/// The same voxels reordered so that the index axes point as in `target`, to the nearest multiple
/// of 90 degrees; an oblique grid stays oblique.
///
/// # Errors
/// None that a well-made input can cause.
///
/// ```
/// use vesalius_filters::orient;
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([4, 4, 2], [1.0; 3])?;
/// let image = Volume::from_fn(grid, |[x, _, _]| x as f32);
/// let lps = orient(&image, "LPS".parse()?)?;
/// assert_eq!(lps.geometry().orientation().to_string(), "LPS");
/// assert_eq!(lps.data()[..4], [3.0, 2.0, 1.0, 0.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn orient<G: OnGrid>(input: &G, target: Orientation) -> Result<G> {
    let (order, flips) = input.grid().orientation().steps_to(&target);
    let permuted = permute(input, order)?;
    if flips == [false; 3] {
        Ok(permuted)
    } else {
        flip(&permuted, flips)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::{Geometry, LabelMap, Volume};

    fn oblique() -> Volume<i16> {
        let (c, s) = (0.3f64.cos(), 0.3f64.sin());
        let grid = Geometry::from_parts(
            [5, 40, 3],
            [0.5, 0.7, 3.0],
            [-12.0, 30.0, 8.0],
            [[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, -1.0]],
        )
        .unwrap();
        let one = Volume::from_fn(grid, |[x, y, z]| (x + 10 * y + 1000 * z) as i16);
        Volume::stack(&[one.clone(), one.map(|v| -v)]).unwrap()
    }

    /// Every voxel of `a` is found in `b` at the same place in the world.
    fn same_in_world(a: &Volume<i16>, b: &Volume<i16>) {
        for channel in 0..a.channels() {
            for offset in 0..a.geometry().voxel_count() {
                let index = a.geometry().index(offset);
                let world = a.geometry().index_to_world(index.map(|v| v as f64));
                let there = b
                    .geometry()
                    .world_to_index(world)
                    .map(|v| v.round() as usize);
                assert_eq!(a.get(channel, index), b.get(channel, there));
            }
        }
    }

    #[test]
    fn voxels_keep_their_place_in_the_world() {
        let v = oblique();
        for axes in [
            [true, false, false],
            [false, true, true],
            [true, true, true],
        ] {
            let flipped = flip(&v, axes).unwrap();
            same_in_world(&v, &flipped);
            assert_eq!(flip(&flipped, axes).unwrap().data(), v.data());
        }
        for order in [[1, 0, 2], [2, 0, 1], [1, 2, 0], [0, 2, 1]] {
            let permuted = permute(&v, order).unwrap();
            assert_eq!(
                permuted.geometry().size(),
                order.map(|a| v.geometry().size()[a])
            );
            same_in_world(&v, &permuted);
        }
        for code in ["RAS", "LPS", "PIR", "SLA"] {
            let oriented = orient(&v, code.parse().unwrap()).unwrap();
            assert_eq!(oriented.geometry().orientation().to_string(), code);
            same_in_world(&v, &oriented);
        }
        assert!(permute(&v, [0, 0, 1]).is_err());
    }

    #[test]
    fn labels_move_as_images_do() {
        let v = oblique();
        let labels = LabelMap::new(
            *v.geometry(),
            v.channel(0).iter().map(|&a| a as u16).collect(),
        )
        .unwrap();
        let a = orient(&v, "PIR".parse().unwrap()).unwrap();
        let b = orient(&labels, "PIR".parse().unwrap()).unwrap();
        assert_eq!(a.geometry(), b.geometry());
        assert!(
            a.channel(0)
                .iter()
                .zip(b.data())
                .all(|(&a, &b)| a as u16 == b)
        );
    }
}
