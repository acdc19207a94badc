//! Filters in bounded memory: a volume that is read and written slab by slab.
//!
//! Resampling, thresholds and smoothing need only slices near the ones they make.

use crate::resample::{
    Interpolation, LabelInterpolation, LabelResampleOptions, ResampleOptions, resample,
    resample_labels,
};
use crate::scalar::{Real, Sample};
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
/// Slices beyond which a spline prefilter's response to a voxel is below 1e-15.
const SPLINE_REACH: usize = 28;

fn load<T: Voxel>(source: &mut impl SlabSource<T>, first: usize, last: usize) -> Result<Volume<T>> {
    let whole = source.geometry();
    let [x, y, _] = whole.size();
    let grid = whole.region([0, 0, first as i64], [x, y, last - first])?;
    let values = source.read(first, last)?;
    if values.len() != grid.voxel_count() {
        return Err(Error::WrongSlab {
            first,
            last,
            expected: grid.voxel_count(),
            found: values.len(),
        });
    }
    Ok(Volume::new(grid, 1, values)?)
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

/// [`resample`] by slabs of `slices` slices of the target.
///
/// Memory: those, and the source slices that they depend on (all of them, where the target's slices are
/// not parallel to the source's).
///
/// # Errors
/// As [`filter_slabs`] and [`resample`].
pub fn resample_slabs<T: Sample>(
    source: &mut impl SlabSource<T>,
    target: &Geometry,
    slices: usize,
    options: &ResampleOptions,
    mut write: impl FnMut(usize, &Volume<T>) -> Result<()>,
) -> Result<()> {
    let margin = match options.interpolation {
        Interpolation::Cubic => SPLINE_REACH + 2,
        _ => 2,
    };
    for_each_part(source, target, slices, margin, |first, part, slab| {
        write(first, &resample(&slab, part, options)?)
    })
}

/// [`resample_labels`] by slabs of `slices` slices of the target; memory as in [`resample_slabs`].
///
/// # Errors
/// As [`filter_slabs`] and [`resample_labels`].
pub fn resample_labels_slabs<T: Label>(
    source: &mut impl SlabSource<T>,
    target: &Geometry,
    slices: usize,
    options: &LabelResampleOptions,
    mut write: impl FnMut(usize, &LabelMap<T>) -> Result<()>,
) -> Result<()> {
    let margin = match options.interpolation {
        LabelInterpolation::Gaussian { sigma, alpha } => {
            (sigma[2] * alpha).ceil().clamp(0.0, 1e6) as usize + 2
        }
        _ => 2,
    };
    for_each_part(source, target, slices, margin, |first, part, slab| {
        let slab = LabelMap::new(*slab.geometry(), slab.into_data())?;
        write(first, &resample_labels(&slab, part, options)?)
    })
}

/// Passes on the target's slabs, each with the source's slices that it depends on and `margin` more.
fn for_each_part<T: Voxel>(
    source: &mut impl SlabSource<T>,
    target: &Geometry,
    slices: usize,
    margin: usize,
    mut resample: impl FnMut(usize, &Geometry, Volume<T>) -> Result<()>,
) -> Result<()> {
    if slices == 0 {
        return Err(Error::option("slabs", "slices", slices, "1 or more"));
    }
    let whole = source.geometry();
    let [x, y, nz] = target.size();
    if whole.voxel_count() == 0 {
        return Err(Error::NoVoxels {
            filter: "resample",
            size: whole.size(),
        });
    }
    for first in (0..nz).step_by(slices) {
        let last = (first + slices).min(nz);
        let part = target.region([0, 0, first as i64], [x, y, last - first])?;
        // The map is affine, so the slices needed lie between those that the corners need.
        let seen = part.corners().map(|corner| whole.world_to_index(corner)[2]);
        let low = seen.iter().copied().fold(f64::INFINITY, f64::min).floor();
        let high = seen
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max)
            .ceil();
        let end = whole.size()[2];
        let from = (low.max(0.0) as usize).min(end - 1).saturating_sub(margin);
        let to = (high.max(0.0) as usize + 1 + margin).min(end);
        let slab = load(source, from, to.max(from + 1))?;
        resample(first, &part, slab)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resample::{Extrapolation, target_grid};

    fn image() -> Volume<f64> {
        let (c, s) = (0.3f64.cos(), 0.3f64.sin());
        let direction = [[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, -1.0]];
        let grid = Geometry::from_parts([7, 6, 90], [0.5, 0.7, 1.5], [-12.0, 30.0, 8.0], direction);
        Volume::from_fn(grid.unwrap(), |[x, y, z]| {
            ((x * 31 + y * 17 + z * 57) % 23) as f64
        })
    }

    fn agree(parts: &[(usize, Vec<f64>)], whole: &Volume<f64>, tolerance: f64) {
        let joined: Vec<f64> = parts.iter().flat_map(|p| p.1.iter().copied()).collect();
        assert_eq!(joined.len(), whole.data().len());
        for (a, b) in joined.iter().zip(whole.data()) {
            assert!((a - b).abs() <= tolerance, "{a} {b}");
        }
    }

    #[test]
    fn slabs_give_what_the_whole_gives() {
        let v = image();
        let target = target_grid(v.geometry(), [0.6, 0.6, 1.1], Default::default()).unwrap();
        let target = target
            .region([-1, 0, -4], [9, 8, target.size()[2] + 7])
            .unwrap();
        for interpolation in [
            Interpolation::Nearest,
            Interpolation::Linear,
            Interpolation::Cubic,
        ] {
            for outside in [
                Extrapolation::Value(-5.0),
                Extrapolation::ValueBeyondCentres(-5.0),
                Extrapolation::Edge,
            ] {
                let options = ResampleOptions {
                    interpolation,
                    outside,
                };
                let mut parts = Vec::new();
                resample_slabs(&mut &v, &target, 13, &options, |z, slab| {
                    parts.push((z, slab.data().to_vec()));
                    Ok(())
                })
                .unwrap();
                agree(&parts, &resample(&v, &target, &options).unwrap(), 1e-9);
            }
        }
        let mut parts = Vec::new();
        recursive_gaussian_slabs(&mut &v, 11, [1.0, 1.0, 2.0], |z, slab| {
            parts.push((z, slab.data().to_vec()));
            Ok(())
        })
        .unwrap();
        agree(
            &parts,
            &recursive_gaussian(&v, [1.0, 1.0, 2.0]).unwrap(),
            23.0 * 1e-9,
        );
    }

    #[test]
    fn slabs_of_labels_give_what_the_whole_gives() {
        let v = image();
        let labels = LabelMap::from_fn(*v.geometry(), |at| v.get(0, at) as u8 / 6);
        let target = target_grid(v.geometry(), [0.6, 0.6, 1.1], Default::default()).unwrap();
        let target = target
            .region([-1, 0, -4], [9, 8, target.size()[2] + 7])
            .unwrap();
        for interpolation in [
            LabelInterpolation::Nearest,
            LabelInterpolation::Linear,
            LabelInterpolation::Gaussian {
                sigma: [1.0, 1.0, 2.5],
                alpha: 2.0,
            },
        ] {
            let options = LabelResampleOptions {
                interpolation,
                ..Default::default()
            };
            let mut joined = Vec::new();
            resample_labels_slabs(&mut &labels, &target, 13, &options, |_, slab| {
                joined.extend_from_slice(slab.data());
                Ok(())
            })
            .unwrap();
            let whole = resample_labels(&labels, &target, &options).unwrap();
            assert_eq!(joined, whole.data(), "{interpolation:?}");
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
