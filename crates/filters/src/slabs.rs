//! Filters in bounded memory: a volume that is read and written slab by slab.
//!
//! Thresholds and smoothing need only slices near the ones they make; resampling is in `resampled_slabs`.

use crate::scalar::Real;
use crate::{Error, PadMode, Result, crop_or_pad, recursive_gaussian};
use vesalius_volume::{Geometry, Label, LabelMap, Volume, Voxel};

/// A one-channel volume that is read in ranges of slices.
pub trait SlabSource<T: Voxel> {
    /// The grid of the whole volume.
    fn geometry(&self) -> Geometry;
    /// The voxels of slices `first..last`, x fastest.
    ///
    /// # Errors
    /// Any error of reading.
    fn read(&mut self, first: usize, last: usize) -> Result<Vec<T>>;
}

impl<T: Label> SlabSource<T> for &LabelMap<T> {
    fn geometry(&self) -> Geometry {
        *LabelMap::geometry(self)
    }
    fn read(&mut self, first: usize, last: usize) -> Result<Vec<T>> {
        let [x, y, _] = LabelMap::geometry(self).size();
        Ok(self.data()[first * x * y..last * x * y].to_vec())
    }
}

impl<T: Voxel> SlabSource<T> for &Volume<T> {
    fn geometry(&self) -> Geometry {
        *Volume::geometry(self)
    }
    fn read(&mut self, first: usize, last: usize) -> Result<Vec<T>> {
        let [x, y, _] = Volume::geometry(self).size();
        Ok(self.channel(0)[first * x * y..last * x * y].to_vec())
    }
}

/// Slices beyond which a recursive Gaussian's response to a voxel is below 1e-9, per voxel of sigma.
const REACH_PER_SIGMA: f64 = 16.0;

/// Slices as a volume on their own grid.
pub(crate) fn load<T: Voxel>(
    source: &mut (impl SlabSource<T> + ?Sized),
    first: usize,
    last: usize,
) -> Result<Volume<T>> {
    let whole = source.geometry();
    let [x, y, _] = whole.size();
    let grid = whole.region([0, 0, first as i64], [x, y, last - first])?;
    Ok(Volume::new(grid, 1, values(source, first, last)?)?)
}

/// The voxels of slices, as many as there are in them.
pub(crate) fn values<T: Voxel>(
    source: &mut (impl SlabSource<T> + ?Sized),
    first: usize,
    last: usize,
) -> Result<Vec<T>> {
    let [x, y, _] = source.geometry().size();
    let (values, expected) = (source.read(first, last)?, x * y * (last - first));
    match values.len() == expected {
        true => Ok(values),
        false => Err(Error::WrongSlab {
            first,
            last,
            expected,
            found: values.len(),
        }),
    }
}

/// Runs a filter over slabs of `slices` slices with `margin` more on each side, and passes each
/// result, without its margins, to `write` together with its first slice's number.
///
/// `filter` must keep the size. Memory: `slices + 2·margin` slices of input and of output.
///
/// # Errors
/// Those of the source, the filter and the writer; [`Error::BadOption`] when `slices` is 0.
///
/// ```
/// use vesalius_filters::{filter_slabs, median};
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([4, 4, 10], [1.0; 3])?;
/// let image = Volume::from_fn(grid, |[x, y, z]| ((x * 7 + y * 5 + z * 3) % 11) as f32);
/// // 4 slices at a time, each with the neighbour that a radius of 1 needs.
/// let mut result = Vec::new();
/// filter_slabs(&mut &image, 4, 1, |slab| median(slab, [1; 3]), |_, slab| {
///     result.extend_from_slice(slab.data());
///     Ok(())
/// })?;
/// assert_eq!(result, median(&image, [1; 3])?.into_data());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn filter_slabs<T: Voxel, U: Voxel>(
    source: &mut impl SlabSource<T>,
    slices: usize,
    margin: usize,
    filter: impl Fn(&Volume<T>) -> Result<Volume<U>>,
    mut write: impl FnMut(usize, &Volume<U>) -> Result<()>,
) -> Result<()> {
    if slices == 0 {
        return Err(Error::option("slabs", "slices", slices, "1 or more"));
    }
    let [x, y, nz] = source.geometry().size();
    for first in (0..nz).step_by(slices) {
        let last = (first + slices).min(nz);
        let from = first.saturating_sub(margin);
        let slab = load(source, from, (last + margin).min(nz))?;
        let filtered = filter(&slab)?;
        let start = [0, 0, (first - from) as i64];
        let mode = PadMode::Constant(U::default());
        write(
            first,
            &crop_or_pad(&filtered, start, [x, y, last - first], mode)?,
        )?;
    }
    Ok(())
}

/// [`recursive_gaussian`] by slabs; agrees with the whole to 1e-9 of the range.
///
/// # Errors
/// As [`filter_slabs`] and [`recursive_gaussian`].
pub fn recursive_gaussian_slabs<R: Real>(
    source: &mut impl SlabSource<R>,
    slices: usize,
    sigma: [f64; 3],
    write: impl FnMut(usize, &Volume<R>) -> Result<()>,
) -> Result<()> {
    let spacing = source.geometry().spacing()[2];
    let margin = (REACH_PER_SIGMA * sigma[2] / spacing).ceil().max(0.0) as usize + 4;
    filter_slabs(
        source,
        slices,
        margin,
        |slab| recursive_gaussian(slab, sigma),
        write,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slabs_give_what_the_whole_gives() {
        let (c, s) = (0.3f64.cos(), 0.3f64.sin());
        let direction = [[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, -1.0]];
        let grid = Geometry::from_parts([7, 6, 90], [0.5, 0.7, 1.5], [-12.0, 30.0, 8.0], direction);
        let v = Volume::from_fn(grid.unwrap(), |[x, y, z]| {
            ((x * 31 + y * 17 + z * 57) % 23) as f64
        });
        let mut joined = Vec::new();
        recursive_gaussian_slabs(&mut &v, 11, [1.0, 1.0, 2.0], |_, slab| {
            joined.extend_from_slice(slab.data());
            Ok(())
        })
        .unwrap();
        let whole = recursive_gaussian(&v, [1.0, 1.0, 2.0]).unwrap();
        assert_eq!(joined.len(), whole.data().len());
        for (a, b) in joined.iter().zip(whole.data()) {
            assert!((a - b).abs() <= 23.0 * 1e-9, "{a} {b}");
        }
    }

    #[test]
    fn a_source_that_gives_too_little_is_refused() {
        struct Short;
        impl SlabSource<u8> for Short {
            fn geometry(&self) -> Geometry {
                Geometry::axis_aligned([2, 2, 2], [1.0; 3]).unwrap()
            }
            fn read(&mut self, _: usize, _: usize) -> Result<Vec<u8>> {
                Ok(vec![0])
            }
        }
        let run = |slices| filter_slabs(&mut Short, slices, 0, |s| Ok(s.clone()), |_, _| Ok(()));
        assert!(run(1).unwrap_err().to_string().contains("expected 4"));
        assert!(run(0).is_err());
    }
}
